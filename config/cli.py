"""The command `goldenhour`. Each command lives in `config/commands/` and is loaded only when it is called."""

import gc
import importlib
import sys
from typing import Any, NamedTuple

import click
import typer.main


class Command(NamedTuple):
    module: str
    help: str


COMMANDS = {
    "run": Command("running", "Start everything on this machine and print where the desk is."),
    "web": Command("running", "Serve the desk and the JSON interface."),
    "schedule": Command(
        "running", "Make the ticks and keep the streams open; one is active, the others stand by."
    ),
    "work": Command("running", "Work through queued jobs."),
    "collect": Command("collecting", "Fetch from sources now."),
    "sources": Command("watching", "Show the sources, their health, gaps and boroughs."),
    "ingest": Command(
        "ingesting", "Read posts from files or stdin, through the same door as the collectors."
    ),
    "assess": Command("assessing", "Assess texts from stdin; no database needed."),
    "claims": Command("claiming", "Say which known claims posts repeat; no database needed."),
    "evaluate": Command("learning", "Measure a model on labelled sets."),
    "train": Command("learning", "Train a model on labelled sets."),
    "model": Command("modelling", "The model in use: its card, other versions, what it missed, drift."),
    "match": Command("triaging", "Group posts from stdin into cases; no database needed."),
    "cases": Command("triaging", "List the cases of the queue."),
    "case": Command("triaging", "Show one case with its posts and log."),
    "rehearse": Command("ruling", "What would have been raised under changed rules or another model."),
    "rules": Command("ruling", "The rules in force: who hears of what. Propose others, go back."),
    "alerts": Command("responding", "List alerts with their deliveries."),
    "statements": Command("stating", "List lines, from drafted to issued; check a draft."),
    "reviews": Command("responding", "The meetings of the oversight group, held and ahead."),
    "review": Command("responding", "The fortnightly oversight review."),
    "oncall": Command("oncall", "Who is on call now and next, and when nobody is."),
    "exercise": Command("exercising", "Play a scripted event on a desk of its own, and score it."),
    "people": Command("staffing", "Accounts and their roles, sign-in links and passwords."),
    "accountability": Command("accounting", "What the service says of itself: purposes, impact, reports."),
    "audit": Command("auditing", "Prove that nobody has changed the log."),
    "export": Command("evidencing", "Write the evidence of a case as one archive that proves itself."),
    "evidence": Command(
        "evidencing", "Verify an exported archive; compute the digests of what is stored anew."
    ),
    "backup": Command("backing", "Save everything and prove it by restoring it; list what is there."),
    "restore": Command("backing", "Put a backup back, or into another place."),
    "upgrade": Command("backing", "Bring the database up to this release, after a proven backup."),
    "downgrade": Command("backing", "Take the database down for an earlier release; says what is lost."),
    "retention": Command("retaining", "Dispose of what is due; what is due when; certificates."),
    "hold": Command("holding", "Legal holds: set, list, review, release; sign off."),
    "check": Command("checking", "Validate every file under config/ and the settings."),
    "doctor": Command("checking", "Test every dependency, credential, clock, disk and heartbeat."),
    "bench": Command("benching", "Measure speed, as ratios against a named reference."),
}


class Lazy(click.Group):
    """Lists commands by name and one line; imports a command's module only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        gc.disable()  # nothing that is being loaded is garbage, and to look for it is a quarter of a start
        importlib.import_module("config.log").set_up("warning", cmd_name)
        module = importlib.import_module(f"config.commands.{COMMANDS[cmd_name].module}")
        gc.enable()
        group: Any = typer.main.get_group(module.app)
        return group.commands[cmd_name]  # type: ignore[no-any-return]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in COMMANDS.items()])


class Complaint(Exception):
    """Something the person at the keyboard can mend; its text is the whole message."""


@click.group(
    cls=Lazy, help="Golden Hour: incidents people post about police encounters, to the right desk in time."
)
@click.version_option(package_name="goldenhour")
def goldenhour() -> None:
    """The command's root."""


# Errors whose text is made for people: they are printed as one line, without a traceback.
SPOKEN = {
    "ConfigError",
    "DatabaseError",
    "PostgresError",
    "Complaint",
    "DefinitionsError",
    "ModelError",
    "FetchError",
    "VideoError",
    "BackupError",
    "SealError",
}
OURS = {"collector", "classifier", "triage", "responders", "config", "__main__"}


def main() -> None:
    """Run a command. Exit 0 done, 1 failed with one line on stderr, 2 wrong usage."""
    try:
        goldenhour(standalone_mode=False)
    except (click.ClickException, typer.TyperException) as error:  # typer carries a click of its own
        show = getattr(error, "show", None)
        show() if show else print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except (click.exceptions.Abort, typer.Abort):
        sys.exit(130)
    except (click.exceptions.Exit, typer.Exit) as error:
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(0)
    except Exception as error:
        if not any(kind.__name__ in SPOKEN and _is_ours(kind) for kind in type(error).__mro__):
            raise
        print(f"goldenhour: {error}", file=sys.stderr)
        sys.exit(1)


def _is_ours(kind: type) -> bool:
    """SQLAlchemy has a DatabaseError too, and what it says is not made for people."""
    return kind.__module__.partition(".")[0] in OURS


if __name__ == "__main__":
    main()
