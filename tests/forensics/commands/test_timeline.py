"""`evikit timeline`: noise that is hidden and said, counts by period, clocks put right, forms for other programs."""

from __future__ import annotations

import csv
import io
from xml.etree import ElementTree

from tests.console import Lab


def test_the_histogram_counts_what_the_listing_lists(furnished: Lab) -> None:
    listed = furnished.run("timeline", "--json").lines
    bars = furnished.run("timeline", "--histogram", "day", "--json").lines
    counted: dict[tuple[str, str], int] = {}
    for line in listed:
        key = (line["at"][:10], line["kind"].partition(".")[0])
        counted[key] = counted.get(key, 0) + 1
    assert {(bar["period"], name): n for bar in bars for name, n in bar["sources"].items()} == counted
    assert [bar["period"] for bar in bars] == sorted(bar["period"] for bar in bars)
    assert all(bar["events"] == sum(bar["sources"].values()) for bar in bars)
    table = furnished.run("timeline", "--histogram", "month").out.splitlines()
    assert table[0].split() == ["month", "events", "of", "which"]
    assert any("#" in line and "file " in line for line in table)
    rows = list(csv.reader(io.StringIO(furnished.run("timeline", "--histogram", "day", "--format", "csv").out)))
    assert rows[0] == ["period", "source", "events"]
    assert sum(int(row[2]) for row in rows[1:]) == len(listed)


def test_what_is_hidden_is_said(furnished: Lab) -> None:
    told = furnished.run("timeline", "--hide", "access-times", "--json")
    assert told.lines
    assert all(line["meaning"] != "file accessed" for line in told.lines)
    accessed = [line for line in furnished.run("timeline", "--json").lines if line["meaning"] == "file accessed"]
    assert accessed
    assert f"hidden: {len(accessed):,} events, last access times of files" in told.err
    furnished.run("timeline", "--hide", "everything").refused(2, "everything")


def test_a_clock_that_was_wrong_is_put_right_on_request_and_said(lab: Lab) -> None:
    told = lab.run(
        "exhibit", "register", "AH/1", "--no-prompt", "--clock-shown", "2026-03-14T10:03:12Z",
        "--clock-reference", "2026-03-14T10:00:00Z", "--clock-source", "the radio",
    )  # fmt: skip
    assert told.code == 0, told
    lab.ingest("AH/1", lab.logs())
    stated = lab.run("timeline", "--kind", "access", "--json").lines
    right = lab.run("timeline", "--kind", "access", "--corrected", "--json")
    assert [line["stated"] for line in right.lines] == [line["at"] for line in stated]
    assert right.lines[0]["at"] == "2026-03-10T06:12:50.000000000Z"
    assert "AH/1: its clock was 192 s ahead" in right.err
    assert "stated" not in stated[0]


def test_forms_for_timesketch(furnished: Lab) -> None:
    lines = furnished.run("timeline", "--kind", "access", "--format", "timesketch-jsonl").lines
    assert lines[0]["datetime"] == "2026-03-10T06:16:02.000000000Z"
    assert lines[0]["timestamp"] == 1773123362000000
    assert (lines[0]["timestamp_desc"], lines[0]["data_type"]) == ("request served", "evikit:access.request")
    rows = list(csv.DictReader(io.StringIO(furnished.run("timeline", "--format", "timesketch-csv").out)))
    assert len(rows) == len(furnished.run("timeline", "--json").lines)
    assert all(row["message"] and row["timestamp"].lstrip("-").isdigit() for row in rows)


def test_the_file_list_as_dfxml(furnished: Lab) -> None:
    root = ElementTree.fromstring(furnished.run("files", "--format", "dfxml").out)
    space = "{http://www.forensicswiki.org/wiki/Category:Digital_Forensics_XML}"
    names = [item.text for item in root.iter(f"{space}filename")]
    assert len(names) == len(furnished.run("files", "--json").lines)
    assert "0:HELLO.TXT" in names


def test_filters_by_path_and_by_several_kinds(furnished: Lab) -> None:
    kinds = {line["kind"] for line in furnished.run("timeline", "--kind", "access", "--kind", "syslog", "--json").lines}
    assert kinds == {"access.request", "syslog.line"}
    paths = {line["path"] for line in furnished.run("files", "--path", "SUB", "--json").lines}
    assert paths == {"SUB", "SUB/DEEP.BIN"}
    users = furnished.run("timeline", "--user", "operator", "--json").lines
    assert [line["kind"] for line in users] == ["syslog.line"]
