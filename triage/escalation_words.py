"""What a page says, and the notifications that carry it: case number, place, severity, times and a link; no name, no
word of the public. Of a restricted case it says only that there is one."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import case as sql_case
from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from classifier.records import IncidentType
from triage.escalation_ladder import Ladder, Turn
from triage.escalation_records import Escalation
from triage.locked import clock_time
from triage.notification_records import Notification, NotificationKind, NotificationState
from triage.oncall import OnCall, Reached
from triage.records import Alert, Case, Desk, Severity
from triage.restricting import restriction_of
from triage.titles import title_of

ALONE = 5  # pages to one recipient by one channel within the time below; what comes after shares one message
WITHIN = timedelta(minutes=5)
LONGEST_LIST = 300
NO_ADDRESS = "no address is known; add one to config/rota.toml"
NOBODY = "nobody is on call; see the page On call"
ARRIVED = (
    NotificationState.SENDING,
    NotificationState.TAKEN,
    NotificationState.DELIVERED,
    NotificationState.UNKNOWN,
)


def page(
    session: Session,
    oncall: OnCall,
    escalation: Escalation,
    turn: Turn,
    told: Sequence[Reached],
    *,
    case: Case,
    alert: Alert,
    following: Turn | None,
    ladder: Ladder,
    now: datetime,
) -> None:
    """Leave a notification for each recipient and channel of one step, once."""
    restricted = restriction_of(session, case.id) is not None
    subject = subject_of(case, alert, turn, restricted=restricted)
    for each in told:
        known = {kind: each.address(kind) for kind in ladder.step[turn.step].by}
        addresses = {kind: address for kind, address in known.items() if address}
        for kind in addresses or list(known)[:1]:
            row = {
                "id": uuid4(),
                "key": f"{escalation.id}:{turn.step}:{turn.turn}:{each.recipient}:{kind}",
                "kind": NotificationKind.PAGE,
                "alert_id": alert.id,
                "case_id": case.id,
                "channel_kind": kind,
                "recipient": each.recipient,
                "address": addresses.get(kind),
                "subject": subject,
                "text": _text(oncall, case, alert, each, following, ladder, restricted=restricted),
                "created_at": now,
                "due_at": now,
            }
            if not addresses:
                nobody = each.username is None and each.party.startswith("rota:")
                row |= {"state": NotificationState.NO_CHANNEL, "error": NOBODY if nobody else NO_ADDRESS}
            elif _is_too_much(session, row, case, now) and _share(session, row, case, oncall, now):
                continue
            leave(session, row)


def leave(session: Session, row: dict[str, object]) -> None:
    """Write a notification unless there is one of this key."""
    whole = {
        "state": NotificationState.WAITING, "attempts": 0, "fence": 0, "possible_repeat": False, **row
    }  # fmt: skip
    session.execute(insert(Notification).values(whole).on_conflict_do_nothing(index_elements=["key"]))


def subject_of(case: Case, alert: Alert, turn: Turn, *, restricted: bool) -> str:
    begun = "needs an answer" if turn.step == turn.turn == 0 else "still not acknowledged"
    return f"{_named(case, restricted)} {begun} ({Desk(alert.desk).value} desk)"


def _named(case: Case, restricted: bool) -> str:
    return f"GH-{case.number}" if restricted else f"SEV{case.severity} GH-{case.number}"


def answered(session: Session, escalation: Escalation, case: Case, *, by: str, now: datetime) -> None:
    """Tell those whose pages went out that somebody else has acknowledged."""
    asked = select(Notification).where(
        Notification.alert_id == escalation.alert_id,
        Notification.kind == NotificationKind.PAGE,
        col(Notification.key).startswith(f"{escalation.id}:"),
        col(Notification.state).in_(ARRIVED),
        Notification.recipient != f"person:{by}",
    )
    for each in session.scalars(asked):
        leave(
            session,
            {
                "id": uuid4(),
                "key": f"{escalation.id}:answered:{each.recipient}:{each.channel_kind}",
                "kind": NotificationKind.ANSWERED,
                "alert_id": escalation.alert_id,
                "case_id": case.id,
                "channel_kind": each.channel_kind,
                "recipient": each.recipient,
                "address": each.address,
                "subject": f"GH-{case.number} is acknowledged ({escalation.desk} desk)",
                "text": "Somebody has taken it. You need do nothing.\n" + each.text.rpartition("\n")[2],
                "created_at": now,
                "due_at": now,
            },
        )


def _text(
    oncall: OnCall,
    case: Case,
    alert: Alert,
    told: Reached,
    following: Turn | None,
    ladder: Ladder,
    *,
    restricted: bool,
) -> str:
    what = "A restricted case" if restricted else title_of(IncidentType(case.type), None, case.borough)
    lines = [
        f"{what}.",
        f"Raised {clock_time(alert.raised_at)}. You are told as: {oncall.roster.title_of(told.party)}.",
    ]
    if following is not None:
        who = ", ".join(oncall.roster.title_of(party) for party in ladder.step[following.step].who)
        lines.append(f"If nobody acknowledges, {who} will be told at {clock_time(following.at)}.")
    return "\n".join([*lines, f"{oncall.desk_url}/cases/{case.number}"])


def _is_too_much(session: Session, row: dict[str, object], case: Case, now: datetime) -> bool:
    """Whether this recipient was just told of so much, by this channel, that one more message helps nobody. What is
    critical is always told alone."""
    lately = select(func.count()).where(
        Notification.recipient == row["recipient"],
        Notification.channel_kind == row["channel_kind"],
        Notification.kind == NotificationKind.PAGE,
        col(Notification.created_at) > now - WITHIN,
    )
    return case.severity > Severity.SEV1 and session.exec(lately).one() >= ALONE


def _share(session: Session, row: dict[str, object], case: Case, oncall: OnCall, now: datetime) -> bool:
    """Put the case into the one message that waits for the end of these minutes; False when it has left already."""
    slot = int(now.timestamp() // WITHIN.total_seconds())
    leaves_at = datetime.fromtimestamp((slot + 1) * WITHIN.total_seconds(), now.tzinfo)
    key = f"more:{row['recipient']}:{row['channel_kind']}:{slot}"
    link = f"\n{oncall.desk_url}/alerts"
    leave(
        session,
        {
            **row,
            "key": key,
            "alert_id": None,
            "case_id": None,
            "subject": "More alerts wait for an answer",
            "text": link,
            "due_at": leaves_at,
        },
    )
    named = _named(case, restriction_of(session, case.id) is not None)
    has_room = func.length(Notification.text) < LONGEST_LIST
    added = sql_case((has_room, func.concat(named, "\n", Notification.text)), else_=col(Notification.text))
    put_in = (
        update(Notification)
        .where(col(Notification.key) == key, col(Notification.state) == NotificationState.WAITING)
        .values(text=added)
        .returning(col(Notification.id))
    )
    return session.execute(put_in).first() is not None
