"""How a turn in the outbox ends: what the call told us becomes the state of its deliveries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import Session, col

from responders.outbox import EDIT_AGAIN, LOOK_AGAIN
from responders.slack import Outcome, Refused, Sent, Wait, told
from responders.threads import forget_thread
from responders.turns import Act, Pace, Turn, backoff, key_of, rest
from triage.log import MACHINE, Line, note
from triage.notice import tell_desk
from triage.records import Alert, Channel, Delivery, DeliveryState

# refusals that end with the message itself; others are about the app or the channel and can be mended
GONE = {"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"}
# refusals that end with the thread: what was to stand under it stands alone
NO_THREAD = {
    "thread_not_found",
    "message_not_found",
    "cannot_reply_to_message",
    "restricted_action_thread_locked",
}
# a try that certainly took nothing leaves nothing to look for, and is not counted
UNTRIED = {"attempts": col(Delivery.attempts) - 1}


def settle(session: Session, turn: Turn, outcome: Outcome, pace: Pace, *, now: datetime) -> bool:
    """Write down how a post or an edit ended; False when the lease was lost meanwhile and nothing was written."""
    failed = None if isinstance(outcome, Sent) else told(outcome)
    pause = pace.gap if isinstance(outcome, Sent | Refused) else backoff(session, turn, pace)
    if isinstance(outcome, Wait) and outcome.after is not None:
        pause = max(pause, outcome.after)
    if not rest(session, turn, pause, failed=failed, now=now):
        return False
    if isinstance(outcome, Sent):
        _prove(session, turn, outcome.channel, now)
    if turn.act == Act.POST:
        _settle_post(session, turn, outcome, pace, now + pause, now)
    else:
        _settle_edit(session, turn, outcome, now + pause, now)
    return True


def reconcile(
    session: Session, turn: Turn, found: dict[UUID, Sent] | str, pace: Pace, *, now: datetime
) -> bool:
    """Write down what a look into the channel's history found: our messages by key, or why it is unreadable.

    What is there counts as delivered, what is not is sent again. While history stays unreadable nothing is
    sent until the page deadline; from then on it is, labelled as a possible repeat.
    """
    # an unreadable history is asked again later; meanwhile the channel is free for what can be sent
    failed = f"history: {found}" if isinstance(found, str) else None
    if not rest(session, turn, pace.gap, failed=failed, now=now):
        return False
    if isinstance(found, str):
        _wait_or_repeat(session, turn, pace, now)
        return True
    here = [each for each in turn.deliveries if key_of(each) in found]
    for delivery in here:
        sent = found[key_of(delivery)]
        # which try it was is not known, so its wording may be older than what was sent last
        stale = now if delivery.attempts > 1 else None
        _become(session, turn, [delivery], _delivered(sent, now) | {"edit_due_at": stale})
    if here:
        _prove(session, turn, found[key_of(here[0])].channel, now)
        _log(session, here, "alert found in its channel", now)
    absent = [each for each in turn.deliveries if key_of(each) not in found]
    _become(session, turn, absent, {"state": DeliveryState.WAITING, "due_at": now})
    _mark_stale(session, here, now)
    return True


def _settle_post(
    session: Session, turn: Turn, outcome: Outcome, pace: Pace, later: datetime, now: datetime
) -> None:
    deliveries = turn.deliveries
    if isinstance(outcome, Sent):
        _become(session, turn, deliveries, _delivered(outcome, now))
        _mark_stale(session, deliveries, now)
        repeat = deliveries[0].possible_repeat
        _log(session, deliveries, "alert sent again, possible repeat" if repeat else "alert delivered", now)
    elif isinstance(outcome, Refused) and outcome.code in NO_THREAD and deliveries[0].thread_ts:
        forget_thread(session, deliveries[0])
        alone = {"state": DeliveryState.WAITING, "due_at": later, "thread_ts": None} | UNTRIED
        _become(session, turn, deliveries, alone)
    elif isinstance(outcome, Refused):
        failed = {"state": DeliveryState.FAILED, "error": outcome.code} | UNTRIED
        _become(session, turn, deliveries, failed)
        _log(session, deliveries, "alert refused by its channel", now, why=outcome.code)
    elif isinstance(outcome, Wait):
        waiting = {"state": DeliveryState.WAITING, "due_at": later, "error": outcome.reason} | UNTRIED
        _become(session, turn, deliveries, waiting)
    else:
        doubt = {"state": DeliveryState.UNKNOWN, "due_at": now + pace.settle, "error": outcome.reason}
        _become(session, turn, deliveries, doubt)


def _settle_edit(session: Session, turn: Turn, outcome: Outcome, later: datetime, now: datetime) -> None:
    deliveries = turn.deliveries
    if isinstance(outcome, Sent):
        _become(session, turn, deliveries, {"edit_due_at": None, "error": None})
        _mark_stale(session, deliveries, now)
    elif isinstance(outcome, Refused) and outcome.code in GONE:
        _become(session, turn, deliveries, {"edit_due_at": None, "error": outcome.code})
    else:
        again = now + EDIT_AGAIN if isinstance(outcome, Refused) else later
        _become(session, turn, deliveries, {"edit_due_at": again, "error": told(outcome)})


def _wait_or_repeat(session: Session, turn: Turn, pace: Pace, now: datetime) -> None:
    for delivery in turn.deliveries:
        deadline = (delivery.tried_at or turn.at) + pace.deadline
        if now >= deadline:
            again = {"state": DeliveryState.WAITING, "due_at": now, "possible_repeat": True}
        else:
            again = {"due_at": min(now + min(LOOK_AGAIN, pace.settle), deadline)}
        _become(session, turn, [delivery], again)


def _become(session: Session, turn: Turn, deliveries: Sequence[Delivery], values: dict[str, Any]) -> None:
    """Change those of the deliveries that are still as the turn knew them."""
    freed = {"lease_owner": None, "lease_until": None} if turn.act == Act.POST else {}
    by_fence: dict[int, list[UUID]] = {}
    for delivery in deliveries:
        by_fence.setdefault(delivery.fence, []).append(delivery.id)
    for fence, ids in by_fence.items():
        unchanged = (col(Delivery.id).in_(ids), col(Delivery.fence) == fence)
        session.execute(update(Delivery).where(*unchanged).values(values | freed))


def _delivered(sent: Sent, now: datetime) -> dict[str, Any]:
    return {
        "state": DeliveryState.DELIVERED,
        "receipt": f"{sent.channel}:{sent.ts}",
        "delivered_at": now,
        "edit_due_at": None,
        "error": None,
    }


def _mark_stale(session: Session, deliveries: Sequence[Delivery], now: datetime) -> None:
    """An alert that changed while its message was on the way wants an edit."""
    session.execute(
        update(Delivery)
        .where(
            col(Delivery.id).in_([each.id for each in deliveries]),
            col(Delivery.alert_id) == col(Alert.id),
            col(Delivery.revision) < col(Alert.revision),
        )
        .values(edit_due_at=now)
        .execution_options(synchronize_session=False)
    )


def _prove(session: Session, turn: Turn, slack_id: str, now: datetime) -> None:
    values: dict[str, Any] = {"proven_at": now}
    if slack_id:
        values["slack_id"] = slack_id
    session.execute(update(Channel).where(col(Channel.name) == turn.channel).values(values))


def _log(
    session: Session, deliveries: Sequence[Delivery], what: str, now: datetime, why: str | None = None
) -> None:
    alerts = {each.alert_id: each for each in deliveries}
    cases = session.execute(select(col(Alert.id), col(Alert.case_id)).where(col(Alert.id).in_(alerts))).all()
    lines = [
        Line(what, case_id, why, {"channel": alerts[alert].channel, "delivery": str(alerts[alert].id)})
        for alert, case_id in cases
    ]
    note(session, lines, who=MACHINE, now=now)
    tell_desk(session, "delivery", *(line.case_id for line in lines if line.case_id))
