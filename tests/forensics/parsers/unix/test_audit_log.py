"""The audit log: public ones of both kinds, what the kernel encodes, what is no record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from forensics.parsers import parser_for
from forensics.parsers.unix.audit_log import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

HEAD = b"type=%s msg=audit(1709287200.123:42): "


def test_the_public_logs(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    data = corpus("textlog/plaso/audit_enriched.log").read_bytes()
    assert parser_for(data[:4096], "x") is PARSER
    found = artefacts(read(PARSER, data), "audit.record")
    assert len(found) == 29  # as plaso counts
    assert found[0].fields["acct"] == "specimenuser"
    assert found[0].fields["name.uid"] == "root"
    assert found[0].times == {"logged": at("2026-07-07T08:56:13.076000+00:00")}
    old = read(PARSER, corpus("textlog/plaso/selinux.log").read_bytes())
    assert len(artefacts(old, "audit.record")) == 7  # as plaso counts, and its 4 warnings
    assert len(problems(old)) == 4
    login = artefacts(old, "audit.record")[0].fields
    assert (login["old_auid"], login["new_auid"], login["new_ses"]) == ("4294967295", "0", "1165")


def record(kind: bytes, rest: bytes) -> bytes:
    return HEAD % kind + rest


def test_what_the_kernel_encodes_is_shown_as_text(read: Any) -> None:
    proctitle = "cat /tmp/Шифра".encode().hex().upper().encode()
    (title,) = read(PARSER, record(b"PROCTITLE", b"proctitle=" + proctitle))
    assert title.fields["proctitle"] == "cat /tmp/Шифра"
    (run,) = read(PARSER, record(b"EXECVE", b'argc=3 a0="mysql" a1="--password=geheim" a2=612062'))
    assert run.fields["command"] == "mysql --password=[withheld] a b"
    (call,) = read(PARSER, record(b"SYSCALL", b'arch=c000003e a0=6162 a1=7f comm="sh" key=(null)'))
    assert (call.fields["a0"], call.fields["comm"]) == ("6162", "sh")
    (denied,) = read(PARSER, record(b"AVC", b'avc:  denied  { read } for  pid=1 comm="x"'))
    assert (denied.fields["avc"], denied.fields["pid"]) == ("denied  { read }", "1")
    (node,) = read(PARSER, b"node=h.example " + record(b"UNKNOWN[1323]", b"fd=6"))
    assert (node.fields["node"], node.fields["type"], node.fields["fd"]) == ("h.example", "UNKNOWN[1323]", "6")


def test_damaged_logs_give_values(corpus: Fetch, read: Any) -> None:
    for data in damaged(corpus("textlog/plaso/audit_enriched.log").read_bytes(), 30):
        read(PARSER, data)
