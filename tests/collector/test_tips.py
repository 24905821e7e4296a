"""Tips: contact details are taken out, nothing is dropped, callers are counted without being known."""

from datetime import datetime, timedelta
from multiprocessing import get_context

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlmodel import Session, create_engine, select

from collector.door_records import Knock
from collector.knocks import caller_of, forget_knocks, knock
from collector.months import make_months
from collector.records import Post
from collector.tips import TAKEN_OUT, Tip, is_kept, item_of, take_in, without_contacts
from tests.conftest import LOG_KEY, NOON
from tests.make import make_source

HOUR = timedelta(hours=1)
KEY = b"k" * 32


@pytest.mark.parametrize(
    "written",
    [
        "someone@example.org",
        "some.one+else@mail.example.co.uk",
        "07700 900123",
        "+44 7700 900 123",
        "0044 20 7946 0123",
        "(020) 7946 0123",
        "020-7946-0123",
        "07700900123",
    ],
)
def test_contact_details_are_taken_out(written: str) -> None:
    told = without_contacts(f"Officers stopped my brother, reach me at {written}, thanks")
    assert TAKEN_OUT in told
    assert not set(written.split()) & set(told.replace("(", " ").replace(",", " ").split())
    assert told.startswith("Officers stopped my brother")
    assert told.endswith("thanks")


@pytest.mark.parametrize(
    "written",
    [
        "on 01/02/2026 at 10:15",
        "about 07.30 to 08.15",
        "shoulder number 1234AS, car LX07 ABC",
        "bus 159 near SW9 8HQ",
        "log 4821/14JUL26, 10,000 people",
        "posted by @someone on there",
        "https://social.example/@who@other.example/114000000000000000",
        "https://www.tiktok.com/@some.one/video/7312345678901234567",
        "https://video.example/watch?v=07700900123",
    ],
)
def test_what_is_no_contact_stays(written: str) -> None:
    assert without_contacts(written) == written


@given(st.text(max_size=400))
def test_taking_out_never_fails_and_ends_at_once(written: str) -> None:
    once = without_contacts(written)
    assert without_contacts(once) == once


def test_a_tip_that_says_nothing_of_police_is_kept_and_assessed(session: Session) -> None:
    session.add(make_source("tip-form", "tip"))
    make_months(session, now=NOON)
    tip = Tip(what="They had him by the neck, call 07700 900123", place="by the arches", when="just now")
    taken = take_in(session, "tip-form", [item_of(tip, "AAAA", published_at=NOON)], now=NOON)
    again = take_in(session, "tip-form", [item_of(tip, "AAAA", published_at=NOON)], now=NOON)
    session.commit()
    post = session.exec(select(Post)).one()
    assert [each.new for each in (*taken, *again)] == [True, False]
    assert is_kept(session, post.id)
    assert (post.platform, post.source, post.let_in_by, post.author_key) == (
        "tip",
        "tip-form",
        "sent to us",
        None,
    )
    assert post.text == f"They had him by the neck, call {TAKEN_OUT}\nWhere: by the arches\nWhen: just now"
    assert b"900123" not in (post.payload or b"")
    jobs = session.execute(text("SELECT task_name, args FROM procrastinate_jobs")).all()
    assert [(each.task_name, each.args) for each in jobs] == [("assess", {"posts": [str(post.id)]})]


def test_a_caller_is_let_in_so_often_and_again_in_the_next_hour(session: Session) -> None:
    def try_at(moment: datetime, caller: str = "192.0.2.1") -> timedelta | None:
        return knock(session, "form", caller, most=2, within=HOUR, key=KEY, now=moment)

    at = NOON + timedelta(minutes=20)
    assert [try_at(at) for _each in range(3)] == [None, None, timedelta(minutes=40)]
    assert try_at(at, "192.0.2.2") is None
    assert try_at(NOON + HOUR) is None


def test_what_is_kept_of_a_caller_cannot_be_turned_back_or_followed(session: Session) -> None:
    for hours in range(2):
        knock(session, "form", "192.0.2.1", most=9, within=HOUR, key=KEY, now=NOON + hours * HOUR)
    knock(session, "form", "192.0.2.1", most=9, within=HOUR, key=b"other" * 8, now=NOON)
    rows = session.exec(select(Knock)).all()
    assert len({each.subject for each in rows}) == 3
    assert all(len(each.subject) == 16 for each in rows)
    forget_knocks(session, now=NOON + timedelta(days=2, minutes=1))
    session.expire_all()
    assert [each.began_at for each in session.exec(select(Knock))] == [NOON + HOUR]


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1%eth0", "2001:db8:1:2::"),
        ("", "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_one_household_is_one_caller(address: str, caller: str) -> None:
    assert caller_of(address) == caller


def _knocks(url: str, times: int) -> int:
    """How many of these tries were let in, from a process of its own."""
    engine = create_engine(url, execution_options={"log_key": LOG_KEY})
    let_in = 0
    for _each in range(times):
        with Session(engine) as session:
            let_in += knock(session, "form", "", most=25, within=HOUR, key=KEY, now=NOON) is None
            session.commit()
    engine.dispose()
    return let_in


def test_several_processes_count_together(engine: Engine, database_url: str) -> None:
    with get_context("spawn").Pool(2) as pool:
        let_in = pool.starmap(_knocks, [(database_url, 20)] * 2)
    assert sum(let_in) == 25
