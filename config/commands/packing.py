"""The command that makes an oversight pack."""

import getpass
import json
import os
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlmodel import Session

from config.cli import Complaint
from config.database import open_database
from config.packs import definitions_of, ground_of, templates_of
from config.settings import read_settings
from responders.packs.full import full_pack
from responders.packs.pdf import PdfError
from responders.packs.writing import Form, write
from triage.review.definitions import Definitions
from triage.review.figures import Figures, Period
from triage.review.figuring import figures_as_of
from triage.review.journal import count
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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make the oversight pack of a period. Days are London's; both are included."""
    if audience is not Audience.FULL:
        raise Complaint(
            f"a pack for the {audience} cannot be made yet: it must be redacted and approved by a second "
            "person first. Use --audience full, and keep it to members of the oversight group"
        )
    if since > until:
        raise Complaint(f"--since {since:%Y-%m-%d} is after --until {until:%Y-%m-%d}")
    form, settings = form_of(out), read_settings()
    period = Period(midnight(since.date()), midnight(until.date() + timedelta(days=1)))
    with open_database(settings) as engine, Session(engine) as session:
        figures = figures_printed(
            session, period, definitions_of(settings), into="pack", now=datetime.now(UTC)
        )
        document = full_pack(session, period, ground_of(settings), figures)
    try:
        made = write(document, form, templates_of(settings))
    except PdfError as error:
        raise Complaint(str(error)) from error
    if out is None:
        typer.echo(made.decode(), nl=False)
        return
    keep(out, made)
    if as_json:
        typer.echo(json.dumps({"file": str(out), "bytes": len(made), "audience": audience}))
    else:
        typer.echo(f"{out}: {len(made):,} bytes", err=True)


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
