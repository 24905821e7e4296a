"""One thread for each case: what comes later stands under its first message, which is edited in place."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, text
from sqlmodel import Session, col

from responders.deliver import Sender
from responders.outbox import enter, retry_failed, take
from responders.settings import SlackSettings
from responders.turns import Pace
from tests.doubles.slack import Faults, Posted, SlackDouble, slack_double, texts_of
from tests.make import make_alert, make_case, make_person
from tests.responders.sending import CHANNELS, QUICK, MovedClock, make_sender, raise_alerts, raise_growth
from tests.responders.test_deliver import delivery_of, run
from triage import actions
from triage.breaches import raise_anew
from triage.locked import lock, touch_by
from triage.log import MACHINE
from triage.records import Alert, AlertState, Case, Clock, Delivery, DeliveryState, Desk


@pytest.fixture
def slack() -> Iterator[tuple[SlackDouble, str]]:
    with slack_double() as running:
        yield running


@pytest.fixture
def clock(noon: datetime) -> MovedClock:
    return MovedClock(noon)


def looks(plan: dict[str, Any]) -> float:
    """How many rows a query looked at, as EXPLAIN ANALYZE tells: handed on or thrown away, at every step."""
    passed = (
        "Actual Rows",
        "Rows Removed by Filter",
        "Rows Removed by Join Filter",
        "Rows Removed by Index Recheck",
    )
    own: float = sum(plan.get(each, 0) for each in passed) * plan["Actual Loops"]
    return own + sum(looks(each) for each in plan.get("Plans", ()))


def grow(engine: Engine, alert: Alert, clock: MovedClock, number: int = 1) -> Alert:
    return raise_growth(engine, [alert], at=clock.at, number=number)[0]


def raise_again(engine: Engine, alert: Alert, clock: MovedClock, *, level: int, what: str) -> None:
    """Posts, or a person, make a case graver, and its desk must answer anew."""
    with Session(engine) as session:
        [case] = lock(session, alert.case_id)
        before, case.severity = case.severity, level
        raise_anew(session, case, Desk(alert.desk), rule=what, now=clock.at)
        row = session.get_one(Alert, alert.id)
        row.state, row.raised_at = AlertState.OPEN, clock.at
        touch_by(session, case, what, who=MACHINE, now=clock.at, detail={"from": before})
        session.commit()


def breach(engine: Engine, alert: Alert, clock: MovedClock) -> None:
    """A clock of the alert's desk runs out."""
    with Session(engine) as session:
        [case] = lock(session, alert.case_id)
        late = Clock(
            case_id=case.id,
            name="first_line",
            desk=alert.desk,
            started_at=clock.at,
            due_at=clock.at - timedelta(minutes=1),
            breached_at=clock.at,
        )
        session.add(late)
        touch_by(session, case, "clock breached", who=MACHINE, now=clock.at)
        session.commit()


def change(engine: Engine, alert: Alert, **values: Any) -> None:
    with Session(engine) as session:
        row = session.get_one(Alert, alert.id)
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)
        session.commit()


class InTurn(Faults):
    """These faults, one after the other, then none."""

    def __init__(self, *kinds: str) -> None:
        super().__init__(seed=1, rate=1.0)
        self.script = list(kinds)

    def next(self) -> str | None:
        return self.script.pop(0) if self.script else None


def first_and_replies(double: SlackDouble) -> tuple[list[Posted], list[Posted]]:
    tops = [each for each in double.messages if each.thread_ts == each.ts]
    return tops, [each for each in double.messages if each not in tops]


def test_a_growth_update_stands_under_the_first_message(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    [alert] = raise_alerts(engine, 1, at=clock.at, desks=[Desk.COMMS])
    sender = make_sender(engine, url, clock=clock)
    run(sender, clock, 1)
    grow(engine, alert, clock)
    run(sender, clock, 20, step=2)
    [top], [reply] = first_and_replies(double)
    assert reply.thread_ts == top.ts
    assert reply.in_channel
    assert "Growing" in reply.text
    assert "Growth: 90 posts in ten minutes" in " ".join(texts_of(reply.blocks))


def test_a_minor_update_is_read_in_the_thread_alone(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    [alert] = raise_alerts(engine, 1, at=clock.at, desks=[Desk.COMMS])
    with Session(engine) as session:
        session.get_one(Case, alert.case_id).severity = 3
        session.commit()
    sender = make_sender(engine, url, clock=clock)
    run(sender, clock, 1)
    grow(engine, alert, clock)
    run(sender, clock, 20, step=2)
    [_top], [reply] = first_and_replies(double)
    assert not reply.in_channel


def test_another_desk_in_the_same_channel_answers_in_the_same_thread(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    with Session(engine) as session:
        case = make_case(severity=3)
        session.add(case)
        session.flush()
        session.add_all([make_alert(case, desk=desk, raised_at=clock.at) for desk in Desk])
        session.commit()
    sender = make_sender(engine, url, clock=clock)
    sender._channels = dict.fromkeys(sender._channels, "slack:C0COMMS001")
    run(sender, clock, 20, step=2)
    [top], [reply] = first_and_replies(double)
    assert reply.thread_ts == top.ts
    assert reply.in_channel
    assert "acknowledge" in [each["action_id"] for each in reply.blocks[-1]["elements"]]


def test_new_harm_on_an_answered_case_is_told_in_its_thread_and_to_the_channel(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    [alert] = raise_alerts(engine, 1, at=clock.at, desks=[Desk.COMMS])
    sender = make_sender(engine, url, clock=clock)
    run(sender, clock, 1)
    with Session(engine) as session:
        person = make_person(name="Sam Comms")
        session.add(person)
        session.flush()
        actions.acknowledge(session, alert.case_id, who=person, desk=Desk.COMMS, now=clock.at)
        session.commit()
    run(sender, clock, 20, step=2)
    [top], [] = first_and_replies(double)
    assert "Acknowledged by Sam Comms, oversight reviewer" in top.text
    raise_again(engine, alert, clock, level=1, what="severity raised")
    run(sender, clock, 20, step=2)
    [top], [reply] = first_and_replies(double)
    assert reply.text.startswith("Severity raised from SEV2 · ■ SEV1 critical")
    assert reply.in_channel
    assert "■ SEV1 critical" in top.text
    assert "Waiting for comms" in top.text
    run(sender, clock, 60, step=4)
    assert len(double.messages) == 2


def test_what_is_raised_before_the_first_message_is_told_in_it(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    [alert] = raise_alerts(engine, 1, at=clock.at, desks=[Desk.COMMS])
    double.faults = Faults(seed=1, rate=1.0, kinds=["429 integer"], most=1)
    sender = make_sender(engine, url, clock=clock)
    sender.deliver(alert.id)
    clock.move(0.1)
    raise_again(engine, alert, clock, level=1, what="severity raised")
    run(sender, clock, 20, step=2)
    [message] = double.messages
    assert "SEV1" in message.text


def test_a_clock_that_ran_out_is_told_once_however_often_it_is_looked_at(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    [alert] = raise_alerts(engine, 1, at=clock.at, desks=[Desk.COMMS])
    sender = make_sender(engine, url, clock=clock)
    run(sender, clock, 1)
    breach(engine, alert, clock)
    for _again in range(3):
        sender.deliver(alert.id)
        run(sender, clock, 20, step=2)
    [top], [reply] = first_and_replies(double)
    assert reply.text.startswith("First line was due 12:59 BST, 14 Jul · ◆ SEV2 high · GH-")
    assert "Breached" in top.text
    assert reply.in_channel


def test_a_silenced_alert_reminds_when_the_silence_is_over_unless_it_is_answered(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    answered, waiting = raise_alerts(engine, 2, at=clock.at, desks=[Desk.COMMS])
    sender = make_sender(engine, url, clock=clock)
    run(sender, clock, 1)
    for alert in (answered, waiting):
        change(engine, alert, snoozed_until=clock.at + timedelta(minutes=30))
        breach(engine, alert, clock)
    run(sender, clock, 60, step=4)
    assert first_and_replies(double)[1] == []
    assert "Reminders are silent until 13:30 BST" in double.messages[0].text
    change(engine, answered, state=AlertState.ACKNOWLEDGED, revision=9)
    clock.move(1800)
    run(sender, clock, 20, step=2)
    _tops, replies = first_and_replies(double)
    assert sorted(each.text.partition(" · ")[0] for each in replies) == [
        "First line was due 12:59 BST, 14 Jul",
        "The silence has ended",
    ]


@pytest.mark.parametrize("fault", ["500 after", "reply dropped", "500 before", "late landing"])
def test_a_reply_in_doubt_is_looked_for_in_its_thread(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock, fault: str
) -> None:
    double, url = slack
    [alert] = raise_alerts(engine, 1, at=clock.at, desks=[Desk.COMMS])
    with Session(engine) as session:
        session.get_one(Case, alert.case_id).severity = 3  # its updates are not in the channel's history
        session.commit()
    with closing(make_sender(engine, url, clock=clock)) as sender:
        run(sender, clock, 1)
        double.faults = Faults(seed=1, rate=1.0, kinds=[fault], late_s=0.0, most=1)
        update = grow(engine, alert, clock)
        run(sender, clock, 20, step=2)
    assert double.called("conversations.replies") >= 1
    assert [each.key for each in double.messages[1:]] == [str(delivery_of(engine, update).id)]
    assert delivery_of(engine, update).state == DeliveryState.DELIVERED


def test_an_update_waits_while_the_first_message_is_in_doubt(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    [alert] = raise_alerts(engine, 1, at=clock.at, desks=[Desk.COMMS])
    double.faults = Faults(seed=1, rate=1.0, kinds=["reply dropped"], most=1)
    sender = make_sender(engine, url, clock=clock)
    sender.deliver(alert.id)
    sender.deliver(grow(engine, alert, clock).id)
    assert len(double.messages) == 1
    run(sender, clock, 20, step=2)
    [top], [reply] = first_and_replies(double)
    assert reply.thread_ts == top.ts


def test_an_alert_that_was_refused_meanwhile_joins_the_thread_that_began_without_it(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    [alert] = raise_alerts(engine, 1, at=clock.at, desks=[Desk.COMMS])
    sender = make_sender(engine, url, clock=clock)
    double.faults = InTurn("500 before", "ok:false")
    sender.deliver(alert.id)
    run(sender, clock, 8, step=2)
    assert double.messages == []
    grow(engine, alert, clock)
    run(sender, clock, 20, step=2)
    with Session(engine) as session:
        assert retry_failed(session, now=clock.at) == 1
        session.commit()
    run(sender, clock, 20, step=2)
    [top], [reply] = first_and_replies(double)
    assert (reply.thread_ts, reply.key) == (top.ts, str(delivery_of(engine, alert).id))
    assert reply.in_channel


def test_a_thread_whose_first_message_somebody_deleted_begins_anew(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    [alert] = raise_alerts(engine, 1, at=clock.at, desks=[Desk.COMMS])
    sender = make_sender(engine, url, clock=clock)
    run(sender, clock, 1)
    double.messages.clear()
    grow(engine, alert, clock)
    run(sender, clock, 20, step=2)
    grow(engine, alert, clock, 2)
    run(sender, clock, 20, step=2)
    [top], [reply] = first_and_replies(double)
    assert reply.thread_ts == top.ts


def test_a_minor_alert_that_becomes_urgent_is_paged_at_once(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    told, waiting = raise_alerts(engine, 2, at=clock.at, desks=[Desk.COMMS], manner="digest")
    settings = SlackSettings(**{**QUICK.model_dump(), "digest_every_s": 300.0})
    sender = make_sender(engine, url, settings, clock=clock)
    with Session(engine) as session:
        session.execute(Delivery.__table__.delete())  # type: ignore[attr-defined]
        session.commit()
    sender.deliver(told.id)
    assert "Digest" in double.messages[0].text
    sender.deliver(waiting.id)
    for alert in (told, waiting):
        change(engine, alert, manner="page", revision=2)
        sender.deliver(alert.id)
    run(sender, clock, 20, step=2)
    assert len(double.messages) == 3
    assert all("acknowledge" in str(each.blocks) for each in double.messages[1:])


def test_a_flood_of_pages_goes_before_what_is_told_in_threads(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    alerts = raise_alerts(engine, 30, at=clock.at, desks=[Desk.COMMS])
    settings = SlackSettings(**{**QUICK.model_dump(), "bundle_above": 5, "gap_s": 1.0})
    sender: Sender = make_sender(engine, url, settings, clock=clock)
    run(sender, clock, 60, step=1)
    for alert in alerts:
        breach(engine, alert, clock)
    for alert in alerts:
        sender.deliver(alert.id)
    later = raise_alerts(engine, 1, at=clock.at, desks=[Desk.COMMS])
    count = len(double.messages)
    run(sender, clock, 4)
    keys = [each.key for each in double.messages[count:]]
    assert keys.index(str(delivery_of(engine, later[0]).id)) <= 1
    run(sender, clock, 60, step=1)
    with Session(engine) as session:
        open_ = select(Delivery).where(col(Delivery.state) != DeliveryState.DELIVERED)
        assert session.scalars(open_).all() == []


def test_what_is_next_is_found_in_few_looks_whatever_the_planner_believes(
    engine: Engine, clock: MovedClock
) -> None:
    """The tables were last analysed when all that had been in them was gone, and then there is a flood."""
    many, tables = 60, ("deliveries", "alerts", "cases")
    channel = "slack:" + CHANNELS[Desk.COMMS]

    def flood() -> None:
        with Session(engine, expire_on_commit=False) as session:
            for alert in raise_alerts(engine, many, at=clock.at, desks=[Desk.COMMS]):
                enter(session, alert, channel, Pace.of(QUICK), now=clock.at)
            session.commit()

    flood()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in tables:
            connection.execute(text(f"DELETE FROM {table}"))
        connection.execute(text(f"VACUUM (ANALYZE, TRUNCATE false) {', '.join(tables)}"))
    flood()
    asked: list[tuple[str, Any]] = []

    @event.listens_for(engine, "before_cursor_execute")
    def hear(_connection: object, _cursor: object, said: str, given: Any, *_rest: object) -> None:
        if said.startswith("SELECT") and "FOR UPDATE OF deliveries" in said:
            asked.append((said, given))

    with Session(engine) as session:
        assert take(session, channel, "test", Pace.of(QUICK), now=clock.at) is not None
    assert asked
    with engine.connect() as connection:
        for said, given in asked:
            [plan] = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {said}", given).scalar_one()
            assert looks(plan["Plan"]) < 10 * many**2  # it believes in one row
