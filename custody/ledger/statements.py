"""The SQL statements of a ledger's store, each written once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect, Insert, LargeBinary, Update, bindparam, func, insert, select, update
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from custody.ledger import schema

BLOCK = 500
"""How many entries are read at once."""

STORED_ROWS = (
    select(schema.entry.c.idx, schema.entry.c.payload, schema.entry.c.sig, schema.entry.c.leaf, schema.opening.c.body)
    .select_from(schema.entry.outerjoin(schema.opening, schema.entry.c.idx == schema.opening.c.idx))
    .order_by(schema.entry.c.idx)
)


class EntryType(FunctionElement[bytes]):
    """The type of an entry: what `entry_by_type` is over."""

    type, inherit_cache = LargeBinary(), True
    sqlite, function = schema.TYPE, "entry_type(payload)"


class EntrySequence(FunctionElement[bytes]):
    """The sequence of an entry (`x.n`): what `entry_by_sequence` is over."""

    type, inherit_cache = LargeBinary(), True
    sqlite, function = schema.SEQUENCE, "entry_sequence(payload)"


@compiles(EntryType)
@compiles(EntrySequence)
def _look_up(element: EntryType | EntrySequence, compiler: SQLCompiler, **_: Any) -> str:
    return element.sqlite if compiler.dialect.name == "sqlite" else element.function


class Prepared:
    """A statement of SQLAlchemy's, compiled once for each dialect: it would cost as much as a signature every time."""

    def __init__(self, statement: Insert | Update, postgresql: Insert | None = None) -> None:
        """`postgresql`: another statement there, with the same names."""
        self._statements = {"sqlite": statement, "postgresql": statement if postgresql is None else postgresql}
        self._compiled: dict[str, tuple[str, Sequence[str] | None]] = {}

    def bound(self, dialect: Dialect, values: Mapping[str, object]) -> tuple[str, Any]:
        """SQL and parameters, as the dialect's driver takes them."""
        if dialect.name not in self._compiled:
            compiled = self._statements[dialect.name].compile(dialect=dialect)
            self._compiled[dialect.name] = str(compiled), compiled.positiontup
        text, order = self._compiled[dialect.name]
        return text, values if order is None else tuple(values[name] for name in order)


Change = tuple[Prepared, Mapping[str, object]]
"""A statement and its values."""

SINCE = select(schema.entry.c.leaf).where(schema.entry.c.idx >= bindparam("b_size")).order_by(schema.entry.c.idx)
CHAINS_SINCE = (
    select(schema.chain)
    .where(schema.chain.c.idx >= bindparam("b_size"))
    .order_by(schema.chain.c.n, schema.chain.c.count)
)
LAST = select(func.max(schema.entry.c.idx))
ADD_CHECKPOINT = Prepared(insert(schema.checkpoint))
ADD_ENTRY, ADD_OPENING = Prepared(insert(schema.entry)), Prepared(insert(schema.opening))
ADD_NODE, ADD_CHAIN = Prepared(insert(schema.node)), Prepared(insert(schema.chain))
SET_CHAIN = Prepared(
    update(schema.chain)
    .where(schema.chain.c.n == bindparam("b_n"))
    .values(count=bindparam("b_count"), last=bindparam("b_last"), idx=bindparam("b_idx")),
    postgresql=insert(schema.chain).values(
        n=bindparam("b_n"), count=bindparam("b_count"), last=bindparam("b_last"), idx=bindparam("b_idx")
    ),
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
ROWS_OF_TYPE = STORED_ROWS.where(EntryType() == bindparam("b_type"))
ROWS_IN_SEQUENCE = STORED_ROWS.where(
    EntrySequence() == bindparam("b_n"),
    schema.entry.c.idx >= bindparam("b_start"),
    schema.entry.c.idx < bindparam("b_stop"),
).limit(BLOCK)
