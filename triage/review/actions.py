"""An action: something the oversight group asked a post to have done by a day, followed until the group closes it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlmodel import Session, col, select

from triage.locked import LONDON, Conflict, lock, touch
from triage.log import Line, note
from triage.permissions import Permission, need
from triage.records import Case, Person
from triage.review.finding_form import Unanswered
from triage.review.finding_records import Action, ActionNote, ActionOutcome, ActionTarget
from triage.review.meeting_records import Review

LONGEST = 2_000
LONGEST_POST = 80
FURTHEST = timedelta(days=730)
# how long an open action has been overdue, the gravest band last
BANDS = (("overdue", 1), ("overdue for two weeks", 14), ("overdue for six weeks", 42))
SOON = timedelta(days=7)


class ActionGiven(NamedTuple):
    """The form as a person filled it in."""

    words: str = ""
    owner_post: str = ""
    due_on: date | None = None
    target: str = ""
    theme: str = ""


class Closing(NamedTuple):
    """How the group closes an action."""

    outcome: str = ""
    words: str = ""


def open_action(
    session: Session,
    review_id: UUID,
    given: ActionGiven,
    *,
    case_id: UUID | None = None,
    themes: Sequence[str] = (),
    who: Person,
    now: datetime,
) -> Action:
    """Ask a post for something, at a meeting that has begun; of one case, or in general. Raises Unanswered."""
    need(who, Permission.DECIDE_FINDING)
    case = lock(session, case_id)[0] if case_id else None
    review = session.get(Review, review_id)
    if review is None or review.meets_at > now:
        raise Conflict("The meeting has not begun: nothing can be asked for yet.")
    if wrong := _problems(given, themes, now.astimezone(LONDON).date()):
        raise Unanswered(wrong)
    due_on = given.due_on or now.astimezone(LONDON).date()
    made = Action(
        review_id=review_id, case_id=case_id, target=ActionTarget(given.target), theme=given.theme or None,
        words=_kept(given.words), owner_post=given.owner_post.strip(), due_on=due_on,
        first_due_on=due_on, opened_by=who.username, opened_at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    session.refresh(made)
    detail = {"due": made.due_on.isoformat(), "owner": made.owner_post, "target": made.target}
    _say(session, made, case, "action opened", who=who, now=now, detail=detail)
    return made


def note_progress(session: Session, action: UUID, words: str, *, who: Person, now: datetime) -> Action:
    """Say how it is going."""
    case, found = _open(session, action, who)
    _enter(session, found, "progress", _needed(words, "Say how it is going."), who=who, now=now)
    _say(session, found, case, "action noted", who=who, now=now)
    return found


def move_due(
    session: Session, action: UUID, to: date | None, why: str, *, who: Person, now: datetime
) -> Action:
    """Give it more, or less, time, with the reason; the first due date stays beside it."""
    case, found = _open(session, action, who)
    today = now.astimezone(LONDON).date()
    if to is None or not today <= to <= today + FURTHEST:
        raise Conflict("Enter a day from today on, within two years.")
    words = f"From {found.due_on:%-d %B %Y} to {to:%-d %B %Y}: {_needed(why, 'Say why the due date moves.')}"
    detail = {"from": found.due_on.isoformat(), "to": to.isoformat()}
    found.due_on = to
    _enter(session, found, "due date moved", words, who=who, now=now)
    _say(session, found, case, "action due date moved", who=who, now=now, why=why, detail=detail)
    return found


def complete(session: Session, action: UUID, evidence: str, *, who: Person, now: datetime) -> Action:
    """Enter the owner's evidence that it was done. The group still closes it."""
    case, found = _open(session, action, who)
    found.evidence = _needed(evidence, "Say what shows that it was done: a reference, not a name.")
    found.completed_at = now
    _enter(session, found, "evidence", found.evidence, who=who, now=now)
    _say(session, found, case, "action completed", who=who, now=now)
    return found


def close(session: Session, action: UUID, given: Closing, *, who: Person, now: datetime) -> Action:
    """Close it as the group says, at the last meeting that has begun; also because it did not work."""
    case, found = _open(session, action, who)
    if given.outcome not in set(ActionOutcome):
        raise Conflict("Say what came of it.")
    outcome = ActionOutcome(given.outcome)
    if outcome == ActionOutcome.WORKED and found.completed_at is None:
        raise Conflict("Enter first what shows that it was done.")
    meeting = session.exec(
        select(Review).where(col(Review.meets_at) <= now).order_by(col(Review.meets_at).desc())
    ).first()
    found.outcome, found.outcome_words = outcome, _needed(given.words, "Say in words what came of it.")
    found.closed_at, found.closed_by = now, who.username
    found.closed_in = meeting.id if meeting else None
    said = outcome.value.replace("_", " ")
    _enter(session, found, "closed", f"{said}: {found.outcome_words}", who=who, now=now)
    _say(session, found, case, "action closed", who=who, now=now, detail={"outcome": outcome.value})
    return found


def reopen_action(session: Session, action: UUID, why: str, *, who: Person, now: datetime) -> Action:
    """Take a closed action up again; how it was closed stays in its notes."""
    case, found = _held(session, action, who)
    if found.closed_at is None:
        raise Conflict(f"A-{found.number} is open.")
    why = _needed(why, "Say why it is taken up again.")
    found.closed_at = found.closed_by = found.closed_in = found.outcome = found.outcome_words = None
    found.completed_at = None
    _enter(session, found, "opened again", why, who=who, now=now)
    _say(session, found, case, "action opened again", who=who, now=now, why=why)
    return found


def band_of(action: Action, today: date) -> str:
    """In which band of ageing it stands: closed, done, overdue (three), due soon, not due."""
    if action.closed_at is not None:
        return "closed"
    if action.completed_at is not None:
        return "done, to be closed"
    return age_of((today - action.due_on).days)


def age_of(late: int) -> str:
    """The band of an action that is not done, so many days after it was due; before, fewer than none."""
    named = [name for name, days in BANDS if late >= days]
    return named[-1] if named else "due within a week" if late >= -SOON.days else "not due yet"


def find_action(session: Session, number: int) -> Action | None:
    """The action spoken of as A-<number>."""
    return session.exec(select(Action).where(Action.number == number)).first()


def actions_of(session: Session, case_id: UUID) -> Sequence[Action]:
    """The actions of a case, open ones first."""
    asked = select(Action).where(Action.case_id == case_id)
    order = (col(Action.closed_at).is_not(None), col(Action.due_on), col(Action.number))
    return session.exec(asked.order_by(*order)).all()


def notes_of(session: Session, action: UUID) -> Sequence[ActionNote]:
    """What was entered under an action, the newest first."""
    asked = select(ActionNote).where(ActionNote.action_id == action)
    return session.exec(asked.order_by(col(ActionNote.entered_at).desc())).all()


def _problems(given: ActionGiven, themes: Sequence[str], today: date) -> dict[str, str]:
    wrong = {}
    if len(given.words.split()) < 3:
        wrong["action-words"] = "Say what is to be done."
    if not 2 <= len(given.owner_post.strip()) <= LONGEST_POST:
        wrong["action-owner"] = "Say which post has it: no name."
    if given.target not in set(ActionTarget):
        wrong["action-target"] = "Say where it is to change something."
    if given.due_on is None:
        wrong["action-due"] = "Enter the day it is due."
    elif not today <= given.due_on <= today + FURTHEST:
        wrong["action-due"] = "The day it is due lies between today and two years from now."
    if given.theme and given.theme not in themes:
        wrong["action-theme"] = "This theme is not in the list any more."
    return wrong


def _open(session: Session, action: UUID, who: Person) -> tuple[Case | None, Action]:
    case, found = _held(session, action, who)
    if found.closed_at is not None:
        raise Conflict(f"A-{found.number} is closed. Open it again first.")
    return case, found


def _held(session: Session, action: UUID, who: Person) -> tuple[Case | None, Action]:
    """An action with its case, both locked."""
    need(who, Permission.DECIDE_FINDING)
    found = session.exec(select(Action).where(Action.id == action)).first()
    if found is None:
        raise Conflict("There is no such action.")
    case = lock(session, found.case_id)[0] if found.case_id else None
    return case, session.get_one(Action, action, populate_existing=True, with_for_update=True)


def _enter(session: Session, action: Action, what: str, words: str, *, who: Person, now: datetime) -> None:
    entry = ActionNote(
        action_id=action.id,
        case_id=action.case_id,
        what=what,
        words=words,
        entered_by=who.username,
        entered_at=now,
    )
    session.add(entry)


def _say(
    session: Session,
    action: Action,
    case: Case | None,
    what: str,
    *,
    who: Person,
    now: datetime,
    why: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    said = {"action": f"A-{action.number}", **(detail or {})}
    if case is not None:
        touch(session, case, what, who=who, now=now, why=why, detail=said)
    else:
        note(session, [Line(what, None, why, said)], who=who.username, now=now)


def _needed(words: str, asks: str) -> str:
    if len(words.split()) < 2:
        raise Conflict(asks)
    return _kept(words)


def _kept(words: str) -> str:
    return words.replace("\r\n", "\n").strip()[:LONGEST]
