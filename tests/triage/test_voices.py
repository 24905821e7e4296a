"""One author is one voice in a case, before and after custody, and in two cases nothing in the database links them."""

from uuid import UUID

from sqlmodel import Session, col, select

from collector.batch import Batch, Item
from collector.collect import id_of
from collector.records import Post
from tests.collector.test_collect import item, take
from tests.conftest import NOON
from tests.make import make_case
from triage.custody import take_into_custody
from triage.records import Membership
from triage.web.reading import pseudonym


def joined(session: Session, *posts: Item) -> UUID:
    case = make_case()
    session.add(case)
    session.flush()
    session.add_all(
        Membership(post_id=id_of(each), case_id=case.id, how="new", joined_at=NOON) for each in posts
    )
    session.commit()
    return case.id


def named(session: Session, case: UUID) -> list[str]:
    session.expire_all()
    ours = select(Membership.post_id).where(Membership.case_id == case)
    posts = session.exec(select(Post).where(col(Post.id).in_(ours)))
    return [pseudonym(case, post.author_key) for post in posts]


def test_a_voice_is_of_one_case_and_stays_what_it_is(session: Session) -> None:
    first, second, elsewhere, later, other = (item(author="A") for _ in range(5))
    take(session, Batch(items=[first, second, elsewhere, later, other]))
    one, two = joined(session, first, second), joined(session, elsewhere)
    before = named(session, one)
    assert len(set(before)) == 1
    take_into_custody(session, now=NOON)
    session.commit()
    assert named(session, one) == before
    keys = {post.id: post.author_key for post in session.exec(select(Post))}
    assert keys[id_of(first)] == keys[id_of(second)] != keys[id_of(elsewhere)]
    assert len({keys[id_of(each)] for each in (first, elsewhere, other)}) == 3
    assert named(session, two) != before
    session.add(Membership(post_id=id_of(later), case_id=one, how="copy", joined_at=NOON))
    session.commit()
    assert set(named(session, one)) == set(before)  # also while it waits for custody
    take_into_custody(session, now=NOON)
    session.commit()
    assert set(named(session, one)) == set(before)
