"""AFF4-L containers: files with their metadata, each digested on the way, described in Turtle at the end.

Source: "AFF4-L: A Scalable Open Logical Evidence Container" (Schatz, 2019); names and types as pyaff4 0.34 writes them
for version 1.1. What that has no word for (mode, owner, links, extended attributes) stands under a name of our own.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from custody.access import FoundFile, shown
from forensics.acquire.zip_writer import ZipWriter

OWN = "urn:evikit:aff4-l:1#"
"""The namespace of what the standard has no word for."""

_PREFIXES = f"""@prefix aff4: <http://aff4.org/Schema#> .
@prefix evikit: <{OWN}> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .

"""
DIGESTS = ("md5", "sha1", "sha256")
_RESERVED = ("information.turtle", "version.txt", "container.description")
_BYTES = re.compile(rb'[\x00-\x20"%<>\\^`{|}\x7f-\xff]')
_SIGNS = re.compile(r'[\x00-\x20"%<>\\^`{|}\x7f-\x9f]')
_COPY = 1 << 20
_SHARED = 64 << 10  # bytes from which on digests are worth threads of their own


@dataclass(slots=True)
class Facts:
    """What is known of one file beside its `stat`: all of it optional. `problem` says why contents are not whole."""

    birth: int | None = None
    attributes: Mapping[str, bytes] = field(default_factory=dict)
    problem: str = ""


def fragment(name: str) -> str:
    """A path as the end of a URN: everything that is no plain character of a name, and every bad byte, escaped."""
    if not _is_text(name):
        return _BYTES.sub(lambda found: b"%%%02x" % found[0][0], os.fsencode(name)).decode("ascii")
    escaped = _SIGNS.sub(lambda found: f"%{ord(found[0]):02x}", name)
    return f"%{ord(name[0]):02x}{escaped[1:]}" if name in _RESERVED else escaped


def _is_text(name: str) -> bool:
    """Whether the bytes of a name are UTF-8."""
    return not any("\udc80" <= sign <= "\udcff" for sign in name)


def literal(text: str) -> str:
    """A text as Turtle writes it."""
    known = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    shown = "".join(known.get(sign) or (sign if sign.isprintable() else f"\\U{ord(sign):08x}") for sign in text)
    return f'"{shown}"'


def moment(nanoseconds: int) -> str:
    """A time as XML Schema writes it, in UTC with all its digits."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    try:
        whole = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return f'"{whole:%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"^^xsd:dateTime'


class LogicalWriter:
    """A container under way: files in their order, then `finish`."""

    def __init__(self, append: Callable[[bytes], None], folder: Path, urn: str) -> None:
        self.urn = urn
        self._zip, self._pool = ZipWriter(append, folder), ThreadPoolExecutor(len(DIGESTS))
        self._turtle = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with the writer
        self._turtle.write(_PREFIXES.encode())
        self._zip.member("container.description", [urn.encode()])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._pool.shutdown()
        self._zip.__exit__()
        self._turtle.close()

    def file(self, found: FoundFile, blocks: Iterable[bytes], facts: Facts) -> None:
        """A regular file with its contents, digested on the way. `facts.problem` may be set while they are read."""
        hashes = {name: hashlib.new(name, usedforsecurity=False) for name in DIGESTS}
        size = 0

        def digested() -> Iterator[bytes]:
            nonlocal size
            for block in blocks:
                size += len(block)
                if len(block) < _SHARED:
                    for value in hashes.values():
                        value.update(block)
                    yield block
                    continue
                under_way = [self._pool.submit(value.update, block) for value in hashes.values()]
                yield block  # deflated meanwhile
                for one in under_way:
                    one.result()

        inner = fragment(found.name)
        self._zip.member(inner.replace("%20", " "), digested())
        rows = [f"aff4:size {size}"]
        rows += [f'aff4:hash "{value.hexdigest()}"^^aff4:{name.upper()}' for name, value in hashes.items()]
        if facts.problem:
            rows += [f"evikit:incomplete {literal(facts.problem)}", f"evikit:sizeFound {found.facts.st_size}"]
        self._describe(found, ("aff4:FileImage", "aff4:Image", "aff4:zip_segment"), rows, facts)

    def unread(self, found: FoundFile, reason: str) -> None:
        """A regular file that could not be opened, or not a byte of it read."""
        rows = [f"evikit:unreadable {literal(reason)}", f"evikit:sizeFound {found.facts.st_size}"]
        self._describe(found, ("evikit:UnreadFile",), rows, Facts())

    def other(self, found: FoundFile, kind: str) -> None:
        """A folder, a link, or a special file: its metadata alone."""
        types = {"directory": ("aff4:Folder", "aff4:Image"), "link": ("evikit:SymbolicLink",)}
        rows = [] if kind in types else [f"evikit:fileType {literal(kind)}"]
        if kind == "link":
            rows += _text("evikit:linkTarget", found.target)
        self._describe(found, types.get(kind, ("evikit:SpecialFile",)), rows, Facts())

    def _describe(self, found: FoundFile, types: Sequence[str], rows: list[str], facts: Facts) -> None:
        stat = found.facts
        times = (("aff4:lastWritten", stat.st_mtime_ns), ("aff4:lastAccessed", stat.st_atime_ns),
                 ("aff4:recordChanged", stat.st_ctime_ns), ("aff4:birthTime", facts.birth))  # fmt: skip
        rows = [*_text("aff4:originalFileName", found.name), *rows]
        rows += [f"{name} {written}" for name, at in times if at is not None and (written := moment(at))]
        unix = {"Mode": stat.st_mode & 0o7777, "Uid": stat.st_uid, "Gid": stat.st_gid, "Inode": stat.st_ino,
                "Links": stat.st_nlink}  # fmt: skip
        rows += [f"evikit:unix{name} {value}" for name, value in unix.items()]
        for name, value in facts.attributes.items():
            rows.append(f"evikit:attribute {literal(f'{shown(name)}={base64.b64encode(value).decode()}')}")
        rows.append(f"aff4:stored <{self.urn}>")
        lines = " ;\n    ".join([f"<{self.urn}/{fragment(found.name)}> a {', '.join(types)}", *rows])
        self._zip.keep(self._turtle, f"{lines} .\n\n".encode())

    def finish(self, about: Mapping[str, str], version: str) -> None:
        """Describe the acquisition by the standard's properties, and close the archive."""
        rows = [f"{name} {literal(value)}" for name, value in about.items() if value]
        lines = " ;\n    ".join([f"<{self.urn}/case> a aff4:CaseNotes", f"aff4:target <{self.urn}>", *rows])
        self._turtle.write(f"{lines} .\n\n<{self.urn}> a aff4:ZipVolume .\n".encode())
        self._turtle.seek(0)
        self._zip.member("version.txt", [f"major=1\nminor=1\ntool={version}\n".encode()])
        self._zip.member("information.turtle", iter(lambda: self._turtle.read(_COPY), b""))
        self._zip.finish(self.urn.encode())


def _text(name: str, value: str) -> list[str]:
    """A name of the file system; its very bytes beside it where they are no text."""
    own = "evikit:rawPath" if name == "aff4:originalFileName" else "evikit:rawTarget"
    return [f"{name} {literal(shown(value))}"] + ([] if _is_text(value) else [f'{own} "{os.fsencode(value).hex()}"'])
