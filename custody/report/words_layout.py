"""Headings of sections and of columns, labels of facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

SECTIONS: Final[Mapping[str, str]] = {
    "verdict": "The verdict, and how to verify it yourself",
    "summary": "Summary in plain words",
    "scope": "Authority, scope and questions",
    "author": "Author and declaration",
    "exhibits": "The exhibits received",
    "custody": "Custody: who did what, when and why",
    "digests": "Acquisition and verification: digests",
    "times": "Time basis",
    "methods": "Method and tools",
    "findings": "Findings: what was observed",
    "opinions": "Interpretation and opinions",
    "limits": "Limits, failures, and what was not read",
    "disclosure": "What is kept closed, and by which rule",
    "annex": "Annexes",
    "signatures": "Signatures",
}
"""In their order; the first is number 1."""

COLUMNS: Final[Mapping[str, Sequence[str]]] = {
    "brief": ("Exhibit", "Last held by", "Accesses", "Digests"),
    "stamps": ("Entry", "Time", "Authority", "Over", "Whether it holds"),
    "tools": ("Tool", "Entries", "How many"),
    "custody": ("Entry", "When (claimed; proved)", "Who", "What and why", "Outcome"),
    "digests": ("Algorithm", "Where it comes from", "Value", "Comparison"),
    "containers": ("File", "Exhibit", "Algorithm", "Value", "Source"),
    "entries": ("Entry", "Type", "Concerns", "Claimed time", "Signed with key", "Leaf hash"),
    "keys": ("Key", "Algorithm", "Part", "Names used with it", "Entries signed"),
    "volumes": ("Volume", "Offset (bytes)", "Length (bytes)", "Description", "File system, or why unread", "Label"),
    "results": ("File", "SHA-256"),
    "files": ("File", "Volume", "Meta address", "What was read", "Bytes", "SHA-256", "Access ended"),
    "problems": ("Where", "At which stage", "Why"),
    "events": ("Time (UTC)", "Kind", "Path and what it says", "Clock"),
    "activity": ("Period", "Events", "Of which, by source"),
    "claims": ("Claim", "Result", "Why"),
}
"""By kind of table."""

CASE: Final[Mapping[str, str]] = {
    "number": "Case number",
    "title": "Title",
    "agency": "Agency",
    "zone": "Time zone of the case",
}
EXHIBIT: Final[Mapping[str, str]] = {"description": "Description", "kind": "Kind"}
EXHIBIT_IF_STATED: Final[Mapping[str, str]] = {
    "parent": "Part of",
    "serial": "Serial number",
    "condition": "Condition",
    "seal": "Seal",
    "photographs": "Photographs",
    "size": "Size",
}
SEVERITY: Final[Mapping[str, str]] = {
    "serious": "Handling: serious",
    "lesser": "Handling: lesser",
    "notice": "Handling: worth knowing",
}
COUNTED: Final[Mapping[str, str]] = {
    "entries": "entries {count}",
    "exhibits": "exhibits {count}",
    "signatures": "signatures {count}",
    "openings": "opened fields {count}",
    "manifest rows": "single files proved to be read {count}",
    "checkpoints": "signed heads {count}",
    "time-stamps": "time-stamps {count}",
    "fields erased": "fields erased {count}",
    "fields withheld": "fields withheld {count}",
}
"""What a verdict counts, where its own word would puzzle a reader."""
FOUND: Final[Mapping[str, str]] = {
    "files": "{count} files",
    "events": "{count} events",
    "artefacts": "{count} artefacts",
    "problems": "{count} problems",
    "volumes": "{count} volumes",
}
"""What an examination counts."""
