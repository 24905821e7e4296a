"""Many rows into one table in one statement: sent as one JSON document, which PostgreSQL itself takes apart.

A driver sends and is answered row by row, also when it calls that a batch; at hundreds of rows a transaction
this takes a third of the time (`goldenhour bench walk`). Not for columns of bytes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import text
from sqlmodel import Session

from collector.records import Record


def put_rows(session: Session, table: type[Record], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns; one that is there already stays as it is."""
    if not rows:
        return
    name, columns = str(table.__tablename__), ", ".join(rows[0])
    session.execute(
        text(
            f"INSERT INTO {name} ({columns}) SELECT {columns}"  # noqa: S608  # names are our own
            f" FROM json_populate_recordset(NULL::{name}, CAST(:rows AS json)) ON CONFLICT DO NOTHING"
        ),
        {"rows": msgspec.json.encode(rows).decode()},
    )
