"""SQLite databases read where they lie: nothing is written, locked or copied, and the write-ahead log counts.

SQLite itself (through apsw) asks for bytes, which come from the evidence (https://www.sqlite.org/vfs.html). In
exclusive mode it keeps the index of a write-ahead log in its own memory, so that no -shm file is needed
(https://www.sqlite.org/wal.html, section 8).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apsw

from forensics.parsers._contract import ParserInput, Watched

_NAMES = itertools.count()
_MAIN, _LOG = "main", "main-wal"
_LENGTH_LIMIT = 16 << 20
"""Bytes of the longest value that is read."""

_PRAGMAS = (
    "locking_mode=EXCLUSIVE",
    "trusted_schema=OFF",
    "cell_size_check=ON",
    "mmap_size=0",
    "temp_store=MEMORY",
    "query_only=ON",
)


class _File:
    """A file of the evidence as SQLite sees it: it can be read. Without a source it is empty."""

    def __init__(self, source: ParserInput | None) -> None:
        self._size = 0 if source is None else source.size
        self._watched = None if source is None else Watched(source)

    @property
    def error(self) -> Exception | None:
        """What reading the evidence raised."""
        return None if self._watched is None else self._watched.error

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - SQLite's names
        return b"" if self._watched is None or offset >= self._size else self._watched.read_at(offset, amount)

    def xFileSize(self) -> int:  # noqa: N802
        return self._size

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        raise apsw.ReadOnlyError("evidence is not written")

    def xTruncate(self, size: int) -> None:  # noqa: N802
        raise apsw.ReadOnlyError("evidence is not written")

    def xSync(self, flags: int) -> None:  # noqa: N802
        pass

    def xLock(self, level: int) -> None:  # noqa: N802
        pass

    def xUnlock(self, level: int) -> None:  # noqa: N802
        pass

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xFileControl(self, operation: int, pointer: int) -> bool:  # noqa: N802
        return False

    def xSectorSize(self) -> int:  # noqa: N802
        return 4096

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return 0

    def xClose(self) -> None:  # noqa: N802
        pass


class _Folder(apsw.VFS):
    """A folder that holds the database and, where the evidence has one, its write-ahead log."""

    def __init__(self, source: ParserInput, log: ParserInput | None) -> None:
        self.name = f"evidence-{next(_NAMES)}"
        self._files = {_MAIN: source, _LOG: log}
        self.opened: list[_File] = []
        super().__init__(self.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: N802
        flags[1] = apsw.SQLITE_OPEN_READONLY
        self.opened.append(_File(self._files.get(str(name.filename() if hasattr(name, "filename") else name))))
        return self.opened[-1]

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: N802
        return self._files.get(pathname) is not None

    def xFullPathname(self, filename: str) -> str:  # noqa: N802
        return filename

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        pass


@contextmanager
def opened_database(source: ParserInput, log: ParserInput | None) -> Iterator[apsw.Connection]:
    """The database, with what its write-ahead log adds.

    Raises `apsw.Error` for what SQLite refuses, and what reading the evidence raised.
    """
    folder = _Folder(source, log)
    try:
        connection = apsw.Connection(_MAIN, flags=apsw.SQLITE_OPEN_READONLY, vfs=folder.name)
        try:
            connection.limit(apsw.SQLITE_LIMIT_LENGTH, _LENGTH_LIMIT)
            connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
            yield connection
        finally:
            connection.close(True)
    finally:
        folder.unregister()
        error = next((file.error for file in folder.opened if file.error is not None), None)
        if error is not None:
            raise error
