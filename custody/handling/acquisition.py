"""AQ: how a medium was copied, and what was examined: the original or a copy."""

from __future__ import annotations

import re
from collections.abc import Iterator

from custody.handling._contract import LESSER, SERIOUS, Rule, Seen
from custody.handling._record import Access, Chain, Record, utc_of
from custody.opened import mapping, text
from custody.registration import NONE_VISIBLE

_NOTHING = frozenset(("", "none", "n/a", "na", "-", "unknown", "?"))


def _protection(_record: Record, chain: Chain) -> Iterator[Seen]:
    """Nothing says what kept the source from being written to, or it could be written to."""
    for access in _acquisitions(chain):
        settings = access.settings
        state, blocker = text(settings.get("source_state")), text(settings.get("write_blocker"))
        if "writable" in state:
            mounted = ", and mounted" if "mounted" in state else ""
            yield Seen(access.entries, f"the source could be written to{mounted} while it was copied", SERIOUS)
        elif not blocker and not text(settings.get("method")) and state != "a file":
            yield Seen(access.entries, "neither a write-blocker nor a method is stated")


def _acquisitions(chain: Chain) -> Iterator[Access]:
    return (access for access in chain.accesses if access.object == "acquisition")


def _blocker_check(_record: Record, chain: Chain) -> Iterator[Seen]:
    """A write-blocker that nobody says was ever tested."""
    for access in _acquisitions(chain):
        blocker = text(access.settings.get("write_blocker"))
        if blocker and not re.search(r"\b(19|20)\d\d-\d\d(-\d\d)?\b", blocker):
            yield Seen(access.entries, f"when the write-blocker ({blocker}) was last tested is not stated")


def _on_original(record: Record, chain: Chain) -> Iterator[Seen]:
    """Examined: the thing itself, or the only image of it."""
    for state, said in _TOUCHED:
        read = [access for access in chain.accesses if access.examines and (access.state or chain.state) == state]
        if read and not (state == "best-evidence" and _has_copy(record, chain)):
            yield Seen(read[0].entries, said, SERIOUS if state == "original" else LESSER)


_TOUCHED = (
    ("original", "examined itself, and not a copy of it"),
    ("best-evidence", "examined as it came, and no verified copy of it is on record"),
)


def _has_copy(record: Record, chain: Chain) -> bool:
    """Whether another one is on record: the medium it was acquired from, a copy, or an exhibit with the same digest."""
    own = _digests(chain)
    near = [chain, *record.named.get(chain.registered.text("parent"), [])]
    acquired = any(access.match is True for where in near for access in _acquisitions(where))
    copied = any(access.object == "copying" and access.match is True for access in chain.accesses)
    others = (other for other in record.chains if other.n != chain.n)
    return acquired or copied or any(own & _digests(other) for other in others)


def _digests(chain: Chain) -> set[str]:
    return {access.digests["sha256"] for access in chain.accesses if "sha256" in access.digests}


def _identity(_record: Record, chain: Chain) -> Iterator[Seen]:
    """A thing without serial number, make or model, and nobody says that none is to be seen."""
    if chain.is_thing:
        said = chain.registered.values.get("serial")
        known = {"serial": said} if isinstance(said, str) else mapping(said)
        silent = [name for name in ("serial", "make", "model") if text(known.get(name)).strip().lower() in _NOTHING]
        if isinstance(said, str):
            silent = [name for name in silent if name == "serial"]
        if silent:
            yield Seen((chain.registered.index,), f"not stated: {', '.join(silent)} (nor that there is none visible)")
    mine = _serial(chain)
    for access in chain.accesses:
        found = _header(access).get("serial", _header(access).get("serial_number", ""))
        if mine and found and _plain(found) != _plain(mine):
            yield Seen(
                (chain.registered.index, *access.entries), f"the serial number read is {found}, registered is {mine}"
            )


def _serial(chain: Chain) -> str:
    said = chain.registered.values.get("serial")
    serial = said if isinstance(said, str) else text(mapping(said).get("serial"))
    return "" if serial.strip().lower() in {*_NOTHING, NONE_VISIBLE} else serial


def _plain(serial: str) -> str:
    return re.sub(r"[\s_-]", "", serial).upper()


def _header(access: Access) -> dict[str, str]:
    """The container's header, or what the device told, by name."""
    rows = access.end.items("header") if access.end is not None else []
    return {text(mapping(row).get("name")): text(mapping(row).get("value")) for row in rows}


def _container(record: Record, chain: Chain) -> Iterator[Seen]:
    """The container says another case, another exhibit, or a time after it was taken in."""
    genesis = next(record.every("genesis"), None)
    number = text(genesis.mapping("case").get("number")) if genesis is not None else ""
    near = [chain, *record.named.get(chain.registered.text("parent"), [])]
    refs = {chain.ref, chain.registered.text("parent"), *(text(one.seizure.get("ref")) for one in near)}
    if any(one.seizure.get("ledger") for one in near):  # made in another agency's case, which has its own number
        number = ""
    for access in chain.accesses:
        header = _header(access)
        case, exhibit, made = (header.get(name, "") for name in ("case_number", "evidence_number", "acquiry_date"))
        wrong = [f"case number {case} (here {number})"] if case and number and case != number else []
        wrong += [f"evidence number {exhibit} (here {chain.ref})"] if exhibit and exhibit not in refs else []
        at = utc_of(made)
        if at is not None and access.begin.at is not None and at > access.begin.at:
            wrong.append(f"acquired at {made}, after it was taken in")
        if wrong:
            yield Seen(access.entries, f"the header of the container says: {'; '.join(wrong)}")
            return  # each further reading finds the same header


_READ = {
    "access.begin": ("purpose", "object", "settings"),
    "access.end": ("header", "match", "media_digests", "computed", "output_digest"),
}
_THING = ("ref", "state", "kind", "serial", "parent")

RULES: tuple[Rule, ...] = (
    Rule(
        "AQ-01", LESSER, "What kept the source from being changed is not stated",
        "Connecting a medium can change it. Without a write-blocker or a method on record, that cannot be excluded.",
        of_exhibit=_protection, needs=_READ, weaknesses=("DFW-1014",),
    ),
    Rule(
        "AQ-02", LESSER, "A write-blocker without a test",
        "A write-blocker protects only if it works; ask for the record of its last test.",
        of_exhibit=_blocker_check, needs=_READ, weaknesses=("DFW-1118",),
    ),
    Rule(
        "AQ-03", LESSER, "The original, or the only image of it, was examined",
        "If the examination changed something, there is nothing untouched left to compare with.",
        of_exhibit=_on_original, needs={**_READ, "exhibit.register": _THING},
    ),
    Rule(
        "AQ-04", LESSER, "Which thing it is, cannot be told",
        "Without serial number, make and model on record, one device can be taken for another.",
        of_exhibit=_identity, needs={**_READ, "exhibit.register": _THING},
    ),
    Rule(
        "AQ-05", LESSER, "The image says other things than the record",
        "The header was filled in by whoever made the image. Ask whether this is the image that it should be.",
        of_exhibit=_container,
        needs={
            **_READ, "genesis": ("case",), "exhibit.register": (*_THING, "seizure"), "*": ("claimed_at",),
        },
    ),
)  # fmt: skip
