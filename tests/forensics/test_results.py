from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics import results
from forensics.model import Artefact, Clock, FileEntry, Location, Problem, Volume
from forensics.results.columns import (
    ARTEFACTS,
    EVENTS,
    FILES,
    INT64_MAX,
    PROBLEMS,
    VOLUMES,
    WALKED,
    artefact_batch,
    file_batch,
    file_entry,
    problem_batch,
    volume_batch,
)

WIDE = st.integers(-(2**70), 2**70)
TEXT = st.text(max_size=20)
PLACES = st.builds(
    Location,
    exhibit=TEXT,
    volume=TEXT,
    path=TEXT,
    raw_path=st.none() | st.binary(max_size=9),
    meta=TEXT,
    stream=TEXT,
    offset=st.none(),
    length=st.none(),
)
ENTRIES = st.builds(
    FileEntry,
    location=PLACES,
    type=st.sampled_from(["file", "directory"]),
    allocated=st.booleans(),
    size=st.integers(0, 2**62),
    modified=st.none() | WIDE,
    accessed=st.none() | WIDE,
    changed=st.none() | WIDE,
    created=st.none() | WIDE,
    extra_times=st.dictionaries(st.sampled_from(["fn_modified", "fn_created"]), WIDE),
    clock=st.sampled_from(list(Clock)),
    reallocated=st.booleans(),
    attribute=TEXT,
    mode=st.none() | st.integers(0, 2**32),
    uid=st.none() | st.integers(0, 2**32),
    gid=st.none() | st.integers(0, 2**32),
    link_target=TEXT,
)


@given(st.lists(ENTRIES, max_size=5))
def test_entries_come_back_from_their_columns_as_they_were(entries: list[FileEntry]) -> None:
    assert [file_entry(row) for row in file_batch(entries).to_pylist()] == entries


def test_what_utf8_cannot_hold_is_escaped() -> None:
    artefact = Artefact("x.y", Location("E", path="a\udcff"), {}, {"k": "\ud800"}, "p", "1")
    row = artefact_batch([artefact]).to_pylist()[0]
    assert (row["path"], dict(row["fields"])) == ("a\\udcff", {"k": "\\ud800"})


def test_times_beyond_the_column_sort_at_its_end_and_keep_their_value() -> None:
    artefact = Artefact("x.y", Location("E"), {"logged": 2**65, "seen": 5}, {}, "p", "1")
    row = artefact_batch([artefact]).to_pylist()[0]
    assert dict(row["times"]) == {"logged": INT64_MAX, "seen": 5}
    assert dict(row["far_times"]) == {"logged": str(2**65)}


def test_problems_and_volumes_become_columns() -> None:
    problem = Problem(Location("E", "1", "p", offset=3, length=4), "stage", "why")
    assert problem_batch([problem]).to_pylist()[0]["reason"] == "why"
    volume = Volume("1", 512, 1 << 40, "DOS", "Linux", "Ext4", "root")
    assert volume_batch("E", [volume]).to_pylist()[0]["length"] == 1 << 40


@pytest.mark.parametrize("sizes", [[200_000], [1] * 10, [65_536, 65_536], [70_000, 1, 65_535], []])
def test_row_groups_do_not_depend_on_how_rows_came(tmp_path: Path, sizes: list[int]) -> None:
    schema = pa.schema([("n", pa.int64())])
    with results.table(tmp_path / "cut.parquet", schema) as writer:
        for size in sizes:
            writer.write(pa.RecordBatch.from_arrays([pa.array(range(size), pa.int64())], schema=schema))
    with results.table(tmp_path / "whole.parquet", schema) as writer:
        every = [n for size in sizes for n in range(size)]
        writer.write(pa.RecordBatch.from_arrays([pa.array(every, pa.int64())], schema=schema))
    cut, whole = (tmp_path / name for name in ("cut.parquet", "whole.parquet"))
    assert cut.read_bytes() == whole.read_bytes()
    assert pq.read_metadata(cut).num_rows == sum(sizes)


def test_a_table_is_whole_or_not_there(tmp_path: Path) -> None:
    def write_half() -> None:
        with results.table(tmp_path / "t.parquet", WALKED) as writer:
            writer.write(file_batch([]))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_clear_line(tmp_path: Path) -> None:
    def write() -> None:
        with results.written_whole(tmp_path / "files.parquet"):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(results.ResultsError, match=r"files\.parquet could not be written: No space left") as error:
        write()
    assert error.value.advice
    assert list(tmp_path.iterdir()) == []


def empty_run(derived: Path, exhibit: str, *, complete: bool = True) -> Path:
    run = results.start_run(derived, exhibit, {"zone": ""})
    schemas = {"volumes": VOLUMES, "files": FILES, "artefacts": ARTEFACTS, "events": EVENTS, "problems": PROBLEMS}
    for name, schema in schemas.items():
        with results.table(run / f"{name}.parquet", schema):
            pass
    if complete:
        results.complete(run, {"exhibit": exhibit})
    return run


def test_a_run_is_complete_when_its_manifest_stands(tmp_path: Path) -> None:
    first = empty_run(tmp_path, "AH/1")
    second = empty_run(tmp_path, "AH/1", complete=False)
    third = empty_run(tmp_path, "AH/2")
    assert [run.name for run in (first, second, third)] == ["0001-AH-1", "0002-AH-1", "0003-AH-2"]
    assert [(run.exhibit, run.complete) for run in results.runs(tmp_path)] == [
        ("AH/1", True),
        ("AH/1", False),
        ("AH/2", True),
    ]
    assert [run.path for run in results.current_runs(tmp_path)] == [first, third]
    assert [run.path for run in results.current_runs(tmp_path, "AH/2")] == [third]
    assert [run.path for run in results.current_runs(tmp_path, name="0001-AH-1")] == [first]
    with pytest.raises(results.ResultsError, match="no complete run 0002-AH-1"):
        results.current_runs(tmp_path, name="0002-AH-1")


def test_runs_stay_in_order_past_ten_thousand(tmp_path: Path) -> None:
    (tmp_path / "9999-AH-1").mkdir()
    late = empty_run(tmp_path, "AH/1")
    later = empty_run(tmp_path, "AH/1")
    assert [run.path for run in results.runs(tmp_path)] == [late, later]
    assert later.name.startswith("10001-")


def test_the_manifest_holds_every_tables_digest(tmp_path: Path) -> None:
    run = empty_run(tmp_path, "Ž/1")
    described = results.current_runs(tmp_path)[0].manifest()
    assert described["exhibit"] == "Ž/1"
    for name, table in described["files"].items():
        assert table["sha256"] == hashlib.sha256((run / name).read_bytes()).hexdigest()
        assert table["rows"] == 0


def test_a_damaged_manifest_is_one_clear_line(tmp_path: Path) -> None:
    run = empty_run(tmp_path, "AH/1")
    (run / results.MANIFEST).write_text("{")
    with pytest.raises(results.ResultsError, match=r"manifest\.json cannot be read"):
        results.runs(tmp_path)
    (run / results.MANIFEST).write_text("[]")
    with pytest.raises(results.ResultsError, match="no record of a run"):
        results.runs(tmp_path)


def test_a_case_without_results_has_no_runs(tmp_path: Path) -> None:
    assert results.runs(tmp_path / "none") == []


def test_a_place_that_takes_no_results_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "derived").write_text("in the way")
    with pytest.raises(results.ResultsError, match="no folder for results"):
        results.start_run(tmp_path / "derived", "AH/1", {})


def test_what_columns_no_longer_need_goes_back_to_the_system() -> None:
    assert pa.default_memory_pool().backend_name == "system"
