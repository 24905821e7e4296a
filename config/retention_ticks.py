"""The ticks of retention: a run every night, the ledger beside it, holds that end."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import text
from sqlmodel import Session

from classifier.forget import forget_withdrawn
from collector.sweep import note_behind
from config.retaining import place_of
from config.service import House
from responders.retention.certified import write_certificates
from responders.retention.ledger import write_ledger
from responders.retention.running import Busy, run_retention
from triage.certificates import last_run
from triage.claim_forget import forget_claims_withdrawn
from triage.holding import expire_holds
from triage.searching import forget_words_withdrawn

log = structlog.get_logger()

LONDON = ZoneInfo("Europe/London")
NIGHT = 3  # the hour for it
EVERY, AT_LATEST = timedelta(hours=20), timedelta(hours=26)
PAUSE = 1.0  # after a batch, for as long as it took

_BEGAN = text("SELECT min(minute) FROM tallies")


def let_go_by_night(house: House, now: datetime) -> None:
    """Dispose of what is due: by night, or as soon as we are up again when a night was missed."""
    with Session(house.engine) as session:
        last = last_run(session)
        since = last or session.scalar(_BEGAN)
    night = now.astimezone(LONDON).hour == NIGHT and (last is None or now - last > EVERY)
    if not night and (since is None or now - since < AT_LATEST):
        return
    try:
        done = run_retention(place_of(house.settings, house.engine)._replace(pause=PAUSE), now=now)
    except Busy as error:
        log.warning("retention is run already", error=str(error))
        return
    _catch_up(house, now)
    log.info("kept no longer", **{each.class_name: each.items for each in done if each.items})
    if held := sum(each.held for each in done):
        log.info("kept by holds", items=held)


def _catch_up(house: House, now: datetime) -> None:
    """What was still being assessed when it was withdrawn; and say which sources are not looked at again in time."""
    with Session(house.engine) as session:
        since = now - timedelta(days=2)
        forget_withdrawn(session, since=since)
        forget_claims_withdrawn(session, since=since, now=now)
        forget_words_withdrawn(session, since=since)
        behind = note_behind(session, now=now)
        session.commit()
    for source, posts in behind.items():
        log.error("sweep is behind", source=source, posts=posts)


def keep_ledger(house: House, now: datetime) -> None:
    """End holds whose time is over, and write outside the database what went and which holds stand."""
    with Session(house.engine) as session:
        expire_holds(session, now=now)
        session.commit()
        write_ledger(session, house.settings.retention, now=now)
        write_certificates(session, house.settings.retention)
