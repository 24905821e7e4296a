"""The pages of the oversight meetings: the year ahead, one list with its acts, who sits where, requests, calendars."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from icalendar import Calendar
from sqlalchemy import Engine
from sqlmodel import Session, select

from tests.browser.seed import PASSWORD, Seeded, password_hash
from tests.make import LIFECYCLE, make_person
from tests.served import Browser, serve
from tests.triage.review.kept import CYCLE, OTHERS, seat
from tests.triage.web.conftest import Clockwork
from triage.policies import Policies
from triage.records import LogEntry
from triage.review.agenda import agenda_of, list_for_review, lock_agenda
from triage.review.attendance import sheet_of
from triage.review.meeting_records import CommunityRequest, Review, ReviewItem, Seat
from triage.review.schedule import arrange, next_open
from triage.settings import WebSettings
from triage.track_records import Track
from triage.web.app import desk
from triage.web.words import london_day


@pytest.fixture
def base(engine: Engine, clock: Clockwork, seeded: Seeded) -> Iterator[str]:
    app = desk(engine, WebSettings(), lifecycle=LIFECYCLE, policies=Policies(cycle=CYCLE), now=clock)
    with serve(app) as address:
        yield address


@pytest.fixture
def review(session: Session, seeded: Seeded, clock: Clockwork) -> Review:
    """The next meeting whose list is open, with the first three cases on it."""
    for each in session.exec(select(ReviewItem)):
        session.delete(each)
    for old in session.exec(select(Review)):
        session.delete(old)
    session.flush()
    arrange(session, CYCLE.meetings, now=clock())
    for case in seeded.cases[:3]:
        list_for_review(session, case.id, CYCLE.meetings, now=clock())
    session.commit()
    found = next_open(session, now=clock())
    assert found is not None
    return found


def page_of(review: Review) -> str:
    return f"/reviews/{london_day(review.meets_at)}"


def chair(session: Session, seeded: Seeded, now: datetime) -> None:
    seat(session, "chair", seeded.officer.name, person=seeded.officer.id, now=now)
    for post, name in OTHERS:
        seat(session, post, name, now=now)
    session.commit()


def test_the_meetings_of_a_year_stand_on_one_page_with_the_next_lock(tom: Browser, review: Review) -> None:
    page = tom.get("/reviews").text
    assert page.count('<tr><th scope="row">') >= 26
    assert "Next:" in page
    assert f'href="{page_of(review)}"' in page
    assert "Bank holidays are known until" in page


def test_a_case_is_put_on_carried_over_and_taken_off_with_reasons(
    session: Session, tom: Browser, review: Review
) -> None:
    here = page_of(review)
    assert tom.get(here).text.count('class="gh-agenda__n"') == 3
    assert tom.fill_in(f"{here}/items", case="GH-5", because="a panel spoke of it").status_code == 303
    assert tom.fill_in(f"{here}/items", case="GH-6", because="no").status_code == 409
    assert tom.fill_in(f"{here}/items", case="GH-999999", because="a panel spoke of it").status_code == 404
    assert tom.fill_in(f"{here}/items/5/up").status_code == 303
    session.expire_all()
    assert [each.position for each in agenda_of(session, review.id)] == [1, 2, 3, 4]
    assert tom.fill_in(f"{here}/items/5/off", why="it is not ours").status_code == 303
    assert tom.fill_in(f"{here}/items/1/over", why="the account is not in").status_code == 303
    page = tom.get(here).text
    assert "it is not ours" in page
    assert "carried over to" in page
    assert page.count('class="gh-agenda__n"') == 2
    assert tom.fill_in(f"{here}/items/1/burn").status_code == 404


def test_after_the_lock_only_the_chair_changes_the_list(
    session: Session, amira: Browser, tom: Browser, seeded: Seeded, review: Review, clock: Clockwork
) -> None:
    chair(session, seeded, clock())
    assert review.locks_at is not None
    clock.ahead += review.locks_at - clock() + timedelta(minutes=1)
    lock_agenda(session, review.id, CYCLE.group, now=clock())
    session.commit()
    here = page_of(review)
    for browser in (amira, tom):
        browser.sign_in("amira" if browser is amira else "tom", PASSWORD)
    assert "Add a late item" not in tom.get(here).text
    refused = tom.fill_in(f"{here}/items", case="GH-5", because="it cannot wait")
    assert refused.status_code == 409
    assert "Only the chair" in refused.text
    assert amira.fill_in(f"{here}/items", case="GH-5", because="it cannot wait").status_code == 303
    page = amira.get(here).text
    assert "Late item" in page
    assert "As it was locked" in page
    assert ": 3 cases</summary>" in page


def test_quorum_is_shown_live_as_people_come_and_go(
    session: Session, amira: Browser, seeded: Seeded, review: Review, clock: Clockwork
) -> None:
    chair(session, seeded, clock())
    clock.ahead += review.meets_at - clock()
    lock_agenda(session, review.id, CYCLE.group, now=clock())
    session.commit()
    amira.sign_in("amira", PASSWORD)
    here = page_of(review)
    assert "Not quorate" in amira.get(f"{here}/quorum").text
    for row in sheet_of(session, review.id):
        assert amira.fill_in(f"{here}/attendance/{row.id}", what="came").status_code == 303
    assert ">Quorate<" in amira.get(f"{here}/quorum").text
    assert amira.fill_in(f"{here}/attendance/{row.id}", what="left").status_code == 303
    assert "Not quorate" in amira.get(here).text
    assert amira.fill_in(f"{here}/attendance/{row.id}", what="dances").status_code == 409
    assert amira.fill_in(f"{here}/attendance", post="deputy", name="Dee").status_code == 303


def test_who_declares_an_interest_does_not_open_the_case_from_then_on(
    session: Session, amira: Browser, tom: Browser, review: Review
) -> None:
    here = page_of(review)
    title = "GH-2 "
    assert tom.get("/cases/2").status_code == 200
    assert tom.fill_in(f"{here}/declare", case="2", kind="same_team").status_code == 303
    assert tom.get("/cases/2").status_code == 403
    page = tom.get(here).text
    assert title not in page
    assert "1 case of this list is not shown to you" in page
    assert "Tom B." in amira.get(here).text
    assert tom.get(f"{here}/cases/2").status_code in (403, 404)
    assert "interest declared" in session.exec(select(LogEntry.what)).all()


def test_a_meeting_is_moved_and_cancelled_with_a_reason(
    session: Session, tom: Browser, review: Review
) -> None:
    to = review.meets_at + timedelta(days=1)
    assert tom.fill_in(f"{page_of(review)}/move", to=f"{to:%Y-%m-%dT14:00}", why="no").status_code == 409
    assert tom.fill_in(f"{page_of(review)}/move", to="nonsense", why="the room is taken").status_code == 409
    moved = tom.fill_in(f"{page_of(review)}/move", to=f"{to:%Y-%m-%dT14:00}", why="the room is taken")
    session.refresh(review)
    assert moved.headers["location"].startswith(page_of(review)), "its page is where it now is"
    assert "the room is taken" in tom.get("/reviews").text
    assert tom.fill_in(f"{page_of(review)}/cancel", why="nobody can come").status_code == 303
    assert "Hold it after all" in tom.get(page_of(review)).text
    assert tom.fill_in(f"{page_of(review)}/items", case="GH-5", because="a panel spoke").status_code == 409
    assert tom.fill_in(f"{page_of(review)}/reinstate").status_code == 303
    assert tom.get("/reviews/2026-02-31").status_code == 404
    assert tom.get("/reviews/nonsense").status_code == 404


def test_a_calendar_is_read_without_a_session_until_it_is_revoked(
    tom: Browser, stranger: Browser, review: Review
) -> None:
    made = tom.fill_in("/reviews/calendar")
    address = "/reviews/calendar/" + made.text.split("/reviews/calendar/")[1].split("<")[0]
    read = stranger.get(address)
    assert read.status_code == 200
    assert read.headers["content-type"].startswith("text/calendar")
    events = Calendar.from_ical(read.text).walk("VEVENT")
    assert str(review.id) in read.text
    assert len(events) > 50
    assert "GH-" not in read.text
    assert stranger.get("/reviews/calendar/nothing").status_code == 404
    assert tom.fill_in("/reviews/revoke").status_code == 303
    assert stranger.get(address).status_code == 404


def test_the_calendar_of_a_rota_does_not_open_the_meetings(
    session: Session, tom: Browser, stranger: Browser, review: Review
) -> None:
    tom.fill_in("/reviews/calendar")
    made = tom.fill_in("/reviews/calendar")
    token = made.text.split("/reviews/calendar/")[1].split("<")[0]
    assert stranger.get(f"/on-call/calendar/{token}").status_code == 404
    session.expire_all()
    assert session.get(Review, review.id) is not None


def test_seats_are_given_by_somebody_else(session: Session, amira: Browser, tom: Browser) -> None:
    assert tom.fill_in("/reviews/people", seat="oversight/chair", username="tom").status_code == 409
    assert tom.fill_in("/reviews/people", seat="oversight/chair", username="amira").status_code == 303
    assert amira.fill_in("/reviews/people", seat="cmg-hackney/member", name="Pat").status_code == 303
    page = tom.get("/reviews/people").text
    assert "Amira K." in page
    assert "Pat" in page
    given = session.exec(select(Seat).where(Seat.name == "Pat")).one()
    assert tom.fill_in(f"/reviews/people/{given.id}/end").status_code == 303
    assert "Pat" not in tom.get("/reviews/people").text


def test_a_panel_asks_is_answered_and_reads_why_and_nothing_of_a_case(
    session: Session,
    tom: Browser,
    visit: Callable[[], Browser],
    seeded: Seeded,
    review: Review,
    clock: Clockwork,
) -> None:
    member = make_person(
        username="pat", name="Pat", roles=["panel_viewer"], desks=[], password_hash=password_hash()
    )
    session.add(member)
    session.flush()
    seat(session, "member", "Pat", person=member.id, body="cmg-hackney", now=clock())
    session.commit()
    for panel, words in (
        ("cmg-hackney", "The stop by the canal on Sunday"),
        ("pep-as", "The arrest at the market"),
    ):
        assert tom.fill_in("/reviews/requests", panel=panel, words=words).status_code == 303
    assert tom.fill_in("/reviews/requests", panel="nowhere", words="The stop by the canal").status_code == 409
    first = session.exec(select(CommunityRequest).where(CommunityRequest.panel == "cmg-hackney")).one()
    here = f"/reviews/requests/{first.number}"
    assert tom.fill_in(here, answer="listed", because="the group looks at it").status_code == 409
    assert tom.fill_in(here, answer="listed", because="the group looks at it", case="GH-7").status_code == 303
    assert "GH-7" in tom.get("/reviews/requests").text
    pat = visit()
    pat.sign_in("pat", PASSWORD)
    page = pat.get("/panel").text
    assert "The stop by the canal on Sunday" in page
    assert "the group looks at it" in page
    assert "market" not in page, "what other panels asked is not theirs"
    assert "GH-" not in page
    assert not any(case.title in page for case in seeded.cases)
    for other in ("/reviews", page_of(review), "/cases/7", "/queue", "/reviews/requests", "/search?q=x"):
        assert pat.get(other).status_code == 403, other


def test_a_case_under_proceedings_is_marked_on_the_list(
    session: Session, tom: Browser, seeded: Seeded, review: Review, clock: Clockwork
) -> None:
    assert "Not discussed on its merits" not in tom.get(page_of(review)).text
    began = clock()
    session.add(
        Track(case_id=seeded.cases[0].id, name="conduct", state="iopc", opened_at=began, state_since=began)
    )
    session.commit()
    assert "IOPC-led investigation. Only “deferred” can be found." in tom.get(page_of(review)).text
