"""Time-stamp tokens (RFC 3161): asked for, taken out of replies, verified against authorities that the verifier names.

What is time-stamped is a checkpoint's three-line body, so a token's imprint is the checkpoint's fingerprint. A token is
stored and carried as DER. Whether an authority's certificate was revoked is not asked: that needs a network.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    TimeStampTokenInfo,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)
from rfc3161_client._rust import parse_timestamp_request  # it writes requests, and has no public name for reading one

from custody.ledger.errors import CustodyError, MalformedError
from custody.timestamp.der import granted, in_order

MAX_REPLY = 64 * 1024
MAX_TOKEN = 45_000
"""Bytes: more would not fit into an entry (R4)."""
SECOND = 1_000_000_000
_COARSEST = 86_400 * SECOND
_SHA256 = "2.16.840.1.101.3.4.2.1"
_STATUS = ("granted", "granted with modifications", "rejection", "waiting", "revocation warning", "revoked")
_STRANGER = re.compile("issuer certificate|self.signed certificate")
_ASK = "Ask the authority again, or another one."
_FAULTS = (
    *(ValueError, KeyError, TypeError, AttributeError, OverflowError, VerificationError, UnsupportedAlgorithm),
    *(x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType),
)
"""What the library and `cryptography` raise for bytes that are no token."""


class TokenError(CustodyError):
    """A request, reply or token that is not what it should be."""

    def __init__(self, message: str, advice: str = _ASK) -> None:
        super().__init__(message, advice)


class StrangerError(TokenError):
    """The token may be good: its authority is none of those the verifier names."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a verified token says. Times in nanoseconds since 1970; `expires` is the authority's certificate's end."""

    at: int
    accuracy: int
    authority: str
    expires: int

    @property
    def earliest(self) -> int:
        return self.at - self.accuracy

    @property
    def latest(self) -> int:
        return self.at + self.accuracy


@dataclass(frozen=True, slots=True)
class Request:
    """A time-stamp request: its DER bytes, what it is over (SHA-256), and its nonce."""

    data: bytes
    imprint: bytes
    nonce: int | None

    @classmethod
    def make(cls, body: bytes) -> Request:
        """A request over SHA-256 of `body`, with a nonce of 64 random bits; it asks for the certificate."""
        made = TimestampRequestBuilder().data(body).hash_algorithm(HashAlgorithm.SHA256).build()
        return cls(made.as_bytes(), hashlib.sha256(body).digest(), made.nonce)

    @classmethod
    def parse(cls, data: bytes) -> Request:
        """TokenError for anything else."""
        try:
            found = parse_timestamp_request(data[:MAX_REPLY])
            return cls(data, bytes(found.message_imprint.message), found.nonce)
        except _FAULTS as error:
            raise TokenError(
                "that is no time-stamp request", "Name the file that `timestamp request` wrote."
            ) from error


def token_of(reply: bytes) -> bytes:
    """The token that a reply grants; TokenError says why there is none."""
    if len(reply) > MAX_REPLY:
        raise TokenError(f"the reply has more than {MAX_REPLY} bytes: no time-stamp is that long")
    try:
        found = decode_timestamp_response(in_order(reply))
        status, said = found.status, "; ".join(found.status_string)
        token = found.time_stamp_token() if status in (0, 1) else b""
    except _FAULTS as error:
        raise TokenError("that is no reply of a time-stamping authority that can be read") from error
    if not token:
        name = _STATUS[status] if status < len(_STATUS) else f"status {status}"
        raise TokenError(f"the authority granted no time-stamp: {name}" + (f" ({said[:200]})" if said else ""))
    if len(token) > MAX_TOKEN:
        raise TokenError(f"the time-stamp has {len(token)} bytes, more than the {MAX_TOKEN} that an entry can hold")
    return token


def imprint_of(token: bytes) -> bytes:
    """The SHA-256 value that a token is over; TokenError for another hash, or for what is no token."""
    try:
        imprint = _read(token).tst_info.message_imprint
        kind, value = imprint.hash_algorithm.dotted_string, bytes(imprint.message)
    except _FAULTS as error:
        raise TokenError("it cannot be read as a time-stamp") from error
    if kind != _SHA256:
        raise TokenError("it is over another hash than SHA-256")
    return value


def nonce_of(token: bytes) -> int | None:
    """The nonce in a token that `imprint_of` could read."""
    return _read(token).tst_info.nonce


def _read(token: bytes) -> TimeStampResponse:
    return decode_timestamp_response(granted(token))  # the library reads whole replies alone


@dataclass(frozen=True, slots=True)
class Authorities:
    """Whose time-stamps the verifier trusts: root certificates, those between, fingerprints of roots (hex)."""

    certificates: tuple[x509.Certificate, ...] = ()
    fingerprints: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, trust_file: bytes) -> Authorities:
        """The `tsa_roots` of a trust file (R18, R36): certificates in PEM, or the SHA-256 of one in hex."""
        listed = json.loads(trust_file).get("tsa_roots", [])
        if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
            raise MalformedError("not a trust file: tsa_roots is a list of PEM certificates or fingerprints")
        prints = {plain for item in listed if re.fullmatch("[0-9a-f]{64}", plain := item.lower().replace(":", ""))}
        certificates: list[x509.Certificate] = []
        for item in listed:
            if item.lower().replace(":", "") not in prints:
                try:
                    certificates += x509.load_pem_x509_certificates(item.encode())
                except _FAULTS as error:
                    raise MalformedError(
                        "not a trust file: one of tsa_roots is neither PEM nor 64 hex digits"
                    ) from error
        return cls(tuple(certificates), frozenset(prints))

    def __bool__(self) -> bool:
        return bool(self.certificates or self.fingerprints)

    def verify(self, token: bytes, imprint: bytes) -> Stamp:
        """What a token over `imprint` says; StrangerError where its authority is not one of these, else TokenError.

        The certificate must be for time-stamping alone by its critical extension, and valid when the token was made.
        """
        if imprint_of(token) != imprint:
            raise TokenError("it is over something else than this checkpoint", "Keep reply and request together.")
        try:
            reply = _read(token)
            carried = [x509.load_der_x509_certificate(data) for data in reply.signed_data.certificates]
            signer = _signer(reply, carried)
        except _FAULTS as error:
            raise TokenError("its certificates cannot be read") from error
        roots = [c for c in self.certificates if c.issuer == c.subject]
        roots += [c for c in carried if c.fingerprint(SHA256()).hex() in self.fingerprints]
        if not roots:
            raise _stranger(signer)
        between = [c for c in self.certificates if c.issuer != c.subject]
        try:
            VerifierBuilder(roots=roots, intermediates=between).build().verify(reply, imprint)
            return _stamp(reply.tst_info, signer)
        except _FAULTS as error:
            raise _explained(f"{error}", signer) from error


def _signer(reply: TimeStampResponse, carried: Sequence[x509.Certificate]) -> x509.Certificate:
    (info,) = reply.signed_data.signer_infos  # ValueError unless there is exactly one
    found = [c for c in carried if (c.issuer, c.serial_number) == (info.issuer, info.serial_number)]
    if not found:
        raise TokenError("it does not carry its authority's certificate", "Ask again: the request asks for it.")
    return found[0]


def _stamp(info: TimeStampTokenInfo, signer: x509.Certificate) -> Stamp:
    """Fractions of a second are not read, so a second is added to the accuracy that the token states."""
    stated, accuracy = info.accuracy, SECOND
    if stated is not None:
        parts = (stated.seconds, stated.millis, stated.micros)
        accuracy += sum((part or 0) * unit for part, unit in zip(parts, (SECOND, 1_000_000, 1_000), strict=True))
        if not any(part is not None for part in parts):  # the library gives up on seconds above 2^128
            accuracy = _COARSEST
    if accuracy >= _COARSEST:
        raise TokenError("it is less accurate than a day: it says nothing")
    if not 1970 <= info.gen_time.year < 9999:
        raise TokenError(f"it says that it was made in the year {info.gen_time.year}")
    at, end = (int(moment.timestamp()) * SECOND for moment in (info.gen_time, signer.not_valid_after_utc))
    return Stamp(at, accuracy, _name(signer), end)


def _name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string()[:200]


def _stranger(signer: x509.Certificate) -> StrangerError:
    return StrangerError(
        f"it is by an authority that you do not name: {_name(signer)}", "Add its root certificate to your trust file."
    )


def _explained(said: str, signer: x509.Certificate) -> TokenError:
    """What the library found, in a line: it hands on OpenSSL's words."""
    if _STRANGER.search(said):
        return _stranger(signer)
    if found := re.search('Verify error: ([^"]+)"', said):
        return TokenError(f"its authority's certificate does not hold: {found[1]} ({_name(signer)})")
    if "pkcs7" in said:
        return TokenError("its signature does not fit")
    return TokenError(f"it does not verify: {said[:200].rstrip('.')}")
