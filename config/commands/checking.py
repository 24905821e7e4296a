"""Looking before something breaks: the files and settings, and all that the service depends on."""

import json
from datetime import UTC, datetime

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from config.channels import unreached
from config.cli import Complaint
from config.database import open_database
from config.doctor import Finding, State, checkup
from config.files import read_all, strangers
from config.settings import read_settings, unread_variables
from config.watches import unmatched_partners

app = typer.Typer()

COLOURS = {State.WELL: "green", State.WARN: "yellow", State.ILL: "red"}


@app.command("check")
def check(
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    quiet: bool = typer.Option(False, "--quiet", help="Print only what is wrong."),
) -> None:
    """Validate the settings and every file under config/. Exits 1 with file, key and reason when one is wrong."""
    settings = read_settings()
    found = list(read_all(settings))
    settings.key("check")
    unread = [f"{name}: nothing reads this variable; is it misspelt?" for name in unread_variables()]
    unread += [f"{path}: nothing reads this file; is it misnamed?" for path in strangers(settings)]
    wrong = [each.wrong for each in found if each.wrong]
    unread += [] if wrong else [*unmatched_partners(settings), *unreached(settings)]
    if as_json:
        files = [{"files": each.pattern, "count": each.files, "wrong": each.wrong} for each in found]
        print(json.dumps({"ok": not wrong, "files": files, "unread": unread}))
    elif not quiet:
        for each in found:
            if not each.wrong:
                print(f"ok  {each.pattern} ({each.files})")
    if not as_json:
        for line in unread:
            typer.echo(f"warning: {line}", err=True)
    if wrong:
        raise Complaint("\ngoldenhour: ".join(wrong))


@app.command("doctor")
def doctor(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """Test the database, disk, clock, model, credentials, heartbeats, queues and sources. Exits 1 when one is wrong."""
    settings = read_settings()
    with open_database(settings) as engine:
        findings = list(checkup(settings, engine, now=datetime.now(UTC)))
    if as_json:
        print(json.dumps([each._asdict() for each in findings]))
    else:
        _show(findings)
    if any(each.state == State.ILL for each in findings):
        raise typer.Exit(1)


def _show(findings: list[Finding]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("", "what", "seen", "do"):
        table.add_column(name, overflow="fold")
    for each in findings:
        table.add_row(
            f"[{COLOURS[each.state]}]{each.state}[/]",
            escape(each.name),
            escape(each.seen),
            escape(each.remedy),
        )
    Console().print(table)
