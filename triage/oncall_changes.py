"""Duties that change hands: one person asks, whoever takes the duty agrees; and the calendar links people make.

A duty officer who takes one needs nobody's word: whoever is on call may be ill at two in the morning.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from triage.locked import Conflict
from triage.log import Line, note
from triage.oncall import OnCall, duties_of
from triage.oncall_records import CalendarLink, DutyChange, DutyState
from triage.permissions import Permission, may, need
from triage.records import Person

LONGEST = timedelta(days=31)
MOST_AHEAD = timedelta(days=366)
WORDS = {
    DutyState.AGREED: "duty change agreed",
    DutyState.REFUSED: "duty change refused",
    DutyState.WITHDRAWN: "duty change withdrawn",
}


def ask(
    session: Session,
    oncall: OnCall,
    rota_name: str,
    *,
    begins: datetime,
    ends: datetime,
    takes: str,
    who: Person,
    why: str,
    now: datetime,
) -> DutyChange:
    """Ask somebody to take a duty for a time: one's own, one that nobody has, or, for a duty officer, any. What a duty
    officer takes counts at once. Raises Denied and Conflict."""
    need(who, Permission.TRIAGE)
    rota = oncall.roster.rota_of(rota_name)
    taker = session.exec(select(Person).where(Person.username == takes.strip().lower())).first()
    if rota is None:
        raise Conflict("There is no such rota any more.")
    if not begins < ends or ends <= now:
        raise Conflict("Give a time that ends after it begins, and is not over.")
    if ends - begins > LONGEST or begins - now > MOST_AHEAD:
        raise Conflict("A change may last 31 days, and begin within a year.")
    if taker is None or taker.disabled_at is not None or not may(taker, Permission.TRIAGE):
        raise Conflict("Nobody of this user name can take a duty.")
    if taker.id == who.id and not may(who, Permission.SUPERVISE):
        raise Conflict("Ask a colleague to enter it: whoever takes a duty agrees to what somebody else asks.")
    if not why.strip():
        raise Conflict("Say why, in a few words.")
    has_it = {each.username for each in duties_of(session, oncall, rota, begins, ends)}
    if not has_it <= {who.username, None} and not may(who, Permission.SUPERVISE):
        raise Conflict("You can hand over your own duties only. A duty officer can change any.")
    made = DutyChange(
        rota=rota.name,
        begins_at=begins,
        ends_at=ends,
        takes=taker.id,
        asked_by=who.id,
        asked_at=now,
        why=why.strip(),
    )
    session.add(made)
    _note(session, "duty change asked", made, who, now, why=made.why)
    if taker.id == who.id:
        made.state, made.settled_at = DutyState.AGREED, now
        _note(session, WORDS[DutyState.AGREED], made, who, now)
    return made


def settle(session: Session, change_id: UUID, state: DutyState, *, who: Person, now: datetime) -> DutyChange:
    """Agree or refuse, by whoever is to take it; withdraw, by whoever asked. Raises Conflict."""
    need(who, Permission.TRIAGE)
    found = session.get(DutyChange, change_id, with_for_update=True, populate_existing=True)
    if found is None or found.state != DutyState.ASKED:
        raise Conflict("This has been settled already.")
    if who.id != (found.asked_by if state == DutyState.WITHDRAWN else found.takes):
        raise Conflict("Only whoever takes the duty can agree, and only whoever asked can withdraw.")
    if found.ends_at <= now and state == DutyState.AGREED:
        raise Conflict("The time is over.")
    found.state, found.settled_at = state, now
    _note(session, WORDS[state], found, who, now)
    return found


def ahead(session: Session, *, now: datetime) -> list[DutyChange]:
    """What was asked or agreed to and is not over, the first leading."""
    asked = select(DutyChange).where(
        col(DutyChange.ends_at) > now, col(DutyChange.state).in_((DutyState.ASKED, DutyState.AGREED))
    )
    return list(session.exec(asked.order_by(col(DutyChange.begins_at), col(DutyChange.asked_at))))


def make_link(session: Session, rota: str, *, who: Person, now: datetime) -> str:
    """A new secret under which a calendar reads the rota; one made before stops working. It is shown this once."""
    revoke_link(session, rota, who=who, now=now)
    token = secrets.token_urlsafe(32)
    session.add(CalendarLink(digest=_digest(token), person_id=who.id, rota=rota, made_at=now))
    note(session, [Line("calendar link made", detail={"rota": rota})], who=who.username, now=now)
    return token


def revoke_link(session: Session, rota: str, *, who: Person, now: datetime) -> bool:
    """Stop one's own link from working."""
    asked = select(CalendarLink).where(
        CalendarLink.person_id == who.id, CalendarLink.rota == rota, col(CalendarLink.revoked_at).is_(None)
    )
    found = session.exec(asked).first()
    if found is None:
        return False
    found.revoked_at = now
    session.flush()
    note(session, [Line("calendar link revoked", detail={"rota": rota})], who=who.username, now=now)
    return True


def links_of(session: Session, who: Person) -> dict[str, CalendarLink]:
    """One's own links that work, by rota."""
    asked = select(CalendarLink).where(
        CalendarLink.person_id == who.id, col(CalendarLink.revoked_at).is_(None)
    )
    return {each.rota: each for each in session.exec(asked)}


def find_link(
    session: Session, token: str, *, needs: Permission = Permission.READ_CASES, now: datetime
) -> CalendarLink | None:
    """The link of a secret, if it works and its owner may still read."""
    found = session.get(CalendarLink, _digest(token))
    if found is None or found.revoked_at is not None:
        return None
    owner = session.get(Person, found.person_id)
    if owner is None or not may(owner, needs):
        return None
    found.read_at = now
    return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _note(
    session: Session, what: str, change: DutyChange, who: Person, now: datetime, *, why: str | None = None
) -> None:
    detail = {
        "change": str(change.id),
        "rota": change.rota,
        "from": change.begins_at.isoformat(),
        "until": change.ends_at.isoformat(),
    }
    note(session, [Line(what, None, why, detail)], who=who.username, now=now)
