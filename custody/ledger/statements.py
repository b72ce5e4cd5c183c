"""The SQL statements of a ledger's store, each written once."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, Insert, Update, bindparam, func, insert, literal_column, select, update
from sqlalchemy.dialects import sqlite

from custody.ledger import schema

BLOCK = 500
"""How many entries are read at once."""

STORED_ROWS = (
    select(schema.entry.c.idx, schema.entry.c.payload, schema.entry.c.sig, schema.entry.c.leaf, schema.opening.c.body)
    .select_from(schema.entry.outerjoin(schema.opening, schema.entry.c.idx == schema.opening.c.idx))
    .order_by(schema.entry.c.idx)
)


class Prepared:
    """A statement of SQLAlchemy's, compiled once: an append runs five, and each would cost as much as a signature."""

    def __init__(self, statement: Insert | Update) -> None:
        compiled = statement.compile(dialect=sqlite.dialect())
        self._sql, self._order = str(compiled), tuple(compiled.positiontup or ())

    def run(self, connection: Connection, values: Mapping[str, object]) -> None:
        connection.exec_driver_sql(self._sql, tuple(values[name] for name in self._order))


LAST = select(func.max(schema.entry.c.idx))
ADD_CHECKPOINT = insert(schema.checkpoint)
ADD_ENTRY, ADD_OPENING = Prepared(insert(schema.entry)), Prepared(insert(schema.opening))
ADD_NODE, ADD_CHAIN = Prepared(insert(schema.node)), Prepared(insert(schema.chain))
SET_CHAIN = Prepared(
    update(schema.chain)
    .where(schema.chain.c.n == bindparam("b_n"))
    .values(count=bindparam("b_count"), last=bindparam("b_last"), idx=bindparam("b_idx"))
)
SHRINK_OPENING = Prepared(
    update(schema.opening).where(schema.opening.c.idx == bindparam("b_idx")).values(body=bindparam("b_body"))
)
NODE = select(schema.node.c.hash).where(
    schema.node.c.level == bindparam("b_level"), schema.node.c.pos == bindparam("b_pos")
)
NEWEST_NOTE = select(schema.checkpoint.c.note).order_by(schema.checkpoint.c.size.desc()).limit(1)
NOTE_AT = select(schema.checkpoint.c.note).where(schema.checkpoint.c.size == bindparam("b_size"))
CLOSED_SIZES = select(schema.checkpoint.c.size).order_by(schema.checkpoint.c.size)
ROWS_OF_TYPE = STORED_ROWS.where(literal_column(schema.TYPE) == bindparam("b_type"))
ROWS_IN_SEQUENCE = STORED_ROWS.where(
    literal_column(schema.SEQUENCE) == bindparam("b_n"),
    schema.entry.c.idx >= bindparam("b_start"),
    schema.entry.c.idx < bindparam("b_stop"),
).limit(BLOCK)
