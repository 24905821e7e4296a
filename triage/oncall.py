"""On call: who has which duty now and next, and where they are reached. Reads the roster and what people agreed to."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlmodel import Session, col, select

from triage.escalation_ladder import Ladders
from triage.notification_records import ChannelKind
from triage.oncall_records import DutyChange, DutyState
from triage.oncall_roster import Change, Duty, Reach, Roster, Rota, duties, gaps
from triage.records import Person

BROKEN = "on call"  # the stage of the Failure that stands while a file of theirs is wrong
NEXT_WITHIN = timedelta(days=60)
AHEAD = timedelta(weeks=4)


class OnCall(NamedTuple):
    """What it takes to know whom to tell: ladders, roster, bank holidays, and where the desk's pages are."""

    ladders: Ladders = Ladders()
    roster: Roster = Roster()
    bank_holidays: frozenset[date] = frozenset()
    desk_url: str = ""


class OnDuty(NamedTuple):
    """A rota, who has its duty now (nobody where `now.username` is None), and what follows."""

    rota: Rota
    now: Duty
    next: Duty | None


class Reached(NamedTuple):
    """One recipient of a notification: a person, a post, or the rota itself while nobody has its duty."""

    recipient: str
    party: str
    username: str | None
    reach: Reach

    def address(self, kind: ChannelKind) -> str | None:
        return self.reach.address(kind)


def duties_of(session: Session, oncall: OnCall, rota: Rota, since: datetime, until: datetime) -> list[Duty]:
    """Who has the duty of a rota over a stretch of time, with what was agreed to."""
    return duties(
        rota,
        since,
        until,
        bank_holidays=oncall.bank_holidays,
        changes=_changes(session, [rota.name], since)[rota.name],
        left=_left(session),
    )


def duty_at(session: Session, oncall: OnCall, rota: Rota, at: datetime) -> Duty:
    """The piece of duty a moment lies in, cut off at a second."""
    return duties_of(session, oncall, rota, at, at + timedelta(seconds=1))[0]


def on_call_now(session: Session, oncall: OnCall, *, now: datetime, desk: str = "") -> list[OnDuty]:
    """Every rota, or those of one desk: who has the duty, until when, and who comes next."""
    found = []
    for rota in oncall.roster.rota:
        if desk in ("", rota.desk):
            pieces = duties_of(session, oncall, rota, now, now + NEXT_WITHIN)
            found.append(OnDuty(rota, pieces[0], pieces[1] if len(pieces) > 1 else None))
    return found


def gaps_ahead(session: Session, oncall: OnCall, *, now: datetime) -> list[tuple[Rota, Duty]]:
    """Where nobody is on call within four weeks though somebody should be, the first leading."""
    found = [
        (rota, gap)
        for rota in oncall.roster.rota
        for gap in gaps(rota, duties_of(session, oncall, rota, now, now + AHEAD), oncall.bank_holidays)
    ]
    return sorted(found, key=lambda each: each[1].begins)


def reached(session: Session, oncall: OnCall, party: str, *, now: datetime) -> list[Reached]:
    """Who is told when a party is: the person on duty of a rota, a post and the people here who hold it."""
    kind, _, name = party.partition(":")
    if kind == "rota":
        rota = oncall.roster.rota_of(name)
        username = duty_at(session, oncall, rota, now).username if rota else None
        usernames = [username] if username else []
        found = []
    else:
        post = oncall.roster.post_of(name)
        usernames = list(post.people) if post else []
        own = post if post and any(post.address(each) for each in ChannelKind) else None
        found = [Reached(party, party, None, own)] if own else []
    people = session.scalars(
        select(Person).where(col(Person.username).in_(usernames), col(Person.disabled_at).is_(None))
    )
    found += [_reached(oncall, person, party) for person in people]
    return found or [Reached(party, party, None, Reach())]


def people_reached(session: Session, oncall: OnCall, ids: Collection[UUID]) -> list[Reached]:
    """These people themselves, but for accounts that are closed."""
    asked = select(Person).where(col(Person.id).in_(ids), col(Person.disabled_at).is_(None))
    return [
        _reached(oncall, person, f"person:{person.username}")
        for person in session.scalars(asked.order_by(col(Person.username)))
    ]


def address_now(session: Session, oncall: OnCall, recipient: str, kind: ChannelKind) -> str | None:
    """Where a recipient of a notification is reached now; None for one that the roster does not know."""
    sort, _, name = recipient.partition(":")
    if sort == "post":
        post = oncall.roster.post_of(name)
        return post.address(kind) if post else None
    if sort == "person":
        person = session.scalars(select(Person).where(Person.username == name)).first()
        return _reached(oncall, person, recipient).address(kind) if person else None
    return None


def _reached(oncall: OnCall, person: Person, party: str) -> Reached:
    reach = oncall.roster.reach_of(person.username)
    reach = reach.model_copy(update={"slack": reach.slack or person.slack_user})
    return Reached(f"person:{person.username}", party, person.username, reach)


def stands_for(
    session: Session, oncall: OnCall, parties: Collection[str], username: str, at: datetime
) -> set[str]:
    """Which of these parties a person was at a moment."""
    return {
        party
        for party in parties
        if any(each.username == username for each in reached(session, oncall, party, now=at))
    }


def _changes(session: Session, rotas: Collection[str], since: datetime) -> dict[str, list[Change]]:
    """What was agreed to and is not over, by rota, in the order of the agreements."""
    asked = (
        select(DutyChange, Person.username)
        .join(Person, col(Person.id) == col(DutyChange.takes))
        .where(
            col(DutyChange.rota).in_(rotas),
            DutyChange.state == DutyState.AGREED,
            col(DutyChange.ends_at) > since,
        )
        .order_by(col(DutyChange.settled_at), col(DutyChange.id))
    )
    found: dict[str, list[Change]] = defaultdict(list)
    for change, username in session.execute(asked):
        found[change.rota].append(Change(change.begins_at, change.ends_at, username))
    return found


def _left(session: Session) -> set[str]:
    return set(session.scalars(select(Person.username).where(col(Person.disabled_at).is_not(None))))
