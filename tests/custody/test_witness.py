"""A witness signs growth alone; two histories are written out as a proof that a stranger can check."""

from __future__ import annotations

import http.client
import http.server
import json
import shutil
import socket
import socketserver
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from custody.fraud import compare, dump_proof, load_proof
from custody.ledger.disclosure import compose_bundle
from custody.ledger.errors import CustodyError, IntegrityError, LedgerBusyError
from custody.ledger.store import Ledger
from custody.witness import ForkError, Witness, cosigned_at
from custody.witness_http import Server, ask
from tests.kit import World, entry_key

NAME = "court.example/witness"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "lab")
    world.access(world.exhibit("AH/1"))
    return world


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "w" / "witnessed.sqlite", NAME, entry_key(9).private)


def forked(world: World, folder: Path) -> World:
    """The same ledger, to be continued in another way with the same keys."""
    folder.mkdir()
    world.ledger.close()
    shutil.copy(world.path, folder / "ledger.sqlite")
    other = object.__new__(World)
    other.path, other.examiner, other.keys, other.time = (
        folder / "ledger.sqlite",
        world.examiner,
        world.keys,
        world.time,
    )
    other.ledger = Ledger.open(other.path, writable=True)
    world.ledger = Ledger.open(world.path, writable=True)
    return other


def released(world: World, *since: int) -> bytes:
    world.close()
    return compose_bundle(world.ledger, since=since)


def test_growth_is_signed_and_remembered(world: World, witness: Witness) -> None:
    first = witness.cosign(released(world), 1_800_000_000)
    assert (first.before, first.size) == (0, world.ledger.size)
    assert cosigned_at(first.note, witness.key) == 1_800_000_000
    second = witness.cosign(released(world), 1_800_000_100)
    assert (second.before, second.size) == (first.size, world.ledger.size)
    assert cosigned_at(second.note, f"other+{witness.key.partition('+')[2]}") is None


def test_the_same_head_twice_gives_the_same_bytes(world: World, witness: Witness) -> None:
    data = released(world)
    assert witness.cosign(data, 1_800_000_000).note == witness.cosign(data, 1_900_000_000).note


def test_an_older_head_is_refused(world: World, witness: Witness) -> None:
    old, new = released(world), released(world)
    witness.cosign(new, 1_800_000_000)
    with pytest.raises(IntegrityError, match="older than the one of"):
        witness.cosign(old, 1_800_000_001)


@pytest.mark.parametrize("longer", [False, True])
def test_another_history_is_refused_and_proved(world: World, witness: Witness, tmp_path: Path, longer: bool) -> None:
    other = forked(world, tmp_path / "fork")
    world.add("note", 0, {"text": "as it was"})
    other.add("note", 0, {"text": "as it suits"})
    size = witness.cosign(released(world), 1_800_000_000).size
    false = released(other)
    if longer:
        other.add("note", 0, {"text": "more"})
        false = released(other, size)
    with pytest.raises(ForkError, match="two histories") as caught:
        witness.cosign(false, 1_800_000_001)
    note, data = load_proof(caught.value.proof)
    found = compare(note, data)
    assert found is not None
    assert found.size == size
    assert len(set(found.roots)) == 2
    assert witness.cosign(released(world), 1_800_000_002).before == size, "what was seen last stays"


def test_a_bundle_that_does_not_prove_growth_is_not_signed(world: World, witness: Witness, tmp_path: Path) -> None:
    data = released(world)
    witness.cosign(data, 1_800_000_000)
    body = json.loads(released(world))
    body["older"] = []
    bare = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    with pytest.raises(CustodyError, match="proves no head of"):
        witness.cosign(bare, 1_800_000_001)
    with pytest.raises(IntegrityError, match="does not verify"):
        witness.cosign(data[:-9], 1_800_000_001)
    with pytest.raises(IntegrityError, match="does not verify"):
        compare(b"", data[:-9])


def test_one_history_is_no_fraud_and_what_proves_nothing_is_refused(world: World, tmp_path: Path) -> None:
    note = world.close()
    data = released(world)
    assert compare(note, data) is None
    stranger = World(tmp_path / "other", keys=5)
    with pytest.raises(CustodyError, match="another ledger"):
        compare(stranger.close(), data)
    with pytest.raises(CustodyError, match="no checkpoint"):
        compare(b"x", data)
    unsigned = note.replace(b"\n\xe2\x80\x94 lab.example", b"\n\xe2\x80\x94 lab.elsewhere")
    with pytest.raises(IntegrityError, match="not signed with the ledger's keys"):
        compare(unsigned, data)
    assert load_proof(dump_proof(note, data)) == (note, data)
    for junk in (b"", b"{}", b"[]", b'{"bundle":"","checkpoint":"","format":"x"}'):
        with pytest.raises(CustodyError, match="no proof of two histories"):
            load_proof(junk)


def test_a_memory_that_is_damaged_or_held_signs_nothing(world: World, witness: Witness, monkeypatch: Any) -> None:
    data = released(world)
    witness.store.parent.mkdir()
    witness.store.write_bytes(b"no database" * 1000)
    with pytest.raises(IntegrityError, match="is damaged"):
        witness.cosign(data, 1_800_000_000)
    witness.store.unlink()
    whole = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **options: whole(path, **{**options, "timeout": 0.01}))
    holder = whole(witness.store, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerBusyError, match="cannot be written"):
        witness.cosign(data, 1_800_000_000)
    holder.execute("ROLLBACK")
    holder.close()
    assert witness.cosign(data, 1_800_000_000).before == 0


@pytest.mark.parametrize("key", ["", "a", "a+b", "a+" + "A" * 43 + "="])
def test_what_is_no_witnesss_key(key: str, world: World) -> None:
    with pytest.raises(CustodyError, match="no witness's key"):
        cosigned_at(world.close(), key)


def test_a_cosignature_is_looked_for_in_checkpoints_alone(witness: Witness) -> None:
    with pytest.raises(CustodyError, match="no checkpoint"):
        cosigned_at(b"x", witness.key)


# --- over HTTP ---------------------------------------------------------------------------------------------


@pytest.fixture
def served(witness: Witness) -> Iterator[str]:
    with Server(witness, patience=5) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_witness_over_http_signs_growth_and_proves_a_fork(
    world: World, witness: Witness, served: str, tmp_path: Path
) -> None:
    data, other = released(world), forked(world, tmp_path / "fork")
    note = ask(served, witness.key, data)
    assert ask(served, witness.key, data) == note, "asked twice"
    world.add("note", 0, {"text": "as it was"})
    other.add("note", 0, {"text": "as it suits"})
    assert cosigned_at(ask(served, witness.key, released(world)), witness.key)
    with pytest.raises(ForkError) as caught:
        ask(served, witness.key, released(other))
    assert compare(*load_proof(caught.value.proof)) is not None
    with pytest.raises(CustodyError, match="older than the one of"):
        ask(served, witness.key, data)
    with pytest.raises(IntegrityError, match="not signed by the witness you named"):
        ask(served, "other" + witness.key, released(world))


def answering(status: int, body: bytes) -> socketserver.BaseRequestHandler:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    return Answer  # type: ignore[return-value]


@contextmanager
def false_witness(status: int, body: bytes) -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), answering(status, body)) as server:  # type: ignore[arg-type]
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        thread.join()


def test_false_answers_are_refused(world: World, witness: Witness) -> None:
    old, data = released(world), released(world)
    older = witness.cosign(old, 1_800_000_000).note
    proof = dump_proof(world.ledger.notes()[-1], data)
    for status, body, said in (
        (200, older, "answered for another head"),
        (200, b"yes", "is no checkpoint"),
        (500, b"broken", "does not sign: broken"),
        (409, proof, "does not prove it"),
        (409, b"", "no proof of two histories"),
    ):
        with false_witness(status, body) as url, pytest.raises(CustodyError, match=said):
            ask(url, witness.key, data)


def test_a_witness_that_is_slow_or_not_there(world: World, witness: Witness) -> None:
    data = released(world)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(CustodyError, match="did not answer within"):
            ask(url, witness.key, data, patience=0.2)
    with pytest.raises(CustodyError, match="cannot be asked"):
        ask(url, witness.key, data)
    with pytest.raises(CustodyError, match="no address of a witness"):
        ask("file:///etc/passwd", witness.key, data)


def test_the_server_refuses_what_is_no_request(served: str, witness: Witness) -> None:
    port = int(served.rpartition(":")[2])
    for method, path, headers, status in (
        ("GET", "/key", {}, 200),
        ("GET", "/", {}, 404),
        ("POST", "/", {"Content-Length": "0"}, 404),
        ("POST", "/cosign", {"Content-Length": "9" * 30}, 413),
        ("POST", "/cosign", {"Content-Length": "-1"}, 413),
        ("POST", "/cosign", {"Content-Length": "0"}, 422),
    ):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.putrequest(method, path)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        reply = connection.getresponse()
        assert (reply.status, bool(reply.read())) == (status, True), path
        connection.close()
