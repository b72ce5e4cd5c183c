from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics import results
from forensics.model import Artefact, Clock, FileEntry, Location
from forensics.results.columns import ARTEFACTS, CONTENTS, EVENTS, FILES, artefact_batch, file_batch
from forensics.timeline import iso, write_events

SECOND = 1_000_000_000


def events_of(folder: Path, entries: list[FileEntry], artefacts: list[Artefact]) -> list[dict[str, Any]]:
    walked = file_batch(entries)
    empty = [pa.nulls(len(entries), field.type) for field in CONTENTS]
    with results.table(folder / "files.parquet", FILES) as writer:
        writer.write(pa.RecordBatch.from_arrays([*walked.columns, *empty], schema=FILES))
    with results.table(folder / "artefacts.parquet", ARTEFACTS) as writer:
        writer.write(artefact_batch(artefacts))
    with results.table(folder / "events.parquet", EVENTS) as writer:
        count = write_events(folder / "files.parquet", folder / "artefacts.parquet", writer)
    rows: list[dict[str, Any]] = pq.read_table(folder / "events.parquet").to_pylist()
    assert len(rows) == count
    return rows


def line(fields: dict[str, str], kind: str = "syslog.line", times: dict[str, int] | None = None) -> Artefact:
    place = Location("AH/1", "2", "var/log/auth.log", offset=0, length=9)
    return Artefact(kind, place, times if times is not None else {"logged": 7}, fields, "p", "1", Clock.DECLARED)


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (1_772_359_200_123_456_700, "2026-03-01T10:00:00.123456700Z"),
        (-11_644_473_600 * SECOND, "1601-01-01T00:00:00.000000000Z"),
        (253_402_300_799 * SECOND + 1, "9999-12-31T23:59:59.000000001Z"),
        (253_402_300_800 * SECOND, "+010000-01-01T00:00:00.000000000Z"),
        (-62_135_596_801 * SECOND, "0000-12-31T23:59:59.000000000Z"),
        (-62_167_219_201 * SECOND, "-000001-12-31T23:59:59.000000000Z"),
    ],
)
def test_times_are_iso_8601_with_nine_digits(at: int, shown: str) -> None:
    assert iso(at) == shown


@given(st.integers(-62_135_596_800 * SECOND, 253_402_300_799 * SECOND))
def test_times_of_four_digit_years_are_what_the_standard_library_says(at: int) -> None:
    second, nanosecond = divmod(at, SECOND)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    assert iso(at) == f"{moment.replace(tzinfo=None).isoformat()}.{nanosecond:09d}Z"


@given(st.integers(-(2**80), 2**80))
def test_no_time_is_too_far(at: int) -> None:
    assert iso(at).endswith("Z")


def test_every_time_of_a_file_is_an_event(tmp_path: Path) -> None:
    place = Location("AH/1", "2", "docs/a.txt", meta="31")
    entry = FileEntry(
        place, "file", True, 12, modified=1, accessed=None, created=3, extra_times={"fn_modified": 4, "odd": 5}
    )
    rows = events_of(tmp_path, [entry], [])
    assert [(row["at"], row["meaning"]) for row in rows] == [
        (1, "file modified"),
        (3, "file created"),
        (4, "file modified ($FILE_NAME)"),
        (5, "file odd"),
    ]
    assert {(row["kind"], row["path"], row["meta"], row["message"], row["row"]) for row in rows} == {
        ("file", "docs/a.txt", "31", "file, 12 bytes", 0)
    }


@pytest.mark.parametrize(
    ("allocated", "reallocated", "message"),
    [
        (True, False, "file, 0 bytes"),
        (False, False, "file, 0 bytes, deleted"),
        (False, True, "file, 0 bytes, deleted, reallocated"),
    ],
)
def test_a_deleted_file_says_so(tmp_path: Path, allocated: bool, reallocated: bool, message: str) -> None:
    entry = FileEntry(Location("AH/1"), "file", allocated, 0, modified=1, reallocated=reallocated)
    assert events_of(tmp_path, [entry], [])[0]["message"] == message


def test_events_are_tied_to_their_rows_across_batches(tmp_path: Path) -> None:
    entries = [
        FileEntry(
            Location("AH/1", path=str(n)), "file", True, n, modified=n, extra_times={"fn_created": -n} if n % 3 else {}
        )
        for n in range(20_000)
    ]
    rows = events_of(tmp_path, entries, [line({"message": str(n)}, times={"logged": n}) for n in range(9000)])
    for row in rows:
        if row["kind"] == "file":
            assert abs(row["at"]) == row["row"] == int(row["path"])
        else:
            assert (row["at"], row["message"]) == (row["row"], f": {row['row']}")
    assert len(rows) == 20_000 + 13_333 + 9000


def test_log_lines_read_as_they_were_written(tmp_path: Path) -> None:
    full = line({"host": "srv", "program": "sshd", "pid": "411", "message": "Accepted"})
    bare = line({"host": "srv", "program": "kernel", "message": "up"})
    rows = events_of(tmp_path, [], [full, bare])
    assert [row["message"] for row in rows] == ["srv sshd[411]: Accepted", "srv kernel: up"]
    assert {(row["meaning"], row["clock"]) for row in rows} == {("log line logged", "declared")}


def test_requests_and_windows_events_read_in_one_line(tmp_path: Path) -> None:
    request = line(
        {"client": "10.0.0.7", "method": "GET", "target": "/a", "status": "200", "bytes": "5"},
        "access.request",
        {"requested": 1},
    )
    record = line(
        {"provider": "Security", "event_id": "4624", "computer": "PC", "data.User": "anna", "level": "0"},
        "evtx.record",
    )
    rows = events_of(tmp_path, [], [request, record])
    assert [row["message"] for row in rows] == [
        '10.0.0.7 "GET /a" 200 5 bytes',
        "Security 4624 on PC User=anna",
    ]
    assert [row["meaning"] for row in rows] == ["request served", "event logged"]


def test_logins_and_the_other_windows_logs_read_in_one_line(tmp_path: Path) -> None:
    login = {
        "type": "USER_PROCESS",
        "pid": "812",
        "line": "pts/0",
        "user": "mira",
        "host": "gw",
        "address": "192.0.2.7",
    }
    request = {"client": "192.0.2.7", "method": "GET", "target": "/a", "query": "id=1", "status": "404", "site": "W3"}
    record = {"provider": "Security", "event_id": "528", "computer": "PC", "string.1": "mira", "category": "2"}
    found = [
        line(login, "utmp.record"),
        line(request, "iis.request", {"requested": 1}),
        line(record, "evt.record", {"generated": 1, "written": 2}),
        line(record, "evt.recovered", {"generated": 1}),
    ]
    rows = events_of(tmp_path, [], found)
    assert [(row["meaning"], row["message"]) for row in rows] == [
        ("login record logged", "USER_PROCESS mira on pts/0 from gw (192.0.2.7) pid 812"),
        ("request served", "192.0.2.7 GET /a?id=1 404"),
        ("event logged", "Security 528 on PC 1=mira"),
        ("event record written", "Security 528 on PC 1=mira"),
        ("event logged (record left over, not current)", "Security 528 on PC 1=mira"),
    ]


def test_an_unknown_kind_says_all_it_knows(tmp_path: Path) -> None:
    rows = events_of(tmp_path, [], [line({"a": "1", "b": ""}, "new.kind", {"x": 1, "y": 2}), line({}, "bare.kind")])
    assert [(row["at"], row["meaning"], row["message"]) for row in rows] == [
        (1, "new.kind x", "a=1 b="),
        (2, "new.kind y", "a=1 b="),
        (7, "bare.kind logged", ""),
    ]


def test_an_artefact_without_a_time_is_no_event(tmp_path: Path) -> None:
    assert events_of(tmp_path, [], [line({"message": "x"}, times={})]) == []


def test_far_times_keep_their_value(tmp_path: Path) -> None:
    entry = FileEntry(Location("AH/1"), "file", True, 0, modified=2**70, extra_times={"fn_created": -(2**70)})
    rows = events_of(tmp_path, [entry], [line({}, times={"logged": 2**66})])
    assert [row["far_at"] for row in rows] == [str(2**70), str(-(2**70)), str(2**66)]
    assert rows[0]["at"] == 2**63 - 1
