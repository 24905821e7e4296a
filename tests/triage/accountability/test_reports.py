"""The reports on people's use: overruling and time, alarm load, access. Of kinds of decisions, never of a person."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from tests.make import NOON, make_alert, make_case, make_person
from triage.accountability.access import EVERY, note_review, read_access
from triage.accountability.alarm_load import ALARMS, alarm_load
from triage.accountability.judgement import ASKED, Judged, judgement
from triage.accountability.reports import of_judgement
from triage.locked import Conflict
from triage.log import MACHINE, Line, note
from triage.permissions import Denied
from triage.records import Case, LogEntry

TRIAGE = Path(__file__).parents[3] / "triage"


def entered(session: Session, what: str, case: Case, at: datetime, who: str = "ann") -> None:
    note(session, [Line(what, case.id)], who=who, now=at)
    session.commit()


def judged(session: Session, says: str) -> Judged:
    found = judgement(session, NOON - timedelta(days=1), NOON + timedelta(days=1))
    return next(each for each in found if each.says == says)


def decide(session: Session, what: str, times: int, seconds: float, who: str = "ann") -> None:
    for _each in range(times):
        case = make_case()
        session.add(case)
        session.flush()
        entered(session, "viewed", case, NOON, who)
        entered(session, what, case, NOON + timedelta(seconds=seconds), who)


def test_who_decides_in_seconds_and_never_overrules_is_asked_about_without_a_name(session: Session) -> None:
    decide(session, "confirmed", 21, 4)
    found = judged(session, ASKED[0].says)
    assert (found.along, found.against, found.people, found.median_s, found.quick) == (21, 0, 1, 4.0, 21)
    assert found.doubt == "more than half decided within 10 seconds of opening the case"
    decide(session, "confirmed", 25, 200)
    assert judged(session, ASKED[0].says).doubt == "nobody ever overruled"
    sheet = of_judgement(session, now=NOON + timedelta(days=1))
    assert "ann" not in str(sheet.sections)


def test_overruling_has_its_share_with_an_interval_and_ends_the_doubt(session: Session) -> None:
    decide(session, "confirmed", 15, 100)
    decide(session, "dismissed", 10, 300, "ben")
    found = judged(session, ASKED[0].says)
    assert found.overruled is not None
    assert found.overruled[0] == pytest.approx(0.4)
    assert found.overruled[1] < 0.4 < found.overruled[2]
    assert (found.people, found.doubt) == (2, "")


def test_an_act_without_the_page_is_told_apart_and_the_machine_does_not_count(session: Session) -> None:
    case = make_case()
    session.add(case)
    session.commit()
    entered(session, "confirmed", case, NOON)
    entered(session, "viewed", case, NOON + timedelta(seconds=1))
    entered(session, "dismissed", case, NOON + timedelta(seconds=9), MACHINE)
    found = judged(session, ASKED[0].says)
    assert (found.decided, found.unseen, found.median_s) == (1, 1, None)


def test_every_act_the_reports_count_is_one_that_is_entered_somewhere() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in TRIAGE.glob("*.py"))
    for what in [each for asked in ASKED for each in (*asked.along, *asked.against)] + list(ALARMS):
        assert re.search(f'"{what}"', source), what


def test_a_flood_of_alarms_shows_and_one_case_in_one_minute_is_one_alarm(session: Session) -> None:
    cases = [make_case(severity=2) for _each in range(13)]
    session.add_all(cases)
    session.commit()
    for each in cases:
        for desk in ("comms", "oversight"):
            note(
                session,
                [Line("alert raised", each.id, "r", {"desk": desk, "rule": "force"})],
                who=MACHINE,
                now=NOON,
            )
    session.add(make_alert(cases[0], raised_at=NOON - timedelta(days=2)))
    session.commit()
    load = alarm_load(session, NOON - timedelta(days=3), NOON + timedelta(minutes=1))
    said = {each.says: (each.seen, each.well) for each in load.measures}
    assert load.alarms == 13
    assert said["Most in ten minutes"] == ("13", False)
    assert said["Open for more than a day"] == ("1", True)
    assert said["Share of the rule that raised most"] == ("100% (force)", None)
    assert load.levels == [(2, 1)]


def test_a_case_that_alarms_again_and_again_chatters(session: Session) -> None:
    case = make_case()
    session.add(case)
    session.commit()
    for minute in range(4):
        entered(session, "new harm", case, NOON + timedelta(minutes=minute), MACHINE)
    said = {each.says: each.seen for each in alarm_load(session, NOON, NOON + timedelta(hours=1)).measures}
    assert said["Cases that alarmed more than 3 times in an hour"] == "1"


def test_access_asks_about_who_has_not_come_and_who_has_too_much(session: Session) -> None:
    old = NOON - timedelta(days=200)
    session.add_all(
        [
            make_person(username="gone", roles=["triage"], created_at=old),
            make_person(username="here", roles=["triage"], created_at=old),
            make_person(username="both", roles=["admin", "duty_officer"], created_at=NOON),
            make_person(username="ears", roles=["auditor", "triage"], created_at=NOON),
            make_person(username="closed", roles=[], created_at=old, disabled_at=old),
        ]
    )
    note(session, [Line("signed in")], who="here", now=NOON - timedelta(days=95))
    session.commit()
    found = read_access(session, now=NOON)
    assert {each.person.username: each.asks for each in found.held} == {
        "gone": ["never signed in"],
        "here": ["not here for 95 days"],
        "both": ["looks after accounts and reads cases"],
        "ears": ["audits, and has other roles"],
    }
    assert (found.disabled, found.reviewed_at, found.due_at <= NOON) == (1, None, True)


def test_only_a_data_steward_enters_that_access_was_gone_through_and_says_what_changed(
    session: Session,
) -> None:
    steward, viewer = make_person(roles=["data_steward"]), make_person(roles=["auditor"])
    session.add_all([steward, viewer])
    session.commit()
    with pytest.raises(Denied):
        note_review(session, who=viewer, said="nothing", now=NOON)
    with pytest.raises(Conflict, match="Say what was changed"):
        note_review(session, who=steward, said=" ", now=NOON)
    note_review(session, who=steward, said="closed one account", now=NOON)
    session.commit()
    found = read_access(session, now=NOON)
    assert (found.reviewed_by, found.due_at) == (steward.username, NOON + EVERY)
    line = session.exec(select(LogEntry).where(LogEntry.what == "access reviewed")).one()
    assert (line.why, line.detail["accounts"]) == ("closed one account", 2)
