"""Who signs a document, as options of commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from custody.ledger.errors import CustodyError, KeyLockedError

if TYPE_CHECKING:
    from custody.case import Case
    from custody.ledger.entry import Json
    from custody.report.paper.signature import Signatory, Stamping
    from custody.timestamp.interval import Trusted


@dataclass(frozen=True)
class Signature:
    """A signatory whose key is open, ready to sign one document."""

    signatory: Signatory
    stamping: Stamping | None

    def over(self, pdf: bytes, reason: str) -> tuple[bytes, dict[str, Json]]:
        """The signed PDF, and what the record keeps of the certificate."""
        from custody.report.paper.signature import sign

        return sign(pdf, self.signatory, reason=reason, stamping=self.stamping), {
            "signature": self.signatory.described()
        }

    def root(self) -> bytes:
        """The certificate, in PEM, that the other side holds the signature against."""
        from custody.report.paper.signature import pem

        return pem(self.signatory.root)


@dataclass(frozen=True)
class Signing:
    """How to sign, before any key is opened. `file`: a PKCS#12 file, None: the case's own authority."""

    file: Path | None
    stamping: Stamping | None

    def ready(self, case: Case, ask: Callable[[], str]) -> Signature:
        """Open the key. KeyLockedError where the passphrase does not."""
        from custody.report.paper.signature import Authority, from_pkcs12

        if self.file is not None:
            try:
                data = self.file.read_bytes()
            except OSError as error:
                raise CustodyError(f"{self.file} cannot be read: {error.strerror}", "Check the path.") from error
            return Signature(from_pkcs12(data, _pkcs12_passphrase(self.file)), self.stamping)
        facts = case.facts
        authority = Authority(
            case.home.path, case.ledger.id.hex(), str(facts.get("number", "")), str(facts.get("agency", ""))
        )
        assert case.person is not None, "the case is open to write"  # noqa: S101
        return Signature(authority.signatory(case.person.name, ask()), self.stamping)


def signing_from(options: Mapping[str, Any], trusted: Trusted) -> Signing | None:
    """What --sign, --sign-with and --timestamp ask for; None: nothing is signed."""
    if not options["sign"] and options["sign_with"] is None:
        if options["timestamp"]:
            raise click.UsageError("--timestamp stamps a signature: give --sign or --sign-with, too")
        return None
    if options["sign"] and options["sign_with"] is not None:
        raise click.UsageError("--sign is by the case's own authority, --sign-with by another certificate: choose one")
    file = Path(options["sign_with"]) if options["sign_with"] is not None else None
    return Signing(file, _stamping(options["timestamp"], trusted))


def _stamping(url: str | None, trusted: Trusted) -> Stamping | None:
    from custody.report.paper.signature import Stamping, der

    if url is None:
        return None
    roots = tuple(map(der, trusted.authorities.certificates))
    if not roots:
        raise CustodyError(
            "no certificate says whose time-stamp would count", "Name the authority's root certificate in --trust FILE."
        )
    return Stamping(url, roots)


def _pkcs12_passphrase(file: Path) -> str:
    """From EVIKIT_PKCS12_PASSPHRASE, EVIKIT_PKCS12_PASSPHRASE_FILE or a prompt; it leaves the environment when read."""
    given = os.environ.pop("EVIKIT_PKCS12_PASSPHRASE", None)
    if given is None and (name := os.environ.pop("EVIKIT_PKCS12_PASSPHRASE_FILE", None)):
        try:
            given = Path(name).read_text("utf-8").removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise KeyLockedError(f"the passphrase file {name} cannot be read: {error}", "Check the path.") from error
    if given is None and not sys.stdin.isatty():
        raise KeyLockedError(
            f"a passphrase is needed for {file} and there is no terminal to ask on",
            "Set EVIKIT_PKCS12_PASSPHRASE or EVIKIT_PKCS12_PASSPHRASE_FILE.",
        )
    return str(click.prompt(f"Passphrase of {file.name}", hide_input=True, err=True)) if given is None else given
