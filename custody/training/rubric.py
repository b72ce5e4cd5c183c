"""A rubric: what each part is worth, which rules and milestones it is marked by. Read from TOML, strictly."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from custody.handling import CATALOGUE
from custody.ledger.entry import TYPES
from custody.ledger.errors import CustodyError

EACH = ("case", "exhibit", "thing", "exhibit read", "transfer.offer")
"""What a milestone is asked of: a thing is an exhibit that was taken or brought in, no image and no file."""
_ADVICE = "The default rubric shows the form: `evikit grade --show-rubric`."


@dataclass(frozen=True, slots=True)
class Milestone:
    """Something that must have been done, once for the case or for each of several things.

    `entry`: type of the entry that shows it, several with |. `any`: one of these fields must say something. `where`:
    dotted field -> pattern that its value must fit. `within_hours`: after the thing it answers.
    """

    name: str
    points: float
    each: str
    entry: tuple[str, ...]
    any: tuple[str, ...] = ()
    where: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    within_hours: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A finding that the exercise expects, or a false trail (`decoy`)."""

    name: str
    points: float
    text: re.Pattern[str]
    exhibit: str = ""
    decoy: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the marks. `rules` are beginnings of codes."""

    key: str
    name: str
    points: float
    rules: tuple[str, ...]
    milestones: tuple[Milestone, ...]
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Rubric:
    """How marks are given. `deductions` by severity, `rules` by code; `teams` name -> ledger id (hex)."""

    name: str
    deductions: Mapping[str, float]
    most: float
    rules: Mapping[str, float]
    parts: tuple[Part, ...]
    teams: Mapping[str, str]

    def costs(self, code: str, severity: str) -> float:
        """What one finding takes away."""
        return self.rules.get(code, self.deductions[severity])


def default_text() -> str:
    """The rubric that is shipped."""
    return resources.files(__package__).joinpath("rubric.toml").read_text("utf-8")


def read_rubric(text: str) -> Rubric:
    """The rubric in a TOML text; CustodyError names what is wrong with it."""
    try:
        body = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CustodyError(f"the rubric is not TOML: {error}", _ADVICE) from error
    _known(body, "the rubric", "name", "deductions", "rules", "part", "team")
    deductions = _table(body, "deductions")
    _known(deductions, "[deductions]", "serious", "lesser", "notice", "withheld", "most")
    most = _number(deductions.pop("most", 8), "deductions.most")
    base = {"serious": 5, "lesser": 2, "notice": 0, "withheld": 2} | deductions
    rules = {code: _number(value, f"rules.{code}") for code, value in _table(body, "rules").items()}
    for code in rules.keys() - {rule.code for rule in CATALOGUE}:
        raise CustodyError(f"the rubric weighs {code}, and there is no such rule", "docs/rules.md lists them.")
    parts = tuple(_part(item) for item in _tables(body, "part"))
    if not parts:
        raise CustodyError("the rubric has no [[part]]", _ADVICE)
    teams = {_text(item, "name", "a team"): _text(item, "ledger", "a team").lower() for item in _tables(body, "team")}
    weights = {name: _number(value, f"deductions.{name}") for name, value in base.items()}
    return Rubric(str(body.get("name", "")), weights, most, rules, parts, teams)


def _part(item: Mapping[str, Any]) -> Part:
    _known(item, "a part", "key", "name", "points", "rules", "milestone", "answer")
    key, rules = _text(item, "key", "a part"), item.get("rules", [])
    if not isinstance(rules, list) or not all(isinstance(code, str) for code in rules):
        raise CustodyError(f"rules of the part {key!r} is no list of codes", _ADVICE)
    milestones = tuple(_milestone(one) for one in _tables(item, "milestone"))
    answers = tuple(_answer(one) for one in _tables(item, "answer"))
    points = _number(item.get("points"), f"points of the part {key!r}")
    promised = sum(one.points for one in milestones) + sum(one.points for one in answers if not one.decoy)
    if promised > points:
        raise CustodyError(
            f"milestones and answers of {key!r} give {promised:g} points, the part has {points:g}", _ADVICE
        )
    return Part(key, str(item.get("name", key)), points, tuple(rules), milestones, answers)


def _milestone(item: Mapping[str, Any]) -> Milestone:
    _known(item, "a milestone", "name", "points", "each", "entry", "any", "where", "within_hours")
    name, each = _text(item, "name", "a milestone"), str(item.get("each", "case"))
    entry = tuple(_text(item, "entry", name).split("|"))
    for kind in entry:
        if kind not in TYPES:
            raise CustodyError(
                f"{name!r} names the entry {kind!r}, which no ledger has", "docs/ledger-format.md lists them."
            )
    if each not in EACH:
        raise CustodyError(f"{name!r} counts each {each!r}", f"One of: {', '.join(EACH)}.")
    hours = item.get("within_hours")
    where = {field: _pattern(value, name) for field, value in _table(item, "where").items()}
    points = _number(item.get("points"), f"points of {name!r}")
    within = None if hours is None else _number(hours, f"within_hours of {name!r}")
    return Milestone(
        name, points, each, entry, any=tuple(map(str, item.get("any", []))), where=where, within_hours=within
    )


def _answer(item: Mapping[str, Any]) -> Answer:
    _known(item, "an answer", "name", "points", "text", "exhibit", "decoy")
    name = _text(item, "name", "an answer")
    pattern = _pattern(_text(item, "text", name), name)
    points = _number(item.get("points"), f"points of {name!r}")
    return Answer(name, points, pattern, str(item.get("exhibit", "")), item.get("decoy") is True)


def _known(item: Mapping[str, Any], what: str, *names: str) -> None:
    for name in sorted(item.keys() - set(names)):
        raise CustodyError(f"{what} has no setting {name!r}", f"It may have: {', '.join(names)}.")


def _table(item: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = item.get(name, {})
    if not isinstance(value, dict):
        raise CustodyError(f"{name!r} of the rubric is no table", _ADVICE)
    return dict(value)


def _tables(item: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = item.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise CustodyError(f"{name!r} of the rubric is written [[{name}]]", _ADVICE)
    return value


def _text(item: Mapping[str, Any], name: str, what: str) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not value:
        raise CustodyError(f"{what} of the rubric has no {name!r}", _ADVICE)
    return value


def _number(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1000:
        raise CustodyError(f"{what} is no number from 0 to 1000", _ADVICE)
    return float(value)


def _pattern(value: object, what: str) -> re.Pattern[str]:
    try:
        return re.compile(str(value))
    except re.error as error:
        raise CustodyError(
            f"the pattern of {what!r} is none: {error}", "Patterns are Python's regular expressions."
        ) from error
