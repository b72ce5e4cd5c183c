"""7z archives: made by 7-Zip 26.02 and held against its listing, damaged and hostile ones."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.parsers import parser_for
from forensics.parsers.archives.seven_zip import PARSER
from tests.forensics.parsers.found import artefacts, damaged, problems

# 7z a -mtc=on -mta=on plain.7z a.txt dir empty.txt (a.txt and dir/\u0431.txt have contents)
PLAIN = (
    b"c-"
    b"k|s+Ou9=hJj_jT2|sk1_)4s($DWWDL!C|We|&HFp>0p*Lyei<A?8Jw*Emawqm#D_De4Ss%bQ4U&nv`wSfr#>sNF3o7w)mvd8$JIB)WdMJJwq"
    b"VpniGx<Y(q_@?dJO*#jd3#{X=PrliD-*K_Pg~C&TyOrhU&-"
    b"!xuee;@bb%!t0|JlrZtS)H3VDYo2#{L}HmJf;%7V&4N<X!xKPKrByThol^x4329zOvS<o%4&>u6$8&nN07CCyJWRiZym+I#s(~N5xDy<m0n?"
    b"A_wo6KYpenZTEtDt$Xu2qUL#cv`&uxe((^B>2?bRaW*+d&W6nl?A(kDjLOW6jI6N?0t^g1jYeFIe+oW#GcW)Eu!nDI"
)
# 7z a -px -mhe=on
LOCKED = (
    b"c-k|s+Ou9=hJodF_<Q9E3=p6Pr7fABoXptNE0=#qW`oy-HJ)#__DY9cnA^Xks7P$x67A`~T{_j64KKP#vYw4RxSr)lV4SL%_96%IPWH*qltT"
    b"Mv3!gi_kh@o*_s_WtuA3%p33{Jry<obcz+>C1p+9%OJ!CmgbY1gnpIh?(SJ<hayt$w0iDtmGvgk`GSM6OA+!P}juilqTy6A4dO(ajIfBu|<k"
    b"*bcHbi~;d7&!|V*tr=Q7**IlvNH+=^H*dfoQ?VSPwEVtxSh}06K8pnxENp7>OWv$007qcS$z"
)
# 7z a -px -m0=PPMd
ENCRYPTED = (
    b"c-"
    b"k|s+Ou9=hJl5TIrgFe0|XR7=`%%5o%;jSpYm~){*sG6y~;H%)RU2gje(I<fPtNxk%38t?ISy*P%yto+u~mKFup^=N8GO{es}gzW@cezWn*Aq"
    b"1VSF(rU(WOF2=i;e5Nrlurf+=F~ET!FGC`O9zzL31rReZh;T77IC$?o<}QAVQIw65L7`zuBLf2fOJ^Y%"
)
ARCHIVES = {"plain": PLAIN, "locked": LOCKED, "encrypted": ENCRYPTED}


def data(name: str) -> bytes:
    return zlib.decompress(base64.b85decode(ARCHIVES[name]))


def archive(header: bytes) -> bytes:
    rest = struct.pack("<QQI", 0, len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", zlib.crc32(rest)) + rest + header


def test_the_listing_is_that_of_7zip(read: Any, at: Callable[[str], int]) -> None:
    found = read(PARSER, data("plain"))
    assert problems(found) == []
    assert parser_for(data("plain"), "x.bin") is PARSER
    listed = [(m.fields["name"], m.fields["type"], m.fields["size"], m.fields.get("crc32")) for m in found]
    assert listed == [
        ("dir", "directory", "0", None),
        ("dir/sub", "directory", "0", None),
        ("empty.txt", "file", "0", None),
        ("a.txt", "file", "600", "964cd2dd"),
        ("dir/\u0431.txt", "file", "6", "5b823530"),
    ]
    assert found[3].times == {
        "modified": at("2023-11-14T22:13:20.500000+00:00"),
        "created": at("2026-11-28T00:04:12.917478+00:00") + 700,
        "accessed": at("2026-11-28T00:04:12.935781+00:00") + 500,
    }
    assert (found[3].fields["method"], found[3].fields["mode"]) == ("LZMA2", "0644")


def test_encrypted_contents_and_encrypted_names(read: Any) -> None:
    (member,) = read(PARSER, data("encrypted"))
    assert (member.fields["encrypted"], member.fields["method"]) == ("true", "AES-256 PPMd")
    assert problems(read(PARSER, data("locked"))) == [
        "the header is encrypted: names cannot be listed without the password"
    ]


def test_an_empty_archive_has_nothing(read: Any) -> None:
    assert read(PARSER, archive(b"")) == []


PACKED = b"\x17\x06\0\1\x09\x10\0\7\x0b\1\0\1\x23\3\1\1\5\x5d\0\0\0\xff\x0c"
"""A packed header, up to the size that it unpacks to."""


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"\1\5\xff" + b"\xff" * 8, "it claims 18,446,744,073,709,551,615 of something"),
        (b"\1\5\1", "the header ends before what it says it has"),
        (PACKED + b"\xff" * 9 + b"\0\0", "more than is read"),
        (b"\x17\0", "the packed header is not in one piece"),
        (b"\7", "where 0x1 belongs there is 0x7"),
    ],
)
def test_headers_that_lie(header: bytes, reason: str, read: Any) -> None:
    (problem,) = problems(read(PARSER, archive(header)))
    assert reason in problem


def test_a_cut_archive(read: Any) -> None:
    assert "it is cut, or a part of several" in problems(read(PARSER, data("plain")[:-5]))[0]
    assert problems(read(PARSER, data("plain")[:20])) == ["the file ends within its first header"]


@pytest.mark.parametrize("name", ARCHIVES)
def test_damaged_archives_give_values(name: str, read: Any) -> None:
    for copy in damaged(data(name)):
        read(PARSER, copy)


@given(header=st.binary(max_size=200))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_header(header: bytes, read: Any) -> None:
    for start in (b"", b"\1", b"\1\4\6", b"\1\5", b"\x17\6"):
        found = read(PARSER, archive(start + header))
        assert len(found) <= 220


def test_members_keep_their_place(read: Any) -> None:
    for member in artefacts(read(PARSER, data("plain")), "7z.member"):
        assert (member.location.offset, member.location.length) == (241, 34)
