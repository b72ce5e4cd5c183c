"""Real images against the answers of independent tools (fls, tsk_recover, dissect), a child each."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Fetch
from tests.forensics.direct import both, volumes

LIMIT_S = 60
READ = re.compile(r"\.(raw|dd|img|iso|ext4|000|001|E01|e01)$|/MBR$")
VIRTUAL = re.compile(r"^(\$OrphanFiles|\$MBR|\$FAT1|\$FAT2|\$GPT)(/|$)|(^|/)\.{1,2}$")

# Differences that docs/formats.md explains.
LABEL_AS_FILE = ("kml_samp.les",)  # dissect lists a FAT volume label as a file
NO_NTFS_TIME = 3373865674  # what libtsk makes of an NTFS time of 0; for us it is no time
ODD_SECONDS = ("exFAT",)  # libtsk 4.11 drops the odd second of exFAT times


def oracles() -> list[Path]:
    folder = os.environ.get("EVIKIT_CORPUS", "")
    found = sorted(Path(folder, "oracles", "image").glob("*.json")) if folder else []
    return [path for path in found if _is_read(json.loads(path.read_bytes()))]


def _is_read(oracle: Mapping[str, Any]) -> bool:
    name = oracle.get("inner") or oracle["file"].removesuffix(".xz")
    return "media" in oracle and not oracle["file"].startswith("up_open") and bool(READ.search("/" + name))


def image_of(oracle: Mapping[str, Any], corpus: Fetch, folder: Path) -> Path:
    """The image, unpacked from its archive, with its segments beside it."""
    file, inner = oracle["file"], oracle.get("inner", "")
    if file.endswith(".zip"):
        with zipfile.ZipFile(corpus(file)) as archive:
            member = next(name for name in archive.namelist() if name.endswith(Path(inner).name))
            target = folder / Path(member).name
            target.write_bytes(archive.read(member))
            return target
    first = corpus(file.removesuffix(".xz"))
    root = Path(os.environ["EVIKIT_CORPUS"])
    for other in sorted((root / file).parent.glob(f"{first.stem}.*")):
        name = other.name.removesuffix(".xz")
        if re.search(r"\.(\d{3}|[Ee]\d\d)$", name) and not first.with_name(name).exists():
            corpus(str(Path(file).parent / name))
    return first


def norm(path: str) -> str:
    """As fls prints it: control characters as ^, without its remarks."""
    path = re.sub(r" *\((deleted(-realloc)?|Volume Label Entry)\)$", "", path).lstrip("/").rstrip(" ")
    return re.sub(r"[\x00-\x1f\x7f]", "^", path.replace("\\", "/"))


def same_name(name: str | None) -> str:
    plain = re.sub(r"[^a-z0-9]", "", (name or "").lower())
    return plain.replace("hfsplus", "hfs").replace("hfsx", "hfs")


def seconds(nanoseconds: int | None, filesystem: str) -> int:
    whole = 0 if nanoseconds is None else nanoseconds // 1_000_000_000
    return whole & ~1 if filesystem in ODD_SECONDS else whole


def is_link(row: Mapping[str, Any]) -> bool:
    return row["mode"].startswith("l") or "/l" in row["mode"][:3]


def is_label(row: Mapping[str, Any]) -> bool:
    return "(Volume Label Entry)" in row["path"]


def plain_path(row: Mapping[str, Any]) -> str:
    path: str = row["path"]
    return path.split(" -> ")[0] if is_link(row) else path


def entries_missing(wanted: Mapping[str, Any], got: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """What fls lists (names, and $FILE_NAME times as rows of their own) and we do not."""
    filesystem = got["filesystem"]
    have: Counter[tuple[Any, ...]] = Counter()
    for entry in got["entries"]:
        path = norm(entry["path"])
        have[path, entry["allocated"], entry["size"], seconds(entry["modified"], filesystem)] += 1
        if entry["fn_modified"] is not None:
            have[path.partition(":")[0], "fn", seconds(entry["fn_modified"], "") % 2**32] += 1
    missing: list[tuple[Any, ...]] = []
    for row in wanted.get("tsk_entries", []):
        path, modified = norm(plain_path(row)), int(row["mtime"])
        key: tuple[Any, ...] = (path, not row["deleted"], row["size"], seconds(modified * 10**9, filesystem))
        if path.endswith(" ($FILE_NAME)"):
            key = (path.removesuffix(" ($FILE_NAME)"), "fn", modified)
            if modified == NO_NTFS_TIME:
                continue
        elif is_label(row) or VIRTUAL.search(path) or row["mode"].startswith(("V/", "v/")):
            continue
        if have[key] <= 0:
            missing.append(key)
        have[key] -= 1
    return missing


def contents_wrong(wanted: Mapping[str, Any], got: Mapping[str, Any]) -> list[str]:
    """Paths whose SHA-256 is neither of the two readers'."""
    rows = wanted.get("tsk_entries", [])
    skip = {norm(plain_path(row)).casefold() for row in rows if is_link(row) or is_label(row)}
    ours = defaultdict(set)
    for entry in got["entries"]:
        ours[norm(entry["path"]).casefold()].add(entry["sha256"])
    theirs = defaultdict(set)
    for reader in (wanted.get("tsk_allocated_files_sha256"), (wanted.get("dissect") or {}).get("files")):
        for path, found in (reader or {}).items():
            if isinstance(found, dict) and found.get("sha256"):
                theirs[norm(path).casefold()].add(found["sha256"].lower())
    return [
        path
        for path, digests in theirs.items()
        if path not in skip and path not in LABEL_AS_FILE and not ours[path] & digests
    ]


def ask(path: Path) -> dict[str, Any]:
    """The survey of one image, by a child in a zone far from UTC that is killed when it spins."""
    child = subprocess.run(
        [sys.executable, "-m", "tests.forensics.survey", str(path)],
        capture_output=True,
        timeout=LIMIT_S,
        check=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "TZ": "Pacific/Apia"},
    )
    answer: dict[str, Any] = json.loads(child.stdout)
    return answer


@pytest.mark.parametrize("oracle_path", oracles(), ids=lambda path: path.stem.removeprefix("image__"))
def test_an_image(oracle_path: Path, corpus: Fetch, tmp_path: Path) -> None:
    oracle = json.loads(oracle_path.read_bytes())
    got = ask(image_of(oracle, corpus, tmp_path))
    assert got["size"] == oracle["media"]["size"]
    found = {volume["offset"]: volume for volume in got["volumes"]}
    for wanted in oracle["file_systems"]:
        volume = found[wanted["offset_sectors"] * 512]
        known = wanted["tsk_fs_type"] or (oracle["blkid"] or {}).get("TYPE", "")  # XFS is none of libtsk's
        assert same_name(volume["filesystem"]) in {same_name(wanted["tsk_fs_type"]), same_name(known)}
        assert bool(volume["problem"]) is not bool(volume["filesystem"])
        assert entries_missing(wanted, volume) == []
        assert contents_wrong(wanted, volume) == []


@pytest.mark.parametrize("oracle_path", oracles(), ids=lambda path: path.stem.removeprefix("image__"))
def test_the_fast_readers_and_libtsk_see_the_same_names(oracle_path: Path, corpus: Fetch, tmp_path: Path) -> None:
    """Entry by entry, every column, also of volumes that are not read fast because a sample did not agree."""
    oracle = json.loads(oracle_path.read_bytes())
    medium, systems = volumes(image_of(oracle, corpus, tmp_path))
    for fs in systems:
        _, direct, libtsk = both(medium, fs)
        assert direct.rows == libtsk.rows


def test_there_are_oracles(corpus: Fetch) -> None:
    corpus("oracles/image")
    assert len(oracles()) >= 35


@pytest.mark.parametrize("number", range(4))
def test_hostile_images_end_with_an_answer(corpus: Fetch, number: int) -> None:
    """A quarter of the hostile images to one child: no exception, no crash, and in time."""
    images = sorted(corpus("hostile/made").glob("*.dd"))[number::4]
    child = subprocess.run(
        [sys.executable, "-m", "tests.forensics.survey", *map(str, images)],
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert child.returncode == 0, child.stderr.decode()[-2000:]
    answers = [json.loads(line) for line in child.stdout.splitlines()]
    assert len(answers) == len(images) > 0
    for answer in answers:
        assert all(volume["problem"] or volume["filesystem"] for volume in answer["volumes"])
