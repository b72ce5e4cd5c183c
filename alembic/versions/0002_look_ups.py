"""Entries are found by their type and by their sequence: indexes over the payloads themselves, so no second truth.

A frozen copy: it imports nothing of ours, and is never changed once released. Additive only.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

END = "substr(payload, CASE substr(payload, -5) WHEN x'6e756c6c7d' THEN -120 ELSE -162 END)"


def between(begin: str, end: str) -> str:
    start, stop = (f"instr({END}, x'{mark.encode().hex()}')" for mark in (begin, end))
    return f"substr({END}, nullif({start}, 0) + {len(begin)}, {stop} - {start} - {len(begin)})"


TYPE = between('"type":"', '","v":"')
SEQUENCE = between('"x":{"n":"', '","prev":')
INDEXES = (
    f"CREATE INDEX entry_by_type ON entry ({TYPE})",
    f"CREATE INDEX entry_by_sequence ON entry ({SEQUENCE})",
)


# PostgreSQL: the same, as functions, for its substr and position count otherwise
POSTGRESQL_END = (
    "substr(payload, octet_length(payload) + 1"
    r" - CASE WHEN substr(payload, octet_length(payload) - 4) = '\x6e756c6c7d'::bytea THEN 120 ELSE 162 END)"
)


def function(name: str, begin: str, end: str) -> str:
    start, stop = (rf"position('\x{mark.encode().hex()}'::bytea in tail)" for mark in (begin, end))
    size = len(begin)
    return (
        f"CREATE FUNCTION {name}(payload bytea) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS $$SELECT substr(tail,"
        f" nullif({start}, 0) + {size}, greatest({stop} - {start} - {size}, 0))"
        f" FROM (SELECT {POSTGRESQL_END} AS tail) AS ends$$"
    )


POSTGRESQL = (
    function("entry_type", '"type":"', '","v":"'),
    function("entry_sequence", '"x":{"n":"', '","prev":'),
    "CREATE INDEX entry_by_type ON entry USING btree (entry_type(payload))",
    "CREATE INDEX entry_by_sequence ON entry USING btree (entry_sequence(payload))",
)


def upgrade() -> None:
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else INDEXES:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("a ledger has no way down")
