"""HA: digests. What was computed, what it was compared with, and whether it is the same thing."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from datetime import timedelta

from custody.exhibits import DIGEST_LENGTHS
from custody.handling._contract import LESSER, NOTICE, SERIOUS, Rule, Seen, days
from custody.handling._record import Access, Act, Chain, Record, apart
from custody.ledger.entry import Json
from custody.opened import mapping, text

_WEAK = frozenset({"md5", "sha1"})


def _expected(access: Access) -> Iterator[tuple[str, str, str]]:
    """Where from, algorithm and value of the digests that a reading was compared with."""
    for name, value in (access.end.mapping("expected") if access.end is not None else {}).items():
        if isinstance(value, dict):
            yield from ((name, algorithm, text(item)) for algorithm, item in value.items())
        else:
            yield "recorded", name, text(value)


def _files(access: Access) -> set[str]:
    """The digests of the files that the medium is kept in."""
    parts = [mapping(item) for item in (access.end.items("parts") if access.end is not None else [])]
    return {text(part.get(name)) for part in parts for name in DIGEST_LENGTHS} - {""}


def _mixed_up(access: Access) -> bool:
    """Whether the digest it was compared with is that of a container file, and the medium has another one."""
    values = {value for _, _, value in _expected(access)}
    return access.match is False and bool(values & _files(access)) and not values & set(access.digests.values())


def _contradicts(access: Access) -> bool:
    """Whether it is told as agreeing (or as not compared), and the digests in the entry do not agree."""
    if access.match is False or not access.digests:
        return False
    given = ((access.digests.get(algorithm, ""), value) for _, algorithm, value in _expected(access))
    return any(read and value and read.lower() != value.lower() for read, value in given)


def _differs(record: Record, chain: Chain) -> Iterator[Seen]:
    """A digest before is not the one after."""
    for access in chain.accesses:
        if _contradicts(access):
            yield Seen(access.entries, "told as agreeing, and the digest computed is not the one it was compared with")
        if access.match is not False or _mixed_up(access) or access.end is None:
            continue
        later = [item for item in chain.accesses if item.begin.index > access.end.index and item.examines]
        went_on = f"; work went on in entry {later[0].begin.index}" if later else ""
        whole = not access.end.text("path")
        what = "the media differ from the digest on record" if whole else f"{access.end.text('path')} differs"
        yield Seen(access.entries, f"{what}{went_on}")
    yield from _two_readings(chain)
    yield from _other_image(record, chain)
    for act in chain.of("transfer.accept"):
        offer = next((other for other in chain.of("transfer.offer") if other.leaf in act.answers), None)
        given, taken = (item.mapping("digest") if item is not None else {} for item in (offer, act))
        if any(name in given and given[name] != value for name, value in taken.items()) and offer is not None:
            yield Seen((offer.index, act.index), f"{record.who(act.key)} read other media than were offered")


def _other_image(record: Record, chain: Chain) -> Iterator[Seen]:
    """An image of an acquired medium with the digest of none of its acquisitions."""
    parent = chain.registered.text("parent")
    read = next((item for item in chain.accesses if _is_whole(item)), None)
    made = [item for one in record.named.get(parent, []) for item in one.accesses if item.object == "acquisition"]
    known = {item.digests["sha256"]: item for item in made if _is_whole(item)}
    if read is None or not known or chain.state == "derived" or read.digests["sha256"] in known:
        return
    entries = (*next(reversed(known.values())).entries, *read.entries)
    said = f"its digest is not that of the acquisition of {parent}: it is another image, or a part of it"
    yield Seen(entries, said, LESSER)


def _is_whole(access: Access) -> bool:
    """Whether it read the whole medium for its SHA-256."""
    whole = access.end is not None and access.end.text("basis") == "whole" and access.outcome == "completed"
    return whole and "sha256" in access.digests


def _two_readings(chain: Chain) -> Iterator[Seen]:
    """Two whole readings of one exhibit that were not compared, and do not agree."""
    first: dict[str, tuple[str, int]] = {}
    for access in chain.accesses:
        if access.end is None or access.end.text("basis") != "whole" or access.match is not None:
            continue
        for name, value in access.digests.items():
            before, where = first.setdefault(name, (value, access.end.index))
            if before != value:
                yield Seen((where, access.end.index), f"the {name} of two readings of the whole media differ")
                break


def _only_inside(_record: Record, chain: Chain) -> Iterator[Seen]:
    """The container's own digest is all there is."""
    inside = [access for access in chain.accesses if any(origin == "container" for origin, _, _ in _expected(access))]
    known = chain.registered.mapping("media_digests") or any(access.digests for access in chain.accesses)
    if inside and not known:
        yield Seen(inside[0].entries, "its digest stands in the container alone, and was recorded nowhere else")


def _algorithms(_record: Record, chain: Chain) -> Iterator[Seen]:
    """MD5 or SHA-1 alone, a digest cut short, or one without its algorithm."""
    found: dict[str, int] = {}
    for act, name, value in _recorded(chain):
        if not isinstance(value, dict):
            yield Seen((act.index,), f"{name} names no algorithm")
            continue
        for algorithm, digest in value.items():
            found.setdefault(algorithm, act.index)
            length = DIGEST_LENGTHS.get(algorithm)
            if length is not None and not re.fullmatch(rf"[0-9a-fA-F]{{{length}}}", text(digest)):
                yield Seen((act.index,), f"the {algorithm} in {name} is not whole ({len(text(digest))} digits)")
    if found and found.keys() <= _WEAK:
        names = " and ".join(sorted(name.upper().replace("SHA1", "SHA-1") for name in found))
        yield Seen(tuple(sorted(set(found.values()))), f"only {names}: others with the same digest can be made")


def _recorded(chain: Chain) -> Iterator[tuple[Act, str, Json]]:
    """Every digest of the media that entries state."""
    for act in chain.acts:
        for name in ("media_digests", "computed", "digest"):
            value = act.values.get(name)
            if value not in (None, {}) and not act.text("path"):
                yield act, name, value


def _unverified(record: Record, chain: Chain) -> Iterator[Seen]:
    """Not read at a hand-over, not compared at intake, or not verified for long."""
    for act in chain.of("transfer.accept"):
        offer = next((other for other in chain.of("transfer.offer") if other.leaf in act.answers), None)
        if offer is not None and offer.mapping("digest") and not act.mapping("digest"):
            yield Seen((offer.index, act.index), f"{record.who(act.key)} took it over without reading the media")
    announced = chain.registered.mapping("media_digests")
    for act in chain.of("transfer.receive"):
        if announced and act.text("outcome") == "accepted" and not act.mapping("digest"):
            yield Seen((act.index,), f"{record.who(act.key)} took it over without reading the media")
    whole = [item for item in chain.accesses if item.end is not None and item.outcome == "completed" and item.digests]
    if not whole or chain.story[-1][2].gone:
        return
    first = whole[0]
    if first.match is None and first.object != "acquisition":
        yield Seen(first.entries, "taken in without a digest to compare with: it is as it was from here on", NOTICE)
    good = [item for item in whole if item.match is not False]
    if good and good[-1].end is not None:
        gap = apart(good[-1].end.at, record.end)
        if gap is not None and gap > timedelta(days=record.settings.verify_days):
            yield Seen(good[-1].entries, f"not verified for {days(gap.days)} up to the end of this record")
    yield from _before_court(record, chain, good)


def _before_court(record: Record, chain: Chain, good: list[Access]) -> Iterator[Seen]:
    """Reported on, long after it was last compared."""
    ends = [item.end.index for item in good if item.end is not None]
    for act in record.reports:
        done = bisect_left(ends, act.index)
        if not done:
            continue
        gap = apart(good[done - 1].begin.at, act.at)
        if gap is not None and gap > timedelta(days=record.settings.verify_days):
            yield Seen((ends[done - 1], act.index), f"reported on, {days(gap.days)} after it was last verified")
            return


def _other_thing(_record: Record, chain: Chain) -> Iterator[Seen]:
    """A digest of the container file held against the medium."""
    for access in chain.accesses:
        if _mixed_up(access):
            yield Seen(
                access.entries, "the digest given is that of the container file; it was held against the medium's"
            )


def _sizes(record: Record, chain: Chain) -> Iterator[Seen]:
    """Segments missing from a row, fewer or more bytes than stated."""
    for access in chain.accesses:
        said = access.end.text("error") if access.end is not None else ""
        if "segment missing" in said:
            yield Seen(access.entries, said)
        elif missing := _missing_segment(access):
            yield Seen(access.entries, f"segment missing: {missing}")
        read = access.end.text("read_bytes") if access.end is not None else ""
        size = chain.registered.text("size")
        whole = access.end is not None and access.end.text("basis") == "whole" and access.outcome == "completed"
        if whole and size.isdigit() and read.isdigit() and size != read:
            yield Seen((chain.registered.index, *access.entries), f"{read} bytes were read, {size} are stated")
    yield from _other_size_than_its_label(record, chain)


def _other_size_than_its_label(record: Record, chain: Chain) -> Iterator[Seen]:
    """Told once: each further reading of the same medium says the same."""
    capacity = _capacity(record, chain)
    for access in chain.accesses:
        read = access.end.text("read_bytes") if access.end is not None and access.end.text("basis") == "whole" else ""
        if capacity and read.isdigit() and not 0.85 <= int(read) / capacity <= 1.15:
            said = f"{read} bytes were read; the label says about {capacity}"
            yield Seen((chain.registered.index, *access.entries), said)
            return


def _missing_segment(access: Access) -> str:
    """The first name that lacks in a row E01, E02 ... or 001, 002 ..., "" where none does."""
    names = [text(mapping(part).get("name")) for part in (access.end.items("parts") if access.end is not None else [])]
    numbered = [found for name in names if (found := re.fullmatch(r"(.+\.[EesS]?)(\d{2,3})", name))]
    if len(numbered) != len(names) or len(names) < 2:
        return ""
    present = {int(found[2]) for found in numbered}
    lacking = sorted(set(range(min(present), max(present))) - present)
    return f"{numbered[0][1]}{lacking[0]:0{len(numbered[0][2])}d}" if lacking else ""


def _capacity(record: Record, chain: Chain) -> int:
    """Bytes that the label of the device claims (the exhibit's own, or its parent's), 0 where it says nothing clear."""
    for where in (chain, *record.named.get(chain.registered.text("parent"), [])):
        said = text(where.registered.mapping("serial").get("capacity"))
        found = re.fullmatch(r"\s*(\d+(?:[.,]\d+)?)\s*([MGT])i?B\s*", said)
        if found:
            return int(float(found[1].replace(",", ".")) * 1000 ** ("MGT".index(found[2]) + 2))
    return 0


def _damaged(_record: Record, chain: Chain) -> Iterator[Seen]:
    """Checksums inside the container fail, whatever the digest of the whole says."""
    for access in chain.accesses:
        said = access.end.text("error") if access.end is not None else ""
        if "checksum" in said.lower():
            yield Seen(access.entries, said)


def _read_errors(_record: Record, chain: Chain) -> Iterator[Seen]:
    """What could not be read is not listed, or not as many as were counted."""
    for access in chain.accesses:
        if access.object != "acquisition" or access.end is None:
            continue
        error = access.end.text("error")
        counted = re.match(r"(\d+) sectors? could not be read", error)
        header = {
            text(mapping(item).get("name")): text(mapping(item).get("value")) for item in access.end.items("header")
        }
        listed = header.get("unreadable_sectors", "")
        if access.outcome == "partial" and counted and not listed:
            yield Seen(access.entries, f"{error}; which ones is not recorded")
        elif counted and listed and "more" not in listed and _sectors(listed) != int(counted[1]):
            yield Seen(access.entries, f"{counted[1]} sectors are counted, {_sectors(listed)} are listed")


def _sectors(listed: str) -> int:
    """How many sectors a list such as "3, 10-12" names."""
    spans = re.findall(r"(\d+)(?:-(\d+))?", listed)
    return sum(int(last or first) - int(first) + 1 for first, last in spans)


_ENDS = ("outcome", "match", "expected", "computed", "media_digests", "basis", "parts", "path", "error", "read_bytes")
_READ = {"access.begin": ("purpose", "object"), "access.end": _ENDS}
_GIVEN = {"transfer.offer": ("digest",), "transfer.accept": ("digest",)}

RULES: tuple[Rule, ...] = (
    Rule(
        "HA-01", SERIOUS, "The evidence is not what it was",
        "The media, or a file of them, have another digest than was recorded. Nothing found after that stands without "
        "an explanation.",
        of_exhibit=_differs, needs={**_READ, **_GIVEN, "exhibit.register": ("ref", "parent", "state")},
    ),
    Rule(
        "HA-02", SERIOUS, "The digest stands in the container alone",
        "Who changes the image can change the digest in it as well. It proves nothing unless recorded elsewhere.",
        of_exhibit=_only_inside, needs={**_READ, "exhibit.register": ("media_digests",)}, weaknesses=("DFW-1128",),
    ),
    Rule(
        "HA-03", LESSER, "A digest that is weak, cut short or without a name",
        "Two different files with the same MD5 or SHA-1 can be made. Chance does not do that; intent can.",
        of_exhibit=_algorithms, needs={**_READ, **_GIVEN, "exhibit.register": ("media_digests",)},
        weaknesses=("DFW-1042",),
    ),
    Rule(
        "HA-04", LESSER, "Not verified when it should have been",
        "Between two verifications the evidence could have changed, and nobody would know when.",
        of_exhibit=_unverified,
        needs={
            **_READ, **_GIVEN, "transfer.receive": ("outcome", "digest"), "export": ("document", "bundle_digest"),
            "exhibit.register": ("media_digests",), "*": ("claimed_at",),
        },
    ),
    Rule(
        "HA-05", SERIOUS, "Digests of different things were compared",
        "The digest of a container file and that of the medium in it are never equal. The comparison says nothing; the "
        "right one has still to be made.",
        of_exhibit=_other_thing, needs=_READ,
    ),
    Rule(
        "HA-06", SERIOUS, "Not the whole medium",
        "Part of the medium is missing, or there is more than there should be. What the rest holds is not known.",
        of_exhibit=_sizes, needs={**_READ, "exhibit.register": ("size", "serial", "parent", "ref")},
        weaknesses=("DFW-1004", "DFW-1013", "DFW-1259", "DFW-1278"),
    ),
    Rule(
        "HA-07", SERIOUS, "Checksums inside the image fail",
        "Part of the image was damaged after it was made; a digest of the whole that fits does not mend that.",
        of_exhibit=_damaged, needs=_READ,
    ),
    Rule(
        "HA-08", LESSER, "Read errors are not told as they were",
        "Which parts of the medium could not be read must be known, to say what a finding may have missed.",
        of_exhibit=_read_errors, needs={"access.begin": ("purpose", "object"), "access.end": (*_ENDS, "header")},
    ),
)  # fmt: skip
