"""What a channel says later of what it took: it arrived, it did not, or nothing yet; ladders are climbed meanwhile."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import Engine, select
from sqlmodel import Session, col

from responders.channels.channel import Letter, Outcome, Refused, Sent, UnreadableError
from responders.courier import Courier, Way
from responders.notifying import ASKED_FOR, NEVER_SAID, SELDOM, UNSETTLED, pace_of
from tests.doubles.receivers import receivers
from tests.make import NOON, make_alert, make_case, make_person
from tests.responders.carrying import QUICK, leave, make_courier, make_notification, make_notify, make_ways
from tests.responders.sending import MovedClock, wall_clock
from tests.triage.test_escalation import on_call
from triage import escalation
from triage.notification_records import ChannelKind, Notification, NotificationState
from triage.oncall import OnCall
from triage.records import Channel, LogEntry
from triage.resending import put_back

STATE = NotificationState
PACE = pace_of(QUICK, 1.0)
LOST = ("permanent-failure", "temporary-failure", "technical-failure")


class Reporter:
    """A channel that takes everything, and says later what a test has it say."""

    def __init__(self) -> None:
        self.says: Sent | Refused | str | None = None
        self.sent, self.asked_at = 0, list[datetime]()

    def send(self, letter: Letter, address: str, *, now: datetime) -> Outcome:  # noqa: ARG002
        self.sent += 1
        return Sent(f"theirs {self.sent}", arrived=False)

    def find(self, letter: Letter, address: str, *, since: datetime, now: datetime) -> Sent | None:  # noqa: ARG002
        return None

    def greet(self, *, now: datetime) -> str:  # noqa: ARG002
        return "here"

    def report(self, receipt: str, *, now: datetime) -> Sent | Refused | None:
        assert receipt == f"theirs {self.sent}"
        self.asked_at.append(now)
        if isinstance(self.says, str):
            raise UnreadableError(self.says)
        return self.says


class Bench:
    """A courier with that channel, and a clock that tests move."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.clock, self.channel = engine, MovedClock(NOON), Reporter()
        self.courier = Courier(
            engine, {ChannelKind.SMS: Way(self.channel, PACE)}, clock=self.clock, owner="test"
        )

    def after(self, seconds: float) -> bool:
        self.clock.move(seconds)
        return self.courier.step("sms")

    def only(self) -> Notification:
        with Session(self.engine) as session:
            return session.scalars(select(Notification)).one()

    def line(self) -> Channel:
        with Session(self.engine) as session:
            return session.scalars(select(Channel)).one()


@pytest.fixture
def bench(engine: Engine) -> Bench:
    """One text message that was taken at noon, of which nothing is known yet."""
    made = Bench(engine)
    leave(engine, make_notification(ChannelKind.SMS))
    assert made.after(0)
    return made


def test_what_was_taken_is_neither_delivered_nor_proof_until_its_channel_says_so(bench: Bench) -> None:
    taken, line = bench.only(), bench.line()
    assert (taken.state, taken.receipt, taken.delivered_at) == (STATE.TAKEN, "theirs 1", None)
    assert (line.proven_at, line.failures) == (None, 0)
    bench.channel.says = Sent("theirs 1")
    assert bench.after(5)
    arrived = bench.only()
    assert (arrived.state, arrived.receipt) == (STATE.DELIVERED, "theirs 1")
    assert arrived.delivered_at == bench.line().proven_at == NOON + timedelta(seconds=5)
    assert not bench.after(60)
    assert bench.channel.sent == 1


@pytest.mark.parametrize("said", LOST)
def test_what_did_not_arrive_is_a_dead_letter_that_a_person_can_send_again(bench: Bench, said: str) -> None:
    bench.channel.says = Refused(said)
    bench.after(60)
    assert (bench.only().state, bench.only().error) == (STATE.FAILED, said)
    assert bench.line().proven_at is None
    with Session(bench.engine) as session:
        [entry] = session.scalars(select(LogEntry))
        assert (entry.what, entry.why) == ("notification did not arrive", said)
        assert put_back(session, OnCall(), now=bench.clock()) == 1
        session.commit()
    bench.channel.says = Sent("theirs 2")
    assert bench.after(1)
    assert bench.after(5)
    assert (bench.only().state, bench.channel.sent) == (STATE.DELIVERED, 2)


@pytest.mark.parametrize("says", [None, "http 500"])
def test_it_is_asked_ever_more_seldom_and_in_the_end_no_more(bench: Bench, says: str | None) -> None:
    bench.channel.says = says
    while bench.only().state == STATE.TAKEN:
        bench.clock.at = max(bench.only().due_at, bench.line().free_at)
        assert bench.after(0)
    asked = bench.channel.asked_at
    apart = [later - earlier for earlier, later in pairwise(asked)]
    assert apart == sorted(apart)
    assert (asked[0] - NOON, apart[-1]) == (PACE.gap, SELDOM)
    assert asked[-1] - NOON > ASKED_FOR
    assert len(asked) < 250
    assert (bench.only().state, bench.only().error) == (STATE.FAILED, NEVER_SAID)


def test_what_is_still_to_be_said_goes_before_any_question(bench: Bench) -> None:
    leave(bench.engine, make_notification(ChannelKind.SMS, due_at=NOON + timedelta(minutes=5)))
    bench.after(300)
    assert (bench.channel.sent, bench.channel.asked_at) == (2, [])


def test_a_late_report_says_nothing_about_a_channel_that_fails_now(bench: Bench) -> None:
    with Session(bench.engine) as session:
        row = session.get_one(Channel, "sms")
        row.failures, row.error = 4, "http 403"
        session.commit()
    bench.channel.says = Sent("theirs 1")
    bench.after(5)
    assert (bench.line().failures, bench.line().error) == (4, "http 403")


@pytest.mark.parametrize(
    ("status", "heard"),
    [
        ("created", None), ("sending", None), ("pending", None), ("something new", None),
        ("delivered", "arrived"), ("sent", "arrived"), *[(each, each) for each in LOST],
    ],
)  # fmt: skip
def test_the_words_of_notify(status: str, heard: str | None) -> None:
    with receivers() as them:
        notify = make_notify(them.port)
        taken = notify.send(
            Letter(make_notification().id, "page", "GH-7", "text"), "+447700900123", now=wall_clock()
        )
        assert isinstance(taken, Sent)
        assert not taken.arrived
        them.report = status
        found = notify.report(taken.receipt, now=wall_clock())
    told = found.code if isinstance(found, Refused) else "arrived" if found else None
    assert told == heard


def test_a_report_that_cannot_be_read_says_so() -> None:
    with receivers() as them:
        with pytest.raises(UnreadableError, match="404"):
            make_notify(them.port).report("../../v2/template/x", now=wall_clock())
        them.list_down = True
        with pytest.raises(UnreadableError, match="500"):
            make_notify(them.port).report("theirs", now=wall_clock())


def settled(engine: Engine, courier: Courier) -> dict[str, Notification]:
    """All messages by whom they are to, once the courier has nothing left to ask or send."""
    until = wall_clock() + timedelta(seconds=20)
    while wall_clock() < until:
        courier.sweep(for_s=0.3)
        with Session(engine) as session:
            found = {each.recipient: each for each in session.scalars(select(Notification))}
        if not any(each.state in UNSETTLED for each in found.values()):
            break
    return found


def test_a_page_that_notify_loses_later_is_no_answer_and_the_next_step_is_told(engine: Engine) -> None:
    now = wall_clock()
    first = {"after": "0m", "who": ["rota:bureau"], "by": ["sms"]}
    gold = {"after": "5m", "who": ["post:gold"], "by": ["sms"]}
    oncall = on_call({"desk": "comms", "severity": 1, "step": [first, gold]})
    with Session(engine, expire_on_commit=False) as session:
        ann = make_person(username="ann", roles=["duty_officer"], desks=["comms"])
        case = make_case(severity=1, desks=["comms"])
        session.add_all([ann, case])
        session.flush()
        alert = make_alert(case, raised_at=now)
        session.add(alert)
        session.flush()
        climb = escalation.begin(session, alert.id, oncall, now=now)
        session.commit()
    assert climb is not None
    with receivers() as them:
        courier = make_courier(engine, make_ways(0, them.port))
        them.report = "permanent-failure"
        lost = settled(engine, courier)["person:ann"]
        assert (lost.state, lost.error) == (STATE.FAILED, "permanent-failure")
        with Session(engine) as session:
            said = [
                each.what
                for each in session.scalars(select(LogEntry).where(col(LogEntry.case_id) == case.id))
            ]
            assert "notification did not arrive" in said
            assert escalation.climb(session, climb.id, oncall, now=now + timedelta(minutes=5)) == 1
            session.execute(Notification.__table__.update().values(due_at=now))  # type: ignore[attr-defined]
            session.commit()
        them.report = "delivered"
        found = settled(engine, courier)
        courier.close()
    assert found["post:gold"].state == STATE.DELIVERED
    assert found["person:ann"].state == STATE.FAILED
