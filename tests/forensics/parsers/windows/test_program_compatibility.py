"""Programs that the compatibility assistant of Windows 11 keeps."""

from __future__ import annotations

from typing import Any

from forensics.model import Clock
from forensics.parsers import parser_for
from forensics.parsers.windows.program_compatibility import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

NAME = "windows-other/plaso/PcaAppLaunchDic.txt"


def test_programs_of_a_public_file(corpus: Fetch, read: Any, at: Any) -> None:
    """plaso counts four as well."""
    data = corpus(NAME).read_bytes()
    found = read(PARSER, data, name="PcaAppLaunchDic.txt")
    assert len(artefacts(found, "pca.execution")) == 4
    assert found[1].fields == {"program": r"C:\Program Files\Microsoft VS Code\Code.exe"}
    assert (found[1].times, found[1].clock) == ({"last_run": at("2023-01-21T04:14:27.856000+00:00")}, Clock.UTC)
    assert found[1].raw == {"last_run": "2023-01-21 04:14:27.856"}
    assert parser_for(data[:4096], "PcaAppLaunchDic.txt") is PARSER
    assert not PARSER.accepts(data[:4096], "notes.txt")


def test_records_of_the_general_file(read: Any, at: Any) -> None:
    text = "2023-01-21 04:14:27.856|2|%programfiles%\\a.exe|Product|Vendor|1.0|0006abc|Abnormal process exit\r\n"
    (run,) = read(PARSER, b"\xff\xfe" + text.encode("utf-16-le"), name="PcaGeneralDb0.txt")
    assert run.fields == {
        "status": "2", "program": "%programfiles%\\a.exe", "product": "Product", "company": "Vendor",
        "file_version": "1.0", "program_id": "0006abc", "exit_code": "Abnormal process exit",
    }  # fmt: skip
    assert run.times == {"last_run": at("2023-01-21T04:14:27.856000+00:00")}


def test_lines_that_are_none(read: Any) -> None:
    assert [reason.partition(":")[0] for reason in problems(read(PARSER, b"a|2023-13-01 00:00:00\nb\n"))] == [
        "there is no month 13", "neither a program with its time nor a record of the assistant",
    ]  # fmt: skip


def test_damaged_files_give_values(corpus: Fetch, read: Any) -> None:
    for data in damaged(corpus(NAME).read_bytes(), 60):
        read(PARSER, data)
