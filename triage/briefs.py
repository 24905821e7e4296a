"""The daily brief and the shift's digest: what is open, what ran out, what we cannot see. Counts, case numbers and
clocks; no title of a restricted case, no word of a post."""

from collections.abc import Collection, Sequence
from datetime import datetime, time, timedelta
from typing import NamedTuple
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlmodel import Session, col, select

from triage.clocks import ANSWERED_BY
from triage.escalation_words import NO_ADDRESS, leave
from triage.locked import clock_time
from triage.notification_records import ChannelKind, Notification, NotificationKind, NotificationState
from triage.oncall import OnCall, Reached, duties_of, reached
from triage.oncall_roster import TURNS, Rota
from triage.records import OPEN, Case, Clock, Desk, Status
from triage.shifts import report, standing

LONDON = ZoneInfo("Europe/London")
BRIEF_AT = time(7, 0)
WITHIN = timedelta(hours=3)  # later than this a brief says nothing new
GRAVEST, MOST_CLOCKS = 12, 8
ADDRESSES_KEPT = timedelta(days=90)
AT_WORK = (NotificationState.WAITING, NotificationState.SENDING, NotificationState.UNKNOWN)
BY = (ChannelKind.SLACK, ChannelKind.EMAIL, ChannelKind.NOTIFY_EMAIL)


class Due(NamedTuple):
    """A summary that is due: which kind, for which hours back, and the name that makes it be written once."""

    kind: NotificationKind
    hours: int
    name: str


def due_brief(now: datetime) -> Due | None:
    """The brief of the day, from seven in the morning, London time, until it is too late for it."""
    local = now.astimezone(LONDON)
    at = datetime.combine(local.date(), BRIEF_AT, LONDON)
    if timedelta(0) <= now - at < WITHIN:
        return Due(NotificationKind.BRIEF, 24, f"brief:{local.date().isoformat()}")
    return None


def shift_ends(rotas: Sequence[Rota], hours: int) -> list[time]:
    """When shifts of so many hours end at the desk of these rotas, London time: counted from the handover of those that
    change most often, or where a working day ends."""
    ends: set[time] = set()
    oftenest = min((TURNS[each.turn] for each in rotas), default=0)
    for rota in rotas:
        if TURNS[rota.turn] != oftenest:
            continue
        if rota.covers == "always":
            at = rota.hands_over
            ends |= {at.replace(hour=(at.hour + past) % 24) for past in range(0, 25 - hours, hours)}
        else:
            ends.add(rota.ends)
    return sorted(ends)


def due_digest(now: datetime, ends: Sequence[time], hours: int) -> Due | None:
    """The digest of the shift that ended last."""
    local = now.astimezone(LONDON)
    for at in sorted(ends, reverse=True):
        ended = datetime.combine(local.date(), at, LONDON)
        if timedelta(0) <= now - ended < WITHIN:
            return Due(NotificationKind.DIGEST, hours, f"shift:{local.date().isoformat()}T{at:%H%M}")
    return None


def summary(
    session: Session, desk: Desk, due: Due, *, blind: Collection[str], desk_url: str, now: datetime
) -> tuple[str, str]:
    """Subject and text for one desk. `blind` says what we cannot see, in short sentences."""
    stands = standing(session, desk, now=now, most=GRAVEST)
    did = report(session, desk, since=now - timedelta(hours=due.hours))
    what = "Daily brief" if due.kind is NotificationKind.BRIEF else "Shift digest"
    lines = [
        f"Open {stands.open}, unclaimed {stands.unclaimed}, on watch {stands.watch}, "
        f"alerts not answered {stands.unanswered}, clocks overdue {stands.overdue}.",
        f"In the last {due.hours} hours: {did.opened} opened, {did.raised} alerts, {did.answered} answered"
        + (f", half within {round(did.median_s / 60)} min." if did.median_s is not None else "."),
    ]
    for severity in (1, 2, 3):
        of_it = [f"GH-{case.number}" for case in stands.gravest if case.severity == severity]
        if of_it:
            lines.append(f"SEV{severity}: {', '.join(of_it)}.")
    lines += _ran_out(session, desk, now)
    lines += [f"We cannot see: {each}" for each in blind] or ["Nothing is blind."]
    link = f"{desk_url}/shift?desk={desk.value}"
    return f"{what}, {desk.value} desk, {clock_time(now)}", "\n".join([*lines, link])


def is_sent(session: Session, due: Due, desk: Desk) -> bool:
    """Whether this summary was left for a desk already."""
    key = f"{due.name}:desk:{desk.value}:{ChannelKind.SLACK.value}"
    return session.exec(select(Notification.id).where(Notification.key == key)).first() is not None


def send(
    session: Session, recipient: str, address: str | None, kind: ChannelKind, due: Due, said: tuple[str, str],
    *, now: datetime,
) -> None:  # fmt: skip
    """Leave one summary for one recipient, once."""
    leave(
        session,
        {
            "id": uuid4(),
            "key": f"{due.name}:{recipient}:{kind.value}",
            "kind": due.kind,
            "channel_kind": kind,
            "recipient": recipient,
            "address": address,
            "subject": said[0],
            "text": said[1],
            "created_at": now,
            "due_at": now,
            "expires_at": now + WITHIN,
            **({} if address else {"state": NotificationState.NO_CHANNEL, "error": NO_ADDRESS}),
        },
    )


def readers(
    session: Session, oncall: OnCall, desk: Desk, *, now: datetime
) -> list[tuple[Reached, ChannelKind]]:
    """Who is on call for a desk, by the first way they are reached by that suits something to read."""
    found = {}
    for rota in oncall.roster.rota:
        if rota.desk == desk:
            for each in reached(session, oncall, f"rota:{rota.name}", now=now):
                kind = next((kind for kind in BY if each.address(kind)), None)
                if kind is not None:
                    found[each.recipient] = (each, kind)
    return list(found.values())


def tell_handovers(session: Session, oncall: OnCall, *, now: datetime) -> int:
    """Tell whoever came on call within the last minutes that they are, until when; once for each duty.

    By every channel that an alert may reach them by, so that a wrong number is known before it is needed.
    """
    told = 0
    for rota in oncall.roster.rota:
        current = [
            each
            for each in duties_of(session, oncall, rota, now - timedelta(hours=1), now + timedelta(days=32))
            if each.begins <= now < each.ends
        ]
        for duty in current:
            if duty.username is None or duty.begins <= now - timedelta(hours=1):
                continue
            party = f"rota:{rota.name}"
            due = Due(NotificationKind.ON_CALL, 0, f"on-call:{rota.name}:{duty.begins.isoformat()}")
            ends = duty.ends.astimezone(LONDON)
            text = f"You are on call until {ends:%A %-d %B, %H:%M}.\n{oncall.desk_url}/on-call"
            for each in reached(session, oncall, party, now=now):
                to_read = next((kind for kind in BY if each.address(kind)), None)
                kinds = {to_read, *oncall.ladders.ways_to(party)}
                for kind in (kind for kind in ChannelKind if kind in kinds and each.address(kind)):
                    said = f"On call: {rota.title}", text
                    send(session, each.recipient, each.address(kind), kind, due, said, now=now)
                    told += 1
    return told


def forget_addresses(session: Session, *, now: datetime) -> None:
    """Take telephone numbers and mailboxes out of messages that are long settled."""
    session.execute(
        update(Notification)
        .where(
            col(Notification.created_at) < now - ADDRESSES_KEPT,
            col(Notification.address).is_not(None),
            col(Notification.state).not_in(AT_WORK),
        )
        .values(address=None)
    )


def _ran_out(session: Session, desk: Desk, now: datetime) -> list[str]:
    asked = (
        select(Clock, Case)
        .join(Case, col(Case.id) == col(Clock.case_id))
        .where(
            Clock.desk == desk,
            col(Clock.due_at) < now,
            col(Clock.stopped_at).is_(None),
            col(Clock.paused_at).is_(None),
            col(Case.status).in_(OPEN),
            Case.status != Status.WATCH,
        )
        .order_by(col(Case.severity), col(Clock.due_at))
    )
    found = [
        f"GH-{case.number} {'acknowledge' if clock.name in ANSWERED_BY.values() else clock.name.replace('_', ' ')}"
        for clock, case in session.exec(asked.limit(MOST_CLOCKS))
    ]
    return [f"Ran out: {', '.join(found)}."] if found else []
