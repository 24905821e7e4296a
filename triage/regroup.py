"""Which posts make up a case, as people decide it: split, join, confirm or refuse what was suggested.

What a person put together or apart stays so: later posts are matched against the cases as they now stand.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import delete, update
from sqlmodel import Session, col, func, select

from classifier.records import Assessment, Force, IncidentType
from collector.records import Post
from triage.case_facts import move_facts
from triage.claims import move_claims
from triage.growth import count_anew
from triage.holding import pass_holds_on
from triage.issuing import move_lines
from triage.locked import Conflict, lock, must_be_free, stop_clocks, touch
from triage.log import Line, note
from triage.notice import tell_desk
from triage.permissions import Permission, need
from triage.records import OPEN, Alert, AlertState, Case, Membership, Person, Severity, Status
from triage.release import move_releases
from triage.restricting import must_stay_restricted, pass_on
from triage.review.merging import join_reviews
from triage.review.sheets import move_entries
from triage.severity import graver, of_case, weigh
from triage.ties import pass_ties_on
from triage.titles import title_of

BY_PERSON = "by a person"


def split(
    session: Session, case_id: UUID, post_ids: Sequence[UUID], *, who: Person, why: str, now: datetime
) -> Case:
    """Make posts of a case into a case of their own. Returns the new one, which nobody has claimed."""
    need(who, Permission.TRIAGE)
    [case] = lock(session, case_id)
    must_be_free(session, case, who, now)
    members = set(session.scalars(_members(case_id)))
    chosen = [post for post in dict.fromkeys(post_ids) if post in members]
    if len(chosen) < len(set(post_ids)):
        raise Conflict("Some of these posts are not in this case any more. Look again.")
    if not chosen or len(chosen) == len(members):
        raise Conflict("Choose some of the posts, but not all: the case must keep one.")
    new = Case(
        id=uuid4(), title=case.title, severity=Severity.SEV4, type=IncidentType.NONE, desks=case.desks,
        opened_at=now, first_published_at=now, last_post_at=now, touched_at=now,
    )  # fmt: skip
    session.add(new)
    session.flush()
    pass_on(session, case_id, new.id)
    pass_ties_on(session, case_id, new.id, now=now)
    pass_holds_on(session, chosen, case_id, new.id, split=True, now=now)
    _move(session, chosen, case_id, new.id, now=now)
    recount(session, case, now=now)
    recount(session, new, anew=True, now=now)
    session.flush()
    session.refresh(new)
    detail = {"into": new.number, "posts": len(chosen)}
    touch(session, case, "split", who=who, now=now, why=why, detail=detail)
    note(session, [Line("split off", new.id, why, {"from": case.number})], who=who.username, now=now)
    tell_desk(session, "opened", new.id)
    return new


def join(
    session: Session, case_id: UUID, other: UUID, *, who: Person, why: str | None = None, now: datetime
) -> Case:
    """Bring a post, or all of another case, into this one. The other case is closed and says where it went."""
    need(who, Permission.TRIAGE)
    if session.get(Case, other) is not None:
        return _merge(session, case_id, other, who=who, why=why, now=now)
    home = session.scalars(
        select(Membership.case_id).where(Membership.post_id == other, col(Membership.sure))
    ).first()
    if home == case_id:
        raise Conflict("This post is in this case already.")
    if home is not None and _alone(session, home):
        return _merge(session, case_id, home, who=who, why=why, now=now)
    if home is not None:
        case, left = lock(session, case_id, home)
        must_be_free(session, left, who, now)
        must_stay_restricted(session, left, case)
        pass_holds_on(session, [other], home, case_id, split=False, now=now)
        _move(session, [other], home, case_id, now=now)
        recount(session, left, now=now)
        touch(session, left, "post moved out", who=who, now=now, why=why, detail={"to": case.number})
    else:
        [case] = lock(session, case_id)
        _place(session, other, case_id, now=now)
    recount(session, case, now=now)
    touch(session, case, "post joined", who=who, now=now, why=why, detail={"post": str(other)})
    return case


def confirm_suggestion(session: Session, case_id: UUID, post_id: UUID, *, who: Person, now: datetime) -> Case:
    """Say that a suggested post is about this case. Raises Conflict when it is suggested no more."""
    _suggested(session, case_id, post_id)
    return join(session, case_id, post_id, who=who, why="suggestion confirmed", now=now)


def refuse_suggestion(session: Session, case_id: UUID, post_id: UUID, *, who: Person, now: datetime) -> Case:
    """Say that a suggested post is not about this case."""
    need(who, Permission.TRIAGE)
    [case] = lock(session, case_id)
    _suggested(session, case_id, post_id)
    session.execute(_of(case_id, [post_id], sure=False))
    touch(session, case, "suggestion refused", who=who, now=now, detail={"post": str(post_id)})
    return case


def recount(session: Session, case: Case, *, anew: bool = False, now: datetime) -> None:
    """Bring a case's figures in line with its posts. `anew` also weighs it afresh: a machine never lowers a
    case, but one that was split off starts from its own posts.
    """
    rows = session.execute(
        select(Post, Assessment)
        .join(Membership, col(Membership.post_id) == col(Post.id))
        .outerjoin(Assessment, col(Assessment.post_id) == col(Post.id))
        .where(Membership.case_id == case.id, col(Membership.sure))
        .order_by(col(Post.published_at), col(Assessment.at))
    ).all()
    posts = {post.id: post for post, _ in rows}
    said = [each for _, each in rows if each is not None]
    case.post_count = len(posts)
    case.sources = list(dict.fromkeys(post.source for post in posts.values()))
    case.source_count = len(case.sources)
    if posts:
        case.first_published_at = min(post.published_at for post in posts.values())
        case.last_post_at = max(post.published_at for post in posts.values())
    if anew:
        _weigh_anew(case, said)
    count_anew(session, case.id, posts.values(), now=now)


def _weigh_anew(case: Case, said: Sequence[Assessment]) -> None:
    weighed = [weigh(each.labels, each.signals, each.severity) for each in said]
    whole = of_case({}, weighed, posts=case.post_count, sources=case.source_count)
    case.severity, case.severity_parts = int(whole.level), whole.parts
    case.incident = max((each.incident for each in said), default=0.0)
    for each in said:
        case.type = graver(IncidentType(case.type), IncidentType(each.type))
        case.force = each.force if case.force == Force.UNKNOWN else case.force
        best = max(each.places, key=lambda place: place.get("p") or 0.0, default=None)
        if best and case.borough is None:
            case.place, case.borough, case.bcu = best.get("name"), best.get("borough"), best.get("bcu")
    case.title = title_of(IncidentType(case.type), case.place, case.borough)


def _merge(
    session: Session, case_id: UUID, other_id: UUID, *, who: Person, why: str | None, now: datetime
) -> Case:
    if case_id == other_id:
        raise Conflict("This is the same case.")
    case, other = lock(session, case_id, other_id)
    if other.status not in OPEN:
        raise Conflict(f"GH-{other.number} is closed. Reopen it first.")
    must_be_free(session, other, who, now)
    must_stay_restricted(session, other, case)
    pass_ties_on(session, other_id, case_id, now=now)
    moved = list(session.scalars(_members(other_id)))
    pass_holds_on(session, moved, other_id, case_id, split=False, now=now)
    _move(session, moved, other_id, case_id, now=now)
    _move_suggestions(session, other_id, case_id)
    move_claims(session, other_id, case_id)
    move_lines(session, other_id, case_id, now=now)
    move_facts(session, other_id, case_id, now=now)
    move_releases(session, other_id, case_id)
    move_entries(session, other_id, case_id)
    join_reviews(session, other, case, who=who.username, now=now)
    recount(session, case, now=now)
    case.severity = min(case.severity, other.severity)
    case.type = graver(IncidentType(case.type), IncidentType(other.type))
    case.desks = list(dict.fromkeys([*case.desks, *other.desks]))
    if case.borough is None:
        case.place, case.borough, case.bcu = other.place, other.borough, other.bcu
    case.lane = case.lane if case.lane == other.lane else None
    case.title = title_of(IncidentType(case.type), case.place, case.borough, lane=case.lane)
    recount(session, other, now=now)
    other.status, other.dismissed_because = Status.CLOSED, f"joined to GH-{case.number}"
    other.claimed_by = other.claimed_until = None
    for alert in session.scalars(select(Alert).where(Alert.case_id == other_id)):
        alert.state = AlertState.CLOSED
    stop_clocks(session, other, by=who.username, now=now)
    touch(session, other, "joined to another case", who=who, now=now, why=why, detail={"to": case.number})
    detail = {"from": other.number, "posts": len(moved)}
    touch(session, case, "case joined", who=who, now=now, why=why, detail=detail)
    return case


def _move(session: Session, posts: Sequence[UUID], home: UUID, to: UUID, *, now: datetime) -> None:
    """Take posts from one case to another; the score they had is a person's now."""
    session.execute(_of(to, posts))
    session.execute(
        update(Membership)
        .where(col(Membership.case_id) == home, col(Membership.post_id).in_(posts), col(Membership.sure))
        .values(case_id=to, score=1.0, how=BY_PERSON, joined_at=now)
    )


def _move_suggestions(session: Session, home: UUID, to: UUID) -> None:
    taken = select(Membership.post_id).where(Membership.case_id == to)
    waiting = (col(Membership.case_id) == home) & ~col(Membership.sure)
    session.execute(delete(Membership).where(waiting, col(Membership.post_id).in_(taken)))
    session.execute(update(Membership).where(waiting).values(case_id=to))


def _place(session: Session, post: UUID, case_id: UUID, *, now: datetime) -> None:
    """A post that had no case: only counted before, or suggested."""
    if session.scalars(select(Post.id).where(Post.id == post)).first() is None:
        raise Conflict("This post is no longer kept.")
    session.execute(_of(case_id, [post]))
    session.add(Membership(post_id=post, case_id=case_id, how=BY_PERSON, joined_at=now))
    session.flush()


def _suggested(session: Session, case_id: UUID, post_id: UUID) -> None:
    found = session.get(Membership, (post_id, case_id), with_for_update=True)
    if found is None or found.sure:
        raise Conflict("This suggestion has been answered already.")


def _of(case_id: UUID, posts: Sequence[UUID], *, sure: bool | None = None):  # type: ignore[no-untyped-def]
    gone = delete(Membership).where(col(Membership.case_id) == case_id, col(Membership.post_id).in_(posts))
    return gone if sure is None else gone.where(col(Membership.sure) == sure)


def _members(case_id: UUID):  # type: ignore[no-untyped-def]
    return select(Membership.post_id).where(Membership.case_id == case_id, col(Membership.sure))


def _alone(session: Session, case_id: UUID) -> bool:
    count = select(func.count()).where(Membership.case_id == case_id, col(Membership.sure))
    return session.scalars(count).one() == 1
