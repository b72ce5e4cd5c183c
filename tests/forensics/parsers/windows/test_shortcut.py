"""Shortcuts: public files held against LnkParse3's answers, damaged ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from forensics.model import Clock
from forensics.parsers import parser_for
from forensics.parsers.windows.shortcut import HEADER, PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

NERO = "lnk/plaso/NeroInfoTool.lnk"


def test_a_public_shortcut(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    found = read(PARSER, corpus(NERO).read_bytes(), name="NeroInfoTool.lnk")
    (link,) = artefacts(found, "lnk.shortcut")
    assert link.times["target_accessed"] == at("2010-01-29T21:30:11.332156+00:00") + 900
    assert link.times["target_created"] == link.times["target_modified"] == at("2009-06-05T20:13:20+00:00")
    wanted = {
        "local_path": r"C:\Program Files (x86)\Nero\Nero 9\Nero InfoTool\InfoTool.exe",
        "arguments": "-ScParameter=30002  ",
        "volume_serial": "70ecfa33",
        "volume_label": "OS",
        "drive_type": "fixed",
        "machine": "win-3qmdjgkf3g9",
        "droid_file": "958705b5-0d19-11df-9fe4-705ab616a5f3",
        "target_size": "4635160",
        "shell_path": r"This PC\C:\Program Files (x86)\Nero\Nero 9\Nero InfoTool\InfoTool.exe",
    }
    assert {name: link.fields[name] for name in wanted} == wanted


def test_the_parts_of_its_path_carry_times_of_their_own(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    items = artefacts(read(PARSER, corpus(NERO).read_bytes()), "lnk.item")
    assert [item.fields["path"].rpartition("\\")[2] for item in items] == [
        *("Program Files (x86)", "Nero", "Nero 9", "Nero InfoTool", "InfoTool.exe")
    ]
    first = items[0]
    assert first.clock is Clock.UNKNOWN
    assert first.times["created"] == at("2009-07-14T03:20:10+00:00")
    assert (first.fields["mft_entry"], first.fields["mft_sequence"]) == ("274", "1")


def test_other_public_shortcuts(corpus: Fetch, read: Any) -> None:
    (link,) = artefacts(read(PARSER, corpus("lnk/bulk_extractor/Data/WindowsLNK.lnk").read_bytes()), "lnk.shortcut")
    assert link.fields["network_path"] == r"\\LUQ\GKLANSBU$\Desktop\notepad.exe"
    (example,) = artefacts(read(PARSER, corpus("lnk/plaso/example.lnk").read_bytes()), "lnk.shortcut")
    assert example.fields["environment_path"] == r"%windir%\system32\migwiz\migwiz.exe"


def test_a_lone_surrogate_is_escaped(corpus: Fetch, read: Any) -> None:
    (link,) = artefacts(read(PARSER, corpus("hostile/plaso/unpaired_surrogate.lnk").read_bytes()), "lnk.shortcut")
    assert link.fields["local_path"] == r"C:\test\unicode_U+0000d800_\ud800.exe"


def test_it_is_told_by_its_signature(read: Any) -> None:
    assert parser_for(HEADER + bytes(60), "any name") is PARSER
    assert problems(read(PARSER, HEADER))[0].startswith("the shortcut cannot be read: ")


def test_damaged_files_give_values(corpus: Fetch, read: Any) -> None:
    for data in damaged(corpus(NERO).read_bytes(), 200):
        read(PARSER, data)


@pytest.mark.parametrize("after", [1, 3])
def test_an_error_of_the_evidence_in_the_middle_goes_through(corpus: Fetch, source: Any, after: int) -> None:
    data, readings = corpus(NERO).read_bytes(), []

    def read_at(offset: int, length: int) -> bytes:
        readings.append(offset)
        if len(readings) >= after and offset:
            raise OSError(5, "Input/output error")
        return data[offset : min(offset + length, offset + 512)]

    broken = source(data)
    object.__setattr__(broken, "read_at", read_at)
    with pytest.raises(OSError, match="Input/output error"):
        list(PARSER.parse(broken))
