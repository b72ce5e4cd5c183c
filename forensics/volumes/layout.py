"""A medium -> all its volumes: those of its tables, what is in them once unlocked, and logical volumes over several.

A volume inside another carries the other's index and a name of its own: "2.root" is the logical volume `root` of
the group whose first physical volume is volume 2.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from forensics.media import Medium
from forensics.model import ExaminationError, Location, Problem, Volume
from forensics.volumes import STAGE, MediumImage, apfs, list_volumes, lvm, name_volume
from forensics.volumes.shadow import has_shadow_copies, shadow_copies
from forensics.volumes.views import UNLOCKED, MappedView, Password, Plain, PlainView, Run, Source, Unlocked

MOST_DEPTH = 4
"""So deep volumes may stand in one another: a group can be made to contain itself."""
MOST_VOLUMES = 10_000


@dataclass(slots=True)
class Layout:
    """The volumes in order, where the bytes of each are by its index, and what was wrong."""

    volumes: list[Volume] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class _Group:
    """A volume group: its physical volumes by identifier, and its newest description."""

    newest: lvm.Physical
    first: str
    members: dict[str, Source] = field(default_factory=dict)


class _Survey:
    """One look over a medium."""

    def __init__(self, medium: Medium, unlocked: Sequence[Unlocked]) -> None:
        self.layout = Layout()
        self._medium = medium
        self._plains = {one.index: one.plain for one in unlocked}
        self._waiting: deque[tuple[Volume, Source]] = deque()
        self._groups: dict[str, _Group] = {}
        self._offsets: dict[str, int] = {}  # where each volume begins on the medium itself

    def run(self) -> Layout:
        listed, problems = list_volumes(self._medium)
        self.layout.problems += problems
        self._waiting.extend((volume, Source(self._medium, volume)) for volume in listed)
        while self._waiting:
            while self._waiting and len(self.layout.volumes) < MOST_VOLUMES:
                self._add(*self._waiting.popleft())
            groups, self._groups = self._groups, {}
            for group in groups.values():
                self._assemble(group)
            if len(self.layout.volumes) >= MOST_VOLUMES:
                self._problem("", f"there are over {MOST_VOLUMES} volumes: no more are listed")
                break
        order = {volume.index.partition(".")[0]: number for number, volume in enumerate(listed)}
        self.layout.volumes.sort(key=lambda volume: order[volume.index.partition(".")[0]])
        return self.layout

    def _problem(self, index: str, reason: str) -> None:
        self.layout.problems.append(Problem(Location("", volume=index), STAGE, reason))

    def _add(self, volume: Volume, source: Source) -> None:
        if (plain := self._plains.get(volume.index)) is not None:
            source, volume = self._opened(volume, source, plain)
        if not volume.filesystem and lvm.is_physical(source.read_at):
            volume = self._physical(volume, source)
        inside: list[tuple[Volume, Source]] = []
        if not volume.filesystem and apfs.is_container(source.read_at):
            volume, inside = self._container(volume, source)
        self.layout.volumes.append(volume)
        self.layout.sources[volume.index] = source
        self._offsets[volume.index] = volume.offset
        for row, one in inside:
            self.layout.volumes.append(row)
            self.layout.sources[row.index] = one
        if volume.filesystem == "NTFS" and has_shadow_copies(source.read_at):
            self._shadows(volume, source)

    def _container(self, volume: Volume, source: Source) -> tuple[Volume, list[tuple[Volume, Source]]]:
        """An APFS container as it is listed, and the volumes in it with where they are."""
        try:
            contained = apfs.contained_volumes(source)
        except ExaminationError as error:
            return replace(volume, problem=f"APFS: the container cannot be read: {error}"), []
        inside: list[tuple[Volume, Source]] = []
        for one in contained:
            described = f"APFS volume {one.identifier}" + self._within(volume)
            named = Volume(f"{volume.index}.{one.number + 1}", 0, source.length, "APFS", described, "APFS", one.name)
            if one.snapshots:
                self._problem(named.index, f"it has {one.snapshots} snapshots, which are not read")
            password = self._plains.get(named.index)
            if isinstance(password, Password):
                named = replace(named, description=f"{described} ({password.kind}, {UNLOCKED})")
            elif one.locked:
                named = replace(named, filesystem="", problem="APFS: encrypted: it is not read without its key")
            view = apfs.ContainedView(source, one.number, password if isinstance(password, Password) else None)
            inside.append((replace(named, offset=volume.offset), Source(view, named)))
        return _described(volume, f"APFS container of {len(contained)} volumes"), inside

    @staticmethod
    def _within(volume: Volume) -> str:
        """Said of a volume inside another that was unlocked."""
        return f" (in {volume.index}, {UNLOCKED})" if f"{UNLOCKED})" in volume.description else ""

    def _shadows(self, volume: Volume, source: Source) -> None:
        """List the shadow copies of an NTFS volume behind it."""
        try:
            copies = shadow_copies(source)
        except ExaminationError as error:
            self._problem(volume.index, f"its shadow copies cannot be read: {error}")
            return
        listed: list[tuple[Volume, Source]] = []
        for copy, view in copies:
            index = f"{volume.index}.vss{copy.number}"
            described = f"shadow copy of {copy.instant}, {{{copy.identifier}}} of set {{{copy.copy_set}}}"
            described += self._within(volume)
            named = self._named(index, view, "VSS", described)
            listed.append((replace(named, offset=volume.offset), Source(view, named)))
        newer = source
        for row, older in reversed(listed):
            newer = self.layout.sources[row.index] = replace(older, newer=newer)
            self._offsets[row.index] = volume.offset
        self.layout.volumes.extend(row for row, _ in listed)

    def _opened(self, volume: Volume, source: Source, plain: Plain | Password) -> tuple[Source, Volume]:
        described = f"{volume.description} ({plain.kind}, {UNLOCKED})".strip()
        if isinstance(plain, Password):
            return source, volume  # it is not there to be opened: containers open their own volumes
        if "." not in volume.index:  # the medium is plain there already
            volume = replace(volume, description=described)
            return Source(self._medium, volume), volume
        view = PlainView(source, plain)
        named = self._named(volume.index, view, volume.scheme, described)
        return Source(view, named), replace(named, offset=volume.offset, length=volume.length)

    def _named(self, index: str, view: Medium, scheme: str, description: str) -> Volume:
        """What stands in a view, as a volume from its first byte to its last."""
        image = MediumImage(view)
        found = name_volume(image, view, Volume(index, 0, view.size, scheme, description), self.layout.problems)
        for line in image.failures:
            self._problem(index, line)
        return found

    def _physical(self, volume: Volume, source: Source) -> Volume:
        """Remember a physical volume for its group; the volume as it is listed."""
        try:
            found = lvm.read_physical(source.read_at)
        except ExaminationError as error:
            return replace(volume, problem=f"LVM2 physical volume: {error}")
        if found.about is None:
            return _described(volume, "LVM2 physical volume of no group")
        group = self._groups.setdefault(str(found.about.get("id")), _Group(found, volume.index))
        twin = group.members.setdefault(found.identifier, source)
        if twin is not source:
            reason = (
                f"it has the identifier of volume {twin.volume.index}, as a copy has: its group is made of that one"
            )
            self._problem(volume.index, reason)
        if found.serial > group.newest.serial:
            group.newest = found
        return _described(volume, f"LVM2 physical volume of {found.group}")

    def _assemble(self, group: _Group) -> None:
        about: Mapping[str, Any] = group.newest.about or {}
        if group.first.count(".") >= MOST_DEPTH:
            self._problem(group.first, f"volumes in one another over {MOST_DEPTH} deep are not listed")
            return
        try:
            logical, devices = lvm.logical_volumes(about), lvm.physical_names(about)
        except ExaminationError as error:
            self._problem(group.first, f"the description of the volume group {group.newest.group}: {error}")
            return
        for one in logical:
            self._logical(one, group, devices)

    def _logical(self, logical: lvm.Logical, group: _Group, devices: Mapping[str, str]) -> None:
        index = f"{group.first}.{logical.name}"
        parent = self.layout.sources[group.first].volume
        begin = self._offsets[group.first]
        described = f"logical volume {logical.name} of {group.newest.group}" + self._within(parent)
        volume = Volume(index, begin, logical.length, "LVM2", described)
        absent = lvm.missing(logical, list(group.members))
        named = ", ".join(f"{one} (once {devices.get(one) or 'unknown'})" for one in absent)
        reason = logical.problem or (f"it needs what is not on this medium: physical volume {named}" if absent else "")
        if reason or not logical.segments:
            self.layout.volumes.append(replace(volume, problem=f"LVM2: {reason or 'it has no bytes'}"))
            return
        runs = [
            Run(at, length, tuple((group.members[one.physical], one.offset) for one in stripes), size)
            for at, length, stripes, size in logical.segments
        ]
        view = MappedView(self._medium, runs)
        source, place, _ = view.place(0)
        found = self._named(index, view, "LVM2", described)
        begin = self._offsets[source.volume.index] + place
        self._waiting.append((replace(found, offset=begin), Source(view, found)))


def _described(volume: Volume, what: str) -> Volume:
    """A volume that is no file system and holds others: there is nothing wrong with it."""
    return replace(volume, description=f"{volume.description} ({what})".strip(), problem="")


def lay_out(medium: Medium, unlocked: Sequence[Unlocked] = ()) -> Layout:
    """All volumes of a medium (of `unlocked_medium`, where some are unlocked), in the order of where they begin.

    Never raises for bad bytes. A volume inside another stands behind it. Offsets are bytes of the medium: for a
    logical volume, where its first byte lies. libtsk can spin on hostile bytes: call it where it can be killed.
    """
    return _Survey(medium, unlocked).run()


def source_of(
    medium: Medium, volume: Volume, unlocked: Sequence[Unlocked] = (), known: dict[str, Source] | None = None
) -> Source:
    """Where the bytes of a volume that `lay_out` listed are; raises `ExaminationError` where they cannot be had.

    `known` takes the sources of all volumes, where the medium had to be laid out again.
    """
    if "." not in volume.index:
        return Source(medium, volume)
    sources = lay_out(medium, unlocked).sources
    if known is not None:
        known.update(sources)
    found = sources.get(volume.index)
    if found is None:
        raise ExaminationError(f"volume {volume.index} is not found again on its medium")
    return found
