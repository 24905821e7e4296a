"""Rights requests: entered by the addresses of posts, answered within a calendar month, each step in the log.

Who asks, and that they are who they say, is settled elsewhere; here stands the reference of that. What was granted to
be erased goes by the same purge as everything else, in a job (responders/retention/erasing.py).
"""

import calendar
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from collector.jobs import defer
from triage.locked import Conflict
from triage.log import Line, note
from triage.permissions import Permission, need
from triage.records import Person
from triage.rights_found import Found
from triage.rights_records import RightsKind, RightsOutcome, RightsRequest

LONDON = ZoneInfo("Europe/London")
LEAST_WORDS = 3
EXTENSION = 2  # calendar months more, for what is complex (UK GDPR 12(3))
ERASING = (RightsKind.ERASURE, RightsKind.OBJECTION)
GRANTING = (RightsOutcome.GRANTED, RightsOutcome.IN_PART)


def months_after(moment: datetime, months: int) -> datetime:
    """The end of the corresponding day so many calendar months later, or of the month's last day."""
    day = moment.astimezone(LONDON)
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    last = calendar.monthrange(year, month + 1)[1]
    return datetime(year, month + 1, min(day.day, last), 23, 59, 59, tzinfo=LONDON)


def enter_request(
    session: Session,
    kind: RightsKind,
    *,
    reference: str,
    permalinks: Sequence[str],
    asks: str,
    received_at: datetime,
    who: Person,
    now: datetime,
) -> RightsRequest:
    """Enter what somebody asks. Raises Denied and Conflict."""
    need(who, Permission.ANSWER_RIGHTS)
    if not reference.strip() or "@" in reference:
        raise Conflict(
            "Enter the reference under which who asks is known. No names or addresses of people here."
        )
    if received_at > now:
        raise Conflict("It cannot have been received later than now.")
    made = RightsRequest(
        kind=kind, reference=reference.strip(), permalinks=list(permalinks), asks=asks.strip(), received_at=received_at,
        due_at=months_after(received_at, 1), entered_by=who.username, entered_at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    _note(session, made, "rights request entered", who, now)
    return made


def extend_request(
    session: Session, request: UUID, *, because: str, who: Person, now: datetime
) -> RightsRequest:
    """Give it two months more, once, while it is not late yet. Raises Denied and Conflict."""
    found = _open(session, request, who)
    if found.extended_because is not None:
        raise Conflict(f"R-{found.number} was extended already.")
    if now > found.due_at:
        raise Conflict(f"R-{found.number} is late: its time cannot be extended any more.")
    found.extended_because = _words(because)
    found.due_at = months_after(found.received_at, 1 + EXTENSION)
    _note(session, found, "rights request extended", who, now, found.extended_because)
    return found


def decide_request(
    session: Session,
    request: UUID,
    outcome: RightsOutcome,
    *,
    why: str,
    found: Sequence[Found],
    who: Person,
    now: datetime,
) -> RightsRequest:
    """Decide it with a reason. `found` is what is held now; what was granted to be erased goes in a job.

    Raises Denied and Conflict.
    """
    asked = _open(session, request, who)
    if asked.outcome is not None:
        raise Conflict(f"R-{asked.number} was decided already: {asked.outcome}.")
    asked.outcome, asked.why = outcome, _words(why)
    asked.decided_by, asked.decided_at = who.username, now
    asked.found = [each.plain() for each in found]
    if asked.kind in ERASING and outcome in GRANTING:
        defer(session, "erase_for_rights", queue="respond", request=str(asked.id))
    _note(session, asked, "rights request decided", who, now, asked.why)
    return asked


def answer_request(session: Session, request: UUID, *, who: Person, now: datetime) -> RightsRequest:
    """Enter that the answer was sent, elsewhere. Raises Denied and Conflict."""
    asked = _open(session, request, who)
    if asked.outcome is None:
        raise Conflict(f"R-{asked.number} is not decided yet.")
    if asked.kind in ERASING and asked.outcome in GRANTING and asked.erased_at is None:
        raise Conflict("What is to be erased is still being erased. Look again in a minute.")
    asked.answered_at = now
    _note(session, asked, "rights request answered", who, now)
    return asked


def list_requests(session: Session, *, most: int = 200) -> Sequence[RightsRequest]:
    """Those that wait first, the soonest due first; then the answered ones, newest first."""
    ordered = select(RightsRequest).order_by(
        col(RightsRequest.answered_at).is_not(None),
        col(RightsRequest.answered_at).desc(),
        col(RightsRequest.due_at),
    )
    return session.exec(ordered.limit(most)).all()


def find_request(session: Session, number: int) -> RightsRequest | None:
    return session.exec(select(RightsRequest).where(RightsRequest.number == number)).first()


def _open(session: Session, request: UUID, who: Person) -> RightsRequest:
    need(who, Permission.ANSWER_RIGHTS)
    found = session.exec(select(RightsRequest).where(RightsRequest.id == request).with_for_update()).first()
    if found is None:
        raise Conflict("There is no such request.")
    if found.answered_at is not None:
        raise Conflict(f"R-{found.number} was answered already.")
    return found


def _words(said: str) -> str:
    if len(said.split()) < LEAST_WORDS:
        raise Conflict("Say in a few words why.")
    return said.strip()


def _note(
    session: Session, request: RightsRequest, what: str, who: Person, now: datetime, why: str | None = None
) -> None:
    """The log names the request, never an address."""
    session.flush()
    detail = {"request": f"R-{request.number}", "kind": request.kind, "posts": len(request.permalinks)}
    detail |= {"outcome": request.outcome} if request.outcome else {}
    note(session, [Line(what, None, why, detail)], who=who.username, now=now)
