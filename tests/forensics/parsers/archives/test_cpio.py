"""cpio archives: a public one, each format as GNU cpio 2.13 writes it, damaged ones."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from forensics.parsers import parser_for
from forensics.parsers.archives.cpio import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import damaged, problems

# find . | cpio -o -H bin
BINARY = (
    b"c-"
    b"lK&$na0b@vS2R5HJHVS9XmQ6Ntm0$8a1dCyOLk6wKhq0+vh3ECS0aI4)@f@fm?QE}lVv8%VQ(Wc4p>)GMhdVPL3ADM~EM2dR~Vn#2S(i34Vm"
    b"esO6M*fdon(=s9%^tr$)QgaJRD#3<<)TlZBUkFnJaw{v4W@X69%*$qANQA4BM=~immEj{Bkd9!2$Y-"
    b"SH<m7XWlA|PbNnpBz14by#4JJc^96fzpgA^4N83r8y06`oM{{"
)
# find . | cpio -o -H odc
OLD = (
    b"c-rlhO%B2!5QSNLi(WwAz`(3sxG-^Lynsd%jrAwB8ueD*#3PB-Di%#QE<2<{7+yXelmLNmBm#gLZ2SkY7S%A1j;w)ZvLsxLbs%XgRB5(`rj2"
    b"1{Da#y4ri(1%F$i$X5s#jo5iLxws(CA%=XI`^c7Dv&d76z6o5-yDVOD=NOZYU~+3hE>VOwXIjD~(5re7kE%vRg{RQQdk&I?84C$;jEf-"
    b"Tu}v0ke29UJXmYP_=5?A4{fmDB#13!s|M(sa{ma+Cj?A2${CLEo#vGl0>s+aL6XNs_20l)3@><X`6"
)
MADE = {"bin": BINARY, "odc": OLD}


def data(name: str) -> bytes:
    return zlib.decompress(base64.b85decode(MADE[name]))


def test_a_public_archive(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    """7-Zip lists the same."""
    packed = corpus("archive/dfvfs/syslog.newc.cpio").read_bytes()
    assert parser_for(packed, "anything") is PARSER
    (member,) = read(PARSER, packed)
    assert (member.fields["name"], member.fields["size"]) == ("syslog", "1247")
    assert member.times == {"modified": at("2015-05-27T05:01:53+00:00")}


@pytest.mark.parametrize("name", MADE)
def test_the_older_formats(name: str, read: Any, at: Callable[[str], int]) -> None:
    assert parser_for(data(name), "initrd.cpio") is PARSER
    found = read(PARSER, data(name))
    assert problems(found) == []
    assert [(m.fields["name"], m.fields["type"], m.fields["size"]) for m in found] == [
        (".", "directory", "0"),
        ("dir", "directory", "0"),
        ("dir/\u0431.txt", "file", "6"),
        ("dir/sub", "directory", "0"),
        ("empty.txt", "file", "0"),
        ("link", "link", "5"),
        ("a.txt", "file", "600"),
    ]
    assert (found[5].fields["link_target"], found[6].fields["mode"]) == ("a.txt", "0644")
    assert found[2].times == {"modified": at("2020-09-13T12:26:40+00:00")}


def test_a_cut_archive_and_a_huge_claim(read: Any) -> None:
    cut = problems(read(PARSER, data("odc")[:550]))
    assert "the header of a member is damaged" in cut[-1]
    whole = data("odc")
    claim = whole[:65] + b"77777777777" + whole[76:]
    assert "the member that ends the archive is missing" in problems(read(PARSER, claim))[-1]


def test_two_bytes_alone_are_not_enough() -> None:
    assert parser_for(data("bin"), "data.bin") is None


@pytest.mark.parametrize("name", MADE)
def test_damaged_archives_give_values(name: str, read: Any) -> None:
    for copy in damaged(data(name)):
        read(PARSER, copy)
