"""Accounts and groups of SAM hives, and that nothing a password is kept as is shown."""

from __future__ import annotations

import re
import struct
from typing import Any

from forensics.parsers.windows.registry import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts
from tests.forensics.parsers.keys import FILETIME, SECOND, binary, refused, told, wide

USERS = r"SAM\Domains\Account\Users"


def test_accounts_of_a_public_hive(corpus: Fetch, told_by: Any, at: Any) -> None:
    """regipy 6.2 says the same of the three accounts."""
    found = told_by(corpus, "registry/regipy/SAM")
    administrator, guest, person = artefacts(found, "registry.account")
    assert administrator.fields["rid"] == "500"
    assert administrator.fields["flags"] == "disabled, normal user, password does not expire"
    assert administrator.fields["logons"] == "6"
    assert administrator.times == {
        "last_logon": at("2010-11-20T21:48:12.569244+00:00"),
        "password_set": at("2010-11-20T21:56:34.743687+00:00"),
    }
    assert (guest.fields["name"], guest.times) == ("Guest", {})
    assert (person.fields["name"], person.fields["rid"], person.fields["logons"]) == ("Preston", "1000", "4")
    groups = {item.fields["name"]: item.fields for item in artefacts(found, "registry.group")}
    assert groups["Administrators"]["members"].endswith("-500; S-1-5-21-1760460187-1592185332-161725925-1000")
    assert groups["Administrators"]["rid"] == "544"


def test_passwords_hashes_are_never_shown(corpus: Fetch, hive: Any, read: Any) -> None:
    data = hive(corpus, "registry/regipy/SAM")
    keys = [key for key in artefacts(read(PARSER, data), "registry.key") if key.fields["path"].startswith(USERS)]
    shown = [value for key in keys for name, value in key.fields.items() if name in ("value.V", "value.F")]
    assert len(shown) == 6
    assert all(re.fullmatch(r"\(\d+ bytes that may guard passwords are not shown\)", value) for value in shown)


def account(rid: int, name: str, flags: int) -> dict[str, Any]:
    fixed = bytearray(80)
    struct.pack_into("<Q", fixed, 8, FILETIME)
    struct.pack_into("<IIH", fixed, 48, rid, 0, flags)
    struct.pack_into("<HH", fixed, 64, 2, 9)
    raw = name.encode("utf-16-le")
    variable = bytearray(0xCC) + raw
    struct.pack_into("<II", variable, 12, 0, len(raw))
    return {"F": binary(bytes(fixed)), "V": binary(bytes(variable))}


def test_fields_of_an_account() -> None:
    values = account(1001, "Jürgen", 0x411) | {"InternetUserName": binary(wide("ada@example.org"))}
    (fact,) = told(rf"{USERS}\000003E9", values)
    assert (fact.fields["name"], fact.fields["rid"]) == ("Jürgen", 1001)
    assert (fact.fields["failed_logons"], fact.fields["logons"]) == (2, 9)
    assert fact.fields["flags"] == "disabled, normal user, locked"
    assert fact.fields["internet_name"] == "ada@example.org"
    assert fact.moments["last_logon"].at == SECOND
    assert "named_rid" not in fact.fields


def test_an_account_that_took_another_ones_number_says_so() -> None:
    (fact,) = told(rf"{USERS}\000003E9", account(500, "a", 0))
    assert fact.fields["named_rid"] == "000003E9"


def test_accounts_and_groups_that_are_cut() -> None:
    assert refused(rf"{USERS}\000003E9", {"F": binary(bytes(10))}) == [
        "the account 000003E9 has no values F and V of the known length"
    ]
    head = bytearray(0x34)
    struct.pack_into("<II", head, 0x10, 0, 4)
    struct.pack_into("<III", head, 0x28, 4, 12, 2)
    sid = b"\x01\x01" + bytes(5) + b"\x05" + (18).to_bytes(4, "little")
    path = r"SAM\Domains\Builtin\Aliases\00000220"
    values = {"C": binary(bytes(head) + "ab".encode("utf-16-le") + sid)}
    assert refused(path, values) == ["the group ab says it has 2 members, 1 could be read"]
    struct.pack_into("<I", head, 0x30, 1)
    (group,) = told(path, {"C": binary(bytes(head) + "ab".encode("utf-16-le") + sid)})
    assert (group.fields["name"], group.fields["members"]) == ("ab", "S-1-5-18")
    assert told(path, {}) == []
