"""On call: who has which duty now and next, the weeks ahead, changes that people agree on, and calendars."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session, col, select

from collector.plain import clean
from triage import oncall_changes as changes
from triage.locked import Conflict
from triage.notification_records import ChannelKind
from triage.oncall import AHEAD, OnCall, duties_of, gaps_ahead, on_call_now
from triage.oncall_calendar import calendar_of
from triage.oncall_records import DutyChange, DutyState
from triage.oncall_roster import Duty, Rota, works
from triage.permissions import Permission, may
from triage.records import Person
from triage.web.visit import Visit, Visiting, room_of

router = APIRouter()
feeds = APIRouter()

LONDON = ZoneInfo("Europe/London")
HERE = "/on-call"
BEFORE, AFTER = timedelta(weeks=2), timedelta(weeks=26)  # what a calendar is given
Written = Annotated[str, Form(max_length=40)]


class Day(NamedTuple):
    """One day of the weeks ahead: for each rota who begins a duty then or has it all day, in order."""

    day: date
    works: bool
    holiday: bool
    cells: list[list[Duty]]


class Asked(NamedTuple):
    """A change with the names of those it is between."""

    change: DutyChange
    rota: Rota
    takes: str
    asked_by: str
    can_agree: bool
    can_withdraw: bool


@router.get(HERE)
def on_call(visit: Visiting) -> HTMLResponse:
    """Everybody's duties on one page."""
    return _page(visit)


@router.post(f"{HERE}/changes")
def ask(
    visit: Visiting,
    rota: Written,
    begins: Written,
    ends: Written,
    takes: Annotated[str, Form(max_length=100)],
    why: Annotated[str, Form(max_length=300)],
) -> Response:
    """Ask somebody to take a duty for a time."""

    def change() -> None:
        changes.ask(
            visit.session,
            _oncall(visit),
            rota,
            begins=_moment(begins),
            ends=_moment(ends),
            takes=takes,
            who=visit.person,
            why=clean(why),
            now=visit.now,
        )

    return _act(visit, "duty-taken" if takes == visit.person.username else "duty-asked", change)


@router.post(f"{HERE}/changes/{{change}}/{{act}}")
def settle(visit: Visiting, change: UUID, act: str) -> Response:
    """Agree, refuse or withdraw."""
    states = {"agree": DutyState.AGREED, "refuse": DutyState.REFUSED, "withdraw": DutyState.WITHDRAWN}
    if act not in states:
        raise HTTPException(404)

    def change_it() -> None:
        changes.settle(visit.session, change, states[act], who=visit.person, now=visit.now)

    return _act(visit, f"duty-{states[act].value}", change_it)


@router.post(f"{HERE}/calendar")
def make_calendar(visit: Visiting, rota: Written) -> Response:
    """A new address for one's own calendar, shown once."""
    found = _oncall(visit).roster.rota_of(rota)
    if found is None:
        raise HTTPException(404)
    token = changes.make_link(visit.session, found.name, who=visit.person, now=visit.now)
    visit.session.commit()
    base = _oncall(visit).desk_url or str(visit.request.base_url).rstrip("/")
    return _page(visit, made=(found, f"{base}{HERE}/calendar/{token}"))


@router.post(f"{HERE}/revoke")
def revoke_calendar(visit: Visiting, rota: Written) -> Response:
    """Stop one's own address from working."""
    changes.revoke_link(visit.session, rota, who=visit.person, now=visit.now)
    visit.session.commit()
    return visit.back("calendar-revoked", HERE)


@feeds.get(f"{HERE}/calendar/{{token}}")
def calendar(request: Request, token: str) -> Response:
    """One rota as iCalendar, for a program that holds nothing but the address."""
    room = room_of(request)
    oncall, now = room.policies.oncall(), room.now()
    with Session(room.engine) as session:
        link = changes.find_link(session, token, now=now)
        rota = oncall.roster.rota_of(link.rota) if link else None
        if rota is None:
            raise HTTPException(404)
        found = duties_of(session, oncall, rota, _midnight(now - BEFORE), _midnight(now + AFTER))
        written = calendar_of(rota, found, _names(session), page=f"{oncall.desk_url}{HERE}", now=now)
        session.commit()
    headers = {"Cache-Control": "private, no-store", "Content-Disposition": 'inline; filename="on-call.ics"'}
    return Response(written, media_type="text/calendar; charset=utf-8", headers=headers)


def _page(visit: Visit, *, made: tuple[Rota, str] | None = None) -> HTMLResponse:
    session, now, oncall = visit.session, visit.now, _oncall(visit)
    rotas = oncall.roster.rota
    return visit.page(
        "on_call.html",
        duties=on_call_now(session, oncall, now=now),
        gaps=_gaps_of(gaps_ahead(session, oncall, now=now)),
        rotas=rotas,
        posts=_posts(oncall),
        days=_days(session, oncall, now),
        names=_names(session),
        changes=_changes(visit, oncall),
        takers=_takers(session, visit.person),
        links=changes.links_of(session, visit.person),
        made=made,
        ahead=now + AHEAD,
        known_until=max(oncall.bank_holidays, default=None),
        soon=now.astimezone(LONDON).strftime("%Y-%m-%dT%H:00"),
    )


def _posts(oncall: OnCall) -> list[tuple[str, list[str]]]:
    """The posts that ladders tell, and by which ways each is reached; the addresses themselves are not shown."""
    told = {party for ladder in oncall.ladders.ladder for step in ladder.step for party in step.who}
    return [
        (
            post.title,
            [kind.value for kind in ChannelKind if post.address(kind)] + ["people here"] * bool(post.people),
        )
        for post in oncall.roster.post
        if f"post:{post.name}" in told
    ]


def _gaps_of(found: Sequence[tuple[Rota, Duty]]) -> list[tuple[Rota, Duty, int]]:
    """The first gap of each rota, and how many more there are."""
    first: dict[str, tuple[Rota, Duty, int]] = {}
    for rota, gap in found:
        _, earliest, more = first.get(rota.name, (rota, gap, -1))
        first[rota.name] = (rota, earliest, more + 1)
    return list(first.values())


def _days(session: Session, oncall: OnCall, now: datetime) -> list[Day]:
    """Four weeks from today, a day running from one handover to the next."""
    today = now.astimezone(LONDON).date()
    since, until = now - timedelta(days=2), now + AHEAD + timedelta(days=2)
    all_duties = [(rota, duties_of(session, oncall, rota, since, until)) for rota in oncall.roster.rota]
    days = []
    for number in range(AHEAD.days):
        day = today + timedelta(days=number)
        cells = [[each for each in found if _falls_on(rota, each, day)] for rota, found in all_duties]
        days.append(Day(day, works(day, oncall.bank_holidays), day in oncall.bank_holidays, cells))
    return days


def _falls_on(rota: Rota, duty: Duty, day: date) -> bool:
    begins = datetime.combine(day, rota.hands_over, LONDON)
    ends = begins + timedelta(days=1)
    if rota.covers != "always":
        ends = datetime.combine(day, rota.ends, LONDON)
    return duty.begins < ends and duty.ends > begins


def _changes(visit: Visit, oncall: OnCall) -> list[Asked]:
    names = {person.id: person.name for person in visit.session.exec(select(Person))}
    found = []
    for each in changes.ahead(visit.session, now=visit.now):
        rota = oncall.roster.rota_of(each.rota)
        if rota is None:
            continue
        open_ = each.state == DutyState.ASKED
        found.append(
            Asked(
                each,
                rota,
                names[each.takes],
                names[each.asked_by],
                open_ and each.takes == visit.person.id,
                open_ and each.asked_by == visit.person.id,
            )
        )
    return found


def _takers(session: Session, me: Person) -> list[Person]:
    """Who may be asked; last oneself, for whoever may simply take a duty."""
    asked = select(Person).where(col(Person.disabled_at).is_(None)).order_by(col(Person.name))
    others = [each for each in session.exec(asked) if may(each, Permission.TRIAGE) and each.id != me.id]
    return [*others, me] if may(me, Permission.SUPERVISE) else others


def _names(session: Session) -> dict[str, str]:
    return {each.username: each.name for each in session.exec(select(Person))}


def _oncall(visit: Visit) -> OnCall:
    return visit.room.policies.oncall()


def _midnight(at: datetime) -> datetime:
    return datetime.combine(at.astimezone(LONDON).date(), time(0), LONDON)


def _moment(written: str) -> datetime:
    try:
        return datetime.fromisoformat(written).replace(tzinfo=LONDON)
    except ValueError as error:
        raise Conflict("Give day and time, such as 2026-07-14 08:00.") from error


def _act(visit: Visit, said: str, change: Callable[[], None]) -> Response:
    return visit.attempt(change, HERE) or visit.back(said, HERE)
