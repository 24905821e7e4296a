"""Stage 3, for video: a post whose footage is in a case already belongs there, or a person is asked.

Two clips of one camera are about one incident, however their captions differ. So a copy joins the one open case
its family is in, when its own post has no case, was not dropped by a rule, and the case is not old. Everything
else is suggested: old footage is often shown as if it were new. Runs behind the same lock as routing, in a
transaction of its own; a person splits off or refuses what it did, like any other join.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, delete, or_, select, update

from collector.footage_records import Footage, Look
from triage.locked import lock, touch_by
from triage.log import MACHINE
from triage.records import OPEN, Case, Membership, Routing
from triage.regroup import recount
from triage.rules import Outcome

HOW = "same footage"


class Became(StrEnum):
    """What a look came to for the cases."""

    NOTHING = "nothing"
    JOINED = "joined"
    SUGGESTED = "suggested"


class _Home(NamedTuple):
    """An open case that other copies of the family belong to."""

    id: UUID
    number: int
    last_post_at: datetime


def match_footage(session: Session, footage_id: UUID, *, window: timedelta, now: datetime) -> Became:
    """Bring the post of a copy to the case of its family, as far as that is sure. The caller commits.

    Of an upload the other copies' posts are suggested for the case it was uploaded to.
    """
    footage = session.get(Footage, footage_id)
    if footage is None or footage.withdrawn_at is not None:
        return Became.NOTHING
    if footage.post_id is None:
        return _from_upload(session, footage, now=now)
    own = _case_of(session, footage.post_id)
    homes = [home for home in _homes(session, footage) if home.id != own]
    if not homes:
        return Became.NOTHING
    if own is None and len(homes) == 1 and _may_join(session, footage, homes[0], window):
        _join(session, footage.post_id, homes[0], why_of(footage), now=now)
        return Became.JOINED
    return _suggest(session, [footage.post_id], homes[0], footage, now=now)


def _from_upload(session: Session, footage: Footage, *, now: datetime) -> Became:
    given = session.get(Look, footage.media_id)
    case = session.get(Case, given.case_id) if given else None
    if case is None or case.status not in OPEN or case.number is None:
        return Became.NOTHING
    copies = select(Footage.post_id).where(
        Footage.family_id == footage.family_id,
        col(Footage.post_id).is_not(None),
        col(Footage.withdrawn_at).is_(None),
    )
    posts = [post for post in session.exec(copies) if post and _case_of(session, post) != case.id]
    home = _Home(case.id, case.number, case.last_post_at)
    return _suggest(session, posts, home, footage, now=now)


def _case_of(session: Session, post: UUID) -> UUID | None:
    sure = select(Membership.case_id).where(Membership.post_id == post, col(Membership.sure))
    return session.exec(sure).first()


def _homes(session: Session, footage: Footage) -> list[_Home]:
    """The open cases of the other copies, the one spoken of last first."""
    others = select(Footage.post_id, Footage.media_id).where(
        Footage.family_id == footage.family_id, Footage.id != footage.id
    )
    copies = session.exec(others).all()
    posts, media = [post for post, _ in copies if post], [each for _, each in copies if each]
    of_posts = select(Membership.case_id).where(col(Membership.post_id).in_(posts), col(Membership.sure))
    of_uploads = select(Look.case_id).where(col(Look.media_id).in_(media), col(Look.case_id).is_not(None))
    found = session.exec(
        select(Case.id, Case.number, Case.last_post_at)
        .where(or_(col(Case.id).in_(of_posts), col(Case.id).in_(of_uploads)), col(Case.status).in_(OPEN))
        .order_by(col(Case.last_post_at).desc(), col(Case.id))
    )
    return [_Home(case, number or 0, last) for case, number, last in found]


def _may_join(session: Session, footage: Footage, home: _Home, window: timedelta) -> bool:
    routing = session.get(Routing, footage.post_id)
    recent = abs(footage.first_seen_at - home.last_post_at) <= window
    sure = any(match["sure"] for match in footage.matches) or _same_file(session, footage)
    return recent and sure and routing is not None and routing.outcome != Outcome.DROP


def _same_file(session: Session, footage: Footage) -> bool:
    same = select(Footage.id).where(
        Footage.sha256 == footage.sha256, Footage.family_id == footage.family_id, Footage.id != footage.id
    )
    return session.exec(same.limit(1)).first() is not None


def _join(session: Session, post: UUID, home: _Home, why: str, *, now: datetime) -> None:
    [case] = lock(session, home.id)
    session.exec(
        delete(Membership).where(col(Membership.post_id) == post, col(Membership.case_id) == case.id)
    )
    session.add(Membership(post_id=post, case_id=case.id, how=HOW, joined_at=now))
    session.exec(
        update(Routing)
        .where(col(Routing.post_id) == post)
        .values(case_id=case.id, because=col(Routing.because) + f"; joined by {HOW}")
    )
    session.flush()
    recount(session, case, now=now)
    touch_by(
        session, case, "post joined", who=MACHINE, now=now, why=why, detail={"post": str(post), "how": HOW}
    )


def _suggest(
    session: Session, posts: Sequence[UUID], home: _Home, footage: Footage, *, now: datetime
) -> Became:
    """Ask a person, once: a suggestion that was refused is not made again for the same copy."""
    known = set(
        session.scalars(
            text(
                "SELECT post_id FROM memberships WHERE case_id = :case AND post_id = ANY(:posts)"
                " UNION SELECT CAST(detail->>'post' AS uuid) FROM log_entries"
                " WHERE case_id = :case AND what = 'suggestion refused'"
            ),
            {"case": home.id, "posts": list(posts)},
        )
    )
    new = [post for post in dict.fromkeys(posts) if post not in known]
    if not new:
        return Became.NOTHING
    [case] = lock(session, home.id)
    for post in new:
        session.add(Membership(post_id=post, case_id=case.id, sure=False, score=0.9, how=HOW, joined_at=now))
    detail = {"posts": [str(post) for post in new], "how": HOW}
    touch_by(session, case, "post suggested", who=MACHINE, now=now, why=why_of(footage), detail=detail)
    return Became.SUGGESTED


def why_of(footage: Footage) -> str:
    """Why a copy was put beside others, in one line."""
    best = next((match for match in footage.matches if match["sure"]), None)
    return f"{HOW}: {best['because']}" if best else f"{HOW}: the same file"
