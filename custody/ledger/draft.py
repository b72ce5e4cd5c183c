"""Making entries: the writer's side of `entry`, which no verifier needs to read."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping

from custody.ledger.entry import (
    MAX_DEPTH,
    MAX_OPENED,
    MAX_OPENINGS,
    TYPES,
    VERSION,
    Entry,
    Json,
    Opening,
    Openings,
    b64,
    canonical,
    decode,
)
from custody.ledger.errors import CustodyError, MalformedError


def validate_value(value: Json) -> None:
    """Refuse a value that cannot be committed: numbers, odd keys, depth, size, lone surrogates (R4)."""
    try:
        decode(canonical(value), MAX_OPENED)
    except UnicodeEncodeError as error:
        raise CustodyError("a text is not valid UTF-8", "Write it in UTF-8: a name's raw bytes as \\xff.") from error
    except (TypeError, ValueError, RecursionError, MalformedError) as error:
        raise CustodyError(f"a field's value is not what the ledger can hold: {error}") from error


def _validate_values(values: Mapping[str, Json]) -> None:
    """`validate_value` for each: in one go where all together are within the limit of one, as they mostly are."""
    try:
        decode(canonical(dict(values)), MAX_OPENED, MAX_DEPTH + 1)
    except (TypeError, ValueError, RecursionError, MalformedError):  # ValueError covers UnicodeEncodeError
        for value in values.values():
            validate_value(value)


def compose(entry: Entry, values: Mapping[str, Json]) -> tuple[bytes, dict[str, Opening]]:
    """The payload of `entry` with fresh commitments to `values`; names not given are committed as null."""
    kind = TYPES[entry.type]
    if unknown := values.keys() - kind.commits:
        raise CustodyError(f"{entry.type} has no field {sorted(unknown)[0]!r}")
    _validate_values(values)
    names = sorted(kind.commits)
    salts = secrets.token_bytes(16 * len(names))
    openings = {name: Opening(salts[16 * i : 16 * i + 16], values.get(name)) for i, name in enumerate(names)}
    commits: dict[str, Json] = dict(_commitments(entry, openings))
    x: Json = None
    if entry.x is not None:
        prev = None if entry.x.prev is None else b64(entry.x.prev)
        x = {"n": str(entry.x.n), "seq": str(entry.x.seq), "prev": prev}
    body: dict[str, Json] = {
        "v": VERSION,
        "ledger": None if entry.ledger is None else b64(entry.ledger),
        "id": b64(entry.id),
        "type": entry.type,
        "key": b64(entry.key),
        "seen": {"size": str(entry.seen_size), "root": b64(entry.seen_root)},
        "x": x,
        "re": [b64(leaf) for leaf in entry.re],
        "pub": dict(entry.pub),
        "commits": commits,
    }
    return canonical(body), openings


def _commitments(entry: Entry, openings: Openings) -> Iterator[tuple[str, str]]:
    """What `entry.commitment` gives for each: here the beginning they share is written once (an entry has thirty)."""
    begin = canonical(["evikit/field/v1", None if entry.ledger is None else b64(entry.ledger), b64(entry.id)])[:-1]
    for name, opening in openings.items():
        value = b"null" if opening.value is None else canonical(opening.value)
        field = b'%b,"%b","%b",%b]' % (begin, name.encode(), b64(opening.salt).encode(), value)
        yield name, b64(hashlib.sha256(field).digest())


def dump_openings(openings: Openings) -> bytes:
    """Canonical JSON {name: [salt, value]}, as stored beside the entry and carried in bundles.

    CustodyError above 2 MiB: readers would refuse it, and the entry with it.
    """
    data = canonical({name: [b64(o.salt), o.value] for name, o in openings.items()})
    if len(data) > MAX_OPENINGS:
        raise CustodyError(f"the fields of an entry have {len(data)} bytes, above the {MAX_OPENINGS} a ledger holds")
    return data
