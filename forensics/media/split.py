"""Raw images cut into segments: `.000 .001`, `.001 .002`, `.01 .02`, `.aa .ab`, `x00`, `xaa`, `.1of3`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from custody.access import Part, PartOpener
from forensics.media._contract import MediumError
from forensics.media.raw import RawMedium

LOOK_AHEAD = 100
"""How many names beyond a missing segment are tried, to tell a gap from the end."""

_DIGITS = re.compile(r"^(?P<stem>.*(?:\.|(?:^|/)x))(?P<number>\d{2,6})$", re.DOTALL)
_LETTERS = re.compile(r"^(?P<stem>.*(?:\.|(?:^|/)x))(?P<number>[a-z]{2,4}|[A-Z]{2,4})$", re.DOTALL)
_OF = re.compile(r"^(?P<stem>.*[.\-_])(?P<number>\d{1,4})of(?P<total>\d{1,4})(?P<tail>\.\w+)?$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Numbering:
    """How a set of segments is named: `name(n)` for segment number `n`, and this one's number.

    `total` is the number of segments where the names say it, else None. `certain` means that the
    name alone proves a numbering (a leading zero): `.002` does, the year `.2024` or `.dd` does not.
    """

    name: Callable[[int], str | None]
    number: int
    total: int | None = None
    certain: bool = False


def numbering(name: str) -> Numbering | None:
    """The numbering a segment's name follows, or None when the name carries no number."""
    if match := _OF.match(name):
        stem, total, tail = match["stem"], match["total"], match["tail"] or ""
        width = len(match["number"])
        return Numbering(
            lambda n: f"{stem}{n:0{width}d}of{total}{tail}", int(match["number"]), int(total), certain=True
        )
    if match := _DIGITS.match(name):
        stem, width = match["stem"], len(match["number"])
        certain = match["number"].startswith("0")
        return Numbering(lambda n: f"{stem}{n:0{width}d}", int(match["number"]), certain=certain)
    if match := _LETTERS.match(name):
        stem, letters = match["stem"], match["number"]
        return Numbering(lambda n: _lettered(stem, n, letters), _letter_number(letters))
    return None


def _letter_number(letters: str) -> int:
    number = 0
    for letter in letters.lower():
        number = number * 26 + ord(letter) - ord("a")
    return number


def _lettered(stem: str, number: int, like: str) -> str | None:
    letters = ""
    for _ in like:
        number, digit = divmod(number, 26)
        letters = chr((ord("a") if like.islower() else ord("A")) + digit) + letters
    return None if number else stem + letters


def _probe(scheme: Numbering, number: int, open_part: PartOpener) -> Part | None:
    name = scheme.name(number)
    if name is None or number < 0:
        return None
    try:
        return open_part(name)
    except FileNotFoundError:
        return None


def _refuse_later_segment(given: Part, scheme: Numbering, open_part: PartOpener) -> None:
    """A segment other than the first was given: say which one is wanted, or that it is missing."""
    for number in range(min(scheme.number, 2)):
        if (first := _probe(scheme, number, open_part)) is not None:
            raise MediumError(
                f"{given.name} is not the first segment: that is {first.name}",
                "Give the first segment; the others are found from it.",
            )
    if scheme.number > 1 and scheme.certain:
        raise MediumError(
            f"{given.name} is a later segment of a split image, and {scheme.name(1)} is missing",
            "Put all segments in one folder and give the first.",
        )


def _missing(scheme: Numbering, number: int, open_part: PartOpener) -> str | None:
    """The name of segment `number` if a later one exists (a gap), else None (the end)."""
    if scheme.total is not None:
        return scheme.name(number) if number <= scheme.total else None
    for later in range(number + 1, number + 1 + LOOK_AHEAD):
        if (part := _probe(scheme, later, open_part)) is not None:
            return f"{scheme.name(number)} (but {part.name} is there)"
    return None


def _segments(first: Part, scheme: Numbering, open_part: PartOpener) -> Iterator[Part]:
    yield first
    number = scheme.number + 1
    while (part := _probe(scheme, number, open_part)) is not None:
        yield part
        number += 1
    if (missing := _missing(scheme, number, open_part)) is not None:
        raise MediumError(
            f"segment missing: {missing}", "Put all segments in one folder; a medium with a hole is not read."
        )


def _uneven(parts: list[Part]) -> list[str]:
    """Segments but the last are cut to one size; another size means one was changed or cut short."""
    size = parts[0].size
    problems = [
        f"segment {part.name} has {part.size} bytes where the first has {size}"
        for part in parts[1:-1]
        if part.size != size
    ]
    if len(parts) > 1 and parts[-1].size > size:
        problems.append(f"the last segment {parts[-1].name} is larger than the first ({parts[-1].size} bytes)")
    return problems


def recognises(first: Part) -> bool:
    """Whether the name ends like a segment's."""
    return numbering(first.name) is not None


def open_parts(first: Part, open_part: PartOpener) -> RawMedium:
    """All segments from the first on, or a plain raw medium when the name only looks numbered.

    Raises `MediumError` for a missing segment (named), a later segment given as the first, an empty set.
    """
    scheme = numbering(first.name)
    if scheme is None:
        return RawMedium("raw", [first])
    _refuse_later_segment(first, scheme, open_part)
    # A name that only happens to end like a number (`.2024`, `.dd`) starts no set.
    parts = [first] if scheme.number > 1 else list(_segments(first, scheme, open_part))
    return RawMedium("split" if len(parts) > 1 else "raw", parts, _uneven(parts))
