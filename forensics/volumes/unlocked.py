"""Encrypted volumes: which of them the passphrases given open, also those inside others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from forensics.media import Medium
from forensics.model import ExaminationError, Location, Problem, Volume
from forensics.volumes import STAGE, apfs, bitlocker, filevault, luks
from forensics.volumes.layout import lay_out
from forensics.volumes.signatures import ReadAt
from forensics.volumes.views import Password, Plain, Source, Unlocked, unlocked_medium


class Encryption(NamedTuple):
    """One kind of encryption: whether a volume is of it, and its plain bytes, None where no secret opens it."""

    recognises: Callable[[Source], bool]
    unlock: Callable[[Source, Sequence[bytes]], Plain | Password | None]
    ways_in: Callable[[Source], str]
    """What would open a volume, "" where that is a passphrase."""
    of_facts: Callable[[Mapping[str, Any]], Plain | Password]


def _of_bytes(
    recognises: Callable[[ReadAt], bool],
    unlock: Callable[[ReadAt, int, Sequence[bytes]], Plain | None],
    of_facts: Callable[[Mapping[str, Any]], Plain],
    ways_in: Callable[[ReadAt], str] = lambda _: "",
) -> Encryption:
    """An encryption of a volume's bytes, whatever they hold."""
    return Encryption(
        lambda source: recognises(source.read_at),
        lambda source, secrets: unlock(source.read_at, source.length, secrets),
        lambda source: ways_in(source.read_at),
        of_facts,
    )


ENCRYPTIONS: tuple[Encryption, ...] = (
    _of_bytes(luks.is_luks, luks.unlock, luks.Plain.of_facts),
    _of_bytes(filevault.is_core_storage, filevault.unlock, luks.Plain.of_facts),
    _of_bytes(bitlocker.is_bitlocker, bitlocker.unlock, bitlocker.BitLockerPlain.of_facts, bitlocker.ways_in),
    Encryption(apfs.is_locked, apfs.unlock, lambda _: "", Password.of_facts),
)


def unlocked_facts(unlocked: Unlocked) -> dict[str, Any]:
    """An unlocked volume as JSON takes it. It holds the key: for a pipe, not for a file."""
    names = ("index", "encryption", "offset", "length")
    return {name: getattr(unlocked, name) for name in names} | {"plain": unlocked.plain.facts()}


def unlocked_of(facts: Mapping[str, Any]) -> Unlocked:
    """An unlocked volume out of what `unlocked_facts` gave."""
    return Unlocked(**{**facts, "plain": ENCRYPTIONS[facts["encryption"]].of_facts(facts["plain"])})


def unlock_volumes(medium: Medium, secrets: Sequence[bytes]) -> tuple[list[Unlocked], list[Problem]]:
    """The volumes that one of the passphrases opens, and what there is to say of the other encrypted ones.

    A volume inside one that was opened is tried, too. libtsk can spin on hostile bytes: call it where it can be killed.
    """
    found: list[Unlocked] = []
    problems: list[Problem] = []
    tried: set[str] = set()
    while True:
        layout = lay_out(unlocked_medium(medium, found), found)
        fresh = [index for index in layout.sources if index not in tried]
        if not fresh:
            return found, problems
        for index in fresh:
            tried.add(index)
            unlocked, reason = _unlock(layout.sources[index], secrets)
            if unlocked is not None:
                found.append(unlocked)
            elif reason:
                problems.append(Problem(Location("", volume=index), STAGE, reason))


def _unlock(source: Source, secrets: Sequence[bytes]) -> tuple[Unlocked | None, str]:
    """The volume unlocked, or why it is not ("" for one that is not encrypted)."""
    try:
        for number, encryption in enumerate(ENCRYPTIONS):
            if encryption.recognises(source):
                plain = encryption.unlock(source, secrets)
                if plain is not None:
                    offset, length = _on_medium(source.volume)
                    return Unlocked(source.volume.index, plain, number, offset, length), ""
                return None, _refused(len(secrets), encryption.ways_in(source))
    except ExaminationError as error:
        return None, f"it cannot be unlocked: {error}"
    return None, ""


def _on_medium(volume: Volume) -> tuple[int, int]:
    """Where a volume lies on the medium, (0, 0) for one inside another."""
    return (volume.offset, volume.length) if "." not in volume.index else (0, 0)


def _refused(count: int, ways: str) -> str:
    return f"none of the {count} passphrases given opens it" + (f", which takes: {ways}" if ways else "")
