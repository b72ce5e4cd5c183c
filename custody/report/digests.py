"""Digest pairs: what was stated, stored and computed for a medium, side by side; digests of container files apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from custody.ledger.entry import Json
from custody.report import words
from custody.report.language import _
from custody.report.model import ContainerLine, DigestLine, Mark
from custody.report.phrase import Phrase, phrase, quote, visible
from custody.report.record import Record, entry_numbers

ALGORITHMS: Mapping[str, str] = {"sha256": "SHA-256", "sha512": "SHA-512", "sha1": "SHA-1", "md5": "MD5"}
"""In the order in which they are printed."""


@dataclass(frozen=True, slots=True)
class _Stated:
    """A digest as some entry states it. `whole`: computed from every byte of the medium."""

    algorithm: str
    value: str
    source: str
    entry: int
    whole: bool = False
    expected: bool = False


@dataclass(frozen=True, slots=True)
class MediumDigests:
    """The digest table of one exhibit, and its result in words."""

    lines: tuple[DigestLine, ...]
    verdict: str
    mark: Mark


def _pairs(value: Json) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield from ((name, text.lower()) for name, text in value.items() if isinstance(text, str))


def _stated_by(record: Record) -> Iterator[_Stated]:
    if record.type == "exhibit.register":
        for name, value in _pairs(record.values.get("media_digests")):
            yield _Stated(name, value, words.SLIP, record.index, expected=True)
    if record.type != "access.end" or record.text("path"):  # with a path: digests of that one file
        return
    expected = record.values.get("expected")
    groups = expected.items() if isinstance(expected, dict) else ()
    for label, group in (("", expected), *groups):
        for name, value in _pairs(group):
            source = words.EXPECTED.get(label, words.EXPECTED[""])
            yield _Stated(name, value, source, record.index, expected=True)
    whole = record.text("basis") == "whole"
    source = words.COMPUTED if whole else words.COMPUTED_PART
    computed = dict((*_pairs(record.values.get("computed")), *_pairs(record.values.get("media_digests"))))
    for name, value in computed.items():
        yield _Stated(name, value, source, record.index, whole)


def _rank(algorithm: str) -> tuple[int, str]:
    known = list(ALGORITHMS)
    return (known.index(algorithm) if algorithm in known else len(known), algorithm)


def medium_digests(records: Sequence[Record]) -> MediumDigests:
    """All digests of the exhibit's medium, by algorithm, in the order of the entries that state them."""
    stated = [item for record in records for item in _stated_by(record)]
    reference: dict[str, _Stated] = {}
    for item in stated:
        if item.whole:
            reference.setdefault(item.algorithm, item)
    kept = [item for item in stated if not _repeats(item, reference.get(item.algorithm))]
    lines = tuple(
        _line(alike, reference.get(alike[0].algorithm))
        for alike in _alike(sorted(kept, key=lambda item: _rank(item.algorithm)), reference)
    )
    refused = any(record.values.get("match") is False for record in records if not record.text("path"))
    again = {item.entry for item in stated if item.whole} - {item.entry for item in reference.values()}
    return MediumDigests(lines, *_summary(lines, refused=refused, again=len(again)))


def _repeats(item: _Stated, reference: _Stated | None) -> bool:
    """A later verification expects what was computed before: that says nothing new."""
    return (
        item.expected
        and item.source in (words.EXPECTED[""], words.EXPECTED["recorded"])
        and reference is not None
        and item.entry > reference.entry
        and item.value == reference.value
    )


def _alike(stated: Sequence[_Stated], reference: Mapping[str, _Stated]) -> list[list[_Stated]]:
    """What was said once and what was said again in the same words, together, each where it was said first."""
    groups: dict[tuple[str, str, str], list[_Stated]] = {}
    for item in stated:
        groups.setdefault((item.algorithm, item.value, _source(item, reference.get(item.algorithm))), []).append(item)
    return list(groups.values())


def _source(item: _Stated, reference: _Stated | None) -> str:
    return words.COMPUTED_AGAIN if item.whole and item is not reference else item.source


def _line(alike: Sequence[_Stated], reference: _Stated | None) -> DigestLine:
    item = alike[0]
    if item is reference:
        compared, mark = words.REFERENCE, Mark.NONE
    elif reference is None or not (item.whole or item.expected):
        compared, mark = words.NOT_COMPARED, Mark.CAUTION
    elif item.value == reference.value:
        compared, mark = words.SAME, Mark.GOOD
    else:
        compared, mark = words.DIFFERENT, Mark.BAD
    name = ALGORITHMS.get(item.algorithm, visible(item.algorithm, 40))
    source = phrase(_source(item, reference), entries=entry_numbers([item.entry for item in alike]))
    return DigestLine(name, source, (quote(item.value, code=True),), compared, mark)


def _summary(lines: Sequence[DigestLine], *, refused: bool, again: int) -> tuple[str, Mark]:
    marks = {line.mark for line in lines}
    if refused or Mark.BAD in marks:
        return _(words.DIGESTS_DIFFER), Mark.BAD
    if not any(line.compared == words.REFERENCE for line in lines):
        return _(words.DIGESTS_NONE), Mark.CAUTION
    if Mark.GOOD not in marks:
        return _(words.DIGESTS_ALONE), Mark.CAUTION
    later = words.VERIFIED_LATER_ONCE if again == 1 else words.VERIFIED_LATER
    return _(words.DIGESTS_AGREE) + (f" {_(later).format(times=again)}" if again else ""), Mark.GOOD


def container_lines(records: Sequence[Record]) -> tuple[ContainerLine, ...]:
    """Digests of the files that hold the image, wherever an entry states them, each once a value."""
    found: dict[tuple[Phrase, str, str], ContainerLine] = {}
    for record in records:
        for field in ("container_digests", "parts"):
            for name, algorithm, value in _file_digests(record.values.get(field)):
                line = ContainerLine(
                    file=(quote(name, code=True),),
                    source=(entry_numbers([record.index]),),
                    algorithm=ALGORITHMS[algorithm],
                    value=(quote(value, code=True),),
                )
                found.setdefault((line.file, algorithm, value), line)
    return tuple(found.values())


def _file_digests(value: Json) -> Iterator[tuple[Json, str, str]]:
    """(file, algorithm, value) of either shape in use: a list of files, or an object by file name."""
    if isinstance(value, dict):
        by_algorithm = value.keys() <= ALGORITHMS.keys()
        value = [value] if by_algorithm else [_named(name, item) for name, item in value.items()]
    for item in value if isinstance(value, list) else []:
        if not isinstance(item, dict):
            continue
        digests = item.get("digests")
        for name, text in _pairs(digests if isinstance(digests, dict) else item):
            if name in ALGORITHMS:
                yield item.get("name"), name, text


def _named(name: str, item: Json) -> Json:
    return {"name": name, "digests": item if isinstance(item, dict) else {"sha256": item}}
