"""One page shown in a browser of this machine: served on the loopback address, at a path that nobody can guess."""

from __future__ import annotations

import secrets
import socket
from http.server import BaseHTTPRequestHandler, HTTPServer

LOOPBACK = "127.0.0.1"
PATIENCE = 10.0
"""Seconds for which a client may be silent: there is one at a time."""


class Viewer(HTTPServer):
    """Serves `page` at `url` and nothing else, to this machine alone; port 0 takes a free one."""

    def __init__(self, page: bytes, port: int = 0) -> None:
        self.page, self.path = page, f"/{secrets.token_urlsafe(16)}/report.html"
        super().__init__((LOOPBACK, port), _Handler)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_port}{self.path}"

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, address = super().get_request()
        connection.settimeout(PATIENCE)
        return connection, address

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away or fell silent is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Viewer

    def do_GET(self) -> None:
        own = self.headers.get("Host") == f"{LOOPBACK}:{self.server.server_port}"  # not by a name that leads here
        found = own and secrets.compare_digest(self.path.encode(), self.server.path.encode())
        body = self.server.page if found else b"no such thing"
        self.send_response(200 if found else 404)
        for name, value in (
            ("Content-Type", "text/html; charset=utf-8" if found else "text/plain"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing of a report's address is printed."""
