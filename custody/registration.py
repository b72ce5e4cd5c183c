"""What is recorded of an exhibit when it comes into custody: one table of fields, and what is made of their values.

The table drives the options of `evikit exhibit register`, its TOML file, its questions, and what is shown and printed
later. Field names are those of common custody forms; where each stands in the entry is said here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from custody.case import zone_of
from custody.exhibits import STATES
from custody.ledger.draft import validate_value
from custody.ledger.entry import Json
from custody.ledger.errors import CustodyError
from custody.opened import mapping, text

NONE_VISIBLE = "none visible"
POWER = ("on", "off", "sleep", "unknown")
_LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its option and TOML key, its table, the entry's committed name it stands under, and its question.

    `form`: text, time, date, state, power. A field without a `question` is never asked for; one that is `live` only
    where the exhibit is switched on.
    """

    name: str
    table: str
    help: str
    question: str = ""
    default: str = ""
    form: str = "text"
    live: bool = False

    @property
    def option(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def words(self) -> str:
        """Its name on a form."""
        return self.name.replace("_", " ").capitalize()


FIELDS: tuple[Field, ...] = (
    Field("kind", "", "What it is: laptop, phone, disk, document.", "What is it", "item"),
    Field("description", "", "What it looks like, in a line.", "Describe it in a line"),
    Field("quantity", "", "How many.", "How many", "1"),
    Field("state", "", f"One of: {', '.join(STATES)}.", default="original", form="state"),
    Field("parent", "", "The exhibit it was part of, or was made from.", "Part of or made from (reference)"),
    Field("make", "identification", "Its maker.", "Make", NONE_VISIBLE),
    Field("model", "identification", "Its model.", "Model", NONE_VISIBLE),
    Field("serial", "identification", "Serial number, IMEI or asset tag.", "Serial number", NONE_VISIBLE),
    Field("capacity", "identification", "Capacity as labelled."),
    Field("label", "identification", "Words on its label."),
    Field("interface", "identification", "How it is connected: SATA, USB, NVMe."),
    Field("condition", "condition", "Condition, marks and damage.", "Condition, marks, damage", "undamaged"),
    Field("power", "condition", f"One of: {', '.join(POWER)}.", "Power state", "off", "power"),
    Field("screen", "condition", "What the screen showed.", "What the screen shows", live=True),
    Field("network", "condition", "What it was connected to.", "Connected to (network, cables)", live=True),
    Field("encryption", "condition", "Encryption seen, and where the credential is kept (never the credential)."),
    Field("seized_by", "seizure", "Who seized it.", "Seized by"),
    Field("witness", "seizure", "Who saw it.", "Witness"),
    Field("seized_at", "seizure", "When, as 2026-03-10 08:15 (case zone) or with an offset.", "Seized at", form="time"),
    Field("place", "seizure", "Where: address.", "Place"),
    Field("position", "seizure", "Where there: room, shelf, pocket.", "Position there"),
    Field("coordinates", "seizure", "Latitude and longitude, as measured."),
    Field("owner", "seizure", "Whose it is, or who had it.", "Owner or possessor"),
    Field("authority", "authority", "Warrant, order or consent, with its number.", "Legal authority (warrant, order)"),
    Field("issued_by", "authority", "Who issued it.", "Issued by"),
    Field("issued_on", "authority", "When it was issued.", form="date"),
    Field("scope", "authority", "What it covers."),
    Field("expires_on", "authority", "The last day on which it holds.", "Valid until (YYYY-MM-DD)", form="date"),
    Field("clock_shown", "clock", "What the exhibit's own clock showed.", "Its clock shows", form="time", live=True),
    Field("clock_reference", "clock", "What the right time was then.", "The right time now", form="time", live=True),
    Field("clock_source", "clock", "Where the right time came from.", "Where the right time is from", live=True),
    Field("clock_method", "clock", "How the clock was read: on the screen, in the firmware's setup."),
    Field("seal", "seal", "Number of the bag or seal.", "Bag or seal number (none if not sealed)", "none"),
    Field("seal_kind", "seal", "Kind of bag or seal."),
    Field("sealed_by", "seal", "Who sealed it."),
    Field("sealed_at", "seal", "When it was sealed.", form="time"),
    Field("faraday", "seal", "Shielding from radio: bag, box."),
    Field("storage", "", "Where it is kept from now on.", "Kept where", ""),
)
"""In the order of the form. A new field is one line here."""

BY_NAME = {field.name: field for field in FIELDS}
_TABLES = {field.table for field in FIELDS} - {""}


_GROUPS = {"identification": "serial", "condition": "condition", "seizure": "seizure", "authority": "seizure.authority",
           "clock": "seizure.clock", "seal": "seal"}  # fmt: skip
PARTS = {
    f"{_GROUPS[field.table]}.{'number' if field.name == 'seal' else field.name}": field
    for field in FIELDS
    if field.table in _GROUPS
} | {"serial.quantity": BY_NAME["quantity"]}
"""Where in a registration's entry a field stands, by dotted name."""


def read_form(written: str) -> dict[str, Any]:
    """The fields of a TOML form, and its `photographs`; CustodyError names what does not belong."""
    try:
        body = tomllib.loads(written)
    except tomllib.TOMLDecodeError as error:
        raise CustodyError(f"the form is not TOML: {error}", "docs/cli.md shows one.") from error
    found: dict[str, Any] = {}
    photographs = body.pop("photographs", [])
    for key, value in body.items():
        inside = key in _TABLES and isinstance(value, dict)
        for name, item in value.items() if inside else [(key, value)]:
            table = key if inside else ""
            field = BY_NAME.get(name)
            if field is None or field.table != table:
                raise CustodyError(f"the form has no field {f'{table}.{name}'.strip('.')!r}", _advice())
            found[name] = _written(name, item)
    if not isinstance(photographs, list) or not all(isinstance(item, str) for item in photographs):
        raise CustodyError("'photographs' is no list of file names", 'Write photographs = ["front.jpg"].')
    return found | ({"photographs": photographs} if photographs else {})


def _advice() -> str:
    return f"Fields: {', '.join(f'{field.table}.{field.name}'.strip('.') for field in FIELDS)}."


def _written(name: str, value: object) -> str:
    if isinstance(value, datetime | date):  # TOML has times of its own
        return value.isoformat()
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    raise CustodyError(f"the field {name!r} of the form is no text", f'Write {name} = "...".')


def validate(given: Mapping[str, str], zone: str) -> None:
    """Refuse what no field can hold, before anything is asked or written."""
    for name, value in given.items():
        field = BY_NAME[name]
        if len(value) > _LONGEST:
            raise CustodyError(f"{field.option} has {len(value):,} characters", f"At most {_LONGEST:,} fit a form.")
        validate_value(value)
        if not value:
            continue
        if field.form == "time":
            moment(value, zone)
        elif field.form == "date":
            _day(field, value)
        elif field.form == "state" and value not in STATES:
            raise CustodyError(f"there is no state {value!r}", f"States: {', '.join(STATES)}.")
        elif field.form == "power" and value not in POWER:
            raise CustodyError(f"there is no power state {value!r}", f"Power: {', '.join(POWER)}.")


def moment(written: str, zone: str) -> dict[str, Json]:
    """A time as written, with its zone and in UTC: {text, zone, utc}. Without an offset it is of the case's zone."""
    try:
        found = datetime.fromisoformat(written.strip())
    except ValueError as error:
        advice = "Write 2026-03-10 08:15, or with an offset: 2026-03-10T08:15+01:00."
        raise CustodyError(f"{written!r} is no time", advice) from error
    where: ZoneInfo | None = zone_of(zone) if found.tzinfo is None else None
    placed = (found.replace(tzinfo=where) if where else found).astimezone(UTC)
    return {"text": written, "zone": zone if where else str(found.tzinfo), "utc": f"{placed:%Y-%m-%dT%H:%M:%S}Z"}


def _day(field: Field, written: str) -> date:
    try:
        return date.fromisoformat(written.strip())
    except ValueError as error:
        raise CustodyError(f"{field.option} {written!r} is no day", "Write it as 2026-03-10.") from error


def compose(ref: str, given: Mapping[str, str], photographs: Iterable[Json], zone: str) -> dict[str, Json]:
    """The committed values of `exhibit.register`, without what is empty. `given` is validated."""
    tables: dict[str, dict[str, Json]] = {name: {} for name in _TABLES}
    for field in FIELDS:
        value = given.get(field.name, "").strip()
        if value and field.table:
            tables[field.table][field.name] = moment(value, zone) if field.form == "time" else value
    seal = tables["seal"]
    number = str(seal.pop("seal", "none"))
    sealed: dict[str, Json] = {"number": "" if number == "none" else number, **seal}
    tables["clock"].update(_offset(tables["clock"]))
    seizure: dict[str, Json] = {**tables["seizure"]}
    for name in ("authority", "clock"):
        if tables[name]:
            seizure[name] = tables[name]
    identification = tables["identification"] | ({"quantity": given["quantity"]} if given.get("quantity") else {})
    shown = list(photographs)
    return {
        "ref": ref,
        "kind": given.get("kind") or "item",
        "description": given.get("description") or None,
        "parent": given.get("parent") or None,
        "state": given.get("state") or "original",
        "serial": identification or None,
        "condition": tables["condition"] or None,
        "seizure": seizure or None,
        "seal": sealed if sealed["number"] or len(sealed) > 1 else None,
        "photographs": shown or None,
        "authority": _authority(tables["authority"]) or None,
        "place": given.get("place") or None,
    }


def form_of(values: Mapping[str, Json], storage: str = "") -> list[tuple[Field, str]]:
    """Every field of the form but the seal's number, with what a registration says of it in words, "" for nothing."""
    seizure = mapping(values.get("seizure"))
    tables = {
        "": {**values, "quantity": identification(values).get("quantity"), "storage": storage},
        "identification": identification(values),
        "condition": mapping(values.get("condition")),
        "seizure": seizure,
        "authority": mapping(seizure.get("authority")),
        "clock": mapping(seizure.get("clock")),
        "seal": mapping(values.get("seal")),
    }
    return [(field, _words(tables[field.table].get(field.name))) for field in FIELDS if field.name != "seal"]


def identification(values: Mapping[str, Json]) -> dict[str, Json]:
    """Make, model, serial number and the like; a serial number alone where a device told it."""
    serial = values.get("serial")
    return {"serial": serial} if isinstance(serial, str) else mapping(serial)


def _words(value: Json) -> str:
    """A value as it was written; a time with its zone and in UTC."""
    when = mapping(value)
    if "utc" not in when:
        return text(value)
    zone = text(when.get("zone"))
    return f"{text(when.get('text'))} {'' if zone.startswith('UTC') else zone} = {text(when['utc'])}".replace("  ", " ")


def _authority(table: Mapping[str, Json]) -> str:
    return ", ".join(str(table[name]) for name in ("authority", "issued_by", "issued_on") if table.get(name))


def clock_ahead(clock: Mapping[str, Json]) -> int | None:
    """By how many seconds the exhibit's clock was ahead (negative: behind); None where that is not known."""
    shown, right = clock.get("clock_shown"), clock.get("clock_reference")
    if not isinstance(shown, dict) or not isinstance(right, dict):
        return None
    return int((_utc(shown) - _utc(right)).total_seconds())


def _offset(clock: Mapping[str, Json]) -> dict[str, Json]:
    """The difference in words, as it is recorded; {} where it is not known."""
    ahead = clock_ahead(clock)
    return {} if ahead is None else {"clock_offset": f"{ahead:+d} s"}


def _utc(moment_: Mapping[str, Json]) -> datetime:
    return datetime.fromisoformat(re.sub("Z$", "+00:00", str(moment_["utc"])))


def concerns(values: Mapping[str, Json], others: Iterable[tuple[str, Mapping[str, Json]]]) -> list[str]:
    """What should be known about a registration beside what it says: an authority that did not hold, a serial known.

    `others` are reference and registered values of the exhibits there are.
    """
    found = list(_authority_concerns(values.get("seizure")))
    if values.get("state") in ("working-copy", "derived") and not values.get("parent"):
        found.append(f"it is a {values['state']}, and no exhibit is named that it was made from")
    serial = _serial(values)
    for ref, registered in others:
        if serial and serial == _serial(registered):
            found.append(f"{ref} bears the same serial number, {serial}")
    return found


def _serial(values: Mapping[str, Json]) -> str:
    serial = text(identification(values).get("serial"))
    return "" if serial.lower() == NONE_VISIBLE else serial


def _authority_concerns(seizure: Json) -> Iterable[str]:
    if not isinstance(seizure, dict):
        return
    authority, at = seizure.get("authority"), seizure.get("seized_at")
    if not isinstance(authority, dict) or not isinstance(at, dict):
        return
    day = str(at["text"]).strip()[:10]
    expires, issued = str(authority.get("expires_on") or ""), str(authority.get("issued_on") or "")
    if expires and day > expires:
        yield f"the authority expired on {expires}, before the seizure on {day}"
    if issued and day < issued:
        yield f"the authority was issued on {issued}, after the seizure on {day}"
