"""Tables as wide as the screen."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from custody.commands.columns import fitted, screen_width

COLUMNS = (("ref", 4), ("held by", 8), ("what", 8))
ISOLATES = str.maketrans("", "", "\u2068\u2069")
ROWS = [
    ("AH/1", "Vesa Markoviq-Shembulli", "Grey laptop, scratches on the lid and a sticker of a football club"),
    ("  AH/2", "Бојан Петровић", "Сив лаптоп, кафез за пренос"),
    ("AH/3", "غرفة الأدلة الثانية", "حاسوب محمول رمادي"),
    ("AH/4", "漢字の名前が長い人です", ""),
]


@pytest.mark.parametrize("width", [30, 40, 80, 120])
def test_no_line_is_wider_than_the_screen_and_columns_stand_below_their_titles(width: int) -> None:
    lines = [line.translate(ISOLATES) for line in fitted(COLUMNS, ROWS, width)]
    assert max(map(cell_len, lines)) <= width
    start = cell_len(lines[0][: lines[0].index("held by")])
    for line, (_, who, _) in zip([line for line in lines if "AH/" in line], ROWS, strict=True):
        before = next(i for i in range(len(line) + 1) if cell_len(line[:i]) == start)
        assert line[before] == who[0], line


def test_what_fits_stands_in_one_line_untouched() -> None:
    lines = list(fitted(COLUMNS, ROWS[:2], 200))
    assert len(lines) == 3
    assert lines[1].endswith(ROWS[0][2])
    assert list(fitted(COLUMNS, [], 80)) == ["ref held by what"]


def test_what_does_not_fit_is_wrapped_between_words_and_then_cut_visibly() -> None:
    _, first, second, *_ = fitted(COLUMNS, ROWS[:1], 40)
    assert first.split()[0] == "AH/1"
    assert second.endswith("…")
    assert "Grey" in first


def test_right_to_left_is_isolated_and_controls_are_shown() -> None:
    (_, line) = fitted(COLUMNS, [("AH/1", "غرفة", "a\u202eb\x1b")], 80)
    assert "\u2068غرفة\u2069" in line
    assert "\\u202e" in line
    assert "\x1b" not in line


def test_a_screen_too_narrow_for_anything_still_shows_every_row() -> None:
    lines = list(fitted(COLUMNS, ROWS, 1))
    assert sum("AH/" in line for line in lines) == len(ROWS)


def test_the_screen_is_as_wide_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "97")
    assert screen_width() == 97
