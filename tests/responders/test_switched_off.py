"""A channel that is switched off: nothing goes by it, others go on; what waited is sent once it is on."""

from datetime import timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from responders.channels.channel import Sent
from responders.notifying import channels_with_work as with_errands
from responders.outbox import channels_with_work
from tests.doubles.slack import slack_double
from tests.make import NOON
from tests.responders.carrying import leave, make_notification
from tests.responders.sending import CHANNELS, MovedClock, make_sender, raise_alerts
from tests.responders.test_courier import Bench
from triage.records import Desk
from triage.switch_records import SwitchKind
from triage.switching import switch_off, switch_on

COMMS, OVERSIGHT = (f"slack:{CHANNELS[desk]}" for desk in (Desk.COMMS, Desk.OVERSIGHT))
SOON = NOON + timedelta(minutes=1)


def turn(engine: Engine, channel: str, *, on: bool) -> None:
    with Session(engine) as session:
        if on:
            switch_on(session, SwitchKind.CHANNEL, channel, who="ann", why="mended", now=NOON)
        else:
            switch_off(
                session, SwitchKind.CHANNEL, channel, known=(channel,), who="ann", why="it leaked", now=NOON
            )
        session.commit()


def test_a_slack_channel_that_is_off_keeps_its_alerts_and_holds_up_no_other(engine: Engine) -> None:
    clock = MovedClock(NOON)
    with slack_double() as (double, url):
        sender = make_sender(engine, url, clock=clock)
        turn(engine, COMMS, on=False)
        for alert in raise_alerts(engine, 2, at=NOON):
            sender.deliver(alert.id)
        assert {each.channel for each in double.messages} == {CHANNELS[Desk.OVERSIGHT]}
        with Session(engine) as session:
            assert channels_with_work(session, before=SOON) == []
        turn(engine, COMMS, on=True)
        with Session(engine) as session:
            assert channels_with_work(session, before=SOON) == [COMMS]
        assert sender.step(COMMS)
        assert {each.channel for each in double.messages} == set(CHANNELS.values())


def test_so_does_every_other_kind(engine: Engine) -> None:
    bench = Bench(engine, Sent("abc"))
    turn(engine, "email", on=False)
    leave(engine, make_notification())
    assert not bench.after(0)
    with Session(engine) as session:
        assert with_errands(session, ["email"], before=SOON) == []
    turn(engine, "email", on=True)
    assert bench.after(0)
    assert bench.only().receipt == "abc"
