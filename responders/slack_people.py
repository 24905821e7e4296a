"""Who somebody in Slack is here: the account that an administrator linked, with its roles as they are now."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from triage.hidden import is_hidden
from triage.log import Line, note
from triage.people import by_slack_user
from triage.permissions import Denied, Permission, may
from triage.records import Alert, Case, Person

UNLINKED = (
    "Your Slack account ({user}) is not linked to a Golden Hour account, so nothing was changed. Whoever looks after "
    "the accounts links it with: goldenhour people slack YOUR-USER-NAME {user}"
)
DENIED = "Your roles do not allow this, so nothing was changed."
GONE = "This alert no longer exists; nothing was changed. Look in the queue."
HIDDEN = "This case is not shown to you, so nothing was changed. Somebody else has to do this."


class Refused(Exception):
    """Why somebody may not; the text is shown as it stands. `line` is what the log is to say, if anything."""

    def __init__(self, said: str, line: Line | None = None, who: str = "") -> None:
        super().__init__(said)
        self.line, self.who = line, who


def who_is(session: Session, user: str) -> Person:
    """The person who is this Slack user. Raises Refused for one that nobody linked, or whose account is closed."""
    person = by_slack_user(session, user) if user else None
    if person is None:
        raise Refused(UNLINKED.format(user=user or "unknown"))
    return person


def need_to(person: Person, permission: Permission, case_id: UUID | None = None, said: str = DENIED) -> None:
    """Raises Refused unless a role of the person carries the permission."""
    if not may(person, permission):
        raise Refused(said, Line("denied", case_id, None, {"needs": permission.value}), person.username)


def alert_for(session: Session, person: Person, alert_id: UUID) -> tuple[Alert, Case]:
    """An alert and its case, which the person sees. Raises Refused."""
    asked = select(Alert, Case, is_hidden(person, col(Case.id))).join(
        Case, col(Case.id) == col(Alert.case_id)
    )
    found = session.exec(asked.where(Alert.id == alert_id)).first()
    if found is None:
        raise Refused(GONE)
    alert, case, hidden = found
    if hidden:
        line = Line("denied", case.id, None, {"needs": "to see the case"})
        raise Refused(HIDDEN, line, person.username)
    return alert, case


def in_one_piece(session: Session, change: Callable[[], object]) -> None:
    """Do one act or nothing of it. What is known of the case is read anew: another may have been quicker."""
    for known in session:
        if isinstance(known, Alert | Case):
            session.expire(known)
    try:
        with session.begin_nested():
            change()
    except Denied as denied:
        raise Refused(DENIED, Line("denied", None, None, {"needs": denied.permission.value})) from denied


def enter_refusal(session: Session, refused: Refused, *, now: datetime) -> None:
    """Leave the line of a refusal in the log."""
    if refused.line is not None:
        note(session, [refused.line], who=refused.who or "someone", now=now)
