"""Opening posts of one author again and again: it warns, then locks them, whoever opens and in whatever cases.

Authors are told apart by a mark, a digest under a key of the vault, which is forgotten after the policy's days.
"""

from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import text, update
from sqlmodel import Session, col, delete, select

from triage.locked import Conflict
from triage.log import Line, note
from triage.permissions import Permission, need
from triage.records import Person
from triage.reveal_records import Reveal, RevealLock

LEAST_WORDS = 3


class Repeated(BaseModel):
    """From which opening of one author's posts it warns, and after which it locks; how long an opening counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    within_days: int = Field(ge=1, le=366)
    warns_at: int = Field(ge=2)
    locks_at: int = Field(ge=2)

    @model_validator(mode="after")
    def _in_order(self) -> "Repeated":
        if self.locks_at < self.warns_at:
            raise ValueError("locks_at must not be below warns_at")
        return self


class Warned(Conflict):
    """Posts of this author were opened before; to go on, one says so."""


class Locked(Conflict):
    """Posts of this author are shown to nobody until a data steward opens the lock."""


def note_opening(
    session: Session, reveal: Reveal, mark: bytes, rule: Repeated, *, who: Person, warned: bool, now: datetime
) -> int:
    """Enter that a reveal opens this author, and say how often that was now. Raises Warned and Locked."""
    # two openings of one author wait for each other here, until the first has committed
    key = int.from_bytes(mark[:8], "big", signed=True)
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
    since = now - timedelta(days=rule.within_days)
    counted = select(Reveal.id, Reveal.case_id).where(
        Reveal.mark == mark, Reveal.id != reveal.id, col(Reveal.shown_at) > since
    )
    before = session.execute(counted).all()
    openings = len(before) + 1
    if reveal.mark is not None:
        return openings  # looked at before, within the same minutes
    if _standing(session, mark) is not None:
        raise Locked(
            f"This author's posts were opened {len(before)} times in {rule.within_days} days. "
            "Nobody is shown them until a data steward opens the lock."
        )
    if openings >= rule.warns_at and not warned:
        cases = len({case for _, case in before} | {reveal.case_id})
        raise Warned(
            f"This would be opening {openings} of this author's posts in {rule.within_days} days, in {cases} "
            f"{'case' if cases == 1 else 'cases'}. Looking at one person again and again may need an authorisation: "
            "stop, and ask the force's RIPA lead."
        )
    reveal.mark = mark
    if openings >= rule.locks_at:
        session.add(RevealLock(mark=mark, reveal_id=reveal.id, openings=openings, locked_at=now))
        detail = {"reveal": str(reveal.id), "openings": openings}
        note(session, [Line("author locked", reveal.case_id, None, detail)], who=who.username, now=now)
    return openings


def open_lock(session: Session, lock_id: UUID, *, who: Person, why: str, now: datetime) -> RevealLock:
    """Let this author's posts be opened again, counting from none. Never by whoever locked them. Raises Denied and
    Conflict."""
    need(who, Permission.UNLOCK_REVEALS)
    lock = session.get(RevealLock, lock_id, with_for_update=True)
    if lock is None or lock.opened_at is not None:
        raise Conflict("This lock is open already.")
    reveal = session.get_one(Reveal, lock.reveal_id)
    if reveal.asked_by == who.id:
        raise Conflict("Somebody else has to open what you locked.")
    if len(why.split()) < LEAST_WORDS:
        raise Conflict("Say in a few words why these posts may be opened again.")
    lock.opened_by, lock.opened_at, lock.opened_because = who.id, now, why.strip()
    session.execute(update(Reveal).where(col(Reveal.mark) == lock.mark).values(mark=None))
    detail = {"lock": str(lock.id)}
    note(session, [Line("author unlocked", reveal.case_id, why.strip(), detail)], who=who.username, now=now)
    return lock


def forget_marks(session: Session, rule: Repeated, *, now: datetime) -> None:
    """Forget by what authors are told apart once it counts no more, but of standing locks. Run by the schedule."""
    before = now - timedelta(days=rule.within_days)
    standing = select(RevealLock.mark).where(col(RevealLock.opened_at).is_(None))
    old = col(Reveal.shown_at) < before, col(Reveal.mark).not_in(standing)
    session.execute(update(Reveal).where(*old).values(mark=None))
    session.exec(delete(RevealLock).where(col(RevealLock.opened_at) < before))


def _standing(session: Session, mark: bytes) -> RevealLock | None:
    asked = select(RevealLock).where(RevealLock.mark == mark, col(RevealLock.opened_at).is_(None))
    return session.exec(asked).first()
