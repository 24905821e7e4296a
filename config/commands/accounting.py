"""The command `accountability`: the sheets of what the service says of itself, as text or JSON."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlmodel import Session

from config.cli import Complaint
from config.database import open_database
from config.knowing import known_of
from config.settings import read_settings
from triage.accountability.sheet import as_markdown, as_plain
from triage.accountability.sheets import SHEETS, make

app = typer.Typer()


@app.command("accountability")
def accountability(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="A sheet; without one, which there are.")
    ] = "",
    out: Annotated[Path | None, typer.Option(help="Write it into this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Purposes, impact and equality data, the transparency record, the model's card, and reports on people's use."""
    if not name:
        listed = {each: says for each, (says, _make) in SHEETS.items()}
        print(
            json.dumps(listed) if as_json else "\n".join(f"{each:14}{says}" for each, says in listed.items())
        )
        return
    if name not in SHEETS:
        raise Complaint(f"there is no sheet {name!r}; there are {', '.join(SHEETS)}")
    settings = read_settings()
    with open_database(settings) as engine, Session(engine) as session:
        made = make(name, session, known_of(settings), now=datetime.now(UTC))
    told = json.dumps(as_plain(made), indent=1) + "\n" if as_json else as_markdown(made)
    if out:
        out.write_text(told, encoding="utf-8")
    else:
        sys.stdout.write(told)
