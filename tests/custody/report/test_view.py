"""The report on the loopback address: itself at its own path, and nothing else to anybody."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator

import pytest

from custody.report.view import LOOPBACK, Viewer


@pytest.fixture
def viewer() -> Iterator[Viewer]:
    with Viewer(b"<p>page</p>") as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def asked(viewer: Viewer, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(LOOPBACK, viewer.server_port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def test_the_page_stands_at_its_own_path_on_this_machine_alone(viewer: Viewer) -> None:
    assert viewer.server_address[0] == LOOPBACK
    assert viewer.url.startswith(f"http://{LOOPBACK}:{viewer.server_port}/")
    assert asked(viewer, viewer.path) == (200, b"<p>page</p>")


def test_nothing_else_is_served(viewer: Viewer) -> None:
    for path in ("/", "/report.html", "/report.pdf", "/../bundle.json", f"{viewer.path}x", "/%00"):
        assert asked(viewer, path)[0] == 404, path
    assert asked(viewer, viewer.path, Host="rebound.example")[0] == 404
    assert asked(viewer, viewer.path, "POST")[0] == 501
    assert Viewer(b"").path != viewer.path
