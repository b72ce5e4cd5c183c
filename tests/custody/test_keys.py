"""A sealed key opens with its passphrase alone, and whatever else is said stays in one line without secrets."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from custody.keys import generate_private_key, open_private_key, seal_private_key
from custody.ledger.errors import CustodyError, KeyLockedError
from custody.ledger.signing import public_key_of, sign_payload, verify_payload

WORDS = "four dull grey ambulances"
KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SEALED = seal_private_key(KEY, WORDS)
FIRST, PEM = SEALED[: SEALED.index(b"\n") + 1], SEALED[SEALED.index(b"\n") + 1 :]


def password_of(words: bytes, sealed: bytes) -> bytes:
    salt = bytes.fromhex(sealed.split(b"\n")[0].split(b"salt=")[1].decode())
    return hashlib.scrypt(words, salt=salt, n=32768, r=8, p=1, maxmem=1 << 26, dklen=32).hex().encode()


@pytest.mark.parametrize("algorithm", ["ed25519", "ml-dsa-44"])
def test_a_sealed_key_opens_and_signs(algorithm: str) -> None:
    private = generate_private_key(algorithm)
    sealed = seal_private_key(private, WORDS)
    opened = open_private_key(sealed, WORDS)
    assert public_key_of(opened) == public_key_of(private)
    assert public_key_of(opened)[0] == algorithm
    assert verify_payload(*public_key_of(private), b"seal 4471", sign_payload(opened, b"seal 4471"))


def test_new_keys_and_salts_differ() -> None:
    assert public_key_of(generate_private_key("ed25519")) != public_key_of(generate_private_key("ed25519"))
    assert seal_private_key(KEY, WORDS).split(b"\n")[0] != SEALED.split(b"\n")[0]


def test_an_unknown_algorithm_is_refused() -> None:
    with pytest.raises(CustodyError, match="'rsa'"):
        generate_private_key("rsa")


def test_the_form_is_one_line_and_a_plain_encrypted_pkcs8() -> None:
    assert FIRST.startswith(b"evikit-kdf scrypt n=32768 r=8 p=1 salt=")
    assert len(FIRST) == 39 + 32 + 1
    assert PEM.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    # Any other tool opens it, given scrypt.
    assert load_pem_private_key(PEM, password_of(WORDS.encode(), SEALED)).public_key() == KEY.public_key()


def test_the_passphrase_alone_does_not_open_the_pem() -> None:
    with pytest.raises(ValueError, match=r"[Pp]assword"):
        load_pem_private_key(PEM, WORDS.encode())


@pytest.mark.parametrize("words", ["", "four dull grey ambulance", WORDS + " ", WORDS.upper()])
def test_a_wrong_passphrase_is_one_clear_line(words: str) -> None:
    with pytest.raises(KeyLockedError, match="passphrase does not open") as caught:
        open_private_key(SEALED, words)
    assert caught.value.advice
    assert WORDS not in str(caught.value)
    assert caught.value.__suppress_context__


def test_the_same_words_typed_otherwise_open_it() -> None:
    sealed = seal_private_key(KEY, "Gr\u00fcn und still")
    assert open_private_key(sealed, "Gru\u0308n und still").public_key() == KEY.public_key()


def test_undecodable_bytes_of_the_environment_are_a_passphrase() -> None:
    words = b"gr\xfcn".decode("utf-8", errors="surrogateescape")
    assert open_private_key(seal_private_key(KEY, words), words).public_key() == KEY.public_key()


def test_no_key_is_kept_without_a_passphrase() -> None:
    with pytest.raises(CustodyError, match="without a passphrase"):
        seal_private_key(KEY, "")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PEM,
        FIRST,
        b"\n" + SEALED,
        FIRST.upper() + PEM,
        FIRST.replace(b"n=32768", b"n=1073741824") + PEM,
        FIRST.replace(b"n=32768", b"n=2") + PEM,
        FIRST.replace(b"n=32768", b"n=32769") + PEM,
        FIRST.replace(b"r=8", b"r=800") + PEM,
        FIRST.replace(b"p=1", b"p=0") + PEM,
        FIRST.replace(b"p=1", b"p=1000") + PEM,
        FIRST[:-2] + b"\n" + PEM,
        FIRST + FIRST + PEM,
        SEALED + b" " * 20_000,
        FIRST + KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    ],
    ids=[f"bytes-{number}" for number in range(15)],
)
def test_other_bytes_are_refused_at_once(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_settings: object) -> bytes:
        raise AssertionError("scrypt ran on parameters that were not validated")

    monkeypatch.setattr(hashlib, "scrypt", refuse)
    with pytest.raises(KeyLockedError, match="not a private key sealed by evikit"):
        open_private_key(data, WORDS)


def test_higher_costs_that_we_may_write_later_are_read() -> None:
    salt = bytes(16)
    password = hashlib.scrypt(WORDS.encode(), salt=salt, n=131072, r=8, p=1, maxmem=1 << 28, dklen=32).hex().encode()
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password))
    first = b"evikit-kdf scrypt n=131072 r=8 p=1 salt=" + salt.hex().encode() + b"\n"
    assert open_private_key(first + pem, WORDS).public_key() == KEY.public_key()


@pytest.mark.parametrize("at", [len(FIRST) + 45, len(FIRST) + 100, len(SEALED) - 45])
def test_a_damaged_file_is_a_clear_line(at: int) -> None:
    damaged = SEALED[:at] + (b"A" if SEALED[at : at + 1] != b"A" else b"B") + SEALED[at + 1 :]
    with pytest.raises(KeyLockedError, match="damaged"):
        open_private_key(damaged, WORDS)


def test_a_key_of_another_kind_is_refused() -> None:
    password = password_of(WORDS.encode(), SEALED)
    other = ec.generate_private_key(ec.SECP256R1())
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password))
    with pytest.raises(KeyLockedError, match="of a kind"):
        open_private_key(FIRST + pem, WORDS)
