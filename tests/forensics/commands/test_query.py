"""`evikit volumes | files | artefacts | timeline`: filters, formats, the contract of the lines, exports."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from typing import Any

import pytest

from custody.ledger.errors import CustodyError
from forensics.commands.listings import parse_time
from tests.console import Lab
from tests.forensics.images import HELLO

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")
NUMBER = re.compile(r"\d+")

CONTRACT: dict[str, dict[str, str]] = {
    "volumes": dict.fromkeys(
        ("exhibit", "volume", "scheme", "description", "filesystem", "label", "problem"), "text"
    ) | {"offset": "number", "length": "number"},
    "files": dict.fromkeys(("exhibit", "volume", "path", "type"), "text")
    | dict.fromkeys(("md5", "sha256", "mime", "problem"), "text or null")
    | dict.fromkeys(("modified", "accessed", "changed", "created"), "time or null")
    | {"allocated": "boolean", "meta": "number", "size": "number"},
    "timeline": dict.fromkeys(("meaning", "kind", "exhibit", "volume", "path", "message", "clock"), "text")
    | {"at": "time"},
    "artefacts": dict.fromkeys(("kind", "exhibit", "volume", "path", "parser"), "text")
    | {"offset": "number or null", "times": "object", "fields": "object"},
}  # fmt: skip


def fits(value: Any, kind: str) -> bool:
    plain, _, null = kind.partition(" or ")
    if null and value is None:
        return True
    match plain:
        case "boolean":
            return isinstance(value, bool)
        case "object":
            return isinstance(value, dict)
        case "time":
            return isinstance(value, str) and TIME.fullmatch(value) is not None
        case "number":
            return isinstance(value, str) and NUMBER.fullmatch(value) is not None
    return isinstance(value, str)


@pytest.mark.parametrize("command", CONTRACT)
def test_the_contract_of_the_lines(command: str, furnished: Lab) -> None:
    lines = furnished.run(command, "--json").lines
    assert lines
    for line in lines:
        for name, kind in CONTRACT[command].items():
            assert fits(line[name], kind), (command, name, line[name])


def test_volumes(furnished: Lab) -> None:
    (line,) = furnished.run("volumes", "--json").lines
    assert (line["exhibit"], line["volume"], line["offset"], line["filesystem"]) == ("AH/1", "0", "0", "FAT12")
    told = furnished.run("volumes")
    assert told.out.splitlines()[1].split() == ["AH/1", "0", "0", "65,536", "FAT12", "EVIKIT"]
    assert told.err == "1 row\n"


def test_files_allocated_and_deleted(furnished: Lab) -> None:
    lines = {line["path"]: line for line in furnished.run("files", "--exhibit", "AH/1", "--json").lines}
    hello = lines["HELLO.TXT"]
    assert (hello["allocated"], hello["size"]) == (True, str(len(HELLO)))
    assert hello["sha256"] == hashlib.sha256(HELLO).hexdigest()
    assert hello["modified"] == "2010-07-01T12:00:00.000000000Z"
    assert lines["_ONE.TXT"]["allocated"] is False
    assert lines["SUB/DEEP.BIN"]["type"] == "file"
    table = furnished.run("files", "--exhibit", "AH/1").out
    assert re.search(r"^f1\.\d+ +AH/1 +0 +D +\d+ +25 2010-07-01 12:00:00 _ONE\.TXT$", table, re.MULTILINE)
    assert re.search(r" SUB/$", table, re.MULTILINE)


def test_filters(furnished: Lab) -> None:
    def count(*words: str) -> int:
        return len(furnished.run(*words, "--json").lines)

    assert count("files", "--text", "hello") == 1
    assert count("files", "--kind", "directory") < count("files", "--kind", "file")
    assert count("files", "--exhibit", "AH/1", "--from", "2010-07-01", "--to", "2010-07-02") >= 3
    assert count("files", "--exhibit", "AH/1", "--from", "2010-07-02") == 0
    assert count("timeline", "--kind", "syslog") == 2
    assert count("timeline", "--kind", "sys") == 0
    assert count("timeline", "--kind", "syslog", "--text", "FAILED PASSWORD") == 1
    assert count("timeline", "--kind", "syslog", "--from", "2026-03-10T08:15:00+01:00") == 1
    assert count("timeline", "--kind", "syslog", "--to", "2026-03-10T07:15:00Z") == 1
    assert count("artefacts", "--kind", "access") == 1
    assert count("artefacts", "--text", "no such thing") == 0
    at = [line["at"] for line in furnished.run("timeline", "--json").lines]
    assert at == sorted(at)


def test_formats(furnished: Lab) -> None:
    rows = furnished.run("timeline", "--json").lines
    assert furnished.run("timeline", "--format", "jsonl").lines == rows
    assert furnished.run("timeline", "--format", "csv", "--json").lines == rows  # --json goes before --format
    table = list(csv.reader(furnished.run("timeline", "--format", "csv").out.splitlines()))
    assert table[0] == [
        "at",
        "meaning",
        "kind",
        "exhibit",
        "volume",
        "path",
        "message",
        "clock",
        "id",
        "source",
        "stated",
    ]
    assert [row[0] for row in table[1:]] == [row["at"] for row in rows]
    for command in ("files", "timeline"):
        body = furnished.run(command, "--format", "bodyfile").out.splitlines()
        assert all(len(line.split("|")) == 11 for line in body)
    names = [line.split("|")[1] for line in furnished.run("files", "--format", "bodyfile").out.splitlines()]
    assert "_ONE.TXT (deleted)" in names
    table = list(csv.reader(furnished.run("files", "--format", "csv").out.splitlines()))
    assert len(table) == len(furnished.run("files", "--json").lines) + 1
    assert {len(row) for row in table} == {len(table[0])}


def test_local_times_of_an_unknown_zone_are_marked(furnished: Lab) -> None:
    told = furnished.run("timeline", "--exhibit", "AH/1")
    assert re.search(r"^e1\.\d+ +2010-07-01 12:00:00 ~ AH/1 +file modified", told.out, re.MULTILINE)
    clocks = {line["clock"] for line in furnished.run("timeline", "--exhibit", "AH/1", "--json").lines}
    assert clocks == {"unknown"}


@pytest.mark.parametrize("words", [["--format", "csv"], ["--json"], []])
def test_a_listing_in_a_file_is_an_export(words: list[str], case: Lab) -> None:
    plain = case.run("timeline", *words).out
    target = case.folder / "list.txt"
    told = case.run("timeline", *words, "-o", target)
    assert told.code == 0, told
    assert target.read_text("utf-8") == plain
    said = told.json if "--json" in words else dict(line.split(None, 1) for line in told.out.splitlines())
    assert said["sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()
    assert said["lines"] == str(len(plain.splitlines()))
    assert case.log()[-2]["type"] == "export"
    case.run("timeline", *words, "-o", target).refused(1, "exists already", "nothing is overwritten")


def test_an_export_that_cannot_be_written(case: Lab) -> None:
    before = len(case.log())
    case.run("files", "-o", case.folder / "no" / "list").refused(1, "No such file or directory")
    assert len(case.log()) == before


def test_a_run_by_name(furnished: Lab) -> None:
    assert furnished.run("volumes", "--run", "0001-AH-1", "--json").lines
    furnished.run("volumes", "--run", "nosuch").refused(1, "there is no complete run nosuch", "leave --run out")


def test_nothing_yet(lab: Lab) -> None:
    lab.run("files").refused(1, "nothing has been examined yet", "evikit ingest")


@pytest.mark.parametrize("given", ["yesterday", "2026-13-01", "2026-03-01T25:00", "10:00", "2026-03-01+01:00"])
def test_no_time(given: str, furnished: Lab) -> None:
    furnished.run("timeline", "--from", given).refused(1, f"'{given}' is no time", "Write")


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ("1970-01-01", 0),
        ("1970-01-01T00:00:01.5", 1_500_000_000),
        ("1970-01-01 01:00:00+01:00", 0),
        ("1970-01-01T00:00Z", 0),
        ("1969-12-31T23:59:59.000000001Z", -999_999_999),
    ],
)
def test_times(given: str, at: int) -> None:
    assert parse_time(given) == at


def test_no_time_is_no_time() -> None:
    assert parse_time(None) is None
    with pytest.raises(CustodyError):
        parse_time("")


def test_damaged_results_are_said_to_be(case: Lab) -> None:
    table = case.case / "derived" / "0001-AH-1" / "files.parquet"
    table.chmod(0o644)
    table.write_bytes(table.read_bytes()[:100])
    case.run("files").refused(1, "the results cannot be read", "again")
    manifest = case.case / "derived" / "0001-AH-1" / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_bytes(b"{")
    case.run("volumes").refused(1, "manifest.json cannot be read")


def test_json_lines_hold_no_raw_controls(case: Lab) -> None:
    case.put("odd/new\nline\x1b[31m.log", b"x\n")
    case.put("odd/rtl\u202egpj.exe", b"x\n")
    case.ingest("AH/3", case.evidence / "odd")
    told = case.run("files", "--exhibit", "AH/3")
    assert "new\\x0aline\\x1b[31m.log" in told.out
    assert "rtl\\u202egpj.exe" in told.out
    assert "\x1b" not in told.out
    lines = case.run("files", "--exhibit", "AH/3", "--json")
    assert "\x1b" not in lines.out
    assert {json.loads(line)["path"] for line in lines.out.splitlines()} == {
        "new\nline\x1b[31m.log",
        "rtl\u202egpj.exe",
    }
