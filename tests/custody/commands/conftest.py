"""The labs of tests/console.py."""

from tests.console import begun, case, empty_lab, furnished, lab

__all__ = ["begun", "case", "empty_lab", "furnished", "lab"]
