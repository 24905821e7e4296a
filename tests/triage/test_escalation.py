"""Alerts nobody acknowledges are told to who comes next; answered ones are left in peace, unless nothing happens."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from tests.make import NOON, make_alert, make_case, make_person
from triage import escalation
from triage.actions import acknowledge, claim, confirm, dismiss, release_all, reopen, watch
from triage.breaches import raise_anew
from triage.escalation_ladder import Ladders
from triage.escalation_records import Escalation, EscalationStep
from triage.escalation_waiting import waiting
from triage.locked import Conflict
from triage.log import Line, note
from triage.notification_records import Notification, NotificationKind, NotificationState
from triage.oncall import OnCall
from triage.oncall_roster import Roster
from triage.records import Alert, AlertState, Case, Desk, LogEntry, Person, Status
from triage.restriction_records import Restriction

ROSTER = {
    "rota": [
        {
            "name": "bureau",
            "desk": "comms",
            "title": "Press bureau",
            "people": ["ann"],
            "begins": "2026-01-05",
        },
        {
            "name": "review",
            "desk": "oversight",
            "title": "Oversight",
            "people": ["ola"],
            "begins": "2026-01-05",
        },
        {"name": "empty", "desk": "comms", "title": "Nobody's", "begins": "2026-01-05"},
    ],
    "post": [{"name": "gold", "title": "DMC gold", "sms": "+447700900100", "people": ["gus"]}],
    "person": [{"username": "ann", "sms": "+447700900101", "email": "ann@press.example"}],
}
FIRST = {"after": "0m", "who": ["rota:bureau"], "by": ["slack", "sms"], "again": 1, "every": "2m"}
SECOND = {"after": "5m", "who": ["post:gold"], "by": ["sms"]}
PLAIN = {"desk": "comms", "severity": 1, "step": [FIRST, SECOND], "then_every": "1h", "rearm": "15m"}


def on_call(*ladders: dict[str, object], both: list[object] | None = None) -> OnCall:
    read = Ladders.model_validate({"ladder": ladders or (PLAIN,), "both": both or []})
    return OnCall(read, Roster.model_validate(ROSTER), frozenset(), "https://desk.example")


class Service:
    """What the tick does, in sessions of its own; a new one is a restart."""

    def __init__(self, engine: Engine, oncall: OnCall) -> None:
        self.engine, self.oncall = engine, oncall

    def tick(self, now: datetime) -> None:
        with Session(self.engine) as session:
            found = waiting(session, self.oncall, now=now)
            for case_id, desk in found.unheard:
                escalation.alert_desk(session, case_id, desk, now=now)
            for alert_id in found.unbegun:
                escalation.begin(session, alert_id, self.oncall, now=now)
            for running in found.running:
                escalation.climb(session, running, self.oncall, now=now)
            for left in found.left_alone:
                escalation.rearm(session, left, now=now)
            session.commit()


@pytest.fixture
def people(session: Session) -> dict[str, Person]:
    made = {
        name: make_person(username=name, name=name.title(), desks=desks, roles=["duty_officer"])
        for name, desks in {
            "ann": ["comms"], "ola": ["oversight"], "gus": ["comms"], "ben": ["comms"],
        }.items()
    }  # fmt: skip
    session.add_all(made.values())
    session.commit()
    return made


@pytest.fixture
def raised(session: Session, people: dict[str, Person]) -> Callable[..., Case]:
    def make(severity: int = 1, desk: Desk = Desk.COMMS, **given: object) -> Case:
        case = make_case(severity=severity, desks=[desk.value])
        session.add(case)
        session.flush()
        session.add(make_alert(case, desk=desk, **given))
        session.commit()
        return case

    return make


def after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def pages(session: Session, case: Case | None = None) -> list[tuple[str, str, str]]:
    asked = select(Notification).where(Notification.kind == NotificationKind.PAGE)
    if case is not None:
        asked = asked.where(Notification.case_id == case.id)
    rows = session.scalars(asked.order_by(col(Notification.created_at), Notification.key))
    return [(each.recipient, each.channel_kind, each.state) for each in rows]


def steps(session: Session) -> list[tuple[int, int]]:
    return [
        (each.step, each.turn)
        for each in session.exec(select(EscalationStep).order_by(col(EscalationStep.due_at)))
    ]


def test_the_ladder_is_climbed_until_somebody_acknowledges(
    session: Session, engine: Engine, people: dict[str, Person], raised: Callable[..., Case]
) -> None:
    case, service = raised(), Service(engine, on_call())
    service.tick(after(0))
    assert pages(session) == [("person:ann", "sms", "waiting")], "ann has no Slack account"
    service.tick(after(1))
    service.tick(after(2.5))
    assert steps(session) == [(0, 0), (0, 1)]
    service.tick(after(5))
    told = {recipient: state for recipient, _, state in pages(session)}
    assert told == {"person:ann": "waiting", "person:gus": "no_channel", "post:gold": "waiting"}
    acknowledge(session, case.id, who=people["gus"], desk=Desk.COMMS, now=after(6))
    session.commit()
    assert {state for _, _, state in pages(session)} <= {"withdrawn", "no_channel"}
    for minutes in (6.1, 10, 20):
        service.tick(after(minutes))
    assert steps(session) == [(0, 0), (0, 1), (1, 0)]
    ended = session.exec(select(Escalation)).one()
    assert (ended.ended_because, ended.next_due_at) == ("acknowledged", None)
    assert session.exec(select(LogEntry).where(LogEntry.what == "escalated")).one().detail == {
        "desk": "comms", "step": 2, "told": ["post:gold"],
    }  # fmt: skip


def test_the_page_names_case_and_next_step_but_nobody(
    session: Session, engine: Engine, raised: Callable[..., Case]
) -> None:
    case = raised()
    Service(engine, on_call()).tick(after(0))
    told = session.exec(select(Notification)).one()
    assert told.address == "+447700900101"
    assert told.subject == f"SEV1 GH-{case.number} needs an answer (comms desk)"
    assert told.text.splitlines() == [
        "Use of force.",
        "Raised 13:00. You are told as: Press bureau.",
        "If nobody acknowledges, Press bureau will be told at 13:02.",
        f"https://desk.example/cases/{case.number}",
    ]


def test_of_a_restricted_case_a_page_says_its_number_alone(
    session: Session, engine: Engine, people: dict[str, Person], raised: Callable[..., Case]
) -> None:
    case = raised()
    session.add(
        Restriction(case_id=case.id, reason="death", why="a colleague", set_by=people["ann"].id, set_at=NOON)
    )
    session.commit()
    Service(engine, on_call()).tick(after(0))
    told = session.exec(select(Notification)).one()
    assert told.subject == f"GH-{case.number} needs an answer (comms desk)"
    assert told.text.startswith("A restricted case.")
    assert "force" not in told.text


def test_a_restart_does_what_is_overdue_once_and_a_clock_set_back_repeats_nothing(
    session: Session, engine: Engine, raised: Callable[..., Case]
) -> None:
    raised()
    Service(engine, on_call()).tick(after(0))
    Service(engine, on_call()).tick(after(30))
    assert steps(session) == [(0, 0), (0, 1), (1, 0)]
    told_after_the_stop = pages(session)[1:]
    assert sorted(each[0] for each in told_after_the_stop) == ["person:ann", "person:gus", "post:gold"]
    for minutes in (-600, 3, 29, 30, 31):
        Service(engine, on_call()).tick(after(minutes))
    assert len(steps(session)) == 3


def test_acknowledged_and_left_alone_it_begins_anew(
    session: Session, engine: Engine, people: dict[str, Person], raised: Callable[..., Case]
) -> None:
    case, service = raised(), Service(engine, on_call())
    service.tick(after(0))
    acknowledge(session, case.id, who=people["ann"], desk=Desk.COMMS, now=after(1))
    session.commit()
    service.tick(after(1))
    service.tick(after(15.9))
    assert len(steps(session)) == 1
    service.tick(after(16.1))
    service.tick(after(16.2))
    alert = session.exec(select(Alert)).one()
    session.refresh(alert)
    assert (alert.state, alert.raised_at) == (AlertState.OPEN, after(16.1))
    assert len(steps(session)) == 2
    assert [each.round for each in session.exec(select(Escalation).order_by(col(Escalation.round)))] == [1, 2]


@pytest.mark.parametrize("act", ["confirmed", "held"])
def test_it_does_not_begin_anew_where_somebody_works(
    session: Session, engine: Engine, people: dict[str, Person], raised: Callable[..., Case], act: str
) -> None:
    case, service = raised(), Service(engine, on_call())
    service.tick(after(0))
    if act == "held":
        claim(session, case.id, who=people["ann"], now=after(0.5))
    acknowledge(session, case.id, who=people["ann"], desk=Desk.COMMS, now=after(1))
    if act == "confirmed":
        confirm(session, case.id, who=people["ann"], now=after(3))
    session.commit()
    for minutes in (1, 16.5, 20):
        service.tick(after(minutes))
    assert len(steps(session)) == 1
    service.tick(after(21))  # the claim has run out, and nothing was done while it lasted
    service.tick(after(21.1))
    assert len(steps(session)) == (2 if act == "held" else 1)


def test_new_harm_on_an_acknowledged_case_is_told_again_by_the_graver_ladder(
    session: Session, engine: Engine, people: dict[str, Person], raised: Callable[..., Case]
) -> None:
    calm = {**PLAIN, "severity": 2, "step": [{**FIRST, "after": "10m"}]}
    case, service = raised(2), Service(engine, on_call(PLAIN, calm))
    service.tick(after(0))
    assert pages(session) == []
    alert = session.exec(select(Alert)).one()
    case.severity, alert.raised_at = 1, after(4)
    session.commit()
    service.tick(after(4))
    assert pages(session) == [("person:ann", "sms", "waiting")]
    ends = [
        (each.severity, each.ended_because)
        for each in session.exec(select(Escalation).order_by(col(Escalation.round)))
    ]
    assert ends == [(2, "severity changed"), (1, None)]


def test_both_desks_must_each_acknowledge_what_is_critical(
    session: Session, engine: Engine, people: dict[str, Person], raised: Callable[..., Case]
) -> None:
    review = {
        "desk": "oversight",
        "severity": 1,
        "step": [{"after": "0m", "who": ["rota:review"], "by": ["email"]}],
    }
    both: list[object] = [{"severity": 1, "desks": ["comms", "oversight"]}]
    case, service = raised(), Service(engine, on_call(PLAIN, review, both=both))
    service.tick(after(0))
    service.tick(after(0.1))
    assert ("person:ola", "email", "no_channel") in pages(session), "shown, though nobody knows her address"
    acknowledge(session, case.id, who=people["ann"], desk=Desk.COMMS, now=after(1))
    session.commit()
    service.tick(after(1))
    states = {each.desk: each.ended_at is None for each in session.exec(select(Escalation))}
    assert states == {"comms": False, "oversight": True}


def test_each_of_several_parties_must_acknowledge(
    session: Session, engine: Engine, people: dict[str, Person], raised: Callable[..., Case]
) -> None:
    steps_ = [{**FIRST, "again": 0, "who": ["rota:bureau", "post:gold"]}, SECOND]
    several = {**PLAIN, "step": steps_, "each": ["rota:bureau", "post:gold"]}
    case, service = raised(), Service(engine, on_call(several))
    service.tick(after(0))
    acknowledge(session, case.id, who=people["ann"], desk=Desk.COMMS, now=after(1))
    session.commit()
    states = dict((recipient, state) for recipient, _, state in pages(session))
    assert states == {"person:ann": "withdrawn", "person:gus": "no_channel", "post:gold": "waiting"}
    service.tick(after(5))
    assert steps(session) == [(0, 0), (1, 0)], "gold has not acknowledged"
    acknowledge(session, case.id, who=people["gus"], desk=Desk.COMMS, now=after(6))
    session.commit()
    acknowledge(session, case.id, who=people["gus"], desk=Desk.COMMS, now=after(6.1))
    session.commit()
    service.tick(after(6))
    service.tick(after(66))
    assert session.exec(select(Escalation)).one().ended_because == "acknowledged"
    assert len(steps(session)) == 2


def test_those_who_were_told_hear_that_somebody_else_has_it(
    session: Session, engine: Engine, people: dict[str, Person], raised: Callable[..., Case]
) -> None:
    case, service = raised(), Service(engine, on_call())
    service.tick(after(0))
    sent = session.exec(select(Notification)).one()
    sent.state = NotificationState.DELIVERED
    session.commit()
    acknowledge(session, case.id, who=people["ben"], desk=Desk.COMMS, now=after(1))
    session.commit()
    service.tick(after(1))
    told = session.exec(select(Notification).where(Notification.kind == NotificationKind.ANSWERED)).one()
    assert (told.recipient, told.address) == ("person:ann", "+447700900101")
    assert told.text.endswith(f"/cases/{case.number}")


def test_a_person_may_have_the_next_told_at_once_and_later_steps_keep_their_time(
    session: Session, engine: Engine, people: dict[str, Person], raised: Callable[..., Case]
) -> None:
    case, oncall = raised(), on_call()
    service = Service(engine, oncall)
    service.tick(after(0))
    alert = session.exec(select(Alert).where(Alert.case_id == case.id)).one()
    escalation.pass_on(
        session, alert, who=people["ann"], why="crowd is gathering", now=after(1), oncall=oncall
    )
    session.commit()
    assert {recipient for recipient, _, _ in pages(session)} == {"person:ann", "person:gus", "post:gold"}
    pressed = session.exec(select(EscalationStep).where(EscalationStep.step == 1)).one()
    assert (pressed.pressed_by, pressed.why) == (people["ann"].id, "crowd is gathering")
    service.tick(after(6))
    assert steps(session) == [(0, 0), (1, 0), (0, 1)], "told once, and the repeat of the first as planned"


def test_without_a_ladder_nobody_can_be_told(
    session: Session, people: dict[str, Person], raised: Callable[..., Case]
) -> None:
    case = raised(4)
    alert = session.exec(select(Alert).where(Alert.case_id == case.id)).one()
    with pytest.raises(Conflict, match=r"escalation\.toml"):
        escalation.pass_on(session, alert, who=people["ann"], why="x", now=after(1), oncall=on_call())


def test_a_case_that_somebody_watches_is_left_in_peace(
    session: Session, engine: Engine, people: dict[str, Person], raised: Callable[..., Case]
) -> None:
    case, service = raised(), Service(engine, on_call())
    service.tick(after(0))
    watch(session, case.id, who=people["ann"], now=after(1))
    session.commit()
    for minutes in (2, 5, 90):
        service.tick(after(minutes))
    assert len(steps(session)) == 1
    assert pages(session) == [("person:ann", "sms", "withdrawn")]


def test_a_dismissed_case_is_left_and_one_opened_again_begins_at_its_first_step(
    session: Session, engine: Engine, people: dict[str, Person], raised: Callable[..., Case]
) -> None:
    case, service = raised(), Service(engine, on_call())
    service.tick(after(0))
    dismiss(session, case.id, who=people["ann"], status=Status.NOISE, why="an advert", now=after(1))
    session.commit()
    service.tick(after(30))
    assert len(steps(session)) == 1
    reopen(session, case.id, who=people["ann"], why="not an advert", now=after(40))
    session.commit()
    service.tick(after(40))
    last = session.exec(select(EscalationStep).order_by(col(EscalationStep.due_at).desc())).first()
    assert last is not None
    assert (last.step, last.turn, last.due_at) == (0, 0, after(40))


def test_silenced_reminders_wait(session: Session, engine: Engine, raised: Callable[..., Case]) -> None:
    case, service = raised(), Service(engine, on_call())
    service.tick(after(0))
    alert = session.exec(select(Alert).where(Alert.case_id == case.id)).one()
    alert.snoozed_until = after(20)
    session.commit()
    service.tick(after(10))
    assert len(steps(session)) == 1
    service.tick(after(20))
    assert len(steps(session)) == 3


def test_silence_ends_when_it_is_raised_anew_or_graver(
    session: Session, engine: Engine, raised: Callable[..., Case]
) -> None:
    calm = {**PLAIN, "severity": 3, "step": [{**FIRST, "after": "10m"}]}
    case, service = raised(3), Service(engine, on_call(PLAIN, calm))
    service.tick(after(0))
    alert = session.exec(select(Alert).where(Alert.case_id == case.id)).one()
    alert.snoozed_until = after(480)
    case.severity = 1
    session.commit()
    service.tick(after(10))
    assert pages(session) == [("person:ann", "sms", "waiting")]
    session.refresh(alert)
    assert alert.snoozed_until is None
    alert.snoozed_until = after(480)
    raise_anew(session, case, Desk.COMMS, rule="a clock ran out", now=after(11))
    session.commit()
    assert alert.snoozed_until is None


def test_what_is_told_in_a_digest_becomes_a_page_when_a_person_says_it_is_critical(
    session: Session, engine: Engine, raised: Callable[..., Case]
) -> None:
    case, service = raised(3, manner="digest"), Service(engine, on_call())
    case.severity = 1
    raise_anew(session, case, Desk.COMMS, rule="severity set", now=after(60))
    session.commit()
    service.tick(after(60))
    assert pages(session) == [("person:ann", "sms", "waiting")]
    assert session.exec(select(Alert)).one().raised_at == after(60)


@pytest.mark.parametrize("left", ["signs out", "is refused a look"])
def test_who_only_took_a_case_up_or_looked_has_not_dealt_with_it(
    session: Session, engine: Engine, people: dict[str, Person], raised: Callable[..., Case], left: str
) -> None:
    case, service = raised(), Service(engine, on_call())
    service.tick(after(0))
    acknowledge(session, case.id, who=people["ann"], desk=Desk.COMMS, now=after(1))
    if left == "signs out":
        claim(session, case.id, who=people["ann"], now=after(2))
        release_all(session, who=people["ann"], now=after(3))
    else:
        note(session, [Line("denied", case.id, None, {"needs": "to see the case"})], who="ben", now=after(2))
    session.commit()
    for minutes in (1, 16.1, 16.2):
        service.tick(after(minutes))
    assert len(steps(session)) == 2


def test_the_other_desk_hears_of_what_is_critical_though_the_first_was_quicker_than_the_tick(
    session: Session, engine: Engine, people: dict[str, Person], raised: Callable[..., Case]
) -> None:
    both: list[object] = [{"severity": 1, "desks": ["comms", "oversight"]}]
    case, service = raised(), Service(engine, on_call(both=both))
    acknowledge(session, case.id, who=people["ann"], desk=Desk.COMMS, now=after(1))
    session.commit()
    service.tick(after(2))
    told = session.exec(select(Alert.desk).where(Alert.case_id == case.id).order_by(col(Alert.desk))).all()
    assert list(told) == ["comms", "oversight"]


def test_many_at_once_share_one_message_but_what_is_critical_is_told_alone(
    session: Session, engine: Engine, raised: Callable[..., Case]
) -> None:
    calm = {**PLAIN, "severity": 2, "step": [{**FIRST, "by": ["sms"], "again": 0}]}
    cases, service = [raised(2) for _ in range(9)], Service(engine, on_call(PLAIN, calm))
    service.tick(after(0))
    critical = raised(1)
    service.tick(after(0.1))
    alone = [each for each in session.exec(select(Notification)) if each.case_id is not None]
    [shared] = [each for each in session.exec(select(Notification)) if each.case_id is None]
    assert len(alone) == 6
    assert critical.id in {each.case_id for each in alone}
    named = {f"SEV2 GH-{case.number}" for case in cases if case.id not in {each.case_id for each in alone}}
    assert set(shared.text.splitlines()[:-1]) - {""} == named
    assert after(0) < shared.due_at <= after(5)
