"""A rubric is read strictly: what it says is meant, or it is refused."""

from __future__ import annotations

import pytest

from custody.ledger.errors import CustodyError
from custody.training.rubric import default_text, read_rubric


def test_the_default_rubric_has_the_five_parts() -> None:
    rubric = read_rubric(default_text())
    assert [(part.key, part.points) for part in rubric.parts] == [
        ("custody", 30), ("acquisition", 15), ("findings", 30), ("coordination", 15), ("report", 10),
    ]  # fmt: skip
    assert rubric.costs("CU-07", "serious") == 5
    assert rubric.costs("CU-07", "lesser") == 2


PART = '[[part]]\nkey = "a"\npoints = 10\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("= 1", "not TOML"),
        ("", "no [[part]]"),
        ("colour = 1\n" + PART, "no setting 'colour'"),
        ("part = 1", "written [[part]]"),
        ('[[part]]\nkey = "a"', "points of the part 'a' is no number"),
        ("[[part]]\npoints = 3", "no 'key'"),
        ("rules = 3\n" + PART, "'rules' of the rubric is no table"),
        ('[rules]\n"CU-99" = 3\n' + PART, "no such rule"),
        ("[deductions]\nserious = true\n" + PART, "deductions.serious is no number"),
        ("[deductions]\nserios = 1\n" + PART, "no setting 'serios'"),
        (PART + 'rules = "CU"', "no list of codes"),
        (PART + '[[part.milestone]]\nname = "m"\npoints = 11\nentry = "note"', "give 11 points"),
        (PART + '[[part.milestone]]\nname = "m"\npoints = 1\nentry = "nota"', "which no ledger has"),
        (PART + '[[part.milestone]]\nname = "m"\npoints = 1\nentry = "note"\neach = "week"', "each 'week'"),
        (
            PART + '[[part.milestone]]\nname = "m"\npoints = 1\nentry = "note"\nwhere = { text = "(" }',
            "the pattern of 'm'",
        ),
        (PART + '[[part.answer]]\nname = "x"\npoints = 1', "no 'text'"),
        ("team = [ 1 ]\n" + PART, "written [[team]]"),
    ],
)
def test_what_is_wrong_with_a_rubric_is_said(text: str, said: str) -> None:
    with pytest.raises(CustodyError) as error:
        read_rubric(text)
    assert said in str(error.value)
    assert error.value.advice
