"""`evikit logs`: what each log covers, over rotated files, with gaps and clocks that went back."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from forensics.commands.listings import parse_span
from tests.console import Lab

REQUEST = '192.0.2.7 - - [{day:02d}/Mar/2026:{clock} +0000] "GET / HTTP/1.1" 200 5\n'


def requests(*times: tuple[int, str]) -> bytes:
    return "".join(REQUEST.format(day=day, clock=clock) for day, clock in times).encode()


def taken(lab: Lab) -> list[Any]:
    """A series of three web logs, and one syslog whose clock goes back."""
    lab.put("logs/web/access.log", requests((9, "10:00:00"), (9, "10:00:40"), (9, "10:00:10"), (9, "12:00:00")))
    lab.put("logs/web/access.log.1", requests((8, "09:00:00"), (8, "23:00:00")))
    lab.put("logs/web/access.log-20260305.gz", gzip.compress(requests((3, "09:00:00"), (4, "08:00:00")), mtime=0))
    lab.put("logs/other/access.log", requests((1, "00:00:00")))
    lines = ["Mar 10 08:00:00", "Mar 10 09:00:00", "Mar 10 08:30:00", "Mar 10 09:30:00"]
    lab.put("logs/syslog", "".join(f"{at} mx01 cron[1]: x\n" for at in lines).encode())
    lab.ingest("AH/1", lab.evidence / "logs")
    return lab.run("logs", "--json").lines


def test_rotated_files_are_one_series_in_order(lab: Lab) -> None:
    other, syslog, web = taken(lab)
    assert (other["path"], syslog["path"], web["path"]) == ("other/access.log", "syslog", "web/access.log")
    assert web["files"] == ["web/access.log", "web/access.log-20260305.gz", "web/access.log.1"]
    assert (web["entries"], web["undated"]) == (8, 0)
    assert (web["first"], web["last"]) == ("2026-03-03T09:00:00.000000000Z", "2026-03-09T12:00:00.000000000Z")
    (gap,) = web["gap_list"]
    assert gap == {
        "from": "2026-03-04T08:00:00.000000000Z", "to": "2026-03-08T09:00:00.000000000Z", "path": "web/access.log.1",
    }  # fmt: skip
    assert (web["gaps"], web["steps_back"], web["back_list"]) == (1, 0, [])  # 30 s back is disorder


def test_a_clock_that_went_back_is_told(lab: Lab) -> None:
    _, syslog, _ = taken(lab)
    assert syslog["steps_back"] == 1
    assert [item["to"][11:19] for item in syslog["back_list"]] == ["08:30:00"]


def test_what_counts_as_a_gap_or_a_step_back_is_the_readers_choice(lab: Lab) -> None:
    taken(lab)
    (web,) = lab.run("logs", "--json", "--gap", "30m", "--back", "10s", "--text", "WEB").lines
    assert (web["gaps"], web["steps_back"]) == (5, 1)
    assert [line["kind"] for line in lab.run("logs", "--json", "--kind", "syslog").lines] == ["syslog.line"]
    assert not lab.run("logs", "--json", "--kind", "sys").lines
    assert lab.run("logs", "--json", "--exhibit", "AH/1").lines


def test_the_table_is_for_people(lab: Lab) -> None:
    taken(lab)
    told = lab.run("logs")
    assert told.code == 0
    assert "first (UTC)" in told.out
    assert "2026-03-09 12:00:00" in told.out
    assert "3 rows" in told.err


@pytest.mark.parametrize(("given", "seconds"), [("90s", 90), ("15m", 900), ("6h", 21_600), ("2 d", 172_800)])
def test_lengths_of_time(given: str, seconds: int) -> None:
    assert parse_span(given) == seconds * 1_000_000_000


def test_no_length_of_time(lab: Lab) -> None:
    lab.run("logs", "--gap", "long").refused(1, "'long' is no length of time")


def test_without_results_there_is_nothing_to_list(lab: Lab) -> None:
    lab.run("logs").refused(1, "nothing has been examined yet")
