"""What an access is about to open, located and identified without opening it."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from custody.device import device_facts
from custody.ledger.entry import Json
from custody.ledger.errors import CustodyError


def shown(name: str) -> str:
    """A file name for show: bytes that are not UTF-8 as backslash escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def identity(name: str, facts: os.stat_result) -> dict[str, Json]:
    """What identifies a file or device without opening it, as the ledger holds it."""
    found: dict[str, Json] = {
        "name": shown(name),
        "device": str(facts.st_dev),
        "inode": str(facts.st_ino),
        "type": stat.filemode(facts.st_mode)[0],
        "size": str(facts.st_size),
        "mtime_ns": str(facts.st_mtime_ns),
        "ctime_ns": str(facts.st_ctime_ns),
    }
    if stat.S_ISBLK(facts.st_mode):
        found |= device_facts(facts.st_rdev)
    return found


@dataclass(frozen=True, slots=True)
class Target:
    """What an access is about to open: the evidence root and names below it ("" for the whole folder)."""

    root: Path
    names: tuple[str, ...]
    facts: tuple[os.stat_result, ...]
    given: tuple[str, ...]

    @classmethod
    def locate(cls, paths: Sequence[Path]) -> Target:
        """Resolve the paths as given, once, and lstat them; CustodyError says in one line what is wrong."""
        resolved = [_resolve(path) for path in paths]
        facts = [os.lstat(path) for path in resolved]
        kinds = [stat.S_IFMT(found.st_mode) for found in facts]
        given = tuple(shown(str(path)) for path in paths)
        if kinds == [stat.S_IFDIR]:
            return cls(resolved[0], ("",), tuple(facts), given)
        for path, kind in zip(resolved, kinds, strict=True):
            if kind not in (stat.S_IFREG, stat.S_IFBLK):
                raise CustodyError(
                    f"{shown(str(path))} is not a file, a block device, or one folder",
                    "Name an image, log files of one folder, or one folder.",
                )
            if resolved.count(path) > 1:
                raise CustodyError(f"{shown(str(path))} is named twice", "Name every file once.")
            if path.parent != resolved[0].parent:
                raise CustodyError(
                    "the files of one exhibit stand in different folders",
                    "Put them into one folder, or take each in as an exhibit of its own.",
                )
        return cls(resolved[0].parent, tuple(path.name for path in resolved), tuple(facts), given)

    @property
    def is_folder(self) -> bool:
        return self.names == ("",)

    def identities(self) -> list[Json]:
        found: list[Json] = [identity(name, facts) for name, facts in zip(self.names, self.facts, strict=True)]
        return found

    def described(self) -> list[Json]:
        """The `parts` of `access.begin`; `raw` (hex) stands only where the path is not valid UTF-8."""
        return [_described(given, self.root / name, name) for given, name in zip(self.given, self.names, strict=True)]


def _described(given: str, path: Path, name: str) -> Json:
    facts: dict[str, Json] = {"given": given, "path": shown(str(path)), "name": shown(name)}
    return facts if facts["path"] == str(path) else {**facts, "raw": os.fsencode(path).hex()}


def _resolve(path: Path) -> Path:
    try:
        return path.resolve(strict=True)
    except FileNotFoundError:
        raise CustodyError(f"there is no {shown(str(path))}", "Check the path.") from None
    except (OSError, RuntimeError) as error:
        raise CustodyError(f"{shown(str(path))} cannot be found: {error}", "Check the path.") from error
