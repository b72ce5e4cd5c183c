"""The change journal of NTFS ($UsnJrnl:$J): which file was made, written, renamed, deleted, and when.

The records are those of the Windows SDK: USN_RECORD_V2 and USN_RECORD_V3 (winioctl.h).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._lines import ProblemLimit
from forensics.parsers._windows import filetime

_NAME, _VERSION, _KIND = "usn_journal", "1", "usn.record"
_BLOCK = 1 << 20
_ALIGNED = 8
_HEAD = struct.Struct("<IHH")
_V2 = struct.Struct("<IHHQQQQIIIIHH")
_V3 = struct.Struct("<IHH16s16sQQIIIIHH")
_SHORTEST, _LONGEST = _V2.size, 65_536
_ENTRY = 0xFFFF_FFFF_FFFF  # the lower 48 bits of a reference: the MFT entry; above it the sequence

# fmt: off
_REASONS = (
    (0x1, "data overwritten"), (0x2, "data extended"), (0x4, "data truncated"), (0x10, "stream overwritten"),
    (0x20, "stream extended"), (0x40, "stream truncated"), (0x100, "created"), (0x200, "deleted"),
    (0x400, "extended attributes changed"), (0x800, "security changed"), (0x1000, "renamed from"),
    (0x2000, "renamed to"),
    (0x4000, "indexing changed"), (0x8000, "attributes or times changed"), (0x10000, "hard link changed"),
    (0x20000, "compression changed"), (0x40000, "encryption changed"), (0x80000, "object identifier changed"),
    (0x100000, "reparse point changed"), (0x200000, "stream changed"), (0x400000, "transacted"),
    (0x800000, "integrity changed"), (0x80000000, "closed"),
)
# fmt: on


def _reasons(flags: int) -> str:
    known = [words for flag, words in _REASONS if flags & flag]
    rest = flags & ~sum(flag for flag, _ in _REASONS)
    return ", ".join([*known, *([f"0x{rest:x}"] if rest else [])])


def _reference(value: int | bytes) -> tuple[str, str]:
    """MFT entry and sequence of a reference; an identifier of 128 bits (ReFS) in hexadecimal and no sequence."""
    if isinstance(value, bytes):
        if value[8:].strip(b"\0"):
            return value[::-1].hex(), ""
        value = int.from_bytes(value[:8], "little")
    return str(value & _ENTRY), str(value >> 48)


def _is_head(data: bytes, place: int = 0) -> bool:
    """Whether a record could begin so."""
    if len(data) < place + _HEAD.size:
        return False
    length, major, minor = _HEAD.unpack_from(data, place)
    return _SHORTEST <= length <= _LONGEST and length % _ALIGNED == 0 and major in (2, 3) and minor == 0


class _Journal:
    """One journal being read: sparse at its start, records aligned to 8 bytes, a page's rest filled with zeros."""

    def __init__(self, facts: Facts) -> None:
        self._facts, self._source = facts, facts.source
        self._problems = ProblemLimit(facts.source, f"parser {_NAME}")

    def read(self) -> Iterator[Artefact | Problem]:
        offset, bad = 0, -1
        while offset < self._source.size:
            block = self._source.read_at(offset, _BLOCK)
            if not block:
                break
            if not block.strip(b"\0"):
                offset += len(block)
                continue
            place = 0
            while place + _SHORTEST <= len(block):
                if not any(block[place : place + _ALIGNED]):
                    place += _ALIGNED
                    continue
                found = self._record(offset, block, place)
                if found is None and len(block) - place < _LONGEST and len(block) == _BLOCK:
                    break  # it may go on in the next block
                if found is None:
                    bad = offset + place if bad < 0 else bad
                    place += _ALIGNED
                    continue
                if bad >= 0:
                    yield from self._unread(bad, offset + place)
                    bad = -1
                artefact, length = found
                yield artefact
                place += length
            offset += max(place, _ALIGNED) if len(block) == _BLOCK else len(block)
        if bad >= 0:
            yield from self._unread(bad, self._source.size)
        yield from self._problems.summary()

    def _unread(self, start: int, end: int) -> Iterator[Problem]:
        yield from self._problems.problem(start, end - start, f"{end - start:,} bytes of the journal are no record")

    def _record(self, offset: int, block: bytes, place: int) -> tuple[Artefact, int] | None:
        """The record at `place` of a block that stands at `offset`, and its length; None where none stands whole."""
        if not _is_head(block, place):
            return None
        length, major, _ = _HEAD.unpack_from(block, place)
        data = block[place : place + length]
        layout = _V2 if major == 2 else _V3
        if len(data) < length or length < layout.size:
            return None
        _, _, _, own, parent, usn, at, reason, source, security, attributes, size, start = layout.unpack_from(data)
        if start < layout.size or start + size > length:
            return None
        entry, sequence = _reference(own)
        parent_entry, parent_sequence = _reference(parent)
        fields: dict[str, object] = {
            "name": data[start : start + size].decode("utf-16-le", "backslashreplace"),
            "reason": _reasons(reason),
            "mft_entry": entry,
            "mft_sequence": sequence,
            "parent_entry": parent_entry,
            "parent_sequence": parent_sequence,
            "usn": usn,
            "attributes": f"0x{attributes:x}",
            "source": f"0x{source:x}" if source else "",
            "security_id": security or "",
            "version": major,
        }
        return self._facts.artefact(_KIND, {"recorded": filetime(at)}, fields, place=(offset + place, length)), length


@dataclass(frozen=True, slots=True)
class UsnJournalParser:
    """Artefacts `usn.record`: time `recorded` (UTC, 100 ns); fields name, reason (words), mft_entry, mft_sequence,
    parent_entry, parent_sequence, usn, attributes, source, security_id, version.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """The stream $J by its name; an exported one by its name and the first record."""
        low = name.lower()
        if low.endswith(":$j") or low == "$j":
            return True
        return "usnjrnl" in low and not low.endswith(":$max") and (_is_head(head) or not head.strip(b"\0"))

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every record in the order of the journal; see `Parser.parse`."""
        yield from _Journal(Facts(source, self.name, self.version)).read()


PARSER = UsnJournalParser()
