"""What parsers found, taken apart; and files damaged in ways that do not change from run to run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from forensics.model import Artefact, Problem


def artefacts(found: list[Any], kind: str) -> list[Artefact]:
    return [result for result in found if isinstance(result, Artefact) and result.kind == kind]


def problems(found: list[Any]) -> list[str]:
    return [result.reason for result in found if isinstance(result, Problem)]


def damaged(data: bytes, count: int = 60) -> Iterator[bytes]:
    """`count` copies of a file: cut short, bytes flipped, or a stretch of it overwritten."""
    chance = random.Random(len(data))
    for number in range(count):
        copy = bytearray(data)
        if number % 3 == 0:
            yield bytes(copy[: chance.randrange(len(copy))])
            continue
        for _ in range(chance.randrange(1, 8)):
            copy[chance.randrange(len(copy))] = chance.randrange(256)
        if number % 3 == 1:
            start, length = chance.randrange(len(copy)), chance.randrange(1, 64)
            copy[start : start + length] = chance.choice([b"\0", b"\xff", b"A"]) * length
        yield bytes(copy)
