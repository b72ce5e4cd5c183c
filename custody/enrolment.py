"""How a person comes into a case: the request they send, and the enrolment a governor records for it.

A request is a small JSON file made where the person's key is. It proves possession of the key for exactly one entry of
exactly one ledger (R27 of docs/ledger-format.md), and is signed as a whole, so that nobody on the way can change what
it says. It holds nothing secret. Who stands behind the key is for the governor to make sure of: both read out its id.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from custody.case import Case, Recorded
from custody.ledger.checkpoint import EntryKey
from custody.ledger.draft import validate_value
from custody.ledger.entry import Json, b64, canonical, unb64
from custody.ledger.errors import CustodyError, MalformedError
from custody.ledger.governance import PublicKey
from custody.ledger.signing import public_key_of, sign_payload, verify_payload
from custody.people import ROLES
from custody.roster import Member

FORMAT = "evikit-person-request-1"
MAX_REQUEST = 64 * 1024
_SIGNED = b"evikit/person-request/v1\n"
_TEXTS = ("name", "agency", "role", "rank", "competence", "contact")
_KEYS = frozenset({"format", *_TEXTS, "alg", "pk", "ledger", "id", "pop", "sig"})


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks to be enrolled as. `ledger` is None for one who will be a governor from the first entry."""

    facts: Mapping[str, str]
    public: PublicKey
    ledger: bytes | None
    entry_id: bytes
    pop: str

    @property
    def name(self) -> str:
        return self.facts["name"]

    def described(self) -> dict[str, Json]:
        """The facts that were given, as an enrolment commits to them."""
        return {name: value for name, value in self.facts.items() if value}


def validate_facts(facts: Mapping[str, str]) -> None:
    """Refuse a person without name, agency or known role, and text that cannot stand in a ledger."""
    for what in ("name", "agency"):
        if not facts.get(what, "").strip() or not facts[what].isprintable():
            raise CustodyError(f"the {what} is empty or holds control characters", "Write it as on paper.")
    if facts.get("role") not in ROLES:
        raise CustodyError(f"there is no role {facts.get('role')!r}", f"Roles: {', '.join(ROLES)}.")
    validate_value(dict[str, Json](facts))


def possession(key: EntryKey, ledger: bytes, entry_id: bytes) -> str:
    """The proof that the key's holder agrees to this very entry (R27), in base64."""
    _, public = public_key_of(key.private)
    return b64(sign_payload(key.private, b"evikit/pop/v1\n" + ledger + entry_id + public))


def compose_request(key: EntryKey, facts: Mapping[str, str], ledger: bytes | None) -> bytes:
    """The bytes of a request for this key; without `ledger` one for a governor named in a first entry."""
    validate_facts(facts)
    algorithm, public = public_key_of(key.private)
    entry_id = secrets.token_bytes(16)
    body: dict[str, Json] = {
        "format": FORMAT,
        **{name: facts.get(name, "") for name in _TEXTS},
        "alg": algorithm,
        "pk": b64(public),
        "ledger": "" if ledger is None else ledger.hex(),
        "id": b64(entry_id),
        "pop": "" if ledger is None else possession(key, ledger, entry_id),
    }
    signed = {**body, "sig": b64(sign_payload(key.private, _SIGNED + canonical(body)))}
    return json.dumps(signed, ensure_ascii=False, indent=2).encode() + b"\n"


def read_request(data: bytes) -> Request:
    """A request that holds together; CustodyError says why it is none, or was changed on the way."""
    body = _decoded(data)
    try:
        public = PublicKey.parse_author({"alg": body["alg"], "pk": body["pk"]})
        signature, entry_id = unb64(body.pop("sig"), 64), unb64(body["id"], 16)
        ledger = bytes.fromhex(body["ledger"]) if body["ledger"] else None
    except (MalformedError, ValueError) as error:
        raise CustodyError(f"the request is damaged: {error}", "Ask for it again.") from error
    if not verify_payload(public.alg, public.pk, _SIGNED + canonical(dict[str, Json](body)), signature):
        raise CustodyError("the request was changed after it was signed", "Ask for it again, by another way.")
    facts = {name: body[name] for name in _TEXTS}
    validate_facts(facts)
    return Request(facts, public, ledger, entry_id, body["pop"])


def _decoded(data: bytes) -> dict[str, Any]:
    try:
        body = json.loads(data) if len(data) <= MAX_REQUEST else None
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict) and str(body.get("format", "")).startswith("evikit-person-request-"):
        if body["format"] != FORMAT:
            raise CustodyError("the request is of a newer format", "Install a newer evikit.")
        if body.keys() == _KEYS and all(isinstance(value, str) for value in body.values()):
            return body
    raise CustodyError("that is no request to be enrolled", "`evikit person request` makes one.")


def enrol(case: Case, request: Request) -> Recorded:
    """Record the enrolment that was asked for. It takes effect with the governing signatures the policy needs."""
    if request.ledger != case.ledger.id:
        other = "no case yet" if request.ledger is None else f"another ledger ({request.ledger.hex()[:16]} ...)"
        raise CustodyError(f"the request of {request.name} is for {other}", "Ask for one made for this case.")

    def examine() -> None:
        _refuse_twice(case, request)

    pub = {
        "alg": request.public.alg,
        "pk": b64(request.public.pk),
        "pop": request.pop,
        "roles": [request.facts["role"]],
    }
    return case.record(
        "person.enrol", 0, {"person": request.described()}, pub=pub, entry_id=request.entry_id, examine=examine
    )


def _refuse_twice(case: Case, request: Request) -> None:
    """One person, one key: the same name and agency is enrolled again only when the older key is out of use."""
    need_governor(case)
    for member in case.roster().members:
        same = (member.name, member.agency) == (request.name, request.facts["agency"])
        if same and (member.acts or member.status == "waiting"):
            standing = "waits for approval already" if member.status == "waiting" else "is enrolled already"
            raise CustodyError(
                f"{request.name} of {member.agency} {standing} (key {member.key.hex()[:16]})",
                "A lost key is revoked first (`evikit person revoke`), a working one replaced with "
                "`evikit person rotate`.",
            )


def need_governor(case: Case) -> None:
    """CustodyError unless the acting person governs the case."""
    roster = case.roster()
    if case.key_id not in roster.governance.governors.keys() - roster.governance.revoked.keys():
        names = ", ".join(member.name for member in roster.acting if member.status == "governor")
        raise CustodyError("only a governor of the case may do that", f"Governors: {names}.")


def rotate(case: Case, member: Member, key: EntryKey, reason: str) -> Recorded:
    """Replace the acting person's key by `key`, signed by the old one; the person's facts stay as they are."""
    entry_id = secrets.token_bytes(16)
    algorithm, public = public_key_of(key.private)
    pub = {
        "alg": algorithm,
        "pk": b64(public),
        "pop": possession(key, case.ledger.id, entry_id),
        "roles": list(member.roles) or ["examiner"],
    }
    values: dict[str, Json] = {
        "person": {**member.facts, "name": member.name, "agency": member.agency},
        "reason": reason,
    }
    answered = case.roster().governance.entitled[member.key]
    return case.record("person.rotate", 0, values, re=[answered], pub=pub, entry_id=entry_id)


def revoke(case: Case, member: Member, start: int, reason: str) -> Recorded:
    """Say from which log index on the member's key is doubted. Only governors; never undone."""
    if not reason.strip():
        raise CustodyError("the reason is empty", "Say what happened to the key: it stands in the ledger.")
    governors = case.roster().governance.governors
    if member.key in governors and len(governors.keys() - case.roster().governance.revoked.keys()) == 1:
        raise CustodyError(
            f"{member.name} is the only governor: with that key revoked nobody could govern",
            "Rotate it with `evikit person rotate`, or name another governor with `evikit ledger policy` first.",
        )

    def examine() -> None:
        need_governor(case)
        if start > case.ledger.size:
            raise CustodyError(f"there is no entry {start} yet", f"The newest is {case.ledger.size - 1}.")

    pub = {"key": b64(member.key), "from": str(start)}
    return case.record("person.revoke", 0, {"reason": reason}, pub=pub, examine=examine)
