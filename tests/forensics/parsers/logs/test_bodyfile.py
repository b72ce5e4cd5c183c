"""Body files: public ones, lines that are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from forensics.parsers import parser_for
from forensics.parsers.logs.bodyfile import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

PUBLIC = "textlog/plaso/bodyfile/bodyfile"


def test_the_public_body_file(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    data = corpus(PUBLIC).read_bytes()
    assert parser_for(data[:4096], "x") is PARSER
    found = read(PARSER, data)
    assert len(artefacts(found, "bodyfile.entry")) == 24  # as plaso counts
    assert problems(found) == []
    assert found[0].fields["path"] == "/lost+found"
    assert found[0].times["modified"] == at("2012-05-25T15:55:50+00:00")
    bars = next(item for item in found if "pipes" in item.fields["path"])
    assert bars.fields["path"] == "/file|with|pipes ($FILE_NAME)"
    assert bars.times["created"] == 1_596_091_265_352_070_808
    assert next(item for item in found if "passwordz" in item.fields["path"]).fields["path"] == r"/passwordz\x0d.txt"


def test_lines_that_are_none(corpus: Fetch, read: Any) -> None:
    found = read(PARSER, corpus("hostile/plaso/bodyfile/bodyfile.corrupt").read_bytes())
    assert len(artefacts(found, "bodyfile.entry")) == 3  # as plaso counts
    assert found[2].fields["path"] == "/Windows\\System32"  # plaso warns: the backslash is not escaped. It is kept
    assert problems(read(PARSER, b"0|/a|1\n"))[0].startswith("3 columns where a body file has 11: ")
    assert problems(read(PARSER, b"0|/a|1|r/rrwxrwxrwx|0|0|1|soon|0|0|0\n"))[0].startswith("no number of seconds")


def test_known_by_content_or_name() -> None:
    line = b"0|/a|1|r/rrwxrwxrwx|0|0|1|1|0|0|0\n"
    assert parser_for(line, "x") is PARSER
    assert parser_for(b"name|x\n" + line * 2, "disk.body") is PARSER
    assert parser_for(b"a|b|c\n", "x") is None


def test_damaged_files_give_values(corpus: Fetch, read: Any) -> None:
    for data in damaged(corpus(PUBLIC).read_bytes()):
        read(PARSER, data)
