"""Labels and bag forms: what stands on them, what the QR code says to a reader that is not ours, what is harmless."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
import segno
import zxingcpp

from custody.report.label import SIZES, Label, render

FINGERPRINT = "4f8c5b01ce5fd9ca30c51562be5350099b775d16081c8142277a0c599066bbdf"
LABEL = Label(
    number="KO-17/2026",
    agency="Invented Agency",
    ref="AH/1",
    seal="B-0017",
    holder="Çağla Işık",  # noqa: RUF001 - a Turkish name
    fields=[
        ("kind", "Kind", "laptop"),
        ("description", "Description", "Сив лаптоп"),
        ("make", "Make", "none visible"),
        ("serial", "Serial", "none visible"),
        ("seized_at", "Seized at", "2026-03-10 08:15 Europe/Belgrade = 2026-03-10T07:15:00Z"),
        ("owner", "Owner", "محمد عبد الله"),
        ("scope", "Scope", ""),
    ],
    fingerprint=FINGERPRINT,
    size=9,
)


def page(size: str = "a4", **over: object) -> str:
    return render([replace(LABEL, **over)], size).decode()  # type: ignore[arg-type]


def read(label: Label) -> str:
    """What a scanner reads from the drawing in the page: its path drawn into a grid, as a browser would."""
    text = render([label], "roll").decode()
    side = int(re.findall(r'viewBox="0 0 (\d+) \d+"', text)[0])
    rows = [bytearray(b"\xff" * side * 4) for _ in range(side)]
    (path,) = re.findall(r' d="([^"]+)"', text)
    x = y = 0.0
    for step, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?", path):
        if step == "h":
            begin, end = int(x), int(x + float(first))
            rows[int(y)][begin * 4 : end * 4] = bytes((end - begin) * 4)
            x = end
        elif step == "M":
            x, y = float(first), float(second)
        else:
            x, y = x + float(first), y + float(second)
    pixels = b"".join(bytes(row) * 4 for row in rows)
    (found,) = zxingcpp.read_barcodes(memoryview(pixels).cast("B", (side * 4, side * 4)))
    return str(found.text)


def test_the_code_says_case_exhibit_seal_and_fingerprint() -> None:
    assert read(LABEL) == f"CASE KO-17/2026\nEXHIBIT AH/1\nSEAL B-0017\nLEDGER {FINGERPRINT}"
    assert "\nSEAL none\n" in read(replace(LABEL, seal=""))


@pytest.mark.parametrize("ref", ["Ќ/1-ж", "İĞ/2", "Çë/3", "هاتف/٢", "a b", "<b>&\"'"])
def test_any_script_is_read_as_it_was_written(ref: str) -> None:
    assert f"\nEXHIBIT {ref}\n" in read(replace(LABEL, ref=ref))


def test_no_value_begins_a_line_of_its_own_in_the_code() -> None:
    assert replace(LABEL, number="1\nSEAL X").code().split("\n")[0] == "CASE 1 SEAL X"
    assert len(read(replace(LABEL, number="1\nSEAL X")).split("\n")) == 4


@pytest.mark.parametrize("size", SIZES)
def test_the_page_stands_alone_and_holds_no_markup_of_others(size: str) -> None:
    hostile = "<script>alert(1)</script>\"' &amp; \u202egpj.exe"
    text = page(size, ref=hostile[:60], agency=hostile, fields=[("description", "Description", hostile)])
    assert "<script" not in text
    assert "\u202e" not in text
    assert "[U+202E]" in text
    assert not re.findall(r"(?:src|href)=|url\(|@import", text)
    assert "default-src 'none'" in html.unescape(text)


@pytest.mark.parametrize("size", SIZES)
def test_every_size_has_what_identifies_the_exhibit(size: str) -> None:
    text = re.sub(r"\s+", "", html.unescape(re.sub(r"<[^>]*>", "", page(size))))
    for word in ("KO-17/2026", "AH/1", "B-0017", "ÇağlaIşık", "laptop", "Сивлаптоп", FINGERPRINT):  # noqa: RUF001
        assert word in text
    assert ("Scope" in text) == (size == "a4")
    assert ("2026-03-10T07:15:00Z" in text) == (size == "a4")
    assert page(size).count("<td></td>") == {"a4": 24, "a6": 12, "roll": 0}[size]


def test_values_keep_their_own_direction_and_empty_ones_are_lines_to_write_on() -> None:
    text = page()
    assert '<dd dir="auto">محمد عبد الله</dd>' in text
    assert '<dt>Scope</dt><dd class="blank"></dd>' in text
    assert '<dt>Seal</dt><dd class="blank"></dd>' in page(seal="")
    assert "<bdi>AH/1</bdi>" in text


def test_an_exercise_is_none_the_less_marked() -> None:
    assert "Exercise: not evidence" in page("roll", exercise=True)
    assert "Exercise" not in page("roll")


def test_a_page_for_each_and_the_same_bytes_for_the_same_labels() -> None:
    two = [LABEL, replace(LABEL, ref="AH/2")]
    assert render(two, "a6").count(b"<article>") == 2
    assert render(two, "a6") == render(two, "a6")


def test_long_references_are_set_smaller() -> None:
    assert 'class="short"' in page()
    assert 'class="long"' in page(ref="AH/1-disk-2")
    assert 'class="very-long"' in page(ref="A" * 64)


def test_the_code_is_no_larger_than_a_phone_reads_from_a_roll() -> None:
    """34 mm over the modules of the longest code: a module of a third of a millimetre at least."""
    longest = replace(LABEL, ref="Ж" * 64, number="И" * 40, seal="Ш" * 64)
    code = segno.make(longest.code(), error="m", micro=False, encoding="utf-8")
    assert 34 / (code.symbol_size(border=4)[0]) > 0.33
