"""Alembic, run from code: where the revisions are, and how a database is brought to one.

Revisions only add; none touches signed bytes, and there is no way down. Each is a frozen copy that imports nothing of
ours, so that an old ledger is upgraded the same way for ever.
"""

from __future__ import annotations

from pathlib import Path

import alembic.command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from custody.ledger.errors import CustodyError, LedgerVersionError

_PACKAGE = Path(__file__).resolve().parent.parent


def scripts(package: Path = _PACKAGE) -> Path:
    """The folder of env.py and versions/: beside the package in a source tree, inside it in an installed wheel."""
    for folder in (package / "_migrations", package.parent / "alembic"):
        if (folder / "env.py").is_file():
            return folder
    raise CustodyError("the migrations of the ledger are not installed", "Install evikit again.")


def newest() -> str:
    """The revision that `upgrade` leads to."""
    return str(ScriptDirectory(str(scripts())).get_current_head())


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the database to `revision`, in the transaction that is open on `connection`: all of it or nothing.

    LedgerVersionError for a revision that this evikit does not have.
    """
    config = Config()
    config.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        alembic.command.upgrade(config, revision)
    except CommandError as error:
        raise LedgerVersionError(f"the ledger cannot be upgraded: {error}", "Install a newer evikit.") from error
