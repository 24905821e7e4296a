"""Delivery: sends what the outbox holds, one turn at a time; nothing is lost and nothing is said twice.

`deliver` is the job that follows an alert and sends at once when the channel is free. `sweep` is the tick that
everything else is left to: what had to wait, what a dead sender left, what is in doubt, what a lost job forgot.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from responders.blocks import Message, bundle, digest, page
from responders.notices import notices
from responders.outbox import channels_with_work, enter, overlooked, take, turn_to, unheard
from responders.rounds import NAP_S, Rounds
from responders.settings import SlackSettings
from responders.settling import reconcile, settle
from responders.slack import Outcome, Sent, Slack, UnreadableError, Wait, told
from responders.threads import is_for_all
from responders.turns import Act, Pace, Turn, key_of
from triage.desks import ChannelQuiet
from triage.records import Alert, Delivery

log = structlog.get_logger()

KIND = "slack:"
AUDIT_EVERY = timedelta(seconds=15)
CLOCKS_DIFFER = timedelta(minutes=10)


class Sender:
    """Speaks for all desks. `channels` gives each desk's Slack channel, `quiet` its quiet hours; without `slack`
    nothing is sent.

    `clock` is asked for the time before and after every call. Safe to use from several threads and processes.
    """

    def __init__(
        self,
        engine: Engine,
        slack: Slack | None,
        channels: Mapping[str, str],
        settings: SlackSettings,
        *,
        desk_url: str,
        clock: Callable[[], datetime],
        owner: str,
        quiet: Mapping[str, ChannelQuiet] | None = None,
    ) -> None:
        self._engine = engine
        self._slack = slack
        self._channels = {desk: KIND + name for desk, name in channels.items() if name and slack}
        self._pace = Pace.of(settings)
        self._desk_url = desk_url
        self._clock = clock
        self._owner = owner
        self._quiet = quiet or {}
        self._audited_at: datetime | None = None
        nap_s = min(NAP_S, settings.gap_s / 4)
        self._rounds = Rounds(self._channels_with_work, self.step, clock=clock, name="sender", nap_s=nap_s)

    def deliver(self, alert_id: UUID) -> None:
        """Put one alert in the outbox and send, unless its channel is busy; then the next sweep does."""
        with Session(self._engine, expire_on_commit=False) as session:
            alert = session.get(Alert, alert_id)
            if alert is None:
                log.warning("alert to deliver is gone", alert=str(alert_id))
                return
            channel = self._channels.get(alert.desk)
            self._enter(session, alert, self._clock())
            taken = self._take(session, channel) if channel is not None else None
            session.commit()
        if taken is not None:
            self._act(*taken)

    def sweep(self, *, for_s: float = 5.0) -> int:
        """Go through every channel with something due within `for_s` seconds, and say how many turns were taken."""
        with Session(self._engine) as session:
            self._audit(session)
            session.commit()
        return self._rounds.go(for_s=for_s)

    def step(self, channel: str) -> bool:
        """Take the channel's next turn, if there is one, to its end."""
        with Session(self._engine, expire_on_commit=False) as session:
            taken = self._take(session, channel)
            session.commit()
        if taken is not None:
            self._act(*taken)
        return taken is not None

    def close(self) -> None:
        """Let calls that are under way end, and take no more."""
        self._rounds.close()

    def _channels_with_work(self, before: datetime) -> list[str]:
        with Session(self._engine) as session:
            return channels_with_work(session, before=before) if self._slack else []

    def _audit(self, session: Session) -> None:
        """Enter what no job entered: jobs may be lost, alerts may not."""
        now = self._clock()
        if self._audited_at is not None and now - self._audited_at < AUDIT_EVERY:
            return
        self._audited_at = now
        for desk, channel in self._channels.items():
            turn_to(session, desk, channel, now=now)
        forgotten = [*overlooked(session), *(unheard(session, now=now) if self._channels else ())]
        for alert in forgotten:
            self._enter(session, alert, now)
        if forgotten:
            log.info("alerts entered by the audit", count=len(forgotten))

    def _enter(self, session: Session, alert: Alert, now: datetime) -> None:
        channel, quiet = self._channels.get(alert.desk), self._quiet.get(alert.desk)
        enter(session, alert, channel, self._pace, quiet=quiet, now=now)

    def _take(self, session: Session, channel: str) -> tuple[Turn, Message | None] | None:
        """The channel's next turn with what is to be said in it, nothing where it is for looking. The caller commits
        before anything is said."""
        turn = take(session, channel, self._owner, self._pace, now=self._clock()) if self._slack else None
        if turn is None:
            return None
        return turn, self._message(session, turn) if turn.act != Act.LOOK else None

    def _act(self, turn: Turn, message: Message | None) -> None:
        slack = self._slack
        if slack is None:
            return
        if message is None:
            self._look(slack, turn)
        else:
            self._say(slack, turn, message)

    def _message(self, session: Session, turn: Turn) -> Message:
        known = notices(session, [each.alert_id for each in turn.deliveries], now=turn.at)
        told = [known[each.alert_id] for each in turn.deliveries]
        first = turn.deliveries[0]
        if first.manner == "digest":
            return digest(turn.key, told, self._desk_url, possible_repeat=first.possible_repeat)
        if first.bundle is not None:
            return bundle(turn.key, told, self._desk_url, possible_repeat=first.possible_repeat)
        message = page(
            turn.key, told[0], self._desk_url, says=first.says or "", possible_repeat=first.possible_repeat
        )
        if first.thread_ts is None:
            return message
        for_all = is_for_all(first, growth=told[0].growth, severity=told[0].severity)
        return message._replace(thread_ts=first.thread_ts, for_all=for_all)

    def _say(self, slack: Slack, turn: Turn, message: Message) -> None:
        now = self._clock()
        outcome: Outcome
        if turn.is_over(self._pace, now=now):
            outcome = Wait("paused before sending", timedelta(0))
        elif turn.act == Act.POST:
            outcome = slack.post(message, turn.channel.removeprefix(KIND), now=now)
        else:
            channel_id, _, ts = (turn.deliveries[0].receipt or "").partition(":")
            outcome = slack.edit(message, channel_id, ts, now=now)
        with Session(self._engine) as session:
            settled = settle(session, turn, outcome, self._pace, now=self._clock())
            session.commit()
        report = log.info if isinstance(outcome, Sent) else log.warning
        report(
            f"{turn.act} ended",
            outcome=type(outcome).__name__.lower(),
            why=told(outcome) or None,
            channel=turn.channel,
            alerts=len(turn.deliveries),
            settled=settled,
        )

    def _look(self, slack: Slack, turn: Turn) -> None:
        found: dict[UUID, Sent] | str
        try:
            channel_id = turn.slack_id or slack.channel_id(turn.channel.removeprefix(KIND))
            keys, thread_ts = {key_of(each) for each in turn.deliveries}, turn.deliveries[0].thread_ts
            found = slack.find(keys, channel_id, _since(turn), thread_ts=thread_ts)
        except UnreadableError as error:
            found = str(error)
        with Session(self._engine) as session:
            reconcile(session, turn, found, self._pace, now=self._clock())
            session.commit()
        log.info(
            "looked for messages in doubt",
            channel=turn.channel,
            in_doubt=len(turn.deliveries),
            found=len(found) if isinstance(found, dict) else None,
            unreadable=found if isinstance(found, str) else None,
        )


def _since(turn: Turn) -> datetime:
    """Before the first try that may have landed; when there were several, the earlier ones lie within a day."""
    return min((each.tried_at or turn.at) - _reach_back(each) for each in turn.deliveries)


def _reach_back(delivery: Delivery) -> timedelta:
    return CLOCKS_DIFFER if delivery.attempts <= 1 else timedelta(days=1)
