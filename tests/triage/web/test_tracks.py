"""The forms of the tracks over real HTTP: done and told, refused in a sentence, denied to whom it is not for."""

import httpx
import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from tests.browser.seed import Seeded
from tests.served import Browser
from triage.records import Case, Clock, LogEntry, Person, Status
from triage.track_records import BodyWornVideo, Track


@pytest.fixture
def confirmed(amira: Browser, seeded: Seeded) -> Browser:
    """The comms officer, who has confirmed case 1."""
    assert send(amira, "confirm").status_code == 303
    return amira


def send(browser: Browser, act: str, **form: object) -> httpx.Response:
    return browser.post(f"/cases/1/{act}", data={"csrf": browser.token, **form})


def said(browser: Browser, answer: httpx.Response) -> str:
    return browser.get(answer.headers["location"].partition("#")[0]).text


def test_a_track_moves_and_the_page_says_so(engine: Engine, confirmed: Browser) -> None:
    answer = send(confirmed, "tracks/move", track="comms", state="drafting", version=1)
    assert answer.headers["location"].endswith("#tracks")
    assert "The track has moved on" in said(confirmed, answer)
    with Session(engine) as session:
        assert session.exec(select(Track.state).where(Track.name == "comms")).one() == "drafting"


@pytest.mark.parametrize(
    ("act", "form", "told"),
    [
        ("tracks/move", {"track": "comms", "state": "issued", "version": 1}, "this track goes to"),
        ("tracks/move", {"track": "comms", "state": "waived", "version": 1}, "needs a reason"),
        ("tracks/move", {"track": "comms", "state": "drafting", "version": 9}, "Look again"),
        ("clocks/pause", {"clock": "first_line"}, "only for a reason"),
        ("clocks/resume", {"clock": "first_line"}, "not paused"),
        ("clocks/met", {"clock": "nothing"}, "no such clock"),
        ("prompts/answer", {"prompt": "critical_incident", "answer": "Perhaps"}, "Choose what was decided"),
        ("body-worn", {"exists": "yes", "version": 0, "reference": "https://a.example"}, "not a link"),
        ("body-worn", {"exists": "yes", "version": 0, "encounter_minutes": "long"}, "in minutes"),
        ("body-worn", {"exists": "yes", "version": 0, "encounter_minutes": "nan"}, "in minutes"),
        ("severity", {"level": 2, "version": 1, "why": "x"}, "changed since you opened it"),
        ("close", {"why": "over"}, "Still open"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_changed(
    engine: Engine, confirmed: Browser, act: str, form: dict[str, object], told: str
) -> None:
    with Session(engine) as session:
        before = session.exec(select(LogEntry.seq).order_by(col(LogEntry.seq).desc())).first()
    answer = send(confirmed, act, **form)
    assert (answer.status_code, told in answer.text) == (409, True)
    with Session(engine) as session:
        assert session.exec(select(LogEntry.seq).order_by(col(LogEntry.seq).desc())).first() == before


def test_whoever_works_on_comms_alone_is_denied_the_other_tracks(engine: Engine, confirmed: Browser) -> None:
    with Session(engine) as session:
        session.exec(select(Person).where(Person.username == "amira")).one().roles = ["approver"]
        session.commit()
    assert send(confirmed, "tracks/take", track="comms").status_code == 303
    assert send(confirmed, "tracks/take", track="conduct").status_code == 403
    page = confirmed.get("/cases/1").text
    assert 'value="comms"' in page
    assert 'value="conduct"' not in page


def test_a_whole_case_from_confirming_to_closing(engine: Engine, confirmed: Browser) -> None:
    assert (
        send(confirmed, "clocks/pause", clock="first_line", why="No line before the family").status_code
        == 303
    )
    assert send(confirmed, "clocks/resume", clock="first_line").status_code == 303
    assert send(confirmed, "clocks/met", clock="dps_told").status_code == 303
    sorry = {"prompt": "apology", "answer": "Deferred", "decided_by": "BCU commander", "why": "No facts yet"}
    assert send(confirmed, "prompts/answer", **sorry).status_code == 303
    given = {
        "prompt": "critical_incident",
        "answer": "Declared",
        "decided_by": "DMC gold",
        "why": "Wide reach",
    }
    assert send(confirmed, "prompts/answer", **given).status_code == 303
    known = {"exists": "yes", "version": 0, "reference": "BWV/12", "encounter_minutes": "2:30"}
    assert send(confirmed, "body-worn", **known).status_code == 303
    assert send(confirmed, "body-worn/viewed", role="Supervisor").status_code == 303
    page = confirmed.get("/cases/1").text
    assert "by DMC gold" in page
    assert "The encounter lasted 2 min" in page
    with Session(engine) as session:
        versions = dict(session.exec(select(Track.name, Track.version)).all())
    for name, version in versions.items():
        form = {"track": name, "state": "waived", "version": version, "why": "Another force has it"}
        assert send(confirmed, "tracks/move", **form).status_code == 303
    assert send(confirmed, "close", why="Another force has it").status_code == 303
    with Session(engine) as session:
        case = session.exec(select(Case).where(Case.number == 1)).one()
        tracked = select(Clock.name).where(Clock.case_id == case.id, col(Clock.stopped_at).is_(None))
        assert (case.status, set(session.exec(tracked))) == (
            Status.CLOSED,
            set(),
        )
        assert session.exec(select(BodyWornVideo.encounter_s)).one() == 150
