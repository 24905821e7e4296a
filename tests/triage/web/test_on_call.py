"""The page of who is on call, changes that two people agree on, calendars, and how far an alert has climbed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest
from icalendar import Calendar
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from tests.browser.seed import Seeded
from tests.make import LIFECYCLE
from tests.served import Browser, serve
from tests.triage.web.conftest import Clockwork
from triage import escalation
from triage.escalation_ladder import Ladders
from triage.escalation_records import EscalationStep
from triage.oncall import OnCall
from triage.oncall_records import CalendarLink, DutyChange, DutyState
from triage.oncall_roster import Roster
from triage.policies import Policies
from triage.records import Alert, AlertState, Case, LogEntry
from triage.settings import WebSettings
from triage.web.app import desk

LONDON = ZoneInfo("Europe/London")
ROSTER = Roster.model_validate(
    {
        "rota": [
            {
                "name": "bureau", "desk": "comms", "title": "Press bureau", "turn": "daily",
                "people": ["amira"], "begins": "2026-01-05",
            },
            {"name": "review", "desk": "oversight", "title": "Oversight duty", "begins": "2026-01-05"},
        ],
        "post": [{"name": "gold", "title": "DMC gold", "sms": "+447700900100"}],
    }
)  # fmt: skip
STEPS = [
    {"after": "0m", "who": ["rota:bureau"], "by": ["slack"]},
    {"after": "5m", "who": ["post:gold"], "by": ["sms"]},
]
LADDERS = Ladders.model_validate(
    {"ladder": [{"desk": "comms", "severity": sev, "step": STEPS, "then_every": "1h"} for sev in (1, 2, 3)]}
)
ONCALL = OnCall(LADDERS, ROSTER, LIFECYCLE.bank_holidays, "")


@pytest.fixture
def base(engine: Engine, clock: Clockwork, seeded: Seeded) -> Iterator[str]:
    app = desk(
        engine, WebSettings(), lifecycle=LIFECYCLE, policies=Policies(oncall=lambda: ONCALL), now=clock
    )
    with serve(app) as address:
        yield address


def written(at: datetime) -> str:
    return at.astimezone(LONDON).strftime("%Y-%m-%dT%H:%M")


def asked(clock: Clockwork, **given: str) -> dict[str, str]:
    return {
        "rota": "bureau",
        "begins": written(clock() + timedelta(hours=2)),
        "ends": written(clock() + timedelta(hours=30)),
        "takes": "tom",
        "why": "at the dentist",
        **given,
    }


def test_the_page_says_who_is_on_call_and_where_nobody_is(amira: Browser) -> None:
    page = amira.get("/on-call").text
    assert "Press bureau" in page
    assert "Amira" in page
    assert "Duties that nobody has" in page
    assert "The rota has no people" in page
    assert page.count("<tr>") == 29, "a heading and four weeks"


def test_a_change_counts_once_whoever_takes_it_agrees(
    session: Session, amira: Browser, tom: Browser, clock: Clockwork
) -> None:
    assert amira.fill_in("/on-call/changes", **asked(clock)).status_code == 303
    change = session.exec(select(DutyChange)).one()
    assert "is asked to take" in tom.get("/on-call").text
    assert amira.fill_in(f"/on-call/changes/{change.id}/agree").status_code == 409
    assert tom.fill_in(f"/on-call/changes/{change.id}/agree").status_code == 303
    assert "(changed)" in amira.get("/on-call").text
    assert amira.fill_in(f"/on-call/changes/{change.id}/withdraw").status_code == 409
    said = [
        each.what
        for each in session.exec(select(LogEntry).order_by(col(LogEntry.seq)))
        if each.what.startswith("duty")
    ]
    assert said == ["duty change asked", "duty change agreed"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"takes": "nobody-here"}, "can take a duty"),
        ({"ends": "2020-01-01T08:00"}, "ends after it begins"),
        ({"begins": "soon"}, "Give day and time"),
        ({"rota": "gone"}, "no such rota"),
        ({"why": " "}, "Say why"),
        ({"ends": "2999-01-01T08:00"}, "31 days"),
    ],
    ids=lambda each: str(each)[:20],
)
def test_what_cannot_be_asked_is_told(
    amira: Browser, clock: Clockwork, given: dict[str, str], said: str
) -> None:
    answer = amira.fill_in("/on-call/changes", **asked(clock, **given))
    assert answer.status_code == 409
    assert said in answer.text


def test_a_duty_officer_takes_a_duty_at_once_and_others_ask(
    session: Session, amira: Browser, tom: Browser, clock: Clockwork
) -> None:
    assert "(you, at once)" not in tom.get("/on-call").text
    assert "Ask a colleague" in tom.fill_in("/on-call/changes", **asked(clock, takes="tom")).text
    assert "(you, at once)" in amira.get("/on-call").text
    now = asked(clock, takes="amira", begins=written(clock()), why="Sam is ill")
    assert amira.fill_in("/on-call/changes", **now).status_code == 303
    assert session.exec(select(DutyChange.state)).one() == DutyState.AGREED
    with_lines = (
        select(LogEntry.what).where(col(LogEntry.what).startswith("duty")).order_by(col(LogEntry.seq))
    )
    assert list(session.exec(with_lines)) == ["duty change asked", "duty change agreed"]


def test_a_calendar_reads_the_rota_by_its_secret_address_until_that_is_revoked(
    session: Session, amira: Browser, base: str
) -> None:
    made = amira.fill_in("/on-call/calendar", rota="bureau")
    [address] = [line for line in made.text.split("<code")[1:] if "/on-call/calendar/" in line][:1]
    path = "/on-call/calendar/" + address.split("/on-call/calendar/")[1].split("<")[0]
    with httpx.Client(base_url=base) as program:
        answer = program.get(path)
        assert answer.headers["content-type"].startswith("text/calendar")
        events = Calendar.from_ical(answer.content).walk("VEVENT")
        assert {str(each["summary"]) for each in events} == {"Press bureau: Amira K."}
        assert len({str(each["uid"]) for each in events}) == len(events)
        assert program.get("/on-call/calendar/" + "x" * 43).status_code == 404
        assert amira.fill_in("/on-call/revoke", rota="bureau").status_code == 303
        assert program.get(path).status_code == 404
    assert path.rpartition("/")[2].encode() not in session.exec(select(CalendarLink)).one().digest


def test_the_case_shows_how_far_it_has_climbed_and_a_person_has_the_next_told_at_once(
    session: Session, amira: Browser, clock: Clockwork
) -> None:
    alert, case = session.exec(
        select(Alert, Case)
        .join(Case)
        .where(Alert.state == AlertState.OPEN, Alert.desk == "comms", Case.severity == 1)
    ).first() or pytest.fail("the night has no such alert")
    alert.raised_at = clock()
    session.commit()
    escalation.begin(session, alert.id, ONCALL, now=clock())
    session.commit()
    page = amira.get(f"/cases/{case.number}").text
    assert "next <strong>DMC gold</strong>" in page
    assert "Next: DMC gold" in amira.get("/alerts").text
    told = amira.fill_in(f"/cases/{case.number}/escalate", alert=str(alert.id), why="a crowd is gathering")
    assert told.status_code == 303
    assert "a crowd is gathering" in amira.get(f"/cases/{case.number}").text
    session.expire_all()
    steps = {(each.step, each.why) for each in session.exec(select(EscalationStep))}
    assert steps == {(0, None), (1, "a crowd is gathering")}
    assert amira.fill_in(f"/cases/{case.number}/escalate", alert=str(alert.id), why=" ").status_code == 409


def test_reminders_are_silenced_from_the_alerts_page_as_from_slack(
    session: Session, amira: Browser, clock: Clockwork
) -> None:
    alert, case = session.exec(
        select(Alert, Case)
        .join(Case)
        .where(Alert.state == AlertState.OPEN, Alert.desk == "comms", Case.severity == 2)
    ).first() or pytest.fail("the night has no such alert")
    assert f'action="/cases/{case.number}/snooze"' in amira.get("/alerts").text
    asked = {"alert": str(alert.id), "why": "told by telephone", "to": "/alerts"}
    assert amira.fill_in(f"/cases/{case.number}/snooze", minutes="60", **asked).status_code == 303
    session.expire_all()
    assert alert.snoozed_until is not None
    assert alert.snoozed_until > clock() + timedelta(minutes=59)
    assert "reminders are silent until" in amira.get("/alerts").text
    assert "told by telephone" in amira.get(f"/cases/{case.number}").text
    for wrong in (
        {"minutes": "1"},
        {"minutes": "61"},
        {"minutes": "60", "why": " "},
        {"minutes": "60", "alert": str(UUID(int=1))},
    ):
        assert amira.fill_in(f"/cases/{case.number}/snooze", **{**asked, **wrong}).status_code == 409


def test_signed_out_nobody_sees_who_is_on_call(stranger: Browser) -> None:
    assert stranger.get("/on-call").status_code == 303
