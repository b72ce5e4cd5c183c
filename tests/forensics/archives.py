"""Archives as tests look at them: what the members are, what they hold, what was odd."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from custody.access import FoundFile
from forensics.archives import ArchiveTree, member_entry, open_archive
from forensics.model import FileEntry
from tests.forensics.images import part


class Looked(NamedTuple):
    """An archive read whole: entries by path, contents or the reason there are none, problems."""

    entries: dict[str, FileEntry]
    contents: dict[str, bytes | str]
    problems: list[str]
    tree: ArchiveTree


def looked(path: Path, zone: ZoneInfo | None = None) -> Looked:
    """Read every member of the archive at `path`."""
    tree = open_archive(part(path), zone)
    assert tree is not None
    entries, contents = {}, dict[str, bytes | str]()
    for found in tree.files():
        assert isinstance(found, FoundFile)
        entry = member_entry("AH/1", found)
        entries[entry.location.path] = entry
        if entry.type == "file":
            try:
                with tree.reading(found) as held:
                    contents[entry.location.path] = held.read_at(0, held.size)
            except OSError as error:
                contents[entry.location.path] = error.strerror or str(error)
    return Looked(entries, contents, [problem.reason for problem in tree.problems("AH/1")], tree)
