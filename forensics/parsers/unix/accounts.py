"""Accounts of a Unix system: passwd(5), group(5), shadow(5). Password hashes are never shown, only their state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Location, Problem
from forensics.parsers._clock import LAST_YEAR, SECOND
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._lines import Line, head_lines, parse_lines

_NAME, _VERSION, _STAGE = "accounts", "1", "parser accounts"
_USER, _GROUP, _SHADOW = "account.user", "account.group", "account.password"
_DAY = 86_400 * SECOND
_LATEST_DAY = (LAST_YEAR - 1970) * 365
_PASSWD_LINE = re.compile(r"([^:\s]{1,64}):([^:]*):(-?[0-9]{1,10}):(-?[0-9]{1,10}):([^:]*):([^:]*):([^:]*)")
_GROUP_LINE = re.compile(r"([^:\s]{1,64}):([^:]*):(-?[0-9]{1,10}):([^:\s]*)")
_SHADOW_LINE = re.compile(
    r"([^:\s]{1,64}):([^:\s]*):(-?[0-9]*):(-?[0-9]*):(-?[0-9]*):(-?[0-9]*):(-?[0-9]*):(-?[0-9]*):([^:]*)"
)
_FORMS = (_PASSWD_LINE, _GROUP_LINE, _SHADOW_LINE)
_FIRST = re.compile(rb"root:[^:\n]{0,256}:(?:0:0:|0:|[0-9]{0,6}:[0-9]*:)")
_USUAL = re.compile(r"(?:passwd|group|shadow)(?:-|\.[a-z0-9]+)?")
_COMPATIBLE = re.compile(r"[+-][^:]*(?::.*)?")  # NIS, of old
_SCHEMES = {
    **{"1": "md5crypt", "2a": "bcrypt", "2b": "bcrypt", "2y": "bcrypt", "5": "sha256crypt", "6": "sha512crypt"},
    **{"7": "scrypt", "y": "yescrypt", "gy": "gost-yescrypt", "sha1": "sha1crypt", "md5": "sunmd5"},
}
"""After crypt(5)."""


def _state(written: str) -> str:
    """What a password field says, without the hash."""
    if written == "":
        return "none needed"
    if written == "x":
        return "in shadow"
    if not (rest := written.lstrip("!*")):
        return "locked"
    scheme = _SCHEMES.get(rest.split("$")[1], "") if rest.startswith("$") and rest.count("$") > 1 else ""
    set_by = f"set ({scheme})" if scheme else "set"
    return f"{set_by}, locked" if written[0] in "!*" else set_by


def _day(written: str) -> Moment:
    """Days since 1970; 0 asks for a change at the next log-in and is no day."""
    days = int(written or 0)
    return Moment(days * _DAY if 0 < days <= _LATEST_DAY else None, written)


class _Table:
    """One table being read, line after line."""

    def __init__(self, source: ParserInput) -> None:
        self._facts = Facts(source, _NAME, _VERSION)

    def read(self, line: Line, location: Location) -> Artefact | str | None:
        """An account or a group; None for a comment and for what stands for a directory service."""
        place = line.offset, line.length
        if line.text[0] == "#" or _COMPATIBLE.fullmatch(line.text):
            return None
        if user := _PASSWD_LINE.fullmatch(line.text):
            name, password, number, group, comment, home, shell = user.groups()
            fields = {"user": name, "uid": number, "gid": group, "comment": comment, "home": home, "shell": shell}
            return self._facts.artefact(_USER, {}, fields | {"password": _state(password)}, place=place)
        if group_line := _GROUP_LINE.fullmatch(line.text):
            name, password, number, members = group_line.groups()
            fields = {"group": name, "gid": number, "members": members, "password": _state(password)}
            return self._facts.artefact(_GROUP, {}, fields, place=place)
        if shadow := _SHADOW_LINE.fullmatch(line.text):
            return self._shadow(shadow, place)
        return "not a line of accounts"

    def _shadow(self, match: re.Match[str], place: tuple[int, int]) -> Artefact:
        name, password, changed, least, most, warning, inactive, expires, _ = match.groups()
        moments = {"changed": _day(changed), "expires": _day(expires)}
        fields = {"user": name, "password": _state(password), "least_days": least, "most_days": most}
        fields |= {"warning_days": warning, "inactive_days": inactive}
        return self._facts.artefact(_SHADOW, moments, fields, place=place)


@dataclass(frozen=True, slots=True)
class AccountsParser:
    """Accounts, groups and when passwords were changed.

    Artefacts `account.user`: user, uid, gid, comment, home, shell, password ("in shadow", "locked", "set").
    `account.group`: group, gid, members, password. `account.password`: times `changed` and `expires` (days,
    UTC); user, password (state and scheme), least_days, most_days, warning_days, inactive_days.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_USER, _GROUP, _SHADOW)

    def accepts(self, head: bytes, name: str) -> bool:
        """It begins with root, or is named as these are and every line is one of theirs."""
        first = _FIRST.match(head) is not None
        if not first and not _USUAL.fullmatch(name):
            return False
        lines = [line for line in head_lines(head) if line[0] != "#" and not _COMPATIBLE.fullmatch(line)]
        return bool(lines) and all(any(form.fullmatch(line) for form in _FORMS) for line in lines)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every line in the order of the file; see `Parser.parse`."""
        yield from parse_lines(source, _STAGE, _Table(source).read)


PARSER = AccountsParser()
