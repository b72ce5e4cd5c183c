"""What a verifier brings, as options of commands: anchors, and a trust file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from custody.ledger.errors import CustodyError

if TYPE_CHECKING:
    from custody.ledger.note import Note
    from custody.ledger.verdict import Trust
    from custody.timestamp.interval import Trusted
    from custody.witness import Witnesses

anchor_option = click.option(
    "--anchor", "anchors", multiple=True, metavar="FILE|FINGERPRINT",
    help="A checkpoint you kept, or its fingerprint (64 hex digits). May be given several times.",
)  # fmt: skip
trust_option = click.option(
    "--trust", metavar="FILE", envvar="EVIKIT_TRUST",
    help="Your own trust file: ledger ids, kept heads, time-stamping authorities; else EVIKIT_TRUST.",
)  # fmt: skip

cosigned_option = click.option(
    "--cosigned", "cosigned", multiple=True, metavar="FILE",
    help="A checkpoint that the witnesses of your trust file signed: it anchors as one that you kept.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """Everything that a verifier brings to one verification, as typed."""

    anchors: Sequence[str] = ()
    trust: str | None = None
    cosigned: Sequence[str] = ()

    def read(self) -> tuple[Trust, list[str]]:
        """The trust, with the heads that witnesses vouch for, and what those say."""
        from custody.ledger.note import parse_note

        held, said = trust_from(self.anchors, self.trust), list[str]()
        for name in self.cosigned:
            note = _read(name)
            signers = _witnesses(self.trust).signed(note)
            head = parse_note(note)
            held = replace(held.with_anchor(head), unused=())
            said.append(f"the head of {head.checkpoint.size} entries is signed by your witnesses: {', '.join(signers)}")
        return held, said


def _witnesses(trust_file: str | None) -> Witnesses:
    from custody.ledger.errors import MalformedError
    from custody.witness import Witnesses

    try:
        found = Witnesses.parse(_read(trust_file)) if trust_file else Witnesses((), 1)
    except MalformedError as error:
        raise CustodyError(f"the trust file is unusable: {error}", "Check which file you named.") from error
    if not found.keys:
        raise CustodyError("--cosigned needs a trust file that names witnesses", 'Write {"witnesses": ["NAME+KEY"]}.')
    return found


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise CustodyError(f"{name} cannot be read: {error.strerror}", "Check the path.") from error


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


def kept_note(path: Path) -> Note:
    """The checkpoint in a file."""
    from custody.ledger.errors import MalformedError
    from custody.ledger.note import parse_note

    try:
        return parse_note(path.read_bytes())
    except OSError as error:
        raise CustodyError(f"{path} cannot be read: {error.strerror}", "Check the path.") from error
    except MalformedError as error:
        raise CustodyError(f"{path} is no checkpoint: {error}", "Check which file you named.") from error


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
