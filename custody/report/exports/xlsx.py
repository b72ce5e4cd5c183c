"""The custody table as a workbook (ECMA-376). Every cell is a string by its type, so none of them is ever a formula.

Equal input gives equal bytes: the archive's own times are fixed.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from custody.report.exports._contract import Material, custody_rows

FILE = "custody.xlsx"

MAX_CELL = 32_767
"""Characters that a cell of a workbook holds."""
_NS = "http://schemas.openxmlformats.org"
_MAIN, _PACKAGE = f"{_NS}/spreadsheetml/2006/main", f"{_NS}/package/2006"
_OFFICE = f"{_NS}/officeDocument/2006/relationships"
_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_WORKBOOK}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_WORKBOOK}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
    '<sheets><sheet name="Custody" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}


def _cell(text: str) -> str:
    shown = escape(_FORBIDDEN.sub("�", text[:MAX_CELL]))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'


def _sheet(rows: Sequence[Sequence[str]]) -> str:
    body = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
    pane = '<pane ySplit="1" topLeftCell="A2" state="frozen"/>'
    view = f'<sheetViews><sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
    return f'<worksheet xmlns="{_MAIN}">{view}<sheetData>{body}</sheetData></worksheet>'


def make(material: Material) -> Iterable[bytes]:
    """The whole workbook."""
    parts = {**_PARTS, "xl/worksheets/sheet1.xml": _sheet(custody_rows(material.report))}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name), f"{_HEAD}{text}", zipfile.ZIP_DEFLATED)
    yield made.getvalue()
