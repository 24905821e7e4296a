"""The benchmarks: each prints one JSON line with its figures, its ratio and its reference."""

import importlib
import json
import pkgutil
from typing import Annotated, Any

import typer

import config.benches
from config.settings import read_settings

app = typer.Typer()


@app.callback()
def root() -> None:
    """The benchmarks."""


def names() -> list[str]:
    """The benchmarks there are: the modules of config/benches that can be run."""
    found = [module.name for module in pkgutil.iter_modules(config.benches.__path__)]
    return sorted(name for name in found if hasattr(_module(name), "run"))


@app.command("bench")
def bench(
    name: Annotated[str, typer.Argument(help="Which one; `list` names them all.")],
    option: Annotated[
        list[str] | None, typer.Option("--with", metavar="NAME=NUMBER", help="Such as posts=20000.")
    ] = None,
) -> None:
    """Measure speed against a named reference. Prints one JSON line."""
    if name == "list":
        print("\n".join(names()))
        return
    if name not in names():
        raise typer.BadParameter(f"there is no benchmark {name!r}; there are {', '.join(names())}")
    measured: dict[str, Any] = _module(name).run(read_settings(), **_options(option or []))
    print(json.dumps(measured))


def _module(name: str) -> Any:
    return importlib.import_module(f"config.benches.{name}")


def _options(given: list[str]) -> dict[str, int]:
    """`posts=20000` as a keyword and a number."""
    options = {}
    for each in given:
        name, _, number = each.partition("=")
        if not name.isidentifier() or not number.isdecimal():
            raise typer.BadParameter(f"{each!r} is not NAME=NUMBER", param_hint="--with")
        options[name] = int(number)
    return options
