"""The commands that print the figures of the oversight review: of a period, and as a report."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlmodel import Session

from config.cli import Complaint
from config.commands.packing import LONDON, Audience, at_the_terminal, form_of, keep, midnight
from config.database import open_database
from config.packs import definitions_of, templates_of
from config.settings import Settings, read_settings
from responders.packs.pdf import PdfError
from responders.packs.reports import Span, report, reported, span_of
from responders.packs.writing import write
from triage.review.figures import Figures, Period
from triage.review.figures_json import as_plain
from triage.review.figuring import figures_as_of
from triage.review.journal import NEWEST, count
from triage.review.official import Official, OfficialError, read_official, read_streets
from triage.review.printing import note_printed
from triage.review.suppression import suppressed

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def print_figures(
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The first day.")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day.")],
    as_of: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="As they stood then, such as 2026-07-18T12:00+01:00.")
    ] = None,
    entry: Annotated[
        int | None, typer.Option(min=0, help="As they stood at this entry of the log, as a pack says.")
    ] = None,
    audience: Annotated[Audience, typer.Option(help="Who they are for.")] = Audience.FULL,
    restricted: Annotated[
        bool, typer.Option("--with-restricted", help="Count cases too that not everybody may see.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The figures of a period, now or at any past moment. Days are London's; both are included."""
    if since > until:
        raise Complaint(f"--since {since:%Y-%m-%d} is after --until {until:%Y-%m-%d}")
    if restricted and audience is not Audience.FULL:
        raise Complaint("restricted cases are counted for the full audience only")
    settings, now = read_settings(), datetime.now(UTC)
    period = Period(midnight(since.date()), midnight(until.date() + timedelta(days=1)))
    definitions = definitions_of(settings)
    with open_database(settings) as engine, Session(engine) as session:
        if as_of is None and entry is None:
            count(session, now=now)
            session.commit()
        found = figures_as_of(
            session, period, definitions, at=_moment(as_of) if as_of else now,
            entry=NEWEST if entry is None else entry, restricted=restricted,
        )  # fmt: skip
    shown = found if audience is Audience.FULL else suppressed(found, definitions)
    if as_json:
        print(json.dumps(as_plain(shown)))
    else:
        _print(shown)


def print_report(
    month: Annotated[str | None, typer.Option(metavar="YEAR-MONTH", help="For the Gold Group.")] = None,
    quarter: Annotated[
        str | None, typer.Option(metavar="YEAR-QUARTER", help="1 to 4: for MOPAC and the board.")
    ] = None,
    year: Annotated[int | None, typer.Option(min=2000, max=2200, help="For the public.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write it: .pdf, .html or .docx. HTML on stdout by default.")
    ] = None,
    official: Annotated[
        Path | None, typer.Option(help="A folder of official stop and search files, to set beside the cases.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The report of a calendar month, quarter or year: words, figures, tables, twelve months and what each means."""
    span, period = _asked(month, quarter, year)
    settings, now = read_settings(), datetime.now(UTC)
    if period.until > now:
        raise Complaint(f"this {span} is not over: its report can be made from {period.until:%-d %B %Y} on")
    definitions, form = definitions_of(settings), form_of(out)
    beside = _official(official, settings)
    with open_database(settings) as engine, Session(engine) as session:
        count(session, now=now)
        session.commit()
        made = reported(session, span, period, definitions, at=now)
        note_printed(session, made.figures, into=span, who=at_the_terminal(), now=now)
        session.commit()
    if as_json:
        told: dict[str, Any] = {"report": span, **as_plain(made.figures)}
        told["parts"] = {name: as_plain(each) for name, each in made.parts}
        print(json.dumps(told))
    if as_json and out is None:
        return
    try:
        written = write(report(span, made, beside), form, templates_of(settings))
    except PdfError as error:
        raise Complaint(str(error)) from error
    if out is None:
        typer.echo(written.decode(), nl=False)
    else:
        keep(out, written)
        typer.echo(f"{out}: {len(written):,} bytes", err=True)


def _moment(written: str) -> datetime:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError as error:
        raise Complaint(f"--as-of {written}: write a moment such as 2026-07-18T12:00+01:00") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=LONDON)


def _asked(month: str | None, quarter: str | None, year: int | None) -> tuple[Span, Period]:
    given = [each for each in (month, quarter, year) if each is not None]
    if len(given) != 1:
        raise Complaint("give one of --month 2026-06, --quarter 2026-2 and --year 2026")
    try:
        if month is not None:
            return Span.MONTH, span_of(
                Span.MONTH, datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).date()
            )
        if quarter is not None:
            named, _, number = quarter.partition("-")
            return Span.QUARTER, span_of(Span.QUARTER, date(int(named), 3 * int(number) - 2, 1))
        return Span.YEAR, span_of(Span.YEAR, date(year or 0, 1, 1))
    except ValueError as error:
        raise Complaint(f"{given[0]!r} is no month such as 2026-06, and no quarter such as 2026-2") from error


def _official(folder: Path | None, settings: Settings) -> Official | None:
    if folder is None:
        return None
    try:
        return read_official(folder, read_streets(settings.file("gazetteer/streets.csv")))
    except OfficialError as error:
        raise Complaint(f"{error}. Give the folder of the files that data.police.uk publishes") from error


def _print(figures: Figures) -> None:
    table = Table("figure", "this period", "the period before", box=None, pad_edge=False)
    before = {each.name: each.brief for each in figures.before}
    for each in figures.figures:
        table.add_row(each.definition.words, each.shown, before.get(each.name, ""))
    console = Console()
    console.print(table)
    for change in figures.changes:
        console.print(
            f"changed: {change.row.id}, {change.figure}: {change.was}, now {change.now}", markup=False
        )
    for said in figures.statements:
        console.print(said, markup=False)
    console.print(f"entry {figures.entry} of the log; definitions {figures.definitions[:16]}", markup=False)
