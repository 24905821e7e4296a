"""Who is on call, at the terminal: now and next for each desk, and where nobody is."""

import json
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlmodel import Session

from config.cli import Complaint
from config.database import open_database
from config.oncall import read_oncall
from config.settings import read_settings
from triage.oncall import OnDuty, gaps_ahead, on_call_now
from triage.oncall_roster import Duty, Rota
from triage.records import Desk

app = typer.Typer()

LONDON = ZoneInfo("Europe/London")


@app.callback()
def root() -> None:
    """Who is on call."""


@app.command("oncall")
def oncall(
    desk: Annotated[Desk | None, typer.Option("--desk", help="One desk only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say who is on call now and next, and from when nobody is within four weeks."""
    settings, now = read_settings(), datetime.now(UTC)
    try:
        read = read_oncall(settings)
    except ValueError as error:
        raise Complaint(str(error)) from error
    with open_database(settings) as engine, Session(engine) as session:
        duties = on_call_now(session, read, now=now, desk=desk.value if desk else "")
        gaps = [(rota, gap) for rota, gap in gaps_ahead(session, read, now=now) if desk in (None, rota.desk)]
    if as_json:
        print(json.dumps({"rotas": [_rota(each) for each in duties], "gaps": [_gap(*each) for each in gaps]}))
        return
    table = Table("rota", "desk", "now", "until", "next", box=None)
    for each in duties:
        following = f"{_who(each.next)} from {_at(each.now.ends)}" if each.next else ""
        table.add_row(
            each.rota.title, each.rota.desk.value, Text(_who(each.now)), _at(each.now.ends), Text(following)
        )
    Console().print(table)
    for rota, gap in gaps:
        typer.echo(f"nobody is on call for {rota.title} from {_at(gap.begins)} to {_at(gap.ends)}", err=True)


def _rota(each: OnDuty) -> dict[str, object]:
    return {
        "rota": each.rota.name,
        "desk": each.rota.desk.value,
        "now": _duty(each.now),
        "next": _duty(each.next) if each.next else None,
    }


def _duty(duty: Duty) -> dict[str, object]:
    return {
        "username": duty.username,
        "from": duty.begins.isoformat(),
        "until": duty.ends.isoformat(),
        "because": duty.because,
    }


def _gap(rota: Rota, gap: Duty) -> dict[str, object]:
    return {"rota": rota.name, "from": gap.begins.isoformat(), "until": gap.ends.isoformat()}


def _who(duty: Duty) -> str:
    return duty.username or "nobody"


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(LONDON):%a %d %b %H:%M}"
