"""RE: documents that left the case: reports, bundles, and what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from custody.handling._contract import LESSER, NOTICE, SERIOUS, Rule, Seen
from custody.handling._record import Record
from custody.opened import mapping, text

_TIME = re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?")
_ZONE = re.compile(r"Z|\s?[+-]\d|\s?\(?[A-Z]{2,5}\b|\s?\(?[A-Z][a-z]+/[A-Z]")


def _without_zone(written: str) -> str:
    """The first time in a text that is followed by no zone, "" where there is none."""
    return next((found[0] for found in _TIME.finditer(written) if not _ZONE.match(written, found.end())), "")


def _superseded(record: Record) -> Iterator[Seen]:
    """Handed out again after another one took its place; or made for somebody, and neither registered nor given up."""
    replaced: dict[str, int] = {}
    promised: dict[tuple[str, str], int] = {}
    for act in record.every("export"):
        document, recipient = act.mapping("document"), act.text("recipient")
        digest, kind = text(document.get("sha256")), text(document.get("kind"))
        if digest in replaced:
            yield Seen(
                (replaced[digest], act.index), f"handed out to {recipient or 'somebody'} after it was superseded"
            )
        earlier = text(mapping(document.get("supersedes")).get("sha256"))
        if earlier:
            replaced[earlier] = act.index
        if digest or document.get("not_delivered"):
            promised.pop((recipient, kind), None)
        elif act.values.get("bundle_digest") is not None:
            promised[recipient, kind] = act.index
    for (recipient, kind), index in promised.items():
        if record.complete:
            said = f"a {kind or 'document'} for {recipient or 'somebody'} was made, and its digest was never recorded"
            yield Seen((index,), said, LESSER)


def _held(record: Record) -> Iterator[Seen]:
    """A document that somebody holds: whether the record names it, and no newer one in its place."""
    made = {text(act.mapping("document").get("sha256")): act.index for act in record.every("export")}
    replaced = {
        text(mapping(act.mapping("document").get("supersedes")).get("sha256")): act.index
        for act in record.every("export")
    }
    for name, digest in record.documents:
        if digest in replaced:
            yield Seen((made.get(digest, replaced[digest]), replaced[digest]), f"{name} was superseded")
        elif digest not in made and record.complete:
            yield Seen((), f"{name} is none of the documents on record: it was changed, or never handed out")
        elif digest not in made:
            said = f"{name} is not named here; a bundle does not name what was made after it"
            yield Seen((), said, NOTICE)


def _documents(record: Record) -> Iterator[Seen]:
    yield from _superseded(record)
    yield from _held(record)


def _opinions(record: Record) -> Iterator[Seen]:
    """An opinion that rests on nothing, or a text with times of no zone."""
    for act in record.every("note"):
        if act.text("kind") == "opinion" and not act.answers:
            yield Seen((act.index,), "an opinion that names no observation it rests on")
        naive = _without_zone(act.text("text")) if act.text("kind") != "attachment" else ""
        if naive:
            yield Seen((act.index,), f"the time {naive} in a note says no zone")


def _recipients(record: Record) -> Iterator[Seen]:
    for act in record.every("export"):
        if not act.text("recipient").strip():
            yield Seen((act.index,), "handed out, and nobody says to whom")


RULES: tuple[Rule, ...] = (
    Rule(
        "RE-01", SERIOUS, "A report that says what the record does not",
        "",
        unbuilt="the text of a report made elsewhere is not read; reports of evikit are made from the record alone",
    ),
    Rule(
        "RE-02", SERIOUS, "A document that is not the one on record, or was superseded",
        "Ask for the one that counts: by its digest it must be the newest that the record names.",
        of_case=_documents, needs={"export": ("document", "recipient")}, weaknesses=("DFW-1154",),
    ),
    Rule(
        "RE-03", LESSER, "An opinion without an observation, a time without a zone",
        "Ask what was seen that leads to it: an opinion is worth what it rests on.",
        of_case=_opinions, needs={"note": ("kind", "text")},
    ),
    Rule(
        "RE-04", LESSER, "Handed out to nobody named",
        "Who has a copy of the evidence, or of what was found, must be known.",
        of_case=_recipients, needs={"export": ("recipient",)},
    ),
)  # fmt: skip
