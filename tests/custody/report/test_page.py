"""Pages that verify: the same verdicts as the kit, for every reader, from a file, with nothing from a network."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from custody.ledger.bundle import verify_bundle
from custody.ledger.disclosure import compose_bundle, show_row
from custody.ledger.entry import ANSWERS, TYPES, b64
from custody.ledger.note import fingerprint, parse_note
from custody.ledger.verdict import Trust
from custody.report.html import render, render_verifier
from custody.report.live import MODULES, data_block, script, script_sha256
from custody.report.model import Cover
from tests.conftest import Fetch
from tests.custody.ledger.test_bundle import HIDDEN, ROWS, SECRET, changed, small
from tests.custody.report.browser import chromium, opened, summary, verdicts
from tests.custody.report.lab import HOSTILE, Shown, disk_findings, furnished, shown
from tests.kit import World, entry_key

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def verifier(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The page without a case; its functions are called as its own script does."""
    with opened(browser, render_verifier(), tmp_path_factory.mktemp("verifier")) as page:
        yield page


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """The furnished laboratory's bundle."""
    return shown(furnished(tmp_path_factory.mktemp("record")), None, disk_findings())


@pytest.fixture(scope="module")
def report(record: Shown) -> bytes:
    return render(record.report(Cover("bundle.json", "ab" * 32, recipient=HOSTILE)), record.data)


def agree(page: Page, items: list[tuple[bytes, Trust]]) -> None:
    """The page and the kit find the same, and INTACT is never said with something left unchecked."""
    for (data, trust), answer in zip(items, verdicts(page, items), strict=True):
        verdict, _ = verify_bundle(data, trust)
        expected = summary(verdict)
        assert {name: answer[name] for name in expected} == expected
        assert (answer["result"] == "BROKEN") == bool(verdict.failed)
        assert (answer["result"] == "INTACT") <= (verdict.result == "INTACT" and set(answer["claims"]) == {"PROVED"})
        assert ("FAILED" in answer["claims"]) == bool(verdict.failed)


# --- the parts -------------------------------------------------------------------------------------------


def test_hashes_and_spellings(verifier: Page) -> None:
    texts = ["", "a", "ab" * 40, "č" * 200, *("x" * n for n in range(50, 70))]
    asked = "(texts) => texts.map((text) => [hex(sha256(utf8(text))), canonical({ a: [true, null], b: text })])"
    for text, (digest, json_text) in zip(texts, verifier.evaluate(asked, texts), strict=True):
        assert digest == hashlib.sha256(text.encode()).hexdigest()
        assert json_text == json.dumps({"a": [True, None], "b": text}, ensure_ascii=False, separators=(",", ":"))
    refused = ['{"a":"x","a":"x"}', '{"b":null,"a":null}', '{"a": null}', '{"a":1}', '{"A":""}', '"\\ud800"', '"\\/"',
               '"\\u0041"', "\ufeff{}", "[[[[[[[]]]]]]]", '{"__proto__":null}', "{} ", "nul", ""]  # fmt: skip
    asked = "(texts) => texts.map((text) => { try { decode(utf8(text), 99, 6); return text } catch { return null } })"
    assert verifier.evaluate(asked, refused) == [None] * len(refused)
    assert verifier.evaluate(asked, ["{}", '"\u2028\U0001f600"', "[[[[[[]]]]]]"]) != [None] * 3
    asked = "(texts) => texts.map((text) => { try { return b64(unb64(text)) } catch { return null } })"
    assert verifier.evaluate(asked, ["QQ==", "QR==", "QQ", "Q Q==", "QQ==\n", "é", ""]) == ["QQ=="] + [None] * 5 + [""]


def test_published_vectors_of_trees(verifier: Page, vectors: Fetch) -> None:
    calls = {
        "inclusion": "verifyInclusion(raw(v.leafHash), BigInt(v.leafIdx), BigInt(v.treeSize), proof, raw(v.root))",
        "consistency": "verifyConsistency(BigInt(v.size1), raw(v.root1), BigInt(v.size2), raw(v.root2), proof)",
    }
    for kind, call in calls.items():
        files = sorted(vectors(f"rfc6962/{kind}").rglob("*.json"))
        texts = [file.read_text("utf-8") for file in files]
        wants = [not json.loads(text)["wantErr"] for text in texts]
        loop = f"""(texts) => {{
            const raw = (text) => fromBinary(atob(text ?? ""));
            const holds = (v, proof) => {call};
            return texts.map((text) => JSON.parse(text)).map((v) => holds(v, (v.proof ?? []).map(raw)));
        }}"""
        answers = verifier.evaluate(loop, texts)
        wrong = [file.name for file, want, answer in zip(files, wants, answers, strict=True) if want != answer]
        # Two equal roots of twelve bytes of prose: a root is 32 bytes here.
        assert wrong == ([] if kind == "inclusion" else ["sizes-are-equal-one-and-proof-is-empty.json"])
        assert len(texts) > 90


@pytest.mark.parametrize(
    ("algorithm", "name"), [("ed25519", "ed25519_test.json"), ("ml-dsa-44", "mldsa_44_verify_test.json")]
)
def test_published_vectors_of_signatures(verifier: Page, vectors: Fetch, algorithm: str, name: str) -> None:
    items: list[tuple[str, str, str]] = []
    wants: list[bool] = []
    for group in json.loads(vectors(f"wycheproof/{name}").read_text("utf-8"))["testGroups"]:
        public = group["publicKey"]
        for test in group["tests"]:
            items.append((public if isinstance(public, str) else public["pk"], test["msg"], test["sig"]))
            wants.append(test["result"] == "valid" and not test.get("ctx"))  # our signatures have no context
    asked = """([algorithm, items]) => {
        const raw = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
        return Promise.all(items.map(([pk, m, s]) => verifyPayload(algorithm, raw(pk), raw(m), raw(s))));
    }"""
    assert verifier.evaluate(asked, [algorithm, items]) == wants


def test_the_tables_are_the_kits(verifier: Page) -> None:
    types = {name: (kind.chain, set(kind.pub), set(kind.commits)) for name, kind in TYPES.items()}
    told = verifier.evaluate("[...TYPES].map(([name, { chain, pub, commits }]) => [name, chain, pub, commits])")
    assert {name: (chain, set(pub), set(commits)) for name, chain, pub, commits in told} == types
    assert {name: set(kinds) for name, kinds in verifier.evaluate("[...ANSWERS]")} == ANSWERS
    assert set(verifier.evaluate("APPROVED")) == {name for name, kind in TYPES.items() if kind.approved}


@pytest.mark.source
def test_every_failure_of_a_bundle_refutes_a_claim(verifier: Page) -> None:
    page = (ROOT / "docs" / "ledger-format.md").read_text("utf-8")
    table = page.partition("### Findings that break")[2].partition("###")[0]
    kinds = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) - {"leaf"}  # of a stored ledger alone
    assert set(verifier.evaluate("CLAIMS.flatMap(({ kinds }) => kinds)")) == kinds


# --- agreement with the kit ------------------------------------------------------------------------------


def test_flipped_bytes(verifier: Page, record: Shown) -> None:
    choice, data = random.Random(5), record.data
    places = choice.sample(range(len(data) - 1), 60)
    items = [
        (data[:place] + bytes([data[place] ^ 1 << choice.randrange(8)]) + data[place + 1 :], Trust())
        for place in places
    ]
    agree(verifier, items)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return small(tmp_path_factory.mktemp("world"))


def test_what_is_hidden_or_forged(verifier: Page, world: World) -> None:
    whole = compose_bundle(world.ledger)
    strange = [
        b"",
        b"{}",
        b'{"checkpoint":"',
        whole[: len(whole) // 2],
        whole[:-1],
        whole + b"\n",
        b"\xef\xbb\xbf" + whole,
    ]
    items = [*strange, *(changed(whole, change) for change, _ in HIDDEN.values())]
    agree(verifier, [(data, Trust()) for data in items])


def test_anchors_and_trust(verifier: Page, world: World, tmp_path: Path) -> None:
    whole, notes = compose_bundle(world.ledger), [parse_note(note) for note in world.ledger.notes()]
    one = compose_bundle(world.ledger, exhibits=[1])
    other = small(tmp_path)
    other.exhibit("AH/3")
    other.close()
    newer = parse_note(other.ledger.notes()[-1])
    trusts = [
        Trust(),
        *(Trust().with_anchor(note) for note in notes),
        *(Trust().with_anchor(fingerprint(note.checkpoint)) for note in notes),
        Trust().with_anchor(newer),
        Trust().with_anchor("ab" * 32),
        Trust(ledgers=frozenset({world.ledger.id})),
        Trust(ledgers=frozenset({bytes(32)})),
        Trust(unused=("quorum",)).with_anchor(notes[0]),
    ]
    agree(verifier, [(data, trust) for data in (whole, one) for trust in trusts])


def test_revoked_keys_and_strangers(verifier: Page, tmp_path: Path) -> None:
    world = World(tmp_path)
    first = world.exhibit("AH/1")
    world.add("note", first, key=entry_key(9))
    note = parse_note(world.close())
    world.add("person.revoke", 0, pub={"key": b64(world.examiner.key), "from": "2"})
    world.close()
    data = compose_bundle(world.ledger)
    agree(verifier, [(data, Trust()), (data, Trust().with_anchor(note))])


def test_single_files(verifier: Page, tmp_path: Path) -> None:
    from tests.custody.ledger.test_bundle import ROWS_ROOT

    world = World(tmp_path)
    n = world.exhibit("AH/1")
    begin = world.add("access.begin", n)
    values = {"manifest_root": b64(ROWS_ROOT), "manifest_size": str(len(ROWS)), "manifest_secret": b64(SECRET)}
    end = world.add("access.end", n, values, re=[begin.leaf])
    world.close()
    index = next(row.index for row in world.ledger.rows() if row.leaf == end.leaf)
    good = compose_bundle(world.ledger, rows=[show_row(index, SECRET, ROWS, 417)])
    closed = compose_bundle(world.ledger, rows=[show_row(index, SECRET, ROWS, 417)], withhold=["manifest_size"])
    forged = changed(good, lambda body: body["rows"][0]["row"].__setitem__(1, "home/ana/another.odt"))
    moved = changed(good, lambda body: body["rows"][0].__setitem__("i", "418"))
    agree(verifier, [(data, Trust()) for data in (good, closed, forged, moved)])


# --- what the browser cannot do --------------------------------------------------------------------------


def test_nothing_unchecked_passes_for_intact(browser: Browser, tmp_path: Path, world: World) -> None:
    """A browser without an algorithm, or with an Ed25519 that multiplies by the cofactor, proves no signature."""
    whole = compose_bundle(world.ledger)
    items = [(whole, Trust().with_anchor(parse_note(world.ledger.notes()[-1])))]
    real = "crypto.subtle.importKey.bind(crypto.subtle)"
    refuse = "importKey = (f, k, a, ...rest) => a.name === NAME ? Promise.reject() : real(f, k, a, ...rest)"
    changes = {
        "": "digest = null",
        "Ed25519": refuse.replace("NAME", "'Ed25519'"),
        "ML-DSA-44": refuse.replace("NAME", "'ML-DSA-44'"),
        "cofactor": "verify = () => Promise.resolve(true)",
    }
    for name, change in changes.items():
        with opened(browser, render_verifier(), tmp_path) as page:
            page.evaluate(f"() => {{ const real = {real}; crypto.subtle.{change}; }}")
            (answer,) = verdicts(page, items)
        assert answer["result"] == ("INTACT WITH NOTES" if name else "INTACT"), name
        assert ("NOT CHECKED" in answer["claims"]) == bool(name), name
        assert not answer["failed"], name


# --- the reader ------------------------------------------------------------------------------------------


def test_the_report_verifies_itself_and_takes_what_the_reader_brings(
    browser: Browser, tmp_path: Path, record: Shown, report: bytes, world: World
) -> None:
    with opened(browser, report, tmp_path) as page:
        assert page.inner_text("#live-verdict .mark").endswith("INTACT WITH NOTES")
        assert page.locator("#live-claims tr").count() >= 12
        page.fill("#live-anchor", "AB" * 32)
        page.keyboard.press("Enter")
        expect(page.locator("#live-verdict .mark")).to_contain_text("BROKEN")
        assert "not the record that was anchored outside" in page.inner_text("#live-claims")
        assert "Complete up to" not in page.inner_text("#live-result")
        page.fill("#live-anchor", "not a fingerprint")
        page.click("button[type=submit]")
        expect(page.locator("#live-complaint")).to_contain_text("64 characters")
        page.fill("#live-anchor", "")
        note = world.ledger.notes()[-1]
        files: list[Any] = [
            {"name": "other.json", "mimeType": "application/json", "buffer": compose_bundle(world.ledger)},
            {"name": "kept.txt", "mimeType": "text/plain", "buffer": note},
        ]
        page.set_input_files("#live-files", files)
        expect(page.locator("#live-verdict .mark")).to_have_text("✓ INTACT")
        assert page.is_visible("#live-other")
        page.click("text=Forget what I brought")
        expect(page.locator("#live-verdict .mark")).to_contain_text("NOTES")
        assert page.is_hidden("#live-other")
        with page.expect_download() as saved:
            page.click("text=Save this page's bundle")
        assert Path(saved.value.path()).read_bytes() == record.data.rstrip(b"\n")


DROP = """(files) => {
    const held = new DataTransfer();
    for (const [name, text] of files) held.items.add(new File([text], name));
    document.dispatchEvent(new DragEvent("drop", { dataTransfer: held, bubbles: true, cancelable: true }));
}"""


def test_files_can_be_dropped(browser: Browser, tmp_path: Path, world: World) -> None:
    note = world.ledger.notes()[-1].decode()
    kept = json.dumps({"ledgers": [world.ledger.id.hex()], "heads": [note]}, indent=2)
    foreign = json.dumps({"ledgers": ["ab" * 32]})
    with opened(browser, render_verifier(), tmp_path) as page:
        page.evaluate(DROP, [["case.json", compose_bundle(world.ledger).decode()], ["trust.json", kept]])
        expect(page.locator("#live-verdict .mark")).to_have_text("✓ INTACT")
        assert page.locator("#live-held li").all_inner_texts() == ["case.json", "trust.json"]
        page.click("text=Forget what I brought")
        page.evaluate(DROP, [["foreign.json", foreign], ["case.json", compose_bundle(world.ledger).decode()]])
        expect(page.locator("#live-verdict .mark")).to_have_text("✗ BROKEN")


def test_junk_is_told_and_not_used(verifier: Page) -> None:
    junk = [b"", b"\xff\xfe\x00", b"{}x", b"0" * 65, b'{"heads": [1]}', b'{"more": 1}', b"x" * (1 << 21)]
    for number, data in enumerate(junk):
        verifier.set_input_files("#live-files", [{"name": f"{number}", "mimeType": "x/y", "buffer": data}])
        expect(verifier.locator("#live-complaint")).to_contain_text(f"{number}: ")
        assert verifier.is_hidden("#live-result")


def test_hostile_strings_stay_text(browser: Browser, tmp_path: Path, report: bytes) -> None:
    with opened(browser, report, tmp_path) as page:
        page.click("text=What the bundle shows, entry by entry")
        for summary_line in page.locator("#live-entries summary").all():
            summary_line.click()
        told = page.inner_text("#live-entries")
        assert '<script>alert("x")</script> [U+202E]gpj.exe[U+202C] [U+0000][U+001B][31m' in told
        assert "\u202e" not in page.inner_text("body")
        assert page.locator("script").count() == 2, "the bundle as data, and the script"


def test_what_cannot_be_seen_or_has_no_end_is_made_visible(verifier: Page) -> None:
    seen = verifier.evaluate(
        "(texts) => texts.map(visible)", ["a\u202eb\x00\nc\u2028", "e" + "\u0301" * 99, "x" * 9999]
    )
    assert seen == [
        "a[U+202E]b[U+0000]\nc[U+2028]",
        "e" + "\u0301" * 4 + "…",
        "x" * 4000 + " … [9999 characters in all]",
    ]


@pytest.mark.parametrize("width", [1100, 360])
def test_everybody_can_read_it(browser: Browser, tmp_path: Path, report: bytes, width: int) -> None:
    for data in (report, render_verifier()):
        with opened(browser, data, tmp_path, viewport={"width": width, "height": 800}) as page:
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            found = Axe().run(page).response["violations"]
            assert [item["id"] for item in found if item["impact"] in ("serious", "critical")] == []


def test_without_javascript_all_but_the_verification_is_there(browser: Browser, tmp_path: Path, report: bytes) -> None:
    with opened(browser, report, tmp_path, java_script_enabled=False) as page:
        assert page.locator("#live").is_hidden()
        assert "With JavaScript switched on" in page.inner_text("main")
        assert page.locator("table.custody").first.is_visible()


def test_it_prints(browser: Browser, tmp_path: Path, report: bytes) -> None:
    with opened(browser, report, tmp_path) as page:
        printed = page.pdf(format="A4", prefer_css_page_size=True)
        assert printed.startswith(b"%PDF")
        page.emulate_media(media="print")
        assert page.locator("#live-trust").is_hidden()
        assert page.locator("#live-claims").is_visible()


# --- the file --------------------------------------------------------------------------------------------


def test_the_script_is_the_same_everywhere_and_named(report: bytes) -> None:
    for data in (report, render_verifier()):
        found = re.findall(rb"<script>(.*?)</script>", data, re.DOTALL)
        assert [hashlib.sha256(item).hexdigest() for item in found] == [script_sha256()]
        assert script_sha256().encode() in data
        (policy,) = re.findall(rb'Policy" content="(.*?)"', data)
        source = base64.b64encode(hashlib.sha256(found[0]).digest()).decode()
        assert f"default-src &#x27;none&#x27;; script-src &#x27;sha256-{source}&#x27;" in policy.decode()
        assert b"unsafe" not in policy
    assert render_verifier() == render_verifier()
    assert "</" not in script()


def test_the_bundle_in_the_page_is_the_bundle(record: Shown) -> None:
    assert "<" not in data_block(record.data)[1:-9]
    assert data_block(b"no bundle") == ""


@pytest.mark.source
def test_every_file_of_the_script_is_in_it_and_short() -> None:
    folder = ROOT / "custody" / "report" / "page"
    assert {file.stem for file in folder.iterdir()} == set(MODULES)
    assert all(len(file.read_text("utf-8").splitlines()) <= 400 for file in folder.iterdir())
