"""AFF4 containers: every packing, maps and their symbols, digests of chunks, and every way they can be broken."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.media import Medium, MediumError
from forensics.media._aff4_volume import Volume
from forensics.media.aff4 import _Stream
from tests.conftest import Fetch
from tests.forensics.aff4_containers import CHUNK, MAP, SCHEMA, STREAM, MapEntry, container
from tests.forensics.images import medium, read_or_refuse
from tests.forensics.qemu import opened, scattered, whole

DATA = scattered(10 * CHUNK + 1024)
SIZE = 1 << 21
OTHERS = [SCHEMA + "Zero", SCHEMA + "UnreadableData", SCHEMA + "SymbolicStream61", SCHEMA + "UnknownData"]
ENTRIES: list[MapEntry] = [
    (0, 5 * CHUNK, 0, 0),
    (5 * CHUNK, CHUNK, 0, 1),
    (6 * CHUNK, 1024, 6 * CHUNK, 2),
    (7 * CHUNK, 2048, 0, 3),
    (8 * CHUNK, 5 * CHUNK + 1024, 5 * CHUNK, 0),
    (1 << 20, 700, 1 << 20, 4),
]


def wanted() -> bytes:
    out = bytearray(SIZE)
    out[: 5 * CHUNK] = DATA[: 5 * CHUNK]
    pattern = b"UNREADABLEDATA" * (1 << 17)
    out[6 * CHUNK : 6 * CHUNK + 1024] = pattern[6 * CHUNK : 6 * CHUNK + 1024]
    out[7 * CHUNK : 7 * CHUNK + 2048] = b"a" * 2048
    out[8 * CHUNK : 13 * CHUNK + 1024] = DATA[5 * CHUNK :]
    out[1 << 20 : (1 << 20) + 700] = b"UNKNOWN" * 100
    return bytes(out)


def image_of(folder: Path, data: bytes) -> Medium:
    return medium(folder, {"d.aff4": data})


@pytest.mark.parametrize("pack", ["snappy", "zlib", "deflate", "lz4", "none"])
@pytest.mark.parametrize("digest", ["", "md5", "sha1", "sha256", "sha512", "blake2b"])
def test_what_was_put_in(tmp_path: Path, pack: str, digest: str) -> None:
    image = image_of(tmp_path, container(DATA, ENTRIES, SIZE, pack=pack, digest=digest, others=OTHERS))
    assert (image.format, image.size, image.sector_size) == ("aff4", SIZE, 512)
    assert whole(image) == wanted()
    assert image.read_at(SIZE - 3, 100) == bytes(3)
    assert image.read_at(SIZE, 1) == image.read_at(-1, 1) == b""
    assert image.header == {"case_number": "C-1", "examiner_name": "Ana Example", "serial_number": "S-1"}
    assert image.problems() == [
        f"bytes {6 * CHUNK} to {6 * CHUNK + 1024} could not be read when the medium was acquired",
        f"bytes {1 << 20} to {(1 << 20) + 700} were not copied when the medium was acquired",
    ]


def test_patterns_begin_anew_with_every_mebibyte(tmp_path: Path) -> None:
    entries = [(0, SIZE, 0, 1)]
    image = image_of(tmp_path, container(DATA, entries, SIZE, others=[SCHEMA + "UnreadableData"]))
    assert image.read_at((1 << 20) - 6, 20) == (b"UNREADABLEDATA" * 74899)[: 1 << 20][-6:] + b"UNREADABLEDATA"


def test_an_image_that_is_a_stream(tmp_path: Path) -> None:
    def describe(text: str) -> str:
        text = text.replace(f"aff4:dataStream <{MAP}>", f"aff4:dataStream <{STREAM}>")
        return text.replace(f'"{SIZE}"', f'"{len(DATA)}"')

    image = image_of(tmp_path, container(DATA, [], SIZE, describe=describe))
    assert whole(image) == DATA


def test_stored_digests(tmp_path: Path) -> None:
    facts = f'; aff4:hash "{hashlib.md5(DATA).hexdigest().upper()}"^^aff4:MD5, "11"^^aff4:blockMapHashSHA512 '
    image = image_of(tmp_path, container(DATA, ENTRIES, SIZE, others=OTHERS, facts=facts))
    assert image.stored == {"md5": hashlib.md5(DATA).hexdigest()}


@pytest.mark.parametrize("pack", ["snappy", "zlib", "deflate", "lz4", "none"])
def test_a_damaged_chunk_is_named_and_its_neighbours_are_read(tmp_path: Path, pack: str) -> None:
    content = b"".join(b"line %06d of invented text\n" % number for number in range(20000))[: 8 * CHUNK]
    data = bytearray(container(content, [(0, 8 * CHUNK, 0, 0)], 8 * CHUNK, pack=pack))
    at = data.index(quoted(f"{STREAM}/00000000")) + len(quoted(f"{STREAM}/00000000"))
    data[at + 700] ^= 0x55  # within the first chunk
    image = image_of(tmp_path, bytes(data))
    with pytest.raises(MediumError, match=rf"chunk 0 of {STREAM} in d\.aff4 "):
        image.read_at(0, 10)
    assert image.read_at(CHUNK, CHUNK) == content[CHUNK : 2 * CHUNK]


def quoted(urn: str) -> bytes:
    return urn.replace(":", "%3A").replace("//", "%2F%2F", 1).encode()


def test_a_map_that_was_changed_is_said(tmp_path: Path) -> None:
    def describe(text: str) -> str:
        return re.sub(r'mapPointHash "[0-9a-f]{4}', 'mapPointHash "0000', text)

    image = image_of(tmp_path, container(DATA, ENTRIES[:2], SIZE, others=OTHERS, describe=describe))
    assert image.problems() == ["d.aff4: the stored SHA512 of its map is not its own"]


@pytest.mark.parametrize(
    ("entries", "line"),
    [
        ([(0, CHUNK, 0, 9)], "its map's entry for byte 0"),
        ([(0, CHUNK, 0, 0), (100, CHUNK, 0, 0)], "its map's entry for byte 100"),
        ([(SIZE - 10, CHUNK, 0, 0)], "its map's entry for byte"),
    ],
)
def test_a_map_that_cannot_be(tmp_path: Path, entries: list[MapEntry], line: str) -> None:
    with pytest.raises(MediumError, match=line):
        image_of(tmp_path, container(DATA, entries, SIZE, others=OTHERS))


def test_a_map_that_points_behind_its_stream(tmp_path: Path) -> None:
    image = image_of(tmp_path, container(DATA, [(0, CHUNK, 10 * CHUNK, 0)], SIZE))
    with pytest.raises(MediumError, match="points behind the end of"):
        image.read_at(0, CHUNK)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("aff4:DiskImage, aff4:Image", "aff4:FileImage, aff4:Image", r"holds files, not a medium \(AFF4-L\)"),
        ("aff4:DiskImage, aff4:Image", "aff4:Thing", "describes no image"),
        ("a aff4:ImageStream", "a aff4:Thing", "does not hold the stream"),
        (f'"{SIZE}"', '"0"', "claims a medium of 0 bytes"),
        ('chunkSize "32768"', f'chunkSize "{1 << 40}"', f"chunks of {1 << 40} bytes"),
        ("@prefix rdf", "@@", "information.turtle cannot be understood"),
        ("a aff4:CaseNotes", "a aff4:DiskImage", "holds 2 images"),
    ],
)
def test_descriptions_that_cannot_be_read(tmp_path: Path, old: str, new: str, line: str) -> None:
    data = container(DATA, ENTRIES, SIZE, others=OTHERS, describe=lambda text: text.replace(old, new))
    with pytest.raises(MediumError, match=line) as caught:
        image_of(tmp_path, data)
    assert "\n" not in str(caught.value)


def test_an_archive_that_is_cut(tmp_path: Path) -> None:
    data = container(DATA, ENTRIES, SIZE, others=OTHERS)
    with pytest.raises(MediumError, match="is no whole AFF4 archive"):
        image_of(tmp_path, data[: len(data) // 2])


def test_a_chunk_that_is_a_bomb(tmp_path: Path) -> None:
    data = bytearray(container(bytes(CHUNK), [(0, CHUNK, 0, 0)], CHUNK, digest=""))
    at = data.index(quoted(f"{STREAM}/00000000")) + len(quoted(f"{STREAM}/00000000"))
    data[at : at + 5] = b"\xff\xff\xff\xff\x07"
    with pytest.raises(MediumError, match=r"chunk 0 of .* claims \d+ bytes"):
        image_of(tmp_path, bytes(data)).read_at(0, 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4))
def test_flipped_bytes_are_never_more_than_a_medium_error(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]]
) -> None:
    data = bytearray(container(DATA[: 3 * CHUNK], [(0, 3 * CHUNK, 0, 0)], 3 * CHUNK, pack="zlib"))
    for place, value in flips:
        data[-(place % (min(6000, len(data)) if value % 2 else len(data))) - 1] ^= value
    read_or_refuse(tmp_path_factory.mktemp("flip"), "d.aff4", bytes(data))


def test_the_reference_images(corpus: Fetch) -> None:
    image = opened(corpus("image/ReferenceImages/AFF4Std/Base-Linear.aff4"))
    digest = hashlib.sha256()
    for at in range(0, image.size, 1 << 20):
        digest.update(image.read_at(at, 1 << 20))
    assert digest.hexdigest() == "d7d6df4534f06568eb90a06e252592c9b79378b95bb9a7e01db3a388feda6c13"
    assert (image.header["serial_number"], image.problems()) == ("SGAT5060001234", [])
    older = opened(corpus("image/ReferenceImages/AFF4PreStd/Base-Linear-ReadError.af4"))
    assert older.size == image.size
    assert [line.partition(" could")[0] for line in older.problems()] == [
        "bytes 15728640 to 16777216",
        "bytes 89128960 to 90177536",
    ]
    assert older.read_at(15728640, 20) == b"UNREADABLEDATAUNREAD"
    volume = Volume(older.parts[0])
    facts = next(one for one in volume.resources.values() if "chunk_size" in one)
    stream = _Stream(volume, facts)
    stored = {value.kind: value.text for value in facts["hash"]}
    assert hashlib.md5(stream.read_at(0, stream.size)).hexdigest() == stored["MD5"]
    with pytest.raises(MediumError, match="holds files, not a medium"):
        opened(corpus("image/ReferenceImages/AFF4-L/dream.aff4"))
