"""The samples are what their manifest says, small, and described well enough for the demo."""

from __future__ import annotations

import hashlib
import runpy
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import forensics

PACKED = Path(forensics.__file__).resolve().parent / "_samples"
SAMPLES = PACKED if PACKED.exists() else PACKED.parent.parent / "sample_images"
DESCRIPTIONS = {"README.md", "manifest.toml", "demo.toml"}
STATES = {"original", "best-evidence", "working-copy"}


def table(name: str) -> dict[str, Any]:
    return tomllib.loads((SAMPLES / name).read_text(encoding="utf-8"))


FILES = {record["file"]: record for record in table("manifest.toml")["file"]}


def digest(path: Path, algorithm: str = "sha256") -> str:
    return hashlib.new(algorithm, path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", FILES)
def test_sample_is_what_the_manifest_says(name: str) -> None:
    record, path = FILES[name], SAMPLES / name
    assert (path.stat().st_size, digest(path)) == (record["size"], record["sha256"])
    assert (SAMPLES / record["recipe"]).is_file()
    assert record["modified"].year == 2026
    assert record["origin"]


def test_every_sample_is_in_the_manifest() -> None:
    found = {path.relative_to(SAMPLES).as_posix() for path in SAMPLES.rglob("*") if path.is_file()}
    made = {name for name in found if not name.startswith("recipes/") and "__pycache__" not in name}
    assert made - DESCRIPTIONS == set(FILES)


def test_together_they_stay_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) <= 12_000_000


def test_the_demo_names_files_and_digests_that_hold() -> None:
    exhibits = table("demo.toml")["exhibit"]
    assert [exhibit["ref"] for exhibit in exhibits] == ["AH/1", "AH/2", "AH/3", "AH/4"]
    for exhibit in exhibits:
        path = SAMPLES / exhibit["file"]
        assert path.exists()
        assert exhibit["state"] in STATES
        assert exhibit["purpose"]
        assert exhibit["description"]
        medium = SAMPLES / "stick-fat16.img" if path.suffix == ".E01" else path
        algorithm, _, value = exhibit.get("expect", ":").partition(":")
        assert path.is_dir() or digest(medium, algorithm) == value


def test_the_recipe_of_the_logs_makes_the_same_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SAMPLES / "recipes"))
    monkeypatch.setattr(sys, "argv", ["mail_logs.py", str(tmp_path)])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    runpy.run_path(str(SAMPLES / "recipes" / "mail_logs.py"), run_name="__main__")
    made = {f"logs/{path.relative_to(tmp_path).as_posix()}": path for path in tmp_path.rglob("*") if path.is_file()}
    assert {name: digest(path) for name, path in made.items()} == {
        name: FILES[name]["sha256"] for name in FILES if name.startswith("logs/")
    }
    assert {name: int(path.stat().st_mtime) for name, path in made.items()} == {
        name: int(FILES[name]["modified"].timestamp()) for name in made
    }
