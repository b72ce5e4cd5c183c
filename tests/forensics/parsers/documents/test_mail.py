"""Mail: public messages held against another reading, mailboxes and EMLX, broken and hostile ones."""

from __future__ import annotations

import hashlib
import io
import json
import mailbox
import plistlib
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.model import Clock
from forensics.parsers import parser_for
from forensics.parsers.documents import mail as module
from forensics.parsers.documents.mail import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

At = Callable[[str], int]
FOLDER = "email/bulk_extractor/Data/MailUserAgents/EMLmessages"
NAMES = [f"m{number:04}.eml" for number in (1, 2, 3, 4, 5, 6, 1001, 1002, 2001, 2002)]
HEADERS = {"From": "from", "To": "to", "Subject": "subject", "Message-ID": "message_id", "X-Mailer": "mailer"}
ATTACHED = b"%PDF-1.7\0" * 9
RECEIVED = (
    "from mail.example.org (mail.example.org [192.0.2.7]) by mx.example.com (Postfix (x)) with ESMTPS id A1 "
    "for <boris@example.com>; Sun, 1 Mar 2026 10:00:05 +0100 (CET)"
)
FIRST = "from [10.0.0.5] ([IPv6:2001:db8::7]) by mail.example.org with ESMTPSA; Sun, 1 Mar 2026 09:00:01 -0000"


def message(**headers: str) -> EmailMessage:
    made = EmailMessage()
    usual = {
        "From": "Ада Хорват <ada@example.org>",
        "To": "boris@example.com, Zoé <zoe@example.com>",
        "Subject": "Извештај",
        "Date": "Sun, 01 Mar 2026 10:00:00 +0100",
        "Message-ID": "<1@example.org>",
        "X-Originating-IP": "[198.51.100.4]",
        "DKIM-Signature": "v=1; a=rsa-sha256; d=example.org; s=sel; bh=x; b=y",
    }
    for name, text in (usual | headers).items():
        made[name] = text
    made.add_header("Received", RECEIVED)
    made.add_header("Received", FIRST)
    made.set_content("the password is in the body\nFrom here on 2024\n\nFrom the cellar 2024\n")
    made.add_attachment(ATTACHED, maintype="application", subtype="pdf", filename="Извештај.pdf")
    return made


def plain(text: str) -> str:
    return " ".join(text.replace('"', "").split())


@pytest.mark.parametrize("name", NAMES)
def test_public_messages(corpus: Fetch, read: Any, name: str) -> None:
    """Where the other reading has a replacement character, the message has bytes of ISO 8859-1, which we read so."""
    data = corpus(f"{FOLDER}/{name}").read_bytes()
    assert parser_for(data[:4096], "1234") is PARSER
    found = read(PARSER, data, name=name)
    assert problems(found) == []
    (made,) = artefacts(found, "mail.message")
    oracle_name = f"{FOLDER}/{name}".replace("/", "__")
    oracle = json.loads(corpus(f"oracles/artefact/{oracle_name}.json").read_text(encoding="utf-8"))["email"]
    theirs = {key.title().replace("Id", "ID"): text for key, text in oracle["headers"]}
    for header, field in HEADERS.items():
        expected, ours = plain(theirs.get(header, "")), plain(made.fields.get(field, ""))
        assert len(ours) == len(expected)
        assert all(a == b or b == "\N{REPLACEMENT CHARACTER}" for a, b in zip(ours, expected, strict=True))
    assert made.raw["dated"] == theirs["Date"]
    assert made.clock is Clock.UTC
    assert len(artefacts(found, "mail.attachment")) == len(oracle["attachments"])


def test_bytes_that_are_not_ascii_are_read_as_the_message_says(corpus: Fetch, read: Any, at: At) -> None:
    (made,) = read(PARSER, corpus(f"{FOLDER}/m0001.eml").read_bytes())
    assert made.fields["to"] == '"Jürgen Schmürgen" <schmuergen@example.com>'
    assert made.times == {"dated": at("2000-05-17T19:08:29-04:00")}


def test_everything_a_message_says(read: Any, at: At) -> None:
    found = read(PARSER, message().as_bytes())
    assert problems(found) == []
    (made,) = artefacts(found, "mail.message")
    assert made.fields == {
        "from": "Ада Хорват <ada@example.org>",
        "to": "boris@example.com, Zoé <zoe@example.com>",
        "subject": "Извештај",
        "message_id": "<1@example.org>",
        "originating_ip": "[198.51.100.4]",
        "dkim_domain": "example.org (sel)",
        "attachments": "1",
    }
    assert made.times == {"dated": at("2026-03-01T10:00:00+01:00")}
    first, last = artefacts(found, "mail.hop")
    assert first.times == {"received": at("2026-03-01T09:00:01+00:00")}
    assert (first.fields["number"], first.fields["address"]) == ("1", "10.0.0.5, 2001:db8::7")
    assert last.fields == {
        "number": "2",
        "from": "mail.example.org (mail.example.org [192.0.2.7])",
        "by": "mx.example.com (Postfix (x))",
        "with": "ESMTPS",
        "id": "A1",
        "for": "<boris@example.com>",
        "address": "192.0.2.7",
        "message_id": "<1@example.org>",
    }
    (attachment,) = artefacts(found, "mail.attachment")
    assert (attachment.fields["name"], attachment.fields["size"]) == ("Извештај.pdf", str(len(ATTACHED)))
    assert attachment.fields["sha256"] == hashlib.sha256(ATTACHED).hexdigest()
    assert not [result for result in found if "password" in str(result)]


@pytest.mark.parametrize(
    ("text", "expected", "clock"),
    [
        ("Sun, 01 Mar 2026 10:00:00 EST", "2026-03-01T10:00:00-05:00", Clock.UTC),
        ("Sun, 01 Mar 2026 10:00:00 -0000", "2026-03-01T10:00:00+00:00", Clock.UTC),
        ("Sun, 01 Mar 2026 10:00", "2026-03-01T10:00:00+00:00", Clock.UNKNOWN),
        ("Sun, 01 Mar 2026 10:00:00 CEST", "2026-03-01T10:00:00+00:00", Clock.UNKNOWN),
        ("Sun, 01 Mar 2026 10:00:00 +0200 (CEST)", "2026-03-01T10:00:00+02:00", Clock.UTC),
        ("1 Mar 99 10:00:00 GMT", "1999-03-01T10:00:00+00:00", Clock.UTC),
    ],
)
def test_dates(text: str, expected: str, clock: Clock, read: Any, at: At) -> None:
    data = f"From: a@example.org\nTo: b@example.org\nDate: {text}\n\n".encode()
    (made,) = read(PARSER, data)
    assert (made.times, made.clock) == ({"dated": at(expected)}, clock)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("yesterday", "the time dated is 'yesterday', which is no date"),
        ("Sun, 31 Feb 2026 10:00:00 +0100", "there is no day 31 in month 2 of 2026"),
        ("Sun, 01 Mar 2026 25:00:00 +0100", "there is no time of day 25:00:00"),
    ],
)
def test_dates_that_are_none(text: str, reason: str, read: Any) -> None:
    found = read(PARSER, f"From: a@example.org\nTo: b@example.org\nDate: {text}\n\n".encode())
    assert reason in problems(found)[0]
    assert artefacts(found, "mail.message")[0].times == {}


def test_a_mailbox(tmp_path: Path, read: Any, at: At) -> None:
    box = mailbox.mbox(str(tmp_path / "inbox"))
    for number in range(3):
        box.add(message(Date=f"Sun, 01 Mar 2026 10:0{number}:00 +0100"))
    box.close()
    data = (tmp_path / "inbox").read_bytes()
    assert parser_for(data[:4096], "inbox") is PARSER
    found = read(PARSER, data)
    assert problems(found) == []
    messages = artefacts(found, "mail.message")
    assert [m.times["dated"] for m in messages] == [at(f"2026-03-01T10:0{n}:00+01:00") for n in range(3)]
    assert messages[0].fields["envelope"].startswith("MAILER-DAEMON ")
    for made in messages:
        part = data[made.location.offset : made.location.offset + made.location.length]
        assert part.startswith(b"From: ")
        assert part.rstrip().endswith(b"--")


def test_boundaries_are_found_across_blocks(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one = b"From a Sun Mar  1 10:00:00 2026\nFrom: a@example.org\nTo: b@example.org\nDate: x\n\nbody\n\n"
    for block in range(50, 60):
        monkeypatch.setattr(module, "_BLOCK", block)
        found = read(PARSER, one * 40)
        assert [m.location.offset for m in artefacts(found, "mail.message")] == [32 + len(one) * n for n in range(40)]


def emlx(listed: bytes, cut: int = 0) -> bytes:
    data = message().as_bytes()
    whole = b"%-10d\n" % len(data) + data + listed
    return whole[: len(whole) - cut]


def test_messages_of_macos(read: Any, at: At) -> None:
    data = emlx(plistlib.dumps({"date-received": 1772355601, "flags": 8590195713, "remote-id": "42"}))
    assert parser_for(data[:4096], "1.emlx") is PARSER
    found = read(PARSER, data)
    assert problems(found) == []
    (made,) = artefacts(found, "mail.message")
    assert made.times["received"] == at("2026-03-01T09:00:01+00:00")
    assert (made.fields["flags"], made.fields["remote_id"]) == ("8590195713", "42")
    assert made.location.offset == 11
    assert problems(read(PARSER, emlx(b"<?xml version='1.0'?><plist>")))[0].startswith("the property list behind")
    assert problems(read(PARSER, emlx(b"")))[-1] == "the message is cut"
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><plist><string>&b;</string></plist>'
    )
    assert "the property list behind the message is damaged" in problems(read(PARSER, emlx(bomb)))[0]


def test_a_public_fragment_without_headers(corpus: Fetch, read: Any) -> None:
    data = corpus("email/bulk_extractor/Data/base64.emlx").read_bytes()
    assert parser_for(data[:4096], "base64.emlx") is PARSER
    assert read(PARSER, data, name="base64.emlx")[0].reason == "what stands there has no header of a message"


def test_parts_in_parts_without_end(corpus: Fetch, read: Any) -> None:
    data = corpus("hostile/made/eml-deep-mime.eml").read_bytes()
    assert problems(read(PARSER, data))
    deep = b"From: a@example.org\n" + b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(3000)
    )
    assert any("its parts cannot be read" in reason for reason in problems(read(PARSER, deep)))


def test_encoded_words_that_are_broken_stay_as_they_are(read: Any) -> None:
    head = b"From: a@example.org\nTo: =?no-such-charset?Q?abc?=\nDate: 1 Mar 2026 10:00 +0100\n"
    head += b"Content-Type: text/plain; charset=a\0b\n"
    for subject in (b"=?utf-8?B?%%%?=", b"=?utf-8?Q?=ZZ?=", b"\xff\xfe", b"=?utf-8?Q?caf=C3?="):
        (made,) = artefacts(read(PARSER, head + b"Subject: " + subject + b"\n\n"), "mail.message")
        assert made.fields["to"] == "=?no-such-charset?Q?abc?="
        assert made.fields["subject"]


def test_a_large_message_is_read_in_part(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MESSAGE_LIMIT", 2000)
    found = read(PARSER, message().as_bytes() + bytes(9000))
    assert artefacts(found, "mail.message")[0].fields["message_id"] == "<1@example.org>"
    assert "the first 2,000 are read" in problems(found)[-1]


def test_attached_messages_and_many_recipients(read: Any) -> None:
    outer, inner = message(), message(Subject="The inner one")
    outer["Cc"] = ", ".join(f"Name {number} <n{number}@example.org>" for number in range(300))
    outer.add_attachment(inner)
    attached = artefacts(read(PARSER, outer.as_bytes()), "mail.attachment")
    kinds = [part.fields["type"] for part in attached]
    assert kinds == ["application/pdf", "message/rfc822", "application/pdf"]
    assert attached[1].fields["subject"] == "The inner one"


def test_other_texts_are_no_mail() -> None:
    assert parser_for(b"HTTP/1.1 200 OK\nDate: x\nContent-Type: y\n\n", "a.txt") is None
    assert parser_for(b"Date: x\nContent-Type: y\nServer: z\n\n", "a.txt") is None
    assert parser_for(b"From: here\nTo: there\nand on\n", "a.txt") is None
    assert parser_for(b"\0\0From: a\nTo: b\nDate: c\n\n", "a.eml") is None


def test_damaged_messages_give_values(read: Any, tmp_path: Path) -> None:
    sink = io.BytesIO(message().as_bytes())
    for data in (sink.getvalue(), b"From a Sun Mar  1 10:00:00 2026\n" + sink.getvalue(), emlx(plistlib.dumps({}))):
        for copy in damaged(data, 45):
            read(PARSER, copy)


@given(
    name=st.sampled_from(
        [b"Content-Type", b"Received", b"Date", b"Subject", b"DKIM-Signature", b"Content-Disposition"]
    ),
    value=st.binary(max_size=60),
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_header(name: bytes, value: bytes, read: Any) -> None:
    read(PARSER, b"From: a@example.org\nTo: b\n" + name + b": " + value + b"\n\nbody")
