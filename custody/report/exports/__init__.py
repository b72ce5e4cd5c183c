"""A report in the forms that other programs read (docs/formats.md). They carry; the bundle proves.

A new form is one file here and one line in `EXPORTS`.
"""

from __future__ import annotations

from custody.report.exports import case, csv, dfxml, xlsx
from custody.report.exports._contract import Export, ListedFile, Material

__all__ = ["EXPORTS", "Export", "ListedFile", "Material", "named"]

EXPORTS: tuple[Export, ...] = (case, csv, xlsx, dfxml)


def named() -> dict[str, Export]:
    """The forms by the word that asks for them: the name of their file here."""
    return {module.__name__.rpartition(".")[2]: module for module in EXPORTS}  # type: ignore[attr-defined]
