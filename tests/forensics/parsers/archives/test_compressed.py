"""Compressed logs, whole, damaged and made to be a burden."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.model import Artefact, Problem
from forensics.parsers import HEAD_BYTES, _decompression, parser_for
from forensics.parsers.archives.compressed import PARSER
from forensics.parsers.logs import syslog

LINES = [f"Jan {day:2d} 07:52:33 host sshd[{day * 7}]: session {day * 7919 % 1000} opened\n" for day in range(1, 29)]
LOG = "".join(LINES * 40).encode()

Compress = Callable[[bytes], bytes]
WAYS: dict[str, Compress] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "xz": lzma.compress,
    "bzip2": bz2.compress,
}
SUFFIXES = {"gzip": ".gz", "xz": ".xz", "bzip2": ".bz2"}
ways = pytest.mark.parametrize("way", WAYS)


def artefacts(found: list[Any]) -> list[Artefact]:
    return [result for result in found if isinstance(result, Artefact)]


def problems(found: list[Any]) -> list[Problem]:
    return [result for result in found if isinstance(result, Problem)]


def plain(found: list[Any]) -> list[Any]:
    """What must not depend on the compression."""
    return [
        (a.kind, a.times, {name: value for name, value in a.fields.items() if name != "compressed"}, a.location)
        for a in artefacts(found)
    ]


@ways
def test_the_artefacts_are_those_of_the_log(way: str, read: Any) -> None:
    packed = WAYS[way](LOG)
    assert parser_for(packed[:HEAD_BYTES], f"auth.log.1{SUFFIXES[way]}") is PARSER
    found = read(PARSER, packed)
    assert plain(found) == plain(read(syslog.PARSER, LOG))
    assert len(found) == len(LINES) * 40
    assert {a.fields["compressed"] for a in found} == {way}
    place = found[-1].location
    assert LOG[place.offset : place.offset + place.length].decode() == LINES[-1].rstrip()


@ways
def test_streams_one_after_the_other_and_padding(way: str, read: Any) -> None:
    two = WAYS[way](LOG[:1000]) + WAYS[way](LOG[1000:]) + bytes(40_000)
    assert plain(read(PARSER, two)) == plain(read(syslog.PARSER, LOG))


@ways
def test_other_bytes_after_the_end_are_a_problem(way: str, read: Any) -> None:
    packed = WAYS[way](LOG)
    *found, problem = read(PARSER, packed + b"other bytes")
    assert plain(found) == plain(read(syslog.PARSER, LOG))
    assert f"from byte {len(packed):,} on is no compressed stream" in problem.reason


@ways
def test_a_cut_stream_gives_what_came_before(way: str, read: Any) -> None:
    data = LOG * 40  # more than one block of bzip2
    found = read(PARSER, WAYS[way](data)[:-30])
    assert "ends before its compressed stream" in problems(found)[-1].reason
    assert len(artefacts(found)) > len(LINES) * 40 * (20 if way == "bzip2" else 35)


@ways
def test_a_damaged_stream_gives_what_came_before(way: str, read: Any) -> None:
    intact, damaged = WAYS[way](LOG), bytearray(WAYS[way](LOG[::-1]))
    damaged[len(damaged) // 2] ^= 0x55
    found = read(PARSER, intact + bytes(damaged))
    assert plain(found)[: len(LINES) * 40] == plain(read(syslog.PARSER, LOG))
    assert "is damaged from about byte" in problems(found)[-1].reason


def test_a_wrong_checksum_costs_no_line(read: Any) -> None:
    packed = bytearray(WAYS["gzip"](LOG))
    packed[-8] ^= 1
    found = read(PARSER, bytes(packed))
    assert plain(found) == plain(read(syslog.PARSER, LOG))
    assert PARSER.accepts(bytes(packed[:HEAD_BYTES]), "auth.log.1.gz")
    (problem,) = problems(found)
    assert "incorrect data check" in problem.reason
    assert f"{len(LOG):,} decompressed bytes were read" in problem.reason


@pytest.mark.parametrize("way", ["gzip", "xz", "bzip2"])
def test_what_swells_is_stopped(way: str, read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_decompression, "RATIO_LIMIT", 50)
    monkeypatch.setattr(_decompression, "ALWAYS_READ", 1 << 20)
    data = LOG + b"Jan  1 00:00:00 host p: " + b"x" * (40 << 20)
    packed = WAYS[way](data)
    tracemalloc.start()
    found = read(PARSER, packed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    limit = max(1 << 20, 50 * len(packed))
    assert limit < len(data)
    assert f"more than the {limit:,} bytes" in problems(found)[-1].reason
    assert len(artefacts(found)) == len(LINES) * 40 + 1
    assert peak < 40 << 20


def test_the_output_has_a_limit_of_its_own(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_decompression, "OUTPUT_LIMIT", 5000)
    found = read(PARSER, WAYS["gzip"](LOG))
    assert "more than the 5,000 bytes" in problems(found)[-1].reason
    assert plain(found) == plain(read(syslog.PARSER, LOG[:5000]))
    last = artefacts(found)[-1].location
    assert (last.offset or 0) + (last.length or 0) == 5000


def test_a_dictionary_that_wants_gigabytes_is_refused(read: Any) -> None:
    header = bytearray(lzma.compress(LOG))
    assert (header[12], header[14]) == (2, 0x21)  # LZMA2; the .xz file format, sections 3.1 and 5.3.1
    header[16] = 40  # 4 GiB - 1
    header[20:24] = zlib.crc32(header[12:20]).to_bytes(4, "little")
    assert not PARSER.accepts(bytes(header), "auth.log.xz")
    (problem,) = read(PARSER, bytes(header))
    assert "Memory usage limit exceeded" in problem.reason


def test_reading_anywhere_gives_the_same_bytes(source: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_decompression, "WINDOW", 100_000)
    data = b"".join(number.to_bytes(4, "big") for number in range(500_000))
    compression = _decompression.COMPRESSIONS[0]
    contents = _decompression.Decompressed(source(WAYS["gzip"](data)), compression)
    assert (contents.size, contents.problem) == (len(data), "")
    for offset, length in [(0, 10), (1_500_000, 70_000), (1_450_000, 10), (3, 7), (1_999_990, 50), (2_000_000, 5)]:
        assert contents.read_at(offset, length) == data[offset : offset + length]
    assert contents.read_at(3_000_000, 5) == b""


def test_long_lines_do_not_start_over(source: Any) -> None:
    data = (b"Jan  1 00:00:00 host p: " + b"x" * 70_000 + b"\n") * 100
    packed = WAYS["gzip"](data)
    reads: list[int] = []

    def read_at(offset: int, length: int) -> bytes:
        reads.append(offset)
        return packed[offset : offset + length]

    counted = source(packed)
    object.__setattr__(counted, "read_at", read_at)
    assert len(artefacts(list(PARSER.parse(counted)))) == 100
    assert reads.count(0) < 8


def test_gzip_keeps_the_time_of_the_file_it_compressed(read: Any, at: Any) -> None:
    line = b"Mar  3 10:00:00 host p: m\n"
    packed = gzip.compress(line, mtime=at("2019-03-04T00:00:00+00:00") // 10**9)
    (found,) = read(PARSER, packed, reference=None)
    assert found.times == {"logged": at("2019-03-03T10:00:00+00:00")}
    (found,) = read(PARSER, packed, reference="2024-03-04T00:00:00+00:00")
    assert found.times == {"logged": at("2024-03-03T10:00:00+00:00")}
    (found,) = artefacts(read(PARSER, WAYS["gzip"](line), reference=None))
    assert found.times == {}


def test_what_is_no_log_is_left_alone(read: Any) -> None:
    for way, compress in WAYS.items():
        for other in (b"\x7fELF" + bytes(100), compress(LOG), b""):
            assert parser_for(compress(other)[:HEAD_BYTES], f"auth.log{SUFFIXES[way]}") is None
            assert artefacts(read(PARSER, compress(other))) == []
    assert parser_for(b"\x1f\x8b\x08" + b"\xff" * 100, "auth.log.gz") is None


def test_what_is_read_out_of_order_is_read_while_it_is_small(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("a.txt", b"abc")
    packed = gzip.compress(sink.getvalue())
    assert [found.fields["name"] for found in read(PARSER, packed)] == ["a.txt"]
    monkeypatch.setattr("forensics.parsers.archives.compressed.WINDOW", 100)
    (problem,) = problems(read(PARSER, packed))
    assert "which the zip_archive parser reads out of order: not read" in problem.reason


def test_a_bzip2_file_is_taken_before_its_first_block_is_whole(read: Any) -> None:
    chance = "".join(f"Jan  1 00:00:00 host p: {number * 2654435761 % 2**32:x}\n" for number in range(20_000)).encode()
    packed = bz2.compress(chance)
    assert parser_for(packed[:HEAD_BYTES], "messages.1.bz2") is PARSER
    assert len(read(PARSER, packed)) == 20_000
    assert read(PARSER, bz2.compress(bytes(range(256)) * 5000)) == []


def test_public_files(corpus: Any, read: Any) -> None:
    """plaso's syslog, which it also ships compressed, and dfvfs's."""
    packed = corpus("textlog/plaso/syslog.bz2").read_bytes()
    assert parser_for(packed[:HEAD_BYTES], "syslog.bz2") is PARSER
    assert plain(read(PARSER, packed)) == plain(read(syslog.PARSER, bz2.decompress(packed)))
    packed = corpus("archive/dfvfs/syslog.xz").read_bytes()
    found = read(PARSER, packed)
    assert plain(found) == plain(read(syslog.PARSER, lzma.decompress(packed)))
    assert len(artefacts(found)) > 10


@given(
    way=st.sampled_from(sorted(WAYS)),
    log=st.lists(st.sampled_from(LINES), min_size=1, max_size=30),
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), max_size=3),
    cut=st.integers(0, 10**6),
    tail=st.binary(max_size=10),
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_gives_artefacts_or_problems(
    way: str, log: list[str], flips: list[tuple[int, int]], cut: int, tail: bytes, read: Any
) -> None:
    packed = bytearray(WAYS[way]("".join(log).encode()))
    for place, change in flips:
        packed[place % len(packed)] ^= change
    data = bytes(packed[: len(packed) - cut % len(packed)]) + tail
    found = read(PARSER, data)
    assert found == read(PARSER, data)
    assert isinstance(PARSER.accepts(data[:HEAD_BYTES], "syslog.gz"), bool)
    if not flips and not tail and not cut % len(packed):
        assert len(artefacts(found)) == len(log)
