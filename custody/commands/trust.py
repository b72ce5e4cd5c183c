"""What a verifier brings, as options of commands: anchors, and a trust file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from custody.ledger.errors import CustodyError

if TYPE_CHECKING:
    from custody.ledger.verdict import Trust
    from custody.timestamp.interval import Trusted

anchor_option = click.option(
    "--anchor", "anchors", multiple=True, metavar="FILE|FINGERPRINT",
    help="A checkpoint you kept, or its fingerprint (64 hex digits). May be given several times.",
)  # fmt: skip
trust_option = click.option(
    "--trust", metavar="FILE", envvar="EVIKIT_TRUST",
    help="Your own trust file: ledger ids, kept heads, time-stamping authorities; else EVIKIT_TRUST.",
)  # fmt: skip


def trust_from(anchors: Sequence[str], trust_file: str | None) -> Trust:
    """The verifier's own trust: a trust file, and kept checkpoints or their fingerprints."""
    from custody.ledger.errors import MalformedError
    from custody.ledger.note import parse_note
    from custody.ledger.verdict import Trust

    try:
        trust = Trust.parse(Path(trust_file).read_bytes()) if trust_file else Trust()
        for anchor in anchors:
            plain = anchor.lower().replace(":", "")
            if len(plain) == 64 and all(c in "0123456789abcdef" for c in plain):
                trust = trust.with_anchor(plain)
            else:
                trust = trust.with_anchor(parse_note(Path(anchor).read_bytes()))
    except OSError as error:
        raise CustodyError(
            f"{error.filename} cannot be read: {error.strerror}", "An anchor is a checkpoint file or 64 hex digits."
        ) from error
    except MalformedError as error:
        raise CustodyError(f"the anchor or trust file is unusable: {error}", "Check which file you named.") from error
    return trust


def trusted_from(trust_file: str | None) -> Trusted:
    """Whose time-stamps the verifier trusts, by the same file, and the time now."""
    from custody.ledger.errors import MalformedError
    from custody.timestamp.interval import Trusted
    from custody.timestamp.token import Authorities

    trust_from((), trust_file)  # what is no trust file at all is told in one way
    try:
        authorities = Authorities.parse(Path(trust_file).read_bytes()) if trust_file else Authorities()
    except MalformedError as error:
        raise CustodyError(f"the trust file is unusable: {error}", "Check which file you named.") from error
    return Trusted(authorities, time.time_ns())
