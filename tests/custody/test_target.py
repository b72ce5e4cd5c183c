"""What an access is about to open: located once, identified without opening."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from custody.ledger.errors import CustodyError
from custody.target import Target, identity, shown


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "evidence" / "disk.raw"
    path.parent.mkdir()
    path.write_bytes(b"image")
    return path


def test_files_of_one_folder_in_the_order_given(image: Path) -> None:
    other = image.with_name("auth.log")
    other.touch()
    target = Target.locate([image, other])
    assert (target.root, target.names, target.is_folder) == (image.parent, ("disk.raw", "auth.log"), False)
    assert [part["path"] for part in target.described() if isinstance(part, dict)] == [str(image), str(other)]


def test_a_folder_stands_for_itself(image: Path) -> None:
    target = Target.locate([image.parent])
    assert (target.root, target.names, target.is_folder) == (image.parent, ("",), True)
    (facts,) = target.identities()
    assert isinstance(facts, dict)
    assert facts["type"] == "d"


def test_nothing_is_opened_to_locate(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "open", lambda *_, **__: pytest.fail("opened"))
    assert Target.locate([image]).facts[0].st_size == 5


def test_names_that_are_not_utf_8_are_shown_with_escapes(image: Path) -> None:
    raw = Path(os.fsdecode(os.fsencode(image.parent) + b"/\xffdisk"))
    raw.touch()
    target = Target.locate([raw])
    assert os.fsencode(target.names[0]) == b"\xffdisk"
    (part,) = target.described()
    assert isinstance(part, dict)
    assert part["name"] == shown(raw.name) == "\\xffdisk"


def fifo(folder: Path) -> list[Path]:
    os.mkfifo(folder / "pipe")
    return [folder / "pipe"]


def loop(folder: Path) -> list[Path]:
    (folder / "loop").symlink_to("loop")
    return [folder / "loop"]


def elsewhere(folder: Path) -> list[Path]:
    (folder.parent / "log").touch()
    return [folder / "disk.raw", folder.parent / "log"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: [folder / "none"], "there is no"),
        (lambda folder: [folder / "disk.raw" / "inside"], "cannot be found"),
        (fifo, "not a file, a block device, or one folder"),
        (loop, "cannot be found"),
        (lambda folder: [folder, folder / "disk.raw"], "not a file, a block device, or one folder"),
        (elsewhere, "different folders"),
        (lambda folder: [folder / "disk.raw", folder / ".." / folder.name / "disk.raw"], "named twice"),
        (lambda _: [Path("/dev/null")], "not a file"),
    ],
)
def test_what_cannot_be_evidence_is_refused_in_one_line(
    image: Path, make: Callable[[Path], list[Path]], said: str
) -> None:
    with pytest.raises(CustodyError, match=said) as caught:
        Target.locate(make(image.parent))
    assert "\n" not in str(caught.value)
    assert caught.value.advice


def test_a_device_is_identified_by_its_numbers() -> None:
    values = [0o060660, 7, 5, 1, 0, 6, 0, 0, 0, 0, *[0] * 8]
    facts = os.stat_result(values, {"st_rdev": os.makedev(8, 1)})
    found = identity("sda1", facts)
    assert (found["type"], found["number"]) == ("b", "8:1")
