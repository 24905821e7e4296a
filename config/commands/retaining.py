"""Retention from the terminal: run it, see what is due, read and verify certificates of disposal."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlmodel import Session, col, select

from config import log as logs
from config.cli import Complaint
from config.database import open_database
from config.retaining import place_of
from config.settings import read_settings
from responders.retention.certified import verify_files
from responders.retention.files import strays
from responders.retention.plan import Planned, plan
from responders.retention.running import Busy, run_retention
from triage.certificates import as_told, last_run, verify_certificates
from triage.retention_records import DisposalCertificate

app = typer.Typer()
retention = typer.Typer(help="Dispose of what is due; what is due when; certificates.")
app.add_typer(retention, name="retention")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@retention.command("run")
def run(as_json: AsJson = False) -> None:
    """Dispose of all that is due now, as every night. Killed, it goes on where it was when it is run again."""
    settings, now = read_settings(), datetime.now(UTC)
    logs.set_up("error", "retention")
    with open_database(settings) as engine:
        try:
            done = run_retention(place_of(settings, engine), now=now)
        except Busy as error:
            raise Complaint(str(error)) from error
    if as_json:
        print(json.dumps([each._asdict() for each in done]))
        return
    for each in done:
        if each.items or each.held:
            held = f", {each.held:,} kept by holds" if each.held else ""
            print(f"{each.class_name}: {each.items:,} went{held}")
    if not any(each.items for each in done):
        print("Nothing was due.")


@retention.command("plan")
def show_plan(as_json: AsJson = False) -> None:
    """What a run would do now, class by class; what nothing rules; when it ran last. Nothing is touched."""
    settings, now = read_settings(), datetime.now(UTC)
    with open_database(settings) as engine, Session(engine) as session:
        place = place_of(settings, engine)
        planned = plan(session, place, now=now)
        last = last_run(session)
    left = strays(place.data, set(place.policy.places()))
    if as_json:
        told = [
            {"class": each.rule.name, "keep": each.rule.keep, "due": each.due, "held": each.held}
            for each in planned
        ]
        ran = last.isoformat() if last else None
        print(json.dumps({"version": place.policy.version, "classes": told, "strays": left, "last_run": ran}))
        return
    _show(planned)
    print(
        f"Policy version {place.policy.version}. Last run: {last:%Y-%m-%d %H:%M} UTC."
        if last
        else "Never run."
    )
    for each in left:
        typer.echo(
            f"warning: {each} in the data folder is ruled by nothing: delete it, or name it in the policy",
            err=True,
        )


@retention.command("certificates")
def certificates(
    most: Annotated[int, typer.Option("--most", min=1, help="The newest so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """The certificates of disposal, newest first; all are verified, with their files. Exits 1 when one is not right."""
    settings = read_settings()
    with open_database(settings) as engine, Session(engine) as session:
        sealed = select(DisposalCertificate).where(col(DisposalCertificate.seal).is_not(None))
        found = session.exec(sealed.order_by(col(DisposalCertificate.number).desc()).limit(most)).all()
        broken = verify_certificates(session, settings.key("log"))
        broken += verify_files(session, settings.retention, settings.key("log"))
        told = [as_told(each) for each in found]
    if as_json:
        print(json.dumps({"certificates": told, "broken": [each._asdict() for each in broken]}))
    else:
        for each in told:
            items = f"{each['items']:>8,}"
            print(
                f"D-{each['number']}  {each['ended_at'][:16]}  {each['class_name']:12}{items}  {each['why']}"
            )
        print("\n".join(f"D-{each.number}: {each.what}" for each in broken) or "All are as they were sealed.")
    if broken:
        raise Complaint(f"{len(broken)} certificates are not as they were sealed: compare with a backup")


def _show(planned: list[Planned]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("class", "what", "kept", "from when"):
        table.add_column(name, overflow="fold")
    table.add_column("due", justify="right")
    table.add_column("held", justify="right")
    for each in planned:
        rule = each.rule
        kept = str(rule.period) if rule.keep else "no time"
        due = "" if each.due is None else f"{each.due:,}"
        table.add_row(rule.name, rule.title, kept, rule.clock, due, f"{each.held:,}" if each.held else "")
    Console().print(table)
