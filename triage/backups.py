"""How the backups are: begun, good, bad, too long ago. What is wrong is a Failure until it is mended, so every page,
`doctor` and the outside watchers tell of it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from collector.records import Failure
from triage.backup_records import Backup, BackupState
from triage.log import MACHINE, Line, note
from triage.records import Case, LogEntry

STAGE = "backup"
NAMES = UUID("0c7a1c6e-52f4-4d0f-8f6e-3b8f2f0a9d41")  # a finding keeps its id for as long as it lasts
BROKE_OFF = "it broke off before it was proven: the process or its machine was stopped"
AGAIN_WITHIN = timedelta(days=7)  # sources show little that is older
MAKE_ONE = "Run goldenhour backup; its message says what to do"


class _Found(NamedTuple):
    name: str
    says: str


def begin(session: Session, name: str, *, host: str, folder: str, why: str, now: datetime) -> Backup:
    """Write down that a backup is being made. The caller commits."""
    made = Backup(name=name, host=host, folder=folder, why=why, began_at=now)
    session.add(made)
    session.flush()
    return made


def proved_good(session: Session, backup: UUID, *, size_bytes: int, entries: int, now: datetime) -> None:
    """It was restored and found equal. The caller commits."""
    values = {"state": BackupState.GOOD, "ended_at": now, "size_bytes": size_bytes, "entries": entries}
    row = session.get_one(Backup, backup)
    row.sqlmodel_update(values)
    detail = {"backup": row.name, "entries": entries, "bytes": size_bytes}
    note(session, [Line("backup made and proven", None, row.why, detail)], who=MACHINE, now=now)


def went_bad(session: Session, backup: UUID, error: str, *, now: datetime) -> None:
    """It is no backup. The caller commits."""
    row = session.get_one(Backup, backup)
    row.state, row.ended_at, row.error = BackupState.BAD, now, error
    note(session, [Line("backup failed", None, error, {"backup": row.name})], who=MACHINE, now=now)


def give_up_on_broken_off(session: Session, *, now: datetime) -> int:
    """Backups that nobody is making any more are bad ones. Only for who holds the lock of backups. The caller
    commits."""
    broken = update(Backup).where(col(Backup.state) == BackupState.MAKING)
    ended = broken.values(state=BackupState.BAD, ended_at=now, error=BROKE_OFF).returning(col(Backup.name))
    names = list(session.scalars(ended))
    lines = [Line("backup failed", None, BROKE_OFF, {"backup": each}) for each in names]
    note(session, lines, who=MACHINE, now=now)
    return len(names)


def last_good(session: Session) -> Backup | None:
    good = select(Backup).where(Backup.state == BackupState.GOOD)
    return session.exec(good.order_by(col(Backup.began_at).desc()).limit(1)).first()


def judge(session: Session, *, longest: timedelta, now: datetime) -> list[Failure]:
    """Write down what is wrong with the backups and what is mended; gives what is wrong. The caller commits."""
    found = {uuid5(NAMES, each.name): each for each in _look(session, longest, now)}
    for failure in standing(session):
        if failure.id not in found:
            failure.mended_at = now
    wrong = []
    for failure_id, each in found.items():
        row = session.get(Failure, failure_id)
        if row is None:
            row = Failure(id=failure_id, at=now, stage=STAGE, subject=each.name, error="")
        elif row.mended_at is not None:
            row.at, row.mended_at = now, None
        row.error, row.remedy = each.says, MAKE_ONE
        session.add(row)
        wrong.append(row)
    session.flush()
    return wrong


def standing(session: Session) -> list[Failure]:
    """What is wrong with the backups and not mended."""
    mine = Failure.stage == STAGE, col(Failure.mended_at).is_(None)
    return list(session.exec(select(Failure).where(*mine).order_by(col(Failure.at))))


def _look(session: Session, longest: timedelta, now: datetime) -> Iterator[_Found]:
    ended = select(Backup).where(Backup.state != BackupState.MAKING)
    last = session.exec(ended.order_by(col(Backup.began_at).desc()).limit(1)).first()
    if last is not None and last.state == BackupState.BAD:
        yield _Found("last backup", f"The backup of {last.began_at:%d %b %H:%M} UTC is no good: {last.error}")
    good = last_good(session)
    since = good.began_at if good else session.exec(select(func.min(LogEntry.at))).one()
    if since is not None and now - since > longest:
        said = f"The last good backup is of {since:%d %b %H:%M} UTC" if good else "There is no good backup"
        yield _Found("age of the backup", f"{said}: what was written since would be lost with this database")


def may_be_known(session: Session, case_id: UUID, *, now: datetime) -> bool:
    """Whether a case may have been told before under another number: it was opened anew of what was published before
    the database was restored from a backup, in the days after that: what came between is fetched again."""
    asked = (
        select(col(Backup.id))
        .where(col(Backup.restored_at).is_not(None), col(Backup.restored_at) > now - AGAIN_WITHIN)
        .join(Case, col(Case.id) == case_id)
        .where(
            col(Case.opened_at) >= col(Backup.restored_at),
            col(Case.first_published_at) <= col(Backup.restored_at),
        )
    )
    return session.scalars(asked.limit(1)).first() is not None
