"""Two posts of a case side by side, or one suggested for it beside the post it is most like: why, and the acts."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse
from sqlmodel import Session, col, select

from classifier.records import Assessment
from collector.footage_records import Footage
from collector.records import Media, Post
from triage.comparing import Comparison, Mark, Side, as_subject, compare
from triage.matching import How
from triage.records import Case, Membership
from triage.similarity import Profile, likelihood
from triage.web.permitted import note_view
from triage.web.queue import find_case
from triage.web.reading import Piece, pieces, pseudonym, read_text, reasons
from triage.web.visit import Visiting

router = APIRouter()

EARLIEST, NEWEST = 6, 6  # posts of a case that another is held beside
COPIES = (How.SAME_TEXT, How.COPY)
GONE = "This post is not in the case any more. Look at the case again."


class Told(NamedTuple):
    """A post with what is known of it, to be compared. `name` is its author's in this case."""

    post: Post
    side: Side
    membership: Membership
    name: str
    pictures: int


class Shown(NamedTuple):
    """One column of the page: the text cut at its marks, and what is the same with the marked words for it."""

    told: Told
    pieces: list[Piece]
    reasons: dict[str, list[str]]


@router.get("/cases/{ref}/posts/{post}/compare")
def side_by_side(visit: Visiting, ref: str, post: UUID, beside: UUID | None = None) -> HTMLResponse:
    """`post` beside `beside`, or beside that of the case's posts it is most like."""
    found = find_case(visit.session, ref)
    asked = _one(visit.session, found, post)
    others = _others(visit.session, found, asked, beside)
    if not others:
        raise HTTPException(404, "There is no other post in this case to hold it beside.")
    other = next((each for each in others if each.post.id == beside), None)
    other = other or _most_like(visit, asked, others)
    note_view(visit, found.id, [asked.post.id, other.post.id])
    result = compare(asked.side, other.side, visit.room.rarity)
    return visit.page(
        "compare.html",
        case=found,
        asked=shown(asked, result.marks[0]),
        other=shown(other, result.marks[1]),
        result=result,
        verdict=verdict(result),
        choices=[each for each in others if each.post.id != other.post.id],
        home=_home(visit.session, asked, found),
    )


def shown(told: Told, marks: Sequence[Mark]) -> Shown:
    text = told.side.text
    said: dict[str, list[str]] = {}
    for words, because in reasons(text, marks):
        said.setdefault(because, []).append(words)
    return Shown(told, pieces(text, marks), said)


def verdict(result: Comparison) -> str:
    """What the words alone make of it, as a person says it."""
    if result.likely >= 0.8:
        return "very likely the same incident"
    if result.likely >= 0.5:
        return "likely the same incident"
    return "perhaps the same incident" if result.likely >= 0.2 else "little in the words speaks for it"


def _one(session: Session, case: Case, post: UUID) -> Told:
    """A post of the case, suggested ones included. Raises 404."""
    found = session.exec(
        select(Membership, Post)
        .join(Post, col(Post.id) == Membership.post_id)
        .where(Membership.case_id == case.id, Membership.post_id == post)
    ).first()
    if found is None:
        raise HTTPException(404, GONE)
    [told] = _tell(session, case, [found])
    return told


def _others(session: Session, case: Case, asked: Told, beside: UUID | None) -> list[Told]:
    """Posts that are in the case for sure, without mere copies: the earliest, the newest, and the one asked for."""
    members = (
        select(Membership, Post)
        .join(Post, col(Post.id) == Membership.post_id)
        .where(Membership.case_id == case.id, col(Membership.sure), Membership.post_id != asked.post.id)
    )
    telling = members.where(col(Membership.how).not_in(COPIES), col(Post.withdrawn_at).is_(None))
    rows = [
        *session.exec(telling.order_by(col(Membership.joined_at), col(Post.id)).limit(EARLIEST)),
        *session.exec(telling.order_by(col(Membership.joined_at).desc(), col(Post.id)).limit(NEWEST)),
    ]
    if beside is not None:
        rows += session.exec(members.where(Membership.post_id == beside))
    rows = rows or list(session.exec(members.limit(EARLIEST)))
    known = {post.id: (membership, post) for membership, post in rows}
    return _tell(session, case, sorted(known.values(), key=lambda each: each[1].published_at))


def _tell(session: Session, case: Case, rows: Sequence[tuple[Membership, Post]]) -> list[Told]:
    ids = [post.id for _, post in rows]
    media: dict[UUID, list[Media]] = defaultdict(list)
    for each in session.exec(select(Media).where(col(Media.post_id).in_(ids))):
        media[each.post_id].append(each)
    asked = select(Assessment).where(col(Assessment.post_id).in_(ids)).order_by(col(Assessment.at))
    said = {each.post_id: each for each in session.exec(asked)}
    families: dict[UUID, set[UUID]] = defaultdict(set)
    kept = select(Footage.post_id, Footage.family_id).where(col(Footage.post_id).in_(ids))
    for post_id, family in session.exec(kept):
        if post_id is not None:
            families[post_id].add(family)
    return [
        Told(
            post,
            _side(post, media[post.id], said.get(post.id), frozenset(families[post.id])),
            membership,
            pseudonym(case.id, post.author_key),
            sum(each.kind != "link" for each in media[post.id]),
        )
        for membership, post in rows
    ]


def _side(post: Post, media: Sequence[Media], said: Assessment | None, families: frozenset[UUID]) -> Side:
    if post.withdrawn_at is not None:
        return Side("", post.published_at, families=families)
    return Side(
        read_text(post, media),
        post.published_at,
        said.places if said else (),
        said.labels if said else {},
        said.signals if said else (),
        families,
    )


def _most_like(visit: Visiting, asked: Told, others: Sequence[Told]) -> Told:
    """Of equal ones the earliest."""
    mine = as_subject(asked.side, visit.room.rarity)

    def likely(each: Told) -> float:
        profile = Profile(each.side.at)
        profile.add(as_subject(each.side, visit.room.rarity))
        return likelihood(mine, profile)

    return max(others, key=likely)


def _home(session: Session, asked: Told, case: Case) -> int | None:
    """The number of the case that a suggested post stands in meanwhile."""
    held = (
        select(Case.number)
        .join(Membership, col(Membership.case_id) == Case.id)
        .where(Membership.post_id == asked.post.id, col(Membership.sure), Case.id != case.id)
    )
    return session.exec(held).first()
