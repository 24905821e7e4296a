"""A courier: carries notifications through every channel that is set up; a broken channel holds up no other.

Nothing is lost and nothing is said twice unseen: see responders/notifying.py for what becomes of each call.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from responders.channels.channel import (
    Channel,
    Letter,
    Outcome,
    Refused,
    Reporting,
    Sent,
    UnreadableError,
    Wait,
)
from responders.notifying import (
    Errand,
    channels_with_work,
    enter_report,
    reconcile,
    revive,
    settle,
    sort_out,
    take,
)
from responders.rounds import Rounds
from responders.slack import told
from responders.turns import Pace
from triage.notification_records import ChannelKind, Notification, NotificationState

log = structlog.get_logger()

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
        self._rounds = Rounds(self._channels_with_work, self.step, clock=clock, name="courier")
        self._began = False

    def sweep(self, *, for_s: float = 5.0) -> int:
        """Go through every channel with something due within `for_s` seconds, and say how many turns were taken."""
        now = self._clock()
        with Session(self._engine) as session:
            if not self._began:
                revive(session, self._ways, now=now)
            sort_out(session, self._ways, now=now)
            session.commit()
        self._began = True
        return self._rounds.go(for_s=for_s)

    def step(self, channel: str) -> bool:
        """Take the channel's next turn, if there is one, to its end."""
        way = self._ways[ChannelKind(channel.partition(":")[0])]
        with Session(self._engine, expire_on_commit=False) as session:
            errand = take(session, channel, self._owner, way.pace, now=self._clock())
            session.commit()
        if errand is None:
            return False
        acts = {NotificationState.UNKNOWN: self._look, NotificationState.TAKEN: self._ask}
        acts.get(errand.notification.state, self._send)(way, errand)
        return True

    def close(self) -> None:
        """Let calls that are under way end, and take no more."""
        self._rounds.close()

    def _channels_with_work(self, before: datetime) -> list[str]:
        with Session(self._engine) as session:
            return channels_with_work(session, self._ways, before=before)

    def _send(self, way: Way, errand: Errand) -> None:
        now, it = self._clock(), errand.notification
        outcome: Outcome
        if errand.turn.is_over(way.pace, now=now):
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

    def _ask(self, way: Way, errand: Errand) -> None:
        it, now = errand.notification, self._clock()
        report: Sent | Refused | str | None = "it says nothing later"
        try:
            if isinstance(way.channel, Reporting):
                report = way.channel.report(it.receipt or "", now=now)
        except UnreadableError as error:
            report = str(error)
        with Session(self._engine) as session:
            enter_report(session, errand, report, way.pace, now=self._clock())
            session.commit()
        lost = isinstance(report, Refused)
        (log.warning if lost else log.info)(
            "asked whether a notification arrived",
            channel=it.channel_kind,
            kind=it.kind,
            arrived=isinstance(report, Sent),
            lost=report.code if isinstance(report, Refused) else None,
            unreadable=report if isinstance(report, str) else None,
        )


def letter_of(it: Notification) -> Letter:
    return Letter(it.id, str(it.kind), it.subject, it.text, it.possible_repeat)
