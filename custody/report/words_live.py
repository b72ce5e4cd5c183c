"""What a page that verifies by itself says, but for the words that stand in its script."""

from __future__ import annotations

from typing import Final

LIVE_TITLE = "This page verifies the bundle by itself"
LIVE_OFF = (
    "With JavaScript switched on, this page verifies its bundle here, in the browser, without any network. Everything "
    "else in it can be read without."
)
LIVE_OTHER = "You are verifying another bundle than the one in this page. The text of this report is not about it."
LIVE_BRING = "Hold it against what you have from elsewhere"
LIVE_ANCHOR = "Fingerprint that reached you by another way (64 characters; several with spaces between)"
LIVE_FILES = "Checkpoint, fingerprint or trust file you kept, or another bundle (choose it, or drop it on this page)"
LODGE_TITLE = "Why a page proves nothing by itself, and what to lodge with the court"
VERIFIER_TITLE = "Verifier of evikit bundles"
VERIFIER = (
    "This page verifies the bundle that you choose, here in your browser. It needs no network and sends nothing. It "
    "holds no case."
)
VERIFIER_OFF = "JavaScript is switched off. This page can verify nothing without it; verify.py or evikit can."
LODGE: Final = (
    "A page that the laboratory hands over proves nothing by itself: whoever made it could have made a page that says "
    "anything. Two things, lodged with the court before there is a dispute, change that: the empty verifier page "
    "(evikit bundle page) or its SHA-256, and the fingerprint of each record while it grows.",
    "Later take the verifier page from the court's file, or check that the copy you have has the SHA-256 lodged; open "
    "it, choose the bundle, and type the fingerprint lodged. Its script is the same, byte for byte, as the one here. A "
    "fingerprint read from the page that it is to prove, this one included, proves nothing.",
)
VERIFIER_LIMITS = "What no verification can say"
LIVE_ENTRIES = "What the bundle shows, entry by entry"
