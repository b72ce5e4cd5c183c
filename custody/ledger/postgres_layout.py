"""What stands in a PostgreSQL schema that holds a ledger: tables, triggers, indexes, and what a role may do there.

The same tables as in SQLite (`schema`), and the same refusals. Everything is written as the server itself writes it
down, so that what it says of a schema can be compared with what was made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from custody.ledger import schema
from custody.ledger.errors import CustodyError

TABLES = ("entry", "opening", "node", "chain", "checkpoint")

_KEEPING = "RAISE EXCEPTION '%s' USING ERRCODE = 'integrity_constraint_violation'"


def _in_sequence(table: str, why: str) -> str:
    wrong = f"NEW.idx <> (SELECT coalesce(max(idx), -1) + 1 FROM {table})"  # noqa: S608 - tables of ours
    return f"BEGIN IF {wrong} THEN {_KEEPING % why}; END IF; RETURN NEW; END"


def _between(begin: str, end: str) -> str:
    """As `schema._between`: what stands between two marks near the end of a payload, NULL without the first."""
    none = r"substr(payload, octet_length(payload) - 4) = '\x6e756c6c7d'::bytea"
    tail = f"substr(payload, octet_length(payload) + 1 - CASE WHEN {none} THEN 120 ELSE 162 END)"
    start, stop = (rf"position('\x{mark.encode().hex()}'::bytea in tail)" for mark in (begin, end))
    length = f"greatest({stop} - {start} - {len(begin)}, 0)"
    cut = f"substr(tail, nullif({start}, 0) + {len(begin)}, {length})"
    return f"SELECT {cut} FROM (SELECT {tail} AS tail) AS ends"  # noqa: S608 - marks of ours


_TABLES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "entry": (
        "idx bigint NOT NULL, payload bytea NOT NULL, sig bytea NOT NULL, leaf bytea NOT NULL",
        {"entry_pkey": "PRIMARY KEY (idx)"},
    ),
    "opening": ("idx bigint NOT NULL, body bytea NOT NULL", {"opening_pkey": "PRIMARY KEY (idx)"}),
    "node": (
        "level bigint NOT NULL, pos bigint NOT NULL, hash bytea NOT NULL",
        {"node_pkey": "PRIMARY KEY (level, pos)"},
    ),
    "chain": (  # it only grows, unlike in SQLite: of an n the row with the greatest count holds
        "n bigint NOT NULL, count bigint NOT NULL, last bytea NOT NULL, idx bigint NOT NULL",
        {"chain_pkey": "PRIMARY KEY (n, count)", "chain_idx_key": "UNIQUE (idx)"},
    ),
    "checkpoint": ("size bigint NOT NULL, note bytea NOT NULL", {"checkpoint_pkey": "PRIMARY KEY (size)"}),
    "alembic_version": (
        "version_num character varying(32) NOT NULL",
        {"alembic_version_pkc": "PRIMARY KEY (version_num)"},
    ),
}
_TRIGGER_FUNCTIONS: Mapping[str, str] = {
    "refuse": "BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation'; END",
    "entry_in_sequence": _in_sequence("entry", "a ledger only grows at its end"),
    "opening_in_sequence": _in_sequence("opening", "an opening is written once"),
}
_LOOK_UPS: Mapping[str, str] = {
    "entry_type": _between('"type":"', '","v":"'),
    "entry_sequence": _between('"x":{"n":"', '","prev":'),
}


def _trigger(name: str, when: str, each: str, function: str) -> tuple[str, str]:
    """A trigger by its name, written as the server itself writes it."""
    return name, f"CREATE TRIGGER {name} BEFORE {when} FOR EACH {each} EXECUTE FUNCTION {function}"


_TRIGGERS: Mapping[str, str] = dict(
    (
        *(
            _trigger(f"{table}_in_sequence", f"INSERT ON {table}", "ROW", f"{table}_in_sequence()")
            for table in ("entry", "opening")
        ),
        _trigger(  # an approved erasure takes fields away; nothing ever adds or changes one
            "opening_only_shrinks",
            "UPDATE ON opening",
            "ROW WHEN (new.idx <> old.idx OR octet_length(new.body) >= octet_length(old.body))",
            "refuse('an opening cannot be changed')",
        ),
        *(
            _trigger(
                f"{table}_keeps_rows", f"DELETE OR TRUNCATE ON {table}", "STATEMENT", "refuse('a ledger never forgets')"
            )
            for table in TABLES
        ),
        *(
            _trigger(
                f"{table}_never_changes", f"UPDATE ON {table}", "STATEMENT", "refuse('a ledger is never rewritten')"
            )
            for table in ("entry", "node", "chain", "checkpoint")
        ),
    )
)
_INDEXES: Mapping[str, str] = {
    "entry_by_type": "CREATE INDEX entry_by_type ON entry USING btree (entry_type(payload))",
    "entry_by_sequence": "CREATE INDEX entry_by_sequence ON entry USING btree (entry_sequence(payload))",
}
DESCRIBE = """
SELECT 'table ' || relname, concat_ws(' ', relkind, relpersistence, relrowsecurity, relispartition, relhassubclass)
    || ': ' || (SELECT string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod),
        CASE WHEN attnotnull THEN 'NOT NULL' END, CASE WHEN atthasdef THEN 'DEFAULT' END), ', ' ORDER BY attnum)
        FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)
FROM pg_class AS c WHERE relnamespace = %(here)s::regnamespace AND relkind NOT IN ('i', 'c')
UNION ALL SELECT 'key ' || conname, pg_get_constraintdef(oid, true) || CASE WHEN convalidated THEN '' ELSE ' ?' END
FROM pg_constraint WHERE connamespace = %(here)s::regnamespace AND contype <> 'n'
UNION ALL SELECT 'index ' || relname, pg_get_indexdef(i.indexrelid, 0, true)
    || CASE WHEN indisvalid AND indisready AND indislive THEN '' ELSE ' (not in use)' END
FROM pg_index AS i JOIN pg_class AS c ON c.oid = indexrelid
WHERE relnamespace = %(here)s::regnamespace AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
UNION ALL SELECT 'trigger ' || tgname, pg_get_triggerdef(t.oid, true)
    || CASE WHEN tgenabled = 'O' THEN '' ELSE ' (off)' END
FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = tgrelid
WHERE relnamespace = %(here)s::regnamespace AND NOT tgisinternal
UNION ALL SELECT 'function ' || proname, concat_ws(' ', pg_get_function_arguments(p.oid), lanname, prokind, provolatile,
    proisstrict, prosecdef, proconfig, prosrc)
FROM pg_proc AS p JOIN pg_language AS l ON l.oid = prolang WHERE pronamespace = %(here)s::regnamespace
UNION ALL SELECT 'rule ' || rulename, pg_get_ruledef(r.oid)
FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = ev_class WHERE relnamespace = %(here)s::regnamespace
"""


def definition() -> Iterator[str]:
    """The SQL that makes the tables, functions, triggers and indexes of `REVISION` in the current schema."""
    for table, (columns, keys) in _TABLES.items():
        named = (f", CONSTRAINT {name} {key}" for name, key in keys.items())
        yield f"CREATE TABLE {table} ({columns}{''.join(named)})"
    for name, body in _TRIGGER_FUNCTIONS.items():
        yield f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $${body}$$"
    for name, body in _LOOK_UPS.items():
        yield f"CREATE FUNCTION {name}(payload bytea) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS $${body}$$"
    yield from (*_TRIGGERS.values(), *_INDEXES.values())
    yield f"INSERT INTO alembic_version VALUES ('{schema.REVISION}')"  # noqa: S608 - a number of ours


def expected(name: str, revision: str) -> Mapping[str, str]:
    """What `_DESCRIBE` answers for the schema `name` of this revision that nobody has touched."""
    indexes, look_ups = (_INDEXES, _LOOK_UPS) if revision > schema.FIRST_REVISION else ({}, {})
    made = {f"table {table}": f"r p f f f: {columns}" for table, (columns, _) in _TABLES.items()}
    made |= {f"key {key}": text for _, keys in _TABLES.values() for key, text in keys.items()}
    made |= {f"trigger {trigger}": text for trigger, text in _TRIGGERS.items()}
    made |= {f"index {index}": text for index, text in indexes.items()}
    config = f'{{"search_path={name}, pg_temp"}}'
    made |= {f"function {f}": f" plpgsql f v f f {config} {body}" for f, body in _TRIGGER_FUNCTIONS.items()}
    return made | {f"function {f}": f"payload bytea sql f i t f {body}" for f, body in look_ups.items()}


def grants(name: str, role: str) -> Iterator[str]:
    """The SQL that lets `role` read the ledger in schema `name` and add to it, and nothing else."""
    who = '"' + role.replace('"', '""') + '"'
    yield f"GRANT USAGE ON SCHEMA {name} TO {who}"
    yield f"GRANT SELECT, INSERT ON {', '.join(f'{name}.{table}' for table in TABLES)} TO {who}"
    yield f"GRANT SELECT ON {name}.alembic_version TO {who}"


def script(name: str, roles: Sequence[str]) -> Iterator[str]:
    """The SQL with which an administrator prepares a ledger in the new schema `name` for these roles."""
    validate_name(name)
    yield "BEGIN"
    yield f"CREATE SCHEMA {name}"
    yield f"SET LOCAL search_path TO {name}, pg_temp"
    yield from definition()
    for role in roles:
        yield from grants(name, role)
    yield "COMMIT"


def validate_name(name: str) -> None:
    """Refuse what is not a plain name of a schema."""
    if not re.fullmatch("[a-z][a-z0-9_]{0,47}", name) or name.startswith("pg_"):
        raise CustodyError(
            f"{name!r} is no name for a ledger's schema", "Use lower-case letters, digits and _; a letter first."
        )
