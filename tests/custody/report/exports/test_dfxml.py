"""The list of files as DFXML: well formed, in order, names as text."""

from __future__ import annotations

from xml.etree import ElementTree

from custody.report.exports import ListedFile, Material, dfxml
from tests.custody.report.lab import HOSTILE, Lab, shown

NS = "{http://www.forensicswiki.org/wiki/Category:Digital_Forensics_XML}"
FILES = [
    ListedFile("AH/1", "1", "/Users/ana/писмо.txt", "file", True, "5", "12",
               {"modified": "2023-02-01T08:00:00Z", "created": "", "other": "x"},
               {"md5": "0a" * 16, "sha256": "2c" * 32}),
    ListedFile("AH/1", "1", "/Users", "directory", True),
    ListedFile("AH/1 --> <x>", "2", f"/{HOSTILE}\x00", "unheard", False),
]  # fmt: skip


def read(lab: Lab, files: list[ListedFile]) -> ElementTree.Element:
    return ElementTree.fromstring(b"".join(dfxml.make(Material(shown(lab).report(), lambda: files))))


def test_files_stand_in_their_volumes_with_what_is_known(lab: Lab) -> None:
    volumes = read(lab, FILES).findall(f"{NS}volume")
    assert [len(volume.findall(f"{NS}fileobject")) for volume in volumes] == [2, 1]
    assert volumes[0].findtext(f"{NS}source/{NS}image_filename") == "AH/1"
    first, second = volumes[0].findall(f"{NS}fileobject")
    facts = {element.tag.removeprefix(NS): element.text for element in first if element.tag != f"{NS}hashdigest"}
    assert facts == {"filename": "1:/Users/ana/писмо.txt", "name_type": "r", "filesize": "12", "alloc": "1",
                     "inode": "5", "mtime": "2023-02-01T08:00:00Z"}  # fmt: skip
    assert {h.get("type"): h.text for h in first.findall(f"{NS}hashdigest")} == FILES[0].digests
    assert second.findtext(f"{NS}name_type") == "d"


def test_hostile_names_are_text(lab: Lab) -> None:
    element = read(lab, FILES).findall(f"{NS}volume")[1].find(f"{NS}fileobject")
    assert element is not None
    assert '<script>alert("x")</script>' in (element.findtext(f"{NS}filename") or "")
    assert element.findtext(f"{NS}alloc") == "0"
    assert element.findtext(f"{NS}name_type") == "-"


def test_no_files_make_a_document_without_volumes(lab: Lab) -> None:
    root = read(lab, [])
    assert root.findall(f"{NS}volume") == []
    assert root.findtext(f"{NS}creator/{NS}version") == "0.1.0"
