"""The tick around the oversight review: its meetings made ahead, each list locked at its moment."""

from datetime import datetime

import structlog
from sqlmodel import Session

from config.reviews import cycle_of
from config.service import House
from triage.review.agenda import due_to_lock, lock_agenda
from triage.review.schedule import arrange

log = structlog.get_logger()


def mind_meetings(house: House, now: datetime) -> None:
    """Make the meetings of the year ahead, and lock each list that is due; a meeting and transaction at a time."""
    cycle = cycle_of(house.settings)
    with Session(house.engine) as session:
        changed = arrange(session, cycle.meetings, now=now)
        session.commit()
        if changed:
            log.info("meetings arranged", changed=changed)
        for review_id in due_to_lock(session, now=now):
            session.commit()
            kept = lock_agenda(session, review_id, cycle.group, now=now)
            session.commit()
            if kept is not None:
                log.info("review list locked", review=str(review_id), cases=len(kept.items))
