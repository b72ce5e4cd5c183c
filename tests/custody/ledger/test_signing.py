"""Wycheproof's vectors, the points of small order by arithmetic of our own here, and DSSE's example."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from custody.ledger import signing
from custody.ledger.errors import MalformedError

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ML_DSA = MLDSA44PrivateKey.from_seed_bytes(bytes(range(32)))
KEYS: list[signing.PrivateKey] = [ED25519, ML_DSA]

Point = tuple[int, int]


def add(a: Point, b: Point) -> Point:
    """The addition law of the twisted Edwards curve with a = -1, on affine coordinates."""
    cross = D * a[0] * b[0] * a[1] * b[1] % P
    x = (a[0] * b[1] + a[1] * b[0]) * pow(1 + cross, P - 2, P)
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - cross, P - 2, P)
    return x % P, y % P


def multiply(scalar: int, point: Point) -> Point:
    product = (0, 1)
    for bit in bin(scalar)[2:]:
        product = add(product, product)
        if bit == "1":
            product = add(product, point)
    return product


def decompress(encoded: bytes) -> Point | None:
    """RFC 8032 section 5.1.3, strictly; None where it fails."""
    number = int.from_bytes(encoded, "little")
    y, sign = number % 2**255, number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != square or (x == 0 and sign):
        return None
    return (x if x % 2 == sign else P - x), y


def torsion() -> set[Point]:
    """The eight points whose order divides 8: ORDER times anything lands among them."""
    found: set[Point] = set()
    y = 2
    while len(found) < 8:
        point = decompress(y.to_bytes(32, "little"))
        if point:
            found.add(multiply(ORDER, point))
        y += 1
    return found


def encodings(y: int) -> list[bytes]:
    """Every 32 bytes that a lenient reader takes for this y: with p added where it fits, and both signs."""
    return [(value | sign << 255).to_bytes(32, "little") for value in (y, y + P) if value < 2**255 for sign in (0, 1)]


SMALL_ORDER = sorted({spelling for _, y in torsion() for spelling in encodings(y)})


def test_the_small_order_list_is_the_known_one() -> None:
    assert all(multiply(8, point) == (0, 1) for point in torsion())
    # Five values of y, two of them below 19 and so spelt twice, each with two signs.
    assert len(SMALL_ORDER) == 2 * (5 + 2)
    # The y of order 8 as RFC 7748's and libsodium's lists print it.
    assert bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05") in SMALL_ORDER


@pytest.mark.parametrize("public", SMALL_ORDER, ids=bytes.hex)
def test_a_key_of_small_order_is_refused_in_every_spelling(public: bytes) -> None:
    with pytest.raises(MalformedError, match=r"small order|canonical"):
        signing.validate_public_key("ed25519", public)
    accepted = 0
    for number in range(64):
        # R and S that fit every message on the neutral key, and one message in up to eight on the others.
        signature, payload = bytes([1]) + bytes(63), b"%d" % number
        accepted += is_accepted_by_the_library(public, signature, payload)
        assert signing.verify_payload("ed25519", public, payload, signature) is False
    assert accepted > 0, "the library alone refuses it: then this test shows nothing"


def is_accepted_by_the_library(public: bytes, signature: bytes, payload: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, payload)
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize("y", [P, P + 2, P + 3, P + 18, 2**255 - 1])
@pytest.mark.parametrize("sign", [0, 1])
def test_a_second_spelling_is_refused(y: int, sign: int) -> None:
    with pytest.raises(MalformedError, match="canonical"):
        signing.validate_public_key("ed25519", (y | sign << 255).to_bytes(32, "little"))


def test_bytes_off_the_curve_are_refused() -> None:
    with pytest.raises(MalformedError, match="no point of the curve"):
        signing.validate_public_key("ed25519", (2).to_bytes(32, "little"))


@given(st.binary(min_size=32, max_size=32))
def test_any_32_bytes_are_a_key_exactly_where_they_decompress(public: bytes) -> None:
    try:
        signing.validate_public_key("ed25519", public)
        valid = True
    except MalformedError:
        valid = False
    point = decompress(public)
    assert valid == (point is not None and multiply(8, point) != (0, 1))


@given(st.binary(min_size=32, max_size=32))
def test_every_made_key_is_valid(seed: bytes) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    signing.validate_public_key(*signing.public_key_of(private))


@pytest.mark.parametrize(("algorithm", "size"), [("ed25519", 31), ("ed25519", 33), ("ed25519", 0), ("ml-dsa-44", 1311)])
def test_a_key_of_another_length_is_refused(algorithm: str, size: int) -> None:
    with pytest.raises(MalformedError, match=f"not {size}$"):
        signing.validate_public_key(algorithm, bytes(size))
    assert not signing.verify_payload(algorithm, bytes(size), b"", bytes(64))


@pytest.mark.parametrize("name", ["", "Ed25519", "rsa", "none", "x" * 10_000, "\ud800\n"])
def test_an_unknown_algorithm_is_refused_in_one_short_line(name: str) -> None:
    with pytest.raises(MalformedError) as caught:
        signing.validate_public_key(name, bytes(32))
    line = str(caught.value)
    assert line.isprintable()
    assert len(line) < 100
    assert not signing.verify_payload(name, bytes(32), b"", bytes(64))


def test_dsse_example() -> None:
    # The example of the DSSE protocol document.
    assert signing.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert signing.pae("", b"") == b"DSSEv1 0  0 "


@given(st.text(), st.binary(), st.text(), st.binary())
def test_pae_tells_every_pair_apart(kind: str, payload: bytes, other: str, others: bytes) -> None:
    assert (signing.pae(kind, payload) == signing.pae(other, others)) == ((kind, payload) == (other, others))


@pytest.mark.parametrize("private", KEYS)
def test_signed_bytes_verify_and_nothing_near_them(private: signing.PrivateKey) -> None:
    algorithm, public = signing.public_key_of(private)
    signature = signing.sign_payload(private, b"seal 4471")
    assert signing.verify_payload(algorithm, public, b"seal 4471", signature)
    assert not signing.verify_payload(algorithm, public, b"seal 4472", signature)
    for near in (b"", signature[:-1], signature + b"\0", bytes([signature[0] ^ 1]) + signature[1:]):
        assert not signing.verify_payload(algorithm, public, b"seal 4471", near)
    for other in KEYS:
        if other is not private:
            assert not signing.verify_payload(*signing.public_key_of(other), b"seal 4471", signature)


@pytest.mark.parametrize("private", KEYS)
def test_an_entry_is_signed_under_its_own_type(private: signing.PrivateKey) -> None:
    algorithm, public = signing.public_key_of(private)
    signature = signing.sign_entry(private, b"{}")
    assert signing.verify_entry(algorithm, public, b"{}", signature)
    assert not signing.verify_payload(algorithm, public, b"{}", signature)
    encoded = b"DSSEv1 36 application/vnd.evikit.entry.v1+json 2 {}"
    assert signing.verify_payload(algorithm, public, encoded, signature)


@given(st.sampled_from(["ed25519", "ml-dsa-44"]), st.binary(max_size=80), st.binary(max_size=80))
def test_any_bytes_for_a_signature_are_answered_false(algorithm: str, payload: bytes, near: bytes) -> None:
    public = dict(map(signing.public_key_of, KEYS))[algorithm]
    for signature in (near, near.ljust(signing.SIGNATURE_SIZES[algorithm], b"\0")):
        assert signing.verify_payload(algorithm, public, payload, signature) is False


def test_a_key_id_is_of_algorithm_and_key() -> None:
    raw = signing.public_key_of(ED25519)[1]
    assert signing.key_id("ed25519", raw) == sha256(b"evikit/key/v1\ned25519\n" + raw).digest()
    assert signing.key_id("ml-dsa-44", raw) != signing.key_id("ed25519", raw)


def test_a_signature_with_s_above_the_order_is_refused() -> None:
    algorithm, public = signing.public_key_of(ED25519)
    signature = signing.sign_payload(ED25519, b"x")
    again = int.from_bytes(signature[32:], "little") + ORDER
    twin = signature[:32] + again.to_bytes(32, "little")
    assert signing.verify_payload(algorithm, public, b"x", signature)
    assert not signing.verify_payload(algorithm, public, b"x", twin)


def tally(algorithm: str, file: Path) -> Counter[str]:
    """Counts of right answers by what the vector expects, of vectors with a context, and any wrong answer."""
    counted: Counter[str] = Counter()
    for group in json.loads(file.read_text(encoding="utf-8"))["testGroups"]:
        public = group["publicKey"]
        raw = bytes.fromhex(public if isinstance(public, str) else public["pk"])
        for test in group["tests"]:
            answer = signing.verify_payload(algorithm, raw, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]))
            if test.get("ctx"):
                # Our signatures have no context: that one is made under a context must make it worthless.
                counted["refused for its context" if not answer else f"wrong: {test['tcId']}"] += 1
            else:
                right = answer == (test["result"] == "valid")
                counted[test["result"] if right else f"wrong: {test['tcId']}"] += 1
    return counted


def test_wycheproof_ed25519(vectors: Callable[[str], Path]) -> None:
    counted = tally("ed25519", vectors("wycheproof/ed25519_test.json"))
    assert counted == {"valid": 88, "invalid": 63}


def test_wycheproof_ml_dsa_44(vectors: Callable[[str], Path]) -> None:
    counted = tally("ml-dsa-44", vectors("wycheproof/mldsa_44_verify_test.json"))
    assert counted == {"valid": 75, "invalid": 98, "refused for its context": 7}
