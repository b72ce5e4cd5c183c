"""Ledgers in the tests' own PostgreSQL server, each in a schema of its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from custody.ledger.audit import audit
from custody.ledger.postgres import PostgresSchema
from custody.ledger.store import Ledger
from custody.ledger.verdict import Trust
from tests.kit import World
from tests.postgres_server import OWNER, WRITER, Server


@pytest.fixture
def url(server: Server) -> str:
    """The owner's URL of a schema that nobody has made yet."""
    return server.url(OWNER, f"c{secrets.token_hex(4)}")


@pytest.fixture
def world_there(url: str) -> Iterator[World]:
    made = World(url)
    yield made
    made.ledger.close()


def name_of(url: str) -> str:
    return url.partition("#")[2]


def as_writer(server: Server, url: str) -> str:
    """The same ledger as the role that may only add to it sees it."""
    PostgresSchema(url).grant(WRITER)
    return server.url(WRITER, name_of(url))


def filled(world: World) -> World:
    """0 genesis, 1 exhibit, 2 begin, 3 end, 4 closing, 5 exhibit, 6 note."""
    world.access(world.exhibit("AH/1"))
    world.close()
    world.exhibit("AH/2")
    world.add("note", 0, {"text": "a name", "kind": "observation"})
    return world


def intact(address: Path | str) -> int:
    """The size of a ledger that its own audit finds nothing wrong with."""
    with Ledger.open(address, writable=False) as ledger:
        verdict = audit(ledger, Trust())
        assert not verdict.failed, verdict.failed
        assert verdict.size == ledger.size
        return ledger.size
