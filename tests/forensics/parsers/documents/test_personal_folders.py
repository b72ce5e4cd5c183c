"""PST: a public file held against readpst and pffinfo, damaged and hostile ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from forensics.model import Clock
from forensics.parsers import parser_for
from forensics.parsers._facts import Moment
from forensics.parsers.documents.personal_folders import PARSER, _properties, _recipients, _subject, _value
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

PUBLIC = "email/bulk_extractor/Data/Outlook_Files/outlook.pst"
ORACLE = "oracles/artefact/email__bulk_extractor__Data__Outlook_Files__outlook.pst.json"


def test_a_public_file(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    """readpst gives one message, a draft; the folder "Freebusy Data" holds an item that is no message of mail."""
    data = corpus(PUBLIC).read_bytes()
    assert parser_for(data[:4096], "x.bin") is PARSER
    found = read(PARSER, data)
    assert problems(found) == []
    folders = [folder.fields["path"] for folder in artefacts(found, "pst.folder")]
    assert len(folders) == len(set(folders)) == 26
    mail = [m for m in artefacts(found, "pst.message") if m.fields.get("class") == "IPM.Note"]
    oracle = json.loads(corpus(ORACLE).read_text(encoding="utf-8"))["readpst"]["files"]
    assert len(mail) == len(oracle) == 1
    (draft,) = mail
    assert oracle[0].split("/")[1] == draft.fields["folder"].rpartition("/")[2] == "Drafts"
    assert draft.fields["subject"] == "a test message for outlook"
    assert draft.fields["recipients_to"] == "user@outlook.com <user@outlook.com>"
    assert (draft.fields["unsent"], draft.clock) == ("true", Clock.UTC)
    assert draft.times == {
        "received": at("2014-08-13T18:25:02.684000+00:00"),
        "created": at("2014-08-13T18:24:41.253000+00:00"),
        "modified": at("2014-08-13T18:24:41.253000+00:00"),
    }
    assert "This is a test" not in str(found)


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        (0x1F, "Ада\0".encode("utf-16-le"), "Ада"),
        (0x1E, b"Zo\xe9\0", "Zoé"),
        (3, b"\xff\xff\xff\xff", "-1"),
        (11, b"\1", "1"),
        (0x40, bytes(8), Moment(None, "0")),
        (0x102, b"binary", None),
    ],
)
def test_values(kind: int, data: bytes, expected: object) -> None:
    assert _value(kind, data) == expected


def test_the_mark_before_a_subject() -> None:
    assert _subject("\x01\x05Re: Report") == "Re: Report"
    assert _subject("Report") == "Report"


class _Entry:
    def __init__(self, entry_type: int, value_type: int, data: bytes) -> None:
        self.entry_type, self.value_type, self.data = entry_type, value_type, data


class _Records:
    """An item of libpff with the records that it is given."""

    def __init__(self, *records: list[_Entry]) -> None:
        self._records = records
        self.number_of_record_sets = len(records)

    def get_record_set(self, number: int) -> Any:
        entries = self._records[number]
        return type("_Set", (), {"number_of_entries": len(entries), "get_entry": staticmethod(entries.__getitem__)})


def person(name: str, smtp: str, kind: int) -> list[_Entry]:
    wide = [(0x3001, name), (0x39FE, smtp)]
    texts = [_Entry(tag, 0x1F, text.encode("utf-16-le")) for tag, text in wide]
    return [*texts, _Entry(0x0C15, 3, kind.to_bytes(4, "little"))]


def test_recipients_by_how_it_was_sent_to_them() -> None:
    table = _Records(person("Ada", "ada@example.org", 1), person("Boris", "b@example.org", 3), person("C", "", 9))
    item = type("_Item", (), {"recipients": table})
    assert _recipients(item) == {
        "recipients_to": "Ada <ada@example.org>",
        "recipients_bcc": "Boris <b@example.org>",
        "recipients_other": "C <>",
    }


def test_values_that_are_cut_are_left_out() -> None:
    records = _Records([_Entry(0x3007, 0x40, b"\1"), _Entry(0x0037, 0x1E, b"x")])
    assert _properties(records, {0x3007: "created", 0x0037: "subject"}) == {"subject": "x"}


def test_a_cut_file_is_a_problem(corpus: Fetch, read: Any) -> None:
    data = corpus(PUBLIC).read_bytes()
    assert "cannot be read" in problems(read(PARSER, data[:1000]))[1]
    cut = read(PARSER, data[:-40_000])
    assert "the file is said to be 271,360 bytes: it is cut" in problems(cut)[0]
    assert len(artefacts(cut, "pst.folder")) == 26


def test_damaged_files_give_values(corpus: Fetch, read: Any) -> None:
    for copy in damaged(corpus(PUBLIC).read_bytes(), 30):
        read(PARSER, copy)
