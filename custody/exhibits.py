"""Exhibits of a case, as the ledger's entries say: registered things and what is known of their media."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from custody.case import Case
from custody.ledger.entry import MAX_REFERENCES, Json
from custody.ledger.errors import CustodyError
from custody.ledger.store import Row
from custody.opened import Opened, mapping, text, values_of

STATES = ("original", "best-evidence", "working-copy", "derived", "return", "report")
DIGEST_LENGTHS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}


@dataclass(frozen=True, slots=True)
class Digest:
    """A named digest: `algorithm` as hashlib spells it, `value` in lower-case hex. Never a bare hex string."""

    algorithm: str
    value: str

    @property
    def text(self) -> str:
        return f"{self.algorithm}:{self.value}"


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A registered exhibit: `n` is its ordinal in the ledger, `media` the digests of its media stream once computed."""

    n: int
    ref: str
    kind: str
    description: str
    state: str
    parent: str
    registered: Mapping[str, Json]

    @property
    def origin(self) -> tuple[str, str] | None:
        """The other agency's ledger and its offer (leaf hash), both hex, of an exhibit that came from one."""
        seizure = mapping(self.registered.get("seizure"))
        ledger, offer = text(seizure.get("ledger")), text(seizure.get("offer"))
        return (ledger, offer) if ledger and offer else None

    def corrected(self, name: str, said: str) -> Exhibit:
        """With a field of its registration as a correction says it; the reference stays the one it is known by."""
        match name:
            case "kind":
                return replace(self, kind=said)
            case "description":
                return replace(self, description=said)
            case "state":
                return replace(self, state=said)
            case "parent":
                return replace(self, parent=said)
        return self


def validate_ref(ref: str) -> str:
    """An exhibit reference as written on labels: 1 to 64 characters, no control characters."""
    if not 1 <= len(ref) <= 64 or not ref.isprintable() or ref != ref.strip():
        raise CustodyError(f"{ref!r} is no exhibit reference", "Use initials and number, for example AH/1.")
    return ref


def parse_digest(given: str) -> Digest:
    """ALG:HEX from a hand-over slip; CustodyError names what is wrong."""
    algorithm, _, value = given.partition(":")
    algorithm, value = algorithm.lower().replace("-", ""), value.lower()
    if DIGEST_LENGTHS.get(algorithm) != len(value) or not re.fullmatch(r"[0-9a-f]+", value):
        raise CustodyError(
            f"{given!r} is no digest", "Write algorithm and hex, for example sha256:9f86d081884c7d65..., whole."
        )
    return Digest(algorithm, value)


def exhibits(case: Case) -> Iterator[Exhibit]:
    """All registered exhibits, in the order of their registration."""
    yield from map(exhibit_of, case.ledger.rows_of("exhibit.register"))


def exhibit_of(row: Opened) -> Exhibit:
    """The exhibit that a registration brings in."""
    values, x = values_of(row), row.entry.x
    ref, kind, description, state, parent = (
        text(values.get(name)) for name in ("ref", "kind", "description", "state", "parent")
    )
    return Exhibit(x.n if x is not None else 0, ref, kind, description, state, parent, values)


def find_exhibit(case: Case, ref: str) -> Exhibit | None:
    """The exhibit with this reference, or None."""
    return next((exhibit for exhibit in exhibits(case) if exhibit.ref == ref), None)


def need_exhibit(case: Case, ref: str) -> Exhibit:
    """The exhibit with this reference; CustodyError lists those there are."""
    found = find_exhibit(case, ref)
    if found is None:
        known = ", ".join(exhibit.ref for exhibit in exhibits(case)) or "none"
        raise CustodyError(f"there is no exhibit {ref!r} in this case", f"Registered: {known}.")
    return found


def outcomes(case: Case, n: int, kind: str = "access.end") -> Iterator[tuple[Row, dict[str, Json]]]:
    """Entries of one type for one exhibit, oldest first, with their opened fields."""
    for row in case.ledger.rows_in(n):
        if row.entry.type == kind:
            yield row, values_of(row)


def open_accesses(case: Case, n: int) -> list[bytes]:
    """Leaves of the exhibit's begins without outcome, oldest first, at most 64: what a stop left behind."""
    answered = {leaf for row, _ in outcomes(case, n) for leaf in row.entry.re}
    begun = [row.leaf for row, _ in outcomes(case, n, "access.begin")]
    return [leaf for leaf in begun if leaf not in answered][-MAX_REFERENCES:]


def media_digests(case: Case, n: int) -> dict[str, str]:
    """The digests of the exhibit's media stream as first recorded from a whole reading; {} before that."""
    for _, values in outcomes(case, n):
        digests = values.get("media_digests")
        if isinstance(digests, dict) and values.get("basis") == "whole":
            return {name: text(value) for name, value in digests.items()}
    return {}
