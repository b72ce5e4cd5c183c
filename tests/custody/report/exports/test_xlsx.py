"""The custody table as a workbook: read by openpyxl, every cell a string, equal bytes."""

from __future__ import annotations

import io

import openpyxl

from custody.report.exports import Material, xlsx
from custody.report.exports._contract import custody_rows
from tests.custody.report.lab import Lab, shown


def data(lab: Lab) -> bytes:
    return b"".join(xlsx.make(Material(shown(lab).report())))


def test_another_program_reads_every_cell_as_a_string(lab: Lab) -> None:
    lab.write("note", 0, {"kind": "observation", "text": "x", "actor": "=1+1", "role": "<b>&\x0b"})
    lab.close()
    assert data(lab) == data(lab)
    sheet = openpyxl.load_workbook(io.BytesIO(data(lab))).active
    assert sheet is not None
    cells = [[cell.value or "" for cell in row] for row in sheet.iter_rows()]
    assert cells == custody_rows(shown(lab).report())
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None} <= {"inlineStr", "s"}
    assert any(str(row[6]).startswith("=1+1") for row in cells), "as it was written, and not run"


def test_what_no_cell_can_hold_is_replaced_or_cut() -> None:
    assert "�" in xlsx._cell("a\x00b")
    assert len(xlsx._cell("x" * 40_000)) < 33_000
