"""What an entry is: its types and fields (one table), its canonical bytes, its salted commitments.

The bytes are specified in docs/ledger-format.md; rule numbers (R1 ...) refer to that page. An entry is a small
JSON payload in clear and one signature. Everything that says anything about the case is a commitment,
opened or withheld field by field.
"""

from __future__ import annotations

import binascii
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from custody.ledger.errors import LedgerVersionError, MalformedError

Json = None | bool | str | list["Json"] | dict[str, "Json"]

VERSION = "evikit-entry-1"
MAX_PAYLOAD = 64 * 1024
MAX_OPENED = 1024 * 1024
MAX_OPENINGS = 2 * MAX_OPENED
MAX_DEPTH = 6
MAX_REFERENCES = 64
COMMON = ("actor", "agency", "role", "claimed_at", "clock", "place", "authority", "note", "host", "tool")


@dataclass(frozen=True, slots=True)
class EntryType:
    """`chain`: "none" (x is null), "governance" (n = 0), "exhibit" (n > 0) or "any" (n >= 0)."""

    chain: str
    pub: frozenset[str]
    commits: frozenset[str]
    approved: bool = False  # takes effect only with the governing signatures the policy needs


def _type(chain: str, pub: str = "", commits: str = "", *, approved: bool = False) -> EntryType:
    return EntryType(chain, frozenset(pub.split()), frozenset((*COMMON, *commits.split())), approved)


TYPES: Mapping[str, EntryType] = {
    "genesis": _type("governance", "kind domain policy continues", "case"),
    "policy": _type("governance", "governors need", "reason", approved=True),
    "person.enrol": _type("governance", "alg pk pop roles", "person", approved=True),
    "person.rotate": _type("governance", "alg pk pop roles", "person reason", approved=True),
    "person.revoke": _type("governance", "key from", "reason", approved=True),
    "approve": _type("governance"),
    "ledger.rotate": _type("governance", "ledger_keys", "reason", approved=True),
    "freeze": _type("governance", "", "reason", approved=True),
    "erase": _type("any", "names", "reason", approved=True),
    "closing": _type("none", "map_size map_root"),
    "anchor": _type("none", "size root token"),
    "export": _type("none", "", "recipient bundle_digest checkpoint_size document"),
    "exhibit.register": _type(
        "exhibit",
        "",
        "ref parent kind description serial condition photographs seizure seal state media_digests"
        " container_digests size",
    ),
    "exhibit.seal": _type("exhibit", "", "seal condition photographs reason"),
    "exhibit.open": _type("exhibit", "", "seal condition photographs reason"),
    "exhibit.move": _type("exhibit", "", "storage_from storage_to reason"),
    "exhibit.relocate": _type("exhibit", "", "parts identity media_digests container_digests match reason"),
    "exhibit.return": _type("exhibit", "", "recipient witness method reason copies"),
    "exhibit.dispose": _type("exhibit", "", "recipient witness method reason copies"),
    "access.begin": _type("exhibit", "", "purpose object parts identity settings"),
    "access.end": _type(
        "exhibit",
        "",
        "outcome error basis parts manifest_root manifest_size manifest_digest manifest_secret read_bytes"
        " media_digests identity_after result_digests path meta stream size digest output_digest expected"
        " computed match fresh header",
    ),
    "transfer.offer": _type("exhibit", "", "to_key to_person seal condition digest challenge"),
    "transfer.accept": _type("exhibit", "", "seal condition digest fresh"),
    "transfer.refuse": _type("exhibit", "", "reason"),
    "transfer.withdraw": _type("exhibit", "", "reason"),
    "transfer.receive": _type("any", "", "outcome offer seal condition digest fresh reason"),
    "transfer.receipt": _type("exhibit", "", "outcome receiver receipt digest match"),
    "note": _type("any", "", "kind text location attachments"),
    "correct": _type("any", "", "name old new reason"),
}

ANSWERS: Mapping[str, frozenset[str]] = {
    "access.end": frozenset({"access.begin"}),
    "transfer.accept": frozenset({"transfer.offer"}),
    "transfer.refuse": frozenset({"transfer.offer"}),
    "transfer.withdraw": frozenset({"transfer.offer"}),
    "transfer.receipt": frozenset({"transfer.offer"}),
    "approve": frozenset(name for name, kind in TYPES.items() if kind.approved),
    "person.rotate": frozenset({"person.enrol", "person.rotate", "genesis", "policy"}),
    "erase": frozenset(TYPES),
    "correct": frozenset(TYPES),
}
"""Types that must answer exactly one entry (`re`), and which types that entry may have (R14)."""


# --- encodings (R1-R5) -----------------------------------------------------------------------------------


def b64(data: bytes) -> str:
    """RFC 4648 section 4, padded."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def unb64(text: object, length: int | None = None) -> bytes:
    """Bytes of canonical base64: `QR==` is refused although decoders accept it (R1)."""
    try:
        data = binascii.a2b_base64(text, strict_mode=True) if isinstance(text, str) else None
    except ValueError:  # covers binascii.Error, and text beyond ASCII
        data = None
    if data is None or b64(data) != text:
        raise MalformedError("a value is not canonical base64")
    if length is not None and len(data) != length:
        raise MalformedError(f"a value has {len(data)} bytes instead of {length}")
    return data


def undec(text: object) -> int:
    """Decimal text without sign or leading zero, at most 2^63-1 (R2)."""
    if not isinstance(text, str) or not re.fullmatch(r"0|[1-9][0-9]{0,18}", text) or int(text) >= 2**63:
        raise MalformedError("a value is not a plain decimal number in quotes")
    return int(text)


_encoder = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def canonical(value: Json) -> bytes:
    """RFC 8785 bytes of a value that holds no numbers and only plain keys (R3)."""
    return _encoder.encode(value).encode("utf-8")


def _refuse_number(_text: str) -> NoReturn:
    raise MalformedError("JSON numbers are not allowed")


_decoder = json.JSONDecoder(parse_int=_refuse_number, parse_float=_refuse_number, parse_constant=_refuse_number)
_KEY = re.compile(r"[a-z][a-z0-9_]*")


def _validate_profile(value: object, depth: int) -> None:
    if isinstance(value, (dict, list)) and depth == 0:
        raise MalformedError("JSON is nested too deeply")
    if isinstance(value, dict):
        if not all(map(_KEY.fullmatch, value)):
            raise MalformedError("a JSON key is not plain lower case")
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            if not isinstance(item, str):
                _validate_profile(item, depth - 1)


def decode(data: bytes, limit: int, depth: int = MAX_DEPTH) -> Json:
    """The value of canonical JSON bytes; anything that is not exactly canonical is refused (R3, R4)."""
    if len(data) > limit:
        raise MalformedError(f"JSON of {len(data)} bytes is longer than the {limit} allowed")
    try:
        text = data.decode("utf-8")
        value: Json = _decoder.decode(text)
        _validate_profile(value, depth)
        same = canonical(value) == data
    except (ValueError, RecursionError) as error:  # ValueError covers JSON, UTF-8 and lone surrogates
        raise MalformedError("not JSON in UTF-8 as the format demands") from error
    if not same:
        raise MalformedError("JSON is not in canonical form")
    return value


# --- commitments (R9) ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens one commitment: its salt (16 bytes) and the value that was committed."""

    salt: bytes
    value: Json


Openings = Mapping[str, Opening]


def commitment(ledger: bytes | None, entry_id: bytes, name: str, opening: Opening) -> bytes:
    """H(JCS(["evikit/field/v1", ledger, id, name, salt, value])), 32 bytes (R9)."""
    where = b64(ledger) if ledger is not None else None
    fields: Json = ["evikit/field/v1", where, b64(entry_id), name, b64(opening.salt), opening.value]
    return hashlib.sha256(canonical(fields)).digest()


# --- entries (R6-R8) -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChainPosition:
    """Ordinal of the exhibit (0 = governance), position in its own sequence from 1, leaf before it."""

    n: int
    seq: int
    prev: bytes | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A payload, decoded and found well formed. Fields as in docs/ledger-format.md section Entry."""

    ledger: bytes | None
    id: bytes
    type: str
    key: bytes
    seen_size: int
    seen_root: bytes
    x: ChainPosition | None
    re: tuple[bytes, ...]
    pub: Mapping[str, Any]
    commits: Mapping[str, str]

    def opens(self, name: str, opening: Opening) -> bool:
        """Whether `opening` is what this entry committed to under `name`."""
        if len(opening.salt) != 16 or name not in self.commits:
            return False
        try:
            _validate_profile(opening.value, MAX_DEPTH)
        except MalformedError:
            return False
        if isinstance(opening.value, (str, list, dict)) and len(canonical(opening.value)) > MAX_OPENED:
            return False
        return b64(commitment(self.ledger, self.id, name, opening)) == self.commits[name]

    @classmethod
    def parse(cls, payload: bytes) -> Entry:
        """Read a payload strictly; `MalformedError` names the first rule it breaks (R3-R8)."""
        raw = decode(payload, MAX_PAYLOAD)
        if isinstance(raw, dict) and raw.get("v") != VERSION and str(raw.get("v")).startswith("evikit-entry-"):
            raise LedgerVersionError(
                f"entry format {raw.get('v')!r} is newer than this evikit reads", "Install a newer evikit."
            )
        body = _object(raw, _ENTRY_KEYS, "an entry")
        if body["v"] != VERSION:
            raise MalformedError("not an evikit entry")
        kind = TYPES.get(body["type"]) if isinstance(body["type"], str) else None
        if kind is None:
            raise MalformedError("unknown entry type")
        seen = _object(body["seen"], _SEEN_KEYS, "seen")
        pub = _object(body["pub"], kind.pub, "pub")
        for name, read in _PUB_SHAPES.get(body["type"], {}).items():
            read(pub[name])
        commits = _object(body["commits"], kind.commits, "commits")
        for value in commits.values():
            unb64(value, 32)
        return cls(
            ledger=None if body["ledger"] is None else unb64(body["ledger"], 32),
            id=unb64(body["id"], 16),
            type=body["type"],
            key=unb64(body["key"], 32),
            seen_size=undec(seen["size"]),
            seen_root=unb64(seen["root"], 32),
            x=_position(body["x"], kind),
            re=_references(body["re"], body["type"]),
            pub=pub,
            commits=commits,
        )


_PUB_SHAPES: Mapping[str, Mapping[str, Callable[[object], object]]] = {
    "closing": {"map_size": undec, "map_root": lambda value: unb64(value, 32)},
    "anchor": {"size": undec, "root": lambda value: unb64(value, 32), "token": unb64},
}
"""What stands in `pub` of entries that no rule of governance reads (R8)."""
_ENTRY_KEYS = frozenset({"v", "ledger", "id", "type", "key", "seen", "x", "re", "pub", "commits"})
_SEEN_KEYS = frozenset({"size", "root"})
_X_KEYS = frozenset({"n", "seq", "prev"})


def _object(value: Any, keys: frozenset[str], what: str) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != keys:
        raise MalformedError(f"{what} does not have exactly the fields of its type")
    return value


def _position(value: Any, kind: EntryType) -> ChainPosition | None:
    if (value is None) != (kind.chain == "none"):
        raise MalformedError("x does not fit the entry's type")
    if value is None:
        return None
    x = _object(value, _X_KEYS, "x")
    position = ChainPosition(undec(x["n"]), undec(x["seq"]), None if x["prev"] is None else unb64(x["prev"], 32))
    if (position.n == 0 and kind.chain == "exhibit") or (position.n > 0 and kind.chain == "governance"):
        raise MalformedError("x.n does not fit the entry's type")
    if position.seq == 0 or (position.seq == 1) != (position.prev is None):
        raise MalformedError("x.seq and x.prev do not fit each other")
    return position


def _references(value: Any, name: str) -> tuple[bytes, ...]:
    if not isinstance(value, list) or len(value) > MAX_REFERENCES:
        raise MalformedError("re is not a short list")
    leaves = tuple(unb64(item, 32) for item in value)
    if len(set(leaves)) != len(leaves) or (name in ANSWERS and len(leaves) != 1):
        raise MalformedError("re does not fit the entry's type")
    return leaves


def leaf_of(payload: bytes, signature: bytes) -> bytes:
    """Leaf hash H(0x00 || payload || signature), 32 bytes (R10; RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x00" + payload + signature).digest()


def load_openings(value: Json) -> dict[str, Opening]:
    """The reverse of `dump_openings` on the decoded value; anything else is refused."""
    if not isinstance(value, dict):
        raise MalformedError("openings are not an object")
    openings: dict[str, Opening] = {}
    for name, pair in value.items():
        if not isinstance(pair, list) or len(pair) != 2:
            raise MalformedError("an opening is not a salt and a value")
        openings[name] = Opening(unb64(pair[0], 16), pair[1])
    return openings
