"""Who belongs to a case: people, their keys and roles, as the ledger's governing entries say.

The roster is read from the ledger each time it matters. Whether those entries hold is for `ledger verify` to say;
what may be written next is decided by the same replay that verifiers use.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from custody.ledger.entry import Entry, Json, unb64
from custody.ledger.errors import CustodyError, KeyLockedError, MalformedError
from custody.ledger.governance import Governance, PublicKey
from custody.ledger.store import Ledger
from custody.opened import Opened, text, values_of
from custody.people import Home, Person

GOVERNING = (
    "genesis",
    "policy",
    "person.enrol",
    "person.rotate",
    "person.revoke",
    "approve",
    "ledger.rotate",
    "freeze",
    "erase",
)


@dataclass(frozen=True, slots=True)
class Member:
    """A person with one key. `status`: governor, enrolled, waiting (for approvals), replaced, revoked.

    `index` is that of the entry which brought the key in; `revoked_from` the log index from which it is doubted.
    """

    key: bytes
    name: str
    agency: str
    roles: tuple[str, ...]
    facts: Mapping[str, Json]
    index: int
    leaf: bytes
    status: str = ""
    revoked_from: int | None = None

    @property
    def acts(self) -> bool:
        """Whether this key may sign entries now."""
        return self.status in ("governor", "enrolled")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A governing entry that still waits for approval: who has agreed, and how many more are needed."""

    row: Opened
    approvers: frozenset[bytes]
    missing: int


class Roster:
    """The people of a case and the rules they stand under, as of the ledger's newest entry."""

    def __init__(self, governance: Governance, members: Sequence[Member], rows: Mapping[bytes, Opened]) -> None:
        self.governance = governance
        self._rows = rows
        self.members = tuple(replace(member, **_standing(governance, member)) for member in members)

    @classmethod
    def read(cls, ledger: Ledger) -> Roster:
        """Replay the governing entries."""
        return cls.of(sorted((row for kind in GOVERNING for row in ledger.rows_of(kind)), key=lambda row: row.index))

    @classmethod
    def of(cls, rows: Sequence[Opened]) -> Roster:
        """The roster that these governing entries, in their order, give: of a ledger, or those that a bundle shows."""
        governance, members = Governance(), []
        for row in rows:
            try:
                governance.apply(row.index, row.leaf, row.entry)
            except MalformedError:  # an entry that breaks a rule has no effect; `ledger verify` names it
                continue
            members += _members(row)
        return cls(governance, members, {row.leaf: row for row in rows})

    @property
    def acting(self) -> list[Member]:
        """Everyone whose key may sign now, in the order of their entries."""
        return [member for member in self.members if member.acts]

    def member(self, key: bytes) -> Member | None:
        """Whose key this is, or None."""
        return next((member for member in self.members if member.key == key), None)

    def same_person(self, key: bytes, other: bytes) -> bool:
        """Whether two keys are one person's: the same key, or one name and agency (a replaced or a lost key)."""
        a, b = self.member(key), self.member(other)
        return key == other or (a is not None and b is not None and (a.name, a.agency) == (b.name, b.agency))

    def find(self, given: str) -> Member:
        """A person by name, or by the beginning (8 or more hex digits) of their key's id.

        Of several with one name, the one who may act. CustodyError lists those there are.
        """
        named = [member for member in self.members if member.name == given]
        if not named and len(given) >= 8:
            named = [member for member in self.members if member.key.hex().startswith(given.lower())]
        found = [member for member in named if member.acts] or named
        if len(found) != 1:
            which = "is nobody's name or key here" if not found else "is the name of several"
            raise CustodyError(f"{given!r} {which}", f"Enrolled: {self.listed()}. A key's first digits will do too.")
        return found[0]

    def listed(self) -> str:
        """Names with the first digits of their keys, for a message."""
        return ", ".join(f"{member.name} ({member.key.hex()[:8]})" for member in self.acting) or "nobody"

    def waiting(self) -> list[Waiting]:
        """The governing entries that wait for approval, oldest first."""
        governance = self.governance
        found = []
        for leaf, approvers in governance.waiting().items():
            counted = approvers & (governance.governors.keys() - governance.revoked.keys())
            found.append(Waiting(self._rows[leaf], frozenset(counted), governance.need - len(counted)))
        return found

    def admit(self, entry: Entry) -> None:
        """Refuse what verifiers would hold against the entry: it is examined as they will, before it is signed."""
        try:
            self.governance.key_of(entry)
            if entry.type in GOVERNING:
                trial = copy.deepcopy(self.governance)
                trial.apply(max(entry.seen_size, 1), hashlib.sha256(entry.id).digest(), entry)
        except MalformedError as error:
            raise CustodyError(
                f"the ledger's rules do not allow it: {error}", "`evikit person list` shows who may."
            ) from error

    def choose(self, home: Home, given: str | None) -> Person:
        """Who acts: the one named, else the only one whose key is in this key store and may sign here."""
        kept = {person.key: person for person in home.people()}
        here = [(member, kept[member.key]) for member in self.members if member.key in kept]
        chosen = [pair for pair in here if given is None or _is(pair[0], given)]
        able = [pair for pair in chosen if pair[0].acts]
        if len(able) == 1:
            member, person = able[0]
            role = person.role if person.role in member.roles or not member.roles else member.roles[0]
            return Person(member.name or person.name, member.agency or person.agency, role, member.key)
        if chosen and not able:
            raise KeyLockedError(*_barred(chosen[0][0]))
        names = ", ".join(member.name for member, _ in here if member.acts) or "nobody"
        who = f"{given!r} is not" if given is not None else "nobody is" if not here else "it is not clear who is"
        raise KeyLockedError(
            f"{who} acting: enrolled in this case with a key in {home.path}: {names}",
            "Name yourself with --as, or set EVIKIT_HOME to the key store that holds your key.",
        )


def _is(member: Member, given: str) -> bool:
    return member.name == given or (len(given) >= 8 and member.key.hex().startswith(given.lower()))


def _barred(member: Member) -> tuple[str, str]:
    """Why a key may not sign, and what to do."""
    if member.status == "waiting":
        return f"the enrolment of {member.name} still waits for approval", "Ask a governor for `evikit ledger approve`."
    if member.status == "revoked":
        return f"the key of {member.name} is revoked", "Ask for a new key with `evikit person request`."
    return f"the key of {member.name} was replaced", "Use the key store that holds the newer one."


def _standing(governance: Governance, member: Member) -> dict[str, Any]:
    start = governance.revoked.get(member.key)
    if start is not None:
        status = "revoked"
    elif member.key in governance.governors:
        status = "governor"
    elif member.key in governance.persons:
        status = "enrolled"
    else:
        status = "waiting" if member.leaf in governance.waiting() else "replaced"
    return {"status": status, "revoked_from": start}


def _members(row: Opened) -> list[Member]:
    """The people an entry brings in."""
    entry, values = row.entry, values_of(row)
    if entry.type == "genesis":
        return [_founder(row, record, values) for record in entry.pub["policy"]["governors"]]
    if entry.type not in ("person.enrol", "person.rotate"):
        return []
    key = PublicKey.parse_author({"alg": entry.pub["alg"], "pk": entry.pub["pk"]}).id
    facts = values.get("person")
    facts = facts if isinstance(facts, dict) else {}
    roles = tuple(str(role) for role in entry.pub["roles"])
    return [Member(key, text(facts.get("name")), text(facts.get("agency")), roles, facts, row.index, row.leaf)]


def _founder(row: Opened, record: Mapping[str, str], values: Mapping[str, Json]) -> Member:
    """A governor named by the first entry: its author by the common fields, others as the case lists them."""
    key = unb64(record["key"], 32)
    case = values.get("case")
    listed = case.get("governors") if isinstance(case, dict) else None
    facts: dict[str, Json] = {}
    if key == row.entry.key:
        facts = {"name": values.get("actor"), "agency": values.get("agency"), "role": values.get("role")}
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict) and item.get("key") == key.hex():
            facts = item
    role = text(facts.get("role"))
    return Member(
        key, text(facts.get("name")), text(facts.get("agency")), (role,) if role else (), facts, row.index, row.leaf
    )
