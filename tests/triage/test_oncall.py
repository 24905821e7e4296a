"""Who is on call follows from the file, the bank holidays and what people agreed to; gaps are found; briefs say it."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import Session, select

from config.oncall import read_oncall
from config.oncall_ticks import mind_alerts, tell_people
from config.service import House
from config.settings import HERE, Settings
from tests.make import LIFECYCLE, NOON, make_alert, make_case, make_person
from triage.briefs import due_brief, due_digest, forget_addresses, shift_ends, tell_handovers
from triage.escalation_ladder import LadderError, Ladders
from triage.escalation_records import Escalation
from triage.notification_records import ChannelKind, Notification, NotificationKind, NotificationState
from triage.oncall import OnCall, gaps_ahead, on_call_now, reached
from triage.oncall_records import DutyChange, DutyState
from triage.oncall_roster import Change, Roster, RosterError, Rota, duties, gaps, read_roster
from triage.records import Alert

LONDON = ZoneInfo("Europe/London")
HOLIDAYS = LIFECYCLE.bank_holidays


def make_rota(**given: object) -> Rota:
    return Rota.model_validate(
        {"name": "bureau", "desk": "comms", "title": "Press bureau", "people": ["ann", "ben", "cyd"],
         "begins": date(2026, 1, 5), "turn": "weekly", "hands_over": time(8), **given}
    )  # fmt: skip


def at(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=LONDON).astimezone(UTC)


def test_people_take_turns_and_hand_over_at_london_s_eight_through_the_clock_change() -> None:
    found = duties(make_rota(), at(2026, 3, 20), at(2026, 4, 10))
    assert [each.username for each in found] == ["ben", "cyd", "ann", "ben"]
    assert [each.begins.astimezone(LONDON).hour for each in found[1:]] == [8, 8, 8]
    assert found[1].ends - found[1].begins == timedelta(days=7) - timedelta(hours=1)


def test_bank_holidays_have_people_of_their_own() -> None:
    rota = make_rota(bank_holidays=["hol"])
    found = {
        each.username: each
        for each in duties(rota, at(2026, 12, 24, 9), at(2026, 12, 27), bank_holidays=HOLIDAYS)
    }
    assert (found["hol"].begins, found["hol"].ends) == (at(2026, 12, 25, 8), at(2026, 12, 26, 8))
    assert found["hol"].because == "bank holiday"


def test_what_was_agreed_later_counts_and_a_closed_account_leaves_a_gap() -> None:
    changes = [
        Change(at(2026, 7, 14, 9), at(2026, 7, 14, 21), "ben"),
        Change(at(2026, 7, 14, 12), at(2026, 7, 14, 15), "cyd"),
    ]
    rota = make_rota(people=["ann"])
    found = duties(rota, at(2026, 7, 14, 8), at(2026, 7, 15), changes=changes, left={"cyd"})
    assert [(each.username, each.begins.astimezone(LONDON).hour) for each in found] == [
        ("ann", 8), ("ben", 9), (None, 12), ("ben", 15), ("ann", 21)
    ]  # fmt: skip
    assert [each.because for each in gaps(rota, found)] == ["account closed"]


def test_a_rota_of_working_days_has_no_gap_at_night_but_one_without_people() -> None:
    rota = make_rota(covers="working-days")
    night = duties(rota, at(2026, 7, 17, 18), at(2026, 7, 20, 8), bank_holidays=HOLIDAYS)
    assert [each.username for each in night] == [None]
    assert gaps(rota, night, HOLIDAYS) == []
    empty = make_rota(covers="working-days", people=[])
    assert gaps(empty, duties(empty, at(2026, 7, 17, 9), at(2026, 7, 20, 8)), HOLIDAYS)


moments = st.integers(0, 400 * 24).map(
    lambda hours: datetime(2026, 1, 10, tzinfo=UTC) + timedelta(hours=hours)
)


@given(
    since=moments,
    hours=st.integers(1, 24 * 40),
    turn=st.sampled_from(["daily", "weekly", "fortnightly"]),
    changes=st.lists(st.tuples(moments, st.integers(1, 100)), max_size=4),
)
def test_duties_cover_the_time_without_hole_or_overlap(
    since: datetime, hours: int, turn: str, changes: list[tuple[datetime, int]]
) -> None:
    until = since + timedelta(hours=hours)
    agreed = [Change(begins, begins + timedelta(hours=length), "dan") for begins, length in changes]
    found = duties(make_rota(turn=turn), since, until, bank_holidays=HOLIDAYS, changes=agreed)
    assert (found[0].begins, found[-1].ends) == (since, until)
    assert all(before.ends == after.begins for before, after in pairwise(found))
    assert all(each.username for each in found)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('[[rota]]\nname = "x"', "rota.0"),
        ('[[post]]\nname = "x"\ntitle = "X"\nsms = "07700900100"', "post.0.sms"),
        ('[[post]]\nname = "x"\ntitle = "X"\n[[post]]\nname = "x"\ntitle = "Y"', "two of this name"),
        ('[[person]]\nusername = "x"\nemail = "nowhere"', "person.0.email"),
    ],
)
def test_a_wrong_roster_is_refused_without_telling_the_number(
    written: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "rota.toml"
    path.write_text(written)
    with pytest.raises(RosterError) as refused:
        read_roster(path)
    assert said in str(refused.value)
    assert "07700900100" not in str(refused.value)


def test_a_ladder_that_names_nobody_is_refused(settings: Settings, tmp_path: Path) -> None:
    for name in ("escalation.toml", "rota.toml"):
        (tmp_path / name).write_text((HERE / name).read_text())
    roster = tmp_path / "rota.toml"
    roster.write_text(roster.read_text().replace('name = "dmc-gold"', 'name = "dmc-silver"'))
    with pytest.raises(LadderError, match=r"ladder\.0\.step\.1\.who: rota\.toml has no 'post:dmc-gold'"):
        read_oncall(settings.model_copy(update={"config": tmp_path}))


@pytest.fixture
def oncall(session: Session) -> OnCall:
    session.add_all([make_person(username="ann", slack_user="U012ABCDEF"), make_person(username="ben")])
    session.commit()
    roster = Roster.model_validate(
        {
            "rota": [make_rota(people=["ann", "ben"], turn="daily", hands_over=time(13)).model_dump()],
            "person": [{"username": "ben", "email": "ben@press.example"}],
        }
    )
    return OnCall(roster=roster, bank_holidays=HOLIDAYS)


def test_on_call_now_follows_what_was_agreed(session: Session, oncall: OnCall) -> None:
    [before] = on_call_now(session, oncall, now=NOON)
    assert before.now.username == "ann"
    ann, ben = (person.id for person in session.exec(select(make_person().__class__).order_by("username")))
    session.add(
        DutyChange(
            rota="bureau", begins_at=NOON - timedelta(hours=1), ends_at=NOON + timedelta(hours=1), takes=ben,
            asked_by=ann, asked_at=NOON, why="dentist", state=DutyState.AGREED, settled_at=NOON,
        )
    )  # fmt: skip
    session.commit()
    [after] = on_call_now(session, oncall, now=NOON)
    assert (after.now.username, after.next and after.next.username) == ("ben", "ann")
    [told] = reached(session, oncall, "rota:bureau", now=NOON)
    assert (told.recipient, told.reach.email) == ("person:ben", "ben@press.example")
    assert gaps_ahead(session, oncall, now=NOON) == []


def test_whoever_comes_on_call_is_told_once(session: Session, oncall: OnCall) -> None:
    for minutes in (1, 2, 30):
        tell_handovers(session, oncall, now=NOON + timedelta(minutes=minutes))
    session.commit()
    told = session.exec(select(Notification)).one()
    assert (told.kind, told.recipient, told.address) == (NotificationKind.ON_CALL, "person:ann", "U012ABCDEF")
    assert told.text.startswith("You are on call until Wednesday 15 July, 13:00.")


def test_whoever_comes_on_call_is_told_by_every_channel_a_ladder_uses(
    session: Session, oncall: OnCall
) -> None:
    roster = Roster.model_validate(
        {
            **oncall.roster.model_dump(),
            "person": [{"username": "ann", "sms": "+447700900123", "email": "ann@press.example"}],
        }
    )
    step = {"after": "5m", "who": ["rota:bureau"], "by": ["slack", "sms"]}
    other = {"after": "5m", "who": ["rota:other"], "by": ["email"]}
    ladders = Ladders.model_validate({"ladder": [{"desk": "comms", "severity": 1, "step": [step, other]}]})
    for minutes in (1, 2):
        tell_handovers(
            session, oncall._replace(roster=roster, ladders=ladders), now=NOON + timedelta(minutes=minutes)
        )
    told = {each.channel_kind: each.address for each in session.exec(select(Notification))}
    assert told == {ChannelKind.SLACK: "U012ABCDEF", ChannelKind.SMS: "+447700900123"}


def test_addresses_of_long_settled_messages_are_let_go(session: Session, oncall: OnCall) -> None:
    tell_handovers(session, oncall, now=NOON + timedelta(minutes=1))
    told = session.exec(select(Notification)).one()
    for days, state, kept in ((100, told.state, True), (80, "delivered", True), (100, "delivered", False)):
        told.state = NotificationState(state)
        session.flush()
        forget_addresses(session, now=NOON + timedelta(days=days))
        session.refresh(told)
        assert (told.address is not None) == kept


def test_the_brief_is_due_at_seven_in_london_and_the_digest_when_a_shift_ends() -> None:
    assert due_brief(at(2026, 7, 14, 6)) is None
    summer, winter = due_brief(at(2026, 7, 14, 7)), due_brief(at(2026, 12, 1, 8))
    assert summer is not None
    assert winter is not None
    assert (summer.name, winter.name) == ("brief:2026-07-14", "brief:2026-12-01")
    digest = due_digest(at(2026, 7, 14, 20), [time(7), time(19)], 12)
    assert digest is not None
    assert digest.name == "shift:2026-07-14T1900"


def test_every_shift_of_a_desk_ends_once_with_those_who_change_most_often() -> None:
    daily = make_rota(hands_over=time(7), turn="daily")
    weekly = make_rota(hands_over=time(8), turn="weekly")
    by_day = make_rota(hands_over=time(8), ends=time(18), turn="daily", covers="working-days")
    assert shift_ends([daily, weekly], 12) == [time(7), time(19)]
    assert shift_ends([daily], 8) == [time(7), time(15), time(23)]
    assert shift_ends([weekly], 24) == [time(8)]
    assert shift_ends([by_day, weekly], 12) == [time(18)]
    assert shift_ends([], 12) == []


def test_the_ticks_leave_each_brief_once_and_begin_to_escalate(settings: Settings, engine: Engine) -> None:
    seven = at(2026, 7, 14, 7)
    with Session(engine) as session:
        case = make_case(severity=1, opened_at=seven, desks=["comms"])
        session.add(case)
        session.flush()
        session.add(make_alert(case, raised_at=seven))
        session.commit()
        number = case.number
    house = House(settings, engine, lambda: seven)
    for minutes in (0, 1, 5, 59):
        tell_people(house, seven + timedelta(minutes=minutes))
    mind_alerts(house, seven)
    mind_alerts(house, seven)
    with Session(engine) as session:
        kept = session.exec(select(Notification).where(Notification.kind == NotificationKind.BRIEF)).all()
        assert sorted(each.recipient for each in kept) == ["desk:comms", "desk:oversight"]
        assert {each.state for each in kept} == {NotificationState.NO_CHANNEL}
        brief = next(each for each in kept if each.recipient == "desk:comms")
        assert f"SEV1: GH-{number}." in brief.text
        assert "We cannot see" in brief.text
        assert "Use of force" not in brief.text
        assert {each.desk for each in session.exec(select(Escalation))} == {"comms", "oversight"}
        assert len(session.exec(select(Alert)).all()) == 2
