"""Alerts through a Slack that fails in every way it can, by senders that are killed: none lost, none said twice."""

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import NamedTuple

import pytest
from sqlalchemy import Engine, func, select
from sqlmodel import Session, col

from responders.outbox import retry_failed
from tests.doubles.slack import ALL_FAULTS, Faults, SlackDouble, slack_double
from tests.responders.sending import raise_alerts, raise_growth, send_until_killed
from triage.records import Alert, Delivery, DeliveryState

SEED = int(os.environ.get("GOLDENHOUR_TEST_SEED", "20261120"))
ALERTS = int(os.environ.get("GOLDENHOUR_TEST_ALERTS", "200"))
KILLS = int(os.environ.get("GOLDENHOUR_TEST_ALERT_KILLS", "20"))
GIVE_UP_AFTER_S = 420 * max(1, ALERTS // 200)


class Outcome(NamedTuple):
    kills: int
    killed_while_sending: int


@contextmanager
def senders(database_url: str, base_url: str, count: int = 2) -> Iterator[list[ForkServerProcess]]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.responders.sending"])
    running = [start(context, database_url, base_url) for _each in range(count)]
    try:
        yield running
    finally:
        for each in running:
            each.kill()
            each.join()


def start(context: ForkServerContext, database_url: str, base_url: str) -> ForkServerProcess:
    process = context.Process(target=send_until_killed, args=(database_url, base_url), daemon=True)
    process.start()
    return process


def is_sending(engine: Engine, process: ForkServerProcess) -> bool:
    with Session(engine) as session:
        held = col(Delivery.lease_owner) == f"pid {process.pid}"
        return session.scalars(select(Delivery).where(held)).first() is not None


def catch_sending(engine: Engine, running: list[ForkServerProcess]) -> int | None:
    """Freeze a sender between its commit and the end of its call, if one comes there soon, and say which."""
    give_up_at = time.monotonic() + 5
    while time.monotonic() < give_up_at:
        for number, process in enumerate(running):
            if is_sending(engine, process):
                assert process.pid is not None
                os.kill(process.pid, signal.SIGSTOP)
                if is_sending(engine, process):
                    return number
                os.kill(process.pid, signal.SIGCONT)
        time.sleep(0.002)
    return None


def kill(engine: Engine, process: ForkServerProcess) -> bool:
    """End a sender as the kernel does, and say whether it was in the middle of a call."""
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    return is_sending(engine, process)


def play(engine: Engine, database_url: str, base_url: str, *, kills: int, alerts: int) -> Outcome:
    """Keep two senders at it, kill one at random moments, mend what was refused, until all is delivered."""
    rng = random.Random(SEED)
    context = multiprocessing.get_context("forkserver")
    done, while_sending = 0, 0
    give_up_at = time.monotonic() + GIVE_UP_AFTER_S
    with senders(database_url, base_url) as running:
        while time.monotonic() < give_up_at:
            time.sleep(rng.uniform(0.3, 1.2))
            if done < kills:
                caught = catch_sending(engine, running) if done % 2 else None
                at = rng.randrange(len(running)) if caught is None else caught
                while_sending += kill(engine, running[at])
                running[at] = start(context, database_url, base_url)
                done += 1
            with Session(engine) as session:
                retry_failed(session, now=datetime.now(UTC))
                session.commit()
                arrived = session.scalar(
                    select(func.count()).where(col(Delivery.state) == DeliveryState.DELIVERED)
                )
            if arrived == alerts and done == kills:
                break
    return Outcome(done, while_sending)


def said(double: SlackDouble, engine: Engine) -> tuple[list[str], dict[str, int]]:
    """Alerts nobody was told, and those told more than once, by what the channels really hold."""
    with Session(engine) as session:
        wanted = {str(row.id): str(row.alert_id) for row in session.scalars(select(Delivery))}
        raised = {str(each) for each in session.scalars(select(col(Alert.id)))}
    told = Counter(wanted[each.key] for each in double.messages)
    return sorted(raised - set(told)), {alert: times for alert, times in told.items() if times > 1}


def parted(double: SlackDouble, engine: Engine) -> list[str]:
    """Cases told in more than one thread of a channel."""
    with Session(engine) as session:
        asked = select(col(Delivery.id), col(Alert.case_id)).join(
            Alert, col(Alert.id) == col(Delivery.alert_id)
        )
        cases = {str(row.id): str(row.case_id) for row in session.execute(asked)}
    threads = {(cases[each.key], each.channel, each.thread_ts) for each in double.messages}
    return [case for case, count in Counter(case for case, *_ in threads).items() if count > 1]


@pytest.mark.faults
def test_no_alert_is_lost_or_doubled_while_slack_fails_and_senders_are_killed(
    engine: Engine, database_url: str
) -> None:
    with slack_double(Faults(SEED, rate=0.5, hang_s=1.0, late_s=0.2)) as (double, url):
        first = raise_alerts(engine, ALERTS - ALERTS // 5, at=datetime.now(UTC))
        raise_growth(engine, first[: ALERTS // 5], at=datetime.now(UTC))
        outcome = play(engine, database_url, url, kills=KILLS, alerts=ALERTS)
        lost, doubled = said(double, engine)
        in_two = parted(double, engine)
    print(f"seed {SEED}: {outcome} {dict(double.fired)}")
    assert (lost, doubled) == ([], {}), f"seed {SEED}, {dict(double.fired)}"
    assert in_two == [], f"seed {SEED}"
    assert sum(each.thread_ts != each.ts for each in double.messages) == ALERTS // 5
    assert outcome.kills == KILLS
    assert outcome.killed_while_sending >= 1, f"seed {SEED}: no kill hit a call"
    assert set(double.fired) == set(ALL_FAULTS), (
        f"seed {SEED}: not fired {set(ALL_FAULTS) - set(double.fired)}"
    )
    assert sum(double.fired.values()) >= ALERTS // 2


@pytest.mark.faults
def test_with_history_down_nothing_is_lost_and_every_repeat_says_so(
    engine: Engine, database_url: str
) -> None:
    kinds = ["reply dropped", "500 after", "500 before", "hang"]
    with slack_double(Faults(SEED, rate=0.3, kinds=kinds, hang_s=1.0)) as (double, url):
        double.history_down = True
        raise_alerts(engine, 40, at=datetime.now(UTC))
        outcome = play(engine, database_url, url, kills=4, alerts=40)
        lost, doubled = said(double, engine)
    print(f"seed {SEED}: {outcome} {dict(double.fired)} doubled {len(doubled)}")
    assert lost == [], f"seed {SEED}"
    assert doubled, "no repeat was needed: the test saw only one side of failing open"
    assert double.fired["history down"] > 0
    seen: set[str] = set()
    for message in double.messages:
        assert message.key not in seen or "Possible repeat" in message.text
        seen.add(message.key)
