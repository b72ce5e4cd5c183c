"""AFF4-L: files with their metadata in an AFF4 container, kept whole as members or as streams of chunks.

Source: "AFF4-L: A Scalable Open Logical Evidence Container" (Schatz, 2019), AFF4 Standard 1.1 as pyaff4 writes it.
Properties beyond the standard's (mode, owner, where a link points) are those that `evikit acquire` writes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from custody.access import FoundFile, Part
from forensics.archives._contract import Member, Remarks, Told, member, too_large
from forensics.media import MediumError, aff4
from forensics.media._aff4_volume import Resource, Volume
from forensics.model import Clock

_BLOCK = 1 << 20
_FILES, _FOLDERS, _LINKS = {"fileimage"}, {"folderimage", "folder"}, {"symboliclink"}
_SPECIAL = {"fifo", "socket", "char", "block"}
_STREAMS = {"imagestream", "map"}
_DIGESTS = ("md5", "sha1", "sha256", "sha512")
_TIMES = {"modified": "lastWritten", "accessed": "lastAccessed", "changed": "recordChanged", "created": "birthTime"}
_TIME = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?\d*(Z|[+-]\d\d:?\d\d)?")


class LogicalImage:
    """The files and folders of a container, in the order of their names."""

    format = "aff4-l"

    def __init__(self, part: Part) -> None:
        self._part, self._volume, self._names = part, Volume(part), Remarks()
        kinds = _FILES | _FOLDERS | _LINKS
        self._items = [one for one in self._volume.resources.values() if one.kinds & kinds]
        if not self._items:
            raise MediumError(f"{part.name} describes neither an image nor files")
        self._items.sort(key=lambda one: one.urn)
        self.contradictions: list[str] = []

    def files(self) -> Iterator[FoundFile | OSError]:
        """Files, folders and links."""
        self._names = Remarks()
        for number, item in enumerate(self._items, 1):
            told = self._told(item)
            self._names.take(told.name)
            yield member(told, number, item, self._refusal(item) if told.kind == "file" else "")

    def remarks(self) -> Iterator[str]:
        """As the contract's."""
        return self._names.lines()

    def contents(self, found: Member) -> Iterator[bytes]:
        """The contents; what does not have its stored digests stands in `contradictions` then."""
        item: Resource = found.place
        stored = {value.kind.lower(): value.text.lower() for value in item.get("hash", [])}
        digests = {name: hashlib.new(name, usedforsecurity=False) for name in _DIGESTS if name in stored}
        for block in self._blocks(item, found.facts.st_size):
            for digest in digests.values():
                digest.update(block)
            yield block
        for name, digest in digests.items():
            line = (
                f"{found.name}: the container's stored {name} is {stored[name]}, its contents' is {digest.hexdigest()}"
            )
            if digest.hexdigest() != stored[name] and line not in self.contradictions:
                self.contradictions.append(line)

    def _blocks(self, item: Resource, size: int) -> Iterator[bytes]:
        info = self._volume.member(item.urn)
        if info is not None and not item.kinds & _STREAMS:
            yield from self._volume.blocks(info)
        elif size:
            stream = aff4.Aff4Medium(self._volume, item)
            for offset in range(0, size, _BLOCK):
                yield stream.read_at(offset, min(_BLOCK, size - offset))

    def _refusal(self, item: Resource) -> str:
        size, info = item.number("size"), self._volume.member(item.urn)
        if reason := item.first("unreadable"):
            return f"it could not be read when it was acquired: {reason}"
        if info is None and size and not item.kinds & _STREAMS:
            return "the container does not hold its contents"
        return too_large(size, info.compress_size if info is not None else self._part.size)

    def _told(self, item: Resource) -> Told:
        path = item.first("originalFileName", "pathName")
        raw = bytes.fromhex(item.first("rawPath")) if re.fullmatch("([0-9a-f]{2})+", item.first("rawPath")) else b""
        name = raw.decode("utf-8", "surrogateescape") if raw else path or unquote(item.urn.rpartition("/")[2])
        while name.startswith("./"):
            name = name[2:]
        kind = "directory" if item.kinds & _FOLDERS else "link" if item.kinds & _LINKS else "file"
        kind = next((one for one in _SPECIAL if one == item.first("fileType")), kind)
        times = {field: _nanoseconds(item.first(word)) for field, word in _TIMES.items()}
        return Told(
            name or "/",
            name.encode("utf-8", "surrogateescape") or b"/",
            kind,
            item.number("size") if kind == "file" else 0,
            **{field: at for field, (at, _) in times.items()},
            clock=Clock.UTC if all(utc for _, utc in times.values()) else Clock.UNKNOWN,
            mode=_number(item, "unixMode"),
            uid=_number(item, "unixUid"),
            gid=_number(item, "unixGid"),
            link=item.first("linkTarget"),
        )


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
