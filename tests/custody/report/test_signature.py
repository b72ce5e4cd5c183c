"""Signed PDFs: by the case's own authority or a certificate given; every edit afterwards is found."""

from __future__ import annotations

import io
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from custody.ledger.errors import CustodyError, KeyLockedError
from custody.report.paper import signature as signing
from custody.report.paper.signature import Authority, Signatory, Stamping, from_pkcs12, problem_of, sign
from custody.report.paper.typeset import render
from tests import authority as stamps
from tests.custody.report.test_paper import CONTENT, FILES

AGENCY = "Агенција Ђ"


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return render(CONTENT, FILES)


@pytest.fixture
def home(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "home", "ab" * 32, "KO-17/2026", AGENCY)


@pytest.fixture
def signed(pdf: bytes, home: Authority) -> tuple[bytes, Signatory]:
    who = home.signatory("Ana Kovač", "four words")
    return sign(pdf, who, reason="report"), who


def test_it_verifies_up_to_its_root_and_to_no_other(signed: tuple[bytes, Signatory], home: Authority) -> None:
    data, who = signed
    other = Authority(home.home, "cd" * 32, "KO-18/2026", AGENCY).signatory("Ana Kovač", "four words")
    assert problem_of(data, [who.root]) is None
    for roots in ([], [other.root]):
        assert "UNTRUSTED" in str(problem_of(data, roots))


def test_poppler_reads_it(signed: tuple[bytes, Signatory], tmp_path: Path) -> None:
    (tmp_path / "s.pdf").write_bytes(signed[0])
    told = subprocess.run(["pdfsig", tmp_path / "s.pdf"], capture_output=True, text=True, check=True).stdout
    for words in ("Signature is Valid", "Total document signed", "ETSI.CAdES.detached", "CN=Ana Kovač", f"O={AGENCY}"):
        assert words in told


def test_any_changed_byte_that_is_signed_is_found(signed: tuple[bytes, Signatory]) -> None:
    data, who = signed
    (start, length, second, rest) = map(int, re.search(rb"/ByteRange\s*\[(\d+) (\d+) (\d+) (\d+)", data).groups())  # type: ignore[union-attr]
    assert second + rest == len(data)
    for place in (*range(start + 9, length, length // 12), *range(second + 1, len(data), rest // 6)):
        changed = bytearray(data)
        changed[place] ^= 1
        assert problem_of(bytes(changed), [who.root]) is not None, place


def test_what_is_added_after_signing_is_found(signed: tuple[bytes, Signatory]) -> None:
    data, who = signed
    assert "added" in str(problem_of(data + b"\n% more\n", [who.root]))
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    writer.root["/Lang"] = writer.root["/Lang"] if "/Lang" in writer.root else writer.root["/Type"]
    writer.update_root()
    grown = io.BytesIO()
    writer.write(grown)
    assert "added" in str(problem_of(grown.getvalue(), [who.root]))


def test_what_is_no_signed_pdf_is_told(pdf: bytes, signed: tuple[bytes, Signatory]) -> None:
    root = signed[1].root
    assert problem_of(pdf, [root]) == "it has 0 signatures"
    assert "cannot be read" in str(problem_of(b"nothing", [root]))


def test_the_authority_is_kept_sealed_and_used_again(home: Authority) -> None:
    first, second = (home.signatory(name, "four words") for name in ("Ana", "Bora"))
    assert first.root == second.root
    assert first.key != second.key
    files = {path.name: path for path in (home.home / "keys").iterdir()}
    assert set(files) == {f"{'ab' * 16}.authority.pem", f"{'ab' * 16}.authority.crt"}
    assert b"ENCRYPTED" in files[f"{'ab' * 16}.authority.pem"].read_bytes()
    with pytest.raises(KeyLockedError, match="does not open"):
        home.signatory("Ana", "other words")


def test_a_foreign_or_damaged_certificate_of_the_authority_is_refused(home: Authority) -> None:
    home.signatory("Ana", "four words")
    kept = home.home / "keys" / f"{'ab' * 16}.authority.crt"
    other = Authority(home.home, "cd" * 32, "K", "")
    kept.write_bytes(signing.pem(other.signatory("Ana", "four words").root))
    with pytest.raises(KeyLockedError, match="another key"):
        home.signatory("Ana", "four words")
    kept.write_bytes(b"nothing")
    with pytest.raises(KeyLockedError, match="unreadable"):
        home.signatory("Ana", "four words")


def test_long_names_fit_a_certificate(home: Authority, pdf: bytes) -> None:
    who = Authority(home.home, "ef" * 32, "K" * 200, "A" * 200).signatory("Ж" * 200, "four words")
    assert problem_of(sign(pdf, who, reason="r"), [who.root]) is None


def certified(name: str, key: ec.EllipticCurvePrivateKey, by: x509.Certificate | None = None,
              by_key: ec.EllipticCurvePrivateKey | None = None, days: int = 30) -> x509.Certificate:  # fmt: skip
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    issuer, begin, end = by.subject if by else subject, now - timedelta(days=40), now + timedelta(days=days)
    made = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number(), begin, end)
    made = made.add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
    if by is not None:
        made = made.add_extension(signing._usage(signing=True), critical=True)
    return made.sign(by_key or key, hashes.SHA256())


def exported(days: int = 30, *, whole: bool = True) -> bytes:
    root_key, key, stray = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    root = certified("Invented Root", root_key)
    leaf = certified("Office of Reports", key, root, root_key, days)
    others = [certified("Stray", stray), root]
    return pkcs12.serialize_key_and_certificates(
        b"x", key if whole else None, leaf if whole else None, others, BestAvailableEncryption(b"export words")
    )


def test_a_certificate_given_signs_with_its_chain_in_order(pdf: bytes) -> None:
    who = from_pkcs12(exported(), "export words")
    assert len(who.chain) == 1, "the stray one is left out"
    assert problem_of(sign(pdf, who, reason="r"), [who.root]) is None
    assert set(who.described()) == {"certificate", "root"}


def test_what_opens_no_certificate_is_refused(pdf: bytes) -> None:
    with pytest.raises(KeyLockedError, match="PKCS#12"):
        from_pkcs12(exported(), "other words")
    with pytest.raises(KeyLockedError, match="PKCS#12"):
        from_pkcs12(b"nothing", "export words")
    with pytest.raises(CustodyError, match="no key"):
        from_pkcs12(exported(whole=False), "export words")


def test_an_expired_certificate_signs_nothing(pdf: bytes) -> None:
    with pytest.raises(CustodyError, match=r"cannot be signed|does not verify"):
        sign(pdf, from_pkcs12(exported(days=-1), "export words"), reason="r")


def test_a_time_stamp_is_asked_for_and_must_lead_to_a_root_of_ours(home: Authority, pdf: bytes, tmp_path: Path) -> None:
    tsa = stamps.Authority(tmp_path / "tsa")
    who = home.signatory("Ana", "four words")
    with stamps.served(tsa.answer) as url:
        data = sign(pdf, who, reason="r", stamping=Stamping(url, (signing.der(tsa.root),)))
        with pytest.raises(CustodyError, match="does not verify"):
            sign(pdf, who, reason="r", stamping=Stamping(url, ()))
    (embedded,) = PdfFileReader(io.BytesIO(data)).embedded_signatures
    assert "signature_time_stamp_token" in str(embedded.signer_info["unsigned_attrs"].native)
    with pytest.raises(CustodyError, match="cannot be asked"):
        sign(pdf, who, reason="r", stamping=Stamping("http://127.0.0.1:9/", (signing.der(tsa.root),)))


def test_nothing_secret_stands_in_the_pdf(signed: tuple[bytes, Signatory]) -> None:
    data, who = signed
    assert who.key not in data
    assert not re.search(rb"four words|/work", data)
