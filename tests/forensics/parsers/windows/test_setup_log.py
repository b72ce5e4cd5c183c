"""Logs of device installation: a public one against plaso's count, the older form, damaged ones."""

from __future__ import annotations

from typing import Any

from forensics.model import Clock
from forensics.parsers import parser_for
from forensics.parsers.windows.setup_log import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

NAME = "textlog/plaso/setupapi.setup.log"
HEAD = "[Device Install Log]\r\n     OS Version = 10.0.1\r\n\r\n"


def test_sections_of_a_public_log(corpus: Fetch, read: Any, at: Any) -> None:
    data = corpus(NAME).read_bytes()
    found = read(PARSER, data)
    sections = artefacts(found, "setupapi.section")
    assert len(sections) == 16
    first = sections[0]
    assert first.fields == {"title": "Sysprep Specialize - {51198c35-bd73-bb4d-a3cb-65bd5f2ab9cb}", "status": "SUCCESS"}
    assert first.times == {
        "started": at("2015-11-22T17:53:16.599000+00:00"),
        "ended": at("2015-11-22T17:53:52.849000+00:00"),
    }
    assert first.clock is Clock.UNKNOWN
    place = first.location
    whole = data[place.offset : (place.offset or 0) + (place.length or 0)]
    assert whole.startswith(b">>>  [Sysprep")
    assert whole.endswith(b"<<<  [Exit status: SUCCESS]")
    (boot,) = artefacts(found, "setupapi.boot")
    assert boot.times == {"booted": at("2015-11-22T17:52:29.492000+00:00")}
    assert problems(found) == []
    assert parser_for(data[:4096], "setupapi.setup.log") is PARSER


def test_errors_a_missing_end_and_the_declared_zone(read: Any, at: Any) -> None:
    text = HEAD + (
        ">>>  [Device Install - USB\\VID_1&PID_2]\r\n>>>  Section start 2024/07/15 12:00:00.500\r\n"
        "!!!  dvi: Device not started.\r\n     dvi: other\r\n"
        ">>>  [Second]\r\n>>>  Section start 2024/13/15 12:00:00\r\n<<<  Section end 2024/07/15 12:00:02\r\n"
    )
    found = read(PARSER, text.encode(), zone="Europe/Belgrade")
    first, second = artefacts(found, "setupapi.section")
    assert first.fields == {"title": "Device Install - USB\\VID_1&PID_2", "errors": "Device not started."}
    assert first.times == {"started": at("2024-07-15T10:00:00.500000+00:00")}
    assert first.raw == {"started": "2024/07/15 12:00:00.500"}
    assert set(second.times) == {"ended"}
    assert problems(found) == ["a time that is none: there is no month 13"]


def test_the_log_of_windows_xp(read: Any, at: Any) -> None:
    text = "[SetupAPI Log]\r\n[2004/08/04 13:00:00 1234.5 Driver Install]\r\n#-019 Searching\r\n#E122 Failed.\r\n"
    (section,) = artefacts(read(PARSER, text.encode()), "setupapi.section")
    assert section.fields == {"title": "Driver Install", "errors": "Failed."}
    assert section.times == {"started": at("2004-08-04T13:00:00+00:00")}


def test_damaged_logs_give_values(corpus: Fetch, read: Any) -> None:
    for data in damaged(corpus(NAME).read_bytes()[:20000], 40):
        read(PARSER, data)
