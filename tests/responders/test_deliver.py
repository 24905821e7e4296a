"""Delivery against a Slack of our own, without faults and with one at a time."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select
from sqlmodel import Session, col

from responders.deliver import Sender
from responders.outbox import enter, retry_failed
from responders.settings import SlackSettings
from responders.turns import Pace
from tests.doubles.slack import ALL_FAULTS, RETRY_AFTER, Faults, SlackDouble, slack_double, texts_of
from tests.make import make_alert, make_case, make_person
from tests.responders.sending import (
    CHANNELS,
    QUICK,
    MovedClock,
    make_sender,
    raise_alerts,
    raise_growth,
    wall_clock,
)
from triage.backup_records import Backup
from triage.backups import may_be_known
from triage.records import Alert, AlertState, Case, Channel, Delivery, DeliveryState, Desk, LogEntry, Status


@pytest.fixture
def slack() -> Iterator[tuple[SlackDouble, str]]:
    with slack_double() as running:
        yield running


@pytest.fixture
def clock(noon: datetime) -> MovedClock:
    return MovedClock(noon)


def delivery_of(engine: Engine, alert: Alert) -> Delivery:
    with Session(engine) as session:
        return session.scalars(select(Delivery).where(col(Delivery.alert_id) == alert.id)).one()


def run(sender: Sender, clock: MovedClock, seconds: float, step: float = 0.5) -> None:
    """Let time pass, sweeping as the schedule would; every channel takes all its turns."""
    for _tick in range(round(seconds / step)):
        with Session(sender._engine) as session:
            sender._audit(session)
            session.commit()
        while any([sender.step("slack:" + each) for each in CHANNELS.values()]):
            clock.move(0.02)
        clock.move(step)


def test_an_alert_is_posted_at_once_by_its_job(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    [alert] = raise_alerts(engine, 1, at=clock.at)
    make_sender(engine, url, clock=clock).deliver(alert.id)
    [message] = double.messages
    delivery = delivery_of(engine, alert)
    assert delivery.state == DeliveryState.DELIVERED
    assert delivery.receipt == f"{message.channel}:{message.ts}"
    assert message.key == str(delivery.id)
    assert message.sent["unfurl_links"] is False


def test_the_same_job_twice_says_it_once(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    [alert] = raise_alerts(engine, 1, at=clock.at)
    sender = make_sender(engine, url, clock=clock)
    for _again in range(3):
        sender.deliver(alert.id)
        clock.move(5)
    assert len(double.messages) == 1


def test_a_change_edits_the_message_in_place(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    [alert] = raise_alerts(engine, 1, at=clock.at)
    sender = make_sender(engine, url, clock=clock)
    sender.deliver(alert.id)
    assert "acknowledge" in actions_of(double)
    with Session(engine) as session:
        person = make_person(name="Sam Comms")
        session.add(person)
        session.flush()
        row = session.get_one(Alert, alert.id)
        row.state, row.acknowledged_by, row.acknowledged_at = AlertState.ACKNOWLEDGED, person.id, clock.at
        row.revision += 1
        session.add(row)
        session.commit()
    clock.move(2)
    sender.deliver(alert.id)
    [message] = double.messages
    assert message.edits == 1
    assert actions_of(double) == ["open", "menu"]
    assert any(
        "Acknowledged by Sam Comms, oversight reviewer, at 13:00 BST" in text
        for text in texts_of(message.blocks)
    )
    assert delivery_of(engine, alert).edit_due_at is None


def test_an_edit_is_made_even_when_its_job_was_lost(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    [alert] = raise_alerts(engine, 1, at=clock.at)
    sender = make_sender(engine, url, clock=clock)
    run(sender, clock, 1)
    close(engine, alert)
    run(sender, clock, 20)
    assert double.messages[0].edits == 1
    assert any("Closed: not ours" in text for text in texts_of(double.messages[0].blocks))


def test_without_a_token_the_page_is_told_and_a_later_token_catches_up(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    [alert] = raise_alerts(engine, 1, at=clock.at)
    mute = Sender(engine, None, CHANNELS, QUICK, desk_url="http://desk.example", clock=clock, owner="mute")
    mute.deliver(alert.id)
    mute.sweep(for_s=0.1)
    assert delivery_of(engine, alert).state == DeliveryState.NO_CHANNEL
    run(make_sender(engine, url, clock=clock), clock, 1)
    assert delivery_of(engine, alert).state == DeliveryState.DELIVERED
    assert len(double.messages) == 1


def test_a_channel_hears_at_most_one_message_a_gap(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    alerts = raise_alerts(engine, 5, at=clock.at, desks=[Desk.COMMS])
    sender = make_sender(engine, url, QUICK.model_copy(update={"gap_s": 1.0}), clock=clock)
    for alert in alerts:
        sender.deliver(alert.id)
    assert len(double.messages) == 1
    clock.move(0.9)
    assert not sender.step("slack:C0COMMS001")
    clock.move(0.2)
    assert sender.step("slack:C0COMMS001")
    assert len(double.messages) == 2


def sweep_until(sender: Sender, reached: Callable[[], bool]) -> None:
    """Sweep as the schedule does, however slow the machine is today."""
    give_up_at = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < give_up_at, "it was not reached in a minute"
        sender.sweep(for_s=0.2)


def test_a_deaf_channel_does_not_hold_up_another(engine: Engine, slack: tuple[SlackDouble, str]) -> None:
    double, url = slack
    double.deaf_channels.add("C0COMMS001")
    with closing(make_sender(engine, url)) as sender:
        raise_alerts(engine, 20, at=wall_clock())
        sweep_until(sender, lambda: len(double.in_channel("C0OVERS001")) == 10 and double.fired["deaf"] > 0)
    assert double.in_channel("C0COMMS001") == []


@pytest.mark.parametrize("fault", ALL_FAULTS)
def test_one_fault_neither_loses_nor_doubles(
    engine: Engine, slack: tuple[SlackDouble, str], fault: str
) -> None:
    double, url = slack
    double.faults = Faults(seed=1, rate=1.0, kinds=[fault], hang_s=0.8, late_s=0.2, most=1)
    [alert] = raise_alerts(engine, 1, at=wall_clock())
    with closing(make_sender(engine, url)) as sender:
        sender.deliver(alert.id)
        sweep_until(sender, lambda: double.fired[fault] == 1)
        if fault == "ok:false":
            sweep_until(sender, lambda: delivery_of(engine, alert).state == DeliveryState.FAILED)
            with Session(engine) as session:
                assert retry_failed(session, now=wall_clock()) == 1
                session.commit()
        sweep_until(sender, lambda: delivery_of(engine, alert).state == DeliveryState.DELIVERED)
    delivery = delivery_of(engine, alert)
    assert [each.key for each in double.messages] == [str(delivery.id)]
    assert not delivery.possible_repeat


@pytest.mark.parametrize("fault", RETRY_AFTER)
def test_what_slack_asks_to_wait_is_waited(
    engine: Engine, slack: tuple[SlackDouble, str], noon: datetime, fault: str
) -> None:
    double, url = slack
    clock = MovedClock(noon)
    double.faults = Faults(seed=1, rate=1.0, kinds=[fault])
    [alert] = raise_alerts(engine, 1, at=noon, desks=[Desk.COMMS])
    make_sender(engine, url, clock=clock).deliver(alert.id)
    with Session(engine) as session:
        rested = session.get_one(Channel, "slack:C0COMMS001").free_at - noon
    asked = {"429 integer": 1.0, "429 decimal": 0.3}.get(fault, 0.0)
    assert asked <= rested.total_seconds() <= 600
    assert rested.total_seconds() > 0


def test_a_sender_that_died_before_posting_is_found_out(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    [alert] = raise_alerts(engine, 1, at=clock.at)
    leave_sending(engine, alert, clock)
    sender = make_sender(engine, url, clock=clock)
    sender.deliver(alert.id)
    assert double.messages == []
    run(sender, clock, 4)
    assert len(double.messages) == 1
    assert double.called("conversations.history") == 1


def test_an_unreadable_history_ends_in_a_labelled_repeat_at_the_deadline(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    double.faults = Faults(seed=1, rate=1.0, kinds=["reply dropped"])
    double.history_down = True
    [alert] = raise_alerts(engine, 1, at=clock.at)
    sender = make_sender(engine, url, clock=clock)
    sender.deliver(alert.id)
    double.faults = None
    run(sender, clock, 2)
    assert len(double.messages) == 1
    run(sender, clock, 4)
    first, second = double.messages
    assert first.key == second.key
    assert "Possible repeat" not in first.text
    assert "Possible repeat" in second.text
    assert any("Possible repeat" in text for text in texts_of(second.blocks))
    run(sender, clock, 30)
    assert len(double.messages) == 2


def test_a_sender_that_was_stopped_for_long_gives_its_turn_up(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack

    class Sleepy(MovedClock):
        def __call__(self) -> datetime:
            self.move(1.0)  # more than half the timeout passes between taking the turn and the call
            return self.at

    [alert] = raise_alerts(engine, 1, at=clock.at)
    make_sender(engine, url, clock=Sleepy(clock.at)).deliver(alert.id)
    assert double.messages == []
    assert delivery_of(engine, alert).state == DeliveryState.WAITING


def test_what_can_wait_is_said_in_one_message(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    raise_alerts(engine, 300, at=clock.at, desks=[Desk.COMMS], manner="digest")
    run(make_sender(engine, url, clock=clock), clock, 1)
    [message] = double.messages
    assert "300 cases" in message.text
    assert sum("GH-" in text for text in texts_of(message.blocks)) == 10
    assert any("and 290 more" in text for text in texts_of(message.blocks))
    with Session(engine) as session:
        states = set(session.scalars(select(col(Delivery.state))))
    assert states == {DeliveryState.DELIVERED}


def test_a_flood_of_pages_is_bundled_and_each_can_be_acknowledged(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    alerts = raise_alerts(engine, 50, at=clock.at, desks=[Desk.COMMS])
    sender = make_sender(engine, url, SlackSettings(**{**QUICK.model_dump(), "bundle_above": 5}), clock=clock)
    run(sender, clock, 3)
    assert len(double.messages) < 15
    pressable = sorted(values_of(double))
    assert pressable == sorted(str(alert.id) for alert in alerts)
    close(engine, alerts[0])
    run(sender, clock, 20)
    assert sum(each.edits for each in double.messages) == 1


def test_the_graver_goes_first_then_growth_and_nothing_waits_for_ever(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    alerts = raise_alerts(engine, 4, at=clock.at, desks=[Desk.COMMS])
    with Session(engine) as session:
        for alert, severity in zip(alerts, (4, 3, 1, 4), strict=True):
            session.get_one(Case, alert.case_id).severity = severity
        session.commit()
    sender = make_sender(engine, url, QUICK.model_copy(update={"gap_s": 1.0}), clock=clock)
    sender.deliver(alerts[1].id)
    grown = raise_growth(engine, alerts[1:2], at=clock.at)
    clock.move(0.1)
    sender.deliver(alerts[0].id)
    clock.move(0.1)
    for alert in (*grown, alerts[3], alerts[2]):
        sender.deliver(alert.id)
    clock.move(1)
    assert sender.step("slack:C0COMMS001")
    clock.move(28.95)
    raised = raise_alerts(engine, 1, at=clock.at, desks=[Desk.COMMS])
    sender.deliver(raised[0].id)
    run(sender, clock, 10)
    order = [alerts[1], alerts[2], alerts[0], alerts[3], raised[0], grown[0]]
    assert [each.key for each in double.messages] == [str(delivery_of(engine, alert).id) for alert in order]


def test_the_gravest_stand_alone_while_the_others_share_a_message(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    alerts = raise_alerts(engine, 12, at=clock.at, desks=[Desk.COMMS])
    with Session(engine) as session:
        for alert in alerts[2:]:
            session.get_one(Case, alert.case_id).severity = 4
        session.commit()
    sender = make_sender(engine, url, SlackSettings(**{**QUICK.model_dump(), "bundle_above": 5}), clock=clock)
    run(sender, clock, 3)
    found = [delivery_of(engine, alert) for alert in alerts]
    assert len(double.messages) == 3
    assert [each.bundle for each in found[:2]] == [None, None]
    assert {each.bundle is None for each in found[2:]} == {False}


def test_a_refusal_is_a_dead_letter_in_plain_sight(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    _double, url = slack
    [alert] = raise_alerts(engine, 1, at=clock.at)
    make_sender(engine, url, clock=clock, token="xoxb-revoked").deliver(alert.id)
    delivery = delivery_of(engine, alert)
    assert (delivery.state, delivery.error) == (DeliveryState.FAILED, "invalid_auth")
    with Session(engine) as session:
        assert session.get_one(Channel, delivery.channel).error == "invalid_auth"
        assert session.scalars(select(LogEntry)).one().what == "alert refused by its channel"


def test_a_dead_letter_sent_again_goes_to_the_channel_its_desk_has_now(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    [alert] = raise_alerts(engine, 1, at=clock.at)
    sender = make_sender(engine, url, clock=clock)
    with Session(engine) as session:
        session.add(Delivery(alert_id=alert.id, channel="slack:#misspelt", due_at=clock.at,
                             state=DeliveryState.FAILED, error="channel_not_found"))  # fmt: skip
        session.commit()
        assert retry_failed(session, now=clock.at) == 1
        session.commit()
    run(sender, clock, 20)
    delivery = delivery_of(engine, alert)
    assert (delivery.state, delivery.channel) == (DeliveryState.DELIVERED, f"slack:{CHANNELS[alert.desk]}")
    assert len(double.messages) == 1


def test_a_channel_given_by_name_is_looked_up_before_its_history_is(
    engine: Engine, slack: tuple[SlackDouble, str], clock: MovedClock
) -> None:
    double, url = slack
    double.names["gh-comms"] = "C0NAMED0001"
    double.faults = Faults(seed=1, rate=1.0, kinds=["reply dropped"])
    [alert] = raise_alerts(engine, 1, at=clock.at)
    sender = make_sender(engine, url, clock=clock)
    sender._channels = {"comms": "slack:#gh-comms"}
    sender.deliver(alert.id)
    double.faults = None
    clock.move(3)
    assert sender.step("slack:#gh-comms")
    assert delivery_of(engine, alert).receipt == f"C0NAMED0001:{double.messages[0].ts}"


def actions_of(double: SlackDouble) -> list[str]:
    return [
        each["action_id"]
        for block in double.messages[0].blocks
        if block["type"] == "actions"
        for each in block["elements"]
    ]


def values_of(double: SlackDouble) -> Iterator[str]:
    for message in double.messages:
        for block in message.blocks:
            for button in [*block.get("elements", []), block.get("accessory", {})]:
                if button.get("action_id") == "acknowledge":
                    yield button["value"]


def close(engine: Engine, alert: Alert) -> None:
    with Session(engine) as session:
        row = session.get_one(Alert, alert.id)
        row.state = AlertState.CLOSED
        row.revision += 1
        session.add(row)
        case = session.connection().exec_driver_sql(
            "UPDATE cases SET status = %s WHERE id = %s", (Status.NOT_OURS.value, row.case_id)
        )
        assert case.rowcount == 1
        session.commit()


def leave_sending(engine: Engine, alert: Alert, clock: MovedClock) -> None:
    """As a sender leaves it that dies between its commit and its call."""
    sender = make_sender(engine, "http://127.0.0.1:9/", clock=clock)
    sender._slack = Dying()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        sender.deliver(alert.id)
    assert delivery_of(engine, alert).state == DeliveryState.SENDING


class Dying:
    def post(self, *_args: object, **_named: object) -> None:
        raise KeyboardInterrupt


def test_what_may_have_been_told_before_a_restore_is_labelled(engine: Engine, noon: datetime) -> None:
    restored = noon - timedelta(hours=1)
    with Session(engine, expire_on_commit=False) as session:
        session.add(
            Backup(
                name="b",
                host="h",
                folder="f",
                why="w",
                began_at=noon - timedelta(days=1),
                restored_at=restored,
            )
        )
        again = make_case(opened_at=noon, first_published_at=restored - timedelta(hours=3))
        new = make_case(opened_at=noon, first_published_at=noon)
        old = make_case(
            opened_at=restored - timedelta(days=2), first_published_at=restored - timedelta(days=2)
        )
        session.add_all([again, new, old])
        session.flush()
        alerts = [make_alert(each, raised_at=noon) for each in (again, new, old)]
        session.add_all(alerts)
        session.commit()
        for days, case in ((0, again), (8, again)):
            assert may_be_known(session, case.id, now=noon + timedelta(days=days)) is (days == 0)
        for alert in alerts:
            enter(session, alert, "C1", Pace.of(QUICK), now=noon)
        session.commit()
    told = [delivery_of(engine, alert) for alert in alerts]
    assert [each.possible_repeat for each in told] == [True, False, False]
    with Session(engine) as session:
        said = session.scalars(select(LogEntry).where(col(LogEntry.what) == "possibly told before")).all()
        assert [each.case_id for each in said] == [again.id]
