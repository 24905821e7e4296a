"""The sources from the terminal: how each is doing, what its kind declares, events that hurry them."""

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlmodel import Session

from collector.catalogue import EVERY, duration
from collector.coverage import Cover, Sight, coverage
from collector.events import begin_event, end_event, events_on
from collector.evidence_records import WatchEvent
from collector.health import DAYS, Health, State, health
from collector.quotas import quotas_left
from collector.records import SourceRow
from collector.sources import inbound, kind_of, kinds, polled
from config.cli import Complaint
from config.commands.collecting import catalogue
from config.database import open_database
from config.settings import read_settings
from triage.shares import Share, cased

app = typer.Typer()
listing = typer.Typer()
app.add_typer(listing, name="sources")

LONDON = ZoneInfo("Europe/London")
COLOURS = {
    State.WELL: "green",
    State.OPEN: "green",
    State.FAILING: "red",
    State.OVERDUE: "red",
    State.STOPPED: "red",
    State.QUIET: "yellow",
    State.RESTING: "yellow",
    State.PAUSED: "yellow",
}
WEEK = 7
PIPED_WIDTH = 140  # where no terminal says how wide it is
BARS = "·▁▂▃▄▅▆▇█"


@listing.callback(invoke_without_command=True)
def sources(
    context: typer.Context,
    kinds_only: bool = typer.Option(False, "--kinds", help="Show what each kind of source declares."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Show every source with its health, gaps and failures, and which boroughs are covered."""
    if context.invoked_subcommand is not None:
        return
    if kinds_only:
        show_kinds(as_json)
        return
    settings = read_settings()
    with open_database(settings) as engine:
        catalogue(settings, engine)
        with Session(engine) as session:
            now = datetime.now(UTC)
            found = health(session, now=now)
            shares = cased(session, since=now - timedelta(days=DAYS))
            extra = Extra(shares, quotas_left(session, now=now), events_on(session, now=now))
    covers = coverage([each.source for each in found], now=now)
    covers = [each for each in covers if each.sight is not Sight.NEIGHBOUR]
    if as_json:
        listed = [_as_json(each, extra) for each in found]
        said = {"sources": listed, "boroughs": _boroughs(covers)}
        events = [each.model_dump(mode="json") for each in extra.events]
        print(json.dumps({**said, "quotas_left": extra.quotas, "events": events}))
    else:
        _show(found, covers, extra)


@listing.command("event")
def event(
    name: str = typer.Argument(help="What the event is called, such as `verdict`."),
    every: str = typer.Option("1m", "--every", help="How often its sources are asked: 1m, 5m."),
    until: str = typer.Option(None, "--until", help="When it ends by itself: 6h, 2d or a date and time."),
    because: str = typer.Option("", "--because", help="Why; shown beside the sources."),
    only: list[str] = typer.Option([], "--source", help="Only this source; repeat it. All when left out."),  # noqa: B008
    end: bool = typer.Option(False, "--end", help="End the event now."),
) -> None:
    """Ask sources more often while a named event lasts. It ends by itself."""
    settings = read_settings()
    now = datetime.now(UTC)
    with open_database(settings) as engine:
        catalogue(settings, engine)
        with Session(engine) as session:
            if end:
                if not end_event(session, name, now=now):
                    raise Complaint(f"there is no event {name!r} on; `goldenhour sources` lists them")
                said = f"{name} has ended"
            else:
                said = _begin(session, name, every, until, because, only, now)
            session.commit()
    print(said)


def _begin(
    session: Session, name: str, every: str, until: str | None, because: str, only: list[str], now: datetime
) -> str:
    if until is None:
        raise typer.BadParameter("is missing: an event ends by itself", param_hint="--until")
    try:
        ends = now + duration(until) if EVERY.fullmatch(until.strip()) else datetime.fromisoformat(until)
        ends = ends if ends.tzinfo else ends.replace(tzinfo=LONDON)
        begin_event(session, name, every=duration(every), until=ends, because=because, sources=only, now=now)
    except ValueError as error:
        raise Complaint(str(error)) from error
    return (
        f"{name}: {len(only) or 'all'} sources every {every} until {ends.astimezone(LONDON):%a %d %b %H:%M}"
    )


class Extra(NamedTuple):
    """What is shown beside the sources' health: how many posts became cases, quotas, events."""

    shares: dict[str, Share]
    quotas: dict[str, int]
    events: list[WatchEvent]


def show_kinds(as_json: bool) -> None:
    """Print what every kind declares of itself."""
    declared = {name: kind_of(name) for name in kinds()}
    if as_json:
        print(json.dumps({name: kind._asdict() for name, kind in declared.items()}, default=str))
        return
    table = Table("kind", "how", "needs", "kept", "deletions", "edits", "default", box=None)
    for name, kind in declared.items():
        kept = f"{kind.retention.days} days" if kind.retention else "as our rules say"
        on = "on" if kind.on else "off"
        table.add_row(name, kind.how, kind.needs, kept, kind.deletions, kind.edits, on)
    Console().print(table)
    for name, kind in declared.items():
        print(f"{name}: {kind.basis}")


def _as_json(each: Health, extra: Extra) -> dict[str, Any]:
    share = extra.shares.get(each.source.name, Share(0, 0))
    row = each.source.model_dump(mode="json", warnings=False, exclude={"lease_owner", "lease_until"})
    gaps = [gap.model_dump(mode="json", include={"from_at", "until_at", "because"}) for gap in each.gaps]
    return {
        **row,
        "state": each.state.value,
        "seen_30d": each.seen,
        "stored_30d": each.stored,
        "gaps": gaps,
    } | {
        "a_day": [day.seen for day in each.days],
        "in_cases_30d": share.in_cases,
    }


def _boroughs(covers: Sequence[Cover]) -> dict[str, Any]:
    return {
        "covered": {each.borough: each.sources for each in covers if each.sources},
        "uncovered": [each.borough for each in covers if each.sight is Sight.UNCOVERED],
        "blind": [each.borough for each in covers if each.sight is Sight.BLIND],
    }


def _show(found: Sequence[Health], covers: Sequence[Cover], extra: Extra) -> None:
    console = Console() if sys.stdout.isatty() else Console(width=PIPED_WIDTH)
    console.print(_table(found, extra))
    for each in found:
        for line in _said_of(each):
            console.print(f"\n{line}")
    for lasting in extra.events:
        which = ", ".join(lasting.sources) or "all sources"
        console.print(
            f"\nEvent {lasting.name}: {which} until {_when(lasting.until_at)}. {escape(lasting.because)}"
        )
    if any(each.source.enabled and each.source.kind == "youtube" for each in found):
        left = ", ".join(f"{bucket} {units:,}" for bucket, units in extra.quotas.items())
        console.print(f"\nLeft of today's allowances: {left}")
    covered = sum(bool(each.sources) for each in covers)
    console.print(f"\n{covered} of {len(covers)} boroughs have a source of their own.")
    for sight in (Sight.UNCOVERED, Sight.BLIND):
        if names := [each.borough for each in covers if each.sight is sight]:
            console.print(f"[red]{sight.value.capitalize()}:[/] {', '.join(names)}")


def _table(found: Sequence[Health], extra: Extra) -> Table:
    """A line for each source; its name is never cut."""
    table = Table(box=None, pad_edge=False)
    table.add_column("source", no_wrap=True)
    for name in ("kind", "state", "success", "due"):
        table.add_column(name)
    table.add_column("week", no_wrap=True)
    for name in ("seen", "ours", "cases"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in found:
        row, colour = each.source, COLOURS.get(each.state, "dim")
        when = _looked(row)
        share = extra.shares.get(row.name, Share(0, 0))
        counts = f"{each.seen:,}", f"{each.stored:,}", f"{share.in_cases:,}"
        state = f"[{colour}]{each.state.value}[/]"
        table.add_row(
            row.name, row.kind, state, *when, plot([day.seen for day in each.days[-WEEK:]]), *counts
        )
    return table


def _looked(row: SourceRow) -> tuple[str, str]:
    """When a source was last read, and when it is due."""
    if row.kind in inbound():
        return "comes to us", ""
    return _when(row.last_success_at), _when(row.due_at) if row.kind in polled() else "stays open"


def _said_of(each: Health) -> Iterator[str]:
    """What there is to say of one source: its failure with the remedy, why it stopped, its silence, its gaps."""
    row = each.source
    if row.error:
        failures = f"{row.failures} in a row" if row.failures else "now"
        yield f"[red]{row.name}[/] failing ({failures}): {escape(row.error)}\n    {escape(row.remedy or '')}"
    if each.state is State.PAUSED:
        why = escape(row.paused_because or "")
        yield f"{row.name} paused until {_when(row.paused_until)} by {row.paused_by}: {why}"
    if each.state is State.STOPPED:
        yield f"[red]{row.name}[/] stopped: {escape(row.stops_because or '')}"
    if each.state is State.QUIET and row.rhythm_s:
        usual = timedelta(seconds=round(row.rhythm_s))
        yield f"{row.name} has gone quiet: usually one item in {usual}, none since {_when(row.newest_at)}"
    if row.enabled and row.tag and not row.owner:
        yield f"{row.name}: nobody answers for #{row.tag}: give it owner, reason, expires"
    for gap in each.gaps:
        yield f"{row.name} gap: {_when(gap.from_at)} to {_when(gap.until_at)}, {gap.because}"


def plot(days: Sequence[int]) -> str:
    """A line of bars, one a day, the highest for the busiest; a day with one item is never blank."""
    most = max(days, default=0)
    return "".join(BARS[-(-8 * day // most) if most else 0] for day in days)


def _when(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%d %b %H:%M}" if moment else "never"
