"""The fortnightly oversight review: when it meets, and which cases are on its list."""

import tomllib
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from triage.log import MACHINE, Line, note
from triage.notice import tell_desk
from triage.records import Case
from triage.review.meeting_records import Review, ReviewItem

LONDON = ZoneInfo("Europe/London")
USED_FORCE = "police used force"


class MeetingsError(ValueError):
    """The meetings cannot be read; the message names file, key and reason."""


class Meetings(BaseModel):
    """Meetings every so many days from a first one, always at the same London time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_on: date
    at: time
    every_days: Annotated[int, Field(ge=1, le=366)] = 14

    def next_after(self, moment: datetime) -> datetime:
        """The first meeting that begins after a moment."""
        day = moment.astimezone(LONDON).date()
        rounds = max(0, (day - self.first_on).days // self.every_days)
        while self._begins(rounds) <= moment:
            rounds += 1
        return self._begins(rounds)

    def _begins(self, rounds: int) -> datetime:
        day = self.first_on + timedelta(days=rounds * self.every_days)
        return datetime.combine(day, self.at, LONDON)


def read_meetings(path: Path) -> Meetings:
    """Raises MeetingsError."""
    try:
        return Meetings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise MeetingsError(f"{path}: {where}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise MeetingsError(f"{path}: {error}") from error


def list_for_review(
    session: Session, case_id: UUID, meetings: Meetings, *, now: datetime, because: str = USED_FORCE
) -> ReviewItem | None:
    """Put a case on the next meeting's list, once; None when the case is gone. The caller commits."""
    case = session.get(Case, case_id, with_for_update=True)
    if case is None:
        return None
    listed = session.scalars(select(ReviewItem).where(col(ReviewItem.case_id) == case_id)).first()
    if listed is not None:
        return listed
    review = _meeting(session, meetings.next_after(now), now)
    item = ReviewItem(case_id=case_id, review_id=review.id, because=because, listed_at=now)
    session.add(item)
    when = review.meets_at.astimezone(LONDON).strftime("%-d %B %Y")
    line = Line("listed for review", case_id, because, {"meeting": when})
    note(session, [line], who=MACHINE, now=now)
    tell_desk(session, "listed", case_id)
    return item


def _meeting(session: Session, meets_at: datetime, now: datetime) -> Review:
    made = {"id": uuid4(), "meets_at": meets_at, "created_at": now}
    session.execute(insert(Review).values(made).on_conflict_do_nothing())
    return session.scalars(select(Review).where(col(Review.meets_at) == meets_at)).one()
