"""The growth of one case as its page shows it: pace, curve with its table, who picked it up, what looks coordinated."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlmodel import Session

from triage.growth_records import Growth, Spread
from triage.pace import Pace, against_itself, against_the_hour
from triage.paces import paces_of
from triage.records import Alert
from triage.web.case_file import CaseFile
from triage.web.plots import Panel, panel
from triage.web.words import LONDON, NAMED, clock_time, count, spell

LENGTHS = tuple(timedelta(minutes=each) for each in (1, 5, 10, 30, 60, 180, 360, 720, 1440))
MOST_STEPS = 36
LABELLED = 6
LONGEST = timedelta(days=14)
STILL_GOING = timedelta(hours=1)


class Step(NamedTuple):
    """One bar of the curve. `voices` are accounts not heard in the case before, about."""

    at: datetime
    posts: int
    voices: int
    sources: int
    platforms: int


class Curve(NamedTuple):
    """The whole growth, in steps of one `length`."""

    length: timedelta
    steps: list[Step]

    @property
    def words(self) -> str:
        return spell(self.length)


class PickUp(NamedTuple):
    """An outlet or a much-seen post, in words that name no account."""

    at: datetime
    says: str


class Burst(NamedTuple):
    """What looks coordinated, in words, with the first post of it as evidence."""

    at: datetime
    says: str
    post: UUID


class GrowthPanel(NamedTuple):
    """All the page says of a case's growth."""

    pace: Pace
    spiking_at: datetime | None
    compared: list[str]
    accounts: int
    platforms: list[str]
    views: int | None
    viewed: int
    curve: Curve
    plot: Panel
    pick_ups: list[PickUp]
    bursts: list[Burst]
    updates: list[tuple[datetime, str]]


def read_growth(session: Session, file: CaseFile, *, now: datetime) -> GrowthPanel:
    """What is known of how a case grows."""
    case, rows = file.case, file.ledger
    spread = session.get(Spread, case.id) if file.has(Spread) else None
    pace = paces_of(session, [case.id], now=now)[case.id]
    curve = curve_of(rows, now=now)
    return GrowthPanel(
        pace=pace,
        spiking_at=spread.spiking_at if spread else None,
        compared=[against_itself(pace), against_the_hour(pace, now)] if rows else [],
        accounts=spread.accounts if spread else 0,
        platforms=[NAMED.get(each, each) for each in spread.platforms] if spread else [],
        views=spread.views if spread else None,
        viewed=spread.viewed if spread else 0,
        curve=curve,
        plot=_plot(curve, now),
        pick_ups=[_pick_up(each) for each in spread.pick_ups] if spread else [],
        bursts=[_burst(each) for each in spread.coordinated] if spread else [],
        updates=_updates(file.alerts),
    )


def curve_of(rows: Sequence[Growth], *, now: datetime) -> Curve:
    """The minutes of a case summed up in at most 36 steps, up to now while it goes on; two weeks at most."""
    if not rows:
        return Curve(LENGTHS[0], [])
    last = now if now - rows[-1].at < STILL_GOING else rows[-1].at
    first = max(rows[0].at, last - LONGEST)
    length = next(each for each in LENGTHS if (last - first) / each < MOST_STEPS - 1)
    begun = first - (first - _midnight(first)) % length
    steps: list[list[Growth]] = [[] for _ in range((last - begun) // length + 1)]
    for row in rows:
        if begun <= row.at <= last:
            steps[(row.at - begun) // length].append(row)
    return Curve(length, [_step(begun + nth * length, each) for nth, each in enumerate(steps)])


def _step(at: datetime, rows: Sequence[Growth]) -> Step:
    return Step(
        at=at,
        posts=sum(row.posts for row in rows),
        voices=sum(row.voices for row in rows),
        sources=len({source for row in rows for source in row.sources}),
        platforms=len({platform for row in rows for platform in row.platforms}),
    )


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(LONDON).replace(hour=0, minute=0, second=0, microsecond=0)


def _plot(curve: Curve, now: datetime) -> Panel:
    numbers = [each.posts for each in curve.steps] or [0]
    if not any(numbers):
        return panel("Posts", "No posts are counted yet", numbers, {})
    top = max(curve.steps, key=lambda each: each.posts)
    says = (
        f"{count(sum(numbers), 'post')}, in steps of {curve.words}; "
        f"most from {clock_time(top.at, now)} ({top.posts:,})"
    )
    every = -(-len(numbers) // LABELLED)
    return panel(
        "Posts",
        says,
        numbers,
        {nth: _when(each.at, curve) for nth, each in enumerate(curve.steps) if nth % every == 0},
    )


def _when(at: datetime, curve: Curve) -> str:
    local = at.astimezone(LONDON)
    return f"{local:%H:%M}" if curve.length < LENGTHS[4] else f"{local.day} {local:%b %H:%M}"


def _pick_up(kept: dict[str, Any]) -> PickUp:
    at = datetime.fromisoformat(kept["at"])
    if kept["kind"] == "outlet":
        return PickUp(at, f"{kept['name']}, an outlet{': the case began with it' if kept['first'] else ''}")
    seen = f"seen {kept['views']:,} times" if kept.get("views") else "of a large account"
    return PickUp(at, f"a post on {NAMED.get(kept['platform'], kept['platform'])}, {seen}")


def _burst(kept: dict[str, Any]) -> Burst:
    begun, ended = datetime.fromisoformat(kept["from"]), datetime.fromisoformat(kept["until"])
    what = {"words": "the same words", "link": "the same link", "footage": "the same footage"}[kept["what"]]
    within = max(1, round((ended - begun).total_seconds()))
    says = f"{kept['accounts']:,} accounts brought {what} within {count(within, 'second')}"
    return Burst(begun, f"{says}, in {count(kept['posts'], 'post')}", UUID(kept["post"]))


def _updates(alerts: Sequence[Alert]) -> list[tuple[datetime, str]]:
    """The growth updates, the last one first, each once however many desks were told."""
    said = {alert.growth: (alert.raised_at, alert.says or "") for alert in alerts if alert.growth > 0}
    return [told for _, told in sorted(said.items(), reverse=True)]
