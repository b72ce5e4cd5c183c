"""ESE databases: public ones against dissect's counts, each application's tables, damaged ones."""

from __future__ import annotations

import json
import lzma
import struct
from typing import Any

import pytest

from forensics.model import Artefact, Clock
from forensics.parsers import parser_for
from forensics.parsers.windows._ese import ole_time, rows, shown, snake
from forensics.parsers.windows.ese import PARSER
from forensics.parsers.windows.ese_databases import file_history, srum, user_access, webcache
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems
from tests.forensics.parsers.tables import Table, database

FILETIME = 116_444_736_010_000_000
SECOND = 1_000_000_000
NAMES = ("Catalog1.edb", "SystemIdentity.mdb")


def data_of(corpus: Fetch, name: str) -> bytes:
    path = corpus(f"ese/plaso/{name}")
    return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_every_table_of_public_databases(name: str, corpus: Fetch, read: Any) -> None:
    oracle = json.loads(corpus(f"oracles/artefact/ese__plaso__{name}.json").read_text())["dissect"]["tables"]
    data = data_of(corpus, name)
    found = read(PARSER, data)
    (whole,) = artefacts(found, "ese.database")
    assert {key: int(count) for key, count in whole.fields.items() if key.startswith("rows.")} == {
        f"rows.{table}": count for table, count in oracle.items()
    }
    assert (whole.fields["state"], whole.fields["page_size"]) == ("clean shutdown", "4096")
    assert problems(found) == []
    assert parser_for(data[:4096], name) is PARSER


def test_file_history(corpus: Fetch, read: Any, at: Any) -> None:
    """plaso counts 1,373 names, but takes a record's own number for its string's: "?UP\\Favorites\\Links\\Lenovo"."""
    found = read(PARSER, data_of(corpus, "Catalog1.edb"))
    names, versions = artefacts(found, "filehistory.name"), artefacts(found, "filehistory.version")
    assert (len(names), len(versions)) == (1373, 912)
    name = names[355]
    assert name.fields["record"] == "356"
    assert name.fields["path"] == r"?UP\Pictures\From Donald's Windows Phone\Camera roll"
    assert name.fields["usn"] == "9251162904"
    assert name.times["created"] == at("2013-09-02T20:02:25.695774+00:00") + 500
    assert name.times["modified"] == at("2013-10-12T17:34:36.688580+00:00") + 600
    assert versions[0].fields["path"] == r"C:\Users\Public\Pictures\WP_20130728_004.jpg"
    assert versions[0].times["backed_up"] == at("2013-10-01T18:48:18.089000+00:00")


def test_a_database_that_was_not_closed_says_so(corpus: Fetch, read: Any) -> None:
    data = bytearray(data_of(corpus, "SystemIdentity.mdb"))
    data[52:56] = (2).to_bytes(4, "little")
    checksum = 0x89ABCDEF
    for (word,) in struct.iter_unpack("<I", data[4:4096]):
        checksum ^= word
    data[:4] = checksum.to_bytes(4, "little")
    assert problems(read(PARSER, bytes(data))) == [
        "the database was not closed (dirty shutdown): what its logs hold is not shown"
    ]


def test_other_files_are_none() -> None:
    streaming = b"\0\0\0\0\xef\xcd\xab\x89" + bytes(4) + b"\1\0\0\0"
    assert parser_for(streaming, "a.stm") is None


def test_files_that_are_no_database_are_problems(read: Any) -> None:
    (reason,) = problems(read(PARSER, bytes(4) + b"\xef\xcd\xab\x89" + bytes(100)))
    assert reason.startswith("the database cannot be read: ")


def test_damaged_databases_give_values(corpus: Fetch, read: Any) -> None:
    for data in damaged(data_of(corpus, "SystemIdentity.mdb"), 60):
        read(PARSER, data)


def told(family: Any, source: Any, tables: dict[str, Table], **settings: Any) -> list[Artefact]:
    return [
        item for item in family.FAMILY.tell(database(source(b"", **settings), **tables)) if isinstance(item, Artefact)
    ]


def test_srum_resolves_programs_and_users(source: Any, at: Any) -> None:
    sid = b"\x01\x02" + bytes(5) + b"\x05" + struct.pack("<2I", 32, 544)
    hour = struct.pack("<d", 45_000.5)
    tables = {
        "SruDbIdMapTable": Table(
            {"IdType": 0, "IdIndex": 3, "IdBlob": "C:\\a.exe\0".encode("utf-16-le")},
            {"IdType": 3, "IdIndex": 4, "IdBlob": sid},
            {"IdType": 3, "IdIndex": 5, "IdBlob": b"\x01\x09"},
        ),
        "{973F5D5C-1D90-4944-BE8E-24B94231A174}": Table(
            {"AutoIncId": 1, "TimeStamp": hour, "AppId": 3, "UserId": 4, "BytesSent": 10, "BytesRecvd": 20}
        ),
        "{DD6636C4-8929-4683-974E-22C046A43763}": Table(
            {"TimeStamp": hour, "AppId": 9, "UserId": 5, "ConnectedTime": 60, "ConnectStartTime": FILETIME}
        ),
        "{5C8CF1C7-7257-4F13-B223-970EF5939312}": Table(
            {"TimeStamp": hour, "EndTime": 0x2A2A2A2A2A2A2A2A, "Cycles": 0x2A2A2A2A, "Flags": 1}
        ),
        "{00000000-0000-0000-0000-000000000000}": Table({"TimeStamp": b"", "Total": 7}),
    }
    other, timeline, network, connection = told(srum, source, tables)
    assert network.kind == "srum.network"
    assert network.fields == {
        "program": "C:\\a.exe", "user": "S-1-5-32-544", "record": "1", "bytes_sent": "10", "bytes_recvd": "20",
        "table": "{973F5D5C-1D90-4944-BE8E-24B94231A174}",
    }  # fmt: skip
    assert network.times == {"recorded": at("2023-03-15T12:00:00+00:00")}
    assert (connection.kind, connection.fields["user"]) == ("srum.connection", "0109")
    assert connection.times["connected"] == SECOND
    assert (timeline.kind, set(timeline.times)) == ("srum.timeline", {"recorded"})
    assert "cycles" not in timeline.fields
    assert (other.kind, other.times, other.fields["total"]) == ("srum.record", {}, "7")


ENTRY = {"EntryId": 1, "Url": "Visited: ada@http://a.example/", "AccessCount": 2, "AccessedTime": FILETIME}


def containers(**names: Table) -> dict[str, Table]:
    rows = [{"ContainerId": number, "Name": name} for number, name in enumerate(names)]
    return {"Containers": Table(*rows), **{f"Container_{number}": table for number, table in enumerate(names.values())}}


def test_webcache_by_container(source: Any) -> None:
    download = bytes(0x148) + "http://a.example/x.zip\0C:\\x.zip\0".encode("utf-16-le")
    tables = containers(
        History=Table(ENTRY),
        Cookies=Table(ENTRY | {"Url": "Cookie:ada@a.example/", "Filename": "1.txt"}),
        Content=Table(ENTRY | {"ResponseHeaders": b"HTTP/1.1 200 OK\r\nSet-Cookie: a=secret; path=/\r\n\r\n\0"}),
        iedownload=Table(ENTRY | {"ResponseHeaders": download}),
        DOMStore=Table(ENTRY | {"Url": "\x01\x02a"}),
    )
    visit, cookie, content, fetched, other = told(webcache, source, tables)
    assert [item.kind for item in (visit, cookie, content, fetched, other)] == [
        "webcache.visit", "webcache.cookie", "webcache.content", "webcache.download", "webcache.entry",
    ]  # fmt: skip
    assert visit.fields == {
        "url": "Visited: ada@http://a.example/", "count": "2", "container": "History", "entry": "1",
    }  # fmt: skip
    assert visit.times == {"accessed": SECOND}
    assert cookie.fields["file"] == "1.txt"
    assert content.fields["headers"] == "HTTP/1.1 200 OK; Set-Cookie: a=(not shown)"
    assert fetched.fields["texts"] == "http://a.example/x.zip; C:\\x.zip"
    assert other.fields["url"] == "a"


def test_histories_by_day_have_one_local_time(source: Any, at: Any) -> None:
    """As a public database of a machine seven hours behind UTC has them (go-ese's WebCacheV01.dat)."""
    entry = ENTRY | {"ModifiedTime": 133370324566642496, "AccessedTime": 133370576566752849}
    tables = containers(MSHist012023082020230821=Table(entry))
    utc, local = sorted(
        told(webcache, source, tables, zone="America/Los_Angeles"), key=lambda item: item.clock is not Clock.UTC
    )
    assert set(utc.times) == {"accessed"}
    assert local.clock is Clock.DECLARED
    assert abs(local.times["modified"] - utc.times["accessed"]) < SECOND
    assert {item.clock for item in told(webcache, source, tables)} == {Clock.UTC, Clock.UNKNOWN}


def test_values_of_cookies_are_never_shown(source: Any) -> None:
    row = {"EntryId": 1, "Name": b"session", "Value": b"sekret", "RDomain": "a.example", "Expires": FILETIME}
    (cookie,) = told(webcache, source, {"Containers": Table(), "CookieEntryEx_1": Table(row)})
    assert cookie.fields == {"name": "session", "domain": "a.example", "entry": "1"}
    assert cookie.times == {"expires": SECOND}


def test_user_access_logging(source: Any) -> None:
    raw = FILETIME.to_bytes(8, "little")
    client = {
        "RoleGuid": "r",
        "InsertDate": raw,
        "LastAccess": raw,
        "Address": bytes([192, 0, 2, 1]),
        "Day3": 4,
        "Day4": 0,
    }
    found = told(user_access, source, {
        "CLIENTS": Table(client | {"Address": bytes([192, 0, 2, 1])}, client | {"Address": b"\1"}),
        "ROLE_ACCESS": Table({"RoleGuid": "r", "FirstSeen": raw, "LastSeen": b""}),
    })  # fmt: skip
    first, second, role = found
    assert (first.fields["address"], first.fields["accesses_by_day_of_year"]) == ("192.0.2.1", "3: 4")
    assert second.fields["address"] == "01"
    assert first.times == {"first_access": SECOND, "last_access": SECOND}
    assert role.times == {"first_seen": SECOND}


def test_names_that_file_history_still_has(source: Any) -> None:
    found = told(file_history, source, {
        "string": Table({"id": 1, "string": "C:\\a"}, {"id": 2, "string": "b.txt"}),
        "backupset": Table({"id": 7, "timestamp": FILETIME}),
        "namespace": Table({"id": 1, "parentId": 1, "childId": 2, "tCreated": 7, "tVisible": 0x7FFFFFFF}),
        "file": Table(),
    })  # fmt: skip
    assert (found[0].fields["path"], found[0].times) == (r"C:\a\b.txt", {"first_backup": SECOND})


def test_values_and_names_of_columns() -> None:
    assert [snake(name) for name in ("BytesSent", "L2ProfileId", "CompRenderedS")] == [
        "bytes_sent", "l2_profile_id", "comp_rendered_s",
    ]  # fmt: skip
    assert [shown(value) for value in (True, False, 3, b"\1" * 300)] == ["true", "", 3, "01" * 256 + "... (300 bytes)"]
    assert [
        ole_time(value).at for value in (None, b"x", struct.pack("<d", float("nan")), struct.pack("<d", 1e300))
    ] == [None] * 4
    assert list(rows(Table({"a": True, "b": 1.5, "c": None}))) == [{"a": True, "b": 1.5, "c": None}]
