"""Attacks on a record, kept in tests/data/attacks/: what every verifier must say of each, and that the recipes hold."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from custody.ledger.audit import audit
from custody.ledger.bundle import verify_bundle
from custody.ledger.errors import CustodyError
from custody.ledger.store import Ledger
from custody.ledger.verdict import Trust, Verdict
from custody.report.html import render_verifier
from custody.timestamp.interval import Trusted
from custody.timestamp.record import judge_bundle
from custody.timestamp.token import SECOND, Authorities
from tests.attacks import ATTACKS, FOLDER, Attack, Files, manifest
from tests.custody.report.browser import chromium, opened, verdicts

NOW = 1_894_000_000 * SECOND
"""Early in 2030, when the time-stamps in these files are young."""

NAMES = [attack.name for attack in ATTACKS]
BUNDLES = [attack for attack in ATTACKS if (FOLDER / attack.name / "bundle.json").exists() and not attack.needs]


def kept(name: str) -> Files:
    return {path.name: path.read_bytes() for path in (FOLDER / name).iterdir()}


def trust_of(files: Files) -> Trust:
    trust = Trust.parse(files["trust.json"]) if "trust.json" in files else Trust()
    return trust.with_anchor(files["anchor.txt"].decode().strip()) if "anchor.txt" in files else trust


def judged(files: Files, folder: Path) -> Verdict:
    """The kit's verdict."""
    if "bundle.json" in files:
        verdict, found = verify_bundle(files["bundle.json"], trust_of(files))
        held = Authorities.parse(files["trust.json"]) if "trust.json" in files else Authorities()
        judge_bundle(files["bundle.json"], found, verdict, Trusted(held, NOW))
        return verdict
    path = folder / "attacked.sqlite"
    path.write_bytes(files["ledger.sqlite"])
    try:
        with Ledger.open(path, writable=False, refresh=False, older=True) as ledger:
            return audit(ledger, trust_of(files))
    except CustodyError as error:
        verdict = Verdict()
        verdict.fail(None, "file", f"{error}")
        return verdict


def fits(attack: Attack, verdict: Verdict) -> None:
    assert str(verdict.result) == attack.verdict, verdict
    assert {finding.kind for finding in verdict.failed} >= set(attack.kinds), verdict.failed
    assert {finding.kind for finding in verdict.notes} >= set(attack.notes), verdict.notes


def test_the_manifest_is_that_of_the_recipes() -> None:
    assert (FOLDER / "manifest.toml").read_text("utf-8") == manifest()
    listed = tomllib.loads(manifest())["attack"]
    assert [item["name"] for item in listed] == NAMES
    assert {path.name for path in FOLDER.iterdir() if path.is_dir()} == set(NAMES)


@pytest.mark.parametrize("attack", ATTACKS, ids=NAMES)
def test_the_kit_finds_what_was_done_to_each_file_kept(attack: Attack, tmp_path: Path) -> None:
    fits(attack, judged(kept(attack.name), tmp_path))


@pytest.mark.parametrize("attack", ATTACKS, ids=NAMES)
def test_the_recipe_makes_what_it_says(attack: Attack, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    fits(attack, judged(attack.make(tmp_path / "made"), tmp_path))


@pytest.fixture(scope="module")
def said_by_the_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """What the verifier page says of every bundle."""
    files = {attack.name: kept(attack.name) for attack in BUNDLES}
    items = [(found["bundle.json"], trust_of(found)) for found in files.values()]
    folder = tmp_path_factory.mktemp("verifier")
    with chromium() as browser, opened(browser, render_verifier(), folder) as page:
        yield dict(zip(files, verdicts(page, items), strict=True))


@pytest.mark.parametrize("attack", BUNDLES, ids=[attack.name for attack in BUNDLES])
def test_the_page_finds_what_was_done_to_each_file_kept(
    attack: Attack, said_by_the_page: dict[str, dict[str, Any]]
) -> None:
    answer = said_by_the_page[attack.name]
    assert (answer["result"] == "BROKEN") == (attack.verdict == "BROKEN")
    assert {kind for _, kind in answer["failed"]} >= set(attack.kinds)
    assert {kind for _, kind in answer["notes"]} >= set(attack.notes)


@pytest.mark.source
def test_docs_name_every_attack() -> None:
    page = (FOLDER.parents[2] / "docs" / "threats.md").read_text("utf-8")
    assert not [name for name in NAMES if f"`{name}`" not in page and name != "nothing"]
