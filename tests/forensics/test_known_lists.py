"""Lists of known files in every form: what is on them, and one clear line for what is no list."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.known_lists import ListError, found_in, origin_of

A, B, C = b"known", b"known too", b"never seen"
RDS = """
CREATE TABLE FILE (sha256 VARCHAR NOT NULL, sha1 VARCHAR NOT NULL, md5 VARCHAR NOT NULL, crc32 VARCHAR NOT NULL,
    file_name VARCHAR NOT NULL, file_size INTEGER NOT NULL, package_id INTEGER NOT NULL,
    CONSTRAINT PK_FILE PRIMARY KEY (sha256, sha1, md5, file_name, file_size, package_id));
CREATE TABLE MFG (manufacturer_id INTEGER NOT NULL PRIMARY KEY, name VARCHAR NOT NULL);
CREATE TABLE OS (operating_system_id INTEGER, name VARCHAR, version VARCHAR, manufacturer_id INTEGER);
CREATE TABLE PKG (package_id INTEGER NOT NULL, name VARCHAR NOT NULL, version VARCHAR NOT NULL,
    operating_system_id INTEGER NOT NULL, manufacturer_id INTEGER NOT NULL, language VARCHAR, application_type VARCHAR);
CREATE TABLE VERSION (version VARCHAR NOT NULL, build_set VARCHAR NOT NULL, build_date TIMESTAMP NOT NULL,
    release_date TIMESTAMP NOT NULL, description VARCHAR NOT NULL);
INSERT INTO VERSION VALUES ('2026.03.1', 'modern', '2026-02-01', '2026-03-01', 'RDS of modern software');
INSERT INTO PKG VALUES (7, 'Invented Writer', '4.2', 1, 1, 'English', 'Office');
"""
"""The public schema of RDSv3's minimal sets, as its .schema.sql has it."""


def digests(data: bytes) -> tuple[str, str, str]:
    return tuple(hashlib.new(name, data).hexdigest() for name in ("sha256", "sha1", "md5"))  # type: ignore[return-value]


WANTED = {
    "sha256": frozenset(digests(data)[0] for data in (A, B, C)),
    "md5": frozenset(digests(data)[2] for data in (A, B, C)),
}


def rds(path: Path, content: Sequence[bytes] = (A, B), schema: str = RDS) -> Path:
    database = sqlite3.connect(path)
    database.executescript(schema)
    for number, data in enumerate(content):
        sha256, sha1, md5 = (value.upper() for value in digests(data))
        row = (sha256, sha1, md5, "00000000", f"file{number}.dll", len(data), 7)
        database.execute(
            f"INSERT INTO {'METADATA' if 'METADATA' in schema else 'FILE'} VALUES (?, ?, ?, ?, ?, ?, ?)", row
        )
    database.commit()
    database.close()
    return path


def test_rdsv3_is_asked_by_its_index_and_says_what_it_is(tmp_path: Path) -> None:
    path = rds(tmp_path / "RDS.db")
    before = path.read_bytes()
    found = found_in(path, WANTED)
    assert found == {("sha256", digests(data)[0]): "Invented Writer 4.2" for data in (A, B)}
    assert origin_of(path) == "NSRL RDS 2026.03.1: RDS of modern software"
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["RDS.db"]  # no journal beside it


def test_rdsv3_whose_file_is_a_view_is_read_through(tmp_path: Path) -> None:
    schema = RDS.replace("CREATE TABLE FILE", "CREATE TABLE METADATA").replace(
        "    CONSTRAINT PK_FILE PRIMARY KEY (sha256, sha1, md5, file_name, file_size, package_id));",
        "    CHECK (file_size >= 0)); CREATE VIEW FILE AS SELECT * FROM METADATA;",
    )
    assert set(found_in(rds(tmp_path / "full.db", schema=schema), WANTED)) == {
        ("sha256", digests(x)[0]) for x in (A, B)
    }


SHA, _, MD = digests(A)
FORMS = {
    "nsrl.txt": f'"SHA-1","MD5","CRC32","FileName"\n"{"0" * 40}","{MD.upper()}","0","a.dll"\n',
    "semicolon.csv": f"\ufeffName;SHA256\na.dll;{SHA}\n",
    "tab.csv": f"md5\tproduct\n{MD}\ta.dll\n",
    "vic.json": json.dumps({"value": [{"MD5": MD.upper(), "Category": 1, "FileName": "a.dll"}]}),
    "array.json": json.dumps([{"sha256": SHA, "name": "a.dll"}, {"sha256": "", "md5": MD}]),
    "lines.json": f'{{"SHA-256": "{SHA}", "name": "a.dll"}}\n\n{{"SHA-256": "{"1" * 64}"}}\n',
    "sums.txt": f"{SHA}  a.dll\n{'2' * 64} *b.dll\n",
    "bare.txt": f"{MD.upper()}\n{'3' * 32}\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_text_forms(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(FORMS[name], "utf-8")
    found = found_in(path, WANTED)
    assert set(found) <= {("sha256", SHA), ("md5", MD)}
    assert len(found) >= 1
    assert set(found.values()) <= {"a.dll", ""}


WRONG = {
    "names.csv": ("title,author\nx,y\n", "no column md5 or sha256"),
    "sha1.csv": (f"sha1\n{'a' * 40}\n", "SHA-1 alone"),
    "sha1.txt": (f"{'a' * 40}  x\n", "SHA-1 alone"),
    "mixed.csv": (f"sha256\n{MD}\n", "row 2: .* is no SHA256"),
    "words.csv": ("md5\nnot a digest at all\n", "row 2: .* is no MD5"),
    "empty.csv": ("", "has no rows"),
    "broken.json": ('[{"md5": ', "no JSON"),
    "other.json": ("[1, 2]", "has no rows|no column"),
    "latin.csv": (None, "not UTF-8"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_list(name: str, tmp_path: Path) -> None:
    text, line = WRONG[name]
    (tmp_path / name).write_bytes("md5;Ž\n".encode("cp1250") if text is None else text.encode())
    with pytest.raises(ListError, match=line) as refused:
        found_in(tmp_path / name, WANTED)
    assert "\n" not in str(refused.value)


def test_databases_that_are_no_list(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "other.db")
    database.execute("CREATE TABLE books (title, author)")
    database.commit()
    database.close()
    with pytest.raises(ListError, match="no table with a column md5 or sha256"):
        found_in(tmp_path / "other.db", WANTED)
    assert origin_of(tmp_path / "other.db") == ""
    data = bytearray(rds(tmp_path / "RDS.db").read_bytes())
    data[100:4096] = bytes(3996)
    (tmp_path / "damaged.db").write_bytes(data)
    with pytest.raises(ListError, match=r"damaged\.db"):
        found_in(tmp_path / "damaged.db", WANTED)
    with pytest.raises(ListError, match="cannot be read"):
        found_in(tmp_path / "nosuch.csv", WANTED)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.binary(max_size=200), st.text(max_size=100).map(str.encode)),
    st.sampled_from([b"", b"md5,", b"[", b'{"']),
)
def test_any_bytes_are_a_list_or_refused(tmp_path: Path, data: bytes, start: bytes) -> None:
    (tmp_path / "any").write_bytes(start + data)
    with suppress(ListError):  # one line each, as above; nothing else is raised
        assert found_in(tmp_path / "any", WANTED) == {}
