"""Links that people paste: kept as posts, for a case the person names or to be routed like any other; with a reason."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, func, select

from collector.batch import Batch, Item
from collector.bluesky import KEY_LENGTH, PLATFORM, key_of
from collector.collect import collect, id_of
from collector.http import Answer
from collector.oembed import Link
from collector.records import Post
from collector.sources.manual import PASTED
from collector.tips import Everything
from collector.watch import traced
from triage.hidden import seeing_all
from triage.locked import Conflict
from triage.log import Line, note
from triage.permissions import Permission, need
from triage.records import Case, Membership, Person, Routing
from triage.regroup import join
from triage.rules import Outcome

RULE = "put into a case by a person"
MOST_AT_ADDRESS = 50


def known_post(session: Session, link: Link, written: str) -> Post | None:
    """The post we have at this address already, however it came; the one in a case first."""
    asked = (
        select(Post)
        .outerjoin(Membership, (col(Membership.post_id) == col(Post.id)) & col(Membership.sure))
        .where(
            col(Post.id).in_(posts_at(session, {link.address, written.strip()})),
            col(Post.withdrawn_at).is_(None),
        )
        .order_by(col(Membership.case_id).is_(None), col(Post.collected_at))
    )
    return session.exec(asked.limit(1)).first()


def posts_at(session: Session, addresses: Collection[str]) -> list[UUID]:
    """The posts at one of these addresses. A Bluesky post is kept under its author's DID; pasted with a handle it is
    known by its record key, unless somebody else made a post of the same key."""
    exact = list(session.scalars(select(Post.id).where(col(Post.url).in_(addresses)).limit(MOST_AT_ADDRESS)))
    keys = {key for each in addresses if (key := key_of(each)) is not None}
    if exact or not keys:
        return exact
    named = func.right(col(Post.external_id), KEY_LENGTH).in_(keys)
    alike = list(session.scalars(select(Post.id).where(Post.platform == PLATFORM, named).limit(2)))
    return alike if len(alike) == 1 else []


def paste(
    session: Session,
    item: Item,
    answers: Sequence[Answer],
    *,
    case: Case | None,
    who: Person,
    why: str,
    author_key: bytes,
    now: datetime,
) -> UUID:
    """Keep a pasted link, in `case` or to be routed. `answers` are what its platform said. The caller commits."""
    need(who, Permission.TRIAGE)
    batch = traced(Batch(items=[item]), answers)
    collect(session, PASTED, batch, Everything(), author_key=author_key, now=now)
    post = id_of(item)
    note(session, [Line("link pasted", None, why, {"post": str(post)})], who=who.username, now=now)
    if case is not None:
        put_into(session, post, case, who=who, why=why, now=now)
    return post


def put_into(session: Session, post: UUID, case: Case, *, who: Person, why: str, now: datetime) -> None:
    """Bring a post into a case by a person's word; it is not routed again. Raises Conflict when it is in another."""
    home = case_of(session, post)
    if home is not None:
        raise Conflict(f"This link is in GH-{home.number} already. Join the cases, or split it off there.")
    with seeing_all(session):
        hidden = case_of(session, post) is not None
    if hidden:
        raise Conflict("This link cannot be put into a case from here. Ask a supervisor.")
    join(session, case.id, post, who=who, why=why, now=now)
    if session.get(Routing, post) is None:
        session.add(_routing(post, case, why, now))


def case_of(session: Session, post: UUID) -> Case | None:
    """The case a post surely belongs to."""
    asked = select(Case).join(Membership, col(Membership.case_id) == col(Case.id))
    return session.exec(asked.where(Membership.post_id == post, col(Membership.sure))).first()


def _routing(post: UUID, case: Case, why: str, now: datetime) -> Routing:
    return Routing(
        post_id=post,
        at=now,
        model="",
        rule=RULE,
        outcome=Outcome.LIST.value,
        because=why,
        case_id=case.id,
        desks=case.desks,
    )
