"""Translations: every fixed text has one, its places are the same, and what counts is said on every page."""

from __future__ import annotations

import ast
import re
from hashlib import sha256
from pathlib import Path

import pytest

from custody.report import words_translation as said
from custody.report.html import render
from custody.report.language import ENGLISH, LANGUAGES, Language, _, catalogue, number, speaking, spoken, when
from custody.report.model import Cover
from custody.report.paper.typeset import typeset
from custody.report.phrase import Quoted, plain
from custody.report.told import sentence, told
from custody.report.translation import both
from custody.report.words_found import FINDINGS
from custody.report.words_told import SENTENCES
from tests.custody.report.browser import chromium, opened
from tests.custody.report.catalogues import FOLDER, catalogue_of, template, updated, written
from tests.custody.report.lab import Shown, disk_findings, furnished, shown
from tests.custody.report.test_paper import sheets

SERBIAN = "sr-Cyrl"
TRANSLATED = [tag for tag in LANGUAGES if tag != ENGLISH]
ORIGINAL = sha256(b"the English page").hexdigest()
CYRILLIC = re.compile(r"[\u0400-\u04ff]")


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    return shown(furnished(tmp_path_factory.mktemp("record")), None, disk_findings())


def page_of(record: Shown, tag: str = SERBIAN) -> bytes:
    with speaking(tag):
        return render(record.report(Cover("bundle.json", "ab" * 32, original=ORIGINAL)), record.data)


@pytest.fixture(scope="module")
def page(record: Shown) -> str:
    return page_of(record).decode()


# --- catalogues -------------------------------------------------------------------------------------------


@pytest.mark.source
@pytest.mark.parametrize("tag", TRANSLATED)
def test_a_catalogue_has_every_text_and_no_stale_one(tag: str) -> None:
    kept = {message.id for message in catalogue_of(tag) if message.id}
    assert kept == {message.id for message in template() if message.id}, "run `make catalogues`"
    assert (FOLDER / "languages" / f"{tag}.po").read_bytes() == written(updated(tag)), "run `make catalogues`"


@pytest.mark.parametrize("tag", TRANSLATED)
def test_a_translation_has_the_places_of_its_text(tag: str) -> None:
    for text, translation in catalogue(tag).items():
        assert _places(text) == _places(translation), text
        assert text.endswith(".") == translation.endswith("."), text


def _places(text: str) -> list[str]:
    return sorted(re.findall(r"\{\w*\}", text))


@pytest.mark.source
def test_serbian_lacks_nothing_and_is_cyrillic() -> None:
    words = catalogue(SERBIAN)
    assert words.keys() == {str(message.id) for message in template() if message.id}
    assert {text for text in words.values() if not CYRILLIC.search(text)} == {"UTC", "MD5", "SHA-1", "SHA-256"}


@pytest.mark.source
def test_what_marks_a_text_is_found(tmp_path: Path) -> None:
    found = {str(message.id) for message in template()}
    assert {"Keys", "Case number", "not stated", "Verifying …", "Handling: serious"} <= found
    assert not found & {"genesis", "{ref}: {said}", "description"}, "neither keys nor what has no words"


@pytest.mark.source
def test_no_sentence_is_kept_that_nobody_says() -> None:
    """Each in `words_told` is one that the verifier, the time-stamps or the rules put together."""
    spoken_by: set[str] = set()
    for folder in ("ledger", "timestamp", "handling"):
        for path in (FOLDER.parent / folder).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.JoinedStr | ast.Constant):
                    spoken_by.add(_shape(ast.unparse(node) if isinstance(node, ast.JoinedStr) else str(node.value)))
    everything = "\n".join(spoken_by)
    for template_ in (*SENTENCES, *FINDINGS):
        assert all(
            part in everything
            for part in re.split(r"\{\}|[;:,(]| days?\b| while | for | without | hours\b", _shape(template_))
            if len(part) > 3
        ), template_


def _shape(text: str) -> str:
    return re.sub(r"\{[^{}]*\}", "{}", text)


# --- the language spoken ----------------------------------------------------------------------------------


def test_english_is_spoken_unless_another_is_and_afterwards_again() -> None:
    assert (_("Keys"), spoken().tag) == ("Keys", ENGLISH)
    with speaking(SERBIAN):
        assert _("Keys") == "Кључеви"
        with speaking(ENGLISH):
            assert _("Keys") == "Keys"
        assert spoken().tag == SERBIAN
    with pytest.raises(ValueError, match="here"), speaking(SERBIAN):
        raise ValueError("here")
    assert spoken().tag == ENGLISH


def test_what_a_catalogue_lacks_stays_english_and_is_remembered_once() -> None:
    language = Language("xx", {"Keys": "Clés"})
    assert [language.of(text) for text in ("Keys", "Seal", "Seal", "{n}", "12 · ±")] == [
        "Clés", "Seal", "Seal", "{n}", "12 · ±"
    ]  # fmt: skip
    assert language.lacking == {"Seal"}


def test_dates_and_numbers_are_written_as_people_write_them() -> None:
    assert (number(1234567), when("2026-11-07 04:03:22.5")) == ("1,234,567", "2026-11-07 04:03:22.5")
    with speaking(SERBIAN):
        assert number(1234567) == "1.234.567"
        assert when("2026-11-07") == "7. 11. 2026."
        assert when("2026-11-07 04:03:22") == "7. 11. 2026. 04:03:22"
        assert when("2026-11-07 04:03:22.5") == "7. 11. 2026. 04:03:22,5"
        for text in ("2026-02-31 00:00:00", "04:03:22", "", "{}"):
            assert when(text) == text


def test_sentences_of_the_verifier_are_said_in_the_language_or_marked_as_english() -> None:
    text = "the first 12 entries are those you hold an anchor of"
    assert sentence(text) == (Quoted("The first 12 entries are those you hold an anchor of", english=True), ".")
    with speaking(SERBIAN):
        assert plain(sentence(text)) == "Првих 12 записа су они за које имате упориште."
        assert told("nobody says this") == (Quoted("nobody says this", english=True),)
        hostile = plain(told("the field '{x}\u202e' is not what was committed"))
        assert hostile == "поље '{x}[U+202E]' није оно на које се запис обавезао"


@pytest.mark.parametrize("template_", [*SENTENCES, *FINDINGS])
def test_each_sentence_is_told_from_all_others(template_: str) -> None:
    """With anything in its places, other sentences' words included, it is recognised as itself and keeps them."""
    for odd in ("7", "Ana Kovač", "на", "x {y} \\1 (z)", "a\nb"):
        values = {place[1:-1]: f"{odd}{n}" for n, place in enumerate(_places(template_))}
        text = _filled(template_, values)
        with speaking(SERBIAN):
            expected = _filled(catalogue(SERBIAN)[template_], values)
            assert plain(told(text)) == expected


def _filled(template_: str, values: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda place: values[place[1]], template_)


# --- the page ---------------------------------------------------------------------------------------------


def test_it_says_that_no_lawyer_has_read_it_and_what_counts_instead(page: str) -> None:
    top = page[: page.index("<h1>")]
    assert '<html lang="sr-Cyrl">' in top
    with speaking(SERBIAN):
        for text in (_(said.NOTICE), said.NOTICE, _(said.SOURCE).format(file="report.html", digest=ORIGINAL)):
            assert text in top
    assert "@top-left" in top, "on every sheet that a browser prints"


def test_the_english_report_has_nothing_of_a_translation(record: Shown) -> None:
    english = render(record.report(), record.data).decode()
    assert '<html lang="en">' in english
    for text in ('id="live-words"', "@top-left", "TRANSLATION", 'class="exercise'):
        assert text not in english
    assert not CYRILLIC.search(re.sub(r"<bdi>.*?</bdi>|<script.*?</script>", "", english, flags=re.DOTALL))


def test_nothing_fixed_stays_english_and_equal_records_give_equal_bytes(record: Shown, page: str) -> None:
    with speaking(SERBIAN) as language:
        report = record.report(Cover("bundle.json", "ab" * 32, original=ORIGINAL))
        assert render(report, record.data).decode() == page
    assert language.lacking == set()


def test_what_stays_english_is_counted_and_marked(record: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = {text: words for text, words in catalogue(SERBIAN).items() if text not in ("Keys", SENTENCES[1])}
    monkeypatch.setattr("custody.report.language.catalogue", lambda tag: fewer)
    page = page_of(record).decode()
    with speaking(SERBIAN):
        assert _(said.REST).format(count="3") in page, "one heading, and one sentence that stands twice"
    assert page.count('<bdi lang="en">The checkpoint is signed with both keys') == 2
    assert "<h3>Keys</h3>" in page


def test_words_of_the_record_digests_and_the_bundle_are_the_same(record: Shown, page: str) -> None:
    english = render(record.report(Cover("bundle.json", "ab" * 32)), record.data).decode()
    data = r'<script type="application/json" id="bundle">.*?</script>'
    for form in (r"\b[0-9a-f]{64}\b", data, r"<script>.*</script>"):
        ours, theirs = (re.findall(form, text[text.index("<body>") :], re.DOTALL) for text in (page, english))
        assert [item for item in ours if item != ORIGINAL] == theirs, form
    for name in ("exhibits", "custody", "digests", "findings"):
        ours, theirs = (re.findall(r"<bdi>.*?</bdi>", _section(text, name), re.DOTALL) for text in (page, english))
        assert len(ours) > 5
        assert ours == theirs, name


def _section(page: str, name: str) -> str:
    start = page.index(f'<section id="{name}"')
    return page[start : page.index("</section>", start)]


def test_the_page_speaks_the_language_while_it_verifies(record: Shown, page: str, tmp_path: Path) -> None:
    with chromium() as browser, opened(browser, page.encode(), tmp_path) as shown_page:
        panel = shown_page.inner_text("#live")
        status = shown_page.inner_text("#live-status")
    for text in ("ОЧУВАНА УЗ НАПОМЕНЕ (INTACT WITH NOTES)", "ДОКАЗАНО", "Нисте дали упориште.", "потписа:"):
        assert text in panel
    assert re.search(r"Проверено записа: \d+, за \d+,\d s\.", status)
    for english in ("PROVED", "Claim", "Counted", "Every ", "The ", "One "):
        assert english not in panel


def test_every_sheet_of_the_paper_says_it_in_both_languages(record: Shown, page: str, tmp_path: Path) -> None:
    with speaking(SERBIAN):
        report = record.report(Cover("bundle.json", "ab" * 32, original=ORIGINAL))
        pdf = typeset(report, page.encode(), record.data, file="report.sr-Cyrl.html")
        said_there = both(said.SHEET)
        assert typeset(report, page.encode(), record.data, file="report.sr-Cyrl.html") == pdf
    assert CYRILLIC.search(said_there)
    texts = sheets(pdf, tmp_path)
    assert all(said_there in text for text in texts)
    assert "report.sr-Cyrl.html" in texts[0]
    assert f"страна 1 од {len(texts)}" in texts[0]
    assert "[U+04" not in "".join(texts), "the fonts have every letter"
    assert b"/Lang (sr)" in pdf or b"/Lang(sr)" in pdf
