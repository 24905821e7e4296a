"""A courier: carries notifications through every channel that is set up; a broken channel holds up no other.

Nothing is lost and nothing is said twice unseen: see responders/notifying.py for what becomes of each call.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from responders.channels.channel import Channel, Letter, Outcome, Sent, UnreadableError, Wait
from responders.notifying import Errand, channels_with_work, reconcile, revive, settle, sort_out, take, told
from responders.turns import Pace
from triage.notification_records import ChannelKind, Notification

log = structlog.get_logger()

NAP_S = 0.1
CLOCKS_DIFFER = timedelta(minutes=10)


class Way(NamedTuple):
    """A channel that is set up, and how fast it may be used."""

    channel: Channel
    pace: Pace


class Courier:
    """`ways` gives the channel of each kind. Safe to use from several threads and processes."""

    def __init__(
        self, engine: Engine, ways: Mapping[ChannelKind, Way], *, clock: Callable[[], datetime], owner: str
    ) -> None:
        self._engine, self._ways, self._clock, self._owner = engine, dict(ways), clock, owner
        self._threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="courier")
        self._at_work: dict[str, Future[int]] = {}
        self._began = False

    def sweep(self, *, for_s: float = 5.0) -> int:
        """Work through every channel for at most `for_s` seconds, and say how many turns were taken.

        A channel that does not answer is left to its thread; the others are not held up by it.
        """
        now = self._clock()
        until = now + timedelta(seconds=for_s)
        with Session(self._engine) as session:
            if not self._began:
                revive(session, self._ways, now=now)
            sort_out(session, self._ways, now=now)
            known = channels_with_work(session, self._ways, before=until)
            session.commit()
        self._began = True
        for channel in known:
            running = self._at_work.get(channel)
            if running is None or running.done():
                self._at_work[channel] = self._threads.submit(self._drain, channel, until)
        wait(self._at_work.values(), timeout=for_s)
        ended = [self._at_work.pop(name) for name, each in list(self._at_work.items()) if each.done()]
        return sum(each.result() for each in ended)

    def step(self, channel: str) -> bool:
        """Take the channel's next turn, if there is one, to its end."""
        way = self._ways[ChannelKind(channel.partition(":")[0])]
        with Session(self._engine, expire_on_commit=False) as session:
            errand = take(session, channel, self._owner, way.pace, now=self._clock())
            session.commit()
        if errand is None:
            return False
        act = self._look if errand.in_doubt else self._send
        act(way, errand)
        return True

    def close(self) -> None:
        """Let calls that are under way end, and take no more."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _drain(self, channel: str, until: datetime) -> int:
        turns = 0
        while self._clock() < until:
            if self.step(channel):
                turns += 1
            elif self._is_done(channel, until):
                break
            else:
                time.sleep(NAP_S)
        return turns

    def _is_done(self, channel: str, until: datetime) -> bool:
        kind = channel.partition(":")[0]
        with Session(self._engine) as session:
            return channel not in channels_with_work(session, [kind], before=until)

    def _send(self, way: Way, errand: Errand) -> None:
        now, it = self._clock(), errand.notification
        outcome: Outcome
        if now > errand.turn.at + way.pace.hesitation:
            # stopped for so long that another may hold the channel by the time the call ends
            outcome = Wait("paused before sending", timedelta(0))
        else:
            outcome = way.channel.send(letter_of(it), it.address or "", now=now)
        with Session(self._engine) as session:
            settled = settle(session, errand, outcome, way.pace, now=self._clock())
            session.commit()
        report = log.info if isinstance(outcome, Sent) else log.warning
        report(
            "notification sent" if isinstance(outcome, Sent) else "notification not sent",
            outcome=type(outcome).__name__.lower(),
            why=told(outcome) or None,
            kind=it.kind,
            channel=it.channel_kind,
            settled=settled,
        )

    def _look(self, way: Way, errand: Errand) -> None:
        it, now = errand.notification, self._clock()
        since = (it.tried_at or now) - (CLOCKS_DIFFER if it.attempts <= 1 else timedelta(days=1))
        found: Sent | str | None
        try:
            found = way.channel.find(letter_of(it), it.address or "", since=since, now=now)
        except UnreadableError as error:
            found = str(error)
        with Session(self._engine) as session:
            reconcile(session, errand, found, way.pace, now=self._clock())
            session.commit()
        log.info(
            "looked for a notification in doubt",
            channel=it.channel_kind,
            found=isinstance(found, Sent),
            unreadable=found if isinstance(found, str) else None,
        )


def letter_of(it: Notification) -> Letter:
    return Letter(it.id, str(it.kind), it.subject, it.text, it.possible_repeat)
