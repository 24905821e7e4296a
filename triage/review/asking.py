"""What panels ask the group to look at: noted with the panel that asked, and answered with a reason."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import Session, col

from triage.locked import Conflict
from triage.log import Line, note
from triage.permissions import Permission, need
from triage.records import Case, Person
from triage.review.agenda import list_again
from triage.review.meeting_records import CommunityRequest, RequestAnswer, ReviewItem
from triage.review.panels import Panels
from triage.review.schedule import LEAST_WORDS, coming

LONGEST = 2_000


def note_request(
    session: Session,
    panel: str,
    words: str,
    panels: Panels,
    *,
    asked_at: datetime,
    who: Person,
    now: datetime,
) -> CommunityRequest:
    """Enter that a panel asks for an incident to be reviewed. Raises Denied and Conflict."""
    need(who, Permission.RUN_REVIEWS)
    words = words.strip()
    if panels.panel_of(panel) is None:
        raise Conflict("There is no such panel.")
    if len(words.split()) < LEAST_WORDS or len(words) > LONGEST:
        raise Conflict(
            f"Say in their words which incident it is: when, where, what; at most {LONGEST:,} characters."
        )
    if asked_at > now:
        raise Conflict("They cannot have asked for it in the future.")
    made = CommunityRequest(panel=panel, asked_at=asked_at, words=words, noted_by=who.username, noted_at=now)
    session.add(made)
    session.flush()
    session.refresh(made)
    _say(session, "community request noted", made, who, now)
    return made


def answer_request(
    session: Session,
    number: int,
    answer: RequestAnswer,
    *,
    because: str,
    who: Person,
    now: datetime,
    case_id: UUID | None = None,
) -> CommunityRequest:
    """Answer a panel, with a reason it is told. LISTED puts the case on the next open list, unless it is on one ahead.
    Raises Denied and Conflict.
    """
    need(who, Permission.RUN_REVIEWS)
    asked = select(CommunityRequest).where(col(CommunityRequest.number) == number).with_for_update()
    made = session.scalars(asked.execution_options(populate_existing=True)).first()
    if made is None:
        raise Conflict("There is no such request.")
    if made.answer != RequestAnswer.WAITING or answer == RequestAnswer.WAITING:
        raise Conflict(
            "It has been answered already." if answer != RequestAnswer.WAITING else "Choose an answer."
        )
    if len(because.split()) < LEAST_WORDS:
        raise Conflict("Say in a few words why: the panel is told.")
    if answer == RequestAnswer.LISTED:
        if case_id is None or session.get(Case, case_id) is None:
            raise Conflict("Say which case it is, such as GH-12.")
        made.case_id, made.review_id = case_id, _listed(session, case_id, made, who, now)
    made.answer, made.answer_because = answer, because.strip()
    made.answered_by, made.answered_at = who.username, now
    session.flush()
    _say(session, "community request answered", made, who, now, why=because)
    return made


def requests_of(
    session: Session, panels: list[str] | None = None, *, most: int = 50
) -> list[CommunityRequest]:
    """What panels asked, what waits leading, then the newest first; of some panels or of all."""
    asked = select(CommunityRequest)
    if panels is not None:
        asked = asked.where(col(CommunityRequest.panel).in_(panels))
    waits = (col(CommunityRequest.answer) == RequestAnswer.WAITING).desc()
    return list(session.scalars(asked.order_by(waits, col(CommunityRequest.asked_at).desc()).limit(most)))


def waiting(session: Session) -> int:
    """How many requests wait for an answer."""
    asked = select(func.count()).where(col(CommunityRequest.answer) == RequestAnswer.WAITING)
    return session.scalars(asked).one()


def _listed(session: Session, case_id: UUID, made: CommunityRequest, who: Person, now: datetime) -> UUID:
    """The meeting ahead that has the case on its list; else it is put on the next."""
    ahead = [each.id for each in coming(session, now=now)]
    asked = select(col(ReviewItem.review_id)).where(
        col(ReviewItem.case_id) == case_id,
        col(ReviewItem.off_at).is_(None),
        col(ReviewItem.review_id).in_(ahead),
    )
    listed = session.scalars(asked).first()
    if listed is not None:
        return listed
    because = f"asked for by a panel, R-{made.number}"
    return list_again(session, case_id, who=who, because=because, now=now).review_id


def _say(
    session: Session, what: str, made: CommunityRequest, who: Person, now: datetime, why: str | None = None
) -> None:
    detail = {"request": f"R-{made.number}", "panel": made.panel, "answer": RequestAnswer(made.answer).value}
    note(session, [Line(what, made.case_id, why.strip() if why else None, detail)], who=who.username, now=now)
