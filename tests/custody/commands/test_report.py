"""`evikit report`: its documents, what the record says of them, signatures, what takes the place of what."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from custody.commands import documents
from custody.commands import report as command
from custody.commands.exports import FORMS
from custody.report.exports import named
from custody.report.paper.signature import problem_of
from custody.report.view import Viewer
from tests import authority as stamps
from tests.console import PASSPHRASE, Lab
from tests.custody.report.test_signature import exported


def exports(case: Lab) -> list[dict[str, Any]]:
    """What the record says of documents, in order."""
    file = case.folder / f"all-{len(list(case.folder.iterdir()))}.json"
    assert case.run("bundle", "create", "-o", file, "--for", "the test").code == 0
    shown = case.run("--json", "bundle", "show", file).lines
    return [line["fields"] for line in shown if line["type"] == "export"][:-1]


def test_every_document_is_an_entry_with_its_digest(case: Lab) -> None:
    folder = case.folder / "first"
    told = case.run("--json", "report", "-o", folder, "--for", "District court")
    assert told.code == 0
    assert told.json["pdf"] == str(folder / "report.pdf")
    named = {e["document"]["name"]: e for e in exports(case) if "name" in e["document"]}
    for name in ("bundle.json", "report.html", "report.pdf"):
        entry = named[name]
        assert entry["document"]["sha256"] == sha256((folder / name).read_bytes()).hexdigest()
        assert entry["recipient"] == "District court"
        assert "supersedes" not in entry["document"]


def test_a_later_report_names_what_it_supersedes_and_the_rule_finds_the_old_one(case: Lab) -> None:
    first, second = case.folder / "first", case.folder / "second"
    assert case.run("report", "-o", first).code == 0
    assert case.run("report", "-o", second, "--supersedes", first).code == 0
    later = [e["document"] for e in exports(case) if "supersedes" in e["document"] and "name" in e["document"]]
    assert {d["name"]: d["supersedes"]["sha256"] for d in later} == {
        name: sha256((first / name).read_bytes()).hexdigest() for name in ("report.html", "report.pdf")
    }
    case.run("report", "-o", case.folder / "third", "--supersedes", case.evidence).refused(1, "holds no report")
    (second / "report.html").write_text("another page")
    case.run("report", "-o", case.folder / "third", "--supersedes", second).refused(
        1, "no document that this case made"
    )


def test_exports_are_written_beside_it_and_recorded(furnished: Lab) -> None:
    folder = furnished.folder / "exports"
    forms = [word for name in FORMS for word in ("--export", name)]
    told = furnished.run("--json", "report", "-o", folder, *forms)
    assert told.code == 0, told
    recorded = {e["document"]["name"]: e["document"] for e in exports(furnished) if "name" in e["document"]}
    for name, module in named().items():
        assert told.json[name] == str(folder / module.FILE)
        assert recorded[module.FILE]["sha256"] == sha256((folder / module.FILE).read_bytes()).hexdigest()
    assert tuple(named()) == FORMS
    listed = (folder / "files.dfxml").read_text()
    assert listed.count("<fileobject>") == len(furnished.run("--json", "files").lines) > 5


def test_certificates_are_written_and_recorded(furnished: Lab) -> None:
    folder, own = furnished.folder / "certified", furnished.folder / "ours.txt"
    own.write_text("Our form\nFor us\nCase {case}")
    told = furnished.run("--json", "report", "-o", folder, "--certificate", "us-902-14", "--certificate", own)
    assert told.code == 0, told
    recorded = {e["document"]["name"]: e["document"] for e in exports(furnished) if "name" in e["document"]}
    for name in ("certificate-us-902-14", "certificate-ours"):
        assert told.json[name] == str(folder / f"{name}.pdf")
        for file in (f"{name}.html", f"{name}.pdf"):
            assert recorded[file]["sha256"] == sha256((folder / file).read_bytes()).hexdigest()
            assert recorded[file]["kind"] == "certificate"
    none = ("report", "-o", furnished.folder / "none", "--certificate")
    furnished.run(*none, "us-902-99").refused(1, "cannot be read", "coe-generic")
    furnished.run(*none, own, "--certificate", own).refused(1, "two certificates")
    own.write_text("T\nP\n{unheard}")
    furnished.run(*none, own).refused(1, "a place that there is not, {unheard}")
    own.write_bytes(b"\xff")
    furnished.run(*none, own).refused(1, "is no text")
    own.write_bytes(b"x" * 70_000)
    furnished.run(*none, own).refused(1, "too long")
    assert not (furnished.folder / "none").exists()


def test_it_is_shown_on_this_machine_until_it_is_stopped(case: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)

    def stopped(server: Viewer) -> None:
        assert server.page == (case.folder / "shown" / "report.html").read_bytes()
        raise KeyboardInterrupt

    monkeypatch.setattr(Viewer, "serve_forever", stopped)
    told = case.run("report", "-o", case.folder / "shown", "--view")
    assert told.code == 0, told
    (url,) = opened
    assert url.startswith("http://127.0.0.1:")
    assert url in told.err


def test_a_bag_of_an_exhibit_and_the_documents(furnished: Lab) -> None:
    folder, why = furnished.folder / "bagged", "hand over to the court (order 12/23)"
    ref = furnished.run("--json", "exhibit", "list").lines[0]["ref"]
    furnished.run("report", "-o", folder, "--bag", ref).refused(2, "--purpose says why")
    furnished.run("report", "-o", folder, "--purpose", why).refused(2, "--bag")
    told = furnished.run("--json", "report", "-o", folder, "--bag", ref, "--purpose", why)
    assert told.code == 0, told
    bag = Path(told.json["bag"])
    valid = [Path(sys.executable).with_name("bagit.py"), "--validate", bag]
    assert subprocess.run(valid, check=False, capture_output=True).returncode == 0
    names = {str(path.relative_to(bag / "data")) for path in (bag / "data").rglob("*") if path.is_file()}
    assert names > {"report.html", "report.pdf", "bundle.json", "verify.py", "fingerprint.txt"}
    assert len([name for name in names if name.startswith("exhibits/1/")]) == 1
    shown = furnished.run("--json", "bundle", "show", bag / "data" / "bundle.json").lines
    assert why in [line["fields"].get("purpose") for line in shown], "the reading stands in the bundle inside"
    recorded = [e["document"] for e in exports(furnished) if e["document"].get("kind") == "bag"]
    assert recorded[-1]["sha256"] == sha256((bag / "manifest-sha256.txt").read_bytes()).hexdigest()
    (bag / "data" / "fingerprint.txt").write_text("another")
    assert subprocess.run(valid, check=False, capture_output=True).returncode != 0


def spoilt(case: Lab) -> int:
    """Change the signature of one entry, as somebody who can write the file; the entry."""
    with closing(sqlite3.connect(case.case / "ledger.sqlite")) as database:
        triggers = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            database.execute(f"DROP TRIGGER {name}")
        index, signature = database.execute("SELECT idx, sig FROM entry WHERE idx = 3").fetchone()
        database.execute("UPDATE entry SET sig = ? WHERE idx = 3", (bytes([signature[0] ^ 1]) + signature[1:],))
        for _, statement in triggers:
            database.execute(statement)
        database.commit()
    return int(index)


def test_a_broken_record_is_said_to_be_on_the_first_page_of_everything(case: Lab) -> None:
    index = spoilt(case)
    folder = case.folder / "broken"
    forms = [word for name in FORMS for word in ("--export", name)]
    told = case.run("report", "-o", folder, *forms, "--language", "sr-Cyrl", "--certificate", "us-902-14", "--sign")
    assert told.code == 3, told
    assert re.search(r"^verdict +BROKEN$", told.out, re.MULTILINE)
    for name, word in (
        ("report", "BROKEN"),
        ("report.sr-Cyrl", "НАРУШЕНА (BROKEN)"),
        ("certificate-us-902-14", "BROKEN"),
    ):
        page = (folder / f"{name}.html").read_text("utf-8")
        assert word in page[page.index("<body>") :][:6000], name
        pdf = ("pdftotext", "-raw", folder / f"{name}.pdf", "-")
        sheets = subprocess.run(pdf, capture_output=True, text=True, check=True).stdout.split("\f")[:-1]
        assert all(word in " ".join(sheet.split()) for sheet in sheets), f"{name}: every sheet"
        assert f"entry {index}" in sheets[0] or f"запис {index}" in sheets[0] or name.startswith("cert")
    page = (folder / "report.html").read_text("utf-8")
    assert "INTACT" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert "0 serious" not in page, "of handling nothing is said"
    graph = json.loads((folder / "case.jsonld").read_text("utf-8"))["@graph"]
    assert any("Integrity: BROKEN" in node.get("uco-core:description", ()) for node in graph)
    rows = list(csv.reader(io.StringIO((folder / "custody.csv").read_text("utf-8-sig"))))
    assert len(rows) > 5
    assert {row[0] for row in rows[1:]} == {"BROKEN"}
    sheet = zipfile.ZipFile(folder / "custody.xlsx").read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count(">BROKEN<") == len(rows) - 1
    assert "Integrity of the record: BROKEN" in (folder / "files.dfxml").read_text("utf-8").split("<volume>")[0]
    assert case.run("--json", "bundle", "verify", folder / "bundle.json").json["verdict"] == "BROKEN"
    assert case.run("--json", "ledger", "verify").json["verdict"] == "BROKEN"


def test_a_bundle_swapped_in_a_pdf_is_found(case: Lab, tmp_path: Path) -> None:
    """Whoever changes the attachment: the bundle does not verify, or is not the one anchored, or named on paper."""
    copy = case.copied(tmp_path / "copy")
    own, other = case.folder / "own", copy.folder / "other"
    assert case.run("report", "-o", own, "--sign").code == 0
    assert copy.run("report", "-o", other, "--for", "somebody else").code == 0
    signed, whole = (own / "report.pdf").read_bytes(), (own / "bundle.json").read_bytes()
    root = x509.load_pem_x509_certificate((own / "authority.crt").read_bytes()).public_bytes(Encoding.DER)
    assert problem_of(signed, [root]) is None
    changed = whole.replace(b"find the couriers", b"lose the couriers", 1)
    assert changed != whole
    for data, kind in ((changed, "opening"), ((other / "bundle.json").read_bytes(), "anchor")):
        pdf, detached = tmp_path / "swapped.pdf", tmp_path / "bundle.json"
        pdf.write_bytes(swapped(signed, data))
        subprocess.run(["pdfdetach", "-saveall", "-o", tmp_path, pdf], capture_output=True, check=True)
        assert detached.read_bytes() == data, "the attachment was swapped"
        anchor = (own / "fingerprint.txt").read_text().strip()
        told = case.run("--json", "bundle", "verify", detached, "--anchor", anchor)
        assert (told.code, told.json["verdict"]) == (3, "BROKEN")
        assert kind in [problem["kind"] for problem in told.json["problems"]]
        text = subprocess.run(["pdftotext", pdf, "-"], capture_output=True, text=True, check=True).stdout
        assert sha256(whole).hexdigest() in "".join(text.split()), "the paper names the true one"
        assert problem_of(pdf.read_bytes(), [root]) is not None, "the signature does not cover it any more"
        assert "none of the documents on record" in case.run("check", "--document", pdf).out


def swapped(pdf: bytes, attachment: bytes) -> bytes:
    """The PDF with another attachment under the same name, as an editor of PDF files would save it."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    file = writer.root["/Names"]["/EmbeddedFiles"]["/Names"][1]["/EF"]
    file["/F"] = writer.add_object(generic.StreamObject(stream_data=attachment))
    writer.update_container(file)
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def test_signed_by_the_case_s_own_authority(case: Lab) -> None:
    folder = case.folder / "signed"
    assert case.run("report", "-o", folder, "--sign").code == 0
    pdf, root = (folder / "report.pdf").read_bytes(), (folder / "authority.crt").read_bytes()
    der = x509.load_pem_x509_certificate(root).public_bytes(Encoding.DER)
    assert problem_of(pdf, [der]) is None
    *_, entry = [e["document"] for e in exports(case) if e["document"].get("name") == "report.pdf"]
    assert entry["signature"]["root"] == sha256(der).hexdigest()
    inside = [path for path in case.case.rglob("*") if "authority" in path.name]
    assert not inside, "no key of it is in the case"


def test_signed_with_a_certificate_given_and_time_stamped(case: Lab) -> None:
    file, trust = case.folder / "office.p12", case.folder / "trust.json"
    file.write_bytes(exported())
    tsa = stamps.Authority(case.folder / "tsa")
    trust.write_text(json.dumps({"tsa_roots": [tsa.pem]}))
    (case.folder / "words").write_text("export words\n")
    signed = ("report", "--sign-with", file, "--trust", trust, "-o")
    case.run(*signed, case.folder / "a").refused(1, "no terminal", "EVIKIT_PKCS12_PASSPHRASE")
    case.run(*signed, case.folder / "a", EVIKIT_PKCS12_PASSPHRASE="other words").refused(1, "PKCS#12")
    words = str(case.folder / "words")
    with stamps.served(tsa.answer) as url:
        told = case.run(*signed, case.folder / "b", "--timestamp", url, EVIKIT_PKCS12_PASSPHRASE_FILE=words)
    assert told.code == 0, told
    read = subprocess.run(["pdfsig", case.folder / "b" / "report.pdf"], capture_output=True, text=True, check=True)
    assert "Office of Reports" in read.stdout


def test_a_translation_lies_beside_the_english_report_and_names_it(case: Lab) -> None:
    folder = case.folder / "two"
    told = case.run("--json", "report", "-o", folder, "--language", "sr-Cyrl", "--language", "en", "--sign")
    assert told.code == 0, told
    assert told.json["sr-Cyrl"] == str(folder / "report.sr-Cyrl.html")
    english = sha256((folder / "report.html").read_bytes()).hexdigest()
    assert english in (folder / "report.sr-Cyrl.html").read_text("utf-8")
    named = {e["document"].get("name"): e["document"] for e in exports(case)}
    for name, more in (
        ("report.html", {"language": "en"}),
        ("report.pdf", {"language": "en"}),
        ("report.sr-Cyrl.html", {"language": "sr-Cyrl", "translates": english}),
        ("report.sr-Cyrl.pdf", {"language": "sr-Cyrl", "translates": english}),
    ):
        entry = dict(named[name])
        assert entry.pop("sha256") == sha256((folder / name).read_bytes()).hexdigest()
        assert ("signature" in entry) == (name == "report.pdf"), "the document of record alone is signed"
        assert entry | more == entry
        assert "translates" in more or "translates" not in entry
    later = case.folder / "later"
    assert case.run("report", "-o", later, "--language", "sr-Cyrl", "--supersedes", folder).code == 0
    found = {e["document"].get("name"): e["document"] for e in exports(case)}
    assert found["report.sr-Cyrl.pdf"]["supersedes"]["sha256"] == named["report.sr-Cyrl.pdf"]["sha256"]
    case.run("report", "-o", case.folder / "x", "--language", "sr-Latn").refused(2, "sr-Cyrl")


def test_a_signature_that_fails_late_leaves_no_document_and_the_record_says_so(case: Lab) -> None:
    folder, trust = case.folder / "late", case.folder / "trust.json"
    trust.write_text(json.dumps({"tsa_roots": [stamps.Authority(case.folder / "tsa").pem]}))
    signed = ("report", "-o", folder, "--sign", "--trust", trust, "--language", "sr-Cyrl", "--timestamp")
    with stamps.served(lambda _: (503, b"")) as url:
        case.run(*signed, url).refused(1, "503")
        ref = case.run("--json", "exhibit", "list").lines[0]["ref"]
        case.run(*signed, url, "--bag", ref, "--purpose", "hand over").refused(1, "503")
    assert list(folder.iterdir()) == [], "no copy of evidence is left, either"
    intent, given_up = [e["document"] for e in exports(case)][-2:]
    assert intent["kind"] == given_up["kind"] == "report"
    assert not {"sha256", "name"} & (intent.keys() | given_up.keys()), "no document is recorded"
    assert given_up["not_delivered"] is True
    assert "RE-02" not in case.run("--json", "check").out, "what was given up is no document that is missing"
    assert case.run("report", "-o", folder).code == 0, "the folder is as it was"
    assert "Announced, and not handed out to" in (folder / "report.html").read_text("utf-8")


def test_what_cannot_be_signed_is_refused_before_anything_is_made(case: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = case.folder / "none"
    case.run("report", "-o", folder, "--timestamp", "http://127.0.0.1:9/").refused(2, "give --sign")
    case.run("report", "-o", folder, "--sign", "--sign-with", "x").refused(2, "choose one")
    case.run("report", "-o", folder, "--sign", "--timestamp", "http://127.0.0.1:9/").refused(1, "no certificate")
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    case.run("report", "-o", folder, "--sign").refused(1, "extra", "evikit[pdf]")
    assert not folder.exists()


def test_without_the_extra_there_is_no_pdf_and_it_says_how(case: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "find_spec", lambda name: None)
    told = case.run("report", "-o", case.folder / "plain")
    assert told.code == 0
    assert "evikit[pdf]" in told.err
    assert not (case.folder / "plain" / "report.pdf").exists()
    assert "pdf" not in told.out.replace("report.html", "")
    assert PASSPHRASE not in told.out + told.err
    assert sys.version_info >= (3, 11)
