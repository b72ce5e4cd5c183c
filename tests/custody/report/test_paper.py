"""The PDF: the page's words, sheet by sheet; hostile strings as text; the bundle attached; equal bytes; no host."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.ledger.bundle import verify_bundle
from custody.ledger.errors import CustodyError
from custody.ledger.verdict import Trust
from custody.report import words, words_live
from custody.report.html import render
from custody.report.model import Cover, Report
from custody.report.paper import style
from custody.report.paper import typeset as setting
from custody.report.paper.blocks import breakable, read_page, runs_of
from custody.report.paper.typeset import render as set_blocks
from custody.report.paper.typeset import typeset
from custody.report.phrase import Quoted, quote
from tests.custody.report.lab import HOSTILE, Lab, Shown, disk_findings, furnished, shown

TYPST = '#strong[x] $a$ #read("/etc/passwd") \\ @label <entry-1> // /* `raw` = title ~ $ #{1/0}'
MIXED = "שלום مرحبا Željko Ђорђе 😀 中文"
LONG = "x" * 3000
FILES = {"qr.svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>'}
CONTENT = {
    "title": "t", "author": "", "lang": "en", "labels": words.PAPER, "attached": [], "reference": "", "heading": "",
    "integrity": {"headline": "BROKEN", "mark": "bad"}, "exercise": "", "head": "", "page": "",
    "widths": {}, "drawing": "",
    "date": [1970, 1, 1, 0, 0, 0], "blocks": [{"k": "p", "class": "", "runs": [{"t": "Word"}]}],
}  # fmt: skip


def poppler(program: str, *arguments: object) -> str:
    run = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=True, timeout=120)
    return run.stdout


def sheets(pdf: bytes, folder: Path) -> list[str]:
    """The text of every sheet, spaces as one."""
    (folder / "r.pdf").write_bytes(pdf)
    text = poppler("pdftotext", "-raw", folder / "r.pdf", "-")
    return [re.sub(r"\s+", " ", sheet) for sheet in text.split("\f")[:-1]]


def report_of(lab: Lab, **cover: str) -> tuple[Report, bytes, bytes]:
    record = shown(lab, None, disk_findings(), disk_findings("ZZ/9"))
    report = record.report(Cover("b.json", "ab" * 32, **cover))
    return report, render(report, record.data), record.data


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, bytes, bytes, bytes, list[str]]:
    folder = tmp_path_factory.mktemp("paper")
    report, page, bundle = report_of(furnished(folder), recipient=f"{TYPST} {MIXED} {LONG} {HOSTILE}")
    pdf = typeset(report, page, bundle)
    return report, page, bundle, pdf, sheets(pdf, folder)


Made = tuple[Report, bytes, bytes, bytes, list[str]]


def test_equal_arguments_give_equal_bytes_whatever_the_host(made: Made, tmp_path: Path) -> None:
    report, page, bundle, pdf, _ = made
    assert typeset(report, page, bundle) == pdf
    fonts = poppler("pdffonts", _kept(pdf, tmp_path)).splitlines()[2:]
    assert all("LibertinusSerif" in line or "DejaVuSansMono" in line or "NewCM" in line for line in fonts), fonts


def _kept(pdf: bytes, folder: Path) -> Path:
    path = folder / "kept.pdf"
    path.write_bytes(pdf)
    return path


def test_the_file_says_it_is_pdf_a_3(made: Made) -> None:
    pdf = made[3]
    assert re.search(rb"pdfaid:part>\s*3<", pdf)
    assert re.search(rb"pdfaid:conformance>\s*A<", pdf)


def test_the_bundle_is_attached_byte_for_byte(made: Made, tmp_path: Path) -> None:
    _, _, bundle, pdf, _ = made
    poppler("pdfdetach", "-saveall", "-o", tmp_path, _kept(pdf, tmp_path))
    assert (tmp_path / "bundle.json").read_bytes() == bundle
    assert verify_bundle((tmp_path / "bundle.json").read_bytes(), Trust())[0].failed == []


def test_every_sheet_has_its_number_both_fingerprints_and_the_verdict(made: Made) -> None:
    report, page, _, _, texts = made
    for number, text in enumerate(texts, 1):
        assert f"page {number} of {len(texts)}" in text
        assert report.head.fingerprint in text
        assert sha256(page).hexdigest() in text
        assert "INTACT WITH NOTES" in text


def test_the_code_on_the_first_sheet_says_both_fingerprints(made: Made, tmp_path: Path) -> None:
    report, page, _, pdf, _ = made
    poppler("pdftoppm", "-gray", "-r", "200", "-f", "1", "-l", "1", "-singlefile", _kept(pdf, tmp_path), tmp_path / "s")
    data = (tmp_path / "s.pgm").read_bytes()
    _, width, height, _ = data.split(maxsplit=4)[:4]
    pixels = data[-int(width) * int(height) :]
    codes = zxingcpp.read_barcodes(memoryview(pixels).cast("B", (int(height), int(width))))
    said = f"EVIKIT HEAD:{report.head.fingerprint} REPORT:{sha256(page).hexdigest()}".upper()
    assert [str(code.text) for code in codes] == [said]


def test_hostile_strings_appear_as_text(made: Made) -> None:
    text = " ".join(made[4])
    close = text.replace(" ", "")
    assert TYPST.replace(" ", "") in close
    assert "[U+202E]gpj.exe[U+202C]" in close
    assert "[U+0000][U+001B][31m" in close
    assert "[U+1F600]" in close, "no font of ours has it: its code point stands there"
    assert "[U+4E2D][U+6587]" in close
    assert MIXED.split()[2] + MIXED.split()[3] in close
    assert "מולש" in close or "שלום" in close
    assert sum(map(len, re.findall("x{8,}", close))) == len(LONG), "broken into lines, not cut"
    assert '<script>alert("x")</script>' in text


def test_nothing_runs_off_the_sheet(made: Made, tmp_path: Path) -> None:
    found = poppler("pdftotext", "-bbox", _kept(made[3], tmp_path), "-")
    edges = [float(value) for value in re.findall(r'<word [^>]*xMax="([\d.]+)"', found)]
    assert max(edges) < 595.3 - 50, "20 mm of margin, less rounding"


def test_the_words_are_those_of_the_page(made: Made) -> None:
    report, page, texts = made[0], made[1], made[4]
    above = f"{report.title} {report.reference} {report.integrity.headline} "
    text = "".join(sheet.removeprefix(above).partition(words.PAPER["head"])[0] for sheet in texts).replace(" ", "")
    runs = [run["t"] for run in runs_of(read_page(page)) if "t" in run]
    parts = [re.sub(r"[ \u200b\u2068\u2069]", "", part) for run in runs for part in run.split("\n")]
    lost = [part for part in parts if part.isascii() and len(part) < 60 and part not in text]
    assert len(runs) > 500
    assert not lost


def test_screens_alone_have_the_script_and_its_panel(made: Made) -> None:
    runs = " ".join(run["t"] for run in runs_of(read_page(made[1])) if "t" in run)
    assert words_live.LIVE_TITLE not in runs
    assert words_live.LIVE_OFF not in runs
    assert "use strict" not in runs
    assert "Skip to the verdict" not in runs


def test_a_broken_record_says_so_on_page_one_and_on_every_other(lab: Lab, tmp_path: Path) -> None:
    body = json.loads(shown(lab).data)
    body["entries"][4]["sig"] = "A" * 86
    data = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    record = Shown(data, *verify_bundle(data, Trust()))
    report = record.report()
    assert record.verdict.failed
    texts = sheets(typeset(report, render(report, data), data), tmp_path)
    assert "Integrity of the record: ✗ BROKEN" in texts[0]
    assert all("BROKEN" in text for text in texts)


def test_a_bundle_that_is_none_gives_a_sheet_that_says_broken(tmp_path: Path) -> None:
    data = b"\xff{}"
    report = Shown(data, *verify_bundle(data, Trust())).report()
    pdf = typeset(report, render(report, data), data)
    assert "BROKEN" in sheets(pdf, tmp_path)[0]
    poppler("pdfdetach", "-saveall", "-o", tmp_path, tmp_path / "r.pdf")
    assert (tmp_path / "bundle.json").read_bytes() == data


def test_an_exercise_is_marked_on_every_sheet(made: Made, tmp_path: Path) -> None:
    report, _, bundle, _, texts = made
    exercise = dataclasses.replace(report, case=dataclasses.replace(report.case, kind="exercise"))
    pdf = typeset(exercise, render(exercise, bundle), bundle)
    assert all(words.EXERCISE in text for text in sheets(pdf, tmp_path))
    assert not any(words.EXERCISE in text for text in texts)


@pytest.mark.parametrize(
    ("dated", "expected"),
    [
        ("2023-11-14T22:13:42.000000001Z", [2023, 11, 14, 22, 13, 42]),
        ("", [1970, 1, 1, 0, 0, 0]),
        ("2023-02-30T22:13:42.000000000Z", [1970, 1, 1, 0, 0, 0]),
    ],
)
def test_the_date_is_that_of_the_record(dated: str, expected: list[int]) -> None:
    assert setting._date(dated) == expected


def test_nothing_is_cut_off_however_long_a_cell_or_a_line_is(tmp_path: Path) -> None:
    """What is set in one piece fits on a sheet: the limit between that and what may break is on the safe side."""
    rows = [
        [[{"t": " ".join(f"{name}{n}" for n in range(count))}], [{"t": "\n".join(f"{name}l{n}" for n in range(lines))}]]
        for name, count, lines in (("a", 5, 30), ("b", 250, 39), ("c", 300, 45), ("d", 900, 3), ("e", 2, 120))
    ]
    wide = " ".join(f"z{n}" for n in range(800))
    blocks = [
        {
            "k": "table",
            "class": "custody",
            "caption": [{"t": "C"}],
            "columns": [[{"t": "A"}], [{"t": "B"}]],
            "rows": rows,
        },
        {"k": "listing", "caption": [{"t": "L"}], "lines": ["head", *([wide] * 3), *(f"y{n}" for n in range(60))]},
    ]
    pdf = set_blocks(CONTENT | {"widths": {"custody": [9, 91]}, "blocks": blocks}, FILES)
    told = " ".join(sheets(pdf, tmp_path)).split()
    for row in rows:
        for cell in row:
            missing = set(cell[0]["t"].split()) - set(told)
            assert not missing
    assert told.count("z799") == 3
    assert {f"y{n}" for n in range(60)} <= set(told)


def test_long_words_may_break_and_stay_what_they_were() -> None:
    assert breakable("a short sentence") == "a short sentence"
    broken = breakable("ab" * 32, code=True)
    assert max(map(len, broken.split("\u200b"))) == 8
    assert broken.replace("\u200b", "") == "ab" * 32


def test_a_page_that_does_not_nest_is_refused() -> None:
    with pytest.raises(ValueError, match="ends as </b>"):
        read_page(b"<body><p>x</b></body>")
    with pytest.raises(ValueError, match="does not end"):
        read_page(b"<body><p>x")


def test_a_drawing_travels_as_svg_of_its_own() -> None:
    drawn = b'<desc>One &amp; two</desc><text x="1">&lt;x&gt;</text>'
    page = b'<body><svg viewbox="0 0 9 9" class="a&quot;b">' + drawn + b"</svg></body>"
    (block,) = read_page(page)
    assert block["alt"] == "One & two"
    assert block["source"] == (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" class="a&quot;b">'
        '<desc>One &amp; two</desc><text x="1">&lt;x&gt;</text></svg>'
    )


def test_drawings_keep_the_look_they_have_on_the_page() -> None:
    assert ".hold { fill: #9db4d3; stroke: #" in style.drawing()
    assert "var(" not in style.drawing()
    assert all(sum(widths) == 100 for widths in style.widths().values())


def test_what_typst_refuses_is_one_clear_line() -> None:
    with pytest.raises(CustodyError, match="the PDF cannot be set"):
        setting.render({"date": [1970, 1, 1, 0, 0, 0]}, {})


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=40, max_size=40))
def test_any_text_can_be_set(texts: list[str]) -> None:
    quoted = [piece.text for piece in map(quote, texts) if isinstance(piece, Quoted)]
    blocks = [
        {"k": "p", "class": "", "runs": [{"t": breakable(text), "s": ["code"] * (i % 2)}]}
        for i, text in enumerate(quoted)
    ]
    assert setting.render({**CONTENT, "blocks": blocks}, FILES).startswith(b"%PDF")


def test_no_network_and_no_font_of_the_host_is_asked_for(made: Made, tmp_path: Path) -> None:
    """Under strace nothing but the kit's own files, the interpreter's and the temporary folder is opened for fonts."""
    script = tmp_path / "set.py"
    script.write_text(
        "from custody.report.paper.typeset import render\n"
        "import json, sys\n"
        "content = json.load(open(sys.argv[1]))\n"
        "sys.stdout.buffer.write(render(content, {'qr.svg': b'<svg xmlns=\"http://www.w3.org/2000/svg\"/>'}))\n"
    )
    (tmp_path / "c.json").write_text(json.dumps(CONTENT))
    trace = tmp_path / "trace"
    run = [
        "strace",
        "-f",
        "-qq",
        "-e",
        "trace=openat,connect,socket",
        "-o",
        trace,
        sys.executable,
        script,
        tmp_path / "c.json",
    ]
    done = subprocess.run(list(map(str, run)), capture_output=True, check=True, timeout=120)
    assert done.stdout.startswith(b"%PDF")
    lines = trace.read_text()
    assert "/usr/share/fonts" not in lines
    assert not re.search(r"socket\(AF_INET|connect\(", lines)
