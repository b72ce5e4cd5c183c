"""Logs read by the examiner's mapping: CSV and JSON lines, every time format, damaged rows, mappings that are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.model import Artefact, Clock, Problem
from forensics.parsers import MappingError, parser_for, read_mapping
from forensics.parsers.logs.mapped import PARSER, MappedParser

CSV = """
[[log]]
files = ["*.csv"]
format = "csv"
label = "vpn"
delimiter = ";"
[log.time]
column = "Start"
zone = "Europe/Belgrade"
[log.fields]
user = "Benutzer"
"""
JSONL = """
[[log]]
files = ["*.jsonl"]
format = "jsonl"
[log.time]
column = "event.time"
format = "milliseconds"
"""


def parser(text: str = CSV, **over: str) -> MappedParser:
    for old, new in over.items():
        text = text.replace(old, new)
    return MappedParser(read_mapping(text))


def timed(format_: str) -> MappedParser:
    return parser(CSV.replace('column = "Start"', f'column = "Start"\nformat = "{format_}"'))


def run(read: Any, told: MappedParser, data: str | bytes, **settings_: str | None) -> list[Any]:
    data = data.encode() if isinstance(data, str) else data
    given_ = {"name": "a.csv", **settings_}
    return list(told.parse(read(data, **given_)))


def test_rows_become_artefacts_with_their_place(source: Any) -> None:
    data = 'Start;Benutzer;Ort\n2026-03-10 08:15:00;Ana Kovač;"Nov\nSad"\n\n2026-03-10T08:16:00.5Z;Бора;\n'
    one, two = run(source, parser(), data)
    assert (one.kind, one.fields) == ("csv.row", {"user": "Ana Kovač", "Ort": "Nov\nSad", "log": "vpn"})
    assert (one.clock, one.raw) == (Clock.DECLARED, {"logged": "2026-03-10 08:15:00"})
    raw = data.encode()
    assert raw[one.location.offset :][: one.location.length].decode().startswith("2026-03-10 08:15:00;Ana")
    assert raw[one.location.offset :][: one.location.length].decode().endswith('Sad"')
    assert (two.fields, two.clock) == ({"user": "Бора", "log": "vpn"}, Clock.UTC)
    assert two.times["logged"] - one.times["logged"] == 3_660_500_000_000  # 08:15 in Belgrade is 07:15 UTC


def test_a_mapping_is_asked_before_all_formats() -> None:
    mappings = read_mapping(CSV)
    assert isinstance(parser_for(b"anything", "VPN.CSV", mappings), MappedParser)
    assert parser_for(b"anything", "vpn.csv") is None
    assert not PARSER.accepts(b"a;b", "x.csv")


def test_without_a_mapping_for_it_a_file_is_a_problem(source: Any) -> None:
    (problem,) = run(source, parser(), "x", name="other.txt")
    assert "no mapping says" in problem.reason


def test_json_lines_are_flattened(source: Any) -> None:
    data = '{"event":{"time":1773130500123,"id":7},"user":"ana","tags":["a",1],"none":null,"deep":{}}\n\n[1]\n{"x"\n'
    one, *rest = run(source, parser(JSONL), data, name="a.jsonl")
    assert one.kind == "json.record"
    assert one.fields == {"event.id": "7", "user": "ana", "tags": '["a", "1"]', "deep": "{}", "log": "log"}
    assert one.times == {"logged": 1_773_130_500_123_000_000}
    assert [problem.reason.split(":")[0] for problem in rest] == ["no JSON object", "no JSON object"]


@pytest.mark.parametrize(
    ("format_", "written", "nanoseconds"),
    [
        ("seconds", "1773130500.25", 1_773_130_500_250_000_000),
        ("seconds", "-1.5", -1_500_000_000),
        ("milliseconds", "1773130500123", 1_773_130_500_123_000_000),
        ("microseconds", "1773130500123456", 1_773_130_500_123_456_000),
        ("nanoseconds", "1773130500123456789", 1_773_130_500_123_456_789),
        ("iso", "2026-03-10", 1_773_097_200_000_000_000),
        ("iso", "2026-03-10T08:15:00.123456789+01:00", 1_773_126_900_123_456_789),
        ("%d.%m.%Y %H:%M", "10.03.2026 08:15", 1_773_126_900_000_000_000),
        ("%Y%m%d%H%M%S%z", "20260310081500+0000", 1_773_130_500_000_000_000),
    ],
)
def test_times_in_every_format(source: Any, format_: str, written: str, nanoseconds: int) -> None:
    (row,) = run(source, timed(format_), f"Start\n{written}\n")
    assert row.times == {"logged": nanoseconds}


@pytest.mark.parametrize(
    ("format_", "written", "said"),
    [
        ("iso", "yesterday", "no time in ISO 8601"),
        ("iso", "2026-02-30", "there is no day 30"),
        ("iso", "2026-03-10T08:15:00+99:00", "no UTC offset"),
        ("seconds", "many", "no number of seconds"),
        ("seconds", "99999999999999", "outside 1601 to 2500"),
        ("%d.%m.%Y", "2026-03-10", "is not written as"),
        ("%d.%m.%Y %H:%M", "10.03.2601 08:15", "the year 2601"),
        ("iso", "", "no time in ISO 8601"),
    ],
)
def test_a_time_that_cannot_be_read_costs_its_row(source: Any, format_: str, written: str, said: str) -> None:
    found = run(source, timed(format_), f"Start;b\n{written};x\n")
    assert [type(item) for item in found] == [Problem]
    assert said in found[0].reason


def test_without_any_zone_the_clock_is_unknown(source: Any) -> None:
    told = parser(**{'zone = "Europe/Belgrade"': ""})
    assert run(source, told, "Start\n2026-03-10 08:15\n")[0].clock == Clock.UNKNOWN
    assert run(source, told, "Start\n2026-03-10 08:15\n", zone="Europe/Belgrade")[0].clock == Clock.DECLARED


def test_rows_with_another_number_of_values(source: Any) -> None:
    few, row, many, other = run(source, parser(), "Start;b;c\n2026-03-10;x\n2026-03-10;1;2;3;4\n")
    assert few.reason == "2 values for 3 columns"
    assert row.fields == {"b": "x", "incomplete": "yes", "log": "vpn"}
    assert many.reason == "5 values for 3 columns"
    assert other.fields["rest"] == "3;4"


def test_a_quote_never_closed_costs_a_bounded_piece(source: Any) -> None:
    data = 'Start;b\n2026-03-10;"open\n' + "2026-03-10;x\n" * 200_000
    found = run(source, parser(), data)
    problems = [item for item in found if isinstance(item, Problem)]
    assert any("field larger than field limit" in problem.reason for problem in problems)
    assert sum(isinstance(item, Artefact) for item in found) > 100_000


def test_a_row_of_many_lines_costs_a_bounded_piece(source: Any) -> None:
    data = "Start;b\n2026-03-10" + ';"\n"' * 400_000 + "\n2026-03-10;x\n"
    found = run(source, parser(), data)
    assert any(isinstance(item, Problem) and "a row of more than 1,048,576" in item.reason for item in found)
    assert all(isinstance(item, Problem) for item in found)


def test_an_error_of_the_evidence_goes_through(source: Any) -> None:
    def refuse(offset: int, length: int) -> bytes:
        raise OSError(5, "Input/output error")

    for told, name in ((parser(), "a.csv"), (parser(JSONL), "a.jsonl")):
        broken = source(b"", name=name)
        object.__setattr__(broken, "read_at", refuse)
        with pytest.raises(OSError, match="Input/output"):
            list(told.parse(broken))


def test_bytes_that_are_no_csv_are_problems(source: Any) -> None:
    assert "no row" in run(source, parser(), 'Start\n"2026-03-10"x\n')[0].reason
    assert "does not name 'Start'" in run(source, parser(), "a;b\n1;2\n")[0].reason


def test_columns_given_by_the_mapping_take_the_place_of_the_first_row(source: Any) -> None:
    told = parser(CSV.replace('label = "vpn"', 'label = "vpn"\ncolumns = ["Start", "Benutzer"]'))
    (row,) = run(source, told, "2026-03-10;ana\n")
    assert row.fields == {"user": "ana", "log": "vpn"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: "no toml at all [", "not TOML"),
        (lambda text: "", "one to 64 tables"),
        (lambda text: "other = 1\n" + text, "nothing else"),
        (lambda text: "log = [1]", "number 1"),
        (lambda text: text.replace('files = ["*.csv"]', "files = []"), "names no file"),
        (lambda text: text.replace('files = ["*.csv"]', "files = [1]"), "no list of texts"),
        (lambda text: text.replace('format = "csv"', 'format = "xml"'), "csv or jsonl"),
        (lambda text: text.replace('format = "csv"', ""), "'format' is missing"),
        (lambda text: text.replace('";"', '";;"'), "no delimiter"),
        (lambda text: text.replace('label = "vpn"', 'columns = ["a", "a"]'), "one twice"),
        (lambda text: text.replace('label = "vpn"', 'columns = ["a"]'), "does not name 'Benutzer'"),
        (lambda text: text.replace("[log.time]", "[log.when]"), "needs a table"),
        (lambda text: text.replace("Europe/Belgrade", "Mars/Olympus"), "no time zone"),
        (lambda text: text.replace('zone = "Europe/Belgrade"', 'format = "%Q"'), "time format"),
        (lambda text: text.replace('zone = "Europe/Belgrade"', 'format = "%H:%M"'), "year, month and day"),
        (lambda text: text.replace("user = ", "User = "), "lower case"),
        (lambda text: text.replace('label = "vpn"', 'lable = "vpn"'), "'lable' means nothing"),
        (lambda text: text.replace('"Benutzer"', "7"), "holds texts"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_why(change: Callable[[str], str], said: str) -> None:
    with pytest.raises(MappingError, match=said):
        read_mapping(change(CSV))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300) | st.text(alphabet='Start;"\n\r\0{}:,x1-', max_size=200).map(str.encode))
def test_any_bytes_give_values(source: Any, data: bytes) -> None:
    for told, name in ((parser(), "a.csv"), (parser(JSONL), "a.jsonl")):
        for found in told.parse(source(b"Start;b\n" + data, name=name)):
            assert isinstance(found, Artefact | Problem)
