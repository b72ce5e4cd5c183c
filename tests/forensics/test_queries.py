"""Questions to results, and rows as they are printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from forensics import results
from forensics.model import Artefact, FileEntry, Location, Problem, Volume
from forensics.results import ResultsError, histogram, listing, queries
from forensics.results.columns import (
    ARTEFACTS,
    CONTENTS,
    EVENTS,
    FILES,
    PROBLEMS,
    VOLUMES,
    artefact_batch,
    file_batch,
    problem_batch,
    volume_batch,
)
from forensics.results.noise import NOISE
from forensics.results.queries import Filter
from forensics.timeline import write_events

SECOND = 1_000_000_000
KEYS = {
    "volumes": {
        *("exhibit", "volume", "offset", "length", "scheme", "description", "filesystem", "label", "problem"),
    },
    "files": {
        *("exhibit", "volume", "path", "type", "allocated", "meta", "size", "modified", "accessed", "changed"),
        *("created", "md5", "sha256", "mime", "problem"),
    },
    "timeline": {"at", "meaning", "kind", "exhibit", "volume", "path", "message", "clock"},
    "artefacts": {"kind", "exhibit", "volume", "path", "offset", "times", "fields", "parser"},
}


def make_run(derived: Path, exhibit: str, paths: list[str]) -> None:
    entries = [
        FileEntry(Location(exhibit, "1", path, meta=str(n)), "file", n % 2 == 0, n, modified=n * SECOND, created=5)
        for n, path in enumerate(paths)
    ]
    artefacts = [
        Artefact(
            "syslog.line", Location(exhibit, "1", "log", offset=n), {"logged": n}, {"message": f"Çelës {n}"}, "s", "1"
        )
        for n in range(3)
    ]
    write_run(results.start_run(derived, exhibit, {}), exhibit, entries, artefacts)


def write_run(run: Path, exhibit: str, entries: list[FileEntry], artefacts: list[Artefact]) -> None:
    walked, count = file_batch(entries), len(entries)
    contents = [pa.nulls(count, field.type) for field in CONTENTS]
    with results.table(run / "files.parquet", FILES) as writer:
        writer.write(pa.RecordBatch.from_arrays([*walked.columns, *contents], schema=FILES))
    with results.table(run / "artefacts.parquet", ARTEFACTS) as writer:
        writer.write(artefact_batch(artefacts))
    with results.table(run / "events.parquet", EVENTS) as writer:
        write_events(run / "files.parquet", run / "artefacts.parquet", writer)
    with results.table(run / "volumes.parquet", VOLUMES) as writer:
        writer.write(volume_batch(exhibit, [Volume("1", 0, 9, "", "", "Ext4")]))
    with results.table(run / "problems.parquet", PROBLEMS) as writer:
        writer.write(problem_batch([Problem(Location(exhibit, "1", "log"), "syslog", "no line")]))
    results.complete(run, {"exhibit": exhibit})


@pytest.fixture
def runs(tmp_path: Path) -> list[results.Run]:
    make_run(tmp_path, "AH/2", ["b/two.txt", "O'Brien; DROP.txt"])
    make_run(tmp_path, "AH/1", ["docs/Çelësi.txt", "docs/ПИСМО.txt", "%_.txt"])
    return results.current_runs(tmp_path)


def paths(found: Any) -> list[str]:
    return [row["path"] for row in found]


def test_listings_stand_in_the_order_of_exhibits_and_of_the_walk(runs: list[results.Run]) -> None:
    assert paths(queries.files(runs)) == [
        *("docs/Çelësi.txt", "docs/ПИСМО.txt", "%_.txt", "b/two.txt", "O'Brien; DROP.txt"),
    ]
    assert [row["exhibit"] for row in queries.volumes(runs)] == ["AH/1", "AH/2"]
    assert [row["exhibit"] for row in queries.problems(runs)] == ["AH/1", "AH/2"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("çelësi", ["docs/Çelësi.txt"]),
        ("писмо", ["docs/ПИСМО.txt"]),
        ("%_", ["%_.txt"]),
        ("o'brien; drop", ["O'Brien; DROP.txt"]),
        ("' OR 1=1 --", []),
        ("DOCS/", ["docs/Çelësi.txt", "docs/ПИСМО.txt"]),
    ],
)
def test_text_is_found_without_regard_to_case_and_never_as_a_pattern(
    runs: list[results.Run], text: str, expected: list[str]
) -> None:
    assert paths(queries.files(runs, Filter(text=text))) == expected


def test_the_timeline_has_one_order(runs: list[results.Run]) -> None:
    keys = [(row["at"], row["exhibit"], row["volume"], row["path"], row["meaning"]) for row in queries.timeline(runs)]
    assert keys == sorted(keys)
    assert len(keys) == 5 + 5 + 6


def test_a_span_includes_its_start_and_not_its_end(runs: list[results.Run]) -> None:
    assert paths(queries.files(runs, Filter(start=SECOND, end=2 * SECOND))) == ["docs/ПИСМО.txt", "O'Brien; DROP.txt"]
    assert [row["at"] for row in queries.timeline(runs, Filter(start=1, end=3))] == [1, 1, 2, 2]
    assert [row["offset"] for row in queries.artefacts(runs, Filter(start=2))] == [2, 2]


def test_kind_and_exhibit_choose(runs: list[results.Run]) -> None:
    assert len(list(queries.artefacts(runs, Filter(kinds=("syslog",), exhibit="AH/2")))) == 3
    assert list(queries.artefacts(runs, Filter(kinds=("sys",)))) == []
    assert {row["kind"] for row in queries.timeline(runs, Filter(kinds=("file",)))} == {"file"}
    assert len(list(queries.artefacts(runs, Filter(text="çelës 2")))) == 2


def test_a_file_is_found_by_its_very_name(runs: list[results.Run]) -> None:
    assert paths(queries.file_named(runs, "1", "%_.txt")) == ["%_.txt"]
    assert queries.file_named(runs, "2", "%_.txt") == []
    assert len(queries.file_named(runs, "", "b/two.txt")) == 1


def test_no_run_no_rows() -> None:
    assert list(queries.timeline([])) == []


def test_a_damaged_table_is_one_clear_line(runs: list[results.Run]) -> None:
    runs[0].table("files").write_bytes(b"no parquet")
    with pytest.raises(results.ResultsError, match="the results cannot be read"):
        list(queries.files(runs))


def test_json_keeps_the_names_of_the_contract(runs: list[results.Run]) -> None:
    printed = {
        "volumes": [listing.volume_json(row) for row in queries.volumes(runs)],
        "files": [listing.file_json(row) for row in queries.files(runs)],
        "timeline": [listing.event_json(row) for row in queries.timeline(runs)],
        "artefacts": [listing.artefact_json(row) for row in queries.artefacts(runs)],
    }
    for name, lines in printed.items():
        for line in lines:
            assert KEYS[name] <= set(json.loads(listing.json_line(line))), name
    second = printed["files"][1]
    assert (second["size"], second["meta"], second["modified"]) == ("1", "1", "1970-01-01T00:00:01.000000000Z")
    assert (second["accessed"], second["allocated"]) == (None, False)
    assert printed["volumes"][0]["offset"] == "0"
    assert printed["artefacts"][2]["times"] == {"logged": "1970-01-01T00:00:00.000000002Z"}
    assert printed["artefacts"][2]["offset"] == "2"


def test_csv_quotes_what_must_be_quoted() -> None:
    assert listing.csv_line(["a,b", 'say "x"', None, "two\nlines"]) == '"a,b","say ""x""",,"two\nlines"'


def file_row(**changes: Any) -> dict[str, Any]:
    entry = FileEntry(
        Location("E", "1", "a|b\nc", meta="31"),
        "file",
        True,
        12,
        modified=2 * SECOND,
        accessed=SECOND,
        mode=0o104755,
        uid=1,
        gid=2,
    )
    row: dict[str, Any] = file_batch([entry]).to_pylist()[0]
    return row | {"md5": None} | changes


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "0|a%7Cb%0Ac|31|r/rrwsr-xr-x|1|2|12|1|2|0|0"),
        ({"allocated": False}, "0|a%7Cb%0Ac (deleted)|31|r/rrwsr-xr-x|1|2|12|1|2|0|0"),
        (
            {"allocated": False, "reallocated": True, "mode": None},
            "0|a%7Cb%0Ac (deleted-realloc)|31|r/----------|1|2|12|1|2|0|0",
        ),
        ({"type": "link", "mode": 0o120777, "link_target": "x"}, "0|a%7Cb%0Ac -> x|31|l/lrwxrwxrwx|1|2|12|1|2|0|0"),
        ({"type": "directory", "mode": 0o1770, "md5": "m"}, "m|a%7Cb%0Ac|31|d/drwxrwx--T|1|2|12|1|2|0|0"),
    ],
)
def test_bodyfile_lines_are_as_mactime_reads_them(changes: dict[str, Any], expected: str) -> None:
    assert listing.bodyfile_entry(file_row(**changes)) == expected


def test_an_event_of_a_log_has_a_bodyfile_line(runs: list[results.Run]) -> None:
    row = next(iter(queries.timeline(runs, Filter(kinds=("syslog",), start=2))))
    assert listing.bodyfile_event(row) == "0|[syslog.line] log: : Çelës 2|0|-/----------|0|0|0|0|0|0|0"
    assert (
        listing.event_csv(row)
        == "1970-01-01T00:00:00.000000002Z,log line logged,syslog.line,AH/1,1,log,: Çelës 2,UTC,e2.8,a2.2,"
    )


def test_a_path_is_one_place_and_all_below_it_or_a_pattern(runs: list[results.Run]) -> None:
    assert paths(queries.files(runs, Filter(path="DOCS"))) == paths(queries.files(runs, Filter(path="docs/*")))
    assert paths(queries.files(runs, Filter(path="docs/"))) == ["docs/Çelësi.txt", "docs/ПИСМО.txt"]
    assert paths(queries.files(runs, Filter(path="O*.TXT"))) == ["O'Brien; DROP.txt"]
    assert list(queries.files(runs, Filter(path="doc"))) == []
    assert {row["path"] for row in queries.timeline(runs, Filter(path="lo?"))} == {"log"}


def test_every_row_has_an_identity_that_leads_back_to_it(runs: list[results.Run]) -> None:
    for table, ask in (("files", queries.files), ("artefacts", queries.artefacts), ("events", queries.timeline)):
        for row in ask(runs):
            found, run, again = queries.identified(runs, row["id"])
            assert (found, run.exhibit, again) == (table, row["exhibit"], row)
    event = listing.event_json(next(iter(queries.timeline(runs, Filter(kinds=("syslog",), start=2)))))
    table, _, row = queries.identified(runs, event["source"])
    assert table == "artefacts"
    assert dict(row["fields"])["message"] == "Çelës 2"


@pytest.mark.parametrize("identity", ["", "e1", "x1.1", "e9.0", "f1.999", "e1.-1", "f1.1; DROP"])
def test_what_is_no_identity_is_said(runs: list[results.Run], identity: str) -> None:
    with pytest.raises(ResultsError):
        queries.identified(runs, identity)


def test_a_clock_that_was_ahead_is_put_right(runs: list[results.Run]) -> None:
    stated = list(queries.timeline(runs, Filter(exhibit="AH/1")))
    right = list(queries.timeline(runs, Filter(exhibit="AH/1", ahead={"AH/1": 3, "AH/2": 99})))
    assert [row["stated"] - row["at"] for row in right] == [3] * len(stated)
    assert [row["id"] for row in right] == [row["id"] for row in stated]
    only = queries.timeline(runs, Filter(start=-3, end=-2, ahead={"AH/1": 3}, kinds=("syslog",)))
    assert [(row["exhibit"], row["stated"]) for row in only] == [("AH/1", 0)]


def test_hidden_noise_is_counted(tmp_path: Path) -> None:
    run = results.start_run(tmp_path, "AH/9", {})
    names = ["Windows/WinSxS/a.dll", "Users/dorian/AppData/Cache/f_1", "Users/dorian/Desktop/plan.txt", "usr/bin/x"]
    rows = [FileEntry(Location("AH/9", "1", name), "file", True, 1, modified=5, accessed=6) for name in names]
    write_run(run, "AH/9", rows, [])
    (only,) = results.current_runs(tmp_path)
    by_name = {noise.name: noise for noise in NOISE}
    chosen = Filter(hide=(by_name["access-times"], by_name["system-folders"], by_name["caches"]))
    assert paths(queries.timeline([only], chosen)) == ["Users/dorian/Desktop/plan.txt", "usr/bin/x"]
    assert queries.hidden([only], chosen) == {"access-times": 4, "system-folders": 2, "caches": 2}
    assert queries.hidden([only], Filter()) == {}


def test_what_a_user_did(tmp_path: Path) -> None:
    run = results.start_run(tmp_path, "AH/9", {})
    names = ["Users/Dorian/plan.txt", "home/dorian/x", "Users/dorianna/y", "Windows/dorian"]
    rows = [FileEntry(Location("AH/9", "1", name), "file", True, 1, modified=5) for name in names]
    said = [{"user": "dorian"}, {"data.TargetUserName": "LAB\\Dorian"}, {"user": "dorianna"}, {"message": "dorian"}]
    facts = [
        Artefact("syslog.line", Location("AH/9", "1", "log", offset=n), {"logged": n}, fields, "s", "1")
        for n, fields in enumerate(said)
    ]
    write_run(run, "AH/9", rows, facts)
    found = results.current_runs(tmp_path)
    assert paths(queries.files(found, Filter(user="DORIAN"))) == names[:2]
    assert [row["offset"] for row in queries.artefacts(found, Filter(user="dorian"))] == [0, 1]
    assert [row["row"] for row in queries.timeline(found, Filter(user="dorian"))] == [0, 1, 0, 1]


def test_events_are_counted_by_period_and_source(tmp_path: Path) -> None:
    day = 86_400 * SECOND
    times = [0, day - 1, day, -1, -day, 40 * day, 1 << 70]
    facts = [
        Artefact("syslog.line", Location("AH/9", "1", "log", offset=n), {"logged": at}, {}, "s", "1")
        for n, at in enumerate(times)
    ]
    run = results.start_run(tmp_path, "AH/9", {})
    write_run(run, "AH/9", [FileEntry(Location("AH/9", "1", "x"), "file", True, 1, modified=5)], facts)
    found = results.current_runs(tmp_path)
    bars = histogram.histogram(found, Filter(), "day")
    assert [(bar.period, dict(bar.sources)) for bar in bars] == [
        ("1969-12-31", {"syslog": 2}),
        ("1970-01-01", {"syslog": 2, "file": 1}),
        ("1970-01-02", {"syslog": 1}),
        ("1970-02-10", {"syslog": 1}),
    ]
    assert [bar.period for bar in histogram.histogram(found, Filter(), "month")] == ["1969-12", "1970-01", "1970-02"]
    assert [bar.period for bar in histogram.histogram(found, Filter(), "year")] == ["1969", "1970"]
    assert histogram.histogram(found, Filter(start=0), "hour")[0].period == "1970-01-01T00"
    assert [bar.events for bar in histogram.histogram(found, Filter(kinds=("file",)), "day")] == [1]


def test_too_little_memory_is_said(runs: list[results.Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.results.question.MEMORY_LIMIT", "100KB")
    with pytest.raises(ResultsError, match="cannot be read"):
        list(queries.timeline(runs))
