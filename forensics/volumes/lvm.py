"""LVM2: the label of a physical volume, the text that describes its group, and the bytes of logical volumes.

Sources: lvm.conf(5), lvmsystemid(7), and the text that LVM2 itself writes; the layout of label and header as libvslvm's
"Logical Volume Manager (LVM) format" gives it. Read by our own code: libvslvm wants every physical volume as a file of
its own, and does not name the one that is missing.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from forensics.model import ExaminationError

ReadAt = Callable[[int, int], bytes]
"""`read_at(offset, length)` inside a volume: short at its end."""

LABEL, TYPE = b"LABELONE", b"LVM2 001"
_SECTOR = 512
_LABEL_SECTORS = 4
_MAGIC = b" LVM2 x[5A%r0N*>"
_MOST_TEXT = 16 << 20
_LONGEST_NAME = 127
_MOST_AREAS, _MOST_DEPTH, _MOST_SEGMENTS = 16, 16, 100_000
_FIRST_CRC = 0xF597A6CF
_COPIES = ("raid1", "mirror")

_TOKEN = re.compile(r'\s*(?:#[^\n]*)?(?:("(?:[^"\\]|\\.)*")|([A-Za-z0-9_.+\-@]+)|([={}\[\],]))?', re.ASCII)


class LvmError(ExaminationError):
    """A physical volume or its group's description cannot be read: one clear line."""


@dataclass(frozen=True, slots=True)
class Physical:
    """A physical volume: its identifier, and the group that its newest description is of ("" before it joins one)."""

    identifier: str
    group: str = ""
    about: Mapping[str, Any] | None = None

    @property
    def serial(self) -> int:
        """How many changes the description has seen."""
        return _number(self.about or {}, "seqno") if self.about else -1


class Stripe(NamedTuple):
    """Where a stripe begins: the physical volume by its identifier, and bytes from its start."""

    physical: str
    offset: int


class Segment(NamedTuple):
    """Bytes of a logical volume: from `start` on, `length` of them, in stripes of `size` bytes by turns."""

    start: int
    length: int
    stripes: tuple[Stripe, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Logical:
    """A logical volume; `problem` says why it has no segments."""

    name: str
    identifier: str
    segments: tuple[Segment, ...]
    problem: str = ""

    @property
    def length(self) -> int:
        """Its bytes."""
        return sum(segment.length for segment in self.segments)


# --- label and metadata areas --------------------------------------------------------------------------------


def _crc(data: bytes) -> int:
    return zlib.crc32(data, _FIRST_CRC ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def is_physical(read_at: ReadAt) -> bool:
    """Whether a volume carries LVM2's label in one of its first four sectors."""
    return _label(read_at) is not None


def _label(read_at: ReadAt) -> bytes | None:
    head = read_at(0, _LABEL_SECTORS * _SECTOR)
    for at in range(0, len(head) - _SECTOR + 1, _SECTOR):
        sector = head[at : at + _SECTOR]
        if sector.startswith(LABEL) and sector[24:32] == TYPE:
            return sector
    return None


def read_physical(read_at: ReadAt) -> Physical:
    """What a physical volume says of itself; raises `LvmError` where its label or all descriptions are damaged."""
    label = _label(read_at)
    if label is None:
        raise LvmError("it has no label of LVM2")
    checksum, begin = struct.unpack_from("<II", label, 16)
    if _crc(label[20:]) != checksum or not 32 <= begin <= 400:
        raise LvmError("the label of the physical volume does not have its checksum")
    raw = label[begin : begin + 32].decode("ascii", "backslashreplace")
    _, rest = _places(label, begin + 40)
    areas, _ = _places(label, rest)
    identifier, problems, newest = _dashed(raw), [], Physical(_dashed(raw))
    for offset, size in areas:
        try:
            text = _newest_text(read_at, offset, size)
            found = Physical(identifier, *_described(text)) if text else None
        except LvmError as error:
            problems.append(str(error))
            continue
        if found is not None and found.serial > newest.serial:
            newest = found
    if problems and newest.about is None:
        raise LvmError(f"the description of its volume group is damaged: {problems[0]}")
    return newest


def _places(label: bytes, at: int) -> tuple[list[tuple[int, int]], int]:
    found: list[tuple[int, int]] = []
    while at + 16 <= len(label) and len(found) < _MOST_AREAS:
        offset, size = struct.unpack_from("<QQ", label, at)
        at += 16
        if not offset:
            break
        found.append((offset, size))
    return found, at


def _dashed(raw: str) -> str:
    """An identifier as LVM2 shows it: 6-4-4-4-4-4-6 characters."""
    ends = (0, 6, 10, 14, 18, 22, 26, 32)
    return "-".join(raw[at:end] for at, end in pairwise(ends))


def _newest_text(read_at: ReadAt, area: int, size: int) -> str:
    """The committed description in a metadata area, "" where there is none yet."""
    header = read_at(area, _SECTOR)
    if len(header) < _SECTOR or header[4:20] != _MAGIC or _crc(header[4:]) != int.from_bytes(header[:4], "little"):
        raise LvmError("a metadata area does not have its checksum")
    offset, length, checksum, ignored = struct.unpack_from("<QQII", header, 40)
    if not offset or ignored & 1:
        return ""
    if not 0 < length <= min(_MOST_TEXT, size) or not _SECTOR <= offset < size:
        raise LvmError(f"a description of {length} bytes at {offset} of an area of {size}")
    raw = read_at(area + offset, min(length, size - offset))
    if len(raw) < length:  # the area is a ring: it goes on behind its header
        raw += read_at(area + _SECTOR, length - len(raw))
    if _crc(raw) != checksum:
        raise LvmError("a description does not have its checksum")
    return raw.rstrip(b"\0").decode("utf-8", "backslashreplace")


# --- the description ----------------------------------------------------------------------------------------


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.end() == at:
            raise LvmError(f"a description with {text[at : at + 20]!r} in it")
        at = match.end()
        if match.lastindex:
            yield match[match.lastindex]


def _section(tokens: Iterator[str], depth: int = 0) -> dict[str, Any]:
    if depth > _MOST_DEPTH:
        raise LvmError("a description that nests too deep")
    found: dict[str, Any] = {}
    for name in tokens:
        if name == "}" and depth:
            return found
        mark = next(tokens, "")
        if mark == "{":
            found[name] = _section(tokens, depth + 1)
        elif mark == "=":
            found[name] = _value(tokens)
        else:
            raise LvmError(f"a description with {mark!r} behind {name!r}")
    if depth:
        raise LvmError("a description that is cut")
    return found


def _value(tokens: Iterator[str]) -> Any:
    first = next(tokens, "")
    if first != "[":
        return _scalar(first)
    found: list[str | int] = []
    for word in tokens:
        if word == "]":
            return found
        if word != ",":
            found.append(_scalar(word))
    raise LvmError("a description that is cut")


def _scalar(token: str) -> str | int:
    if token.startswith('"'):
        return re.sub(r"\\(.)", r"\1", token[1:-1])
    return int(token) if re.fullmatch(r"-?\d{1,19}", token) else token


def _described(text: str) -> tuple[str, Mapping[str, Any]]:
    """The group's name, and what is said about it."""
    found = [(name, value) for name, value in _section(_tokens(text)).items() if isinstance(value, dict)]
    if len(found) != 1:
        raise LvmError(f"a description of {len(found)} volume groups")
    return found[0]


def _number(about: Mapping[str, Any], name: str) -> int:
    value = about.get(name)
    if not isinstance(value, int) or value < 0:
        raise LvmError(f"{name} is {value!r}")
    return value


def _part(about: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = about.get(name, {})
    if not isinstance(value, dict):
        raise LvmError(f"{name} is no section")
    return value


# --- logical volumes -----------------------------------------------------------------------------------------


def physical_names(about: Mapping[str, Any]) -> dict[str, str]:
    """The identifiers of a group's physical volumes, and the device each was seen as."""
    sections = _part(about, "physical_volumes")
    return {str(_part(sections, name).get("id")): str(_part(sections, name).get("device", "")) for name in sections}


def logical_volumes(about: Mapping[str, Any]) -> list[Logical]:
    """The logical volumes of a group that a user sees, in the order of its description."""
    volumes = _part(about, "logical_volumes")
    group = _Group(about, volumes)
    seen = [name for name in volumes if "VISIBLE" in (_part(volumes, name).get("status") or ())]
    if any(len(name) > _LONGEST_NAME for name in seen):
        raise LvmError("a logical volume with a name that LVM2 does not allow")
    return [group.logical(name) for name in seen]


@dataclass(frozen=True, slots=True)
class _Group:
    about: Mapping[str, Any]
    volumes: Mapping[str, Any]

    def logical(self, name: str) -> Logical:
        """A logical volume, with why it is not read where it is not."""
        about = _part(self.volumes, name)
        try:
            return Logical(name, str(about.get("id", "")), tuple(self._segments(name)))
        except LvmError as error:
            return Logical(name, str(about.get("id", "")), (), str(error))

    def _segments(self, name: str) -> Iterator[Segment]:
        if origin := self._origin(name):
            raise LvmError(f"it holds what changed of {origin} since a snapshot, which is not read")
        about, expected = _part(self.volumes, name), 0
        count = _number(about, "segment_count")
        if count > _MOST_SEGMENTS:
            raise LvmError(f"it claims {count} segments")
        for number in range(1, count + 1):
            segment = _part(about, f"segment{number}")
            start, length = self._extents(segment, "start_extent"), self._extents(segment, "extent_count")
            if start != expected or not length:
                raise LvmError(f"its segment {number} begins at byte {start}, not {expected}")
            yield from self._places(segment, start, length)
            expected += length

    def _origin(self, name: str) -> str:
        """The volume whose snapshot keeps its changes in the volume `name`, or ""."""
        for other in self.volumes:
            segment = _part(_part(self.volumes, other), "segment1")
            if segment.get("type") == "snapshot" and segment.get("cow_store") == name:
                return str(segment.get("origin"))
        return ""

    def _extents(self, about: Mapping[str, Any], name: str) -> int:
        return _number(about, name) * _number(self.about, "extent_size") * _SECTOR

    def _places(self, segment: Mapping[str, Any], start: int, length: int) -> Iterator[Segment]:
        kind = segment.get("type")
        if kind in _COPIES:
            yield from self._copy(segment, start, length)
            return
        if kind != "striped":
            raise LvmError(f"a segment of type {kind} is not read")
        listed = segment.get("stripes")
        count = _number(segment, "stripe_count")
        if not isinstance(listed, list) or len(listed) != 2 * count or not count:
            raise LvmError(f"a segment has {count} stripes and names others")
        size = length if count == 1 else _number(segment, "stripe_size") * _SECTOR
        if size <= 0 or length % (size * count):
            raise LvmError(f"{length} bytes in {count} stripes of {size}")
        pairs = zip(listed[::2], listed[1::2], strict=True)
        yield Segment(start, length, tuple(self._stripe(str(name), at) for name, at in pairs), size)

    def _copy(self, segment: Mapping[str, Any], start: int, length: int) -> Iterator[Segment]:
        """The first copy of a mirror, which is a hidden volume of its own."""
        names = [one for one in (segment.get("raids") or segment.get("mirrors") or ()) if isinstance(one, str)]
        chosen = next((name for name in names if "image" in name and self._plain(name)), None)
        if chosen is None:
            raise LvmError(f"a segment of type {segment.get('type')} names no copy that is read")
        found = self.logical(chosen)
        if found.problem or found.length != length:
            raise LvmError(f"its copy {chosen} is not read: {found.problem or 'it has another length'}")
        for one in found.segments:
            yield one._replace(start=start + one.start)

    def _plain(self, name: str) -> bool:
        about = _part(self.volumes, name)
        return all(
            _part(about, key).get("type") == "striped"
            for key in about
            if key.startswith("segment") and key[7:].isdigit()
        )

    def _stripe(self, name: str, extent: Any) -> Stripe:
        about = _part(_part(self.about, "physical_volumes"), name)
        if not about or not isinstance(extent, int) or extent < 0:
            raise LvmError(f"a stripe on {name}, which the group does not list")
        offset = _number(about, "pe_start") * _SECTOR + extent * _number(self.about, "extent_size") * _SECTOR
        return Stripe(str(about.get("id")), offset)


def missing(logical: Logical, there: Sequence[str]) -> list[str]:
    """Identifiers of the physical volumes that a logical one needs and that are not `there`."""
    needed = {stripe.physical for segment in logical.segments for stripe in segment.stripes}
    return sorted(needed - set(there))
