"""The command `model`: the card of the model in use, and which versions there are, live and in the shadow."""

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from sqlmodel import Session, col, select

from classifier import versions
from classifier.learning_records import Promotion, ShadowRun
from classifier.promotion import in_use, register, shadow
from config.cli import Complaint
from config.commands import teaching
from config.commands.assessing import load_model
from config.database import open_database
from config.models import load_version, models_folder
from config.rules import rules_in_force
from config.settings import Settings, read_settings
from triage import promoting
from triage.locked import Conflict
from triage.shadowing import Compared, compare
from triage.switch_records import SwitchKind
from triage.switching import MODEL, switch_off, switch_on

app = typer.Typer()
model = typer.Typer(help="The model in use: its card, other versions, what people say of it, how it drifts.")
app.add_typer(model, name="model")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Named = Annotated[str, typer.Argument(metavar="VERSION", help="As `goldenhour model list` names it.")]
Why = Annotated[str, typer.Option("--why", help="The reason, for the log.")]


@app.callback()
def root() -> None:
    """The commands around versions."""


class Opened(NamedTuple):
    """What a command works with."""

    settings: Settings
    session: Session
    shipped: str
    now: datetime


@contextmanager
def opened() -> Iterator[Opened]:
    """The database, with every version of this machine noted in it."""
    settings, now = read_settings(), datetime.now(UTC)
    ours = versions.shipped()
    with open_database(settings) as engine, Session(engine, expire_on_commit=False) as session:
        for each in versions.versions(models_folder(settings)):
            register(session, each, who=operator(), now=now)
        session.commit()
        yield Opened(settings, session, ours.name, now)


def operator() -> str:
    """Who the log names: the account on this machine that ran the command."""
    return f"terminal, {getpass.getuser()}"


@model.callback(invoke_without_command=True)
def model_card(
    context: typer.Context, json_out: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False
) -> None:
    """The card of the model in use: version, what it was made from, how it was measured, its limits."""
    if context.invoked_subcommand is not None:
        return
    card = _card_in_use()
    if json_out:
        print(json.dumps(card))
        return
    figures = card.pop("figures", {})
    for name, value in card.items():
        print(f"{name}: {value if isinstance(value, str | int | float) else json.dumps(value)}")
    for name, found in figures.get("sets", {}).items():
        for label in ("incident_any", "incident"):
            if (row := found.get(label)) and row["average_precision"] is not None:
                beside = row.get("reference_average_precision")
                print(f"{name}, {label}: average precision {row['average_precision']}, reference {beside}")


def _card_in_use() -> dict[str, Any]:
    """Of the promoted version; where none was ever added no database is asked."""
    settings = read_settings()
    if settings.classifier.model or not models_folder(settings).is_dir():
        return load_model(settings).card
    with opened() as here:
        return load_version(settings, in_use(here.session, here.shipped)).card


@model.command("list")
def list_versions(as_json: AsJson = False) -> None:
    """The versions on this machine: which is in use, since when and by whom, which runs in the shadow."""
    with opened() as here:
        live = here.settings.classifier.model or in_use(here.session, here.shipped)
        run = shadow(here.session, now=here.now)
        found = [
            _listed(here.session, each, live, run) for each in versions.versions(models_folder(here.settings))
        ]
        asked = promoting.waiting(here.session)
    if as_json:
        print(json.dumps(found))
        return
    table = Table("version", "state", "since", "by", "why", box=None)
    for each in found:
        table.add_row(
            each["version"], each["state"], each["since"] or "", each["by"] or "", each["why"] or ""
        )
    Console(width=None if Console().is_terminal else 160).print(table)
    if here.settings.classifier.model:
        print(f"GOLDENHOUR_CLASSIFIER__MODEL names {live}: it stays in use whatever is promoted")
    if asked is not None:
        print(f"{asked.asked_by} asked for {asked.version}; it waits for a second person on the desk")


def _listed(session: Session, version: versions.Version, live: str, run: ShadowRun | None) -> dict[str, Any]:
    last = session.exec(
        select(Promotion)
        .where(Promotion.version == version.name, col(Promotion.since).is_not(None))
        .order_by(col(Promotion.since).desc())
    ).first()
    state = "in use" if version.name == live else ""
    if run is not None and run.version == version.name:
        state = f"in the shadow, {run.share:.0%} of posts until {run.until_at:%Y-%m-%d %H:%M}"
    by = None if last is None else f"{last.asked_by}; agreed {last.agreed_by}"
    return {
        "version": version.name,
        "shipped": version.shipped,
        "state": state,
        "since": last.since.isoformat() if last and last.since else None,
        "by": by,
        "why": last.why if last else None,
        "sha256": version.sha256.hex(),
    }


@model.command("add")
def add(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="As `goldenhour train` wrote it.")],
    as_json: AsJson = False,
) -> None:
    """Copy a trained model into the data folder, where it can be promoted. Nothing changes yet.

    Do it on every machine that assesses.
    """
    if not folder.is_dir():
        raise Complaint(f"{folder} is no folder; `goldenhour train` makes one")
    models = models_folder(read_settings())
    models.mkdir(parents=True, exist_ok=True)
    made = versions.add(folder, models)
    load_version(read_settings(), made.name)
    with opened():
        pass
    print(json.dumps({"version": made.name}) if as_json else f"{made.name} is in {made.folder}")


@model.command("promote")
def promote(version: Named, why: Why, as_json: AsJson = False) -> None:
    """Take a version into use, if it passes the gate. Workers turn to it within seconds."""
    with opened() as here:
        _not_pinned(here.settings)
        versions.version_of(models_folder(here.settings), version)
        with _refused():
            made = promoting.promote(
                here.session, version, shipped=here.shipped, who=operator(), why=why, now=here.now
            )
            here.session.commit()
    print(json.dumps({"version": made.version, "instead_of": made.instead_of}) if as_json else _told(made))


@model.command("rollback")
def rollback(why: Why = "rolled back at the terminal", as_json: AsJson = False) -> None:
    """Go back to the version that was in use before."""
    with opened() as here:
        _not_pinned(here.settings)
        with _refused():
            made = promoting.roll_back(
                here.session, shipped=here.shipped, who=operator(), why=why, now=here.now
            )
            here.session.commit()
    print(json.dumps({"version": made.version, "instead_of": made.instead_of}) if as_json else _told(made))


@model.command("shadow")
def run_shadow(
    version: Annotated[str, typer.Argument(metavar="[VERSION]", help="Which; none with --stop.")] = "",
    share: Annotated[float, typer.Option(help="The share of posts it reads too.")] = 0.1,
    days: Annotated[int, typer.Option(help="It ends by itself after so many days.")] = 7,
    stop: Annotated[bool, typer.Option("--stop", help="End the run that is on.")] = False,
) -> None:
    """Have a version assess a share of the posts beside the one in use. It decides nothing."""
    if stop == bool(version):
        raise Complaint("name a version, or --stop to end the run that is on")
    with opened() as here, _refused():
        if stop:
            run = promoting.stop_shadow(here.session, who=operator(), now=here.now)
            said = f"{run.version} is out of the shadow" if run else "no model is in the shadow"
        else:
            versions.version_of(models_folder(here.settings), version)
            run = promoting.start_shadow(
                here.session,
                version,
                shipped=here.shipped,
                share=share,
                days=days,
                who=operator(),
                now=here.now,
            )
            said = f"{version} reads {share:.0%} of the posts until {run.until_at:%Y-%m-%d %H:%M} UTC"
        here.session.commit()
    print(said)


@model.command("off")
def off(why: Why) -> None:
    """Switch the model off, now: posts are judged by words alone and a person decides."""
    with opened() as here, _refused():
        switch_off(
            here.session, SwitchKind.MODEL, MODEL, known=(MODEL,), who=operator(), why=why, now=here.now
        )
        here.session.commit()
    print("the model is off; workers turn to words alone within seconds")


@model.command("on")
def on(why: Why) -> None:
    """Switch the model on again; what was judged by words alone is read again."""
    with opened() as here, _refused():
        switch_on(here.session, SwitchKind.MODEL, MODEL, who=operator(), why=why, now=here.now)
        here.session.commit()
    print("the model is on again")


@model.command("compare")
def compare_shadow(
    version: Named,
    days: Annotated[int, typer.Option(help="Posts of the last so many days.")] = 7,
    as_json: AsJson = False,
) -> None:
    """What a version in the shadow would have raised, and lost, beside the one in use; by source."""
    with opened() as here:
        rules = rules_in_force(here.session, here.settings, now=here.now)
        found = compare(here.session, rules, version, since=here.now - timedelta(days=days))
    if as_json:
        print(json.dumps(msgspec.to_builtins(found._asdict(), str_keys=True)))
    else:
        _print(found)


model.command("labels")(teaching.labels)
model.command("misses")(teaching.misses)
model.command("drift")(teaching.drift)


def _print(found: Compared) -> None:
    if not found.posts:
        print(f"{found.version} has assessed no post beside the one in use")
        return
    print(f"{found.version}: {found.posts:,} posts, {found.agreement:.1%} decided alike")
    print(f"of one type for both: {found.same_type:.1%}")
    print(
        f"raised by both {found.raised:,}, by it alone {found.gains:,}, by the one in use alone {found.losses:,}"
    )
    table = Table("source", "posts", "gained", "lost", box=None)
    for name, each in found.by_source.items():
        table.add_row(name, f"{each.posts:,}", f"{each.gained:,}", f"{each.lost:,}")
    Console().print(table)
    for said, posts in (("gained", found.gained), ("lost", found.lost)):
        for post in posts:
            print(f"{said} {post}")


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except (promoting.Refused, Conflict) as error:
        raise Complaint(str(error)) from error


def _not_pinned(settings: Settings) -> None:
    if settings.classifier.model:
        raise Complaint(
            "GOLDENHOUR_CLASSIFIER__MODEL names a model, and that stays in use: unset it, restart, then promote"
        )


def _told(made: Promotion) -> str:
    return f"{made.version} is in use instead of {made.instead_of}; workers turn to it within seconds"
