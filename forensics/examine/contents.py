"""One file examined: digested, typed and parsed in a child process.

This is the only place that contains a parser's failure: one broken file costs that file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from forensics.disguise import encryption, extension_mismatch
from forensics.engine.worker import board
from forensics.examine.findings import Findings, Job
from forensics.mime import mime_type
from forensics.model import Artefact, ExaminationError, FileEntry, Problem
from forensics.parsers import HEAD_BYTES, Parser, ParserInput, parser_for

BLOCK = 1 << 20

ReadAt = Callable[[int, int], bytes]
"""`read_at(offset, length)`: bytes, short only at the end."""

Opener = Callable[[FileEntry], tuple[int, ReadAt]]
"""Opens an entry's contents: their size and how to read them. Raises `ExaminationError` or `OSError`."""

Beside = Callable[[FileEntry, str], ParserInput | None]
"""The file of a name in the folder of an entry, as far as it is at hand. Raises what an `Opener` does."""


@dataclass(slots=True)
class Content:
    """What became of one file's contents: a row of `CONTENTS`."""

    md5: str | None = None
    sha256: str | None = None
    mime: str | None = None
    outcome: str = "metadata"
    read_bytes: int = 0
    problem: str | None = None
    extension_mismatch: bool | None = None
    encryption: str | None = None
    recoverable: str | None = None


def _digest(read_at: ReadAt, size: int) -> tuple[Content, bytes]:
    """Read a file once, to its end: digests only when every byte was read. Also its first bytes."""
    content, head = Content(outcome="content"), b""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256(usedforsecurity=False)
    try:
        while content.read_bytes < size:
            data = read_at(content.read_bytes, min(BLOCK, size - content.read_bytes))
            if not data:
                raise ExaminationError("the contents end there")  # noqa: TRY301 - one way to tell
            head = head or data[:HEAD_BYTES]
            md5.update(data)
            sha256.update(data)
            content.read_bytes += len(data)
            board().advance(len(data))
    except (ExaminationError, OSError) as error:
        content.outcome = "partial" if content.read_bytes else "failed"
        content.problem = f"read {content.read_bytes} of {size} bytes: {error}"
    else:
        content.md5, content.sha256 = md5.hexdigest(), sha256.hexdigest()
    if content.read_bytes or content.outcome == "content":
        content.mime = mime_type(head)
    return content, head


def contained(parser: Parser, source: ParserInput) -> Iterator[Artefact | Problem]:
    """What a parser finds; where it fails, what it found so far and a problem naming it and the file."""
    try:
        yield from parser.parse(source)
    except (ExaminationError, OSError) as error:
        yield Problem(source.location, parser.name, f"the file could not be read on: {error}")
    except Exception as error:  # noqa: BLE001 - a parser's defect costs one file, not the run
        reason = f"the {parser.name} parser failed: {type(error).__name__}: {error}"
        yield Problem(source.location, parser.name, reason)


def parser_input(job: Job, entry: FileEntry, size: int, read_at: ReadAt, beside: Beside) -> ParserInput:
    """An opened entry as parsers are given it."""
    name = entry.location.path.rpartition("/")[2]
    return ParserInput(name, size, read_at, entry.location, job.zone, entry.modified, partial(beside, entry))


def _examined(job: Job, entry: FileEntry, opened: tuple[int, ReadAt], beside: Beside, findings: Findings) -> Content:
    """Digest, type and parse one file, opened as its size in bytes and how to read it."""
    size, read_at = opened
    content, head = _digest(read_at, size)
    source = parser_input(job, entry, size, read_at, beside)
    content.extension_mismatch = extension_mismatch(source.name, content.mime)
    if content.outcome == "content":
        with suppress(ExaminationError, OSError):  # it was read to its end a moment ago: a hint less
            content.encryption = encryption(head, content.mime, size, read_at)
    parser = parser_for(head, source.name, job.mappings) if head else None
    if parser is not None:
        for found in contained(parser, source):
            if isinstance(found, Artefact):
                findings.artefact(found)
            else:
                findings.problem(found)
    return content


def examine_entry(job: Job, entry: FileEntry, opener: Opener, beside: Beside, findings: Findings) -> Content:
    """Open and examine one file; what could not be read is its problem, nobody else's."""
    try:
        opened = opener(entry)
    except (ExaminationError, OSError) as error:
        content = Content(outcome="failed", problem=f"cannot be opened: {error}")
    else:
        content = _examined(job, entry, opened, beside, findings)
    if content.problem:
        findings.problem(Problem(entry.location, "contents", content.problem))
    return content
