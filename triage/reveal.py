"""Revealing who wrote a post: for a stated reason, for a case it belongs to, for minutes, in the log for good.

For all but the gravest cases a second person agrees first. Who is shown stands on no row and in no line of the log.
Opening posts of one author again and again warns, then locks them (triage/repeated.py).
"""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from collector.evidence_records import SealedAuthor
from collector.vault import Keyring
from triage.locked import Conflict
from triage.log import Line, note
from triage.permissions import Permission, need
from triage.policy import read_policy
from triage.records import Case, Membership, Person
from triage.repeated import Repeated, note_opening
from triage.reveal_records import Reveal

LONDON = ZoneInfo("Europe/London")
LEAST_WORDS = 3


class RevealPolicy(BaseModel):
    """When an author may be revealed, and for how long. `second_person_from` is a severity: 3 is SEV3 and below."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(ge=1)
    approved_by: str = Field(min_length=3)
    approved_on: date
    because: str = Field(min_length=3)
    shown_minutes: int = Field(ge=1, le=60)
    second_person_from: int = Field(ge=1, le=5)
    reasons: dict[str, str] = Field(min_length=1)
    repeated: Repeated


class Shown(NamedTuple):
    """An author, as shown to one person until a moment; `watermark` stands across it. `openings` counts how often
    posts of this author were opened lately, this time included."""

    author: str
    until: datetime
    watermark: str
    openings: int


def read_reveal_policy(path: Path) -> RevealPolicy:
    """The policy. Raises ValueError naming file, key and reason."""
    return read_policy(RevealPolicy, path)


def ask_reveal(
    session: Session,
    post: UUID,
    case_id: UUID,
    policy: RevealPolicy,
    *,
    who: Person,
    reason: str,
    why: str,
    now: datetime,
) -> Reveal:
    """Ask to be shown who wrote a post. Granted at once where the policy asks for no second person.

    Raises Denied; Conflict when the post is not in the case or nothing is sealed, and for a reason that is none.
    """
    need(who, Permission.REVEAL)
    if reason not in policy.reasons:
        raise Conflict(f"Choose one of the reasons: {', '.join(policy.reasons)}.")
    if len(why.split()) < LEAST_WORDS:
        raise Conflict("Say in a few words why this case needs it.")
    case, member = session.get(Case, case_id), session.get(Membership, (post, case_id))
    if case is None or member is None or not member.sure:
        raise Conflict("This post does not belong to this case.")
    if session.get(SealedAuthor, post) is None:
        raise Conflict("No author is kept for this post: it was withdrawn, or its source names none.")
    reveal = Reveal(post_id=post, case_id=case_id, reason=reason, why=why, asked_by=who.id, asked_at=now)
    alone = case.severity < policy.second_person_from
    if alone:
        reveal.shown_until = now + timedelta(minutes=policy.shown_minutes)
    session.add(reveal)
    _note(session, reveal, "reveal asked for and granted" if alone else "reveal asked for", who, now, why)
    return reveal


def agree_to_reveal(
    session: Session, reveal_id: UUID, policy: RevealPolicy, *, who: Person, now: datetime
) -> Reveal:
    """Agree, as the second person, that the one who asked is shown the author. Raises Denied and Conflict."""
    need(who, Permission.REVEAL)
    reveal = session.get(Reveal, reveal_id, with_for_update=True)
    if reveal is None or reveal.shown_until is not None:
        raise Conflict("Nobody waits for an agreement to this.")
    if reveal.asked_by == who.id:
        raise Conflict("A second person must agree: you asked for it.")
    reveal.agreed_by, reveal.agreed_at = who.id, now
    reveal.shown_until = now + timedelta(minutes=policy.shown_minutes)
    session.add(reveal)
    _note(session, reveal, "reveal agreed", who, now, None)
    return reveal


def show_author(
    session: Session,
    reveal_id: UUID,
    keyring: Keyring,
    policy: RevealPolicy,
    *,
    who: Person,
    now: datetime,
    warned: bool = False,
) -> Shown:
    """The author, to whoever asked and while it is granted; every look is a line of the log. `warned` says that they
    were told of opening this author's posts again, and go on.

    Raises Denied; Conflict when it is not granted, over, or the post was withdrawn; Warned; Locked; VaultError.
    """
    need(who, Permission.REVEAL)
    reveal = session.get(Reveal, reveal_id, with_for_update=True)
    if reveal is None or reveal.asked_by != who.id:
        raise Conflict("Only whoever asked is shown an author.")
    if reveal.shown_until is None:
        raise Conflict("A second person has not agreed yet.")
    if reveal.shown_until <= now:
        raise Conflict("The time for this has run out. Ask again if it is still needed.")
    sealed, case = session.get(SealedAuthor, reveal.post_id), session.get_one(Case, reveal.case_id)
    if sealed is None:
        raise Conflict("The post was withdrawn, and its author with it.")
    author = keyring.open(sealed)
    openings = note_opening(
        session, reveal, keyring.mark(author), policy.repeated, who=who, warned=warned, now=now
    )
    reveal.shown_at = reveal.shown_at or now
    session.add(reveal)
    _note(session, reveal, "author shown", who, now, None)
    said = f"{who.username} · GH-{case.number} · {now.astimezone(LONDON):%d %b %Y %H:%M}"
    return Shown(author, reveal.shown_until, said, openings)


def _note(session: Session, reveal: Reveal, what: str, who: Person, now: datetime, why: str | None) -> None:
    detail = {"reveal": str(reveal.id), "post": str(reveal.post_id), "reason": reveal.reason}
    note(session, [Line(what, reveal.case_id, why, detail)], who=who.username, now=now)
