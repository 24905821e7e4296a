"""Notifications as work: taken one channel and one turn at a time, and what the call told becomes their state.

The manner is the outbox's (responders/outbox.py), with the same turns (responders/turns.py): a turn is committed
before its call, a channel rests between turns, and a turn that was lost to another says nothing any more.
"""

import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, delete, func, select, update
from sqlmodel import Session, col

from responders.channels.channel import Outcome, Refused, Sent, Wait
from responders.channels.settings import AlertSettings
from responders.slack import told
from responders.turns import (
    Act,
    Pace,
    Turn,
    backoff,
    free,
    give_up_on_the_dead,
    hold,
    open_channel,
    rest,
)
from triage.log import MACHINE, Line, note
from triage.notice import tell_desk
from triage.notification_records import ChannelKind, Notification, NotificationKind, NotificationState
from triage.records import Channel
from triage.switching import channels_off

AT_WORK = (NotificationState.WAITING, NotificationState.SENDING, NotificationState.UNKNOWN)
UNSETTLED = (*AT_WORK, NotificationState.TAKEN)
DUE = (NotificationState.WAITING, NotificationState.UNKNOWN, NotificationState.TAKEN)
EACH_ALONE = (
    ChannelKind.SLACK,
    ChannelKind.TEAMS,
    ChannelKind.WEBHOOK,
)  # each address is a channel of its own
REVIVED_WITHIN = timedelta(hours=24)
KEPT = timedelta(days=90)
LOOK_AGAIN = timedelta(seconds=5)
SELDOM = timedelta(minutes=30)  # the longest between two questions whether something arrived
ASKED_FOR = timedelta(days=4)
MOST_TRIES = 8  # of what never says whether it arrived; then a person decides
OF_ADDRESS = re.compile(r"not an? .*|http 400|smtp 55[0-9]")  # says nothing about the channel
REFUSED, LOST = "notification refused by its channel", "notification did not arrive"
NEVER_SAID = "its channel never said whether it arrived"
NO_WAY = "nothing is set up that sends this kind"
TOO_LATE = "it came too late"


class Errand(NamedTuple):
    """One notification's turn in its channel. SENDING it is sent, UNKNOWN it is looked for, TAKEN it is asked after."""

    turn: Turn
    notification: Notification


def pace_of(settings: AlertSettings, gap_s: float) -> Pace:
    """How fast the channel may be spoken in. A call ends within its lease, however late in its turn it began."""
    zero = timedelta(0)
    return Pace(
        gap=timedelta(seconds=gap_s),
        hesitation=timedelta(seconds=settings.timeout_s / 2),
        lease=timedelta(seconds=settings.timeout_s * 2),
        settle=timedelta(seconds=settings.settle_s),
        deadline=timedelta(seconds=settings.deadline_s),
        digest_wait=zero,
        digest_every=zero,
        bundle_above=0,
    )


def channel_of(kind: ChannelKind | str, address: str | None) -> str:
    """What the channel is called: of mail and text messages there is one, of the others one an address."""
    return f"{kind}:{address}" if kind in EACH_ALONE else str(kind)


def channels_with_work(session: Session, kinds: Collection[str], *, before: datetime) -> list[str]:
    """Channels in which a notification is due before a moment, or was left by a sender."""
    due = (col(Notification.state).in_(UNSETTLED), col(Notification.due_at) < before)
    asked = select(col(Notification.channel_kind), col(Notification.address)).distinct()
    found = session.execute(asked.where(*due, col(Notification.channel_kind).in_(kinds)))
    return sorted({channel_of(kind, address) for kind, address in found} - channels_off(session))


def sort_out(session: Session, kinds: Collection[str], *, now: datetime) -> None:
    """Say of what cannot be sent that it cannot, and drop what came too late."""
    can = col(Notification.channel_kind).in_(kinds) & col(Notification.address).is_not(None)
    _all_become(session, NotificationState.NO_CHANNEL, NO_WAY, _is(NotificationState.WAITING), ~can)
    late = col(Notification.expires_at) <= now
    _all_become(session, NotificationState.WITHDRAWN, TOO_LATE, _is(NotificationState.WAITING), late)


def revive(session: Session, kinds: Collection[str], *, now: datetime) -> None:
    """Take up again what had no channel and now has one, unless it is too late; for when a courier starts."""
    can = col(Notification.channel_kind).in_(kinds) & col(Notification.address).is_not(None)
    until = func.coalesce(col(Notification.expires_at), col(Notification.created_at) + REVIVED_WITHIN)
    _all_become(session, NotificationState.WAITING, None, _is(NotificationState.NO_CHANNEL), can, until > now)


def take(session: Session, channel: str, owner: str, pace: Pace, *, now: datetime) -> Errand | None:
    """The channel's next turn, or None when it is busy, resting, off, or has nothing due. The caller commits."""
    open_channel(session, channel, now=now)
    row = free(session, channel, now=now)
    if row is None:
        return None
    give_up_on_the_dead(session, Notification, and_(*_in(channel)), pace=pace, now=now)
    chosen = _next(session, channel, now)
    if chosen is None:
        return None
    hold(row, pace, now=now)
    sends = chosen.state == NotificationState.WAITING
    if sends:
        chosen.state, chosen.fence, chosen.tried_at = NotificationState.SENDING, row.fence, now
        chosen.lease_owner, chosen.lease_until = owner, row.free_at
        chosen.attempts += 1
    session.flush()
    turn = Turn(Act.POST if sends else Act.LOOK, channel, row.slack_id, row.fence, now, ())
    session.refresh(chosen)
    session.expunge(chosen)
    return Errand(turn, chosen)


def settle(session: Session, errand: Errand, outcome: Outcome, pace: Pace, *, now: datetime) -> bool:
    """Write down how a call ended; False when the lease was lost meanwhile and nothing was written."""
    turn, it = errand.turn, errand.notification
    row = session.get_one(Channel, turn.channel)
    before = row.failures, row.error
    of_address = isinstance(outcome, Refused) and OF_ADDRESS.fullmatch(outcome.code)
    failed = None if isinstance(outcome, Sent) or of_address else told(outcome)
    pause = pace.gap if isinstance(outcome, Sent | Refused) else backoff(session, turn, pace)
    if isinstance(outcome, Wait) and outcome.after is not None:
        pause = max(pause, outcome.after)
    if not rest(session, turn, pause, failed=failed, now=now):
        return False
    if isinstance(outcome, Sent):
        _took(session, errand, outcome, pace, now)
    elif isinstance(outcome, Refused):
        if of_address:
            row.failures, row.error = before
        _fail(session, it, REFUSED, outcome.code, now)
    elif isinstance(outcome, Wait):
        later = {"state": NotificationState.WAITING, "due_at": now + pause, "error": outcome.reason}
        _become(session, it, later)
    elif it.attempts >= MOST_TRIES:
        _fail(session, it, REFUSED, f"never confirmed in {it.attempts} tries: {outcome.reason}", now)
    else:
        doubt = {"state": NotificationState.UNKNOWN, "due_at": now + pace.settle, "error": outcome.reason}
        _become(session, it, doubt)
    return True


def reconcile(
    session: Session, errand: Errand, found: Sent | str | None, pace: Pace, *, now: datetime
) -> bool:
    """Write down what looking for one in doubt came to: it is there, it is not, or why that cannot be known.

    What is not there is sent again. While it cannot be known nothing is sent until the deadline; from then on it
    is, labelled as a possible repeat.
    """
    turn, it = errand.turn, errand.notification
    row = session.get_one(Channel, turn.channel)
    before = row.failures, row.error
    if not rest(session, turn, pace.gap, failed=None, now=now):
        return False
    row.failures, row.error = before  # a look proves nothing, neither way
    if isinstance(found, Sent):
        _took(session, errand, found, pace, now)
    elif found is None:
        _become(session, it, {"state": NotificationState.WAITING, "due_at": now})
    else:
        deadline = (it.tried_at or turn.at) + pace.deadline
        again: dict[str, Any] = {"due_at": min(now + LOOK_AGAIN, deadline)}
        if now >= deadline:
            again = {"state": NotificationState.WAITING, "due_at": now, "possible_repeat": True}
        _become(session, it, again)
    return True


def enter_report(
    session: Session, errand: Errand, report: Sent | Refused | str | None, pace: Pace, *, now: datetime
) -> bool:
    """Write down what its channel says later of what it took: it arrived, it will not, nothing yet, or why that cannot
    be known. What did not arrive is a dead letter.

    A channel is asked ever more seldom, and after some days no more.
    """
    turn, it = errand.turn, errand.notification
    row = session.get_one(Channel, turn.channel)
    before = row.failures, row.error
    if not rest(session, turn, pace.gap, failed=None, now=now):
        return False
    row.failures, row.error = before  # of what was sent long ago: whether it takes anything now is not known
    age = now - (it.tried_at or it.created_at)
    if isinstance(report, Sent):
        row.proven_at = now
        _arrived(session, it, now)
    elif isinstance(report, Refused):
        _fail(session, it, LOST, report.code, now)
    elif age > ASKED_FOR:
        _fail(session, it, LOST, NEVER_SAID, now)
    else:
        _become(session, it, {"due_at": now + min(max(pace.settle, age / 2), SELDOM)})
    return True


def forget(session: Session, *, now: datetime, kept: timedelta = KEPT) -> None:
    """Let go what has been said: after 90 days what was about no case, and where the rest went."""
    done = col(Notification.state).not_in(AT_WORK), col(Notification.created_at) < now - kept
    session.execute(delete(Notification).where(*done, col(Notification.case_id).is_(None)))
    addressed = col(Notification.address).is_not(None)
    session.execute(update(Notification).where(*done, addressed).values(address=None))


def _all_become(
    session: Session, state: NotificationState, error: str | None, *where: ColumnElement[bool]
) -> None:
    session.execute(update(Notification).where(*where).values(state=state, error=error))


def _is(state: NotificationState) -> ColumnElement[bool]:
    return col(Notification.state) == state


def _in(channel: str) -> tuple[ColumnElement[bool], ...]:
    kind, _, address = channel.partition(":")
    mine = col(Notification.channel_kind) == kind
    return (mine, col(Notification.address) == address) if kind in EACH_ALONE else (mine,)


def _next(session: Session, channel: str, now: datetime) -> Notification | None:
    """What is still to be said before what was taken; of it pages first; then by when they were due."""
    taken = case((_is(NotificationState.TAKEN), 1), else_=0)
    pages = col(Notification.kind).in_((NotificationKind.PAGE, NotificationKind.FALL_BACK))
    order = (taken, case((pages, 0), else_=1), col(Notification.due_at), col(Notification.id))
    due = col(Notification.state).in_(DUE)
    asked = select(Notification).where(*_in(channel), due, col(Notification.due_at) <= now)
    return session.scalars(asked.order_by(*order).limit(1).with_for_update()).first()


def _become(session: Session, it: Notification, values: Mapping[str, Any]) -> None:
    """Change it if it is still as the turn knew it."""
    unchanged = (col(Notification.id) == it.id, col(Notification.fence) == it.fence)
    freed = {"lease_owner": None, "lease_until": None}
    session.execute(update(Notification).where(*unchanged).values(freed | dict(values)))


def _took(session: Session, errand: Errand, sent: Sent, pace: Pace, now: datetime) -> None:
    """The other side has it: it is delivered, or it is said later whether it was."""
    it = errand.notification
    well: dict[str, Any] = {"failures": 0, "error": None}
    if sent.arrived:
        _arrived(session, it, now, receipt=sent.receipt or None)
        well["proven_at"] = now
    else:
        taken = {"state": NotificationState.TAKEN, "receipt": sent.receipt, "due_at": now + pace.settle}
        _become(session, it, {**taken, "error": None})
    session.execute(update(Channel).where(col(Channel.name) == errand.turn.channel).values(well))


def _arrived(session: Session, it: Notification, now: datetime, **also: Any) -> None:
    _become(session, it, {"state": NotificationState.DELIVERED, "delivered_at": now, "error": None, **also})
    what = "notification sent again, possible repeat" if it.possible_repeat else "notification delivered"
    _log(session, it, what, now)


def _fail(session: Session, it: Notification, what: str, why: str, now: datetime) -> None:
    _become(session, it, {"state": NotificationState.FAILED, "error": why})
    _log(session, it, what, now, why)


def _log(session: Session, it: Notification, what: str, now: datetime, why: str | None = None) -> None:
    detail = {"channel": it.channel_kind, "kind": it.kind, "notification": str(it.id)}
    note(session, [Line(what, it.case_id, why, detail)], who=MACHINE, now=now)
    if it.case_id is not None:
        tell_desk(session, "delivery", it.case_id)
