"""Requests, replies and tokens: what a real authority answers, and everything that is not what was asked for."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custody.ledger.errors import MalformedError
from custody.timestamp.token import (
    MAX_REPLY,
    SECOND,
    Authorities,
    Request,
    StrangerError,
    TokenError,
    imprint_of,
    nonce_of,
    token_of,
)
from tests.authority import DAY, Authority, der, granted, integer, refused

BODY = b"lab.example/evikit/00\n1\nAAAA\n"


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa"))


@pytest.fixture(scope="module")
def request_() -> Request:
    return Request.make(BODY)


def test_a_real_authoritys_reply_verifies(tsa: Authority, request_: Request) -> None:
    begin = time.time_ns() // SECOND * SECOND
    token = token_of(tsa.answer(request_.data))
    end = time.time_ns()
    assert imprint_of(token) == request_.imprint
    assert nonce_of(token) == request_.nonce
    assert request_.nonce is not None
    stamp = Authorities((tsa.root,)).verify(token, request_.imprint)
    assert begin <= stamp.at <= end
    assert stamp.accuracy == 2 * SECOND, "a second as stated, and one for what is not read of the time"
    assert (stamp.earliest, stamp.latest) == (stamp.at - 2 * SECOND, stamp.at + 2 * SECOND)
    assert stamp.authority == "CN=Invented Authority"
    assert stamp.expires == int(tsa.certificate.not_valid_after_utc.timestamp()) * SECOND


def test_a_request_is_read_again_and_its_nonce_differs_each_time() -> None:
    first, second = Request.make(BODY), Request.make(BODY)
    assert Request.parse(first.data) == first
    assert first.imprint == second.imprint
    assert first.nonce != second.nonce
    for junk in (b"", b"0", b"junk", bytes(70_000), first.data[:-1], first.data + b"0"):
        with pytest.raises(TokenError, match="no time-stamp request"):
            Request.parse(junk)


@pytest.mark.parametrize(("accuracy", "seconds"), [(None, 1), (0, 1), (1, 2), (30, 31)])
def test_the_accuracy_is_the_tokens_own_and_a_second(
    tsa: Authority, request_: Request, accuracy: int | None, seconds: int
) -> None:
    at = time.time_ns() // SECOND * SECOND
    token = token_of(tsa.signed(request_.data, at, accuracy))
    stamp = Authorities((tsa.root,)).verify(token, request_.imprint)
    assert (stamp.at, stamp.accuracy) == (at, seconds * SECOND)


@pytest.mark.parametrize("accuracy", [86_400, 2**40, 2**100, 2**200])
def test_a_token_that_may_be_days_off_says_nothing(tsa: Authority, request_: Request, accuracy: int) -> None:
    token = token_of(tsa.signed(request_.data, time.time_ns(), accuracy))
    with pytest.raises(TokenError):
        Authorities((tsa.root,)).verify(token, request_.imprint)


@pytest.mark.parametrize(("status", "words"), [(2, "rejection"), (3, "waiting"), (5, "revoked"), (77, "status 77")])
def test_a_refusal_is_told_in_the_authoritys_words(status: int, words: str) -> None:
    with pytest.raises(TokenError, match=rf"{words} \(no time today\)"):
        token_of(refused(status))


def test_what_is_no_reply_is_refused(tsa: Authority, request_: Request) -> None:
    reply = tsa.answer(request_.data)
    for junk in (b"", b"junk", reply[:-1], reply + b"0", request_.data, der(0x30, der(0x30, integer(0)))):
        with pytest.raises(TokenError):
            token_of(junk)
    with pytest.raises(TokenError, match="no time-stamp is that long"):
        token_of(reply + bytes(MAX_REPLY))
    with pytest.raises(TokenError, match="more than the 45000"):
        token_of(tsa.signed(request_.data, time.time_ns(), imprint=bytes(48_000)))


def test_another_hash_or_another_imprint_is_refused(tsa: Authority, request_: Request) -> None:
    trusted = Authorities((tsa.root,))
    with pytest.raises(TokenError, match="something else"):
        trusted.verify(token_of(tsa.answer(Request.make(b"else").data)), request_.imprint)
    sha512 = bytes.fromhex("300d06096086480165030402030500")
    with pytest.raises(TokenError, match="another hash"):
        trusted.verify(token_of(tsa.signed(request_.data, time.time_ns(), hash=sha512)), request_.imprint)
    with pytest.raises(TokenError, match="cannot be read"):
        trusted.verify(b"junk", request_.imprint)


def test_an_authority_that_is_not_named_is_a_stranger(tmp_path: Path, tsa: Authority, request_: Request) -> None:
    token, other = token_of(tsa.answer(request_.data)), Authority(tmp_path, "Another")
    for trusted in (Authorities((other.root,)), Authorities(), Authorities(fingerprints=frozenset({"0" * 64}))):
        with pytest.raises(StrangerError, match="you do not name: CN=Invented Authority"):
            trusted.verify(token, request_.imprint)
    assert Authorities((other.root, tsa.root)).verify(token, request_.imprint)


def test_an_authority_of_the_same_name_with_another_key_does_not_hold(
    tmp_path: Path, tsa: Authority, request_: Request
) -> None:
    forger = Authority(tmp_path)
    with pytest.raises(TokenError, match="certificate"):
        Authorities((tsa.root,)).verify(token_of(forger.answer(request_.data)), request_.imprint)


WRONG: dict[str, Callable[[Path], Authority]] = {
    "expired": lambda folder: Authority(folder, end=datetime.now(UTC) - DAY),
    "not yet valid": lambda folder: Authority(folder, begin=datetime.now(UTC) + DAY),
    "purpose": lambda folder: Authority(folder, usage=ExtendedKeyUsageOID.CODE_SIGNING),
    "purpose ": lambda folder: Authority(folder, critical=False),
}


@pytest.mark.parametrize("word", WRONG)
def test_a_certificate_that_is_not_for_this_or_not_for_then_does_not_hold(
    tmp_path: Path, request_: Request, word: str
) -> None:
    wrong = WRONG[word](tmp_path)
    with pytest.raises(TokenError, match=f"does not hold: .*{word.strip()}") as raised:
        Authorities((wrong.root,)).verify(token_of(wrong.signed(request_.data, time.time_ns())), request_.imprint)
    assert not isinstance(raised.value, StrangerError)


@pytest.mark.parametrize("year", [1950, 1969, 9999])
def test_a_time_out_of_all_bounds_is_refused(tmp_path: Path, request_: Request, year: int) -> None:
    """Its authority's certificate may say so: that it never ends is written as the year 9999 (RFC 5280)."""
    odd = Authority(tmp_path, begin=datetime(1950, 1, 1, tzinfo=UTC), end=datetime(9999, 12, 31, tzinfo=UTC), root=True)
    at = int(datetime(year, 6, 1, tzinfo=UTC).timestamp()) * SECOND
    with pytest.raises(TokenError, match=f"in the year {year}"):
        Authorities((odd.root,)).verify(token_of(odd.signed(request_.data, at)), request_.imprint)


def test_a_token_from_before_its_certificate_ended_holds(tmp_path: Path, request_: Request) -> None:
    end = datetime(2024, 1, 1, tzinfo=UTC)
    old = Authority(tmp_path, end=end, begin=end - 100 * DAY)
    at = int((end - DAY).timestamp()) * SECOND
    stamp = Authorities((old.root,)).verify(token_of(old.signed(request_.data, at)), request_.imprint)
    assert (stamp.at, stamp.expires) == (at, int(end.timestamp()) * SECOND)


def test_no_changed_byte_is_ever_another_time(tsa: Authority, request_: Request) -> None:
    """Whatever a byte is changed to: refused, or (where it is signed by nobody) the same statement."""
    token = token_of(tsa.answer(request_.data))
    trusted = Authorities((tsa.root,))
    stamp = trusted.verify(token, request_.imprint)
    refusals = 0
    for place in range(len(token)):
        changed = bytearray(token)
        changed[place] ^= 0x21
        try:
            assert trusted.verify(bytes(changed), request_.imprint) == stamp
        except TokenError:
            refusals += 1
    assert refusals > len(token) * 9 // 10


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=300), place=st.integers(0, 2000), cut=st.integers(0, 400))
def test_any_bytes_are_a_token_or_refused(tsa: Authority, request_: Request, data: bytes, place: int, cut: int) -> None:
    reply = _REPLIES.setdefault(request_.data, tsa.answer(request_.data) if not _REPLIES else b"")
    for junk in (data, granted(data), reply[:place] + data + reply[place + cut :]):
        try:
            token = token_of(junk)
            Authorities((tsa.root,)).verify(token, request_.imprint)
        except TokenError:
            continue


_REPLIES: dict[bytes, bytes] = {}


# --- the trust file ----------------------------------------------------------------------------------------


def parsed(*listed: object) -> Authorities:
    return Authorities.parse(json.dumps({"tsa_roots": list(listed)}).encode())


def test_a_trust_file_names_authorities_by_certificate_or_fingerprint(tsa: Authority, request_: Request) -> None:
    assert not Authorities.parse(b"{}")
    assert parsed(tsa.pem) == Authorities((tsa.root,))
    assert parsed(f"words for people\n{tsa.pem}{tsa.pem}").certificates == (tsa.root, tsa.root)
    print_ = tsa.root.fingerprint(SHA256()).hex(":").upper()
    named = parsed(print_)
    assert named.fingerprints == {tsa.root.fingerprint(SHA256()).hex()}
    with pytest.raises(StrangerError):  # the token does not carry its root
        named.verify(token_of(tsa.answer(request_.data)), request_.imprint)


def test_a_fingerprint_names_a_root_that_the_token_carries(tsa: Authority, request_: Request) -> None:
    """OpenSSL writes the certificates of a chain in their own order, which is not always DER's."""
    reply = tsa.answer(request_.data, "-chain", "root.pem")
    named = parsed(tsa.root.fingerprint(SHA256()).hex())
    assert named.verify(token_of(reply), request_.imprint).authority == "CN=Invented Authority"
    assert Authorities((tsa.root,)).verify(token_of(reply), request_.imprint)


@pytest.mark.parametrize("wrong", ["", "PEM", "00", 7, None, {"a": "b"}])
def test_a_trust_file_that_names_nothing_clear_is_refused(wrong: object) -> None:
    with pytest.raises(MalformedError, match="tsa_roots"):
        parsed(wrong)
    with pytest.raises(MalformedError, match="tsa_roots"):
        Authorities.parse(json.dumps({"tsa_roots": wrong or "x"}).encode())


def test_a_chain_that_lacks_its_middle_is_a_stranger_until_it_is_named(tsa: Authority, request_: Request) -> None:
    own = tsa.certificate.public_bytes(Encoding.PEM).decode()
    with pytest.raises(StrangerError):
        parsed(own).verify(token_of(tsa.answer(request_.data)), request_.imprint)
    assert parsed(own, tsa.pem).verify(token_of(tsa.answer(request_.data)), request_.imprint)
