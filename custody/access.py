"""THE GATE: no byte of evidence is read before the ledger durably says who is about to read it and why.

`open_evidence` records `access.begin` with the identity of what will be opened (by lstat, without opening), waits until
that is on disk, only then opens, read-only and without following links, and compares what it holds with what it
announced. Readers get `Part`s, never paths. Whatever happens then, `access.end` says what was read and on what basis.
This module is imported in child processes too, so it loads nothing heavy.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from custody.ledger.entry import Json
from custody.ledger.errors import CustodyError, IntegrityError
from custody.target import Target, identity, shown

if TYPE_CHECKING:
    from custody.manifest import Manifest


__all__ = [
    "FoundFile",
    "Outcome",
    "Part",
    "PartOpener",
    "Recorded",
    "Recorder",
    "Source",
    "identity",
    "open_beneath",
    "open_evidence",
    "shown",
    "walk_beneath",
]


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the evidence (an image, a segment, a log), opened read-only by the gate.

    `name` is relative to the evidence root, undecodable bytes as surrogateescape; `size` is bytes.
    The descriptor belongs to the gate: readers never close it, never see a path.
    """

    name: str
    size: int
    descriptor: int

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from byte `offset`; short only at the end of the part. Thread-safe."""
        blocks: list[bytes] = []
        length = min(length, self.size - offset)  # a damaged container may ask for more than there is memory
        while length > 0:
            block = os.pread(self.descriptor, length, offset)
            if not block:
                break
            blocks.append(block)
            offset += len(block)
            length -= len(block)
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)


PartOpener = Callable[[str], Part]
"""Opens a further part by its name beside the first; raises FileNotFoundError when there is none."""


class Recorded(Protocol):
    """An entry that is on disk: its leaf hash, and the head it saw (the challenge of a fresh reading)."""

    @property
    def leaf(self) -> bytes: ...
    @property
    def seen_root(self) -> bytes: ...


class Recorder(Protocol):
    """Whoever writes the ledger: returns only when the entry is durable."""

    def record(self, kind: str, n: int, values: Mapping[str, Json], re: Sequence[bytes] = ()) -> Recorded: ...


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A name met in a folder: relative path (surrogateescape), what lstat says of it, where a link points."""

    name: str
    facts: os.stat_result
    target: str = ""


@dataclass(slots=True)
class Outcome:
    """What an access came to, filled in while reading; `values` are further fields of `access.end`.

    `basis`: whole (every byte read), chunks, stat, or none.
    """

    basis: str = "none"
    partial: str = ""
    read_bytes: int | None = None
    values: dict[str, Json] = field(default_factory=dict)


_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def _open_at(folder: int, name: str) -> int:
    try:
        return os.open(name, _OPEN | os.O_NOATIME, dir_fd=folder)
    except PermissionError:  # O_NOATIME is the owner's right alone
        return os.open(name, _OPEN, dir_fd=folder)


def _is_readable(facts: os.stat_result) -> bool:
    return stat.S_ISREG(facts.st_mode) or stat.S_ISBLK(facts.st_mode)


def open_beneath(root: int, name: str, announced: os.stat_result | None = None) -> tuple[int, os.stat_result]:
    """Open a regular file or block device below the folder descriptor `root`, following no link on the way.

    Returns descriptor and fstat. IntegrityError where it is not what `announced` said; OSError as the system says.
    """
    *folders, last = name.split("/")
    if "" in folders or ".." in folders or last in ("", ".", ".."):
        raise FileNotFoundError(errno.ENOENT, "outside the evidence", name)
    if announced is not None and not _is_readable(announced):  # not even opened: a tape would wind
        linked = stat.S_ISLNK(announced.st_mode)
        what = "a link, which is not followed" if linked else "neither a file nor a block device"
        raise IntegrityError(f"{shown(name)} is {what}")
    held = os.dup(root)
    try:
        for folder in folders:
            deeper = os.open(folder, _OPEN | os.O_DIRECTORY, dir_fd=held)
            os.close(held)
            held = deeper
        descriptor = _open_at(held, last)
    finally:
        os.close(held)
    facts = os.fstat(descriptor)
    if not _is_readable(facts):
        os.close(descriptor)
        raise IntegrityError(f"{shown(name)} is neither a file nor a block device")
    if announced is not None and identity(name, facts) != identity(name, announced):
        os.close(descriptor)
        raise IntegrityError(
            f"{shown(name)} is not what was announced in the ledger: it was exchanged or changed",
            "Find out who else uses that place, then try again.",
        )
    return descriptor, facts


def _size(descriptor: int, facts: os.stat_result) -> int:
    return os.lseek(descriptor, 0, os.SEEK_END) if stat.S_ISBLK(facts.st_mode) else facts.st_size


class Source:
    """Evidence held open for one access. `parts` are those named at its begin, in order; none for a folder."""

    def __init__(self, root: int, begin: Recorded, manifests: Path) -> None:
        self.parts: list[Part] = []
        self.outcome = Outcome()
        self.challenge = begin.seen_root
        self.root = root
        self._begin, self._manifests = begin, manifests
        self._held: dict[str, tuple[Part, os.stat_result]] = {}

    def open(self, name: str) -> Part:
        """Open a further part beside the first one, under the same begin; it will stand in the outcome.

        FileNotFoundError when there is none, or can be none of this name; CustodyError when it cannot be opened.
        """
        if name in self._held:
            return self._held[name][0]
        try:
            return self._take(name, os.stat(name, dir_fd=self.root, follow_symlinks=False))
        except FileNotFoundError:
            raise
        except (NotADirectoryError, ValueError) as error:  # ValueError: a NUL, or what no file name can hold
            raise FileNotFoundError(errno.ENOENT, "there can be no such part") from error
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise FileNotFoundError(errno.ENOENT, "there can be no such part") from error
            raise _refused(name, error) from error

    def take(self, target: Target) -> None:
        """Open what the begin announced: the parts it names, or the folder itself."""
        if target.is_folder and identity("", os.fstat(self.root)) != identity("", target.facts[0]):
            raise IntegrityError("the folder is not what was announced in the ledger: it was exchanged")
        if not target.is_folder:
            self.parts = [self._take(*pair) for pair in zip(target.names, target.facts, strict=True)]

    def _take(self, name: str, announced: os.stat_result) -> Part:
        descriptor, facts = open_beneath(self.root, name, announced)
        part = Part(name, _size(descriptor, facts), descriptor)
        self._held[name] = (part, facts)
        return part

    def names(self) -> list[str]:
        """The names beside the first part, sorted by their bytes."""
        with os.scandir(self.root) as found:
            return sorted((entry.name for entry in found), key=os.fsencode)

    def files(self) -> Iterator[FoundFile | OSError]:
        """Everything below the folder, links not followed, in the order of the names' bytes, depth first."""
        yield from walk_beneath(self.root)

    @contextmanager
    def reading(self, found: FoundFile) -> Iterator[Part]:
        """One file of the folder, open for the length of the block."""
        try:
            descriptor, facts = open_beneath(self.root, found.name, found.facts)
        except IntegrityError as error:  # it costs this file, not the folder
            raise OSError(errno.ESTALE, str(error), found.name) from error
        try:
            yield Part(found.name, _size(descriptor, facts), descriptor)
        finally:
            os.close(descriptor)

    def keep_manifest(self, rows: Iterable[Sequence[str]]) -> Manifest:
        """Sign for every file of a bulk reading: the root of the salted rows goes into the outcome."""
        from custody.manifest import write_manifest  # the tree is not needed where children import this module

        manifest = write_manifest(self._manifests, self._begin.leaf.hex(), rows)
        self.outcome.values |= manifest.values()
        return manifest

    def confirm_unchanged(self) -> None:
        """IntegrityError when a part's size or times differ from those at opening (a hint: mmap can write unseen)."""
        for part, facts in self._held.values():
            if identity("", os.fstat(part.descriptor)) != identity("", facts):
                raise IntegrityError(
                    f"{shown(part.name)} changed while being read", "Acquire it again from a still source."
                )

    def close(self) -> None:
        for part, _ in self._held.values():
            os.close(part.descriptor)
        os.close(self.root)

    def result(self, error: BaseException | None) -> dict[str, Json]:
        """The fields of `access.end`."""
        outcome = self.outcome
        state = "completed" if error is None else "failed"
        if outcome.partial or isinstance(error, KeyboardInterrupt):
            state = "partial"
        held = [(part, os.fstat(part.descriptor)) for part, _ in self._held.values()]
        return {
            "outcome": state,
            "error": _one_line(error) if error is not None else outcome.partial or None,
            "basis": outcome.basis,
            "parts": [{"name": shown(part.name), "size": str(part.size)} for part, _ in held],
            "identity_after": [identity(part.name, facts) for part, facts in held],
            "read_bytes": None if outcome.read_bytes is None else str(outcome.read_bytes),
            **outcome.values,
        }


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text.encode("utf-8", "backslashreplace").decode()[:2000]


def walk_beneath(root: int) -> Iterator[FoundFile | OSError]:
    """Names below a folder descriptor, depth first by the names' bytes; a folder that refuses is an OSError."""
    pending = [""]
    while pending:
        prefix = pending.pop()
        try:
            names = _list_beneath(root, prefix)
        except OSError as error:
            yield OSError(error.errno, error.strerror, prefix)
            continue
        folders: list[str] = []
        for name, facts, target in names:
            yield FoundFile(prefix + name, facts, target)
            if stat.S_ISDIR(facts.st_mode):
                folders.append(f"{prefix}{name}/")
        pending.extend(reversed(folders))


def _link_target(folder: int, name: str) -> str:
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError:  # no link (EINVAL), or gone: its lstat is all there is to say
        return ""


def _list_beneath(root: int, prefix: str) -> list[tuple[str, os.stat_result, str]]:
    held = os.dup(root)
    try:
        for folder in prefix.split("/")[:-1]:
            deeper = os.open(folder, _OPEN | os.O_DIRECTORY, dir_fd=held)
            os.close(held)
            held = deeper
        with os.scandir(held) as found:
            names = [(entry.name, entry.stat(follow_symlinks=False), _link_target(held, entry.name)) for entry in found]
        return sorted(names, key=lambda item: os.fsencode(item[0]))
    finally:
        os.close(held)


@contextmanager
def open_evidence(  # the gate's own words: who records, which exhibit, why, what, with which settings
    recorder: Recorder,
    n: int,
    target: Target,
    *,
    purpose: str,
    object_: str,
    settings: Mapping[str, str],
    manifests: Path,
    resumes: Sequence[bytes] = (),
) -> Iterator[Source]:
    """Record intent, open read-only, hand out parts, record the outcome.

    `resumes` are the leaves of earlier begins without outcome whose work is gone on with.
    Raises IntegrityError (after the outcome is recorded, with nothing handed out) when what is opened is not what was
    announced, and after reading when a part's size or times changed meanwhile.
    """
    begin = recorder.record(
        "access.begin",
        n,
        {
            "purpose": purpose,
            "object": object_,
            "parts": target.described(),
            "identity": target.identities(),
            "settings": dict(settings),
        },
        re=resumes,
    )
    source: Source | None = None
    error: BaseException | None = None
    try:
        source = _opened(target, begin, manifests)
        yield source
        source.confirm_unchanged()
    except BaseException as caught:
        error = caught
        raise
    finally:
        if source is not None:
            values = source.result(error)
        else:
            values = {
                "outcome": "failed",
                "basis": "none",
                "read_bytes": "0",
                "error": _one_line(error) if error else None,
            }
        try:
            _record_end(recorder, n, values, begin.leaf)
        finally:
            if source is not None:
                source.close()


def _refused(name: str, error: OSError) -> CustodyError:
    if error.errno == errno.ELOOP:
        return CustodyError(f"{shown(name)} is behind a link, which is not followed", "Name what it points to.")
    return CustodyError(f"{shown(name)} cannot be opened: {error.strerror}", "Check its permissions.")


def _record_end(recorder: Recorder, n: int, values: Mapping[str, Json], begin: bytes) -> None:
    try:
        recorder.record("access.end", n, values, re=(begin,))
    except CustodyError as refused:
        # an access never stays open because a value could not be held: say less, and say that
        less: dict[str, Json] = {"outcome": "failed", "error": f"the outcome could not be recorded: {refused}"}
        recorder.record("access.end", n, less, re=(begin,))
        raise


def _opened(target: Target, begin: Recorded, manifests: Path) -> Source:
    try:
        root = os.open(target.root, _OPEN | os.O_DIRECTORY)
    except OSError as error:
        raise CustodyError(
            f"{shown(str(target.root))} cannot be opened: {error.strerror}", "Check the path."
        ) from error
    source = Source(root, begin, manifests)
    try:
        source.take(target)
    except OSError as error:
        with suppress(OSError):
            source.close()
        raise _refused(str(error.filename or ""), error) from error
    except BaseException:
        source.close()
        raise
    return source
