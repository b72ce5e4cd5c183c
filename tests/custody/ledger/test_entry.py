"""Canonical bytes, encodings, commitments, and the strict reading of payloads."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from custody.ledger.entry import (
    ANSWERS,
    COMMON,
    MAX_DEPTH,
    MAX_OPENED,
    MAX_PAYLOAD,
    TYPES,
    Entry,
    Json,
    Opening,
    b64,
    canonical,
    commitment,
    decode,
    leaf_of,
    load_openings,
    unb64,
    undec,
)
from custody.ledger.errors import LedgerVersionError, MalformedError
from custody.ledger.store import NEW
from tests.kit import Chronicle

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
keys = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
profile: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


def depth(value: object) -> int:
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


# --- canonical JSON --------------------------------------------------------------------------------------


@given(profile)
def test_canonical_bytes_are_those_of_rfc_8785(value: Json) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(profile.filter(lambda value: depth(value) <= MAX_DEPTH))
def test_what_is_canonical_reads_back(value: Json) -> None:
    assert decode(canonical(value), MAX_PAYLOAD) == value


@given(st.binary(max_size=40) | st.text('[]{}":,\\u0aftrnlse- 1.e', max_size=24).map(str.encode))
def test_any_bytes_are_a_canonical_value_or_malformed(data: bytes) -> None:
    try:
        value = decode(data, 64)
    except MalformedError:
        return
    assert canonical(value) == data


WHOLE = {"arrays", "french", "unicode", "values"}
"""Of the RFC's vectors: those whose bytes come out the same, although their keys or numbers are not in our profile.
structures holds 56.0, which Python spells otherwise; weird has keys above U+FFFF, which RFC 8785 sorts
by UTF-16 code units. No key of ours is either, and no number is let in."""
REFUSED = {
    "arrays": "numbers",
    "french": "plain lower case",
    "structures": "numbers",
    "unicode": "plain lower case",
    "values": "numbers",
    "weird": "plain lower case",
}


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(item)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_the_vectors_of_rfc_8785(name: str, vectors: Callable[[str], Path]) -> None:
    value = json.loads(vectors(f"rfc8785/input/{name}.json").read_bytes())
    output = vectors(f"rfc8785/output/{name}.json").read_bytes()
    assert (canonical(value) == output) == (name in WHOLE)
    for text in strings(value):
        assert canonical(text) in output
    with pytest.raises(MalformedError, match=REFUSED[name]):
        decode(output, MAX_PAYLOAD)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"1", "numbers"),
        (b'{"a":1}', "numbers"),
        (b"[-0.5]", "numbers"),
        (b"[NaN]", "numbers"),
        (b"[Infinity]", "numbers"),
        (b"[" + b"9" * 5000 + b"]", "numbers"),
        (b'{"A":null}', "lower case"),
        (b'{"":null}', "lower case"),
        (b'{"a\\n":null}', "lower case"),
        (b'{"b":null,"a":null}', "canonical"),
        (b'{"a":null,"a":null}', "canonical"),
        (b'{"a": null}', "canonical"),
        (b' "a"', "canonical"),
        (b'"\\u0061"', "canonical"),
        (b'"\\/"', "canonical"),
        (b'"\\u000a"', "canonical"),
        (b'"\\ud800"', "UTF-8"),
        (b'"\xff"', "UTF-8"),
        (b"\xef\xbb\xbfnull", "UTF-8"),
        (b"", "JSON"),
        (b"null null", "JSON"),
        (b"[" * 100_000, "JSON"),
        (b"[" * 7 + b"]" * 7, "deeply"),
        (b'{"a":' * 7 + b"null" + b"}" * 7, "deeply"),
        (b'"' + b"x" * MAX_PAYLOAD + b'"', "longer"),
    ],
)
def test_what_is_not_exactly_canonical_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        decode(data, 200_000 if len(data) == 100_000 else MAX_PAYLOAD)


def test_the_deepest_value_allowed_is_read() -> None:
    data = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert canonical(decode(data, 100)) == data


# --- encodings -------------------------------------------------------------------------------------------


@given(st.binary(max_size=40))
def test_base64_reads_back_and_has_one_spelling(data: bytes) -> None:
    assert b64(data) == base64.b64encode(data).decode()
    assert unb64(b64(data)) == data


@pytest.mark.parametrize("text", ["QR==", "QQ", "QQ=", "QQ==\n", " QQ==", "Q-==", "QQ==QQ==", "Ä", None, ["QQ=="]])
def test_other_base64_is_refused(text: object) -> None:
    with pytest.raises(MalformedError, match="base64"):
        unb64(text)


def test_base64_of_another_length_is_refused() -> None:
    with pytest.raises(MalformedError, match="1 bytes instead of 2"):
        unb64("QQ==", 2)


@given(st.integers(0, 2**63 - 1))
def test_decimals_read_back(number: int) -> None:
    assert undec(str(number)) == number


@pytest.mark.parametrize("text", ["", "01", "-1", "+1", " 1", "1\n", "1.0", "1e3", "٣", str(2**63), "9" * 20, None])
def test_other_decimals_are_refused(text: object) -> None:
    with pytest.raises(MalformedError, match="decimal"):
        undec(text)


# --- commitments -----------------------------------------------------------------------------------------


def test_a_commitment_is_the_hash_the_format_page_gives() -> None:
    ledger, entry_id, salt = b"\1" * 32, b"\2" * 16, b"\3" * 16
    text = (
        f'["evikit/field/v1","{base64.b64encode(ledger).decode()}","{base64.b64encode(entry_id).decode()}",'
        f'"place","{base64.b64encode(salt).decode()}","Nëntori"]'
    )
    assert commitment(ledger, entry_id, "place", Opening(salt, "Nëntori")) == hashlib.sha256(text.encode()).digest()
    genesis = text.replace(f'"{base64.b64encode(ledger).decode()}"', "null", 1)
    assert commitment(None, entry_id, "place", Opening(salt, "Nëntori")) == hashlib.sha256(genesis.encode()).digest()


@given(profile, profile)
def test_a_commitment_opens_to_one_value_alone(first: Json, second: Json) -> None:
    salt = bytes(16)
    same = commitment(None, bytes(16), "note", Opening(salt, first)) == commitment(
        None, bytes(16), "note", Opening(salt, second)
    )
    assert same == (canonical(first) == canonical(second))


def test_an_opening_belongs_to_its_entry_field_and_salt() -> None:
    history = Chronicle()
    history.add("exhibit.register", NEW, {"ref": "AH/1", "kind": "AH/1"})
    payload, _, _, openings = history.rows[-1]
    entry, good = Entry.parse(payload), openings["ref"]
    assert entry.opens("ref", good)
    assert not entry.opens("kind", good)
    assert not entry.opens("no_such_field", good)
    assert not entry.opens("ref", Opening(good.salt, "AH/2"))
    assert not entry.opens("ref", Opening(good.salt[:15], good.value))
    assert not entry.opens("ref", Opening(good.salt + b"\0", good.value))
    assert not entry.opens("ref", openings["kind"])


@pytest.mark.parametrize("value", [{"Upper": None}, [[[[[[[]]]]]]], "x" * MAX_OPENED])
def test_a_value_that_no_writer_may_commit_opens_nothing(value: Json) -> None:
    """The commitment fits; a verifier that reads by the format alone would refuse the value all the same."""
    history = Chronicle()
    payload, _, _, openings = history.rows[0]
    entry, opening = Entry.parse(payload), Opening(openings["note"].salt, value)
    forced = replace(entry, commits={**entry.commits, "note": b64(commitment(None, entry.id, "note", opening))})
    assert not forced.opens("note", opening)


def test_equal_values_do_not_show_as_equal() -> None:
    history = Chronicle()
    for _ in range(2):
        history.add("exhibit.register", NEW, {"ref": "AH/1", "kind": "AH/1"})
    first, second = (Entry.parse(row[0]).commits for row in history.rows[1:])
    every = [*first.values(), *second.values()]
    assert len(set(every)) == len(every)


@pytest.mark.parametrize(
    "value",
    [None, [], "x", {"a": None}, {"a": ["QQ=="]}, {"a": [b64(bytes(15)), None]}, {"a": [b64(bytes(16)), "v", "w"]}],
)
def test_openings_of_another_shape_are_refused(value: Json) -> None:
    with pytest.raises(MalformedError):
        load_openings(value)


# --- entries ---------------------------------------------------------------------------------------------


PUB: dict[str, Any] = {
    "closing": {"map_size": "1", "map_root": b64(bytes(32))},
    "anchor": {"size": "1", "root": b64(bytes(32)), "token": b64(b"DER")},
}


def payload(kind: str = "exhibit.register", **changes: Any) -> bytes:
    """A well formed payload with some fields replaced."""
    chain = TYPES[kind].chain
    position = {"n": "0" if chain == "governance" else "1", "seq": "1", "prev": None}
    body: dict[str, Any] = {
        "v": "evikit-entry-1",
        "ledger": b64(bytes(32)),
        "id": b64(bytes(16)),
        "type": kind,
        "key": b64(bytes(32)),
        "seen": {"size": "1", "root": b64(bytes(32))},
        "x": None if chain == "none" else position,
        "re": [b64(bytes(32))] if kind in ANSWERS else [],
        "pub": PUB.get(kind, dict.fromkeys(TYPES[kind].pub)),
        "commits": dict.fromkeys(TYPES[kind].commits, b64(bytes(32))),
    }
    return canonical({**body, **changes})


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_every_type_reads(kind: str) -> None:
    entry = Entry.parse(payload(kind))
    assert entry.type == kind
    assert set(COMMON) <= set(entry.commits)
    assert (entry.x is None) == (kind in {"closing", "anchor", "export"})


def without(kind: str, field: str) -> bytes:
    body = json.loads(payload(kind))
    del body[field]
    return canonical(body)


NO_REGISTER_FIELD = dict.fromkeys(sorted(TYPES["exhibit.register"].commits)[1:], b64(bytes(32)))


@pytest.mark.parametrize(
    "data",
    [
        *(without("note", field) for field in json.loads(payload())),
        canonical([]),
        canonical("evikit-entry-1"),
        payload(v="something-else"),
        payload(v=None),
        payload(extra=None),
        payload(type="no.such.type"),
        payload(type=None),
        payload(type=["note"]),
        payload(ledger=b64(bytes(31))),
        payload(id=b64(bytes(15))),
        payload(key=None),
        payload(seen={"size": "01", "root": b64(bytes(32))}),
        payload(seen={"size": "1", "root": b64(bytes(31))}),
        payload(seen={"size": "1"}),
        payload(seen=None),
        payload(x=None),
        payload(x={"n": "1", "seq": "1"}),
        payload(x={"n": "0", "seq": "1", "prev": None}),
        payload(x={"n": "1", "seq": "0", "prev": None}),
        payload(x={"n": "1", "seq": "2", "prev": None}),
        payload(x={"n": "1", "seq": "1", "prev": b64(bytes(32))}),
        payload("person.revoke", x={"n": "1", "seq": "1", "prev": None}),
        payload("closing", x={"n": "0", "seq": "1", "prev": None}),
        payload("access.end", re=[]),
        payload("access.end", re=[b64(bytes(32)), b64(b"\1" * 32)]),
        payload("note", re=[b64(bytes(32)), b64(bytes(32))]),
        payload("note", re=[b64(bytes([i]) * 32) for i in range(65)]),
        payload("note", re=[b64(bytes(31))]),
        payload("note", re=None),
        payload(pub={"kind": "live"}),
        payload(pub=None),
        payload("person.revoke", pub={"key": None}),
        payload("closing", pub={**PUB["closing"], "map_size": "01"}),
        payload("closing", pub={**PUB["closing"], "map_root": None}),
        payload("anchor", pub={**PUB["anchor"], "size": None}),
        payload("anchor", pub={**PUB["anchor"], "root": b64(bytes(31))}),
        payload("anchor", pub={**PUB["anchor"], "token": "QR=="}),
        payload(commits=NO_REGISTER_FIELD),
        payload(commits={**dict.fromkeys(TYPES["exhibit.register"].commits, b64(bytes(32))), "more": b64(bytes(32))}),
        payload(commits=dict.fromkeys(TYPES["exhibit.register"].commits)),
        payload(commits=dict.fromkeys(TYPES["exhibit.register"].commits, b64(bytes(33)))),
        payload("note") + b"\n",
        payload("note", pub={"a": "x" * MAX_PAYLOAD}),
    ],
)
def test_payloads_that_break_a_rule_are_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(MalformedError) as caught:
        Entry.parse(data)
    assert "\n" not in str(caught.value)


def test_a_newer_format_is_refused_as_newer() -> None:
    with pytest.raises(LedgerVersionError, match="evikit-entry-2") as caught:
        Entry.parse(payload(v="evikit-entry-2"))
    assert "newer evikit" in caught.value.advice


def test_many_references_are_read() -> None:
    assert len(Entry.parse(payload("note", re=[b64(bytes([i]) * 32) for i in range(64)])).re) == 64


def test_the_leaf_is_prefix_payload_and_signature() -> None:
    assert leaf_of(b"pay", b"sig") == hashlib.sha256(b"\0paysig").digest()


def test_answers_name_types_there_are() -> None:
    for kind, answered in ANSWERS.items():
        assert kind in TYPES
        assert answered <= TYPES.keys()
