"""Marks of one team from its verified record: each point that is lost names the entries that cost it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from custody.handling import Act, Chain, Finding, Record, Tally, apart
from custody.ledger.entry import Json
from custody.opened import mapping, text
from custody.training.rubric import Answer, Milestone, Part, Rubric


@dataclass(frozen=True, slots=True)
class Loss:
    """Points that were lost, why, and the entries that show it (none: what should be there is not)."""

    points: float
    reason: str
    entries: tuple[int, ...] = ()
    exhibit: str = ""


@dataclass(frozen=True, slots=True)
class PartMarks:
    """`points` of `possible`; `data` False: the record says nothing of this part, and it counts for nothing."""

    part: Part
    points: float
    possible: float
    losses: tuple[Loss, ...]
    data: bool = True


@dataclass(frozen=True, slots=True)
class Marks:
    """All parts of one team."""

    parts: tuple[PartMarks, ...]

    @property
    def points(self) -> float:
        return sum(part.points for part in self.parts if part.data)

    @property
    def possible(self) -> float:
        return sum(part.possible for part in self.parts if part.data)


@dataclass(frozen=True, slots=True)
class Team:
    """One team's record, verified and marked. `tally` is None where it was not marked; `warnings` must be known."""

    name: str
    record: Record
    tally: Tally | None
    marks: Marks
    warnings: tuple[str, ...]


def mark(record: Record, findings: Sequence[Finding], rubric: Rubric) -> Marks:
    """The marks for a record that verified."""
    return Marks(tuple(_part(record, findings, part, rubric) for part in rubric.parts))


def no_marks(rubric: Rubric, reason: str) -> Marks:
    """For a record that does not verify, or is not the team's own: nothing of it counts."""
    return Marks(tuple(PartMarks(part, 0.0, part.points, (Loss(part.points, reason),)) for part in rubric.parts))


def _part(record: Record, findings: Sequence[Finding], part: Part, rubric: Rubric) -> PartMarks:
    met = [_met(record, milestone) for milestone in part.milestones]
    measured = [item for item in met if item is not None]
    answered = [_answered(record, answer) for answer in part.answers]
    if not measured and not answered and not part.rules:
        return PartMarks(part, 0.0, part.points, (), data=False)
    possible = part.points - sum(
        milestone.points for milestone, item in zip(part.milestones, met, strict=True) if item is None
    )
    losses = [loss for item in (*measured, *answered) for loss in item]
    losses += _deducted(findings, part, rubric)
    return PartMarks(part, max(0.0, possible - sum(loss.points for loss in losses)), possible, tuple(losses))


# --- rules ------------------------------------------------------------------------------------------------


def _deducted(findings: Sequence[Finding], part: Part, rubric: Rubric) -> Iterator[Loss]:
    """What the rules of this part take away, up to the most for one rule."""
    left: dict[str, float] = {}
    for finding in findings:
        if not finding.code.startswith(part.rules) or finding.rule.unbuilt:
            continue
        severity = str(finding.severity) if finding.checked else "withheld"
        cost = min(rubric.costs(finding.code, severity) if finding.checked else rubric.deductions["withheld"],
                   left.setdefault(finding.code, rubric.most))  # fmt: skip
        left[finding.code] -= cost
        if cost:
            yield Loss(
                cost, f"{finding.code} {finding.rule.title}: {finding.explanation}", finding.entries, finding.exhibit
            )


# --- milestones -------------------------------------------------------------------------------------------


def _met(record: Record, milestone: Milestone) -> list[Loss] | None:
    """What is lost for a milestone; None where there is nothing it could be asked of."""
    if milestone.each == "case":
        fits = any(_fits(act, milestone) for act in record.acts)
        return [] if fits else [Loss(milestone.points, f"not done: {milestone.name}")]
    if milestone.each == "transfer.offer":
        return _answers(record, milestone)
    chosen = {"exhibit": lambda _: True, "thing": lambda chain: chain.is_thing, "exhibit read": _is_read}[
        milestone.each
    ]
    chains = list(filter(chosen, record.chains))
    if not chains:
        return None
    share = milestone.points / len(chains)
    return [
        Loss(share, f"not done: {milestone.name}", (chain.registered.index,), chain.ref)
        for chain in chains
        if not any(_fits(act, milestone) for act in chain.acts)
    ]


def _is_read(chain: Chain) -> bool:
    return any(access.examines or access.object == "acquisition" for access in chain.accesses)


def _answers(record: Record, milestone: Milestone) -> list[Loss] | None:
    """Offers that were answered, in time."""
    offers = list(record.every("transfer.offer"))
    if not offers:
        return None
    answers = {act.answers[0]: act for act in record.every(*milestone.entry) if act.answers}
    losses = []
    for offer in offers:
        answer = answers.get(offer.leaf)
        waited = apart(offer.at, answer.at) if answer is not None else None
        hours = milestone.within_hours
        late = waited is not None and hours is not None and waited > timedelta(hours=hours)
        if answer is None or late:
            how = "never" if answer is None or waited is None else f"after {waited.total_seconds() / 3600:.0f} hours"
            entries = (offer.index,) if answer is None else (offer.index, answer.index)
            ref = next((chain.ref for chain in record.chains if chain.n == offer.n), "")
            losses.append(Loss(milestone.points / len(offers), f"{milestone.name}: {how}", entries, ref))
    return losses


def _fits(act: Act, milestone: Milestone) -> bool:
    if act.type not in milestone.entry:
        return False
    if milestone.any and not any(act.values.get(name) for name in milestone.any):
        return False
    return all(pattern.search(_said(act.values, name)) for name, pattern in milestone.where.items())


def _said(values: Mapping[str, Json], dotted: str) -> str:
    """A field's value in words; "true" and "false" for a boolean."""
    name, _, rest = dotted.partition(".")
    value = values.get(name)
    if rest:
        return _said(mapping(value), rest)
    return str(value).lower() if isinstance(value, bool) else text(value)


# --- answers ----------------------------------------------------------------------------------------------


def _answered(record: Record, answer: Answer) -> list[Loss]:
    """A note that tells it, about evidence that was really read before."""
    notes = [act for act in record.every("note") if act.text("kind") in ("observation", "opinion")]
    told = [act for act in notes if _tells(record, act, answer)]
    if answer.decoy:
        return [Loss(2 * answer.points, f"followed a false trail: {answer.name}", (act.index,)) for act in told[:1]]
    if not told:
        return [Loss(answer.points, f"not found: {answer.name}")]
    if not any(_was_read(record, act) for act in told):
        return [
            Loss(answer.points, f"told, and no entry shows that the evidence was read: {answer.name}", (told[0].index,))
        ]
    return []


def _tells(record: Record, act: Act, answer: Answer) -> bool:
    place = act.values.get("location")
    where = " ".join(text(value) for value in mapping(place).values()) if isinstance(place, dict) else text(place)
    ref = next((chain.ref for chain in record.chains if chain.n == act.n), "")
    return (not answer.exhibit or ref == answer.exhibit) and bool(answer.text.search(f"{act.text('text')}\n{where}"))


def _was_read(record: Record, act: Act) -> bool:
    """Whether the note's exhibit (any, for a note about the case) was examined before it was written."""
    chains = [chain for chain in record.chains if act.n in (0, chain.n)]
    return any(access.examines and access.begin.index < act.index for chain in chains for access in chain.accesses)
