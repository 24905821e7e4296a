"""The command that makes an oversight pack."""

import getpass
import json
import os
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

import typer
from sqlmodel import Session

from config.cli import Complaint
from config.database import open_database
from config.packs import definitions_of, ground_of, means_of, templates_of
from config.settings import Settings, read_settings
from responders.packs.document import Document
from responders.packs.full import full_pack
from responders.packs.lint import Leak
from responders.packs.lower import Scope
from responders.packs.make import Wanted, make_version, manifest_bytes
from responders.packs.pdf import PdfError
from responders.packs.writing import Form, Templates, write
from triage.locked import Conflict
from triage.review.definitions import Definitions
from triage.review.figures import Figures, Period
from triage.review.figuring import figures_as_of
from triage.review.journal import count
from triage.review.packs import PANEL, PUBLIC, released_file
from triage.review.panels import read_panels
from triage.review.printing import note_printed

LONDON = ZoneInfo("Europe/London")


class Audience(StrEnum):
    """Who a pack is for."""

    FULL = "full"
    PANEL = "panel"
    PUBLIC = "public"


def make_pack(
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The first day.")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day.")],
    out: Annotated[
        Path | None, typer.Option(help="Where to write it: .pdf, .html or .docx. HTML on stdout by default.")
    ] = None,
    audience: Annotated[Audience, typer.Option(help="Who it is for.")] = Audience.FULL,
    panel: Annotated[
        str | None, typer.Option(help="Whose version, for --audience panel: a name of review/panels.toml.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make the oversight pack of a period. Days are London's; both are included.

    A panel's or the public's version is the one that was released, if one was; else a draft, with its manifest beside.
    """
    if since > until:
        raise Complaint(f"--since {since:%Y-%m-%d} is after --until {until:%Y-%m-%d}")
    form, settings = form_of(out), read_settings()
    period = Period(midnight(since.date()), midnight(until.date() + timedelta(days=1)))
    scope = _scope(settings, audience, panel)
    with open_database(settings) as engine, Session(engine) as session:
        if audience is Audience.FULL:
            made = _full(session, settings, period, form)
        else:
            made = _lower(session, settings, period, scope, form)
    _tell(made, out, audience, as_json=as_json)


class _Made(NamedTuple):
    """The file, what is said of it, and the manifest of what was left out."""

    content: bytes
    said: str = ""
    manifest: bytes = b""


def _full(session: Session, settings: Settings, period: Period, form: Form) -> _Made:
    figures = figures_printed(session, period, definitions_of(settings), into="pack", now=datetime.now(UTC))
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    document = full_pack(session, period, ground_of(settings), figures)
    return _Made(_written(document, form, templates_of(settings)))


def _lower(session: Session, settings: Settings, period: Period, scope: Scope | None, form: Form) -> _Made:
    """Raises Complaint where the linter finds what may not be handed on."""
    audience, name = (PANEL, scope.name) if scope else (PUBLIC, "")
    try:
        released = released_file(session, audience, name, period.since, period.until, form)
    except Conflict as conflict:
        raise Complaint(str(conflict)) from conflict
    if released is not None:
        edition, file = released
        said = f"P-{edition.number}, released by {edition.decided_by}, SHA-256 {file.sha256}"
        return _Made(file.content, said, manifest_bytes(edition.manifest))
    means, now = means_of(settings), datetime.now(UTC)
    figures = figures_printed(session, period, means.definitions, into=f"{audience} pack", now=now)
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    try:
        made = make_version(session, Wanted(period, scope, draft=True), means, figures, [form])
    except (Leak, PdfError) as stopped:
        raise Complaint(str(stopped)) from stopped
    said = "a draft, not released: ask for it on the page Packs, and a second person releases it"
    return _Made(made.files[form], said, manifest_bytes(made.manifest))


def _scope(settings: Settings, audience: Audience, panel: str | None) -> Scope | None:
    """Raises Complaint."""
    if (audience is Audience.PANEL) != (panel is not None):
        raise Complaint("--panel names whose version it is: give it with --audience panel, and only there")
    if panel is None:
        return None
    panels = read_panels(settings.file("review/panels.toml"))
    found = panels.panel_of(panel)
    if found is None:
        known = ", ".join(each.name for each in panels.panel)
        raise Complaint(f"--panel {panel}: no such panel; there are {known}")
    return Scope(found.name, found.title, found.bcu, found.borough)


def _written(document: Document, form: Form, templates: Templates) -> bytes:
    try:
        return write(document, form, templates)
    except PdfError as error:
        raise Complaint(str(error)) from error


def _tell(made: _Made, out: Path | None, audience: Audience, *, as_json: bool) -> None:
    """Write the file, with its manifest beside, and say so."""
    if out is None:
        typer.echo(made.content.decode(), nl=False)
        return
    keep(out, made.content)
    beside = out.with_name(f"{out.name}.manifest.json")
    if made.manifest:
        keep(beside, made.manifest)
    if as_json:
        told = {"file": str(out), "bytes": len(made.content), "audience": audience}
        typer.echo(json.dumps(told | ({"manifest": str(beside), "said": made.said} if made.manifest else {})))
        return
    typer.echo(f"{out}: {len(made.content):,} bytes{f'; {made.said}' if made.said else ''}", err=True)


def figures_printed(
    session: Session, period: Period, definitions: Definitions, *, into: str, now: datetime
) -> Figures:
    """The figures of a period as they stand now, entered as printed before they are."""
    count(session, now=now)
    session.commit()
    figures = figures_as_of(session, period, definitions, at=now)
    note_printed(session, figures, into=into, who=at_the_terminal(), now=now)
    session.commit()
    return figures


def at_the_terminal() -> str:
    """Who the log names: the account on this machine that ran the command."""
    return f"terminal, {getpass.getuser()}"


def form_of(out: Path | None) -> Form:
    """Which form the ending of the name asks for. Raises Complaint."""
    ending = out.suffix.lower().removeprefix(".") if out else Form.HTML
    if ending not in list(Form):
        raise Complaint(f"--out {out}: end the name in .pdf, .html or .docx")
    return Form(ending)


def keep(out: Path, made: bytes) -> None:
    """Write for the owner's eyes only. Raises Complaint."""
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(made)
    except OSError as error:
        raise Complaint(
            f"the pack cannot be written to {out}: {error.strerror}; choose another --out"
        ) from error


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LONDON)
