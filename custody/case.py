"""A case: one folder, one ledger, the people who write in it.

CASE/case.toml        number, agency, time zone: for people; what counts stands in the ledger
CASE/ledger.sqlite    the custody ledger, unless case.toml names one in PostgreSQL
CASE/evidence/ derived/ extracted/ reports/ receipts/
"""

from __future__ import annotations

import os
import platform
import re
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from custody.case_file import LEDGER_FILE, address_in, address_of, facts_of, write_facts
from custody.ledger.checkpoint import EntryKey, LedgerKeys, close
from custody.ledger.draft import validate_value
from custody.ledger.entry import Entry, Json, b64
from custody.ledger.errors import CustodyError, KeyLockedError
from custody.ledger.governance import ledger_key_pair
from custody.ledger.note import fingerprint, parse_note
from custody.ledger.signing import public_key_of
from custody.ledger.store import NEW, Draft, Ledger, Row
from custody.moment import claimed
from custody.people import Home, Passphrase, Person
from custody.roster import Roster

_FILES = ("case.toml", *(LEDGER_FILE + end for end in ("", "-wal", "-shm")))
FOLDERS = ("evidence", "derived", "extracted", "reports", "receipts")
NO_DOMAIN = "evikit.invalid"

Clock = Callable[[], int]
"""Nanoseconds since 1970 in UTC, as the writer's machine claims."""


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its IANA name; CustodyError for anything else."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise CustodyError(f"there is no time zone {name!r}", "Use an IANA name such as Europe/Belgrade.") from error


def validate_domain(domain: str) -> None:
    """Refuse a name that cannot stand in a checkpoint's origin (C2SP: no spaces, no plus sign)."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,98}[a-z0-9])?", domain):
        raise CustodyError(f"{domain!r} is no domain name", "Use lower-case letters, digits, dots and hyphens.")


def _host() -> Json:
    return {"name": socket.gethostname(), "system": f"{platform.system()} {platform.release()}"}


def _tool() -> Json:
    return {"name": "evikit", "version": version("evikit"), "python": platform.python_version()}


def _clock_facts(zone: str) -> Json:
    synchronised = "yes" if Path("/run/systemd/timesync/synchronized").exists() else "unknown"
    return {"source": "system", "synchronised": synchronised, "zone": zone}


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry that is on disk."""

    index: int
    leaf: bytes
    seen_root: bytes
    n: int = 0
    """Ordinal of its exhibit, 0 for none."""


@dataclass(frozen=True, slots=True)
class Founders:
    """Governors beside the one who begins the case: their key records (R25), what is said of them, and the `need`."""

    records: Sequence[Mapping[str, str]] = ()
    facts: Sequence[dict[str, Json]] = ()
    need: int = 1


class Case:
    """An open case. Reading needs no key; the first `record` asks for the passphrase."""

    def __init__(self, path: Path, ledger: Ledger, home: Home, clock: Clock = time.time_ns) -> None:
        self.path, self.ledger, self.home, self._clock = path, ledger, home, clock
        self.facts = facts_of(path)
        self.person: Person | None = None
        self._key: EntryKey | None = None
        self._ledger_keys: dict[bytes, LedgerKeys] = {}
        self._genesis: Entry | None = None
        self._roster: tuple[int, Roster] | None = None
        self.keeps_heads = True

    # --- making and opening ------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        path: Path,
        home: Home,
        person: Person,
        passphrase: str,
        *,
        number: str,
        agency: str,
        zone: str,
        domain: str = NO_DOMAIN,
        kind: str = "live",
        title: str = "",
        founders: Founders | None = None,
        ledger: str = LEDGER_FILE,
        clock: Clock = time.time_ns,
    ) -> Case:
        """A new case folder whose ledger begins with its genesis: policy, ledger key, first examiner.

        `founders` are further governors, and how many of all must sign what governs; `ledger` may be the URL of a
        schema in PostgreSQL.
        """
        zone_of(zone)
        validate_domain(domain)
        key = home.entry_key(person.key, passphrase)
        facts = {"number": number, "agency": agency, "title": title, "zone": zone}
        validate_value(dict[str, Json](facts))  # undecodable bytes of a command line: refused before anything is made
        _prepare_folder(path, home)
        try:
            keys = home.make_ledger_keys(passphrase)
            stored = Ledger.create(address_in(path, ledger))
            write_facts(path, {**facts, "ledger": ledger})
            case = cls(path, stored, home, clock)
            case.person, case._key, case._ledger_keys = person, key, {EntryKey(keys.ed25519).key: keys}
            others = founders or Founders()
            listed: dict[str, Json] = {"governors": list(others.facts)} if others.facts else {}
            pub = _genesis_policy(key, keys, kind, domain, others)
            case._append(Draft("genesis", {**case._common(), "case": {**facts, **listed}}, n=0, pub=pub))
            case.checkpoint()
        except BaseException:
            for name in _FILES:  # half a case would stand in the way of the next attempt
                (path / name).unlink(missing_ok=True)
            raise
        return case

    @classmethod
    def open(cls, path: Path, home: Home, *, writable: bool, clock: Clock = time.time_ns) -> Case:
        """Open a case; IntegrityError when its ledger lacks the history this machine saw last."""
        case = cls(path, Ledger.open(address_of(path), writable=writable), home, clock)
        try:
            home.heads.validate(case.ledger)
        except BaseException:
            case.ledger.close()
            raise
        return case

    def unlock(self, name: str | None, passphrase: Passphrase) -> Person:
        """Choose who acts and open their key (and the ledger's, where it is kept here under the same passphrase)."""
        self.person = self.roster().choose(self.home, name)
        text = passphrase()
        self._key, self._ledger_keys = self.home.entry_key(self.person.key, text), {}
        self._open_ledger_keys(text)
        return self.person

    def _open_ledger_keys(self, passphrase: str) -> None:
        """Those in force, and those that wait for approval: another's approval may bring them in while we work."""
        roster = self.roster()
        waiting = [item.row.entry for item in roster.waiting() if item.row.entry.type == "ledger.rotate"]
        pairs = [roster.governance.ledger_keys[-1][1], *(ledger_key_pair(e.pub["ledger_keys"]) for e in waiting)]
        for first, second in pairs:
            with suppress(KeyLockedError):  # sealed by somebody else: its keeper closes and signs, not whoever acts
                keys = self.home.ledger_keys(first.id, second.id, passphrase)
                if keys is not None:
                    self._ledger_keys[first.id] = keys

    def close(self) -> None:
        self.ledger.close()

    def __enter__(self) -> Case:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- facts -------------------------------------------------------------------------------------------

    @property
    def genesis(self) -> Entry:
        if self._genesis is None:
            self._genesis = next(self.ledger.rows(0, 1)).entry
        return self._genesis

    def roster(self) -> Roster:
        """Who belongs to the case now. Read anew when governance has grown."""
        self.ledger.refresh()
        count = self.ledger.chain(0)[0]
        if self._roster is None or self._roster[0] != count:
            self._roster = (count, Roster.read(self.ledger))
        return self._roster[1]

    @property
    def key_id(self) -> bytes:
        """The id of the acting person's key."""
        if self._key is None:
            raise KeyLockedError("no key is open to sign with")
        return self._key.key

    @property
    def zone(self) -> str:
        return str(self.facts.get("zone", "UTC"))

    @property
    def receipts(self) -> Path:
        return self.path / "receipts"

    def find_entry(self, given: str) -> Row:
        """An entry by its number or the beginning (8 or more digits) of its leaf hash."""
        if re.fullmatch("[0-9]{1,7}", given):
            found = list(self.ledger.rows(int(given), int(given) + 1))
        elif len(given) >= 8 and re.fullmatch("[0-9a-f]+", given):
            found = [row for row in self.ledger.rows() if row.leaf.hex().startswith(given)]
        else:
            found = []
        if len(found) != 1:
            raise CustodyError(f"{given!r} names no entry of this ledger", "`evikit ledger log` lists them.")
        return found[0]

    # --- writing -----------------------------------------------------------------------------------------

    def _common(self) -> dict[str, Json]:
        person = self.person
        return {
            **self._own_values(),
            "actor": person.name if person else None,
            "agency": person.agency if person else None,
            "role": person.role if person else None,
            "host": _host(),
        }

    def _append(self, draft: Draft, examine: Callable[[], None] | None = None) -> Row:
        if self._key is None:
            raise KeyLockedError("no key is open to sign with")

        def allowed(entry: Entry) -> None:
            if examine is not None:  # it says more clearly than the format's rules what is wrong
                examine()
            self._admit(entry)

        return self.ledger.append(draft, self._key, allowed)

    def _keep_head(self) -> None:
        if self.keeps_heads:
            self.home.heads.keep(self.ledger)

    def _admit(self, entry: Entry) -> None:
        if entry.type != "genesis":
            self.roster().admit(entry)

    def record(
        self,
        kind: str,
        n: int | None,
        values: Mapping[str, Json],
        re: Sequence[bytes] = (),
        *,
        pub: Mapping[str, Any] | None = None,
        entry_id: bytes = b"",
        examine: Callable[[], None] | None = None,
    ) -> Recorded:
        """Append an entry of the acting person; on return it is durable and its head is kept outside the case.

        It is refused where verifiers would hold it against the ledger. `examine` is asked while nobody else can write.
        """
        draft = Draft(kind, {**self._common(), **values}, n=n, re=tuple(re), pub=pub or {}, id=entry_id)
        row = self._append(draft, examine)
        self._keep_head()
        if kind == "erase":  # it may stand in an exhibit's sequence, where the roster does not look for news
            self._roster = None
        x = row.entry.x
        return Recorded(row.index, row.leaf, row.entry.seen_root, x.n if x is not None else 0)

    def register(self, values: Mapping[str, Json]) -> int:
        """Register an exhibit and return its ordinal."""
        return self.register_exhibit(values).n

    def register_exhibit(self, values: Mapping[str, Json], examine: Callable[[], None] | None = None) -> Recorded:
        """Register an exhibit; `examine` as for `record`."""
        return self.record("exhibit.register", NEW, values, examine=examine)

    def rotate_ledger_keys(self, passphrase: str, reason: str) -> Recorded:
        """Make new keys for the ledger itself; they sign once the entry has the governing signatures it needs."""
        keys = self.home.make_ledger_keys(passphrase)
        self._ledger_keys[EntryKey(keys.ed25519).key] = keys
        return self.record("ledger.rotate", 0, {"reason": reason}, pub={"ledger_keys": keys.records()})

    def seal(self) -> bool:
        """Checkpoint if entries stand that no checkpoint covers; whether all entries are covered now."""
        return bool(self.uncovered()) and self.checkpoint() is not None

    def uncovered(self) -> int:
        """How many entries no checkpoint covers yet."""
        return self.ledger.size - self.covered()

    def covered(self) -> int:
        """How many entries the newest checkpoint covers."""
        note = self.ledger.newest_note()
        return parse_note(note).checkpoint.size if note else 0

    def fingerprint(self) -> str:
        """The fingerprint of the newest checkpoint (64 hex digits), or "" without one."""
        note = self.ledger.newest_note()
        return fingerprint(parse_note(note).checkpoint) if note else ""

    def checkpoint(self) -> bytes | None:
        """Close and sign the head; None (entries stay unsigned by the ledger) where its keys are not kept here."""
        if (keys := self._own_keys()) is None:
            return None
        domain, seconds = str(self.genesis.pub["domain"]), self._clock() // 1_000_000_000
        note = close(self.ledger, keys, domain, self._own_values(), seconds, examine=self._admit)
        self._keep_head()
        return note

    def anchor(self, pub: Mapping[str, Any]) -> int | None:
        """Append a time-stamp from outside, signed by the ledger's own key; None where that is not kept here."""
        if (keys := self._own_keys()) is None:
            return None
        row = self.ledger.append(Draft("anchor", self._own_values(), pub=pub), EntryKey(keys.ed25519), self._admit)
        self._keep_head()
        return row.index

    def _own_keys(self) -> LedgerKeys | None:
        """The ledger's own keys in force, where they are kept here and open."""
        return self._ledger_keys.get(self.roster().governance.ledger_keys[-1][1][0].id)

    def _own_values(self) -> dict[str, Json]:
        return {"claimed_at": claimed(self._clock()), "clock": _clock_facts(self.zone), "tool": _tool()}


def validate_folder(path: Path, home: Home) -> None:
    """Refuse a folder that holds a case already, or would hold the key store."""
    if (path / "case.toml").exists() or (path / LEDGER_FILE).exists():
        raise CustodyError(f"there is a case in {path} already", "Choose another folder.")
    if home.path.resolve().is_relative_to(path.resolve()):
        raise CustodyError("the key store would be inside the case", "Set EVIKIT_HOME to a folder outside it.")


def _prepare_folder(path: Path, home: Home) -> None:
    validate_folder(path, home)
    try:
        for name in FOLDERS:
            (path / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CustodyError(f"{path} cannot be made: {error.strerror}", "Choose another folder.") from error


def _genesis_policy(key: EntryKey, keys: LedgerKeys, kind: str, domain: str, founders: Founders) -> dict[str, Any]:
    algorithm, public = public_key_of(key.private)
    governors = [{"key": b64(key.key), "pk": b64(public), "alg": algorithm}, *founders.records]
    policy = {
        "governors": governors,
        "need": str(founders.need),
        "ledger_keys": keys.records(),
        "keeper_same_as_author": True,
    }
    return {"kind": kind, "domain": domain, "policy": policy, "continues": None}


def find_case(given: str | None) -> Path:
    """--case or EVIKIT_CASE, else the nearest folder upward that holds a case.toml."""
    if given:
        return Path(given).absolute()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "case.toml").is_file():
            return folder
    raise CustodyError(
        "no case here or in any folder above", "Go into the case folder, use --case, or set EVIKIT_CASE."
    )


def writable(path: Path) -> bool:
    """Whether the case folder can be written at all."""
    return os.access(path, os.W_OK)
