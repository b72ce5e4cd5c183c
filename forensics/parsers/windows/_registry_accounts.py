"""Accounts and groups of a SAM hive, without what the passwords are kept as.

The values F, V and C have no public specification: their layouts are those the field's tools agree on.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from forensics.parsers.windows._registry_keys import Fact, Key, Reader, filetime_at, number, wide

_FLAGS = {
    0x0001: "disabled", 0x0002: "home directory required", 0x0004: "password not required", 0x0008: "temporary",
    0x0010: "normal user", 0x0020: "MNS log-on", 0x0040: "domain trust", 0x0080: "workstation trust",
    0x0100: "server trust", 0x0200: "password does not expire", 0x0400: "locked",
}  # fmt: skip
"""USER_ACCOUNT codes, [MS-SAMR] section 2.2.1.12."""
_V_NAMES = {"name": 1, "full_name": 2, "comment": 3, "user_comment": 4, "home": 6, "script": 8, "profile": 9}
"""Place of each text in V's table of offset, length and one more number; data begin after the table."""
_V_START, _C_START = 0xCC, 0x34


def _texts(data: bytes) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, place in _V_NAMES.items():
        offset, length = number(data, 12 * place), number(data, 12 * place + 4)
        found[name] = data[_V_START + offset : _V_START + offset + length].decode("utf-16-le", "backslashreplace")
    return found


def _account(key: Key) -> Iterator[Fact | str]:
    fixed, variable = key.data("F"), key.data("V")
    if len(fixed) < 68 or len(variable) < _V_START:
        yield f"the account {key.name} has no values F and V of the known length"
        return
    flags = number(fixed, 56, 2)
    moments = {
        "last_logon": filetime_at(fixed, 8),
        "password_set": filetime_at(fixed, 24),
        "expires": filetime_at(fixed, 32),
        "last_failed_logon": filetime_at(fixed, 40),
    }
    fields = _texts(variable)
    fields |= {
        "rid": number(fixed, 48),
        "flags": ", ".join(name for bit, name in _FLAGS.items() if flags & bit),
        "failed_logons": number(fixed, 64, 2),
        "logons": number(fixed, 66, 2),
        "internet_name": wide(key.data("InternetUserName")),
        "password_hint": wide(key.data("UserPasswordHint")),
        "key": key.path,
    }
    if f"{number(fixed, 48):08X}" != key.name.upper():
        fields["named_rid"] = key.name
    yield Fact("registry.account", moments, fields)


def _sid(data: bytes, at: int) -> tuple[str, int]:
    """A SID ([MS-DTYP] section 2.4.2.2) and its length; ("", 0) where there is none."""
    count = data[at + 1] if at + 8 <= len(data) and data[at] == 1 else 16
    if count > 15 or at + 8 + 4 * count > len(data):
        return "", 0
    authority = int.from_bytes(data[at + 2 : at + 8], "big")
    parts = struct.unpack_from(f"<{count}I", data, at + 8)
    return "-".join(map(str, ("S-1", authority, *parts))), 8 + 4 * count


def _group(key: Key) -> Iterator[Fact | str]:
    data = key.data("C")
    if len(data) < _C_START:
        return
    name, comment = (
        data[_C_START + number(data, at) :][: number(data, at + 4)].decode("utf-16-le", "backslashreplace")
        for at in (0x10, 0x1C)
    )
    at, stated, members = _C_START + number(data, 0x28), number(data, 0x30), list[str]()
    while len(members) < stated:
        sid, length = _sid(data, at)
        if not length:
            yield f"the group {name or key.name} says it has {stated:,} members, {len(members):,} could be read"
            break
        members.append(sid)
        at += length
    fields: dict[str, object] = {"name": name, "comment": comment, "members": "; ".join(members)}
    yield Fact("registry.group", {"written": key.written}, {"rid": number(data), **fields, "key": key.path})


READERS = (
    Reader(r"(?:.*\\)?SAM\\Domains\\Account\\Users\\[0-9A-F]{8}", _account),
    Reader(r"(?:.*\\)?SAM\\Domains\\(?:Account|Builtin)\\Aliases\\[0-9A-F]{8}", _group),
)

KINDS = ("registry.account", "registry.group")
