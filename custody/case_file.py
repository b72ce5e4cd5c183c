"""case.toml: what people write down of a case, and where its ledger is. What counts stands in the ledger."""

from __future__ import annotations

import re
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from custody.durable import write_durably
from custody.ledger.database import URL_SCHEMES, Address
from custody.ledger.errors import CustodyError
from custody.people import quoted

LEDGER_FILE = "ledger.sqlite"


def write_facts(path: Path, facts: Mapping[str, str]) -> None:
    """Write case.toml, durably."""
    toml = "".join(f"{name} = {quoted(value)}\n" for name, value in facts.items())
    write_durably(path / "case.toml", toml.encode(), 0o644)


def name_ledger(path: Path, named: str) -> None:
    """Put another ledger into case.toml, durably, and leave all else as it is."""
    text = (path / "case.toml").read_text("utf-8")
    plain, table, rest = text.partition("\n[")
    kept = [line for line in plain.splitlines() if not re.match(r"ledger\s*=", line)]
    plain = "\n".join([*kept, f"ledger = {quoted(named)}", ""])
    write_durably(path / "case.toml", (plain + table + rest).encode(), 0o644)


def named_for(url: str, number: str) -> str:
    """The URL of a ledger; where it names no schema, one that nobody has yet is named after the case's number."""
    if "#" in url:
        return url
    plain = re.sub("[^a-z0-9]+", "_", number.lower()).strip("_")[:30]
    return f"{url}#case_{plain}_{secrets.token_hex(3)}"


def address_of(path: Path) -> Address:
    """Where the ledger of the case in this folder is, as case.toml says."""
    return address_in(path, str(facts_of(path).get("ledger", LEDGER_FILE)))


def address_in(path: Path, named: str) -> Address:
    """What case.toml's `ledger` means in this folder: the file there, or the URL of a schema in PostgreSQL."""
    if named != LEDGER_FILE and not named.startswith(URL_SCHEMES):
        raise CustodyError(
            "a ledger is neither the case's own file nor in PostgreSQL",
            f'case.toml names "{LEDGER_FILE}", or postgresql://HOST/DATABASE#NAME.',
        )
    return path / LEDGER_FILE if named == LEDGER_FILE else named


def facts_of(path: Path) -> Mapping[str, Any]:
    """What case.toml says; CustodyError where there is none, or it cannot be read."""
    try:
        return tomllib.loads((path / "case.toml").read_text("utf-8"))
    except FileNotFoundError:
        raise CustodyError(f"{path} is not a case: it has no case.toml", "Run `evikit init`, or use --case.") from None
    except (OSError, ValueError) as error:
        raise CustodyError(f"{path / 'case.toml'} cannot be read: {error}", "Repair the file.") from error
