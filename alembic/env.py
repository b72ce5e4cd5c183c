"""Run by Alembic for every command: migrates the one connection that the caller hands over.

It imports nothing of ours, for it runs from the source tree and from the wheel, where it travels as
custody/_migrations. There is no offline mode: a ledger is upgraded where it can be verified before and after.
"""

from __future__ import annotations

from alembic import context
from alembic.util.exc import CommandError
from sqlalchemy import Connection

connection = context.config.attributes.get("connection")
if not isinstance(connection, Connection) or context.is_offline_mode():
    raise CommandError("a ledger is upgraded by `evikit ledger upgrade`, not by the alembic program")

context.configure(connection=connection, transactional_ddl=True)  # SQLite can: all of an upgrade or nothing
with context.begin_transaction():
    context.run_migrations()
