"""A ladder is climbed step by step: each due step once, none after the alert was acknowledged, at London's hours.

The reference knows nothing of the product's way: it walks through the days minute by minute, as a person with a clock,
a list and a pencil would.
"""

import os
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from config.settings import HERE
from triage.escalation_ladder import (
    Ladder,
    LadderError,
    Ladders,
    Mark,
    due,
    next_turn,
    read_ladders,
    still_to_answer,
    turns,
    whom,
)
from triage.notification_records import ChannelKind
from triage.records import Desk

LONDON = ZoneInfo("Europe/London")
MINUTE = timedelta(minutes=1)
DAYS = 30
MANY = 2_000
SEED = int(os.environ.get("GOLDENHOUR_TEST_SEED", "7"))
BEGINNINGS = (
    datetime(2026, 3, 14, tzinfo=UTC),
    datetime(2026, 10, 10, tzinfo=UTC),
)  # both hold a clock change


def make_ladder(*steps: dict[str, object], **given: object) -> Ladder:
    step = {"after": "0m", "who": ["rota:bureau"], "by": ["sms"]}
    return Ladder.model_validate(
        {"desk": "comms", "severity": 1, "step": [{**step, **each} for each in steps], **given}
    )


class Pencil:
    """A person with a clock: looks once a minute, writes down what is to be done, crosses it out when it was told."""

    def __init__(self, ladder: Ladder, began_at: datetime) -> None:
        self.ladder, self.began_at = ladder, began_at
        self.listed: dict[tuple[int, int], datetime] = {}
        quiet = ladder.quiet
        self.asleep = (quiet.begins, quiet.ends, quiet.wake) if quiet else None

    def all_until(self, end: datetime) -> dict[tuple[int, int], datetime]:
        """When everything is due that is due by `end`."""
        at = self.began_at
        for number, step in enumerate(self.ladder.step):
            at = told = self._awake(self._later(at, step.after))
            self.listed[number, 0] = at
            for turn in range(step.again):
                told = self._awake(self._later(told, step.every))
                self.listed[number, turn + 1] = told
        if self.ladder.then_every:
            last, told = len(self.ladder.step) - 1, max(self.listed.values())
            turn = self.ladder.step[last].again
            while told <= end:
                turn, told = turn + 1, self._awake(self._later(told, self.ladder.then_every))
                self.listed[last, turn] = told
        return {what: at for what, at in self.listed.items() if at <= end}

    @staticmethod
    def _later(at: datetime, by: timedelta) -> datetime:
        return datetime.fromtimestamp(at.timestamp() + by.total_seconds(), UTC)

    def _awake(self, at: datetime) -> datetime:
        """Wait, a minute at a time, until the clock on the wall shows no sleeping hour; then until the alarm rings."""
        if self.asleep is None or not self._sleeps(at):
            return at
        at = at.replace(second=0, microsecond=0)
        while self._sleeps(at) or at.astimezone(LONDON).time() != self.asleep[2]:
            at += MINUTE
        return at

    def _sleeps(self, at: datetime) -> bool:
        begins, ends, _wake = self.asleep or (time(), time(), time())
        wall = at.astimezone(LONDON).time()
        return begins <= wall < ends if begins < ends else not ends <= wall < begins


def random_ladder(random: Random) -> Ladder:
    steps: list[dict[str, object]] = [
        {
            "after": f"{random.choice((0, 1, 5, 15, 60, 240, 1500))}m",
            "again": random.choice((0, 0, 1, 3)),
            "every": f"{random.choice((1, 2, 10, 45))}m",
        }
        for _ in range(random.randint(1, 5))
    ]
    quiet = random.choice(
        (
            None,
            None,
            {"begins": time(23), "ends": time(7), "wake": time(7, 30)},
            {"begins": time(0), "ends": time(6), "wake": time(6)},
            {"begins": time(18), "ends": time(8), "wake": time(10)},
        )
    )
    return make_ladder(
        *steps,
        quiet=quiet,
        then_every=random.choice((None, "45m", "4h", "1d")) if random.random() < 0.8 else None,
    )


class Month(NamedTuple):
    """What one random month came to, and which faults fell into it."""

    told: int
    kills: int
    steps_back: int
    answered: bool


def one_month(random: Random) -> Month:
    """Thirty days with one alert, looked at by a service that is killed before it commits and whose clock is set."""
    ladder, start = random_ladder(random), random.choice(BEGINNINGS)
    began_at = start + timedelta(minutes=random.randint(0, 20 * 24 * 60), seconds=random.randint(0, 59))
    answered_at = began_at + timedelta(
        seconds=random.expovariate(1 / random.choice((600, 40_000, 10_000_000)))
    )
    told: list[Mark] = []
    done: set[Mark] = set()
    now = looked = settled = start
    answered, kills, back = False, 0, 0
    while now < start + timedelta(days=DAYS):
        answered = answered or now >= answered_at
        waiting = due(ladder, began_at, answered=answered, done=done, now=now)
        assert not (answered and waiting), "somebody is told after the acknowledgement"
        if not answered:
            looked = max(looked, now)
        reached = random.randint(0, len(waiting)) if random.random() < 0.1 else len(waiting)
        for each in waiting[:reached]:  # the rest dies with the service: not written, nobody told
            told.append((each.step, each.turn))
            done.add((each.step, each.turn))
        kills += reached < len(waiting)
        if reached == len(waiting) and not answered:
            settled = max(settled, now)
        length = random.choice((60, 600, 3_600, 40_000, 90_000))
        length = length if random.random() < 0.9 else random.randint(-7_200, 7_200)
        back += length < 0
        now += timedelta(seconds=length)
    pencil = Pencil(ladder, began_at)
    assert len(told) == len(set(told)), "a step is done twice"
    assert set(told) <= set(pencil.all_until(looked)), "a step is done that is not due"
    assert set(pencil.all_until(settled)) <= set(told), "a due step is not done"
    return Month(len(told), kills, back, answered)


def test_every_due_step_is_done_once_and_none_after_the_acknowledgement() -> None:
    """Two thousand random ladders, acknowledgements and months with a clock change in them."""
    random = Random(SEED)
    months = [one_month(random) for _ in range(MANY)]
    assert sum(each.kills for each in months) > MANY / 10
    assert sum(each.steps_back for each in months) > MANY
    assert sum(each.told for each in months) > 10 * MANY
    assert MANY / 2 < sum(each.answered for each in months) < MANY


@pytest.mark.parametrize("start", BEGINNINGS, ids=["March", "October"])
def test_left_alone_everything_is_done_at_its_minute(start: datetime) -> None:
    """Over the clock change, looked at every minute: what the pencil lists, when it lists it."""
    random = Random(SEED + start.month)
    for _ in range(8):
        ladder, began_at = random_ladder(random), start + timedelta(hours=random.randint(300, 380))
        expected = Pencil(ladder, began_at).all_until(began_at + timedelta(days=3))
        listed = {(each.step, each.turn): each.at for each in _until(ladder, began_at, timedelta(days=3))}
        assert listed == expected


def _until(ladder: Ladder, began_at: datetime, length: timedelta):  # type: ignore[no-untyped-def]
    for each in turns(ladder, began_at):
        if each.at > began_at + length:
            return
        yield each


def test_what_falls_into_the_night_waits_for_the_morning_on_both_sides_of_a_clock_change() -> None:
    quiet = {"begins": time(23), "ends": time(7), "wake": time(7, 30)}
    ladder = make_ladder({"after": "0m"}, {"after": "1h"}, quiet=quiet)
    spring = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    autumn = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)
    assert [each.at for each in turns(ladder, spring)] == [
        datetime(2026, 3, 29, 6, 30, tzinfo=UTC), datetime(2026, 3, 29, 7, 30, tzinfo=UTC)
    ]  # fmt: skip
    assert [each.at for each in turns(ladder, autumn)] == [
        datetime(2026, 10, 25, 7, 30, tzinfo=UTC), datetime(2026, 10, 25, 8, 30, tzinfo=UTC)
    ]  # fmt: skip


def test_a_clock_that_goes_back_repeats_nothing() -> None:
    ladder, began_at = make_ladder({"again": 1, "every": "5m"}), datetime(2026, 7, 14, tzinfo=UTC)
    first = due(ladder, began_at, answered=False, done=(), now=began_at)
    done = {(each.step, each.turn) for each in first}
    assert done == {(0, 0)}
    assert due(ladder, began_at, answered=False, done=done, now=began_at - timedelta(days=1)) == []
    later = due(ladder, began_at, answered=False, done=done, now=began_at + timedelta(hours=1))
    assert [(each.step, each.turn) for each in later] == [(0, 1)]


def test_several_must_each_acknowledge() -> None:
    ladder = make_ladder({"who": ["rota:bureau", "post:gold"]}, each=["rota:bureau", "post:gold"])
    assert still_to_answer(ladder, ["rota:bureau"]) == ("post:gold",)
    assert whom(ladder, 0, ["rota:bureau"]) == ("post:gold",)
    assert still_to_answer(ladder, ["rota:bureau", "post:gold"]) == ()


def test_the_ladders_that_ship_are_right_and_keep_the_force_s_times() -> None:
    ladders = read_ladders(HERE / "escalation.toml")
    began_at = datetime(2026, 7, 14, 12, tzinfo=UTC)
    first_above = {
        severity: turns_of(ladders, Desk.COMMS, severity, began_at, step=1) for severity in (1, 2, 3)
    }
    assert first_above == {1: timedelta(minutes=5), 2: timedelta(minutes=15), 3: timedelta(hours=1)}
    assert all(each.then_every for each in ladders.ladder), "an open alert always has a next step due"
    assert {each.severity: set(each.desks) for each in ladders.both} == {1: {Desk.COMMS, Desk.OVERSIGHT}}


def turns_of(ladders: Ladders, desk: Desk, severity: int, began_at: datetime, *, step: int) -> timedelta:
    ladder = ladders.of(desk, severity)
    assert ladder is not None
    return next(each.at for each in turns(ladder, began_at) if each.step == step) - began_at


def test_the_next_step_is_known_before_it_is_due() -> None:
    ladder, began_at = make_ladder({}, {"after": "5m"}), datetime(2026, 7, 14, tzinfo=UTC)
    following = next_turn(ladder, began_at, {(0, 0)})
    assert following is not None
    assert (following.step, following.at) == (1, began_at + timedelta(minutes=5))
    assert next_turn(ladder, began_at, {(0, 0), (1, 0)}) is None


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('[[ladder]]\ndesk = "comms"\nseverity = 1\nstep = []', "ladder.0.step"),
        ('[[ladder]]\ndesk = "press"\nseverity = 1', "ladder.0.desk"),
        (
            '[[ladder]]\ndesk = "comms"\nseverity = 1\n[[ladder.step]]\nafter = "soon"\nwho = ["rota:x"]\nby = ["sms"]',
            "ladder.0.step.0.after",
        ),
        (
            '[[ladder]]\ndesk = "comms"\nseverity = 1\neach = ["post:y"]\n[[ladder.step]]\nafter = "0m"\n'
            'who = ["rota:x"]\nby = ["sms"]',
            "no step tells them",
        ),
        (
            '[[ladder]]\ndesk = "comms"\nseverity = 1\nquiet = { begins = 23:00:00, ends = 07:00:00, wake = 05:00:00 }'
            '\n[[ladder.step]]\nafter = "0m"\nwho = ["rota:x"]\nby = ["pigeon"]',
            "ladder.0.quiet",
        ),
        ("ladder = 3", "ladder"),
        ("[[", "escalation.toml"),
    ],
)
def test_a_wrong_file_is_refused_with_file_key_and_reason(written: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "escalation.toml"
    path.write_text(written)
    with pytest.raises(LadderError) as refused:
        read_ladders(path)
    assert str(path) in str(refused.value)
    assert said in str(refused.value)


def test_every_kind_of_channel_can_be_named() -> None:
    assert make_ladder({"by": [each.value for each in ChannelKind]}).step[0].by == tuple(ChannelKind)
