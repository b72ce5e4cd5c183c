"""The annex: every entry shown, the keys that signed, the tools that wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from custody.ledger.entry import Json
from custody.ledger.errors import MalformedError
from custody.ledger.governance import PublicKey
from custody.report.language import N_, _
from custody.report.model import EntryLine, KeyLine, ToolLine
from custody.report.phrase import Phrase, joined, phrase, quote
from custody.report.record import Record
from custody.report.times import proved
from custody.timestamp.interval import Times

GOVERNS, ENROLLED, OWN, UNKNOWN = (
    N_("governs the record"),
    N_("enrolled"),
    N_("the record's own key"),
    N_("not enrolled by any entry shown"),
)


def entry_lines(records: Sequence[Record], titles: Mapping[int, Phrase], times: Times) -> tuple[EntryLine, ...]:
    """All entries; `titles` names exhibits by ordinal."""

    def exhibit(record: Record) -> Phrase:
        return titles.get(record.n, phrase("number {n}", n=str(record.n))) if record.n else (_("the case"),)

    return tuple(
        EntryLine(r.index, r.type, exhibit(r), r.at(), proved(r, times), r.source.entry.key.hex(), r.leaf.hex())
        for r in records
    )


def _named_keys(record: Record) -> Iterator[tuple[Any, bool, str]]:
    """(key record, whether it states its id, part) of an entry that names keys."""
    pub = record.source.entry.pub
    policy = pub.get("policy") if record.type == "genesis" else pub
    if record.type in ("genesis", "policy") and isinstance(policy, dict):
        yield from ((item, True, GOVERNS) for item in _list(policy.get("governors")))
    if record.type in ("genesis", "ledger.rotate") and isinstance(policy, dict):
        yield from ((item, False, OWN) for item in _list(policy.get("ledger_keys")))
    if record.type in ("person.enrol", "person.rotate"):
        yield {"alg": pub.get("alg"), "pk": pub.get("pk")}, False, ENROLLED


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def key_lines(records: Sequence[Record]) -> tuple[KeyLine, ...]:
    """Keys in the order in which the record names them, then those that signed without being named."""
    known: dict[bytes, tuple[str, str]] = {}
    for record in records:
        for item, with_id, part in _named_keys(record):
            try:
                key = PublicKey.parse(item, with_id=with_id)
            except MalformedError:
                continue  # the verdict has convicted the entry that names it
            known.setdefault(key.id, (key.alg, part))
    for record in records:
        known.setdefault(record.source.entry.key, ("", UNKNOWN))
    return tuple(_key_line(key, *facts, records) for key, facts in known.items())


def _key_line(key: bytes, algorithm: str, part: str, records: Sequence[Record]) -> KeyLine:
    signed = [record for record in records if record.source.entry.key == key]
    names = dict.fromkeys((quote(record.text("actor")),) for record in signed if record.text("actor"))
    return KeyLine(key.hex(), algorithm, part, joined(names, "; "), len(signed))


def _tool(value: Json) -> Phrase:
    if not isinstance(value, dict):
        return (quote(value),)
    named = phrase("{name} {version}", name=quote(value.get("name")), version=quote(value.get("version")))
    rest: dict[str, Json] = {name: item for name, item in value.items() if name not in ("name", "version") and item}
    return phrase("{tool} ({rest})", tool=named, rest=quote(rest)) if rest else named


def tool_lines(records: Sequence[Record]) -> tuple[ToolLine, ...]:
    """Every tool and version that entries name, in order of appearance."""
    found: dict[Phrase, list[int]] = {}
    for record in records:
        if record.values.get("tool"):
            found.setdefault(_tool(record.values["tool"]), []).append(record.index)
    return tuple(ToolLine(tool, where[0], where[-1], len(where)) for tool, where in found.items())
