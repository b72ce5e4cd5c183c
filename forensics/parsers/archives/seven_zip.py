"""What 7z archives hold, as their header lists it: nothing but the header itself is unpacked.

By our own code: py7zr brings nine packages for what the standard library's lzma does here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._windows import filetime
from forensics.parsers.archives._seven_zip import SIGNATURE, File, SevenZipError, files, header

_NAME, _VERSION, _KIND = "seven_zip", "1", "7z.member"
_TIMES = {18: "created", 19: "accessed", 20: "modified"}
_DIRECTORY, _UNIX = 0x10, 0x8000


def _fields(file: File) -> dict[str, object]:
    attributes = file.attributes or 0
    mode = attributes >> 16 if attributes & _UNIX else 0
    directory = file.directory or bool(attributes & _DIRECTORY)
    return {
        "name": file.name,
        "type": "directory" if directory else "link" if mode >> 12 == 0o12 else "file",
        "size": file.size,
        "crc32": "" if file.crc is None else f"{file.crc:08x}",
        "method": file.folder.method if file.folder else "",
        "encrypted": "true" if file.folder and file.folder.encrypted else "",
        "mode": f"{mode & 0o7777:04o}" if mode else "",
        "attributes": f"{attributes & 0xFFFF:#x}" if attributes else "",
    }


@dataclass(frozen=True, slots=True)
class SevenZipParser:
    """Artefacts `7z.member`: times modified, accessed, created (UTC, 100 ns); fields name, type, size, crc32, method,
    encrypted, mode, attributes. Their place is that of the header that lists them.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the signature."""
        return head.startswith(SIGNATURE)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The members in the order of the header; see `Parser.parse`."""
        facts = Facts(source, self.name, self.version)
        try:
            plain, place = header(source)
            for file in files(plain):
                times = {_TIMES[kind]: filetime(value) for kind, value in file.times.items()}
                yield facts.artefact(_KIND, times, _fields(file), place=place)
        except SevenZipError as error:
            yield facts.problem(str(error))


PARSER = SevenZipParser()
