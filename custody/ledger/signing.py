"""Sign bytes, verify bytes: Ed25519 (RFC 8032) and ML-DSA-44 (FIPS 204), both without a context string.

The key record, never a message, says which algorithm a key is for: a sender cannot choose it.
Ed25519 verification is the equation without cofactor, S below the group's order, R compared by its bytes.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from custody.ledger.errors import MalformedError

ED25519 = "ed25519"
ML_DSA_44 = "ml-dsa-44"
PUBLIC_KEY_SIZES = {ED25519: 32, ML_DSA_44: 1312}
SIGNATURE_SIZES = {ED25519: 64, ML_DSA_44: 2420}
ENTRY_TYPE = "application/vnd.evikit.entry.v1+json"

PrivateKey = Ed25519PrivateKey | MLDSA44PrivateKey
PublicKey = Ed25519PublicKey | MLDSA44PublicKey

_PRIME = 2**255 - 19  # the field of edwards25519, RFC 8032 section 5.1
_D = -121665 * pow(121666, -1, _PRIME) % _PRIME


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: both lengths stand in the signed bytes, so no part can slide."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign_payload(private: PrivateKey, payload: bytes) -> bytes:
    """The signature over exactly these bytes: 64 bytes for Ed25519, 2420 for ML-DSA-44."""
    return private.sign(payload)


def verify_payload(algorithm: str, public: bytes, payload: bytes, signature: bytes) -> bool:
    """Whether the key signed exactly these bytes.

    False, never an exception, for any other bytes, and for every key `validate_public_key` refuses.
    """
    key = _loaded(algorithm, public)
    if key is None or len(signature) != SIGNATURE_SIZES[algorithm]:
        return False
    try:
        key.verify(signature, payload)
    except InvalidSignature:
        return False
    return True


def sign_entry(private: PrivateKey, payload: bytes) -> bytes:
    """The signature of a ledger entry with this payload."""
    return sign_payload(private, pae(ENTRY_TYPE, payload))


def verify_entry(algorithm: str, public: bytes, payload: bytes, signature: bytes) -> bool:
    """Whether `signature` is that of a ledger entry with this payload; as strict as `verify_payload`."""
    return verify_payload(algorithm, public, pae(ENTRY_TYPE, payload), signature)


def public_key_of(private: PrivateKey) -> tuple[str, bytes]:
    """(algorithm, raw public key) of a private key."""
    algorithm = ED25519 if isinstance(private, Ed25519PrivateKey) else ML_DSA_44
    return algorithm, private.public_key().public_bytes_raw()


def key_id(algorithm: str, public: bytes) -> bytes:
    """The 32 bytes by which an entry names its key: SHA-256("evikit/key/v1" LF algorithm LF raw key)."""
    return hashlib.sha256(b"evikit/key/v1\n" + algorithm.encode() + b"\n" + public).digest()


def validate_public_key(algorithm: str, public: bytes) -> None:
    """Raise MalformedError, saying why, for a key that must not be enrolled nor believed.

    Refused: an unknown algorithm, a wrong length, and for Ed25519 a second spelling of a point (y >= p),
    bytes that are no point of the curve (RFC 8032 section 5.1.3), and the eight points of small order, with
    either sign bit: for these one signature fits many messages, and libraries disagree about them.
    """
    if algorithm not in PUBLIC_KEY_SIZES:
        raise MalformedError(f"no signature algorithm is called {algorithm[:40]!r}")
    if len(public) != PUBLIC_KEY_SIZES[algorithm]:
        raise MalformedError(f"a public key for {algorithm} is {PUBLIC_KEY_SIZES[algorithm]} bytes, not {len(public)}")
    if algorithm == ED25519:
        _validate_point(public)


def _validate_point(encoded: bytes) -> None:
    y = int.from_bytes(encoded, "little") & (2**255 - 1)
    if y >= _PRIME:
        raise MalformedError("an Ed25519 public key is not in its one canonical form")
    if pow(_x_squared(y), (_PRIME - 1) // 2, _PRIME) not in (0, 1):  # Euler: then x**2 has no root
        raise MalformedError("an Ed25519 public key is no point of the curve")
    if _doubled(_doubled(_doubled(y))) == 1:  # 8P is the neutral point, the only one with y = 1
        raise MalformedError("an Ed25519 public key has small order: one signature would fit many messages")


def _x_squared(y: int) -> int:
    """By the curve, -x**2 + y**2 = 1 + d * x**2 * y**2. The divisor is never 0, for -1/d is no square."""
    return (y * y - 1) * pow(_D * y * y + 1, -1, _PRIME) % _PRIME


def _doubled(y: int) -> int:
    """The y of 2P from the y of P: doubling needs x only squared, so its sign does not matter."""
    xx, yy = _x_squared(y), y * y
    return (yy + xx) * pow(1 - _D * xx * yy, -1, _PRIME) % _PRIME


@lru_cache(maxsize=1024)
def _loaded(algorithm: str, public: bytes) -> PublicKey | None:
    """The key ready for use, or None for one that is refused. Kept: validating costs more than verifying."""
    try:
        validate_public_key(algorithm, public)
    except MalformedError:
        return None
    if algorithm == ED25519:
        return Ed25519PublicKey.from_public_bytes(public)
    return MLDSA44PublicKey.from_public_bytes(public)
