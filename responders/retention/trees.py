"""Rows with all that hangs on them, along the foreign keys: a case file, a meeting.

What cannot stand without its row goes with it; where a row may stand alone, its reference is emptied.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ForeignKey, Table, bindparam, delete, select, update
from sqlmodel import Session

from collector.records import Record


def delete_tree(
    session: Session, table: str, ids: Sequence[UUID], *, spared: Sequence[str] = ()
) -> dict[str, int]:
    """Delete these rows and everything that needs them. Returns how many by table. The caller commits.

    Rows of `spared` tables stay; their references must be ones that may be empty.
    """
    root = Record.metadata.tables[table]
    counts: dict[str, int] = {}
    _clear(
        session, root, root.c.id.in_(bindparam("ids", expanding=True)), list(ids), counts, frozenset(spared)
    )
    return counts


def _clear(
    session: Session,
    table: Table,
    which: Any,
    ids: list[UUID],
    counts: dict[str, int],
    spared: frozenset[str],
) -> None:
    for column, key in _references_to(table):
        child = column.table
        pointing = column.in_(select(key.column).where(which))
        if child is table or child.name in spared or (column.nullable and not column.primary_key):
            session.execute(update(child).where(pointing).values({column.name: None}), {"ids": ids})
        else:
            _clear(session, child, pointing, ids, counts, spared)
    gone: Any = session.execute(delete(table).where(which), {"ids": ids})
    if gone.rowcount:
        counts[table.name] = counts.get(table.name, 0) + gone.rowcount


def _references_to(table: Table) -> list[tuple[Column[Any], ForeignKey]]:
    return [
        (column, key)
        for each in Record.metadata.sorted_tables
        for column in each.columns
        for key in column.foreign_keys
        if key.column.table is table
    ]
