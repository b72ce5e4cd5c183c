"""Private keys at rest: encrypted PKCS#8, the passphrase first made slow to guess with scrypt (RFC 7914).

The library's PKCS#8 encryption (PBES2) stretches a password with only 2,048 rounds of PBKDF2. So its password is
the hex of scrypt(passphrase), and one line before the PEM holds scrypt's parameters. Verifiers never need this file.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from custody.ledger.errors import CustodyError, KeyLockedError
from custody.ledger.signing import ED25519, ML_DSA_44, PrivateKey

_COST, _BLOCK, _LANES = 2**15, 8, 1  # 32 MiB and about 0.1 s a guess
_MAX_MEMORY = 192 * 1024 * 1024  # room for the highest cost that _HEADER lets in
_MAX_FILE = 16 * 1024
_HEADER = re.compile(
    rb"evikit-kdf scrypt n=(32768|65536|131072) r=8 p=1 salt=([0-9a-f]{32})\n"
    rb"(?=-----BEGIN ENCRYPTED PRIVATE KEY-----\n)"
)


def generate_private_key(algorithm: str) -> PrivateKey:
    """A new key for "ed25519" or "ml-dsa-44", from the operating system's randomness."""
    if algorithm == ED25519:
        return Ed25519PrivateKey.generate()
    if algorithm == ML_DSA_44:
        return MLDSA44PrivateKey.generate()
    raise CustodyError(f"no signature algorithm is called {algorithm[:40]!r}", f"Use {ED25519} or {ML_DSA_44}.")


def seal_private_key(private: PrivateKey | EllipticCurvePrivateKey, passphrase: str) -> bytes:
    """The key as bytes that only the passphrase opens; fresh salt each time. CustodyError for an empty passphrase."""
    if not passphrase:
        raise CustodyError("a private key is not kept without a passphrase", "Give one of several words.")
    salt = os.urandom(16)
    password = _stretched(passphrase, salt, _COST)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password))
    return b"evikit-kdf scrypt n=%d r=%d p=%d salt=%b\n" % (_COST, _BLOCK, _LANES, salt.hex().encode()) + pem


def open_private_key(data: bytes, passphrase: str) -> PrivateKey:
    """The key in what `seal_private_key` wrote.

    Raises KeyLockedError, in one line that holds nothing secret, for a wrong passphrase, for other or damaged
    bytes, for costs outside what we would ever write, and for a key of another kind.
    """
    private = _opened(data, passphrase)
    if not isinstance(private, (Ed25519PrivateKey, MLDSA44PrivateKey)):
        raise KeyLockedError("this private key is of a kind that evikit does not use", "Use a key made by evikit.")
    return private


def open_certificate_key(data: bytes, passphrase: str) -> EllipticCurvePrivateKey:
    """The same of a key that belongs to a certificate."""
    private = _opened(data, passphrase)
    if not isinstance(private, EllipticCurvePrivateKey):
        raise KeyLockedError("this private key belongs to no certificate", "Restore the key file from a backup.")
    return private


def _opened(data: bytes, passphrase: str) -> PrivateKeyTypes:
    header = _HEADER.match(data)
    if header is None or len(data) > _MAX_FILE:
        raise KeyLockedError("this is not a private key sealed by evikit", "Restore the key file from a backup.")
    password = _stretched(passphrase, bytes.fromhex(header[2].decode()), int(header[1]))
    try:
        return load_pem_private_key(data[header.end() :], password)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # the library cannot tell damage from a wrong password
        raise KeyLockedError(
            "the passphrase does not open this private key (or its file is damaged)", "Try the passphrase again."
        ) from None


def _stretched(passphrase: str, salt: bytes, cost: int) -> bytes:
    # NFC: the same words from another keyboard or system are the same passphrase. A passphrase from the
    # environment may hold undecodable bytes, which stand as lone surrogates.
    words = unicodedata.normalize("NFC", passphrase).encode("utf-8", errors="surrogatepass")
    stretched = hashlib.scrypt(words, salt=salt, n=cost, r=_BLOCK, p=_LANES, maxmem=_MAX_MEMORY, dklen=32)
    return stretched.hex().encode()
