"""What a legal hold covers is copied before it is taken back, and no other post is."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session, col, select

from collector.batch import Batch, Deletion
from collector.collect import id_of
from collector.evidence_records import PostVersion
from collector.hold_records import HeldCopy
from collector.records import Post
from collector.retention import let_answers_go
from tests.collector.test_collect import item, take
from tests.conftest import NOON
from tests.make import make_case, make_person
from triage.hold_records import Hold, HoldScope
from triage.records import Membership

WORDS = "Police knelt on the quokka at Mare Street, Hackney"


def hold(session: Session, **given: object) -> Hold:
    who = make_person()
    session.add(who)
    session.flush()
    asked: dict[str, Any] = {
        "scope": HoldScope.SPAN, "reason": "court", "why": "a claim is announced", "content": True, "set_by": who.id,
        "set_at": NOON, "review_at": NOON + timedelta(days=30), "expires_at": NOON + timedelta(days=90),
        "signed_by": who.id, "signed_at": NOON, **given,
    }  # fmt: skip
    made = Hold(**asked)
    session.add(made)
    session.commit()
    return made


def brought(session: Session) -> UUID:
    one = item(WORDS, external_id="quokka", platform="mastodon")
    take(session, Batch(items=[one]))
    return id_of(one)


def deleted(session: Session) -> None:
    take(session, Batch(deletions=[Deletion("mastodon", "deleted by its author", "quokka")]))
    session.expire_all()


@pytest.mark.parametrize("scope", ["post", "span", "source", "case"])
def test_a_held_post_is_copied_when_its_author_deletes_it(scope: str, session: Session) -> None:
    post = brought(session)
    if scope == "case":
        case = make_case()
        session.add_all([case, Membership(post_id=post, case_id=case.id, how="opened", joined_at=NOON)])
        session.commit()
        hold(session, scope="case", case_id=case.id)
    elif scope == "post":
        hold(session, scope="post", post_id=post)
    else:
        source = session.exec(select(Post.source)).one() if scope == "source" else None
        hold(session, source=source, from_at=NOON - timedelta(days=1), until_at=NOON + timedelta(days=1))
    deleted(session)
    assert session.exec(select(Post)).one().text == ""
    kept = session.exec(select(HeldCopy)).one()
    assert kept.content["post"]["text"] == WORDS
    assert kept.because == "deleted by its author"


@pytest.mark.parametrize(
    "given",
    [
        {"signed_at": None},
        {"ended_at": NOON},
        {"source": "another"},
        {"until_at": NOON - timedelta(hours=1)},
    ],
)
def test_what_no_hold_covers_leaves_no_copy(given: dict[str, object], session: Session) -> None:
    brought(session)
    hold(session, **{"from_at": NOON - timedelta(days=1), "until_at": NOON + timedelta(days=1), **given})
    deleted(session)
    assert session.exec(select(HeldCopy)).all() == []


def test_earlier_wordings_and_the_voice_of_a_held_post_stay(session: Session) -> None:
    post = brought(session)
    take(session, Batch(items=[item("Police left", external_id="quokka", platform="mastodon")]))
    hold(session, scope="post", post_id=post)
    let_answers_go(session, 14, now=NOON + timedelta(days=60))
    session.commit()
    assert len(session.exec(select(PostVersion)).all()) == 2
    session.exec(select(Hold)).one().ended_at = NOON
    let_answers_go(session, 14, now=NOON + timedelta(days=60))
    session.commit()
    assert session.exec(select(PostVersion)).all() == []
    assert session.exec(select(col(Post.author_key))).one() is None
