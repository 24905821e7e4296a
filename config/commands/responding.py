"""The commands that look at what went out: alerts, and the oversight review."""

import json
import sys
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import func, select
from sqlmodel import Session, col

from config.cli import Complaint
from config.commands.figuring import print_figures, print_report
from config.commands.foretelling import early_signals
from config.commands.packing import make_pack
from config.database import open_database
from config.oncall import read_oncall
from config.reviews import meetings_of
from config.service import House, clock
from config.settings import read_settings
from config.trying import try_all
from responders.outbox import retry_failed
from triage.notification_records import NotificationState
from triage.records import Alert, Case, Delivery
from triage.resending import put_back
from triage.review.meeting_records import Review, ReviewItem
from triage.review.schedule import is_locked

LONDON = ZoneInfo("Europe/London")
TRY_FOR_S = 45.0

app = typer.Typer()
review = typer.Typer(help="The fortnightly oversight review.")
app.add_typer(review, name="review")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Limit = Annotated[int, typer.Option(min=1, help="How many, newest first.")]


@app.command("alerts")
def alerts(
    as_json: AsJson = False,
    limit: Limit = 50,
    retry: Annotated[
        bool, typer.Option("--retry-failed", help="First send again what a channel refused.")
    ] = False,
    test: Annotated[
        bool, typer.Option("--test", help="Send a test through every channel and say what became of each.")
    ] = False,
) -> None:
    """List alerts with their deliveries, newest first."""
    if test:
        _test(as_json)
        return
    asked = (
        select(Alert, Case, Delivery)
        .join(Case, col(Case.id) == col(Alert.case_id))
        .outerjoin(Delivery, (col(Delivery.alert_id) == col(Alert.id)) & (col(Delivery.about) == ""))
        .order_by(col(Alert.raised_at).desc(), col(Case.number).desc(), col(Alert.desk))
        .limit(limit)
    )
    settings = read_settings()
    with open_database(settings) as engine, Session(engine) as session:
        if retry:
            now = datetime.now(UTC)
            again = retry_failed(session, now=now) + put_back(session, read_oncall(settings), now=now)
            session.commit()
            typer.echo(f"put back to be sent: {again}", err=True)
        rows = [_alert(alert, case, delivery) for alert, case, delivery in session.execute(asked)]
    print_rows(rows, as_json, ("case", "desk", "severity", "state", "raised", "delivery", "channel", "error"))


def _test(as_json: bool) -> None:
    settings = read_settings()
    with open_database(settings) as engine:
        found = try_all(House(settings, engine, clock), who="terminal", for_s=TRY_FOR_S)
    rows = [
        {
            "channel": each.channel_kind,
            "address": each.address,
            "state": each.state,
            "delivered": each.delivered_at.isoformat() if each.delivered_at else None,
            "error": each.error,
        }
        for each in found
    ]
    if not rows:
        raise Complaint("no channel is set up: see docs/operating.md, or run `goldenhour doctor`")
    print_rows(rows, as_json, ("channel", "address", "state", "delivered", "error"))
    if any(each.state != NotificationState.DELIVERED for each in found):
        raise typer.Exit(1)


@app.command("reviews")
def list_meetings(
    as_json: AsJson = False,
    held: Annotated[bool, typer.Option("--held", help="Those that were held, the last leading.")] = False,
    limit: Limit = 27,
) -> None:
    """Show the meetings ahead: when, when the list is locked, how many cases it has."""
    settings, now = read_settings(), datetime.now(UTC)
    begun = col(Review.meets_at) <= now
    asked = (
        select(Review, func.count(col(ReviewItem.case_id)).filter(col(ReviewItem.off_at).is_(None)))
        .outerjoin(ReviewItem, col(ReviewItem.review_id) == col(Review.id))
        .where(begun if held else ~begun)
        .group_by(col(Review.id))
        .order_by(col(Review.meets_at).desc() if held else col(Review.meets_at))
        .limit(limit)
    )
    with open_database(settings) as engine, Session(engine) as session:
        rows = [_meeting(review, cases, now) for review, cases in session.execute(asked)]
    print_rows(rows, as_json, ("meeting", "locks", "cases", "state", "why"))


def _meeting(review: Review, cases: int, now: datetime) -> dict[str, Any]:
    locked = "locked" if is_locked(review, now=now) else "open"
    return {
        "meeting": review.meets_at.astimezone(LONDON).isoformat(timespec="minutes"),
        "locks": review.locks_at.astimezone(LONDON).isoformat(timespec="minutes")
        if review.locks_at
        else None,
        "cases": cases,
        "state": "cancelled" if review.cancelled_at else f"{locked}, moved" if review.moved_at else locked,
        "why": review.cancelled_because or review.moved_because,
    }


@review.command("list")
def list_reviews(as_json: AsJson = False) -> None:
    """Show the next meeting, and what is on the list of each."""
    settings = read_settings()
    coming = meetings_of(settings).next_after(datetime.now(UTC))
    asked = (
        select(col(Review.meets_at), Case, ReviewItem)
        .join(ReviewItem, col(ReviewItem.review_id) == col(Review.id))
        .join(Case, col(Case.id) == col(ReviewItem.case_id))
        .where(col(ReviewItem.off_at).is_(None), col(Review.cancelled_at).is_(None))
        .order_by(col(Review.meets_at), col(ReviewItem.position), col(Case.severity), col(Case.number))
    )
    with open_database(settings) as engine, Session(engine) as session:
        rows = [
            {
                "meeting": meets_at.astimezone(LONDON).isoformat(),
                "case": f"GH-{case.number}",
                "severity": case.severity,
                "title": case.title,
                "because": item.because,
            }
            for meets_at, case, item in session.execute(asked)
        ]
    typer.echo(f"the next meeting is on {coming:%-d %B %Y at %H:%M}", err=True)
    print_rows(rows, as_json, ("meeting", "case", "severity", "title", "because"))


review.command("pack")(make_pack)
review.command("figures")(print_figures)
review.command("report")(print_report)
review.command("signals")(early_signals)


def _alert(alert: Alert, case: Case, delivery: Delivery | None) -> dict[str, Any]:
    return {
        "id": str(alert.id),
        "case": f"GH-{case.number}",
        "desk": alert.desk,
        "severity": case.severity,
        "manner": alert.manner,
        "rule": alert.rule,
        "state": alert.state,
        "raised": alert.raised_at.isoformat(),
        "acknowledged": alert.acknowledged_at.isoformat() if alert.acknowledged_at else None,
        "through": alert.acknowledged_through,
        "delivery": delivery.state if delivery else "none yet",
        "delivered": delivery.delivered_at.isoformat() if delivery and delivery.delivered_at else None,
        "channel": delivery.channel if delivery else None,
        "attempts": delivery.attempts if delivery else 0,
        "possible_repeat": delivery.possible_repeat if delivery else False,
        "error": delivery.error if delivery else None,
    }


def print_rows(rows: list[dict[str, Any]], as_json: bool, columns: tuple[str, ...]) -> None:
    """As JSON, or as a table of these columns."""
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    table = Table(*columns, box=None, header_style="bold")
    for row in rows:
        table.add_row(*(_cell(row[column]) for column in columns))
    # where nobody looks at a terminal, lines are as long as they are
    Console(width=None if sys.stdout.isatty() else 240).print(table if rows else "nothing yet")


def _cell(value: object) -> Text:
    """Plain text: what looks like markup is not."""
    if isinstance(value, list):
        return Text(", ".join(map(str, value)))
    return Text("" if value is None else str(value).strip())
