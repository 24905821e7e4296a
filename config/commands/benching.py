"""The benchmarks: each prints one JSON line with its goals, what was seen, its reference and its ratio."""

import importlib
import json
import pkgutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

import config.benches
from config.settings import read_settings

app = typer.Typer()


@app.callback()
def root() -> None:
    """The benchmarks."""


def names() -> list[str]:
    """The benchmarks there are: the modules of config/benches that can be run. They are not loaded for this."""
    found = [module.name for module in pkgutil.iter_modules(config.benches.__path__)]
    return sorted(name for name in found if "\ndef run(" in _source(name))


@app.command("bench")
def bench(
    name: Annotated[str, typer.Argument(help="Which one; `list` names them all.")],
    option: Annotated[
        list[str] | None, typer.Option("--with", metavar="NAME=NUMBER", help="Such as posts=20000.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="The JSON line alone, without the goals in words.")
    ] = False,
) -> None:
    """Measure speed against a named reference. Prints one JSON line; on standard error, which goals were met."""
    if name == "list":
        print(json.dumps(names()) if as_json else "\n".join(names()))
        return
    if name not in names():
        raise typer.BadParameter(f"there is no benchmark {name!r}; there are {', '.join(names())}")
    module = importlib.import_module(f"config.benches.{name}")
    measured: dict[str, Any] = module.run(read_settings(), **_options(option or []))
    if not as_json:
        for goal in measured["goals"]:
            print(_said(goal), file=sys.stderr)
    print(json.dumps(measured))


def _said(goal: dict[str, Any]) -> str:
    """`missed  p99: at most 150 ms, seen 162.4`"""
    compared = f" ({goal['ratio']:g} x {goal['reference']})" if goal["ratio"] is not None else ""
    return f"{'met' if goal['met'] else 'MISSED':8}{goal['name']}: {goal['goal']}, seen {goal['seen']:,g}{compared}"


def _source(name: str) -> str:
    spec = find_spec(f"config.benches.{name}")
    return Path(str(spec and spec.origin)).read_text(encoding="utf-8")


def _options(given: list[str]) -> dict[str, int]:
    """`posts=20000` as a keyword and a number."""
    options = {}
    for each in given:
        name, _, number = each.partition("=")
        if not name.isidentifier() or not number.isdecimal():
            raise typer.BadParameter(f"{each!r} is not NAME=NUMBER", param_hint="--with")
        options[name] = int(number)
    return options
