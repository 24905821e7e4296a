"""The commands around rules: rehearse changed ones on what really came, propose them, go back."""

import getpass
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from sqlmodel import Session, col, select

from classifier.assess import Assessor
from config import log as logs
from config.cli import Complaint
from config.database import open_database
from config.models import load_version
from config.rules import digest_on_disk, rules_in_force
from config.settings import Settings, read_settings
from triage.locked import Conflict
from triage.memory import Memory
from triage.people import find_person
from triage.permissions import Denied
from triage.records import Person
from triage.rehearsal import Span, count_past
from triage.rehearsal_report import Changed, Ref, Rehearsed, as_kept
from triage.rehearse import Rehearsal
from triage.rehearse import rehearse as rehearse_rules
from triage.rule_changes import agree_alone, agreed_to, in_force, propose, roll_back, waiting
from triage.rule_records import RulesChange, RulesVersion
from triage.rule_words import summary
from triage.rules import Rules, RulesError, in_brief, parse_rules, read_rules, read_words

app = typer.Typer()
rules = typer.Typer(help="The rules in force: who hears of what. Propose others, go back.")
app.add_typer(rules, name="rules")

LONDON = ZoneInfo("Europe/London")
DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]
TELL_EVERY_S = 2.0
REFS = 15

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Days = Annotated[int, typer.Option(min=1, max=400, help="The last so many days.")]
By = Annotated[
    str, typer.Option("--by", metavar="USERNAME", help="Who answers for it; by default this account.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why, for whoever agrees and for the log.")]


class Opened(NamedTuple):
    """What a command works with."""

    settings: Settings
    session: Session
    now: datetime


@contextmanager
def _opened(name: str) -> Iterator[Opened]:
    settings = read_settings()
    logs.set_up("error", name)
    with open_database(settings) as engine, Session(engine, expire_on_commit=False) as session:
        try:
            yield Opened(settings, session, datetime.now(UTC))
        except (Conflict, Denied, RulesError) as error:
            raise Complaint(str(error)) from error


@app.command("rehearse")
def rehearse(
    rules_file: Annotated[
        Path | None, typer.Option("--rules", metavar="FILE", help="Changed rules; else those in force.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="VERSION", help="Read all posts again with this model.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=DAYS, help="From when on, London time; instead of --days.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=DAYS, help="Until when; else now.")] = None,
    days: Days = 31,
    as_json: AsJson = False,
) -> None:
    """What the stream would have raised under changed rules or another model: alerts gained and lost, and which.

    Posts of that time are routed again as they were, in memory. Nothing is written and nobody is told.
    """
    with _opened("rehearse") as here:
        changed = read_rules(rules_file) if rules_file else None
        end = until.replace(tzinfo=LONDON) if until else here.now
        begin = since.replace(tzinfo=LONDON) if since else end - timedelta(days=days)
        if begin >= end:
            raise Complaint(f"--since {begin:%Y-%m-%d} is not before --until {end:%Y-%m-%d}")
        found = _rehearsed(here, changed, _model(here.settings, model), begin, end)
    if as_json:
        print(json.dumps(as_kept(found)))
    else:
        _show(found)


@rules.callback(invoke_without_command=True)
def list_rules(context: typer.Context, as_json: AsJson = False) -> None:
    """Which rules are in force, which were, what is proposed, and whether the file here is another."""
    if context.invoked_subcommand is not None:
        return
    with _opened("rules") as here:
        live, on_disk = in_force(here.session), digest_on_disk(here.settings)
        known = live is None or agreed_to(here.session, on_disk)
        changes = here.session.exec(select(RulesChange).order_by(col(RulesChange.asked_at).desc())).all()
    if as_json:
        listed = [each.model_dump(mode="json", exclude={"rehearsal"}) for each in changes]
        print(json.dumps({"in_force": live, "on_disk": on_disk, "changes": listed}))
        return
    table = Table("rules", "state", "when", "asked by", "agreed by", "why", box=None)
    for each in changes:
        table.add_row(in_brief(each.digest), *_told(each, live), each.why)
    Console().print(table if changes else "None yet: those of rules.toml will be at the first start.")
    if not known:
        print(
            f"rules.toml here is {in_brief(on_disk)}, which nobody agreed to: `goldenhour rules propose FILE`"
        )


@rules.command("show")
def show(
    version: Annotated[str, typer.Argument(help="As listed; those in force unless given.")] = "",
) -> None:
    """Print rules to the letter, as TOML."""
    with _opened("rules") as here:
        wanted = version or in_force(here.session) or ""
        found = here.session.exec(
            select(RulesVersion).where(col(RulesVersion.digest).startswith(wanted, autoescape=True))
        ).all()
    if not wanted or len(found) != 1:
        raise Complaint(f"no rules are called {version!r}; `goldenhour rules` lists them")
    sys.stdout.write(found[0].words)


@rules.command("propose")
def propose_rules(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The whole file, changed.")],
    reason: Reason,
    by: By = "",
    days: Days = 31,
    as_json: AsJson = False,
) -> None:
    """Rehearse changed rules and ask for them: they decide once a second person agrees on the page Rules."""
    with _opened("rules") as here:
        words, who = read_words(file), _person(here.session, by)
        changed = parse_rules(words, str(file))
        found = _rehearsed(here, changed, None, here.now - timedelta(days=days), here.now)
        asked = propose(
            here.session, words, who=who, why=reason, rehearsal=as_kept(found), now=datetime.now(UTC)
        )
        here.session.commit()
    if as_json:
        print(json.dumps({"rules": in_brief(asked.digest), "id": str(asked.id), "rehearsal": as_kept(found)}))
        return
    _show(found)
    print(f"Proposed as {in_brief(asked.digest)}. In force once somebody else agrees on the page Rules.")
    print(
        "Nobody else here may change rules? `goldenhour rules agree --alone` takes them, and the log says so."
    )


@rules.command("agree")
def agree_to_rules(
    alone: Annotated[bool, typer.Option("--alone", help="There is no second person.")] = False,
    by: By = "",
) -> None:
    """Take proposed rules where one person works alone; with others, one of them agrees on the page Rules."""
    if not alone:
        raise Complaint(
            "somebody else agrees on the page Rules, signed in; --alone is for who has nobody else"
        )
    with _opened("rules") as here:
        asked = waiting(here.session)
        if asked is None:
            raise Complaint("nothing is proposed; `goldenhour rules propose FILE` does that")
        who = _person(here.session, by)
        agree_alone(here.session, asked.id, asked.digest, who=who, now=here.now)
        here.session.commit()
    print(f"{in_brief(asked.digest)} decide from now on; workers turn to them within seconds")


@rules.command("rollback")
def go_back(reason: Reason, by: By = "") -> None:
    """Go back to the rules that were in force before, at once."""
    with _opened("rules") as here:
        made = roll_back(here.session, who=_person(here.session, by), why=reason, now=here.now)
        here.session.commit()
    print(f"{in_brief(made.digest)} decide again; workers turn to them within seconds")


def _rehearsed(
    here: Opened, changed: Rules | None, model: Assessor | None, since: datetime, until: datetime
) -> Rehearsed:
    live = rules_in_force(here.session, here.settings, now=here.now)
    here.session.commit()
    chosen = here.settings.triage
    span = Span(since - timedelta(days=chosen.window_days), since, until)
    progress = _Progress(count_past(here.session, span))
    here.session.rollback()
    rarity = here.settings.file("matching/rarity.bin")
    tried = Rehearsal(changed or live, live, lambda: Memory.of(rarity, chosen), model)
    begun_s = time.monotonic()
    found = rehearse_rules(here.session, tried, span, step=progress.step)
    here.session.rollback()
    return msgspec.structs.replace(found, took_s=round(time.monotonic() - begun_s, 1))


def _model(settings: Settings, version: str | None) -> Assessor | None:
    if version is None:
        return None
    model = load_version(settings, version)
    model.read_twice(settings.classifier.read_twice)
    return model


def _person(session: Session, by: str) -> Person:
    """Who answers for an act: with the account of this machine alone anybody could be anybody's second person."""
    found = find_person(session, by or getpass.getuser())
    if found is None:
        said = f"there is nobody called {by!r}" if by else "say who answers for it: --by USERNAME"
        raise Complaint(f"{said}; `goldenhour people list` names everybody")
    return found


class _Progress:
    """Says on stderr how far it is, from the second second on."""

    def __init__(self, posts: int) -> None:
        self.posts, self.read, self.told_at = posts, 0, time.monotonic()

    def step(self, posts: int) -> None:
        self.read += posts
        if time.monotonic() - self.told_at > TELL_EVERY_S:
            self.told_at = time.monotonic()
            print(f"{self.read:,} of {self.posts:,} posts", file=sys.stderr)


def _told(change: RulesChange, live: str | None) -> tuple[str, str, str, str]:
    if change.since is None:
        state = "proposed"
    elif change.back:
        state = "gone back to"
    else:
        state = "in force" if change.digest == live else "was in force"
    agreed = f"{change.agreed_by or ''}{', alone' if change.alone else ''}"
    return state, f"{change.since or change.asked_at:%Y-%m-%d %H:%M} UTC", change.asked_by, agreed


def _show(found: Rehearsed) -> None:
    for sentence in summary(found):
        print(sentence)
    print(f"It took {found.took_s:g} s.")
    for title, parts in (("desk", found.desks), ("rule", found.by_rule)):
        _show_changed(title, parts)
    for said, refs in (("gained", found.gained), ("lost", found.lost)):
        for ref in refs[:REFS]:
            print(_ref(said, ref))
        if len(refs) > REFS:
            print(f"and more {said}: --json lists up to 200")


def _show_changed(title: str, parts: dict[str, Changed]) -> None:
    names = Changed.__struct_fields__
    table = Table(title, *names, box=None)
    for name, each in parts.items():
        table.add_row(name, *(f"{getattr(each, figure):,}" for figure in names))
    if parts:
        Console().print(table)


def _ref(said: str, ref: Ref) -> str:
    where: Any = f"GH-{ref.number}" if ref.number else "a new case"
    return f"{said}  {ref.desk}  {ref.rule}  {ref.at:%Y-%m-%d %H:%M}  {where}  post {ref.posts[0]}"
