"""How parser tests read bytes."""

from __future__ import annotations

import lzma
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from forensics.model import Artefact, Location, Problem
from forensics.parsers import PARSERS, Parser, ParserInput
from forensics.parsers.windows.registry import PARSER as REGISTRY
from tests.conftest import Fetch

Source = Callable[..., ParserInput]
Read = Callable[..., list[Artefact | Problem]]


def nanoseconds(text: str) -> int:
    """An ISO 8601 time with an offset as nanoseconds UTC."""
    since = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000


@pytest.fixture(scope="session")
def at() -> Callable[[str], int]:
    return nanoseconds


@pytest.fixture(scope="session")
def source() -> Source:
    def make(
        data: bytes, *, zone: str | None = None, reference: str | None = "2026-03-20T12:00:00+00:00", name: str = "log"
    ) -> ParserInput:
        return ParserInput(
            name=name,
            size=len(data),
            read_at=lambda offset, length: data[offset : offset + length],
            location=Location("AH/1", volume="1", path=f"/var/log/{name}", meta="12"),
            zone=ZoneInfo(zone) if zone else None,
            reference_time=nanoseconds(reference) if reference else None,
        )

    return make


@pytest.fixture(scope="session")
def read(source: Source) -> Read:
    """`read(parser, data, zone=..., reference=...)` gives all that the parser gives."""

    def run(parser: Parser, data: bytes, **settings: str | None) -> list[Artefact | Problem]:
        found = list(parser.parse(source(data, **settings)))
        for result in found:
            assert result.location.exhibit == "AH/1"
            assert result.location.path.startswith("/var/log/")
            if isinstance(result, Artefact):
                owner = next(known for known in PARSERS if known.name == result.parser)
                assert owner is parser or "compressed" in result.fields
                assert result.kind in owner.kinds
                assert result.version == owner.version
                assert set(result.raw) == set(result.times) or result.fields.get("year_inferred") == "unknown"
                assert all(isinstance(value, str) for value in result.fields.values())
                assert result.location.offset is not None
                if "compressed" not in result.fields:
                    assert result.location.offset + (result.location.length or 0) <= len(data)
            else:
                assert "\n" not in result.reason
                assert result.reason.isprintable()
        return found

    return run


@pytest.fixture(scope="session")
def hive() -> Callable[[Fetch, str], bytes]:
    """`hive(corpus, name)` gives a hive of the corpus, unpacked."""

    def unpacked(corpus: Fetch, name: str) -> bytes:
        path = corpus(name)
        return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()

    return unpacked


@pytest.fixture(scope="session")
def told_by(read: Read, hive: Callable[[Fetch, str], bytes]) -> Callable[[Fetch, str], list[Artefact | Problem]]:
    """`told_by(corpus, name)` gives all that the parser finds in a hive of the corpus, which is read once."""
    known: dict[str, list[Artefact | Problem]] = {}

    def found(corpus: Fetch, name: str) -> list[Artefact | Problem]:
        if name not in known:
            known[name] = read(REGISTRY, hive(corpus, name))
        return known[name]

    return found
