"""Archives written in one direction are what zipfile and unzip make of them, also with members beyond 4 GiB."""

from __future__ import annotations

import io
import subprocess
import zipfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.acquire.logical_writer import fragment, literal, moment
from forensics.acquire.zip_writer import ZipWriter
from forensics.media._turtle import statements
from tests.forensics.images import noise


def written(folder: Path, members: dict[str, list[bytes]]) -> bytes:
    out = io.BytesIO()
    with ZipWriter(lambda data: out.write(data) and None, folder) as archive:
        for name, blocks in members.items():
            archive.member(name, blocks)
        archive.finish(b"aff4://x")
    return out.getvalue()


def test_small_large_and_incompressible(tmp_path: Path) -> None:
    members = {
        "a": [b"x" * 500],
        "b/ž": [noise(70_000)],
        "c": [noise(70_000), bytes(90_000), b"end"],
        "d": list[bytes](),
    }
    path = tmp_path / "a.zip"
    path.write_bytes(written(tmp_path, members))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {n: b"".join(b) for n, b in members.items()}
        assert archive.comment == b"aff4://x"
    assert subprocess.run(["unzip", "-tq", path], check=False, capture_output=True).returncode == 0


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1), st.text())
def test_any_name_is_described_so_that_it_is_read_again(name: str, value: str) -> None:
    line = f"<aff4://v/{fragment(name)}> <a:b> {literal(value)} .\n" if _plain(name) and _plain(value) else ""
    found = list(statements([line]))
    assert [one[2] for one in found] == ([value] if line else [])


def _plain(text: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def test_times_beyond_the_calendar() -> None:
    assert moment(-1) == '"1969-12-31T23:59:59.999999999Z"^^xsd:dateTime'
    assert moment(1 << 70) == ""
    assert fragment("version.txt") == "%76ersion.txt"
    assert fragment("b\udcff c") == "b%ff%20c"
