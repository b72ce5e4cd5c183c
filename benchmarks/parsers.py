"""Log parsers: lines a second beside one regular expression a line; event logs, registry beside the library alone.

The lines are made here, seeded; event logs and hives are those below --images or EVIKIT_BENCH (none: left out).
"""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyregf
from _events import event_log
from _images import add_option
from _measure import Line, Pair, conclude, cpu, in_turn, options, paired
from evtx import PyEvtxParser

from forensics.model import Artefact, Location
from forensics.parsers import HEAD_BYTES, Parser, ParserInput, parser_for

_MONTHS = ("Jan", "Feb", "Mar", "Apr")
_MODIFIED = 1_777_000_000 * 10**9
_SYSLOG = re.compile(rb"(\w{3} [ \d]\d \S+) (\S+) ([^\[:]+)(?:\[(\d+)\])?: (.*)")
_ACCESS = re.compile(rb'(\S+) (\S+) (\S+) \[([^\]]+)\] "([^"]*)" (\d+) (\S+) "([^"]*)" "([^"]*)"')


def syslog_lines(count: int) -> bytes:
    """Failed logins, one a minute."""
    chance = random.Random(1)
    rows = []
    for i in range(count):
        when = f"{_MONTHS[i // 40320 % 4]} {i // 1440 % 28 + 1:2d} {i // 60 % 24:02d}:{i % 60:02d}:07"
        who, port = chance.choice(("admin", "root", "backup")), chance.randint(1024, 65000)
        rows.append(
            f"{when} mx01 sshd[{chance.randint(300, 32000)}]: Failed password for invalid user {who} "
            f"from 192.0.2.{chance.randint(1, 254)} port {port} ssh2\n"
        )
    return "".join(rows).encode()


def access_lines(count: int) -> bytes:
    """Requests in the combined format, one a minute."""
    chance = random.Random(2)
    return "".join(
        f"198.51.100.{chance.randint(1, 254)} - - "
        f"[{i // 1440 % 28 + 1:02d}/{_MONTHS[i // 40320 % 4]}/2026:{i // 60 % 24:02d}:{i % 60:02d}:09 +0000] "
        f'"GET /page/{chance.randint(1, 9999)} HTTP/1.1" {chance.choice((200, 301, 404))} {chance.randint(100, 90000)} '
        f'"-" "Mozilla/5.0 (X11; Linux x86_64)"\n'
        for i in range(count)
    ).encode()


def source_of(data: bytes, name: str) -> tuple[Parser, ParserInput]:
    """Our parser for a file in memory, and the file as it takes it."""
    parser = parser_for(data[:HEAD_BYTES], name)
    if parser is None:
        raise SystemExit(f"no parser takes {name}")
    source = ParserInput(
        name,
        len(data),
        lambda offset, length: data[offset : offset + length],
        Location("AK/1", path=name),
        reference_time=_MODIFIED,
    )
    return parser, source


def parse(data: bytes, name: str) -> int:
    """Our parser over a file in memory; how many artefacts."""
    parser, source = source_of(data, name)
    return sum(isinstance(found, Artefact) for found in parser.parse(source))


def match_lines(pattern: re.Pattern[bytes], data: bytes) -> int:
    """The yardstick of line formats: one expression a line, its groups taken."""
    return sum(len(match.groups()) for match in map(pattern.match, data.splitlines()) if match)


def library_records(data: bytes) -> int:
    """The yardstick of event logs: every record to JSON and read from it, nothing more."""
    count, records = 0, PyEvtxParser(io.BytesIO(data), number_of_threads=1).records_json()
    while True:
        try:
            record = next(records)
        except StopIteration:
            return count
        except RuntimeError:  # once for every chunk that is damaged or empty
            continue
        if record is not None:
            json.loads(record["data"])
            count += 1


def library_keys(data: bytes) -> int:
    """The yardstick of hives: every key with its time and every value's bytes, nothing more."""
    file = pyregf.file()
    file.open_file_object(io.BytesIO(data))
    count, waiting = 0, [file.root_key]
    while waiting:
        key: Any = waiting.pop()
        count += 1
        key.get_last_written_time_as_integer()
        for value in key.values:
            _ = value.name, value.data
        waiting += list(key.sub_keys)
    return count


def hive(folder: Path, most: int) -> bytes | None:
    """The largest registry hive below the folder that has at most so many bytes."""
    found = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size <= most]
    hives = [path for path in found if path.open("rb").read(4) == b"regf" and ".log" not in path.name.lower()]
    return max(hives, key=lambda path: (path.stat().st_size, path.name)).read_bytes() if hives else None


def measured(data: bytes, name: str, peer: Callable[[bytes], int], rounds: int) -> tuple[Pair, int]:
    """Both on the same bytes, and how many artefacts there are."""
    return in_turn(lambda: parse(data, name), lambda: peer(data), rounds), parse(data, name)


def main() -> None:
    """Syslog, access log, event log, registry."""
    parser = options(__doc__, rounds=5)
    parser.add_argument("--lines", type=int, default=60_000)
    add_option(parser)
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.lines, arguments.rounds = 500, 1
    lines: list[Line] = []
    for name, data, pattern in (
        ("auth.log", syslog_lines(arguments.lines), _SYSLOG),
        ("access.log", access_lines(arguments.lines), _ACCESS),
    ):
        pair, count = measured(data, name, partial(match_lines, pattern), arguments.rounds)
        lines += paired(f"{name}, {count:,} artefacts", pair, arguments.lines, "lines")
    records = None if arguments.smoke else event_log(arguments.images, 24 << 20)
    if records is not None:
        pair, count = measured(records, "Security.evtx", library_records, arguments.rounds)
        lines += paired(f"event log, {count:,} records", pair, count, "records")
    registry = None if arguments.smoke else hive(arguments.images, 64 << 20)
    if registry is not None:
        pair, count = measured(registry, "SYSTEM", library_keys, arguments.rounds)
        lines += paired(f"registry hive, {count:,} artefacts", pair, len(registry) >> 20, "MiB")
        lines.append(Line(f"registry hive of {len(registry):,} bytes", cpu(pair.ours), "s processor", at_most=10))
    conclude("parsers", lines, arguments)


if __name__ == "__main__":
    main()
