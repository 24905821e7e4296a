"""Why was this not raised? Every post ends in a routing; one asks by rule, by day, by a post's address or its words."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlmodel import Session, col, func, or_, select

from classifier.records import Assessment
from collector.records import Post, Tally
from triage.pasting import posts_at
from triage.records import Case, Routing
from triage.web.reading import Piece, pieces, read_text
from triage.web.search import NOT_PEOPLE, literally
from triage.web.visit import Visiting

router = APIRouter()

SHOWN = 50
# posts that no rule raised, the newest first: so many are read in well under a second
LOOKED_THROUGH = 10_000
DAYS = (1, 7, 30)


class Gathered(NamedTuple):
    """What became of everything the sources showed: seen = stored + known + dropped + malformed."""

    seen: int
    stored: int
    known: int
    dropped: int
    malformed: int


class Decided(NamedTuple):
    """What was decided for one post, with the post. `case` is the number of the case it went to."""

    routing: Routing
    post: Post
    pieces: list[Piece]
    assessment: Assessment | None
    case: int | None


@router.get("/routings")
def routings(visit: Visiting, link: str = "", rule: str = "", words: str = "", days: int = 1) -> HTMLResponse:
    """Counts by rule over the last days; the newest posts of one rule; one post by its exact address; or those among
    the newest that no rule raised whose text holds every word."""
    days = days if days in DAYS else 1
    since = visit.now - timedelta(days=days)
    session = visit.session
    words = " ".join(words.split())[:300]
    refused = NOT_PEOPLE if words.startswith("@") else ""
    if link.strip():
        found = by_link(session, link.strip())
    elif words and not refused:
        found = by_words(session, words, since)
    else:
        found = by_rule(session, rule) if rule else []
    counts = session.execute(
        select(Routing.rule, Routing.outcome, func.count(), func.max(Routing.at))
        .where(Routing.at > since)
        .group_by(col(Routing.rule), col(Routing.outcome))
        .order_by(func.count().desc())
    ).all()
    gathered = _gathered(session, since)
    return visit.page(
        "routings.html",
        counts=counts,
        gathered=gathered,
        found=found,
        link=link,
        rule=rule,
        words=words,
        refused=refused,
        looked_through=LOOKED_THROUGH,
        days=days,
        all_days=DAYS,
        shown=SHOWN,
    )


def _gathered(session: Session, since: datetime) -> Gathered:
    kinds = (Tally.seen, Tally.stored, Tally.known, Tally.dropped, Tally.malformed)
    sums = [func.coalesce(func.sum(each), 0) for each in kinds]
    return Gathered(*session.execute(select(*sums).where(col(Tally.minute) > since)).one())


def by_link(session: Session, link: str) -> list[Decided]:
    """The decision for the post at exactly this address. Never by person: an address names one post."""
    there = posts_at(session, [link[:2000]])
    return _decided(session, session.exec(select(Post).where(col(Post.id).in_(there))).all())


def by_words(session: Session, words: str, since: datetime) -> list[Decided]:
    """Posts that no rule raised, whose text or title holds every word: the newest of the newest LOOKED_THROUGH."""
    newest = (
        select(Routing.post_id, Routing.at)
        .where(Routing.at > since, col(Routing.case_id).is_(None))
        .order_by(col(Routing.at).desc())
        .limit(LOOKED_THROUGH)
        .cte("newest")
    )
    asked = (
        select(Post).join(newest, newest.c.post_id == col(Post.id)).where(col(Post.withdrawn_at).is_(None))
    )
    for word in words.split()[:8]:
        like = f"%{literally(word)}%"
        asked = asked.where(
            or_(col(Post.text).ilike(like, escape="\\"), col(Post.title).ilike(like, escape="\\"))
        )
    return _decided(session, session.exec(asked.order_by(newest.c.at.desc()).limit(SHOWN)).all())


def by_rule(session: Session, rule: str) -> list[Decided]:
    newest = select(Routing.post_id).where(Routing.rule == rule).order_by(col(Routing.at).desc()).limit(SHOWN)
    posts = session.exec(select(Post).where(col(Post.id).in_(newest))).all()
    decided = _decided(session, posts)
    return sorted(decided, key=lambda each: each.routing.at, reverse=True)


def _decided(session: Session, posts: Sequence[Post]) -> list[Decided]:
    ids = [each.id for each in posts]
    routed = {
        each.post_id: each for each in session.exec(select(Routing).where(col(Routing.post_id).in_(ids)))
    }
    assessed = {
        each.post_id: each
        for each in session.exec(select(Assessment).where(col(Assessment.post_id).in_(ids)))
    }
    wanted = [each.case_id for each in routed.values() if each.case_id]
    numbers = dict(session.exec(select(Case.id, Case.number).where(col(Case.id).in_(wanted))).all())
    found = []
    for post in posts:
        routing, assessment = routed.get(post.id), assessed.get(post.id)
        if routing is not None:
            cut = pieces(read_text(post), assessment.signals if assessment else [])
            number = numbers.get(routing.case_id) if routing.case_id else None
            found.append(Decided(routing, post, cut, assessment, number))
    return found
