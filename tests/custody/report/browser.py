"""Debian's Chromium, and pages of ours in it, opened from files as their readers open them.

with chromium() as browser, opened(browser, render_verifier(), tmp_path) as page:
    page.click("text=Verify")
"""

from __future__ import annotations

import base64
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from custody.ledger.verdict import Finding, Trust, Verdict

VERIFY = """async (items) => {
  const answers = [];
  for (const [data, trust] of items) {
    const verdict = await verifyBundle(unb64(data), { ...NO_TRUST, ...trust, heads: trust.heads.map(parseKeptHead) });
    const found = (list) => list.map(({ index, kind }) => [index === null ? null : Number(index), kind]);
    answers.push({
      result: verdict.result, failed: found(verdict.failed), notes: found(verdict.notes), anchored: verdict.anchored,
      claims: claimsOf(verdict).map(({ state }) => state),
    });
  }
  return answers;
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window; where there is none the test is skipped, or fails if EVIKIT_NO_SKIP is 1."""
    program = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
    )
    if not program and os.environ.get("EVIKIT_NO_SKIP") == "1":
        pytest.fail("Chromium is not installed, and EVIKIT_NO_SKIP is 1")
    if not program:
        pytest.skip("Chromium is not installed (on Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, data: bytes, folder: Path, **settings: Any) -> Iterator[Page]:
    """A page opened from a file, its own verification finished; in the end nothing may have gone wrong in it."""
    file = folder / "page.html"
    file.write_bytes(data)
    page = browser.new_page(**settings)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"its script failed: {error}"))
    page.on("console", lambda said: wrong.append(f"it complains: {said.text}"))
    page.on("dialog", lambda said: wrong.append(f"it runs what is not its script: {said.message}"))
    page.on("request", lambda asked: None if asked.url == file.as_uri() else wrong.append(f"it loads {asked.url}"))
    page.goto(file.as_uri())
    if settings.get("java_script_enabled", True):
        settled(page)
    yield page
    page.close()
    assert wrong == []


def settled(page: Page) -> None:
    """Until the verification that runs has said what it found."""
    expect(page.locator("#live-status")).to_have_text(re.compile("^(?!Verifying)."))


def verdicts(page: Page, items: Sequence[tuple[bytes, Trust]]) -> list[dict[str, Any]]:
    """What the page's own `verifyBundle` says of each bundle, as `summary` puts the kit's verdict."""
    asked = [[base64.b64encode(data).decode(), _plain(trust)] for data, trust in items]
    return [_sorted(answer) for answer in page.evaluate(VERIFY, asked)]


def _plain(trust: Trust) -> Mapping[str, Any]:
    from custody.ledger.entry import b64

    def text(note: Any) -> str:
        lines = (f"— {line.name} {b64(line.key_id + line.signature)}\n" for line in note.signatures)
        return f"{note.checkpoint.body.decode()}\n{''.join(lines)}"

    return {
        "ledgers": [ledger.hex() for ledger in trust.ledgers],
        "heads": [text(head) for head in trust.heads],
        "fingerprints": sorted(trust.fingerprints),
        "unused": list(trust.unused),
    }


def _sorted(answer: dict[str, Any]) -> dict[str, Any]:
    for name in ("failed", "notes"):
        answer[name] = sorted({(index, kind) for index, kind in answer[name]}, key=str)
    return answer


def summary(verdict: Verdict) -> dict[str, Any]:
    """The kit's verdict as far as two verifiers must agree (R35)."""

    def found(findings: Sequence[Finding]) -> list[tuple[int | None, str]]:
        return sorted({(finding.index, finding.kind) for finding in findings}, key=str)

    return {"failed": found(verdict.failed), "notes": found(verdict.notes), "anchored": verdict.anchored}
