"""TO: tools and runs."""

from __future__ import annotations

from tests.custody.handling.told import BORA, Step, Told

FOUND = {("TO-01", "lesser", "AH/2")}


def test_no_tool_named_or_another_one_at_the_end() -> None:
    told = Told()
    told["read"].values["tool"] = {"name": "evikit", "version": "1.1"}
    assert told.found() == FOUND
    told["reading"].values["tool"] = told["read"].values["tool"] = None
    assert told.found() == FOUND


def test_gone_on_with_another_version() -> None:
    told = Told()
    stopped = Step(
        "stopped",
        "access.begin",
        BORA,
        150.5,
        2,
        {**told["reading"].values, "tool": {"name": "evikit", "version": "0.9"}},
    )
    told.after("image", stopped)
    told["reading"].re = ["stopped"]
    assert told.found() == FOUND


def test_results_of_no_run() -> None:
    told = Told()
    told["read"].values["result_digests"] = [{"name": "files.parquet", "sha256": "1" * 64}]
    assert told.found() == FOUND
