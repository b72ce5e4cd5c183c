"""Evidence that was moved to other storage: read there through the gate, compared, and only then recorded."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from custody.case import Case
from custody.exhibits import Exhibit, media_digests
from custody.holding import digests_in
from custody.ledger.entry import Json
from custody.ledger.errors import CustodyError, IntegrityError
from custody.lifecycle import Done, Relocation, relocate
from custody.opened import mapping, text
from custody.target import Target
from forensics.commands.intake import refuse_own_files
from forensics.commands.places import container_files, path_of, recorded_parts
from forensics.commands.rehash import Expected, compare_media
from forensics.examine.request import Listener


@dataclass(frozen=True, slots=True)
class Relocated:
    """The entry, both places, and those files of the old one that are still there."""

    done: Done
    old: Sequence[str]
    new: Sequence[str]
    left: str
    digests: Mapping[str, str]


def relocated(case: Case, exhibit: Exhibit, target: Target, reason: str, listener: Listener) -> Relocated:
    """Read the exhibit at its new place, an access of its own, and record the move.

    CustodyError where nothing tells that it is the same; IntegrityError, with the reading on record, where it is not.
    """
    refuse_own_files(case, target)
    old = recorded_parts(case, exhibit)
    digests = media_digests(case, exhibit.n) or digests_in(exhibit.registered.get("media_digests"))
    if not digests:
        raise CustodyError(
            f"no digest of the media of {exhibit.ref} is recorded: nothing tells that these are the same",
            "Take it in from there with `evikit ingest`.",
        )
    if [_place(part) for part in old] == [_place(part) for part in target.described()]:
        raise CustodyError(f"{exhibit.ref} is read from there already", "Name the new place.")
    expected = Expected(digests, container_files(case, exhibit))
    read = compare_media(case, exhibit.n, target, expected, listener, settings={"reason": "relocation"})
    if not read.match:
        raise IntegrityError(
            f"what is there is not {exhibit.ref}: {read.problem or 'its digests differ from those on record'}",
            "It is recorded; the exhibit stays where it was. Copy it again, or find the files that were moved.",
        )
    found = Relocation(old, target.described(), target.identities(), read.digests, reason)
    done = relocate(case, exhibit, found)
    left = [path for path in map(path_of, old) if os.path.lexists(path)]
    shown = [_place(part) for part in target.described()]
    return Relocated(done, [_place(part) for part in old], shown, ", ".join(map(str, left)), read.digests)


def _place(part: Json) -> str:
    return text(mapping(part).get("path"))
