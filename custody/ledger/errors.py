"""What can go wrong in custody. Exit code and advice live on the class; `cli.main` maps them once."""

from __future__ import annotations


class CustodyError(Exception):
    """Refused or failed: `str()` is one clear line, `advice` says what to do next."""

    exit_code = 1

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


class MalformedError(CustodyError):
    """Bytes that break the ledger format: they are refused, never repaired."""

    exit_code = 3


class IntegrityError(CustodyError):
    """Evidence, ledger or bundle does not verify."""

    exit_code = 3


class KeyLockedError(CustodyError):
    """A private key that is absent or does not open with this passphrase."""


class LedgerBusyError(CustodyError):
    """Another process holds the ledger for longer than we wait."""


class LedgerVersionError(CustodyError):
    """The ledger was written by a newer evikit, or by an older one."""
