"""The courier: four outcomes, four states; doubt is looked into where that can be done, else repeats say so."""

from datetime import timedelta
from threading import Event
from typing import NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import Engine, select
from sqlmodel import Session, col

from responders.channels.channel import Letter, Outcome, Refused, Sent, Unknown, UnreadableError, Wait
from responders.channels.settings import AlertSettings
from responders.channels.slack import SlackWords
from responders.courier import Courier, Way
from responders.notifying import MOST_TRIES, channels_with_work, forget, pace_of, revive, sort_out, take
from responders.slack import Slack
from tests.doubles.receivers import receivers
from tests.doubles.slack import TOKEN, Faults, slack_double
from tests.doubles.smtp import mail_server
from tests.make import NOON, make_alert, make_case
from tests.responders.carrying import QUICK, leave, make_courier, make_notification, make_ways
from tests.responders.sending import MovedClock, wall_clock
from triage.notification_records import ChannelKind, Notification, NotificationKind, NotificationState
from triage.oncall import OnCall
from triage.records import Channel, LogEntry
from triage.resending import put_back

STATE = NotificationState
PACE = pace_of(QUICK, 1.0)


class Told(NamedTuple):
    letter: Letter
    address: str


class Scripted:
    """A channel that ends each call as a test says; `list` is what it can be asked for, None when it keeps none."""

    def __init__(self, *outcomes: Outcome, kept: dict[UUID, Sent] | None = None) -> None:
        self.outcomes, self.kept, self.told = list(outcomes), kept, list[Told]()

    def send(self, letter: Letter, address: str, *, now: object) -> Outcome:  # noqa: ARG002
        self.told.append(Told(letter, address))
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]

    def find(self, letter: Letter, address: str, *, since: object, now: object) -> Sent | None:  # noqa: ARG002
        if self.kept is None:
            raise UnreadableError("it keeps no list")
        return self.kept.get(letter.key)

    def greet(self, *, now: object) -> str:  # noqa: ARG002
        return "here"


class Bench:
    """A courier with one scripted channel and a clock that tests move."""

    def __init__(self, engine: Engine, *outcomes: Outcome, kept: dict[UUID, Sent] | None = None) -> None:
        self.engine, self.clock, self.channel = engine, MovedClock(NOON), Scripted(*outcomes, kept=kept)
        ways = {ChannelKind.EMAIL: Way(self.channel, PACE), ChannelKind.WEBHOOK: Way(self.channel, PACE)}
        self.courier = Courier(engine, ways, clock=self.clock, owner="test")

    def after(self, seconds: float, channel: str = "email") -> bool:
        self.clock.move(seconds)
        return self.courier.step(channel)

    def only(self) -> Notification:
        with Session(self.engine) as session:
            return session.scalars(select(Notification)).one()

    def line(self) -> Channel:
        with Session(self.engine) as session:
            return session.scalars(select(Channel)).one()


def test_what_is_taken_is_delivered_and_proves_its_channel(engine: Engine) -> None:
    bench = Bench(engine, Sent("abc"))
    leave(engine, make_notification())
    assert bench.after(0)
    assert not bench.after(0)
    it, line = bench.only(), bench.line()
    assert (it.state, it.receipt, it.attempts, it.lease_owner) == (STATE.DELIVERED, "abc", 1, None)
    assert (line.name, line.proven_at, line.failures) == ("email", NOON, 0)


def test_what_is_refused_is_a_dead_letter_that_a_person_can_send_again(engine: Engine) -> None:
    bench = Bench(engine, Refused("smtp 550"), Sent(""))
    leave(engine, make_notification())
    bench.after(0)
    assert (bench.only().state, bench.only().error) == (STATE.FAILED, "smtp 550")
    with Session(engine) as session:
        assert put_back(session, OnCall(), now=bench.clock()) == 1
        session.commit()
    bench.after(5)
    assert bench.only().state == STATE.DELIVERED


def test_an_address_nobody_has_speaks_not_against_its_channel(engine: Engine) -> None:
    bench = Bench(engine, Refused("smtp 550"), Refused("smtp 535: the server refuses our name or password"))
    leave(engine, make_notification(), make_notification())
    bench.after(0)
    assert (bench.line().failures, bench.line().error) == (0, None)
    bench.after(5)
    assert bench.line().failures == 1


def test_what_waits_is_sent_when_the_other_side_asked_for_it_and_never_repeats(engine: Engine) -> None:
    bench = Bench(engine, Wait("asked to wait", timedelta(seconds=20)), Sent(""))
    leave(engine, make_notification())
    bench.after(0)
    assert not bench.after(19)
    assert bench.after(1)
    assert not bench.only().possible_repeat


def test_doubt_is_looked_into_before_anything_is_sent_again(engine: Engine) -> None:
    there = make_notification()
    bench = Bench(engine, Unknown("TooSlow"), kept={there.id: Sent("found")})
    leave(engine, there)
    bench.after(0)
    assert bench.only().state == STATE.UNKNOWN
    bench.after(2)
    assert (bench.only().state, bench.only().receipt, len(bench.channel.told)) == (
        STATE.DELIVERED,
        "found",
        1,
    )


@pytest.mark.parametrize(
    ("fault", "calls"), [("reply dropped", 1), ("500 after", 1), ("500 before", 2), ("hang", 2)]
)
def test_a_page_to_a_person_in_slack_is_looked_for_in_their_direct_messages(
    engine: Engine, fault: str, calls: int
) -> None:
    """By the user's id, which names no conversation whose history could be read."""
    clock = MovedClock(NOON)
    with slack_double(Faults(1, rate=1.0, kinds=[fault], hang_s=0.7, most=1)) as (double, url):
        way = Way(SlackWords(Slack(TOKEN, url, 0.6)), PACE)
        courier = Courier(engine, {ChannelKind.SLACK: way}, clock=clock, owner="test")
        leave(engine, make_notification(ChannelKind.SLACK, address="U0123ABCD"))
        for _turn in range(5):
            courier.step("slack:U0123ABCD")
            clock.move(2)
        with Session(engine) as session:
            it = session.scalars(select(Notification)).one()
    assert (it.state, it.possible_repeat) == (STATE.DELIVERED, False)
    assert [each.channel for each in double.messages] == ["D0123ABCD"]
    assert double.called("chat.postMessage") == calls


def test_what_is_not_in_the_list_is_sent_again_without_a_label(engine: Engine) -> None:
    bench = Bench(engine, Unknown("TooSlow"), Sent(""), kept={})
    leave(engine, make_notification())
    for _turn in range(3):
        bench.after(2)
    assert [each.letter.possible_repeat for each in bench.channel.told] == [False, False]
    assert bench.only().state == STATE.DELIVERED


def test_without_a_list_it_is_repeated_after_the_deadline_under_its_own_id_and_says_so(
    engine: Engine,
) -> None:
    bench = Bench(engine, Unknown("TooSlow"), Sent(""))
    leave(engine, make_notification())
    bench.after(0)
    for _second in range(4):
        bench.after(1)
    first, again = (each.letter for each in bench.channel.told)
    assert (first.possible_repeat, again.possible_repeat, first.key) == (False, True, again.key)
    assert again.headline.startswith("Possible repeat: ")
    with Session(engine) as session:
        said = list(session.scalars(select(col(LogEntry.what))))
    assert said == ["notification sent again, possible repeat"]


def test_what_never_says_whether_it_arrived_is_left_to_a_person_in_the_end(engine: Engine) -> None:
    bench = Bench(engine, Unknown("http 500"))
    leave(engine, make_notification())
    for _turn in range(40 * MOST_TRIES):
        bench.after(1)
    assert bench.only().state == STATE.FAILED
    assert bench.only().error == f"never confirmed in {MOST_TRIES} tries: http 500"
    assert len(bench.channel.told) == MOST_TRIES


def test_what_a_dead_courier_left_is_in_doubt(engine: Engine) -> None:
    bench = Bench(engine, Sent(""), kept={})
    leave(engine, make_notification())
    with Session(engine) as session:
        assert take(session, "email", "dies", PACE, now=NOON) is not None
        session.commit()
    assert not bench.after(1)  # its lease still runs
    bench.after(QUICK.timeout_s * 2)  # looked for
    assert bench.only().error is not None
    bench.after(2)
    assert (bench.only().state, len(bench.channel.told)) == (STATE.DELIVERED, 1)


def test_what_an_older_try_learns_counts_for_nothing(engine: Engine) -> None:
    bench = Bench(engine, Sent("late"))
    leave(engine, make_notification())
    with Session(engine) as session:
        stale = take(session, "email", "slow", PACE, now=NOON)
        session.commit()
    assert stale is not None
    bench.clock.move(60)
    with Session(engine) as session:
        take(session, "email", "other", PACE, now=bench.clock())
        session.commit()
    bench.courier._send(Way(bench.channel, PACE), stale)
    assert bench.only().state == STATE.UNKNOWN


def test_who_was_stopped_before_the_call_does_not_make_it(engine: Engine) -> None:
    bench = Bench(engine, Sent(""))
    leave(engine, make_notification())
    with Session(engine, expire_on_commit=False) as session:
        errand = take(session, "email", "test", PACE, now=NOON)
        session.commit()
    assert errand is not None
    bench.clock.move(PACE.hesitation.total_seconds() + 0.1)
    bench.courier._send(Way(bench.channel, PACE), errand)
    assert (bench.channel.told, bench.only().state) == ([], STATE.WAITING)


def test_pages_go_before_briefs_and_each_webhook_is_a_channel_of_its_own(engine: Engine) -> None:
    bench = Bench(engine, Sent(""))
    brief = make_notification(kind=NotificationKind.BRIEF, subject="brief", due_at=NOON - timedelta(hours=1))
    hook = make_notification(ChannelKind.WEBHOOK, address="cad")
    other = make_notification(ChannelKind.WEBHOOK, address="other")
    leave(engine, brief, make_notification(subject="page"), hook, other)
    with Session(engine) as session:
        ways = (ChannelKind.EMAIL, ChannelKind.WEBHOOK)
        assert channels_with_work(session, ways, before=NOON + timedelta(seconds=1)) == [
            "email",
            "webhook:cad",
            "webhook:other",
        ]
    bench.after(0)
    bench.after(0, "webhook:other")
    assert [each.letter.subject for each in bench.channel.told[:1]] == ["page"]
    assert bench.channel.told[1].address == "other"
    assert not bench.after(0.5)  # mail rests for a second
    assert bench.after(0.5)


def test_what_cannot_be_sent_says_so_and_what_comes_too_late_is_withdrawn(engine: Engine) -> None:
    bench = Bench(engine, Sent(""))
    nowhere = make_notification(ChannelKind.SMS)
    late = make_notification(expires_at=NOON)
    unknown = make_notification(address=None)
    order = nowhere.id, late.id, unknown.id
    leave(engine, nowhere, late, unknown)

    def states() -> list[NotificationState]:
        with Session(engine) as session:
            found = {each.id: each.state for each in session.scalars(select(Notification))}
        return [found[each] for each in order]

    with Session(engine) as session:
        sort_out(session, [ChannelKind.EMAIL], now=bench.clock())
        session.commit()
    assert states() == [STATE.NO_CHANNEL, STATE.WITHDRAWN, STATE.NO_CHANNEL]
    with Session(engine) as session:
        revive(session, [ChannelKind.EMAIL, ChannelKind.SMS], now=NOON + timedelta(hours=1))
        session.commit()
    assert states() == [STATE.WAITING, STATE.WITHDRAWN, STATE.NO_CHANNEL]


def test_what_is_about_a_case_is_in_its_log_without_its_words(engine: Engine) -> None:
    bench = Bench(engine, Sent(""))
    with Session(engine) as session:
        case = make_case()
        session.add(case)
        session.flush()
        alert = make_alert(case)
        session.add(alert)
        session.flush()
        session.add(make_notification(case_id=case.id, alert_id=alert.id))
        session.commit()
        bench.after(0)
        [entry] = session.scalars(select(LogEntry))
        assert (entry.case_id, entry.what) == (case.id, "notification delivered")
        assert set(entry.detail) == {"channel", "kind", "notification"}


def test_a_channel_that_hangs_holds_up_no_other(engine: Engine) -> None:
    kinds = [each for each in ChannelKind if each != ChannelKind.SLACK]
    patient = AlertSettings(timeout_s=20, settle_s=0)

    def states() -> dict[str, str]:
        with Session(engine) as session:
            return {each.channel_kind: each.state for each in session.scalars(select(Notification))}

    with receivers() as them, mail_server() as mail:
        them.deaf.add("/teams/comms")
        courier = make_courier(engine, make_ways(mail.port, them.port, patient), clock=wall_clock)
        leave(engine, *(make_notification(kind) for kind in kinds))
        while list(states().values()).count(STATE.DELIVERED) < len(kinds) - 1:
            courier.sweep(for_s=0.1)
        found = states()
        them.released.set()
        courier.close()
    assert [kind for kind in kinds if found[kind] == STATE.SENDING] == [ChannelKind.TEAMS]


class Deaf(Scripted):
    """A channel that answers nobody until it is let go."""

    def __init__(self) -> None:
        super().__init__(Wait("no connection"))
        self.let_go = Event()

    def send(self, letter: Letter, address: str, *, now: object) -> Outcome:
        self.let_go.wait(20)
        return super().send(letter, address, now=now)


def test_a_kind_that_hangs_with_all_its_addresses_holds_up_no_other(engine: Engine) -> None:
    deaf, text = Deaf(), Scripted(Sent(""))
    ways = {ChannelKind.SLACK: Way(deaf, PACE), ChannelKind.SMS: Way(text, PACE)}
    courier = Courier(engine, ways, clock=wall_clock, owner="test")
    leave(engine, *(make_notification(ChannelKind.SLACK, address=f"U0PERSON{at:02}") for at in range(30)))
    courier.sweep(for_s=0.2)
    leave(engine, make_notification(ChannelKind.SMS))
    for _sweep in range(20):
        if not text.told:
            courier.sweep(for_s=0.2)
    heard = len(text.told)
    deaf.let_go.set()
    courier.close()
    assert (heard, deaf.told != []) == (1, True)


def test_after_90_days_no_address_is_kept(engine: Engine) -> None:
    delivered = NotificationState.DELIVERED
    with Session(engine) as session:
        case = make_case()
        session.add(case)
        session.flush()
        about, brief = make_notification(case_id=case.id, state=delivered), make_notification(state=delivered)
        session.add_all([about, brief, make_notification()])
        session.commit()
        forget(session, now=NOON + timedelta(days=89))
        assert len(list(session.scalars(select(Notification)))) == 3
        forget(session, now=NOON + timedelta(days=91))
        session.commit()
        left = {each.state: each.address for each in session.scalars(select(Notification))}
    assert left == {delivered: None, NotificationState.WAITING: "press-desk@force.example"}
