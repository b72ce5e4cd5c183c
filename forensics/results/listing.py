"""Result rows as they are printed: the JSON contract, csv and TSK's bodyfile. Pure functions of rows.

Sizes, offsets and meta addresses are strings; times are ISO 8601 UTC with nine digits, or null.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from forensics.results.columns import STANDARD_TIMES
from forensics.timeline import iso

Row = Mapping[str, Any]

EVENT_COLUMNS = ("at", "meaning", "kind", "exhibit", "volume", "path", "message", "clock", "id", "source", "stated")
TIMESKETCH_COLUMNS = (
    "message",
    "timestamp",
    "datetime",
    "timestamp_desc",
    "data_type",
    *EVENT_COLUMNS[3:6],
    "clock",
    "id",
)
_SECOND = 1_000_000_000
# st_mode's types as `ls` and mactime show them
_MODE_TYPES = {0o10: "r", 0o04: "d", 0o12: "l", 0o01: "p", 0o14: "s", 0o02: "c", 0o06: "b"}
_ENTRY_TYPES = {
    "file": "r",
    "directory": "d",
    "link": "l",
    "fifo": "p",
    "socket": "s",
    "char": "c",
    "block": "b",
    "virtual": "v",
    "shadow": "h",
    "whiteout": "w",
}


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _named(pairs: Sequence[tuple[str, Any]] | None) -> dict[str, Any]:
    return dict(pairs or ())


def exact_time(row: Row, name: str, value: int | None) -> int | None:
    """A time with its true value where the column could not hold it."""
    far = _named(row.get("far_times"))
    return int(far[name]) if name in far else value


def _iso(value: int | None) -> str | None:
    return None if value is None else iso(value)


def _times(row: Row, column: str) -> dict[str, str | None]:
    return {name: _iso(exact_time(row, name, at)) for name, at in _named(row[column]).items()}


def volume_json(row: Row) -> dict[str, Any]:
    """A line of `volumes --json`."""
    sizes = {name: _text(row[name]) for name in ("offset", "length")}
    names = ("exhibit", "volume", "scheme", "description", "filesystem", "label", "problem")
    return {name: row[name] for name in names} | sizes


_HINTS = ("extension_mismatch", "encryption", "recoverable")


def file_json(row: Row) -> dict[str, Any]:
    """A line of `files --json`. `raw_path` (hex) stands only where `path` is not the very bytes."""
    names = (
        "id",
        "exhibit",
        "volume",
        "path",
        "type",
        "allocated",
        "meta",
        "stream",
        "md5",
        "sha256",
        "mime",
        "problem",
    )
    times = {name: _iso(exact_time(row, name, row[name])) for name in STANDARD_TIMES}
    more = ("reallocated", "outcome", "clock", "link_target")
    numbers = {name: _text(row[name]) for name in ("size", "uid", "gid")}
    mode = None if row["mode"] is None else f"{row['mode']:o}"
    raw = {} if row["raw_path"] is None else {"raw_path": row["raw_path"].hex()}
    extra = {"extra_times": _times(row, "extra_times")}
    known = {name: row.get(name) for name in ("known", "known_list", *_HINTS)}
    return {name: row[name] for name in (*names, *more)} | numbers | {"mode": mode} | known | times | extra | raw


def artefact_json(row: Row) -> dict[str, Any]:
    """A line of `artefacts --json`."""
    names = ("id", "kind", "exhibit", "volume", "path", "meta", "stream", "clock", "parser", "version")
    place = {name: _text(row[name]) for name in ("offset", "length")}
    named = {"times": _times(row, "times"), "fields": _named(row["fields"]), "raw": _named(row["raw"])}
    return {name: row[name] for name in names} | place | named


def log_json(row: Row) -> dict[str, Any]:
    """A line of `logs --json`."""
    names = ("exhibit", "volume", "path", "kind", "entries", "undated", "files", "gaps", "steps_back")
    lists = {
        name: [{"from": iso(item["from"]), "to": iso(item["to"]), "path": item["path"]} for item in row[name]]
        for name in ("gap_list", "back_list")
    }
    return {name: row[name] for name in names} | {name: _iso(row[name]) for name in ("first", "last")} | lists


def _at(row: Row) -> int:
    return int(row["at"] if row["far_at"] is None else row["far_at"])


def event_json(row: Row) -> dict[str, Any]:
    """A line of `timeline --json`. `source` is the id of the file or artefact; `stated` stands in corrected times."""
    run = row["id"].partition(".")[0][1:]
    known = {"at": iso(_at(row)), "source": f"{'f' if row['kind'] == 'file' else 'a'}{run}.{row['row']}"}
    if "stated" in row:
        known["stated"] = iso(row["stated"]) if row["far_at"] is None else known["at"]
    return {name: known.get(name, row.get(name)) for name in EVENT_COLUMNS if name != "stated" or name in row}


def timesketch(row: Row) -> dict[str, Any]:
    """A line for Timesketch: message, timestamp (microseconds), datetime, timestamp_desc, and what else is known."""
    at = _at(row)
    known = {"timestamp": at // 1000, "datetime": iso(at), "timestamp_desc": row["meaning"]}
    words = {"data_type": f"evikit:{row['kind']}", "message": row["message"] or row["path"] or row["meaning"]}
    return {name: (known | words).get(name, row.get(name)) for name in TIMESKETCH_COLUMNS}


def json_line(value: Mapping[str, Any]) -> str:
    """One JSON line, without the newline."""
    return json.dumps(value, ensure_ascii=False)


def csv_line(values: Sequence[Any]) -> str:
    """One line of RFC 4180 csv, without the line's end. Null is empty."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow(values)
    return buffer.getvalue().removesuffix("\r\n")


def event_csv(row: Row) -> str:
    """A line of the timeline as csv, in the order of `EVENT_COLUMNS`."""
    shown = event_json(row)
    return csv_line([shown.get(name) for name in EVENT_COLUMNS])


def _mode(row: Row) -> str:
    """As fls prints it: the name's type, the inode's type, permissions (r/rrwxr-xr-x)."""
    kind = _ENTRY_TYPES.get(row["type"], "-")
    if row["mode"] is None:
        return f"{kind}/----------"
    bits = row["mode"]
    letters = ["rwx"[2 - place % 3] if bits >> place & 1 else "-" for place in range(8, -1, -1)]
    for bit, place, set_with, set_without in ((0o4000, 2, "s", "S"), (0o2000, 5, "s", "S"), (0o1000, 8, "t", "T")):
        if bits & bit:
            letters[place] = set_with if letters[place] == "x" else set_without
    inode = _MODE_TYPES.get(bits >> 12, kind)
    return f"{kind}/{inode}{''.join(letters)}"


def _field(text: str) -> str:
    """Text inside a bodyfile field: the separator and line ends cannot stand there."""
    return text.replace("|", "%7C").replace("\n", "%0A").replace("\r", "%0D")


def bodyfile_entry(row: Row) -> str:
    """A file row as a line of TSK 3's body file: MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime.

    Whole seconds since 1970, 0 for no time, as mactime reads them.
    """
    fate = "" if row["allocated"] else " (deleted-realloc)" if row["reallocated"] else " (deleted)"
    link = f" -> {row['link_target']}" if row["link_target"] else ""
    times = [exact_time(row, name, row[name]) for name in ("accessed", "modified", "changed", "created")]
    return "|".join(
        [
            row["md5"] or "0",
            _field(f"{row['path']}{link}{fate}"),
            row["meta"] or "0",
            _mode(row),
            str(row["uid"] or 0),
            str(row["gid"] or 0),
            str(row["size"] or 0),
            *(str((at or 0) // _SECOND) for at in times),
        ]
    )


def bodyfile_event(row: Row) -> str:
    """An event that is no file's (a log line) as a body file line: its time stands as the modified time."""
    at = _at(row) // _SECOND
    name = _field(f"[{row['kind']}] {row['path']}: {row['message']}")
    return f"0|{name}|{row['meta'] or '0'}|-/----------|0|0|0|0|{at}|0|0"
