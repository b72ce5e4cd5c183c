"""All patterns at once, whichever engine finds them; across windows, bounded, and never for ever."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.model import ExaminationError, Location
from forensics.search import scanner as scanner_module
from forensics.search import sweep as sweep_module
from forensics.search.hits import FREE, Place
from forensics.search.patterns import Patterns
from forensics.search.scanner import Scanner, ScanTimeoutError
from forensics.search.sweep import Sheet, Sweep, across
from tests.forensics.images import medium, noise

PLACE = Place(Location("AH/1", "1"), FREE)


class Bytes:
    """A stream of given bytes; those in `lost` cannot be read."""

    def __init__(self, data: bytes, lost: range = range(0)) -> None:
        self.data, self.size, self.lost = data, len(data), lost

    def read_at(self, offset: int, length: int) -> bytes:
        if offset < self.lost.stop and offset + length > self.lost.start:
            raise ExaminationError("a bad sector")
        return self.data[offset : offset + length]

    def pieces(self, offset: int, length: int) -> Iterator[tuple[int | None, int]]:
        yield offset, length

    def is_hole(self, offset: int, length: int) -> bool:
        return False


def swept(
    folder: Path, stream: Bytes, scanner: Scanner, span: tuple[int, int] | None = None
) -> list[dict[str, object]]:
    with Sheet(folder, "one") as sheet:
        Sweep(stream, PLACE, scanner, sheet).run(span)
    rows: list[dict[str, object]] = pq.read_table(folder / "one.hits").to_pylist()
    return rows


def reasons(folder: Path) -> list[str]:
    told: list[str] = pq.read_table(folder / "one.problems")["reason"].to_pylist()
    return told


def test_a_match_across_the_end_of_a_window_is_found_once(tmp_path: Path) -> None:
    for patterns in (
        Patterns(("smuggler",), match_case=True),
        Patterns(("Smuggler",)),
        Patterns(regexes=("sm.ggler",)),
    ):
        scanner = Scanner(patterns)
        scanner.window = 4096
        data = bytearray(noise(20_000))
        places = [2000, 4096 - 4, 8192, 12_287, 16_384 - 7]
        for at in places:
            data[at : at + 8] = b"smuggler"
        rows = swept(tmp_path, Bytes(bytes(data)), scanner)
        assert [row["offset"] for row in rows] == places
        assert [row["medium_offset"] for row in rows] == places
        assert rows[0]["match"] == b"smuggler"
        assert rows[0]["before"] == data[places[0] - 48 : places[0]]
        assert [row["offset"] for row in swept(tmp_path, Bytes(bytes(data)), scanner, (4096, 12_288))] == places[2:4]
        assert len({row["key"] for row in rows}) == len(places)


def test_what_cannot_be_read_is_told_and_the_rest_is_searched(tmp_path: Path) -> None:
    data = bytearray(300_000)
    data[250_000:250_006] = data[100:106] = b"needle"
    rows = swept(tmp_path, Bytes(bytes(data), range(70_000, 70_512)), Scanner(Patterns(("needle",))))
    assert [row["offset"] for row in rows] == [100, 250_000]
    (reason,) = reasons(tmp_path)
    assert reason.startswith("65536 of the bytes 0 to 300000 could not be read")


def test_a_pattern_that_matches_everywhere_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner_module, "MOST_A_WINDOW", 50)
    patterns = Patterns(regexes=("a", "zzz"))
    rows = swept(tmp_path, Bytes(b"a" * 1000 + b"zzz"), Scanner(patterns))
    assert sum(row["pattern"] == "a" for row in rows) == 50
    assert sum(row["pattern"] == "zzz" for row in rows) == 1
    assert reasons(tmp_path) == ["'a' matches too often in bytes 0 to 1003: not all hits are listed"]
    monkeypatch.setattr(sweep_module, "MOST_A_UNIT", 20)
    assert len(swept(tmp_path, Bytes(b"a" * 1000), Scanner(patterns))) == 20
    assert "over 20 hits up to here" in reasons(tmp_path)[-1]


SLOW = "rule slow { condition: for all i in (0..99999999) : (uint8(i & 9) >= 0 and for all j in (0..1000) : (j >= 0)) }"


def test_a_rule_that_explodes_ends(tmp_path: Path) -> None:
    scanner = Scanner(Patterns(rules=(("slow.yar", SLOW),)), seconds=1)
    with pytest.raises(ScanTimeoutError, match="took over 1 s"):
        scanner.scan(bytes(2048))
    assert swept(tmp_path, Bytes(bytes(2048)), scanner) == []
    assert reasons(tmp_path) == ["bytes 0 to 2048 were not searched to their end: the patterns took over 1 s"]


def test_yara_rules_are_about_whole_files() -> None:
    rules = """rule mz { condition: uint16(0) == 0x5a4d and filesize < 200 }
               rule text { strings: $a = "secret" wide condition: $a }"""
    scanner = Scanner(Patterns(rules=(("r.yar", rules),)))
    matches = scanner.scan(b"MZ" + b"x" * 99 + "secret".encode("utf-16-le")).matches
    assert [(match.rule, match.pattern, match.offset, match.length) for match in matches] == [
        ("mz", "", 0, 0),
        ("text", "$a", 101, 12),
    ]
    assert matches[1].encoding == "utf-16"
    assert scanner.window == scanner_module.RULES_WINDOW


WORDS = st.lists(st.sampled_from(["ab", "abc", "bca", "cc", "a\u0107b"]), min_size=1, max_size=3, unique=True)


@settings(max_examples=40, deadline=None)
@given(WORDS, st.text("abc\u0107 ", max_size=60), st.sampled_from(["utf-8", "utf-16-le", "utf-16-be", "cp1250"]))
def test_both_engines_find_the_same_and_all_there_is(words: list[str], text: str, codec: str) -> None:
    data = text.encode(codec)
    patterns = Patterns(tuple(words), match_case=True)
    quick, slow = Scanner(patterns), Scanner(patterns)
    slow._literal, slow._rules = None, slow._scanner(quick=False)
    assert quick.scan(data) == slow.scan(data)
    if codec == "utf-8":
        found = {(match.pattern, match.offset) for match in quick.scan(data).matches}
        raw = [word.encode() for word in words]
        assert found >= {(w.decode(), at) for w in raw for at in range(len(data)) if data.startswith(w, at)}


def test_borders(tmp_path: Path) -> None:
    data = bytearray(2_000_000)
    for at in (97, 99_996, 1_500_000 - 3, 1_999_990):
        data[at : at + 6] = b"needle"
    disk = medium(tmp_path, {"disk.raw": bytes(data)})
    scanner = Scanner(Patterns(("needle",), match_case=True))
    borders = [100, 5000, 100_000, 100_002, 1_500_000, 1_999_993]
    found = [(border, hit.medium_offset, hit.found) for border, hit in across(disk, borders, scanner, 64)]
    places = [(100, 97), (100_000, 99_996), (1_500_000, 1_499_997), (1_999_993, 1_999_990)]
    assert found == [(border, at, b"needle") for border, at in places]
