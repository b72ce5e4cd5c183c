"""Marks from a record: what was done earns them, what a rule finds takes them away, and each loss names its entries."""

from __future__ import annotations

from custody.handling import examine
from custody.training.copies import warnings
from custody.training.marking import Loss, Marks, mark, no_marks
from custody.training.rubric import default_text, read_rubric
from tests.custody.handling.told import BORA, Step, Told

ANSWERS = """
[[part]]
key = "findings"
points = 30
  [[part.answer]]
  name = "the invoice"
  points = 20
  exhibit = "AH/2"
  text = "(?i)changed"
  [[part.answer]]
  name = "the neighbour did it"
  points = 5
  text = "neighbour"
  decoy = true
"""


def marked(told: Told, rubric: str = "", **given: object) -> Marks:
    record = told.record(**given)  # type: ignore[arg-type]
    return mark(record, examine(record), read_rubric(rubric or default_text()))


def losses(marks: Marks, key: str) -> tuple[Loss, ...]:
    return next(part.losses for part in marks.parts if part.part.key == key)


def points(marks: Marks) -> dict[str, float | None]:
    return {part.part.key: part.points if part.data else None for part in marks.parts}


def test_a_case_handled_well_has_all_points_and_parts_without_data_count_for_nothing() -> None:
    marks = marked(Told())
    assert points(marks) == {"custody": 30, "acquisition": 15, "findings": None, "coordination": 15, "report": 10}
    assert (marks.points, marks.possible) == (70, 70)
    told = Told().drop("offer", "accept")
    assert points(marked(told))["coordination"] is None


def test_each_defect_costs_points_and_names_its_entries() -> None:
    told = Told()
    told["accept"].values["seal"] = "B9"
    marks = marked(told)
    (lost,) = [loss for loss in losses(marks, "custody") if loss.reason.startswith("CU-07")][:1]
    assert lost.points == 5
    assert lost.exhibit == "AH/1"
    assert len(lost.entries) == 2
    assert points(marks)["custody"] < 30  # type: ignore[operator]
    dear = marked(told, default_text().replace("\n[rules]", '\n[rules]\n"CU-07" = 1\n#'))
    assert points(dear)["custody"] > points(marks)["custody"]  # type: ignore[operator]


def test_one_rule_takes_no_more_than_its_most_and_a_part_never_falls_below_zero() -> None:
    told = Told()
    for number in range(12):
        begin = {"purpose": "test", "object": "whole exhibit", "settings": {}}
        told.after("verified", Step(f"b{number}", "access.begin", BORA, 201, 2, begin))
    lost = [loss for loss in losses(marked(told), "custody") if loss.reason.startswith("CU-05")]
    assert sum(loss.points for loss in lost) == 8
    harsh = default_text().replace("serious = 5", "serious = 90").replace("most = 8", "most = 90")
    told["accept"].values["seal"] = "B9"
    assert points(marked(told, harsh))["custody"] == 0


def test_what_was_not_done_is_lost_in_proportion() -> None:
    told = Told()
    told["verified"].values["match"] = None
    told["read"].values["match"] = None
    (lost,) = [loss for loss in losses(marked(told), "acquisition") if loss.reason.startswith("not done")]
    assert (lost.points, lost.exhibit) == (2.5, "AH/2")  # one of two exhibits that were read
    told = Told()
    told["accept"].minute = 60 + 30 * 60
    (late,) = losses(marked(told), "coordination")
    assert "after 30 hours" in late.reason
    assert len(late.entries) == 2


def test_a_field_kept_from_the_trainer_costs_something() -> None:
    marks = marked(Told(), closed={"access.begin": ["purpose"]})
    assert any("withheld or erased: purpose" in loss.reason for loss in losses(marks, "custody"))


def test_answers_are_found_in_notes_about_evidence_that_was_read() -> None:
    assert points(marked(Told(), ANSWERS)) == {"findings": 30}
    told = Told()
    told["saw"].values["text"] = "nothing"
    told["thinks"].values["text"] = "nothing"
    assert [loss.reason for loss in losses(marked(told, ANSWERS), "findings")] == ["not found: the invoice"]
    told = Told().drop("reading", "read")
    assert "no entry shows that the evidence was read" in losses(marked(told, ANSWERS), "findings")[0].reason
    told = Told()
    told["thinks"].values["text"] = "the neighbour did it"
    (lost,) = losses(marked(told, ANSWERS), "findings")
    assert (lost.points, len(lost.entries)) == (10, 1)


def test_nothing_of_a_broken_record_counts() -> None:
    marks = no_marks(read_rubric(default_text()), "the ledger does not verify")
    assert (marks.points, marks.possible) == (0, 100)


def test_what_two_teams_have_in_common_is_named() -> None:
    rubric = read_rubric(default_text())
    one, two = Told(), Told()
    two.case["number"] = "C-2"
    one["saw"].values["text"] = two["saw"].values["text"] = "The invoice of 3 February was changed by the book-keeper"
    records = {"a": one.record(), "b": two.record()}
    found = warnings(records, rubric)
    assert any("signs in it and in that of b" in line for line in found["a"])
    assert any("has the very words" in line and line.endswith("of a") for line in found["b"])
    same = one.record()
    assert any("the same ledger" in line for line in warnings({"a": same, "c": same}, rubric)["c"])
    assert any("live case" in line for line in found["a"])


def test_another_teams_ledger_is_named() -> None:
    record = Told().record()
    text = f'{default_text()}\n[[team]]\nname = "a"\nledger = "{record.verdict.ledger}"\n'
    assert "it is the ledger of the team a" in warnings({"b": record}, read_rubric(text))["b"]
    text = f'{default_text()}\n[[team]]\nname = "b"\nledger = "{"0" * 64}"\n'
    assert any("not the ledger" in line for line in warnings({"b": record}, read_rubric(text))["b"])
