"""A witness over HTTP on this machine, and asking one: a bundle goes there, its checkpoint comes back cosigned.

POST /cosign with a bundle: 200 and the cosigned checkpoint; 409 and the proof of two histories; 422 and one line that
says why nothing is signed. GET /key: NAME+KEY. One request after another, so a head is never judged beside another.
"""

from __future__ import annotations

import socket
import time
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

from custody.fraud import compare, load_proof
from custody.ledger.bundle import MAX_BUNDLE, decode_bundle
from custody.ledger.errors import CustodyError, IntegrityError, MalformedError
from custody.ledger.note import parse_note
from custody.witness import ForkError, Witness, cosigned_at

LOOPBACK = "127.0.0.1"
PATIENCE = 30
"""Seconds for which neither side waits for a byte of the other."""
_MAX_REPLY = 2 * MAX_BUNDLE


class Server(HTTPServer):
    """Serves one witness on the loopback address; port 0 takes a free one."""

    def __init__(self, witness: Witness, port: int = 0, patience: float = PATIENCE) -> None:
        self.witness, self.patience = witness, patience
        super().__init__((LOOPBACK, port), _Handler)

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, address = super().get_request()
        connection.settimeout(self.patience)  # who sends nothing must not shut out all others
        return connection, address

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away or fell silent is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self._answer(*((200, self.server.witness.key.encode()) if self.path == "/key" else (404, b"no such thing")))

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self.path != "/cosign":
            self._answer(404, b"no such thing")
        elif not length.isascii() or not length.isdigit() or int(length) > MAX_BUNDLE + 1:
            self._answer(413, b"no bundle: its length is not said, or is more than any bundle's")
        else:
            self._answer(*self._cosigned(self.rfile.read(int(length))))

    def _cosigned(self, data: bytes) -> tuple[int, bytes]:
        try:
            return 200, self.server.witness.cosign(data, int(time.time())).note
        except ForkError as fork:
            return 409, fork.proof
        except CustodyError as error:
            return 422, f"{error}".encode("utf-8", "backslashreplace")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: whoever asks is no one else's business."""


def ask(url: str, key: str, data: bytes, patience: float = PATIENCE) -> bytes:
    """The bundle's checkpoint, cosigned by the witness of this key (NAME+KEY) at `url`; all of it verified here.

    CustodyError: no answer in time, a refusal, an answer of another key or for another head. ForkError: it holds a
    head of another history, and its proof, checked here, is `proof`.
    """
    if not url.startswith(("http://", "https://")):
        raise CustodyError(f"{url!r} is no address of a witness", "Write http://127.0.0.1:PORT.")
    head = parse_note(str(decode_bundle(data)["checkpoint"]).encode()).checkpoint
    status, body = _posted(f"{url.rstrip('/')}/cosign", data, patience)
    if status == 409:
        if compare(*load_proof(body)) is None:
            raise IntegrityError("the witness claims two histories and does not prove it", "Ask its keeper.")
        raise ForkError("the witness holds a head of another history", "Keep the proof and find out why.", body)
    if status != 200:
        raise CustodyError(f"the witness does not sign: {body[:300].decode('utf-8', 'replace')}", "Ask its keeper.")
    try:
        answered = parse_note(body).checkpoint
    except MalformedError as error:
        raise CustodyError(f"the witness's answer is no checkpoint: {error}", "Ask its keeper.") from error
    if answered != head:
        raise CustodyError(
            f"the witness answered for another head (of {answered.size} entries, not {head.size})", "Ask again."
        )
    if cosigned_at(body, key) is None:
        raise IntegrityError("the answer is not signed by the witness you named", "Compare name and key with it.")
    return body


def _posted(url: str, data: bytes, patience: float) -> tuple[int, bytes]:
    try:
        request = Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - its scheme is examined above
        with build_opener(ProxyHandler({})).open(request, timeout=patience) as reply:
            return reply.status, reply.read(_MAX_REPLY)
    except HTTPError as error:
        return error.code, error.read(_MAX_REPLY)
    except TimeoutError as error:
        raise CustodyError(f"the witness did not answer within {patience:g} seconds", "Ask again later.") from error
    except (URLError, HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise CustodyError(
            f"the witness at {url} cannot be asked: {reason}", "Check the address; ask again."
        ) from error
