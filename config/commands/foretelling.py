"""The command that says which signals of the first hour foretold that reviewed cases escalated."""

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from sqlmodel import Session

from config.database import open_database
from config.settings import read_settings
from triage.hidden import look_as_anybody
from triage.review.foretelling import FLOOR, EarlySignal, foretold

LONDON = ZoneInfo("Europe/London")
YEAR = timedelta(days=365)


def early_signals(
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The first day; a year before the last by default."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day; today by default.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say which signals of the first hour foretold that reviewed cases escalated. Counts of a biased sample."""
    last = _midnight(until.date() + timedelta(days=1)) if until else datetime.now(UTC)
    first = _midnight(since.date()) if since else last - YEAR
    with open_database(read_settings()) as engine, Session(engine) as session:
        look_as_anybody(session)
        found = foretold(session, first, last)
    if as_json:
        told: dict[str, Any] = {
            "since": first.isoformat(), "until": last.isoformat(), "cases": found.cases,
            "escalated": _shown(found.escalated), "by": {kind: _shown(n) for kind, n in found.by.items()},
            "left_out": found.left_out, "floor": FLOOR, "signals": [_row(each) for each in found.signals],
            "withheld": found.too_few,
        }  # fmt: skip
        typer.echo(json.dumps(told, indent=2))
        return
    typer.echo(
        f"of {found.cases} reviewed cases {_shown(found.escalated)} escalated; a biased sample", err=True
    )
    for each in found.signals:
        one, other = each.having, each.lacking
        typer.echo(
            f"{each.name}: {one.escalated}/{one.cases} ({one.low:.0%} to {one.high:.0%}) with it, "
            f"{other.escalated}/{other.cases} ({other.low:.0%} to {other.high:.0%}) without; odds x{each.odds:.1f}"
        )
    typer.echo(f"withheld, of fewer than {FLOOR} cases: {len(found.too_few)}", err=True)


def _shown(n: int) -> int | str:
    return f"fewer than {FLOOR}" if 0 < n < FLOOR else n


def _row(each: EarlySignal) -> dict[str, Any]:
    return {
        "signal": each.name,
        **{
            name: {
                "escalated": part.escalated, "cases": part.cases, "share": round(part.share, 4),
                "interval": [round(part.low, 4), round(part.high, 4)],
            }
            for name, part in (("with", each.having), ("without", each.lacking))
        },
        "odds": round(each.odds, 3),
        "apart": each.apart,
    }  # fmt: skip


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LONDON)
