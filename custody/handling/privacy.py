"""PR: secrets in clear. What stands in the ledger is read by many, for years; a finding never repeats what it found."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from custody.handling._contract import LESSER, Rule, Seen
from custody.handling._record import Act, Record
from custody.ledger.entry import Json

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PRIVATE = re.compile(r"\b(?:[5KL][1-9A-HJ-NP-Za-km-z]{50,51}|[xyz]prv[1-9A-HJ-NP-Za-km-z]{107})\b")
_CARD = re.compile(r"(?<![\d.-])(?:\d[ -]?){12,18}\d(?![\d.-])")
_ISSUER = re.compile(
    r"4(\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|(6011|65\d\d|35\d\d)\d{12,15}|3[0689]\d{12,17}"
)
"""First digits and lengths of the common card schemes (ISO/IEC 7812). An IMEI has 15 digits, and begins otherwise."""
_PASSWORD = re.compile(r"(?i)\b(?:password|passphrase|passcode|pwd|pin code|lozinka|šifra|пароль|лозинка)\s*[:=]\s*\S+")
_MACHINE = frozenset(("serial", "identity", "identity_after", "parts", "host", "challenge", "fresh", "manifest_secret"))
"""Fields that hold numbers of devices and random bytes: an IMEI has the same check digit as a card."""


def _texts(name: str, value: Json) -> Iterator[tuple[str, str]]:
    """Every text in a value, with the name of its field."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for part, item in value.items():
            if part not in _MACHINE:
                yield from _texts(name, item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(name, item)


def _secrets(record: Record) -> Iterator[Seen]:
    for act in record.acts:
        for what, field in sorted(set(_found(act))):
            yield Seen((act.index,), f"what looks like {what} stands in clear in the field {field!r}")


def _found(act: Act) -> Iterator[tuple[str, str]]:
    for name, value in act.values.items():
        if name in _MACHINE or name.endswith(("digest", "digests", "root")):
            continue
        for field, written in _texts(name, value):
            if len(written) > 8:
                yield from ((what, field) for what in _kinds(written))


def _kinds(written: str) -> Iterator[str]:
    """What kinds of secrets a text holds."""
    if any(_is_card(found) for found in _CARD.findall(written)):
        yield "a card number"
    if "PRIVATE KEY-----" in written or any(map(_is_base58check, _PRIVATE.findall(written))):
        yield "a private key"
    if _PASSWORD.search(written):
        yield "a password"
    if _has_seed(written):
        yield "a seed phrase"


def _is_card(written: str) -> bool:
    """ISO/IEC 7812: a known issuer's first digits, 13 to 19 digits, the check digit of Luhn."""
    digits = re.sub(r"\D", "", written)
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return bool(_ISSUER.fullmatch(digits)) and sum(map(_cross_sum, doubled)) % 10 == 0


def _cross_sum(number: int) -> int:
    return number // 10 + number % 10


def _is_base58check(written: str) -> bool:
    """The last four bytes are the beginning of the double SHA-256 of the others."""
    number = 0
    for character in written:
        number = number * 58 + _BASE58.index(character)
    data = number.to_bytes((number.bit_length() + 7) // 8)
    return hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()[:4] == data[-4:]


def _has_seed(written: str) -> bool:
    """BIP-39: 12 to 24 words of its list in a row, whose checksum is right."""
    words = re.findall(r"[a-z]+", written.lower())
    known = _wordlist()
    gaps = [-1, *(place for place, word in enumerate(words) if word not in known), len(words)]
    return any(_checks(words[before + 1 : after]) for before, after in pairwise(gaps) if after - before > 12)


def _checks(words: list[str]) -> bool:
    from mnemonic import Mnemonic

    english = Mnemonic("english")
    return any(
        english.check(" ".join(words[start : start + length]))
        for length in (12, 15, 18, 21, 24)
        for start in range(len(words) - length + 1)
    )


@cache
def _wordlist() -> frozenset[str]:
    from mnemonic import Mnemonic

    return frozenset(Mnemonic("english").wordlist)


RULES: tuple[Rule, ...] = (
    Rule(
        "PR-01", LESSER, "A secret in clear",
        "Whoever reads the record can use it. Have it made useless (money moved, password changed), then erased.",
        of_case=_secrets,
    ),
)  # fmt: skip
