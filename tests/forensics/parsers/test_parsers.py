"""The register of parsers: complete, tested, and giving back only values for any bytes."""

from __future__ import annotations

import ast
import importlib
import io
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import forensics.parsers
from forensics.parsers import HEAD_BYTES, PARSERS, Parser, parser_for

FOLDER = Path(forensics.parsers.__file__).parent
FORMATS = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))
READING = [parser for parser in PARSERS if parser.name != "mapped"]
"""Those that read a file without being told how."""
LIBRARIES = {
    "ese": {"pyesedb"},
    "_ese": {"pyesedb"},
    "event_log": {"evtx"},
    "index_dat": {"pymsiecf"},
    "firefox_profile": {"lz4"},
    "journal": {"lz4", "zstandard"},
    "jump_list": {"pyolecf"},
    "compound": {"pyolecf"},
    "_pdf": {"pypdf"},
    "personal_folders": {"pypff"},
    "prefetch": {"pyscca"},
    "registry": {"pyregf"},
    "shortcut": {"pylnk"},
    "sqlite": {"apsw"},
    "_sqlite": {"apsw"},
    "_shell_items": {"pyfwsi"},
}

ANY_LINES = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from(
            [
                b"Jan 22 07:52:33 host sshd[3]: Accepted password for a from 192.0.2.1 port 1 ssh2",
                b"Feb 29 23:59:60 host sudo: a : TTY=x ; PWD=/ ; USER=root ; COMMAND=",
                b"<999>Jan  1 00:00:00 h p: m",
                b'<34>1 2003-10-11T22:14:15.003Z h app - ID47 [a@1 b="c\\"]"] m',
                b"2025-03-01T10:00:00+99:99 host p: m",
                b"9999-99-99T99:99:99Z host p: m",
                b'::1 - - [31/Feb/2025:10:00:00 +0100] "GET / HTTP/1.1" 200 5 "-" "-"',
                b'h - u s [01/Mar/2025:10:00:00 -9999] "\\"\\x16" 400 -',
                b"\0" * 20,
                b"240301 10:00:00\t    5 Query\tSELECT 1",
                b"# Time: 240301 11:00:00\n# User@Host: a[a] @ h []\nSET timestamp=1709287200;",
                b"2024-03-01T10:00:00.1Z 0 [Note] [MY-1] [Server] m",
                b"2024-03-01 10:00:00.123 CET [42] a@b LOG:  connection received: host=h port=1",
                b'{"log":"m\\n","stream":"stdout","time":"2024-03-01T10:00:00.1Z"}',
                b"2024-03-01T10:00:00Z stdout P m",
                b"root:$6$a$b:19783:0:99999:7:::",
                b"h ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7AAAAB3NzaC1yc2EAAAADAQAB c",
                b"cook\0\0\0\1\0\0\0\x50\0\0\1\0\1\0\0\0\x10\0\0\0",
                b'{"extensions":{"settings":{"a":{"install_time":"13059685932435651"}}}}',
                b'{"addons":[{"installDate":1}],"windows":[{"tabs":[{"entries":[{"url":"u"}]}]}]}',
                b'<typed_history_item content="a" last_typed="2013-11-11T23:45:27Z"/>',
                b"\x30\x5c\x72\xa7\x1b\x6d\xfb\xfc\5\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0a",
                b'type=EXECVE msg=audit(1709287200.123:42): argc=1 a0=6162 msg=\'op=x acct="a"\'\x1dUID="root"',
                b"ANDROID BACKUP\n5\n0\nnone\napps/x",
                b"  Package [a.b] (1f):\n    firstInstallTime=2022-02-30 10:00:00",
                b"[ro.build.date.utc]: [1709287200]",
                b"bplist00\xa2\1\1\x51a",
                b"<plist><dict><key>Label</key><date>2024-03-01T10:00:00Z</date></dict></plist>",
                b"1SLD\0\0\0\0\x20\0\0\0a\0\1\0\0\0\0\0\0\0\0\0\0\1",
                b"ASL DB\0\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\x50",
                b"\x14\0\0\0\x20\x0b\xaf\xe5\0\0Rw\xe9$\0\0\1}(\0\1\0",
                b"utmpx-1.00\0",
                b"#1380630977\nls",
                b": 1380630977:0;ls \\",
                b"- cmd: ls\n  when: 1380630977",
                b"*/5 * 1-31 jan mon root /bin/true",
                b"2016-08-06 17:35:39 install base:amd64 <none> 3.5",
                b"[2020-02-30T10:00:00+0100] [ALPM] upgraded a (1 -> 2)",
                b"Start-Date: 2019-07-10  16:38:08\nInstall: a:amd64 (1, automatic), b (2",
                b"ElfFile\0",
                b"ElfChnk\0",
            ]
        ).flatmap(lambda line: st.integers(0, len(line)).map(lambda cut: line[:cut] + line[cut + 1 :])),
    ),
    max_size=12,
).map(b"\n".join)


def test_every_format_of_the_folder_is_registered_and_tested() -> None:
    registered = [type(parser).__module__.rpartition(".")[2] for parser in PARSERS]
    assert sorted(registered) == FORMATS
    here = Path(__file__).parent
    assert [name for name in FORMATS if not (here / f"test_{name}.py").exists()] == []


def test_names_and_kinds_are_unique() -> None:
    assert len({parser.name for parser in PARSERS}) == len(PARSERS)
    kinds = [kind for parser in PARSERS for kind in parser.kinds]
    assert len(set(kinds)) == len(kinds)
    assert all(kind == kind.lower() and "." in kind for kind in kinds)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_parsers_are_pure(path: Path) -> None:
    allowed = {"forensics.model", "forensics.parsers"} | LIBRARIES.get(path.stem, set())
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            root = name.split(".")[0]
            assert root in sys.stdlib_module_names or any(name.startswith(prefix) for prefix in allowed), name
            assert root not in {"os", "pathlib", "time", "socket", "subprocess", "sqlite3"}, name


def test_modules_name_their_parser() -> None:
    for name in FORMATS:
        assert importlib.import_module(f"forensics.parsers.{name}").PARSER in PARSERS


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
@given(
    data=st.one_of(st.binary(max_size=2000), ANY_LINES),
    prefix=st.sampled_from([b"", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"]),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_give_artefacts_or_problems(parser: Parser, data: bytes, prefix: bytes, read: Any) -> None:
    whole = prefix + data
    found = read(parser, whole, zone="Europe/Belgrade")
    assert isinstance(parser.accepts(whole[:HEAD_BYTES], "syslog"), bool)
    assert found == read(parser, whole, zone="Europe/Belgrade")


@pytest.mark.parametrize("parser", READING, ids=lambda parser: parser.name)
def test_an_error_of_the_evidence_goes_through(parser: Parser, source: Any) -> None:
    class BadSectorError(OSError):
        pass

    def refuse(offset: int, length: int) -> bytes:
        raise BadSectorError(5, "Input/output error")

    broken = source(bytes(4096))
    object.__setattr__(broken, "read_at", refuse)
    with pytest.raises(BadSectorError):
        list(parser.parse(broken))


def test_nothing_claims_empty_or_foreign_files() -> None:
    assert parser_for(b"", "auth.log") is None
    assert parser_for(b"\x7fELF" + bytes(100), "picture.png") is None
    assert parser_for(b"2009-02-25 11:45:45 something else happened\n", "dpkg.log") is None
    assert parser_for(b"2024-01-01T00:00:00Z message\n", "pod.log") is None


def test_opened_input_is_a_seekable_stream(source: Any) -> None:
    data = bytes(range(256)) * 100
    with source(data).open() as stream:
        assert stream.read(10) == data[:10]
        assert stream.seek(-5, io.SEEK_END) == len(data) - 5
        assert stream.read() == data[-5:]
        assert stream.seek(1000) == 1000
        assert stream.seek(4, io.SEEK_CUR) == 1004
        assert stream.read(3) == data[1004:1007]
        with pytest.raises(OSError, match="before the start"):
            stream.seek(-1)
