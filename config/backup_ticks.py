"""The ticks about how the service itself does: a backup each night, people told when there is none, errors of ours."""

import subprocess
from datetime import datetime, timedelta
from threading import Thread
from zoneinfo import ZoneInfo

import psycopg
import structlog
from sqlmodel import Session, col, select

from config.backups.dumping import plain
from config.backups.making import BACKUP_LOCK
from config.channels import places_of
from config.database import url
from config.service import House
from config.supervise import goldenhour
from responders.alarms import leave_alarms
from triage import backups as ledger
from triage.backup_records import Backup
from triage.slips import suggest

log = structlog.get_logger()

LONDON = ZoneInfo("Europe/London")
LATE = timedelta(hours=6)  # a service that stood at night makes it up in the morning
NIGHTLY = "every night"


def save_by_night(house: House, now: datetime) -> None:
    """Begin the backup of the night, once it is time and it was not begun yet."""
    due = last_night(house.settings.backup.at.hour, house.settings.backup.at.minute, now)
    if not house.settings.backup.nightly or now - due > LATE:
        return
    with Session(house.engine) as session:
        begun = session.exec(
            select(Backup.id).where(Backup.why == NIGHTLY, col(Backup.began_at) >= due)
        ).first()
    if begun is None:
        Thread(target=_make_one, name="backup", daemon=True).start()


def mind_backups(house: House, now: datetime) -> None:
    """Say what is wrong with the backups, also where nobody looks; what broke off is no backup."""
    free = _nobody_makes_one(house)
    with Session(house.engine) as session:
        if free:
            ledger.give_up_on_broken_off(session, now=now)
        wrong = ledger.judge(session, longest=house.settings.backup.longest, now=now)
        leave_alarms(
            session,
            places_of(house),
            wrong,
            subject="Backups need a look",
            desk_url=house.settings.address,
            now=now,
        )
        session.commit()


def suggest_errors(house: House, now: datetime) -> None:
    """Put what failed for long, and alerts nobody acknowledged in time, before people as errors of ours."""
    with Session(house.engine) as session:
        suggest(session, now=now)
        session.commit()


def last_night(hour: int, minute: int, now: datetime) -> datetime:
    """The last time of day, in London, at which one was due."""
    local = now.astimezone(LONDON)
    due = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return due if due <= local else due - timedelta(days=1)


def _make_one() -> None:
    """A backup in a process of its own, which ends when its standard input does, and so with us."""
    process = subprocess.Popen(
        goldenhour("backup", "--attended", "--why", NIGHTLY),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    log.info("backup begun", process=process.pid)
    process.wait()


def _nobody_makes_one(house: House) -> bool:
    with psycopg.connect(plain(url(house.settings)), autocommit=True, connect_timeout=10) as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (BACKUP_LOCK,)).fetchone()
        return bool(row and row[0])
