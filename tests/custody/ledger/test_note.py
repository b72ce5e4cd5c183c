"""C2SP's own example, a note written byte by byte here, and every way we know to bend one."""

from __future__ import annotations

import struct
from base64 import b64encode
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from custody.ledger import note
from custody.ledger.errors import MalformedError
from custody.ledger.note import Checkpoint, Note

ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ML_DSA = MLDSA44PrivateKey.from_seed_bytes(bytes(range(32)))
ED25519_RAW = ED25519.public_key().public_bytes_raw()
ML_DSA_RAW = ML_DSA.public_key().public_bytes_raw()
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
WITNESS_RAW = WITNESS.public_key().public_bytes_raw()

ORIGIN = "evikit.invalid/evikit/" + "ab" * 32
HEAD = Checkpoint(ORIGIN, 1234, bytes(range(32)))
TIME = 1_760_000_000
SIGNED = note.sign_checkpoint(HEAD, ED25519, ML_DSA, TIME)

# The example of C2SP tlog-cosignature, as printed there.
EXAMPLE = (
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZ"
    "qhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
).encode()


def line(name: str, kind: int, public: bytes, signature: bytes) -> bytes:
    """A signature line written from the specification alone."""
    key_id = sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]
    return "— ".encode() + name.encode() + b" " + b64encode(key_id + signature) + b"\n"


def witness_line(time: int, head: Checkpoint = HEAD) -> bytes:
    message = b"cosignature/v1\ntime " + str(time).encode() + b"\n" + head.body
    return line("w.example/1", 4, WITNESS_RAW, struct.pack(">Q", time) + WITNESS.sign(message))


def ml_dsa_line(name: str, time: int, head: Checkpoint = HEAD) -> bytes:
    message = b"subtree/v1\n\0" + bytes([len(name)]) + name.encode() + struct.pack(">Q", time)
    message += bytes([len(head.origin)]) + head.origin.encode() + struct.pack(">QQ", 0, head.size) + head.root
    return line(name, 6, ML_DSA_RAW, struct.pack(">Q", time) + ML_DSA.sign(message))


def plain_line(head: Checkpoint = HEAD) -> bytes:
    return line(head.origin, 1, ED25519_RAW, ED25519.sign(head.body))


def joined(*lines: bytes) -> Note:
    return note.parse_note(HEAD.body + b"\n" + b"".join(lines))


def faults(*lines: bytes) -> list[str]:
    return note.verify_checkpoint(joined(*lines), ED25519_RAW, ML_DSA_RAW)


def test_the_body_is_three_lines_and_the_fingerprint_is_its_hash() -> None:
    assert HEAD.body.decode() == f"{ORIGIN}\n1234\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    assert note.fingerprint(HEAD) == sha256(HEAD.body).hexdigest()


def test_the_published_example_is_read() -> None:
    read = note.parse_note(EXAMPLE)
    assert read.checkpoint.origin == "example.com/behind-the-sofa"
    assert read.checkpoint.size == 20852163
    assert EXAMPLE.startswith(read.checkpoint.body + b"\n")
    assert [(each.name, each.key_id.hex(), len(each.signature)) for each in read.signatures] == [
        ("example.com/behind-the-sofa", "033de0ae", 64),
        ("witness.example.com/w1", "8d66cf3f", 72),
    ]


def test_a_signed_note_is_what_the_specification_says_and_verifies() -> None:
    read = note.parse_note(SIGNED)
    assert read.checkpoint == HEAD
    assert SIGNED.startswith(HEAD.body + b"\n" + plain_line())  # Ed25519 signs alike each time, ML-DSA does not
    assert [len(each.signature) for each in read.signatures] == [64, 8 + 2420]
    assert note.verify_checkpoint(read, ED25519_RAW, ML_DSA_RAW) == []
    assert note.cosignature(read, ORIGIN, 6, ML_DSA_RAW) == TIME
    assert faults(plain_line(), ml_dsa_line(ORIGIN, 1)) == []
    assert faults(ml_dsa_line(ORIGIN, 2**63 - 1), plain_line()) == []


@pytest.mark.parametrize(
    ("lines", "complaints"),
    [
        ((plain_line(),), ["ml-dsa-44 signature is missing or wrong"]),
        ((ml_dsa_line(ORIGIN, TIME),), ["ed25519 signature is missing or wrong"]),
        ((witness_line(TIME),), ["ed25519 signature is missing", "ml-dsa-44 signature is missing"]),
        ((plain_line(), ml_dsa_line(ORIGIN, 0)), ["ml-dsa-44 signature is missing or wrong"]),
        ((plain_line(), ml_dsa_line(ORIGIN, 2**63)), ["ml-dsa-44 signature is missing or wrong"]),
        ((plain_line(), ml_dsa_line("other.example", TIME)), ["ml-dsa-44 signature is missing or wrong"]),
        (
            (plain_line(), ml_dsa_line(ORIGIN, TIME), ml_dsa_line(ORIGIN, TIME + 1)),
            ["ml-dsa-44 signature is doubled"],
        ),
        (
            (plain_line(), ml_dsa_line(ORIGIN, TIME), line(ORIGIN, 1, WITNESS_RAW, WITNESS.sign(HEAD.body))),
            ["a further signature"],
        ),
        (
            (plain_line(), ml_dsa_line(ORIGIN, TIME), line(ORIGIN, 1, ED25519_RAW, bytes(64))),
            ["a further signature"],
        ),
        (
            (plain_line(), ml_dsa_line(ORIGIN, TIME), line(ORIGIN, 250, b"", b"unknown")),
            ["a further signature"],
        ),
        (
            (line(ORIGIN, 1, ED25519_RAW, ED25519.sign(HEAD.body + b"x\n")), ml_dsa_line(ORIGIN, TIME)),
            ["ed25519 signature is missing or wrong"],
        ),
        # The right key and signature, but a key id that is not of this key.
        (
            (line(ORIGIN, 1, WITNESS_RAW, ED25519.sign(HEAD.body)), ml_dsa_line(ORIGIN, TIME)),
            ["ed25519 signature is missing or wrong"],
        ),
        # The key id of the right key, but a signature of another.
        (
            (line(ORIGIN, 1, ED25519_RAW, WITNESS.sign(HEAD.body)), ml_dsa_line(ORIGIN, TIME)),
            ["ed25519 signature is missing or wrong"],
        ),
    ],
)
def test_stripped_doubled_and_foreign_lines_under_the_origin_are_faults(
    lines: tuple[bytes, ...], complaints: list[str]
) -> None:
    found = faults(*lines)
    assert len(found) == len(complaints)
    for fault, complaint in zip(found, complaints, strict=True):
        assert complaint in fault


def test_lines_of_others_are_ignored() -> None:
    unknown = line("elsewhere.example", 250, b"what", b"ever")
    assert faults(unknown, plain_line(), witness_line(TIME), ml_dsa_line(ORIGIN, TIME)) == []


@pytest.mark.parametrize(
    "head",
    [
        Checkpoint(ORIGIN, 1235, HEAD.root),
        Checkpoint(ORIGIN, 1234, bytes(32)),
        Checkpoint("evikit.invalid/evikit/" + "ac" * 32, 1234, HEAD.root),
    ],
)
def test_signatures_do_not_carry_over_to_another_head(head: Checkpoint) -> None:
    moved = Note(head, note.parse_note(SIGNED).signatures)
    if head.origin == ORIGIN:
        assert len(note.verify_checkpoint(moved, ED25519_RAW, ML_DSA_RAW)) == 2
    renamed = SIGNED.replace(HEAD.body, head.body).replace(ORIGIN.encode(), head.origin.encode())
    assert len(note.verify_checkpoint(note.parse_note(renamed), ED25519_RAW, ML_DSA_RAW)) == 2
    assert note.cosignature(Note(head, joined(witness_line(TIME)).signatures), "w.example/1", 4, WITNESS_RAW) is None


def test_unfit_keys_are_faults_not_exceptions() -> None:
    read = note.parse_note(SIGNED)
    for bad in (b"", bytes(32), bytes([1]) + bytes(31), ML_DSA_RAW):
        assert note.verify_checkpoint(read, bad, ML_DSA_RAW)
    for bad in (b"", bytes(1311), ED25519_RAW):
        assert note.verify_checkpoint(read, ED25519_RAW, bad)


def test_a_witness_line_gives_its_time() -> None:
    read = joined(plain_line(), witness_line(TIME + 5), witness_line(TIME), ml_dsa_line("w.example/2", TIME))
    assert note.cosignature(read, "w.example/1", 4, WITNESS_RAW) == TIME
    assert note.cosignature(read, "w.example/2", 6, ML_DSA_RAW) == TIME
    for name, kind, public in [
        ("w.example/2", 4, WITNESS_RAW),
        ("w.example/1", 6, WITNESS_RAW),
        ("w.example/1", 4, ED25519_RAW),
        ("w.example/2", 6, ML_DSA_RAW[:-1]),
        (ORIGIN, 1, ED25519_RAW),
        ("w.example/1", 300, WITNESS_RAW),
        ("w.example/1", -1, WITNESS_RAW),
        ("", 4, WITNESS_RAW),
    ]:
        assert note.cosignature(read, name, kind, public) is None
    assert note.cosignature(joined(witness_line(0)), "w.example/1", 4, WITNESS_RAW) is None
    assert note.cosignature(joined(ml_dsa_line("w", 0)), "w", 6, ML_DSA_RAW) is None


def test_a_signed_line_is_what_the_specification_says() -> None:
    assert note.sign_line(HEAD, "w.example/1", 4, WITNESS, TIME) == witness_line(TIME)
    mine = note.sign_line(HEAD, "w.example/2", 6, ML_DSA, TIME)
    assert note.cosignature(joined(mine), "w.example/2", 6, ML_DSA_RAW) == TIME


@pytest.mark.parametrize("time", [0, -1, 2**63])
def test_a_time_that_is_none_is_not_signed(time: int) -> None:
    with pytest.raises(MalformedError, match="time"):
        note.sign_checkpoint(HEAD, ED25519, ML_DSA, time)


@pytest.mark.parametrize(
    "head",
    [
        Checkpoint("", 1, bytes(32)),
        Checkpoint("a b", 1, bytes(32)),
        Checkpoint("a+b", 1, bytes(32)),
        Checkpoint("a\nb", 1, bytes(32)),
        Checkpoint("a\x7fb", 1, bytes(32)),
        Checkpoint("ä" * 128, 1, bytes(32)),
        Checkpoint("a", -1, bytes(32)),
        Checkpoint("a", 2**63, bytes(32)),
        Checkpoint("a", 1, bytes(31)),
        Checkpoint("a", 1, bytes(33)),
    ],
)
def test_a_head_that_could_not_be_read_again_is_not_signed(head: Checkpoint) -> None:
    with pytest.raises(MalformedError):
        note.sign_checkpoint(head, ED25519, ML_DSA, TIME)


def test_the_widest_head_is_signed_and_verifies() -> None:
    widest = Checkpoint("ä" * 127 + "x", 2**63 - 1, bytes(32))
    read = note.parse_note(note.sign_checkpoint(widest, ED25519, ML_DSA, 2**63 - 1))
    assert read.checkpoint == widest
    assert note.verify_checkpoint(read, ED25519_RAW, ML_DSA_RAW) == []


def test_keys_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(MalformedError, match="in this order"):
        note.sign_checkpoint(HEAD, ML_DSA, ED25519, TIME)


BODY, PLAIN = HEAD.body, plain_line()
MANY = b"".join(line(f"n{number}", 250, b"", b"x") for number in range(65))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n\n\n\n",
        BODY,
        BODY + b"\n",
        BODY + PLAIN,
        BODY + b"\n" + PLAIN[:-1],
        BODY + b"\n" + PLAIN + b"\n",
        BODY + b"\n" + PLAIN + b"x",
        BODY + b"\n" + PLAIN + b"junk\n",
        BODY + b"\n\n" + PLAIN,
        BODY + b"extension\n\n" + PLAIN,
        b"\n" + BODY + b"\n" + PLAIN,
        BODY + b"\n" + PLAIN + PLAIN,
        BODY + b"\n" + MANY,
        BODY + b"\n" + b"x" * 66_000,
        b"o" * 256 + BODY[len(ORIGIN) :] + b"\n" + PLAIN,
        (BODY + b"\n" + PLAIN).replace(b"\n", b"\r\n"),
        BODY.replace(b"invalid", b"inv\talid") + b"\n" + PLAIN,
        BODY.replace(b"invalid", b"inv\x7falid") + b"\n" + PLAIN,
        BODY.replace(b"invalid", b"inv\xc2\x85alid") + b"\n" + PLAIN,
        BODY.replace(b"invalid", b"inv\x00alid") + b"\n" + PLAIN,
        BODY.replace(b"invalid", b"inv\xff") + b"\n" + PLAIN,
        BODY.replace(b"invalid", b"inv\xed\xa0\x80") + b"\n" + PLAIN,
        BODY.replace(b"invalid", b"\xc1\xa1") + b"\n" + PLAIN,
        BODY.replace(b"1234", b"01234") + b"\n" + PLAIN,
        BODY.replace(b"1234", b"+1234") + b"\n" + PLAIN,
        BODY.replace(b"1234", b"-1") + b"\n" + PLAIN,
        BODY.replace(b"1234", b"") + b"\n" + PLAIN,
        BODY.replace(b"1234", b"1_234") + b"\n" + PLAIN,
        BODY.replace(b"1234", b"1234 ") + b"\n" + PLAIN,
        BODY.replace(b"1234", "١٢".encode()) + b"\n" + PLAIN,
        BODY.replace(b"1234", b"9223372036854775808") + b"\n" + PLAIN,
        BODY.replace(b"1234", b"99999999999999999999") + b"\n" + PLAIN,
        BODY.replace(b"Hh8=", b"Hh9=") + b"\n" + PLAIN,  # the same bytes to a lenient decoder
        BODY.replace(b"Hh8=", b"Hh8") + b"\n" + PLAIN,
        BODY.replace(b"Hh8=", b"Hh8==") + b"\n" + PLAIN,
        BODY.replace(b"Hh8=", b"HA==") + b"\n" + PLAIN,
        BODY.replace(b"Hh8=", b"Hh8f") + b"\n" + PLAIN,
        BODY.replace(b"AAEC", b"AA-_") + b"\n" + PLAIN,
        BODY.replace(b"AAEC", " AÄC".encode()) + b"\n" + PLAIN,
        BODY + b"\n" + PLAIN.replace("— ".encode(), "\u2013 ".encode()),
        BODY + b"\n" + PLAIN.replace("— ".encode(), b"-- "),
        BODY + b"\n" + PLAIN.replace("— ".encode(), "—".encode()),
        BODY + b"\n" + PLAIN.replace("— ".encode(), "—  ".encode()),
        BODY + b"\n" + PLAIN.replace("— ".encode(), " — ".encode()),
        BODY + b"\n" + PLAIN.replace("— ".encode(), "—\u00a0".encode()),
        BODY + b"\n" + PLAIN[:-1] + b" \n",
        BODY + b"\n" + PLAIN[:-1] + b" more\n",
        BODY + b"\n" + PLAIN[:-1] + b"=\n",
        BODY + b"\n" + "— a\u2003b ".encode() + b64encode(b"12345") + b"\n",
        BODY + b"\n" + "— a\u2028b ".encode() + b64encode(b"12345") + b"\n",
        BODY + b"\n" + "— a+b ".encode() + b64encode(b"12345") + b"\n",
        BODY + b"\n" + "—  ".encode() + b64encode(b"12345") + b"\n",
        BODY + b"\n" + "— ".encode() + b"n" * 256 + b" " + b64encode(b"12345") + b"\n",
        BODY + b"\n" + "— a ".encode() + b64encode(b"1234") + b"\n",
        BODY + b"\n" + "— a \n".encode(),
        BODY + b"\n" + "— a MTIzNDV=\n".encode(),
    ],
)
def test_bytes_that_are_no_note_are_refused_in_one_line(data: bytes) -> None:
    assert note.parse_note(BODY + b"\n" + PLAIN).checkpoint == HEAD  # what was bent is good unbent
    with pytest.raises(MalformedError) as caught:
        note.parse_note(data)
    assert str(caught.value).startswith(("a checkpoint", "a signature", "a value"))
    assert str(caught.value).isprintable()


def test_the_largest_note_is_read() -> None:
    assert len(note.parse_note(BODY + b"\n" + MANY[: MANY.rindex("—".encode())]).signatures) == 64
    name = "w" * 255
    sixteen = [note.Line(name, bytes([number] * 4), bytes(2428)) for number in range(16)]
    text = "".join(f"— {each.name} {b64encode(each.key_id + each.signature).decode()}\n" for each in sixteen)
    assert note.parse_note(BODY + b"\n" + text.encode()).signatures == tuple(sixteen)


def spelt(read: Note) -> bytes:
    lines = [f"— {each.name} {b64encode(each.key_id + each.signature).decode()}\n" for each in read.signatures]
    return read.checkpoint.body + b"\n" + "".join(lines).encode()


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_are_the_one_spelling(data: bytes) -> None:
    try:
        read = note.parse_note(data)
    except MalformedError:
        return
    assert spelt(read) == data


@given(st.integers(0, len(SIGNED) - 1), st.integers(0, 255), st.sampled_from(["set", "insert", "delete"]))
def test_a_note_bent_at_one_byte_is_refused_or_does_not_verify(at: int, value: int, way: str) -> None:
    tail = SIGNED[at:] if way == "insert" else SIGNED[at + 1 :]
    data = SIGNED[:at] + (b"" if way == "delete" else bytes([value])) + tail
    if data == SIGNED:
        return
    try:
        read = note.parse_note(data)
    except MalformedError:
        return
    assert spelt(read) == data
    assert note.verify_checkpoint(read, ED25519_RAW, ML_DSA_RAW) != []
