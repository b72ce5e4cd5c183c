"""AFF4-L: files with their metadata in an AFF4 container, kept whole as members or as streams of chunks.

Source: "AFF4-L: A Scalable Open Logical Evidence Container" (Schatz, 2019), AFF4 Standard 1.1 as pyaff4 writes it.
Properties beyond the standard's (mode, owner, where a link points) are those that `evikit acquire` writes.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from custody.access import FoundFile, Part, shown
from forensics.archives._contract import ALLOWANCE_OF_IMAGES, Member, Remarks, Told, member, too_large
from forensics.media import MediumError, aff4
from forensics.media._aff4_volume import Resource, Volume
from forensics.model import Clock

_BLOCK = 1 << 20
_FILES, _FOLDERS, _LINKS = {"fileimage", "unreadfile", "specialfile"}, {"folderimage", "folder"}, {"symboliclink"}
_SPECIAL = {"fifo", "socket", "char", "block"}
_STREAMS = {"imagestream", "map"}
_DIGESTS = ("md5", "sha1", "sha256", "sha512")
_TIMES = {"modified": "lastWritten", "accessed": "lastAccessed", "changed": "recordChanged", "created": "birthTime"}
_TIME = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?\d*(Z|[+-]\d\d:?\d\d)?")


@dataclass(frozen=True, slots=True)
class _Item:
    """What is kept of one resource: a container may hold a million."""

    urn: str
    told: Told
    stored: tuple[tuple[str, str], ...]
    streamed: bool
    unreadable: str


class LogicalImage:
    """The files, folders and links of a container, in the order of their names."""

    format = "aff4-l"
    allowance = ALLOWANCE_OF_IMAGES

    def __init__(self, part: Part) -> None:
        self._part, self._volume, self._names = part, Volume(part), Remarks()
        self.contradictions: list[str] = []
        try:
            self._items = self._gathered(self._volume.described())
        except ValueError:  # written in an odd way, or a resource in several places
            self._items = self._gathered(self._volume.resources.values())
        if not self._items:
            raise MediumError(f"{part.name} describes neither an image nor files")

    def _gathered(self, resources: Iterable[Resource]) -> list[_Item]:
        """What there is, sorted by name. ValueError where a resource comes a second time."""
        items = [_item(one) for one in resources if one.kinds & (_FILES | _FOLDERS | _LINKS)]
        items.sort(key=lambda one: (one.told.name, one.urn))
        if any(one.urn == following.urn for one, following in pairwise(items)):
            raise ValueError("a resource is described in several places")
        return items

    def files(self) -> Iterator[FoundFile | OSError]:
        """Files, folders and links."""
        self._names = Remarks()
        for number, item in enumerate(self._items, 1):
            self._names.take(item.told.name)
            yield member(item.told, number, item, self._refusal(item) if item.told.kind == "file" else "")

    def remarks(self) -> Iterator[str]:
        """As the contract's."""
        return self._names.lines()

    def contents(self, found: Member) -> Iterator[bytes]:
        """The contents; what does not have its stored digests stands in `contradictions` then."""
        item: _Item = found.place
        digests = {name: hashlib.new(name, usedforsecurity=False) for name, _ in item.stored}
        for block in self._blocks(item, found.facts.st_size):
            for digest in digests.values():
                digest.update(block)
            yield block
        for name, stored in item.stored:
            computed = digests[name].hexdigest()
            line = f"{shown(found.name)}: the container's stored {name} is {stored}, its contents' is {computed}"
            if computed != stored and line not in self.contradictions:
                self.contradictions.append(line)

    def _blocks(self, item: _Item, size: int) -> Iterator[bytes]:
        info = self._volume.member(item.urn)
        if info is not None and not item.streamed:
            yield from self._volume.blocks(info)
        elif size:
            stream = aff4.Aff4Medium(self._volume, self._volume.resources[item.urn])
            for offset in range(0, min(size, stream.size), _BLOCK):
                yield stream.read_at(offset, min(_BLOCK, size - offset))

    def _refusal(self, item: _Item) -> str:
        size, info = item.told.size, self._volume.member(item.urn)
        if item.unreadable:
            return f"it could not be read when it was acquired: {item.unreadable}"
        if info is None and size and not item.streamed:
            return "the container does not hold its contents"
        return too_large(size, info.compress_size if info is not None else self._part.size, self.allowance)


def _item(item: Resource) -> _Item:
    name = _raw(item, "rawPath") or item.first("originalFileName", "pathName") or unquote(item.urn.rpartition("/")[2])
    while name.startswith("./"):
        name = name[2:]
    kind = "directory" if item.kinds & _FOLDERS else "link" if item.kinds & _LINKS else "file"
    kind = next((one for one in _SPECIAL if one == item.first("fileType")), kind)
    times = {field: _nanoseconds(item.first(word)) for field, word in _TIMES.items()}
    told = Told(
        name or "/",
        os.fsencode(name) or b"/",
        kind,
        _size(item) if kind == "file" else 0,
        **{field: at for field, (at, _) in times.items()},
        clock=Clock.UTC if all(utc for _, utc in times.values()) else Clock.UNKNOWN,
        mode=_number(item, "unixMode"),
        uid=_number(item, "unixUid"),
        gid=_number(item, "unixGid"),
        link=_raw(item, "rawTarget") or item.first("linkTarget"),
    )
    stored = tuple((value.kind.lower(), value.text.lower()) for value in item.get("hash", []))
    known = tuple((name, value) for name, value in stored if name in _DIGESTS)
    return _Item(item.urn, told, known, bool(item.kinds & _STREAMS), item.first("unreadable"))


def _size(item: Resource) -> int:
    """The bytes the file had, also where not all of them could be read."""
    return item.number("sizeFound") or item.number("size")


def _raw(item: Resource, name: str) -> str:
    """A name whose bytes are no text, from their hex; "" where there is none."""
    written = item.first(name)
    return os.fsdecode(bytes.fromhex(written)) if re.fullmatch("([0-9a-f]{2})+", written) else ""


def _number(item: Resource, name: str) -> int | None:
    return item.number(name) if item.first(name) else None


def _nanoseconds(written: str) -> tuple[int | None, bool]:
    """A time of XML Schema in nanoseconds since 1970, and whether it says its zone (or there is none at all)."""
    found = _TIME.fullmatch(written)
    if found is None:
        return None, True
    try:
        moment = datetime.fromisoformat(found[1] + (found[3] or "Z").replace("Z", "+00:00"))
    except ValueError:
        return None, True
    fraction = int((found[2] or "0").ljust(9, "0"))
    return int(moment.timestamp()) * 1_000_000_000 + fraction, found[3] is not None


def recognises(part: Part) -> bool:
    """An AFF4 container that holds no disk image."""
    return aff4.recognises(part) and aff4.is_logical(part)


def open_archive(part: Part, _zone: ZoneInfo | None, _workspace: Path | None) -> LogicalImage:
    """The container; raises `MediumError` where it is damaged or describes no files."""
    return LogicalImage(part)
