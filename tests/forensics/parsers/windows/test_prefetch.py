"""Prefetch files of four versions of Windows, held against libscca's tool; damaged ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from forensics.parsers import parser_for
from forensics.parsers.windows.prefetch import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

FOLDER = "prefetch/plaso/winprefetch"
FILES = {
    "CMD.EXE-087B4001.pf": ("17", 1),
    "PING.EXE-B29F6629.pf": ("23", 1),
    "TASKHOST.EXE-3AE259FC.pf": ("26", 4),
    "BYTECODEGENERATOR.EXE-C1E9BCE6.pf": ("30", 7),
}


def said(corpus: Fetch, name: str) -> dict[str, str]:
    """The lines "name : value" of the oracle."""
    path = corpus(f"oracles/artefact/prefetch__plaso__winprefetch__{name}.json")
    lines = json.loads(path.read_text())["sccainfo"]
    return {key.strip(): value.strip() for line in lines if ":" in line for key, _, value in [line.partition("\t:")]}


@pytest.mark.parametrize("name", FILES)
def test_public_files(corpus: Fetch, read: Any, name: str) -> None:
    version, runs = FILES[name]
    data = corpus(f"{FOLDER}/{name}").read_bytes()
    found = read(PARSER, data, name=name)
    (run,) = artefacts(found, "prefetch.execution")
    oracle = said(corpus, name)
    assert run.fields["format"] == version == oracle["Format version"]
    assert run.fields["executable"] == oracle["Executable filename"]
    assert run.fields["run_count"] == oracle["Run count"]
    assert f"0x{run.fields['hash']}" == oracle["Prefetch hash"]
    assert run.fields["file_count"] == oracle["Number of filenames"]
    assert run.fields["file.2"] == oracle["Filename: 2"]
    assert len(run.times) == runs
    assert list(run.times.values()) == sorted(run.times.values(), reverse=True)
    assert [volume.fields["executable"] for volume in artefacts(found, "prefetch.volume")] == [run.fields["executable"]]
    assert parser_for(data[:4096], name) is PARSER
    assert problems(found) == []


def test_a_file_that_is_none_is_a_problem(read: Any) -> None:
    assert problems(read(PARSER, b"\x11\0\0\0SCCA"))[0].startswith("the prefetch file cannot be read: ")
    assert parser_for(b"MAM\x04" + bytes(20), "notes.txt") is None


@pytest.mark.parametrize("name", ["CMD.EXE-087B4001.pf", "BYTECODEGENERATOR.EXE-C1E9BCE6.pf"])
def test_damaged_files_give_values(corpus: Fetch, read: Any, name: str) -> None:
    for data in damaged(corpus(f"{FOLDER}/{name}").read_bytes(), 30):
        read(PARSER, data, name=name)
