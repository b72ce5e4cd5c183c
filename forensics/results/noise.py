"""Noise: events that a reader may want out of the way. Nothing is hidden unless it is asked for by name.

Each kind of noise says what it hides; a condition is SQL over the columns of the events table.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Noise:
    """A kind of noise: the name that asks to hide it, what it hides in words, and its condition."""

    name: str
    hides: str
    condition: str


_SYSTEM = "windows/(winsxs|servicing|assembly|softwaredistribution|system32/driverstore)|usr/(share|lib|include|src)"
_CACHES = r"cache|cache2|gpucache|code cache|inetcache|temporary internet files|\.thumbnails"


def _below(folders: str) -> str:
    return f"kind = 'file' AND regexp_matches('/' || lower(path), '/({folders})/')"


NOISE: tuple[Noise, ...] = (
    Noise(
        "access-times",
        "last access times of files, which virus scanners and indexers set as well as people",
        "meaning IN ('file accessed', 'file accessed ($FILE_NAME)')",
    ),
    Noise(
        "file-name-times",
        "the second set of times that NTFS keeps with a file's name",
        "contains(meaning, '($FILE_NAME)')",
    ),
    Noise(
        "system-folders",
        "times of files in folders that the operating system and its updates fill; intruders hide there too",
        _below(_SYSTEM),
    ),
    Noise("caches", "times of files in caches of browsers and pictures", _below(_CACHES)),
    Noise(
        "registry-keys",
        "times of registry keys of which nothing more is known than that they were written",
        "kind = 'registry.key'",
    ),
    Noise("expiries", "times at which cookies expire: nothing happened then", "meaning = 'cookie expires'"),
)
