"""An exercise: a scripted event played into a database of its own, with a desk of its own, and scored."""

import json
import sys
from datetime import date
from threading import Event
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from config import log as logs
from config.cli import Complaint
from config.exercise.playing import Manner, Opened, play_exercise
from config.exercise.runs import runs
from config.exercise.script import Script, ScriptError, scripts_of
from config.exercise.stage import runs_folder
from config.settings import Settings, read_settings
from config.supervise import when_asked_to_end

app = typer.Typer()

SPEED = 10.0  # four hours in 24 minutes: five minutes to acknowledge are half a minute


@app.callback()
def root() -> None:
    """Exercises."""


@app.command("exercise")
def exercise(
    name: Annotated[str, typer.Argument(help="Which; --list names them.")] = "",
    listed: Annotated[bool, typer.Option("--list", help="Name the exercises and their last scores.")] = False,
    speed: Annotated[
        float | None, typer.Option(min=1, max=600, help=f"Times as fast as on the wall; {SPEED:g}.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed brings the same posts.")] = 1,
    robot: Annotated[
        bool, typer.Option("--robot", help="A scripted team plays; without --speed without a desk, at once.")
    ] = False,
    team: Annotated[
        bool, typer.Option("--team", help="People play every seat; else a script plays your colleagues.")
    ] = False,
    size: Annotated[float, typer.Option(min=0.05, max=1, help="The share of the posts to play.")] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the score as JSON.")] = False,
) -> None:
    """Play a scripted event into a separate database and score it; never the live one."""
    settings = read_settings()
    logs.set_up("error", "exercise")
    scripts = _scripts(settings)
    if listed or not name:
        _list(settings, scripts, as_json=as_json)
        return
    script = scripts.get(name)
    if script is None:
        raise Complaint(f"there is no exercise {name!r}; there are {', '.join(scripts)}")
    if robot and team:
        raise typer.BadParameter("either --robot or --team", param_hint="--team")
    leave = Event()
    when_asked_to_end(leave.set)
    manner = Manner(
        seed=seed, speed=speed if robot else speed or SPEED, robot=robot, team=team, size=size
    )  # fmt: skip
    run = play_exercise(
        settings, script, manner, on=date.today(), opened=_announce, told=_tell, leave=leave  # noqa: DTZ011
    )  # fmt: skip
    if as_json:
        print(json.dumps(run))
    else:
        _show(run)


def _scripts(settings: Settings) -> dict[str, Script]:
    try:
        return scripts_of(settings)
    except ScriptError as error:
        raise Complaint(str(error)) from error


def _list(settings: Settings, scripts: dict[str, Script], *, as_json: bool) -> None:
    last = {
        name: next((each["points"] for each in runs(runs_folder(settings), name)), None) for name in scripts
    }
    if as_json:
        told = [
            {
                "name": each.name,
                "title": each.title,
                "hours": each.hours,
                "posts": each.posts,
                "last": last[each.name],
            }
            for each in scripts.values()
        ]
        print(json.dumps(told))
        return
    table = Table("name", "what", "hours", "posts", "last score", box=None)
    for each in scripts.values():
        points = last[each.name]
        table.add_row(
            each.name, each.title, str(each.hours), f"{each.posts:,}", "" if points is None else str(points)
        )
    Console().print(table)


def _announce(opened: Opened) -> None:
    print(f"The exercise is at {opened.address}/exercise", flush=True, file=sys.stderr)
    for seat, link in opened.links.items():
        print(f"{seat}: sign in, once, with {link}", flush=True, file=sys.stderr)


def _tell(words: str) -> None:
    """Where it has come to: one line that changes on a terminal, else nothing."""
    if sys.stderr.isatty():
        print(f"\r\033[K{words}", end="", flush=True, file=sys.stderr)


def _show(run: dict[str, Any]) -> None:
    table = Table("what", "expected", "happened", "points", "why", box=None)
    for mark in run["marks"]:
        points = "-" if mark["points"] is None else str(mark["points"])
        table.add_row(mark["name"], mark["expected"], mark["happened"], points, mark["because"])
    console = Console()
    console.print(table)
    console.print(f"{run['title']}: {run['points']} of 100")
