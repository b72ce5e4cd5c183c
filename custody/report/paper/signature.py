"""A signed PDF (PAdES, ETSI EN 319 142-1), by pyHanko: by a certificate of the case's own authority, or by one given.

The case's own authority is a P-256 key and certificate in the key store ($EVIKIT_HOME), sealed with the passphrase of
who made it. It vouches for a name within this case and for nothing else: who relies on it must have its certificate,
or its SHA-256, by another way. Each document gets a key of its own, which nobody keeps.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from cryptography.x509.oid import NameOID

from custody.durable import write_durably
from custody.keys import open_certificate_key, seal_private_key
from custody.ledger.entry import Json
from custody.ledger.errors import CustodyError, KeyLockedError
from custody.timestamp.fetch import fetch

if TYPE_CHECKING:
    from asn1crypto import tsp
    from pyhanko.sign.timestamps import TimeStamper
    from pyhanko.sign.validation.status import PdfSignatureStatus

logging.getLogger("pyhanko").addHandler(logging.NullHandler())  # what it finds is told by us, in one line
logging.getLogger("pyhanko_certvalidator").addHandler(logging.NullHandler())

LIFE = timedelta(days=3652)
FIELD = "Signature"


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who signs: the private key and its certificate, then those up to the root (DER). `root` is the last of them."""

    key: bytes
    certificate: bytes
    chain: tuple[bytes, ...]

    @property
    def root(self) -> bytes:
        return (self.certificate, *self.chain)[-1]

    def described(self) -> dict[str, Json]:
        """What the ledger keeps of it: the SHA-256 of both ends of the chain."""
        return {"certificate": sha256(self.certificate).hexdigest(), "root": sha256(self.root).hexdigest()}


# --- the case's own authority -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Authority:
    """Who may sign for a case: its key store, the id of its ledger (hex), its number and agency."""

    home: Path
    ledger: str
    number: str
    agency: str

    def _file(self, suffix: str) -> Path:
        return self.home / "keys" / f"{self.ledger[:32]}.authority.{suffix}"

    def signatory(self, name: str, passphrase: str) -> Signatory:
        """A new key and certificate for `name`. KeyLockedError where the passphrase does not open the authority."""
        private, root = self._open(passphrase) if self._file("pem").exists() else self._make(passphrase)
        key = ec.generate_private_key(ec.SECP256R1())
        issued = (
            _certificate(_name(name, self.agency), root.subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signing=True), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(private.public_key()), critical=False)
            .sign(private, SHA256())
        )
        return Signatory(_private(key), issued.public_bytes(Encoding.DER), (root.public_bytes(Encoding.DER),))

    def _make(self, passphrase: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        private = ec.generate_private_key(ec.SECP256R1())
        subject = _name(f"Case {self.number}: reports", self.agency)
        root = (
            _certificate(subject, subject, private.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signing=False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
            .sign(private, SHA256())
        )
        self._file("pem").parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_durably(self._file("crt"), root.public_bytes(Encoding.PEM))
        write_durably(self._file("pem"), seal_private_key(private, passphrase))
        return private, root

    def _open(self, passphrase: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        private = open_certificate_key(self._file("pem").read_bytes(), passphrase)
        try:
            root = x509.load_pem_x509_certificate(self._file("crt").read_bytes())
        except (OSError, ValueError) as error:
            raise KeyLockedError(
                f"the certificate {self._file('crt')} is unreadable", "Restore it from a backup."
            ) from error
        if root.public_key() != private.public_key():
            raise KeyLockedError(f"{self._file('crt')} is of another key", "Restore it from a backup.")
        return private, root


def _name(common: str, agency: str) -> x509.Name:
    """A part of a name has room for 64 bytes at most (the library counts bytes; RFC 5280, appendix A, characters)."""
    parts = [(NameOID.COMMON_NAME, common), (NameOID.ORGANIZATION_NAME, agency)]
    return x509.Name(
        [x509.NameAttribute(oid, text.encode()[:64].decode(errors="ignore")) for oid, text in parts if text]
    )


def _certificate(subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        issuer, subject, public, x509.random_serial_number(), now - timedelta(minutes=5), now + LIFE
    )


def _usage(*, signing: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signing, content_commitment=signing, key_cert_sign=not signing, crl_sign=not signing,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _private(key: Any) -> bytes:
    return bytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def from_pkcs12(data: bytes, passphrase: str) -> Signatory:
    """Who a PKCS#12 file (.p12, .pfx) holds the key and certificate of. KeyLockedError where it does not open."""
    try:
        found = pkcs12.load_pkcs12(data, passphrase.encode())
    except ValueError:
        raise KeyLockedError(
            "the passphrase does not open this PKCS#12 file (or it is none)", "Try the passphrase again."
        ) from None
    if found.key is None or found.cert is None:
        raise CustodyError("the PKCS#12 file holds no key with its certificate", "Export both into one file.")
    chain = _in_order(found.cert.certificate, [item.certificate for item in found.additional_certs])
    return Signatory(
        _private(found.key),
        found.cert.certificate.public_bytes(Encoding.DER),
        tuple(item.public_bytes(Encoding.DER) for item in chain),
    )


def _in_order(first: x509.Certificate, others: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """The issuers of `first` one after the other; others are left out."""
    chain: list[x509.Certificate] = []
    waiting, last = list(others), first
    while issuer := next(
        (item for item in waiting if item.subject == last.issuer and last.issuer != last.subject), None
    ):
        chain.append(issuer)
        waiting.remove(issuer)
        last = issuer
    return chain


def pem(certificate: bytes) -> bytes:
    """A certificate (DER) as the text file that other programs take."""
    return x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)


def der(certificate: x509.Certificate) -> bytes:
    """The other way round."""
    return certificate.public_bytes(Encoding.DER)


# --- signing and reading ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stamping:
    """A time-stamping authority to ask, and the root certificates (DER) that its token must lead to."""

    url: str
    roots: tuple[bytes, ...]


def sign(pdf: bytes, signatory: Signatory, *, reason: str, stamping: Stamping | None = None) -> bytes:
    """The PDF with a signature over all of it, and in that a time-stamp, if an authority is named.

    It is read back before it is given out: CustodyError unless it verifies up to the signatory's own root.
    """
    from asn1crypto import keys
    from asn1crypto import x509 as asn1
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.sign import PdfSignatureMetadata, PdfSigner
    from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
    from pyhanko.sign.general import SigningError
    from pyhanko.sign.signers import SimpleSigner
    from pyhanko.sign.timestamps import TimestampRequestError
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    for item in signatory.chain:
        store.register(asn1.Certificate.load(item))
    signer = SimpleSigner(asn1.Certificate.load(signatory.certificate), keys.PrivateKeyInfo.load(signatory.key), store)
    about = PdfSignatureMetadata(
        FIELD, md_algorithm="sha256", reason=reason, subfilter=SigSeedSubFilter.PADES, certify=True,
        docmdp_permissions=MDPPerm.FILL_FORMS,
    )  # fmt: skip
    stamper = _stamper(stamping.url) if stamping is not None else None
    signed = io.BytesIO()
    try:
        PdfSigner(about, signer, timestamper=stamper).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), output=signed)
    except (PdfError, SigningError, TimestampRequestError, ValueError) as error:
        raise CustodyError(f"the PDF cannot be signed: {error}", "Check the certificate and the authority.") from error
    data = signed.getvalue()
    if (problem := problem_of(data, [signatory.root, *(stamping.roots if stamping else ())])) is not None:
        raise CustodyError(
            f"the PDF was signed, but the signature does not verify: {problem}", "Use another certificate."
        )
    return data


def _stamper(url: str) -> TimeStamper:
    from asn1crypto import tsp
    from pyhanko.sign.timestamps import TimeStamper

    class Asked(TimeStamper):
        """Asks as the rest of the kit does: a bounded reply, in bounded time."""

        async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
            return tsp.TimeStampResp.load(fetch(url, req.dump()))

    return Asked()  # type: ignore[no-untyped-call]


def problem_of(pdf: bytes, roots: Sequence[bytes]) -> str | None:
    """Why the one signature in a PDF does not hold for who trusts `roots` (DER), or None: it does, over all bytes."""
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation.errors import SignatureValidationError

    try:
        signatures = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
        return _doubt(_status(signatures[0], roots)) if len(signatures) == 1 else f"it has {len(signatures)} signatures"
    except (PdfError, SignatureValidationError, ValueError, TypeError, KeyError, IndexError) as error:
        return f"it cannot be read as a signed PDF: {error}"  # bytes of anybody: the libraries tell in many ways


def _status(signature: Any, roots: Sequence[bytes]) -> PdfSignatureStatus:
    from asn1crypto import x509 as asn1
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko.sign.validation.settings import KeyUsageConstraints
    from pyhanko_certvalidator import ValidationContext

    context = ValidationContext(trust_roots=[asn1.Certificate.load(root) for root in roots], allow_fetching=False)
    usage = KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"}, match_all_key_usages=False)
    return validate_pdf_signature(signature, context, key_usage_settings=usage)


def _doubt(status: PdfSignatureStatus) -> str | None:
    from pyhanko.sign.validation.status import SignatureCoverageLevel

    if status.coverage is not SignatureCoverageLevel.ENTIRE_FILE:
        return "something was added after it was signed"
    return None if status.bottom_line else status.summary()
