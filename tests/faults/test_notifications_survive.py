"""Notifications through receivers that fail in every way they can, by couriers that are killed: none lost, and every
repeat says that it may be one."""

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

import pytest
from sqlalchemy import Engine, func, select
from sqlmodel import Session, col

from tests.doubles.receivers import KINDS as CALL_FAULTS
from tests.doubles.receivers import Receivers, receivers
from tests.doubles.slack import Faults
from tests.doubles.smtp import KINDS as MAIL_FAULTS
from tests.doubles.smtp import MailServer, mail_server
from tests.responders.carrying import carry_until_killed, leave, make_notification
from triage.notification_records import ChannelKind, Notification, NotificationState
from triage.oncall import OnCall
from triage.resending import put_back

SEED = int(os.environ.get("GOLDENHOUR_TEST_SEED", "20261120"))
KINDS = (ChannelKind.EMAIL, ChannelKind.SMS, ChannelKind.TEAMS, ChannelKind.WEBHOOK)
EACH = 12
KILLS = 6
GIVE_UP_AFTER_S = 240


@contextmanager
def couriers(database_url: str, mail: MailServer, them: Receivers) -> Iterator[list[ForkServerProcess]]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.responders.carrying"])
    running = [start(context, database_url, mail, them) for _each in range(2)]
    try:
        yield running
    finally:
        for each in running:
            each.kill()
            each.join()


def start(
    context: ForkServerContext, database_url: str, mail: MailServer, them: Receivers
) -> ForkServerProcess:
    process = context.Process(
        target=carry_until_killed, args=(database_url, mail.port, them.port), daemon=True
    )
    process.start()
    return process


def is_sending(engine: Engine, process: ForkServerProcess) -> bool:
    with Session(engine) as session:
        held = col(Notification.lease_owner) == f"pid {process.pid}"
        return session.scalars(select(Notification).where(held)).first() is not None


def kill(engine: Engine, process: ForkServerProcess) -> bool:
    """End a courier as the kernel does, in the middle of a call if one comes soon; say whether it was."""
    give_up_at = time.monotonic() + 3
    while time.monotonic() < give_up_at and not is_sending(engine, process):
        time.sleep(0.005)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    return is_sending(engine, process)


def play(engine: Engine, database_url: str, mail: MailServer, them: Receivers) -> int:
    """Keep two couriers at it, kill one at random moments, mend what was given up, until all is delivered. How many
    kills hit a call."""
    rng, context = random.Random(SEED), multiprocessing.get_context("forkserver")
    done, while_sending, arrived = 0, 0, 0
    give_up_at = time.monotonic() + GIVE_UP_AFTER_S
    with couriers(database_url, mail, them) as running:
        while time.monotonic() < give_up_at and (arrived < EACH * len(KINDS) or done < KILLS):
            time.sleep(rng.uniform(0.2, 0.8))
            if done < KILLS:
                at = rng.randrange(len(running))
                while_sending += kill(engine, running[at])
                running[at] = start(context, database_url, mail, them)
                done += 1
            with Session(engine) as session:
                put_back(session, OnCall(), now=datetime.now(UTC))
                session.commit()
                is_done = col(Notification.state) == NotificationState.DELIVERED
                arrived = session.scalar(select(func.count()).where(is_done)) or 0
    return while_sending


def heard(mail: MailServer, them: Receivers) -> list[tuple[str, bool]]:
    """What really arrived, in order: the notification's id, and whether it said that it may be a repeat."""
    mails = [
        (str(each["Message-ID"]).strip("<>").partition("@")[0], str(each["Subject"])) for each in mail.mails
    ]
    told = [(key, subject.startswith("Possible repeat: ")) for key, subject in mails]
    for each in them.taken:
        if each.by == "webhook":
            told.append((each.key, each.sent["data"]["possible_repeat"]))
        elif each.by == "notify":
            told.append((each.key, each.sent["personalisation"]["subject"].startswith("Possible repeat: ")))
        else:  # the doubles know a card by its headline, which names the notification
            told.append(
                (each.key.removeprefix("Possible repeat: "), each.key.startswith("Possible repeat: "))
            )
    return told


@pytest.mark.faults
def test_no_notification_is_lost_and_every_repeat_says_so(engine: Engine, database_url: str) -> None:
    made = [make_notification(kind, created_at=datetime.now(UTC)) for kind in KINDS for _each in range(EACH)]
    for each in made:
        each.subject = str(each.id)
    wanted = {str(each.id): each.channel_kind for each in made}
    faults = Faults(SEED, rate=0.4, kinds=CALL_FAULTS, hang_s=1.0)
    mail_faults = Faults(SEED, rate=0.5, kinds=MAIL_FAULTS, hang_s=1.0)
    with receivers(faults) as them, mail_server(mail_faults) as mail:
        leave(engine, *made)
        while_sending = play(engine, database_url, mail, them)
        told = heard(mail, them)
    fired = them.fired + mail.fired
    print(f"seed {SEED}: {dict(fired)}, {while_sending} of {KILLS} kills in a call")
    seen: Counter[str] = Counter()
    for key, says_so in told:
        seen[key] += 1
        assert seen[key] == 1 or says_so, f"seed {SEED}: {wanted[key]} was repeated and did not say so"
    assert set(wanted) == set(seen), f"seed {SEED}: lost"
    again = Counter(wanted[key] for key, times in seen.items() if times > 1)
    assert ChannelKind.SMS not in again, f"seed {SEED}: Notify can be asked, so nothing is repeated there"
    assert again, "nothing was repeated: the test saw only one side"
    assert while_sending >= 1
    assert len(fired) >= len({*CALL_FAULTS, *MAIL_FAULTS}) - 2, f"seed {SEED}: {dict(fired)}"
    assert sum(fired.values()) >= EACH, f"seed {SEED}: too few faults"
