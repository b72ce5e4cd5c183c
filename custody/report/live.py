"""The part of a page that verifies by itself: one script, the panel it fills, the bundle as data.

The script is the files under `page/` one after the other, and the same in every report and in the verifier page, so
that its fingerprint can be lodged with a court beforehand. Nothing of a record is ever part of it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from importlib import resources

from custody.ledger.bundle import MAX_BUNDLE, MAX_DEPTH
from custody.ledger.entry import decode
from custody.ledger.errors import MalformedError
from custody.report import words, words_live
from custody.report.language import _, spoken
from custody.report.markup import Markup, flatten, tag
from custody.report.parts import paragraph
from custody.report.words_layout import COLUMNS, COUNTED

MODULES = (
    "bytes",
    "json",
    "merkle",
    "signing",
    "note",
    "entry",
    "governance",
    "verify",
    "bundle",
    "claims",
    "view",
)
"""Order of the files: each uses only those before it while it loads."""


@cache
def script() -> str:
    """The whole script."""
    folder = resources.files("custody.report").joinpath("page")
    parts = [folder.joinpath(f"{name}.js").read_text("utf-8") for name in MODULES]
    failure = json.dumps(words.FAILURE, sort_keys=True, indent=1)
    return "\n".join(['"use strict";\n', *parts[:-2], f"const FAILURE = {failure};\n", *parts[-2:]])


def script_sha256() -> str:
    """The script's fingerprint, hex."""
    return hashlib.sha256(script().encode()).hexdigest()


def policy(style: str) -> str:
    """A content security policy: this script and this style, and nothing else from anywhere."""
    own = {"script-src": script(), "style-src": style}
    hashes = (f"{name} '{_source(text)}'" for name, text in own.items())
    return "; ".join(["default-src 'none'", *hashes, "base-uri 'none'", "form-action 'none'"])


def _source(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def data_block(bundle: bytes) -> Markup:
    """The bundle as data in the page; nothing for bytes that are no canonical JSON, which could not be given back.

    `<` becomes an escape that canonical JSON never has, so that the page can undo it exactly and no element can end.
    """
    try:
        decode(bundle.removesuffix(b"\n"), MAX_BUNDLE, MAX_DEPTH)
    except MalformedError:
        return Markup("")
    safe = Markup(bundle.decode().replace("<", "\\u003c"))
    return tag("script", safe, type="application/json", id="bundle")


def script_block() -> Markup:
    """The script, at the end of the body."""
    return tag("script", Markup(script()))


def words_block() -> Markup:
    """The translations of what the script says, as data; nothing in English, which it speaks by itself."""
    if not spoken().translates:
        return Markup("")
    said = {text: _(text) for text in said_by_script()}
    safe = Markup(json.dumps(said, ensure_ascii=False, sort_keys=True, indent=1).replace("<", "\\u003c"))
    return tag("script", safe, type="application/json", id="live-words")


@cache
def said_by_script() -> tuple[str, ...]:
    """Every text that the script asks a translation of."""
    return tuple(dict.fromkeys((*re.findall(r'\b_\("([^"]+)"', script()), *words.FAILURE.values(), *COUNTED.values())))


def panel(level: str = "h3") -> Markup:
    """Where the script shows what it finds. Hidden until it runs."""
    return tag(
        "div",
        tag(level, _(words_live.LIVE_TITLE), id="live-heading"),
        _result(),
        _trust(),
        id="live",
        hidden="hidden",
        role="region",
        aria_labelledby="live-heading",
    )


def _result() -> Markup:
    head = tag("tr", (tag("th", _(name), scope="col", role="columnheader") for name in COLUMNS["claims"]), role="row")
    claims = tag(
        "table",
        tag("caption", _("What this page checked by itself")),
        tag("thead", head, role="rowgroup"),
        tag("tbody", id="live-claims", role="rowgroup"),
        role="table",
        class_="claims",
    )
    return flatten(
        [
            tag("p", id="live-status", role="status", class_="hint"),
            tag("progress", id="live-progress", max="1", value="0", hidden="hidden", aria_label=_("Verification")),
            tag(
                "div",
                tag("p", _(words_live.LIVE_OTHER), id="live-other", hidden="hidden", class_="correction"),
                tag("div", id="live-verdict"),
                claims,
                tag("div", id="live-notes"),
                tag("dl", id="live-facts"),
                tag("details", tag("summary", _(words_live.LIVE_ENTRIES)), tag("div", id="live-entries")),
                id="live-result",
                hidden="hidden",
            ),
        ]
    )


def _trust() -> Markup:
    """What the reader brings: a form that is sent nowhere."""
    return tag(
        "form",
        tag("p", tag("strong", _(words_live.LIVE_BRING))),
        tag("p", tag("label", _(words_live.LIVE_ANCHOR), for_="live-anchor")),
        tag(
            "input",
            id="live-anchor",
            type="text",
            autocomplete="off",
            spellcheck="false",
            aria_describedby="live-complaint",
        ),
        tag("p", tag("label", _(words_live.LIVE_FILES), for_="live-files")),
        tag("input", id="live-files", type="file", multiple="multiple"),
        tag("ul", id="live-held", aria_label=_("Files in use")),
        tag("p", id="live-complaint", role="alert", class_="mark bad"),
        tag(
            "p",
            tag("button", _("Verify"), type="submit"),
            " ",
            tag("button", _("Forget what I brought"), type="button", id="live-forget"),
            " ",
            tag("button", _("Save this page's bundle"), type="button", id="live-save", hidden="hidden"),
        ),
        id="live-trust",
    )


def lodging() -> Markup:
    """How to make such a page worth something: fingerprints that are lodged before."""
    return flatten(
        [
            *(paragraph(_(text)) for text in words_live.LODGE),
            tag(
                "dl",
                tag(
                    "div",
                    tag("dt", _("SHA-256 of the script in this page")),
                    tag("dd", tag("code", script_sha256(), id="script-sha256")),
                ),
            ),
        ]
    )
