"""A real time-stamping authority on this machine: certificates made here, replies by `openssl ts`, served on loopback.

tsa = Authority(tmp_path)
reply = tsa.answer(request)              # openssl ts, its clock
reply = tsa.signed(request, at=moment)   # the same form at a chosen moment, by `openssl cms`
with served(tsa) as url: ...
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from custody.timestamp.token import Request

SECOND, DAY = 1_000_000_000, timedelta(days=1)
_CONFIG = """[tsa]
default_tsa = ours
[ours]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


def openssl(folder: Path, *words: str) -> None:
    """Run openssl; without it the test is skipped, or fails where EVIKIT_NO_SKIP is 1."""
    if shutil.which("openssl") is None:
        if os.environ.get("EVIKIT_NO_SKIP") == "1":
            pytest.fail("openssl is not installed, and EVIKIT_NO_SKIP is 1")
        pytest.skip("openssl is not installed")
    told = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (bytes([0x80 + len(size)]) + size if len(body) > 127 else size) + body


def integer(value: int) -> bytes:
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


class Authority:
    """A root, and an authority's certificate by it (P-256): valid from `begin` to `end`, for `usage`."""

    def __init__(
        self,
        folder: Path,
        name: str = "Invented Authority",
        *,
        begin: datetime | None = None,
        end: datetime | None = None,
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.TIME_STAMPING,
        critical: bool = True,
        root: bool = False,
    ) -> None:
        """`root`: the root is valid as long as the authority's certificate, else for ten years more on each side."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        begin, end = begin or datetime.now(UTC) - 365 * DAY, end or datetime.now(UTC) + 3650 * DAY
        longer = 0 * DAY if root else 3650 * DAY
        root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        self.root = self._certified(f"{name}: root", root_key, (begin - longer, end + longer), None)
        self.certificate = self._certified(name, key, (begin, end), (self.root.subject, root_key), usage, critical)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (folder / "key.pem").write_bytes(private)
        (folder / "tsa.pem").write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        (folder / "root.pem").write_text(self.pem)
        (folder / "openssl.cnf").write_text(_CONFIG.format(folder=folder))
        (folder / "serial").write_text("01")

    @staticmethod
    def _certified(
        name: str,
        key: ec.EllipticCurvePrivateKey,
        valid: tuple[datetime, datetime],
        by: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None,
        usage: x509.ObjectIdentifier | None = None,
        critical: bool = True,
    ) -> x509.Certificate:
        issuer, issuer_key = by or (named(name), key)
        made = x509.CertificateBuilder().subject_name(named(name)).issuer_name(issuer).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number()).not_valid_before(valid[0]).not_valid_after(valid[1])
        made = made.add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        if usage is not None:
            made = made.add_extension(x509.ExtendedKeyUsage([usage]), critical=critical)
        return made.sign(issuer_key, hashes.SHA256())

    @property
    def pem(self) -> str:
        """The root certificate."""
        return self.root.public_bytes(serialization.Encoding.PEM).decode()

    def answer(self, request: bytes, *words: str) -> bytes:
        """`openssl ts -reply`, at the time of its own clock."""
        (self.folder / "request").write_bytes(request)
        asked = ["ts", "-reply", "-config", "openssl.cnf", "-section", "ours", "-queryfile", "request"]
        openssl(self.folder, *asked, "-signer", "tsa.pem", "-inkey", "key.pem", *words, "-out", "reply")
        return (self.folder / "reply").read_bytes()

    def signed(self, request: bytes, at: int, accuracy: int | None = 1, **over: bytes) -> bytes:
        """A reply made at `at` (nanoseconds since 1970; whole seconds count), `accuracy` in seconds."""
        asked = Request.parse(request)
        kind = over.get("hash", bytes.fromhex("300d06096086480165030402010500"))  # SHA-256
        moment = datetime.fromtimestamp(at // SECOND, UTC)
        info = der(
            0x30,
            integer(1),
            der(0x06, bytes([0x2A, 3, 4, 1])),
            der(0x30, kind, der(0x04, over.get("imprint", asked.imprint))),
            integer(7),
            der(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode()),
            b"" if accuracy is None else der(0x30, integer(accuracy)),
            b"" if asked.nonce is None else integer(asked.nonce),
        )
        (self.folder / "info").write_bytes(info)
        content = ["-econtent_type", "1.2.840.113549.1.9.16.1.4", "-in", "info", "-outform", "DER", "-out", "token"]
        signer = ["-signer", "tsa.pem", "-inkey", "key.pem", "-md", "sha256"]
        openssl(self.folder, "cms", "-sign", "-binary", "-nodetach", "-nosmimecap", *content, *signer)
        return granted((self.folder / "token").read_bytes())


def granted(token: bytes) -> bytes:
    return der(0x30, der(0x30, integer(0)), token)


def refused(status: int, said: str = "no time today") -> bytes:
    """A reply without a token."""
    return der(0x30, der(0x30, integer(status), der(0x30, der(0x0C, said.encode()))))


def trust_file(path: Path, *authorities: Authority, **more: Any) -> Path:
    """A verifier's trust file that names these authorities."""
    path.write_text(json.dumps({"tsa_roots": [tsa.pem for tsa in authorities], **more}))
    return path


@contextmanager
def served(answer: Callable[[bytes], bytes | tuple[int, bytes]]) -> Iterator[str]:
    """An authority on the loopback address, by what it answers (bytes, or a status and bytes); its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            told = answer(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = told if isinstance(told, tuple) else (200, told)
            self.send_response(status)
            if status in (301, 302):
                self.send_header("Location", body.decode())
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/tsr"
        finally:
            server.shutdown()
            thread.join()
