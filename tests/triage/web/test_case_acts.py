"""What people do to a case by the forms of its page, and what then stands in the tables."""

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from tests.served import Browser
from tests.triage.web.cases import of, one_post
from triage.records import Alert, Clock, LogEntry, Membership, Person


def test_claiming_then_releasing(engine: Engine, amira: Browser) -> None:
    answer = amira.fill_in("/cases/7/claim", to="/queue?severity=3")
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue?severity=3&said=claimed&undo=7")
    assert "You have claimed this case." in amira.get(answer.headers["location"]).text
    assert of(engine, 7).claimed_by is not None
    amira.fill_in("/cases/7/release")
    assert of(engine, 7).claimed_by is None


def test_a_case_someone_has_is_not_taken_and_the_page_says_who(
    engine: Engine, amira: Browser, tom: Browser
) -> None:
    amira.fill_in("/cases/7/claim")
    answer = tom.fill_in("/cases/7/claim")
    assert answer.status_code == 409
    assert "Amira K. has this case for another" in answer.text
    row = tom.post("/cases/7/claim", data={"csrf": tom.token}, headers={"HX-Request": "true"})
    assert row.status_code == 200
    assert 'id="case-7"' in row.text
    assert "Amira K. has this case for another" in row.text


def test_acknowledging_answers_one_desk_and_stops_its_clock(engine: Engine, amira: Browser) -> None:
    amira.fill_in("/cases/1/acknowledge", desk="comms")
    with Session(engine) as session:
        states = dict(
            session.exec(select(Alert.desk, Alert.state).where(Alert.case_id == of(engine, 1).id)).all()
        )
        clock = session.exec(
            select(Clock).where(Clock.case_id == of(engine, 1).id, Clock.name == "acknowledge")
        ).one()
    assert states == {"comms": "acknowledged", "oversight": "open"}
    assert clock.stopped_at is not None


def test_closing_needs_a_reason_and_can_be_undone(engine: Engine, amira: Browser) -> None:
    for form in ({}, {"reason": "noise:"}, {"reason": "confirmed: something"}, {"reason": "not_ours"}):
        answer = amira.fill_in("/cases/7/dismiss", **form)
        assert answer.status_code == 422, form
        assert "Choose a reason" in answer.text
    assert of(engine, 7).status == "detected"
    amira.fill_in("/cases/7/dismiss", reason="not_ours: Outside London", why="It is in Leeds")
    assert (of(engine, 7).status, of(engine, 7).dismissed_because) == (
        "not_ours",
        "Outside London; It is in Leeds",
    )
    assert "Closed because: Outside London; It is in Leeds" in amira.get("/cases/7").text
    amira.fill_in("/cases/7/undo")
    assert of(engine, 7).status == "detected"
    with Session(engine) as session:
        told = session.exec(
            select(LogEntry.what).where(LogEntry.case_id == of(engine, 7).id).order_by(col(LogEntry.seq))
        ).all()
    told = [each for each in told if each != "viewed"]
    assert told[-2:] == ["dismissed", "undone: dismissed"]


def test_watching_confirming_and_opening_again(engine: Engine, amira: Browser) -> None:
    amira.fill_in("/cases/7/watch")
    assert of(engine, 7).status == "watch"
    amira.fill_in("/cases/7/confirm")
    assert of(engine, 7).status == "confirmed"
    amira.fill_in("/cases/7/dismiss", reason="opinion: Comment only, nothing is reported")
    amira.fill_in("/cases/7/reopen")
    assert of(engine, 7).status == "triaged"


def test_a_suggestion_is_confirmed_or_refused_by_a_person(engine: Engine, amira: Browser) -> None:
    def suggested(number: int) -> list[Membership]:
        with Session(engine) as session:
            wanted = select(Membership).where(
                Membership.case_id == of(engine, number).id, col(Membership.sure).is_(False)
            )
            return list(session.exec(wanted))

    for number, same in ((1, "true"), (3, "false")):
        [asked] = suggested(number)
        assert "Perhaps the same incident" in amira.get(f"/cases/{number}").text
        assert (
            amira.fill_in(f"/cases/{number}/suggestion", post=str(asked.post_id), same=same).status_code
            == 303
        )
        assert suggested(number) == []


def test_posts_are_split_off_and_joined_again(engine: Engine, amira: Browser) -> None:
    with Session(engine) as session:
        post = session.exec(select(Membership.post_id).where(Membership.case_id == of(engine, 2).id)).first()
    assert amira.fill_in("/cases/2/split", why="Another incident").status_code == 422
    amira.fill_in("/cases/2/claim")
    assert amira.fill_in("/cases/6/split", post=str(post), why="x").status_code == 409
    assert (
        amira.fill_in("/cases/7/split", why="Another incident", post=one_post(engine, 7)).status_code == 303
    )
    assert amira.get("/cases/25").status_code == 200
    assert amira.fill_in("/cases/7/join", why="Same after all", other="GH-25").status_code == 303
    assert of(engine, 25).status == "closed"


def test_many_are_never_closed_without_a_reason_that_is_offered(engine: Engine, amira: Browser) -> None:
    for act in ("not_ours", "not_ours: ", "confirmed: Outside London", "noise: because", "dismiss"):
        answer = amira.post("/queue/bulk", data={"csrf": amira.token, "act": act, "case": ["7"]})
        assert (answer.status_code, of(engine, 7).status) == (422, "detected"), act


def test_a_duty_officer_can_break_a_claim(engine: Engine, amira: Browser, tom: Browser) -> None:
    amira.fill_in("/cases/7/claim")
    assert "Break claim" not in tom.get("/cases/7").text
    with Session(engine) as session:
        session.exec(select(Person).where(Person.username == "tom")).one().roles = ["duty_officer"]
        session.commit()
    assert "Break claim" in tom.get("/cases/7").text
    tom.fill_in("/cases/7/release")
    assert of(engine, 7).claimed_by is None
