"""Blocks into PDF/A-3 by typst: its own fonts and none of the host's, no network, equal bytes for equal arguments."""

from __future__ import annotations

import io
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any, Final

from custody.ledger.errors import CustodyError
from custody.report import translation, words
from custody.report.language import _, spoken
from custody.report.model import Report
from custody.report.paper import style
from custody.report.paper.blocks import read_page

STANDARD: Final = "a-3a"
BUNDLE = "bundle.json"
"""Name under which the bundle is attached."""

_PROBE = b"""#set text(font: ("Libertinus Serif", "DejaVu Sans Mono"))
#set document(title: "x", date: datetime(year: 2000, month: 1, day: 1))
#for letter in json("letters.json") [#letter #parbreak()]"""
_MISSING = re.compile(r"(?:the text|the codepoint) `\"(?:\\u\{([0-9a-f]+)\}|(.))\"`")


def typeset(report: Report, page: bytes, bundle: bytes, *, file: str = "report.html", notice: str = "") -> bytes:
    """The PDF of a page: `page` is report.html, or a page about the same report called `file`.

    It is in the language spoken, that of the page. `bundle` is what proves it, attached byte for byte; b"" for none.
    Every sheet carries the head's fingerprint and the SHA-256 of `page`, in letters and as a QR code, and `notice`.
    CustodyError where typst cannot set it.
    """
    attached = [{"name": BUNDLE, "type": "application/json", "says": _(words.PAPER["bundle"])}] if bundle else []
    labels = {name: _(text) for name, text in words.PAPER.items()}
    exercise = _(words.EXERCISE) if report.case.kind == "exercise" else ""
    sha256_of_page = sha256(page).hexdigest()
    files = {BUNDLE: bundle, "qr.svg": _code(report.head.fingerprint, sha256_of_page)}
    return render({
        "lang": spoken().tag.partition("-")[0],
        "labels": {**labels, "page": labels["page"].format(file=file)},
        "attached": attached,
        "author": "",
        "title": f"{report.title} {report.reference}",
        "heading": report.title,
        "reference": report.reference,
        "integrity": {"headline": report.integrity.headline, "mark": report.integrity.mark.value},
        "exercise": " ".join(filter(None, (exercise, translation.on_sheets(), notice))),
        "head": report.head.fingerprint,
        "page": sha256_of_page,
        "date": _date(report.closed_at),
        "blocks": read_page(page),
        "widths": style.widths(),
        "drawing": style.drawing(),
    }, files)  # fmt: skip


def render(content: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """`report.typ` over its content and the files it names."""
    said, date = json.dumps(content, ensure_ascii=False), content["date"]
    del content  # what nobody else holds is free before typst takes its own
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        template = resources.files(__package__).joinpath("report.typ").read_bytes()
        for name, data in files.items():
            (root / name).write_bytes(data)
        try:
            return _compile(template, root, _spelt(said, _unshown(said, root)), date)
        except CustodyError:  # letters that have a shape each, but none together
            return _compile(template, root, _spelt(said, "".join(_foreign(said))), date)


def _spelt(text: str, letters: str) -> str:
    """The text with these letters as their code points."""
    return text.translate({ord(letter): f"[U+{ord(letter):04X}]" for letter in letters})


def _foreign(text: str) -> list[str]:
    """The letters of a text that are neither Latin nor Greek nor Cyrillic, nor punctuation or marks of our own."""
    return sorted({x for x in text if ord(x) > 0x52F and not 0x2000 <= ord(x) <= 0x206F and x not in "✓✗"})


def _compile(template: bytes, root: Path, content: str, date: Sequence[int]) -> bytes:
    import typst

    (root / "content.json").write_text(content, "utf-8")
    main = root / "main.typ"
    main.write_bytes(template)
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
    moment = _moment(date)
    try:
        made = typst.compile(main, root=root, font_paths=fonts, pdf_standards=STANDARD, timestamp=moment)
    except typst.TypstError as error:
        raise CustodyError(f"the PDF cannot be set: {error.message}", "The HTML report says the same.") from error
    return bytes(made)


def _unshown(text: str, root: Path) -> str:
    """The letters of a text that no font of ours has, as typst itself tells: they are printed as their code points."""
    import typst

    letters = sorted({letter for letter in text if ord(letter) > 0x24F})
    if not letters:
        return ""
    (root / "letters.json").write_text(json.dumps(letters), "utf-8")
    probe = root / "probe.typ"
    probe.write_bytes(_PROBE)
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
    try:
        typst.compile(probe, root=root, font_paths=fonts, pdf_standards=STANDARD, timestamp=0)
    except typst.TypstError as error:
        return "".join(
            chr(int(number, 16)) if number else letter for number, letter in _MISSING.findall(error.diagnostic)
        )
    return ""


def _date(dated: str) -> list[int]:
    """The report's date for the file's own description; the beginning of 1970 where the record states none."""
    found = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.\d{9}Z", dated)
    numbers = [int(number) for number in found.groups()] if found else _NO_DATE
    try:
        _moment(numbers)
    except ValueError:  # a date that no calendar has
        return _NO_DATE
    return numbers


_NO_DATE = [1970, 1, 1, 0, 0, 0]


def _moment(date: Sequence[int]) -> datetime:
    year, month, day, hour, minute, second = date
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def _code(head: str, page: str) -> bytes:
    """A QR code of both fingerprints, in the letters that QR codes hold most densely."""
    import segno

    said = f"EVIKIT HEAD:{head or 'NONE'} REPORT:{page}".upper()
    drawn = io.BytesIO()
    segno.make(said, error="m", micro=False).save(drawn, kind="svg", border=2, xmldecl=False)
    return drawn.getvalue()
