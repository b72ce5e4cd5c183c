"""Taking evidence in, from the gate's begin to its end: identify, perhaps copy, examine, compare, record.

It joins a case (custody) with an examination (forensics), which only the commands may do.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from custody.access import Source, open_evidence
from custody.attachments import keep_attachment
from custody.case import Case, zone_of
from custody.exhibits import (
    STATES,
    Digest,
    Exhibit,
    find_exhibit,
    media_digests,
    need_exhibit,
    open_accesses,
    outcomes,
    parse_digest,
    validate_ref,
)
from custody.holding import refuse_gone
from custody.ledger.entry import Json
from custody.ledger.errors import CustodyError, IntegrityError
from custody.opened import text
from custody.target import Target, shown
from forensics import results
from forensics.commands.copying import copy_of
from forensics.commands.mapping import Mappings, read_mappings
from forensics.commands.rehash import Nowhere, archive_in, image_in, rehash
from forensics.examine.folder import LooseFiles
from forensics.examine.pipeline import examine_image
from forensics.examine.request import Examination, Listener, Request, manifest_rows
from forensics.examine.tools import tool_versions
from forensics.examine.trees import examine_archive, examine_tree


@dataclass(frozen=True, slots=True)
class Order:
    """What the examiner asked for, as on the command line."""

    paths: tuple[Path, ...]
    ref: str
    purpose: str
    state: str = ""
    description: str = ""
    parent: str = ""
    expect: str | None = None
    acquisition_log: Path | None = None
    zone: str | None = None
    mapping: Path | None = None
    copy_first: bool = False
    again: bool = False
    jobs: int = 1
    cluster: str = ""
    secrets: tuple[bytes, ...] = field(default=(), repr=False)

    def validate(self) -> None:
        """Refuse what cannot be carried out, before anything is written."""
        validate_ref(self.ref)
        self.validate_words()
        _refuse_empty(Target.locate(self.paths))

    def validate_words(self) -> None:
        """As `validate`, but for the files: what is named by its reference is found when the case is open."""
        if self.ref:
            validate_ref(self.ref)
        if not self.purpose.strip():
            raise CustodyError("the purpose is empty", "Say why the evidence is read: it stands in the ledger.")
        if self.state not in ("", *STATES[:3]):
            raise CustodyError(f"there is no state {self.state!r}", f"States: {', '.join(STATES[:3])}.")
        if self.zone is not None:
            zone_of(self.zone)
        if self.cluster and self.secrets:
            raise CustodyError(
                "passphrases are not sent to a cluster", "Leave --cluster out to read encrypted volumes."
            )
        self.slip()
        if self.acquisition_log is not None and not self.acquisition_log.is_file():
            raise CustodyError(f"there is no file {self.acquisition_log}", "Check --acquisition-log.")
        self.mappings()

    def slip(self) -> Digest | None:
        """The digest on the hand-over slip."""
        return parse_digest(self.expect) if self.expect is not None else None

    def mappings(self) -> Mappings:
        """What --mapping says, and its digest."""
        return read_mappings(self.mapping) if self.mapping is not None else Mappings()

    def settings(self) -> dict[str, str]:
        digest = self.mappings().sha256
        chosen = {"zone": self.zone or "", "jobs": str(self.jobs), "state": self.state, "mapping": digest}
        chosen["cluster"] = self.cluster
        chosen["passphrases"] = f"{len(self.secrets)} given" if self.secrets else ""
        return {name: value for name, value in chosen.items() if value}


def _refuse_empty(target: Target) -> None:
    sizes = [facts.st_size for facts in target.facts if stat.S_ISREG(facts.st_mode)]
    if sizes and len(sizes) == len(target.facts) and not any(sizes):
        raise CustodyError(
            f"{shown(target.names[0])} is empty (0 bytes)",
            "Check the copy. An empty log is taken in together with the folder it stands in.",
        )


LOCAL_TIMES = "times are in the local time of the source, and no zone was declared"
"""What the outcome remarks of such times (rule TI-03 reads it)."""


@dataclass(slots=True)
class Intake:
    """What came of it: the examination, digests that did not agree, and what else should be known."""

    examination: Examination
    mismatches: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def problems(self) -> int:
        return self.examination.counts.get("problems", 0)

    def volume_names(self) -> list[str]:
        return [volume.filesystem or volume.description or "unreadable" for volume in self.examination.volumes]

    def json_object(self) -> dict[str, Any]:
        return {**self.examination.json_object(), "mismatches": self.mismatches, "remarks": self.remarks}


def take_in(case: Case, order: Order, listener: Listener) -> Intake:
    """The whole of `evikit ingest` on an open, unlocked case."""
    target = Target.locate(order.paths)
    refuse_own_files(case, target)
    known = find_exhibit(case, order.ref)
    order = replace(order, state=order.state or _state_of(known))
    _validate_parent(case, order, known)
    if known is not None:
        refuse_gone(case, known.n)
    unchanged = known is not None and _seen_before(case, known.n, target)
    if known is not None and unchanged and not order.again and _complete(case, order.ref, known.n):
        raise CustodyError(
            f"{order.ref} was taken in already and its media are unchanged",
            "The results stand; --again examines once more, `evikit verify` re-hashes.",
        )
    n = known.n if known is not None else _register(case, order, target)
    if order.acquisition_log is not None:
        kept: list[Json] = [keep_attachment(case.receipts, order.acquisition_log).described()]
        case.record("note", n, {"kind": "attachment", "text": "log of the acquiring tool", "attachments": kept})
    if order.mapping is not None:
        keep_attachment(case.receipts, order.mapping)  # the settings of the access name it by its digest
    if known is not None and not unchanged:
        _compare_media(case, n, order, target, listener)
    if order.copy_first:
        target = copy_of(case, n, order.ref, order.purpose, target)
        order = replace(order, state=STATES[2])  # that is what is examined, whatever it was made from
    return _examine(case, n, order, target, listener)


def _state_of(known: Exhibit | None) -> str:
    """What files are that nobody called anything: as registered, if as a copy; of a thing they are an image."""
    return known.state if known is not None and known.state in STATES[1:4] else STATES[1]


def refuse_own_files(case: Case, target: Target) -> None:
    """The case and the key store grow while evidence is read, and keys are no evidence."""
    own, keys = case.path.resolve(), case.home.path.resolve()
    allowed = [own / name for name in ("evidence", "extracted")]
    around = target.is_folder and any(place.is_relative_to(target.root) for place in (own, keys))
    inside = target.root.is_relative_to(own) and not any(target.root.is_relative_to(place) for place in allowed)
    if around or inside or target.root.is_relative_to(keys):
        raise CustodyError(
            f"{shown(str(target.root))} holds the case or its keys, which are no evidence",
            "Name a folder beside the case, or move the case out of it.",
        )


def _validate_parent(case: Case, order: Order, known: Exhibit | None) -> None:
    """What it was made from must be registered, and stands in the registration alone."""
    if order.parent:
        need_exhibit(case, order.parent)
    if order.parent and known is not None and known.parent != order.parent:
        raise CustodyError(
            f"{order.ref} was registered as made from {known.parent or 'nothing'}, not from {order.parent}",
            "Leave --parent out, or correct it in the open: `evikit correct`, field parent.",
        )


def _complete(case: Case, ref: str, n: int) -> bool:
    """Whether a run is complete and the ledger says so: a stop may have come between the two."""
    recorded = {
        text(item.get("sha256"))
        for _, values in outcomes(case, n)
        if isinstance(named := values.get("result_digests"), list)
        for item in named
        if isinstance(item, dict)
    }
    runs = results.current_runs(case.path / "derived", ref)
    return any(results.file_digest(run.path / results.MANIFEST) in recorded for run in runs)


def _seen_before(case: Case, n: int, target: Target) -> bool:
    """Whether the exhibit was read before from files of this very identity."""
    now = target.identities()
    return any(values.get("identity") == now for _, values in outcomes(case, n, "access.begin"))


def _register(case: Case, order: Order, target: Target) -> int:
    slip = order.slip()
    kind = "folder" if target.is_folder else "files" if len(order.paths) > 1 else "image or file"
    return case.register(
        {
            "ref": order.ref,
            "kind": kind,
            "description": order.description or None,
            "state": order.state,
            "parent": order.parent or None,
            "media_digests": {slip.algorithm: slip.value} if slip else None,
        }
    )


def _compare_media(case: Case, n: int, order: Order, target: Target, listener: Listener) -> None:
    """The reference is known, the files are not: only the same media may be taken in under it."""
    recorded = media_digests(case, n)
    if not recorded:
        return
    settings = {"reference": "known"}
    with open_evidence(
        case, n, target, purpose="integrity verification", object_="media", settings=settings, manifests=case.receipts
    ) as source:
        read = rehash(source, target.is_folder, Nowhere(), listener)
        same = bool(read.digests) and all(read.digests.get(name) == value for name, value in recorded.items())
        source.outcome.basis = "whole" if read.digests else "chunks"
        source.outcome.values |= {"expected": _json(recorded), "computed": _json(read.digests), "match": same}
        if not same:
            raise IntegrityError(
                f"{order.ref} stands for other media: their digests differ from those recorded",
                "Give these media a reference of their own, or name the files it stands for.",
            )


def _json(values: Mapping[str, str]) -> dict[str, Json]:
    return dict(values)


def _examine(case: Case, n: int, order: Order, target: Target, listener: Listener) -> Intake:
    zone = zone_of(order.zone) if order.zone else None
    told = order.mappings()
    begun = {"zone": order.zone or "", "identity": target.identities(), "tools": tool_versions()}
    begun |= {"mapping": told.sha256} if told.sha256 else {}
    begun |= {"passphrases": "given"} if order.secrets else {}
    stopped = None if order.again else results.stopped_run(case.path / "derived", order.ref, begun)
    settings = order.settings() | ({"resumes": stopped.name} if stopped is not None else {})
    with open_evidence(
        case,
        n,
        target,
        purpose=order.purpose,
        object_="whole exhibit",
        settings=settings,
        manifests=case.receipts,
        resumes=open_accesses(case, n) if stopped is not None else (),
    ) as source:
        run = stopped or results.start_run(case.path / "derived", order.ref, begun)
        request = Request(
            order.ref, run, zone, jobs=order.jobs, listener=listener, resume=stopped is not None,
            mappings=told.logs, mapping_digest=told.sha256, secrets=order.secrets,
            cluster=order.cluster,
        )  # fmt: skip
        examination = _examination(source, target, request)
        intake = Intake(examination, list(examination.contradictions))
        if stopped is not None:
            intake.remarks.append(f"run {run.name} went on: {examination.units_kept} units of it stood already")
        media = examination.media
        source.outcome.basis = "whole" if media.digests else "chunks"
        source.outcome.read_bytes = media.size
        source.outcome.values |= {
            "media_digests": _json(media.digests) or None,
            "header": [{"name": name, "value": value} for name, value in media.header.items()] or None,
            "parts": [
                {"name": part.name, "size": str(part.size), "sha256": part.sha256 or None}
                for part in examination.container
            ]
            or None,
            "result_digests": [{"name": name, "sha256": value} for name, value in examination.result_digests.items()],
            **_compared(case, n, order, examination, intake),
        }
        if local := results.times_without_zone(run):
            source.outcome.values["note"] = f"{local} {LOCAL_TIMES}"
        source.keep_manifest(manifest_rows(run))
    _compare_header(case, order, media.header, intake)
    return intake


def _examination(source: Source, target: Target, request: Request) -> Examination:
    if target.is_folder:
        return examine_tree(source, request)
    if (archive := archive_in(source, request.zone, request.run)) is not None:
        return examine_archive(source.parts[0], archive, request)
    if image_in(source) is None:
        return examine_tree(LooseFiles(source.parts), request)
    return examine_image(source.parts[0], source.open, request)


def _compared(case: Case, n: int, order: Order, examination: Examination, intake: Intake) -> dict[str, Json]:
    """Computed digests against the slip, the container's own and those recorded before."""
    computed, slip = examination.media.digests, order.slip()
    sources = {
        "slip": {slip.algorithm: slip.value} if slip else {},
        "container": {name: value.lower() for name, value in examination.media.stored.items()},
        "recorded": media_digests(case, n),
    }
    compared = False
    for origin, digests in sources.items():
        for name, value in digests.items():
            if name not in computed:
                intake.remarks.append(f"the {name} of the {origin} could not be compared: it was not computed")
                continue
            compared = True
            if computed[name] != value:
                intake.mismatches.append(f"{name} of the {origin} is {value}, computed is {computed[name]}")
    expected: dict[str, Json] = {origin: _json(digests) for origin, digests in sources.items() if digests}
    return {
        "expected": expected or None,
        "computed": _json(computed) or None,
        "match": (not intake.mismatches) if compared or intake.mismatches else None,
    }


def _compare_header(case: Case, order: Order, header: Mapping[str, str], intake: Intake) -> None:
    """The container's header against what the examiner said: a difference is to be known, not an error."""
    person = case.person.name if case.person else ""
    said = {"case_number": text(case.facts.get("number")), "evidence_number": order.ref, "examiner_name": person}
    for name, value in said.items():
        found = header.get(name, "")
        if found and found != value:
            intake.remarks.append(
                f"the container's header says {name.replace('_', ' ')} {found!r}, here it is {value!r}"
            )
