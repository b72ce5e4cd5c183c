"""Notes and findings: what somebody saw, and what they make of it, signed by them and kept apart.

An observation says what is there and where; an opinion says what follows, and names the observations it rests on.
A mistake in either is corrected in the open (`custody.corrections`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from custody.case import Case, Recorded
from custody.ledger.entry import MAX_REFERENCES, Json
from custody.ledger.errors import CustodyError
from custody.transfers import validate_words


@dataclass(frozen=True, slots=True)
class Note:
    """What is to be recorded. `kind`: observation or opinion.

    `location` is a text, or an object: run, volume, path, stream, meta, sha256, offset (bytes), event, words.

    `attachments` are kept by digest already; `about` are entries it rests on, by number or beginning of their hash.
    """

    kind: str
    text: str
    location: Json = None
    attachments: Sequence[Mapping[str, Json]] = ()
    about: Sequence[str] = ()


def record_note(case: Case, n: int, note: Note) -> Recorded:
    """Sign a note about the exhibit with ordinal `n`, or about the case (0)."""
    validate_words("text", note.text)
    leaves = list(dict.fromkeys(case.find_entry(given).leaf for given in note.about))
    if len(leaves) > MAX_REFERENCES:
        raise CustodyError(f"a note can name {MAX_REFERENCES} entries", "Write several notes.")
    values: dict[str, Json] = {
        "kind": note.kind,
        "text": note.text,
        "location": note.location,
        "attachments": [dict(item) for item in note.attachments],
    }
    return case.record("note", n, values, re=leaves)
