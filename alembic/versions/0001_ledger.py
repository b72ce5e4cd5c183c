"""The ledger of format 1: entries, openings, tree, exhibits, checkpoints, and triggers that let them only grow.

A frozen copy: it imports nothing of ours, and is never changed once released. Additive only.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "CREATE TABLE entry (\n"
    "\tidx INTEGER NOT NULL, \n"
    "\tpayload BLOB NOT NULL, \n"
    "\tsig BLOB NOT NULL, \n"
    "\tleaf BLOB NOT NULL, \n"
    "\tPRIMARY KEY (idx)\n)\n STRICT",
    "CREATE TABLE opening (\n\tidx INTEGER NOT NULL, \n\tbody BLOB NOT NULL, \n\tPRIMARY KEY (idx)\n)\n STRICT",
    "CREATE TABLE node (\n"
    "\tlevel INTEGER NOT NULL, \n"
    "\tpos INTEGER NOT NULL, \n"
    "\thash BLOB NOT NULL, \n"
    "\tPRIMARY KEY (level, pos)\n)\n WITHOUT ROWID,\n STRICT",
    "CREATE TABLE chain (\n"
    "\tn INTEGER NOT NULL, \n"
    "\tcount INTEGER NOT NULL, \n"
    "\tlast BLOB NOT NULL, \n"
    "\tidx INTEGER NOT NULL, \n"
    "\tPRIMARY KEY (n)\n)\n STRICT",
    "CREATE TABLE checkpoint (\n\tsize INTEGER NOT NULL, \n\tnote BLOB NOT NULL, \n\tPRIMARY KEY (size)\n)\n STRICT",
)

TRIGGERS = (
    "CREATE TRIGGER entry_in_sequence BEFORE INSERT ON entry"
    " WHEN NEW.idx <> (SELECT coalesce(max(idx), -1) + 1 FROM entry)\n"
    "BEGIN SELECT RAISE(ABORT, 'a ledger only grows at its end'); END",
    "CREATE TRIGGER opening_in_sequence BEFORE INSERT ON opening"
    " WHEN NEW.idx <> (SELECT coalesce(max(idx), -1) + 1 FROM opening)\n"
    "BEGIN SELECT RAISE(ABORT, 'an opening is written once'); END",
    "CREATE TRIGGER opening_only_shrinks BEFORE UPDATE ON opening"
    " WHEN NEW.idx <> OLD.idx OR length(NEW.body) >= length(OLD.body)\n"
    "BEGIN SELECT RAISE(ABORT, 'an opening cannot be changed'); END",
    *(
        f"CREATE TRIGGER {table}_keeps_rows BEFORE DELETE ON {table}\n"
        "BEGIN SELECT RAISE(ABORT, 'a ledger never forgets'); END"
        for table in ("entry", "opening", "node", "chain", "checkpoint")
    ),
    *(
        f"CREATE TRIGGER {table}_never_changes BEFORE UPDATE ON {table}\n"
        "BEGIN SELECT RAISE(ABORT, 'a ledger is never rewritten'); END"
        for table in ("entry", "node", "checkpoint")
    ),
)


def upgrade() -> None:
    for statement in (*TABLES, *TRIGGERS):
        op.execute(statement)
    op.execute("PRAGMA application_id = 1163283284")


def downgrade() -> None:
    raise NotImplementedError("a ledger has no way down")
