"""AFF4-L containers: files, folders, links, digests that do not agree, and what the container does not hold."""

from __future__ import annotations

import hashlib
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.archives import is_archive, open_archive
from forensics.media import MediumError, open_medium
from forensics.media._turtle import OddError, statements
from forensics.model import Clock
from tests.conftest import Fetch
from tests.forensics.archives import looked
from tests.forensics.images import noise, part

VOLUME = "aff4://5aea2dd0-32b4-4c61-a9db-677654be6f83"
HEAD = """@prefix aff4: <http://aff4.org/Schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
LOG = b"Mar 10 07:15:00 mx01 sshd[9120]: Accepted publickey for operator\n"


def file(
    path: str, content: bytes, facts: str = "", kinds: str = "aff4:FileImage, aff4:Image, aff4:zip_segment"
) -> str:
    """What a container says of one file."""
    digest = hashlib.sha256(content).hexdigest()
    return f"""<{VOLUME}/{path}> a {kinds} ;
    aff4:hash "{digest}"^^aff4:SHA256 ;
    aff4:originalFileName "./{path}"^^xsd:string ;{facts}
    aff4:size {len(content)} .
"""


def made(folder: Path, turtle: str, **members: bytes) -> Path:
    path = folder / "c.aff4"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"container.description": VOLUME.encode(), **members}.items():
            archive.writestr(name, content)
        archive.writestr("information.turtle", HEAD + turtle)
        archive.comment = VOLUME.encode()
    return path


def test_files_with_their_times(tmp_path: Path) -> None:
    facts = """
    aff4:birthTime "2018-09-17T13:42:20+10:00"^^xsd:datetime ;
    aff4:lastWritten "2018-09-17T03:42:21.123456789Z"^^xsd:datetime ;
    aff4:lastAccessed "0000-99-17T03:42:21Z"^^xsd:datetime ;"""
    found = looked(
        made(tmp_path, file("var/a b.log", LOG, facts).replace("/a b.log>", "/a%20b.log>"), **{"var/a b.log": LOG})
    )
    assert found.contents == {"var/a b.log": LOG}
    entry = found.entries["var/a b.log"]
    assert (entry.created, entry.modified) == (1_537_155_740 * 10**9, 1_537_155_741_123_456_789)
    assert (entry.accessed, entry.changed, entry.clock) == (None, None, Clock.UTC)
    assert (found.problems, list(found.tree.contradictions())) == ([], [])


def test_folders_links_and_unix_facts(tmp_path: Path) -> None:
    turtle = f"""<{VOLUME}/etc> a aff4:FolderImage, aff4:Image ; aff4:originalFileName "etc" .
<{VOLUME}/l> a aff4:SymbolicLink, aff4:Image ; aff4:originalFileName "l" ; aff4:linkTarget "../x" .
<{VOLUME}/g> a aff4:FileImage ; aff4:originalFileName "g" ; aff4:size 5 ; aff4:unreadable "Permission denied" .
"""
    owner = "\n aff4:unixMode 416 ; aff4:unixUid 1000 ; aff4:unixGid 0 ;"
    found = looked(made(tmp_path, turtle + file("a", LOG, owner), a=LOG))
    assert [found.entries[name].type for name in ("etc", "l", "a")] == ["directory", "link", "file"]
    assert found.entries["l"].link_target == "../x"
    assert ((found.entries["a"].mode or 0) & 0o777, found.entries["a"].uid, found.entries["a"].gid) == (0o640, 1000, 0)
    assert found.contents == {"a": LOG, "g": "it could not be read when it was acquired: Permission denied"}


def test_digests_that_lie(tmp_path: Path) -> None:
    found = looked(made(tmp_path, file("a", LOG), a=LOG[::-1]))
    assert found.contents == {"a": LOG[::-1]}
    (line,) = found.tree.contradictions()
    assert line.startswith(f"a: the container's stored sha256 is {hashlib.sha256(LOG).hexdigest()}")


def test_what_the_container_does_not_hold(tmp_path: Path) -> None:
    stream = file("s", LOG, kinds="aff4:FileImage, aff4:Image, aff4:ImageStream")
    found = looked(made(tmp_path, file("a", LOG) + stream + file("e", b"")))
    assert found.contents["a"] == "the container does not hold its contents"
    assert "does not hold" in str(found.contents["s"])
    assert found.contents["e"] == b""


def test_it_is_no_medium_and_a_disk_is_no_archive(tmp_path: Path, corpus: Fetch) -> None:
    path = made(tmp_path, file("a", LOG), a=LOG)
    with pytest.raises(MediumError, match="holds files, not a medium"):
        open_medium(part(path), lambda name: part(tmp_path / name))
    assert not is_archive(part(corpus("image/ReferenceImages/AFF4Std/Base-Linear.aff4")))


def test_damage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediumError, match="cannot be understood"):
        looked(made(tmp_path, "<x FileImage"))
    path = made(tmp_path, file("a", LOG), a=LOG)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(MediumError, match="is no whole"):
        open_archive(part(path))


def test_the_reference_image(corpus: Fetch) -> None:
    found = looked(corpus("image/ReferenceImages/AFF4-L/dream.aff4"))
    text = corpus("image/ReferenceImages/AFF4-L/dream.txt").read_bytes()
    assert found.contents == {"test_images/AFF4-L/dream.txt": text}
    assert list(found.tree.contradictions()) == []


def test_turtle_as_the_library_reads_it() -> None:
    import rdflib

    text = HEAD + file('a"b', LOG).replace('a"b', 'a\\"\\u017e\\n') + "# end\n<x:y> aff4:is true, false ; aff4:n -1 .\n"
    text = text.replace(f'<{VOLUME}/a\\"\\u017e\\n>', f"<{VOLUME}/a>")
    graph = rdflib.Graph().parse(data=text, format="turtle")
    known = {
        (str(s), str(p), str(o), str(o.datatype or "plain") if isinstance(o, rdflib.Literal) else "")
        for s, p, o in graph
    }
    assert set(statements(text.splitlines(keepends=True))) == known


@pytest.mark.parametrize(
    "text", ["<a:b> <c:d> [ ] .", "a:b <c:d> 1 .", '<a:b> <c:d> """x""" .', "<a:b> , <c:d> .", '"x" <c:d> 1 .']
)
def test_odd_turtle_is_left_to_the_library(text: str) -> None:
    with pytest.raises(OddError):
        list(statements([text]))


@given(st.text())
def test_any_text_is_read_or_odd(text: str) -> None:
    try:
        list(statements((HEAD + text).splitlines()))
    except OddError:
        return


def test_a_large_file_in_chunks(tmp_path: Path) -> None:
    """A stream of chunks as pyaff4 keeps files of more than a MiB."""
    held = noise(80_000)
    chunks = [held[at : at + 32768] for at in range(0, len(held), 32768)]
    chunks[-1] = chunks[-1].ljust(32768, b"\0")
    index = b"".join(struct.pack("<QI", number * 32768, 32768) for number in range(len(chunks)))
    method = "aff4:compressionMethod <http://aff4.org/Schema#NullCompressor>"
    facts = f"\n aff4:chunkSize 32768 ; aff4:chunksInSegment 2048 ; {method} ;"
    turtle = file("s", held, facts, "aff4:FileImage, aff4:Image, aff4:ImageStream")
    path = tmp_path / "c.aff4"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("container.description", VOLUME)
        archive.writestr("s/00000000", b"".join(chunks))
        archive.writestr("s/00000000.index", index)
        archive.writestr("information.turtle", HEAD + turtle)
        archive.comment = VOLUME.encode()
    assert looked(path).contents == {"s": held}
