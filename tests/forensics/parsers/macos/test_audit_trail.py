"""Audit trails: the public one, each kind of token, records that are not whole."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from forensics.parsers import parser_for
from forensics.parsers.macos.audit_trail import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

PUBLIC = "macos/plaso/apple.bsm"


def test_the_public_trail(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    data = corpus(PUBLIC).read_bytes()
    assert parser_for(data[:4096], "x") is PARSER
    found = read(PARSER, data)
    records = artefacts(found, "bsm.record")
    assert len(records) == 54  # as plaso counts
    assert problems(found) == []
    assert records[0].times == {"logged": at("2013-11-04T18:36:20.381000+00:00")}
    assert records[0].fields["path"] == "/var/audit/20131104171720.crash_recovery"
    assert records[0].fields["event"] == "audit recovered after a crash"
    assert records[0].fields["result"] == "success"


def made(*tokens: bytes, head: int = 0x14) -> bytes:
    start = {0x14: struct.pack(">II", 1_700_000_000, 5), 0x15: struct.pack(">I4sII", 4, b"\n\0\0\7", 1_700_000_000, 5)}
    body = struct.pack(">BHH", 11, 45028, 0) + start[head] + b"".join(tokens)
    length = 5 + len(body) + 7
    return struct.pack(">BI", head, length) + body + struct.pack(">BHI", 0x13, 0xB105, length)


def text(kind: int, value: str) -> bytes:
    return struct.pack(">BH", kind, len(value.encode()) + 1) + value.encode() + b"\0"


def test_every_kind_of_token(read: Any) -> None:
    ids = struct.pack(">7i", 501, 0, 0, 501, 20, 77, 100)
    data = made(
        *(text(0x23, "/bin/Şifre"), text(0x28, "note"), text(0x60, "global")),
        b"\x24" + ids + struct.pack(">I4s", 99, b"\n\0\0\1"),
        b"\x7b" + ids + struct.pack(">II16s", 1, 16, bytes(15) + b"\1"),
        struct.pack(">BBI", 0x2D, 2, 7) + text(0, "uid")[1:],
        struct.pack(">BBQ", 0x72, 13, 5),
        struct.pack(">BI", 0x3C, 2) + b"sudo\0id\0",
        struct.pack(">BI", 0x3D, 1) + b"TOKEN=geheim\0",
        struct.pack(">BIIIIQI", 0x3E, 0o100644, 0, 0, 1, 42, 0),
        struct.pack(">BHH4s", 0x80, 2, 22, b"\n\0\0\2") + b"\x82\0\1/var/run/x\0",
        *(struct.pack(">BHII", 0x34, 2, 20, 80), struct.pack(">BH", 0x21, 3) + b"abc", struct.pack(">BII", 0x52, 1, 0)),
    )
    (found,) = read(PARSER, data)
    assert found.fields == {
        **{"event": "sudo", "event_number": "45028", "path": "/bin/Şifre", "text": "note", "zone": "global"},
        **{"audit_user": "501", "user": "0", "group": "0", "real_user": "501", "real_group": "20", "pid": "77"},
        **{"session": "100", "address": "10.0.0.1", "port": "99", "process_audit_user": "501", "process_user": "0"},
        **{"process_group": "0", "process_real_user": "501", "process_real_group": "20", "process_pid": "77"},
        **{"process_session": "100", "process_address": "::1", "process_port": "1", "argument": "2 uid=7"},
        **{"result": "failure (13)", "returned": "5", "argv": "sudo; id", "environment": "TOKEN"},
        **{"attributes": "mode 100644, user 0, group 0, inode 42", "socket": "10.0.0.2 port 22; /var/run/x"},
        **{"groups": "20 80", "opaque": "3 bytes", "exit": "1 0"},
    }
    (extended,) = read(PARSER, made(text(0x28, "x"), head=0x15))
    assert (extended.fields["host"], extended.times) == ("10.0.0.7", {"logged": 1_700_000_000_005_000_000})


def test_records_that_are_not_whole(read: Any) -> None:
    unknown = read(PARSER, made(b"\xee\0"))
    assert problems(unknown) == ["a token of a kind that is not known; the rest of the record is not read"]
    assert unknown[0].fields["incomplete"] == "true"
    assert problems(read(PARSER, made(b"\x28\xff\xff"))) == ["a record that ends within a token"]
    cut = made(text(0x28, "x"))
    assert problems(read(PARSER, cut[:-3])) == ["the file ends 3 bytes before the record"]
    assert problems(read(PARSER, cut + b"\0" * 20)) == ["no record begins here; 20 bytes are not read"]


def test_damaged_trails_give_values(corpus: Fetch, read: Any) -> None:
    for data in damaged(corpus(PUBLIC).read_bytes(), 30):
        read(PARSER, data)
