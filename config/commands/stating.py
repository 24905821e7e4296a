"""The commands around statements: which are drafted, and what the checker says of a text."""

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from sqlalchemy import select
from sqlmodel import Session, col

from config.cli import Complaint
from config.commands.responding import AsJson, Limit, print_rows
from config.database import open_database
from config.drafts import About, Draft, context_of, read_drafts, read_lines
from config.settings import read_settings
from config.teaching import held_out_of, keep_said, learn_heard, learn_trusted, rows_to_read
from config.wording import checker_of
from triage.checking import Checker
from triage.checking_context import Finding
from triage.checking_measured import Measured, Share, Tried, measure
from triage.records import Case
from triage.statement_records import Statement, StatementState

app = typer.Typer()
statements = typer.Typer(
    help="List lines, from drafted to issued; check a draft.", invoke_without_command=True
)
app.add_typer(statements, name="statements")

COLUMNS = (
    "line",
    "case",
    "template",
    "version",
    "state",
    "drafted",
    "next_update",
    "stale",
    "missing",
    "text",
)
LEAST = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # likenesses that are told


@statements.callback()
def listed(
    ctx: typer.Context,
    as_json: AsJson = False,
    limit: Limit = 20,
    state: Annotated[StatementState | None, typer.Option(help="Only lines in this state.")] = None,
    stale: Annotated[
        bool, typer.Option("--stale", help="Only lines that a changed fact made stale.")
    ] = False,
) -> None:
    """List lines, newest first: drafted, in review, approved, issued, over. `check` says what the checker finds."""
    if ctx.invoked_subcommand:
        return
    asked = (
        select(Statement, col(Case.number))
        .join(Case, col(Case.id) == col(Statement.case_id))
        .order_by(col(Statement.drafted_at).desc(), col(Case.number).desc())
        .limit(limit)
    )
    if state is not None:
        asked = asked.where(col(Statement.state) == state)
    if stale:
        asked = asked.where(col(Statement.stale_at).is_not(None))
    with open_database(read_settings()) as engine, Session(engine) as session:
        rows = [_statement(statement, number) for statement, number in session.execute(asked)]
    print_rows(rows, as_json, COLUMNS)


@statements.command("check")
def check(
    file: Annotated[Path | None, typer.Argument(help="The draft; stdin by default.")] = None,
    about: Annotated[
        Path | None,
        typer.Option(help="JSON with what is known: facts, flags, variant, headline, earlier ..."),
    ] = None,
    lines: Annotated[
        bool, typer.Option("--lines", help="Read JSON lines, each a text with what is known.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what must not be said in a draft, cannot be known yet, or is missing. Exits 1 when something blocks.

    Needs no database. Without facts at hand, what cannot be compared with them warns and does not block.
    """
    checker = checker_of(read_settings())
    blocked = False
    for each in _texts(file, about, lines):
        findings = checker.check(each.text, context_of(each))
        blocked = blocked or any(finding.blocks for finding in findings)
        _say(each, findings, as_json or lines)
    if blocked:
        raise typer.Exit(1)


@statements.command("measure")
def measured(
    drafts: Annotated[Path, typer.Argument(help="JSON lines: a text, what is known, `fault` and `planted`.")],
    as_json: AsJson = False,
) -> None:
    """Count what the checker stops, and at least warns of, in drafts with a known fault and in clean ones (no `fault`).

    A fault whose name begins with "warn:" counts as caught by a warning where it is. What waits for somebody to clear
    a flag, such as a child, counts neither way.
    """
    checker = checker_of(read_settings())
    try:
        with drafts.open("rb") as stream:
            tried = [_tried(checker, each) for each in read_drafts(stream)]
    except OSError as error:
        raise Complaint(f"{error.filename}: {error.strerror}; name a file of drafts") from error
    _tell(measure(tried), as_json)


def _tried(checker: Checker, draft: Draft) -> Tried:
    start = draft.text.find(draft.planted)
    waits = {rule.name for rule in checker.checks.check if rule.kind == "flag"}
    found = tuple(each for each in checker.check(draft.text, context_of(draft)) if each.rule not in waits)
    return Tried(draft.fault, start, start + len(draft.planted), found)


def _tell(found: Measured, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(_plain(found)).decode())
        return
    typer.echo(f"faults caught                   {_share(found.caught)}")
    typer.echo(f"  in the very words             {_share(found.placed)}")
    typer.echo(f"caught, or warned of in place   {_share(found.told)}")
    typer.echo(f"clean drafts stopped            {_share(found.stopped)}")
    typer.echo(f"stopped, or warned of anything  {_share(found.warned)}")
    for name, share in found.let_by.items():
        missed = found.missed.get(name)
        typer.echo(
            f"not caught of {name}: {share.some} of {share.of}, not even told {missed.some if missed else 0}"
        )
    for rule, number in found.stopping.items():
        typer.echo(f"stopped clean drafts: {rule} {number}")
    for rule, number in found.warning.items():
        typer.echo(f"warned of in clean drafts: {rule} {number}")


def _plain(found: Measured) -> dict[str, Any]:
    """The figures as JSON has them."""
    return {
        name: value._asdict()
        if isinstance(value, Share)
        else {key: each._asdict() if isinstance(each, Share) else each for key, each in value.items()}
        for name, value in found._asdict().items()
    }


def _share(share: Share) -> str:
    if not share.of:
        return "none to try"
    return (
        f"{share.some} of {share.of}, {share.some / share.of:.1%} (95 %: {share.low:.1%} to {share.high:.1%})"
    )


@statements.command("learn")
def learn(
    held_out: Annotated[
        bool,
        typer.Option("--held-out", help="Keep nothing; say how well each act is heard without its topic."),
    ] = False,
    rows: Annotated[
        Path | None,
        typer.Option(
            help="Keep nothing; write what a proofreader learns from (classifier/training/proofread.py)."
        ),
    ] = None,
    said: Annotated[
        bool,
        typer.Option(
            "--said",
            help="Only keep what the proofreader says of drafts that did not teach it, before they do.",
        ),
    ] = False,
) -> None:
    """Weigh the examples of statements/heard/*.toml anew, after one was added, changed or taken out; then learn from
    statements/drafts/*.jsonl how far rules are to be believed. Needed after a change of the rules too.

    With --held-out: what each act's rules are set by, the share of its examples that are heard, and how many harmless
    ones in a thousand are heard as it, from some likenesses on, while every example of their topic is left out.
    """
    if held_out:
        typer.echo("act          " + "".join(f"  from {least:<8}" for least in LEAST))
        for each in held_out_of(read_settings()):
            rates = [each.rates(least) for least in LEAST]
            typer.echo(f"{each.act:<13}" + "".join(f"  {some:4.0%} {false:5.2f}  " for some, false in rates))
        return
    if said:
        path, number = keep_said(read_settings())
        typer.echo(f"{path}: {number} drafts" if number else "No drafts are new to the proofreader.")
        return
    if rows:
        rows.write_bytes(
            b"".join(msgspec.json.encode(row._asdict()) + b"\n" for row in rows_to_read(read_settings()))
        )
        return
    path, number = learn_heard(read_settings())
    typer.echo(f"{path}: {number} examples")
    path, number = learn_trusted(read_settings())
    typer.echo(f"{path}: {number} sentences of drafts")


def _texts(file: Path | None, about: Path | None, lines: bool) -> Iterator[About]:
    """The texts to check. Raises Complaint naming the file, and what is wrong with it."""
    try:
        if not lines:
            known = msgspec.json.decode(about.read_bytes(), type=About) if about else About()
            text = sys.stdin.read() if file is None else file.read_text(encoding="utf-8")
            yield msgspec.structs.replace(known, text=text.strip())
        elif file is None:
            yield from read_lines(sys.stdin.buffer, About)
        else:
            with file.open("rb") as stream:
                yield from read_lines(stream, About)
    except OSError as error:
        raise Complaint(f"{error.filename}: {error.strerror}; name a file with the draft") from error
    except UnicodeDecodeError as error:
        raise Complaint(f"{file or 'stdin'}: is not UTF-8 text; save it as UTF-8") from error
    except msgspec.DecodeError as error:
        raise Complaint(
            f"{about}: {error}; it is a JSON object with {', '.join(About.__struct_fields__)}"
        ) from error


def _say(about: About, findings: tuple[Finding, ...], as_json: bool) -> None:
    if as_json:
        blocked = any(finding.blocks for finding in findings)
        told = {"id": about.id, "blocked": blocked, "findings": [each._asdict() for each in findings]}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    for each in findings:
        said = f" {each.words!r}" if each.words else ""
        typer.echo(f"{'blocks' if each.blocks else 'warns '}  {each.rule}{said}: {each.why} ({each.source})")
    if not findings:
        typer.echo("nothing found; a person still approves it")


def _statement(statement: Statement, number: int) -> dict[str, Any]:
    return {
        "id": str(statement.id),
        "line": f"S-{statement.number}",
        "case": f"GH-{number}",
        "template": statement.template,
        "version": statement.version,
        "state": statement.state,
        "author": statement.author,
        "drafted": statement.drafted_at.isoformat(),
        "approved": _moment(statement.approved_at),
        "issued": _moment(statement.issued_at),
        "next_update": _moment(statement.next_update_at),
        "stale": statement.stale_because,
        "missing": statement.missing,
        "facts": statement.facts,
        "text": statement.text,
        "variants": statement.variants,
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
