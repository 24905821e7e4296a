"""Rows that go when the time in one of their columns is over: sessions, counts of callers, samples."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Table, delete, func, select, text, tuple_
from sqlmodel import Session

from classifier.learning_records import ShadowAssessment
from collector.door_records import Knock
from collector.records import PostKey, Record
from collector.refused_records import RefusedItem
from triage.hold_records import Hold
from triage.learning_records import DropSample
from triage.oncall_records import CalendarLink, DutyChange
from triage.records import Press
from triage.retention_policy import RetentionClass
from triage.retention_records import DisposalCertificate, RetentionRun
from triage.rights_records import RightsRequest
from triage.shift_records import HandoverNote
from triage.sign_in_records import SignInAttempt, SignInLink, WebSession

AT_ONCE = 2_000
# the policy names tables: whoever disposes must know them, whatever else its process brings in
NAMED = (
    CalendarLink,
    DisposalCertificate,
    DropSample,
    DutyChange,
    HandoverNote,
    Hold,
    Knock,
    PostKey,
    Press,
    RefusedItem,
    RetentionRun,
    RightsRequest,
    ShadowAssessment,
    SignInAttempt,
    SignInLink,
    WebSession,
)
# what is not over although its time is
SPARED = {
    "post_keys": "NOT EXISTS (SELECT FROM posts AS p WHERE p.id = post_keys.id) AND NOT EXISTS"
    " (SELECT FROM memberships AS m WHERE m.post_id = post_keys.id) AND NOT EXISTS"
    " (SELECT FROM held_copies AS h WHERE h.post_id = post_keys.id)",
    "retention_runs": "NOT EXISTS (SELECT FROM disposal_certificates AS d WHERE d.run_id = retention_runs.id)",
}


def let_rows_go(session: Session, rule: RetentionClass, *, now: datetime) -> dict[str, list[str]]:
    """Delete the next rows of each table of a class. Returns their keys by table; empty when none is left."""
    gone = {table: _delete(session, table, column, rule, now) for table, column in rule.rows.items()}
    return {table: keys for table, keys in gone.items() if keys}


def count_over(session: Session, rule: RetentionClass, *, now: datetime) -> int:
    """How many rows of a class are due."""
    found = 0
    for table, column in rule.rows.items():
        counted = select(func.count()).select_from(Record.metadata.tables[table])
        found += int(session.execute(counted.where(*_over(table, column, rule, now))).scalar_one())
    return found


def _delete(session: Session, table: str, column: str, rule: RetentionClass, now: datetime) -> list[str]:
    found: Table = Record.metadata.tables[table]
    keys: Sequence[Column[Any]] = list(found.primary_key.columns)
    next_ones = select(*keys).where(*_over(table, column, rule, now)).limit(AT_ONCE)
    gone = session.execute(delete(found).where(tuple_(*keys).in_(next_ones)).returning(*keys)).all()
    return [f"{table}:{'/'.join(_plain(value) for value in row)}" for row in gone]


def _over(table: str, column: str, rule: RetentionClass, now: datetime) -> list[Any]:
    spared = [text(SPARED[table])] if table in SPARED else []
    return [Record.metadata.tables[table].c[column] <= rule.period.before(now), *spared]


def _plain(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
