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


WHY = "USING ERRCODE = 'integrity_constraint_violation'"
POSTGRESQL = (
    "CREATE TABLE entry (idx bigint NOT NULL, payload bytea NOT NULL, sig bytea NOT NULL, leaf bytea NOT NULL,"
    " CONSTRAINT entry_pkey PRIMARY KEY (idx))",
    "CREATE TABLE opening (idx bigint NOT NULL, body bytea NOT NULL, CONSTRAINT opening_pkey PRIMARY KEY (idx))",
    "CREATE TABLE node (level bigint NOT NULL, pos bigint NOT NULL, hash bytea NOT NULL,"
    " CONSTRAINT node_pkey PRIMARY KEY (level, pos))",
    "CREATE TABLE chain (n bigint NOT NULL, count bigint NOT NULL, last bytea NOT NULL, idx bigint NOT NULL,"
    " CONSTRAINT chain_pkey PRIMARY KEY (n, count), CONSTRAINT chain_idx_key UNIQUE (idx))",
    "CREATE TABLE checkpoint (size bigint NOT NULL, note bytea NOT NULL,"
    " CONSTRAINT checkpoint_pkey PRIMARY KEY (size))",
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT"
    f" AS $$BEGIN RAISE EXCEPTION '%', TG_ARGV[0] {WHY}; END$$",
    *(
        f"CREATE FUNCTION {table}_in_sequence() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT"
        f" AS $$BEGIN IF NEW.idx <> (SELECT coalesce(max(idx), -1) + 1 FROM {table})"
        f" THEN RAISE EXCEPTION '{said}' {WHY}; END IF; RETURN NEW; END$$"
        for table, said in (("entry", "a ledger only grows at its end"), ("opening", "an opening is written once"))
    ),
    *(
        f"CREATE TRIGGER {table}_in_sequence BEFORE INSERT ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION {table}_in_sequence()"
        for table in ("entry", "opening")
    ),
    "CREATE TRIGGER opening_only_shrinks BEFORE UPDATE ON opening FOR EACH ROW"
    " WHEN (new.idx <> old.idx OR octet_length(new.body) >= octet_length(old.body))"
    " EXECUTE FUNCTION refuse('an opening cannot be changed')",
    *(
        f"CREATE TRIGGER {table}_keeps_rows BEFORE DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT"
        " EXECUTE FUNCTION refuse('a ledger never forgets')"
        for table in ("entry", "opening", "node", "chain", "checkpoint")
    ),
    *(
        f"CREATE TRIGGER {table}_never_changes BEFORE UPDATE ON {table} FOR EACH STATEMENT"
        " EXECUTE FUNCTION refuse('a ledger is never rewritten')"
        for table in ("entry", "node", "chain", "checkpoint")
    ),
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for statement in POSTGRESQL:
            op.execute(statement)
        return
    for statement in (*TABLES, *TRIGGERS):
        op.execute(statement)
    op.execute("PRAGMA application_id = 1163283284")


def downgrade() -> None:
    raise NotImplementedError("a ledger has no way down")
