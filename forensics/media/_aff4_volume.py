"""An AFF4 container as a Zip64 archive of streams and a graph that describes them.

Source: "AFF4 Standard v1.0a" (Schatz and others); the form before it by the images of Evimetry and Wirespeed.
"""

from __future__ import annotations

import hashlib
import io
import logging
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from sys import intern
from urllib.parse import quote

from custody.access import Part
from forensics.media._blocks import read_exactly
from forensics.media._contract import MediumError
from forensics.media._part_stream import PartStream
from forensics.media._turtle import statements

NAMESPACES = ("http://aff4.org/Schema#", "http://afflib.org/2009/aff4#")

_TEXT_LIMIT = 16 << 20  # bytes of a graph that is written in an odd way
_GRAPH_LIMIT = 4 << 30
_LONGEST_LINE = 4 << 20
_BLOCK = 1 << 18
_MAP_LIMIT = 1 << 30  # bytes of a map: some 38 million extents
_LOCAL_HEADER = 30
_BROKEN = (zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError, zlib.error)
_ODD_GRAPH = (SyntaxError, ValueError, LookupError, AttributeError, TypeError, AssertionError, RecursionError)

logging.getLogger("rdflib").addHandler(logging.NullHandler())  # it speaks of every literal it finds odd


@dataclass(frozen=True, slots=True)
class Value:
    """One object of the graph: its text, and the name of its type ("" for a resource)."""

    text: str
    kind: str


def local(name: str) -> str:
    """The last part of a name of AFF4's or XML Schema's vocabulary."""
    return name.rsplit("#", 1)[-1]


class Resource(Mapping[str, list[Value]]):
    """What the graph says of one resource, by the last part of the property's name."""

    def __init__(self, urn: str, facts: Mapping[str, list[Value]]) -> None:
        self.urn, self._facts = urn, facts

    def __getitem__(self, name: str) -> list[Value]:
        return self._facts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)

    def first(self, *names: str) -> str:
        """The first value of the first of these properties there is; "" without any."""
        return next((self._facts[name][0].text for name in names if name in self._facts), "")

    def number(self, *names: str) -> int:
        """The same as a number; 0 where there is none."""
        found = self.first(*names)
        return int(found) if found.isdecimal() and len(found) < 20 else 0

    @property
    def kinds(self) -> set[str]:
        """The types it has, in lower case: the form before the standard wrote them so."""
        return {local(value.text).lower() for value in self._facts.get("type", [])}


class Volume:
    """The archive in one part. Members are read where they lie; only small ones are ever inflated."""

    def __init__(self, part: Part) -> None:
        self.part = part
        try:
            self._archive = zipfile.ZipFile(io.BufferedReader(PartStream(part)))
            self._members = {info.filename: info for info in self._archive.infolist()}
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise MediumError(f"{part.name} is no whole AFF4 archive: {error}") from error
        self.urn = self._archive.comment.split(b"\0")[0].decode("utf-8", "replace").strip()

    @cached_property
    def resources(self) -> dict[str, Resource]:
        """What the graph describes, by URN. Raises `MediumError` for a graph that cannot be understood."""
        return self._graph()

    def words(self) -> Iterator[bytes]:
        """The lines of the graph as it is written."""
        info = self._member("information.turtle")
        self._refuse_claim(info, _GRAPH_LIMIT)
        try:
            with self._archive.open(info) as stream:
                while line := stream.readline(_LONGEST_LINE):
                    yield line
        except _BROKEN as error:
            raise MediumError(f"{self.part.name}: {info.filename!r} cannot be read: {error}") from error

    def described(self) -> Iterator[Resource]:
        """The resources one after the other as the graph writes them, one perhaps in several pieces.

        Raises `ValueError` for a graph that is written in an odd way, perhaps after some.
        """
        known, facts = "", dict[str, list[Value]]()
        for subject, predicate, found, kind in statements(line.decode("utf-8") for line in self.words()):
            if subject != known:
                if facts:
                    yield Resource(known, facts)
                known, facts = subject, {}
            named = "" if kind == "plain" else intern(local(kind))
            facts.setdefault(intern(local(predicate)), []).append(Value(found, named))
        if facts:
            yield Resource(known, facts)

    def _graph(self) -> dict[str, Resource]:
        facts: dict[str, dict[str, list[Value]]] = {}
        try:
            for piece in self.described():
                known = facts.setdefault(piece.urn, {})
                for name, values in piece.items():
                    known.setdefault(name, []).extend(values)
        except ValueError:
            facts = self._odd_graph(self._whole(self._member("information.turtle"), _TEXT_LIMIT))
        return {urn: Resource(urn, known) for urn, known in facts.items()}

    def _odd_graph(self, written: bytes) -> dict[str, dict[str, list[Value]]]:
        import rdflib  # heavy, and hardly ever needed

        graph = rdflib.Graph()
        try:
            graph.parse(data=written, format="turtle")
        except _ODD_GRAPH as error:
            reason = " ".join(str(error).split())[:200]
            raise MediumError(f"{self.part.name}: its information.turtle cannot be understood: {reason}") from error
        facts: dict[str, dict[str, list[Value]]] = {}
        for subject, predicate, found in graph:
            kind = local(str(found.datatype)) if isinstance(found, rdflib.Literal) and found.datatype else ""
            known = facts.setdefault(str(subject), {})
            known.setdefault(local(str(predicate)), []).append(Value(str(found), kind))
        return facts

    def _info(self, urn: str) -> zipfile.ZipInfo | None:
        """The member that holds the stream `urn`: its name percent-encoded, or relative to the volume."""
        names = list[str]()
        if self.urn and urn.startswith(self.urn + "/"):
            inner = urn.removeprefix(self.urn + "/")
            names += [inner, inner.replace("%20", " "), "/" + inner, inner.removeprefix("/").replace("%20", " ")]
        names += [quote(urn, safe=""), urn, urn.removeprefix("aff4://"), quote(urn.removeprefix("aff4://"), safe="/")]
        base, _, rest = urn.removeprefix("aff4://").partition("/")
        names.append(f"{quote('aff4://' + base, safe='')}/{rest}")
        return next((self._members[name] for name in names if name in self._members), None)

    def has(self, urn: str) -> bool:
        """Whether the archive holds the stream."""
        return self._info(urn) is not None

    def _member(self, name: str) -> zipfile.ZipInfo:
        if name not in self._members:
            raise MediumError(f"{self.part.name} has no {name}")
        return self._members[name]

    def member(self, urn: str) -> zipfile.ZipInfo | None:
        """The member that holds a stream as a whole, if the archive has one."""
        return self._info(urn)

    def blocks(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        """The contents of a member in order, its CRC-32 compared at the end. Raises `MediumError`."""
        try:
            with self._archive.open(info) as stream:
                while block := stream.read(_BLOCK):
                    yield block
        except _BROKEN as error:
            raise MediumError(f"{info.filename!r} cannot be read: {error}") from error

    def stream(self, urn: str) -> bytes:
        """A stream of the description whole: a map, its streams' names, an index."""
        info = self._info(urn)
        if info is None:
            raise MediumError(f"{self.part.name} does not hold {urn}")
        return self._whole(info, _MAP_LIMIT)

    def _refuse_claim(self, info: zipfile.ZipInfo, limit: int) -> None:
        if info.file_size > min(limit, 1032 * max(info.compress_size, 1)):  # deflate cannot pack more than 1032 to 1
            raise MediumError(f"{self.part.name}: {info.filename!r} claims {info.file_size} bytes")

    def _whole(self, info: zipfile.ZipInfo, limit: int) -> bytes:
        self._refuse_claim(info, limit)
        try:
            return self._archive.read(info)
        except _BROKEN as error:
            raise MediumError(f"{self.part.name}: {info.filename!r} cannot be read: {error}") from error

    def place(self, urn: str) -> tuple[int, int]:
        """(first byte in the part, bytes) of a stream that is stored as it is."""
        info = self._info(urn)
        if info is None:
            raise MediumError(f"{self.part.name} does not hold {urn}: the chunks of that stream are missing")
        if info.compress_type != zipfile.ZIP_STORED:
            raise MediumError(f"{self.part.name}: {info.filename!r} is compressed as a whole, which AFF4 does not do")
        head = read_exactly(self.part, info.header_offset, _LOCAL_HEADER, "a member's header")
        skip = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
        return info.header_offset + _LOCAL_HEADER + skip, info.file_size


def digest_of(kind: str, data: bytes) -> str | None:
    """The digest of a kind the graph names (MD5, SHA1, SHA256, SHA512, Blake2b), in hex; None for another kind."""
    name = kind.lower()
    if name in ("md5", "sha1", "sha256", "sha512", "blake2b"):
        return hashlib.new(name, data, usedforsecurity=False).hexdigest()
    return None
