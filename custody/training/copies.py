"""What several teams' records have in common and must not: the ledger itself, keys, whole sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from custody.handling import Record
from custody.training.rubric import Rubric

_SENTENCE = 40
"""From so many characters on, the same words of two teams are worth a question."""


def warnings(records: Mapping[str, Record], rubric: Rubric) -> dict[str, list[str]]:
    """By team, what must be known of its record beside the marks. The order of the teams does not matter."""
    found: dict[str, list[str]] = {team: [] for team in records}
    for team, record in sorted(records.items()):
        found[team] += _alone(team, record, rubric)
    told = {team: _Known(_keys(record), _sentences(record)) for team, record in records.items()}
    for (one, first), (two, second) in combinations(sorted(records.items()), 2):
        if first.verdict.ledger == second.verdict.ledger:
            for team, other in ((one, two), (two, one)):
                found[team].append(f"it is the same ledger as that of {other}")
            continue
        for team, other in ((one, two), (two, one)):
            found[team] += _shared(records[team], told[team], told[other], other)
    return found


@dataclass(frozen=True, slots=True)
class _Known:
    """What is compared of one team: keys that sign, and longer sentences with the first entry of each."""

    keys: set[bytes]
    sentences: dict[str, int]


def _alone(team: str, record: Record, rubric: Rubric) -> Iterator[str]:
    expected = rubric.teams.get(team)
    if expected is not None and expected != record.verdict.ledger:
        yield "it is not the ledger that the rubric names for this team"
    elif expected is None and record.verdict.ledger in rubric.teams.values():
        owner = next(name for name, ledger in rubric.teams.items() if ledger == record.verdict.ledger)
        yield f"it is the ledger of the team {owner}"
    if record.verdict.kind == "live":
        yield "it is the ledger of a live case, not of an exercise"
    sizes = [int(str(act.row.entry.pub["map_size"])) - 1 for act in record.every("closing")]
    if sizes and sizes[-1] > len(record.chains):
        yield f"it shows {len(record.chains)} of {sizes[-1]} exhibits: the others are not marked"


def _shared(record: Record, mine: _Known, others: _Known, other: str) -> Iterator[str]:
    """What a team's record has in common with another one's."""
    for key in sorted(mine.keys & others.keys):
        yield f"the key {key.hex()[:16]} ({record.who(key)}) signs in it and in that of {other}"
    same = sorted(mine.sentences.keys() & others.sentences.keys(), key=lambda said: mine.sentences[said])
    if same:
        first, more = same[0], f", and {len(same) - 1} more are the same" if len(same) > 1 else ""
        yield f"entry {mine.sentences[first]} has the very words {first[:60]!r} of {other}{more}"


def _keys(record: Record) -> set[bytes]:
    """The keys that sign, the ledger's own among them."""
    return {act.key for act in record.acts}


def _sentences(record: Record) -> dict[str, int]:
    """Longer texts that somebody typed, with the first entry they stand in."""
    found: dict[str, int] = {}
    for act in record.every("note", "access.begin", "exhibit.seal", "exhibit.open", "correct"):
        for name in ("text", "reason", "purpose"):
            said = " ".join(act.text(name).split())
            if len(said) >= _SENTENCE and act.text("kind") != "attachment":
                found.setdefault(said, act.index)
    return found
