"""Legal holds: setting, signing off, looking at again, releasing; and what exactly one holds.

Records of decisions are held from the moment a hold is set. Posts were copied from platforms and belong to their
authors: they are held only once a data steward, who is not the one who set it, has signed that off.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from triage.hidden import sees
from triage.hold_records import Hold, HoldScope
from triage.locked import Conflict
from triage.log import MACHINE, Line, note
from triage.permissions import Permission, need
from triage.records import Case, Person
from triage.retention_policy import HoldRules, Period

LEAST_WORDS = 3
EXPIRED = "it expired"
_HELD = text("""
    SELECT count(*) AS posts, count(c.post_id) AS copies,
        count(*) FILTER (WHERE p.withdrawn_at IS NULL AND p.id IS NOT NULL) AS live,
        coalesce(sum((SELECT count(*) FROM looks AS l WHERE l.post_id = h.post_id AND l.file_at IS NOT NULL
            AND l.gone_at IS NULL)), 0) AS files
    FROM held_posts AS h LEFT JOIN held_copies AS c ON c.post_id = h.post_id
    LEFT JOIN post_keys AS k ON k.id = h.post_id LEFT JOIN posts AS p ON p.id = k.id AND p.collected_at = k.collected_at
    WHERE h.hold_id = :hold
""")
# which posts a hold would cover once it is signed off; the view says which it does
_COVERED = {
    HoldScope.CASE: "SELECT count(*) FROM memberships WHERE case_id = :case AND sure",
    HoldScope.POST: "SELECT count(*) FROM post_keys WHERE id = :post",
    HoldScope.SPAN: "SELECT count(*) FROM posts WHERE collected_at >= :since AND collected_at < :until"
    " AND (CAST(:source AS text) IS NULL OR source = :source)",
}
_ON_POSTS = text(
    "holds.id IN (SELECT hold_id FROM held_posts"
    " WHERE post_id IN (SELECT post_id FROM memberships WHERE case_id = :case))"
)
_DUE = text("""
    SELECT number, review_at <= :now AS late, review_at, expires_at FROM holds WHERE ended_at IS NULL
        AND least(review_at, expires_at) <= :soon ORDER BY least(review_at, expires_at)
""")


class Scope(NamedTuple):
    """What a hold is set on: a case, or a post, or a stretch of time with a source (None: all sources)."""

    case_id: UUID | None = None
    post_id: UUID | None = None
    source: str | None = None
    from_at: datetime | None = None
    until_at: datetime | None = None

    @property
    def kind(self) -> HoldScope:
        """Raises Conflict unless it is exactly one of the three."""
        span = self.from_at is not None and self.until_at is not None
        given = [
            kind
            for kind, there in (
                (HoldScope.CASE, self.case_id is not None),
                (HoldScope.POST, self.post_id is not None),
                (HoldScope.SPAN, span),
            )
            if there
        ]
        if len(given) != 1:
            raise Conflict("Name one thing to hold: a case, a post, or a time from and until.")
        if self.from_at and self.until_at and self.from_at >= self.until_at:
            raise Conflict("The time must begin before it ends.")
        return given[0]


class Held(NamedTuple):
    """What a hold keeps just now: posts, of them live ones and copies of those taken back, and files. Before it is
    signed off it keeps none, and `posts` are those it would."""

    posts: int
    live: int
    copies: int
    files: int


class Reminder(NamedTuple):
    """A hold that is to be looked at, or that ends soon."""

    number: int
    late: bool
    review_at: datetime
    expires_at: datetime


def set_hold(
    session: Session,
    scope: Scope,
    rules: HoldRules,
    *,
    reason: str,
    why: str,
    content: bool,
    expires_at: datetime,
    who: Person,
    now: datetime,
) -> Hold:
    """Hold it from now on; with `content` a data steward is asked to sign off that posts are held, too.

    Raises Denied, and Conflict for a reason that is none, or a time longer than the policy allows.
    """
    need(who, Permission.SET_HOLD)
    kind = scope.kind
    if reason not in rules.reasons:
        raise Conflict(f"Choose one of the reasons: {', '.join(rules.reasons)}.")
    if scope.case_id is not None and not sees(session, who, scope.case_id):
        raise Conflict("There is no such case.")
    latest = rules.longest_after(now)
    if not now < expires_at <= latest:
        raise Conflict(f"A hold must end, by {latest:%d %B %Y} at the latest. Then it can be set anew.")
    made = Hold(
        **scope._asdict(), scope=kind, reason=reason, why=_words(why), content=content, set_by=who.id, set_at=now,
        review_at=min(expires_at, Period.read(rules.review).after(now)), expires_at=expires_at,
    )  # fmt: skip
    session.add(made)
    session.flush()
    _note(session, made, "hold set", who.username, now, made.why)
    return made


def answer_content(session: Session, hold: UUID, *, agreed: bool, who: Person, now: datetime) -> Hold:
    """Sign off that copied posts are held as well, or say no: then records alone are. Raises Denied and Conflict."""
    need(who, Permission.SIGN_HOLD)
    found = _standing(session, hold)
    if not found.content or found.signed_at or found.refused_at:
        raise Conflict(f"H-{found.number} does not wait for a sign-off.")
    if found.set_by == who.id and agreed:
        raise Conflict("A second person must sign it off: you set this hold.")
    if agreed:
        found.signed_by, found.signed_at = who.id, now
    else:
        found.refused_at = now
    session.flush()
    _note(session, found, "hold signed off" if agreed else "hold of posts refused", who.username, now)
    return found


def review_hold(
    session: Session,
    hold: UUID,
    rules: HoldRules,
    *,
    why: str,
    expires_at: datetime | None = None,
    who: Person,
    now: datetime,
) -> Hold:
    """Say that it is still needed, and how long. Raises Denied and Conflict."""
    need(who, Permission.SET_HOLD)
    found = _standing(session, hold)
    ends = expires_at or found.expires_at
    if not now < ends <= rules.longest_after(now):
        raise Conflict("It must end later than now, and no later than the policy allows.")
    found.expires_at, found.reviewed_at = ends, now
    found.review_at = min(ends, Period.read(rules.review).after(now))
    session.flush()
    _note(session, found, "hold reviewed", who.username, now, _words(why))
    return found


def release_hold(session: Session, hold: UUID, *, why: str, who: Person, now: datetime) -> Hold:
    """End it: what is due goes with the next run. Raises Denied and Conflict."""
    need(who, Permission.SET_HOLD)
    found = _standing(session, hold)
    found.ended_at, found.ended_by, found.ended_because = now, who.id, _words(why)
    session.flush()
    _note(session, found, "hold released", who.username, now, found.ended_because)
    return found


def expire_holds(session: Session, *, now: datetime) -> int:
    """End the holds whose time is over. Returns how many. The caller commits."""
    over = select(Hold).where(col(Hold.ended_at).is_(None), col(Hold.expires_at) <= now).with_for_update()
    found = session.exec(over).all()
    for each in found:
        each.ended_at, each.ended_because = now, EXPIRED
        session.flush()
        _note(session, each, "hold expired", MACHINE, now)
    return len(found)


def pass_holds_on(
    session: Session, posts: Sequence[UUID], home: UUID, to: UUID, *, split: bool, now: datetime
) -> None:
    """What leaves a held case stays held: a case split off it whole; elsewhere the file, and of posts just these."""
    standing = (
        select(Hold).where(col(Hold.case_id) == home, col(Hold.ended_at).is_(None)).order_by(col(Hold.number))
    )
    for hold in session.exec(standing).all():
        kept = hold.model_dump(exclude={"id", "number", "scope", "case_id", "post_id"}, warnings=False)
        case = Hold(scope=HoldScope.CASE, case_id=to, **kept)
        if not split:
            case.content, case.signed_by, case.signed_at = False, None, None
        made = [case]
        if hold.signed_at is not None and not split:
            made += [Hold(scope=HoldScope.POST, post_id=post, **kept) for post in posts]
        session.add_all(made)
        session.flush()
        _note(session, case, "hold passed on", MACHINE, now, f"from H-{hold.number}")


def what_is_held(session: Session, hold: Hold) -> Held:
    """What it keeps now; before it is signed off what it would."""
    if hold.signed_at is not None:
        row = session.execute(_HELD, {"hold": hold.id}).one()
        return Held(row.posts, row.live, row.copies, int(row.files))
    values: dict[str, Any] = {"case": hold.case_id, "post": hold.post_id, "source": hold.source}
    values |= {"since": hold.from_at, "until": hold.until_at}
    asked = _COVERED[HoldScope(hold.scope)]
    named = {name: value for name, value in values.items() if f":{name}" in asked}
    return Held(session.execute(text(asked), named).scalar_one(), 0, 0, 0)


def holds_on(session: Session, case_id: UUID) -> Sequence[Hold]:
    """The standing holds on a case, as its page shows them: set on it, on a post of it, or on when it was opened."""
    standing = select(Hold).where(col(Hold.ended_at).is_(None), (col(Hold.case_id) == case_id) | _ON_POSTS)
    return session.exec(standing.order_by(col(Hold.number)), params={"case": case_id}).all()


def reminders(session: Session, rules: HoldRules, *, now: datetime) -> list[Reminder]:
    """The holds somebody must look at, or that end soon; the most urgent first."""
    soon = Period.read(rules.remind).after(now)
    return [Reminder(*each) for each in session.execute(_DUE, {"now": now, "soon": soon})]


def find_hold(session: Session, reference: str) -> Hold:
    """A hold by H-3 or 3. Raises Conflict."""
    number = reference.strip().upper().removeprefix("H-")
    found = (
        session.exec(select(Hold).where(Hold.number == int(number))).first() if number.isdecimal() else None
    )
    if found is None:
        raise Conflict(f"There is no hold {reference[:40]!r}.")
    return found


def scope_words(session: Session, hold: Hold) -> str:
    """What it is on, in words."""
    if hold.case_id is not None:
        case = session.get(Case, hold.case_id)
        return f"case GH-{case.number}" if case else "a case"
    if hold.from_at is not None and hold.until_at is not None:
        return (
            f"{hold.source or 'all sources'}, {hold.from_at:%d %b %Y %H:%M} to {hold.until_at:%d %b %Y %H:%M}"
        )
    return "one post"


def _standing(session: Session, hold: UUID) -> Hold:
    found = session.exec(select(Hold).where(Hold.id == hold).with_for_update()).first()
    if found is None:
        raise Conflict("There is no such hold.")
    if found.ended_at is not None:
        raise Conflict(f"H-{found.number} has ended: {found.ended_because}.")
    return found


def _words(said: str) -> str:
    if len(said.split()) < LEAST_WORDS:
        raise Conflict("Say in a few words why.")
    return said.strip()


def _note(session: Session, hold: Hold, what: str, who: str, now: datetime, why: str | None = None) -> None:
    detail = {"hold": f"H-{hold.number}", "scope": HoldScope(hold.scope).value, "posts": hold.content}
    note(session, [Line(what, hold.case_id, why, detail)], who=who, now=now)
