"""The log from the terminal: prove that nobody has changed it, and say where it ends now."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console
from rich.progress import Progress, TaskID
from sqlalchemy import select
from sqlmodel import Session, col

from config.cli import Complaint
from config.database import open_database
from config.settings import read_settings
from triage.chain import Counter, Head, Verified, head_of, verify, write_log
from triage.heads import HeadsError, read_heads
from triage.records import LogHead

app = typer.Typer()
audit = typer.Typer(help="The log: prove that nobody has changed it.")
app.add_typer(audit, name="audit")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
BAR_AFTER_S = 2.0


@audit.command("verify")
def verify_log(
    heads: Annotated[
        list[str] | None,
        typer.Option("--head", metavar="COUNT:HASH", help="A head kept elsewhere; repeat it for several."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute every entry of the log from its rows, against the heads published earlier.

    Heads are those given, and those in audit/heads.jsonl of the data folder. Give the newest that was kept
    elsewhere (Slack, a review pack): whoever can change the database may be able to change that file too.
    """
    settings = read_settings()
    try:
        given = [Head.read(each) for each in heads or ()]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--head") from error
    try:
        kept = [each.head for each in read_heads(settings.heads_file)]
    except HeadsError as error:
        raise Complaint(f"{error}. Mend the line or move the file away, and give --head") from error
    with open_database(settings, pool=1) as engine, Session(engine) as session, _Told() as told:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        told.total = session.execute(select(col(LogHead.count))).scalar() or 0
        verified = verify(session, settings.key("log"), published={*given, *kept}, step=told)
    print(json.dumps(_as_json(verified)) if as_json else _in_words(verified))
    if verified.breaks_total:
        raise Complaint(
            f"the log is not as it was written, in {verified.breaks_total} places. Stop, keep the database as "
            "it is, and compare it with a backup (docs/operating.md, the log)"
        )


@audit.command("head")
def show_head(as_json: AsJson = False) -> None:
    """Print where the log ends now, to be kept elsewhere."""
    with open_database(read_settings()) as engine, Session(engine) as session:
        head = head_of(session)
    print(json.dumps({"count": head.entries, "hash": head.hash.hex()}) if as_json else head)


@audit.command("export")
def export_log(
    out: Annotated[Path | None, typer.Option(help="Where to write it; stdout by default.")] = None,
) -> None:
    """Write every entry of the log as one JSON object a line, in order: what figures can be counted from elsewhere."""
    settings = read_settings()
    with open_database(settings) as engine, Session(engine) as session, _target(out) as file:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        written = write_log(session, file)
    typer.echo(f"{written:,} entries{f' in {out}' if out else ''}", err=True)


@contextmanager
def _target(out: Path | None) -> Iterator[TextIO]:
    """The file, for the owner's eyes only; or stdout. Raises Complaint."""
    if out is None:
        yield sys.stdout
        return
    try:
        opened = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise Complaint(
            f"the log cannot be written to {out}: {error.strerror}; choose another --out"
        ) from error
    with os.fdopen(opened, "w", encoding="utf-8") as file:
        yield file


class _Told(Counter):
    """A bar on stderr, from the second second on."""

    def __init__(self) -> None:
        self.total = 0
        self.began = time.monotonic()
        self.bar: tuple[Progress, TaskID] | None = None

    def __call__(self, entries: int) -> None:
        if self.bar is None:
            if time.monotonic() - self.began < BAR_AFTER_S:
                return
            progress = Progress(console=Console(stderr=True))
            self.bar = progress, progress.add_task("entries", total=self.total)
            progress.start()
        progress, task = self.bar
        progress.update(task, completed=entries)

    def __enter__(self) -> "_Told":
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar[0].stop()


def _as_json(verified: Verified) -> dict[str, object]:
    return {
        "ok": not verified.breaks_total,
        "entries": verified.entries,
        "head": {"count": verified.head.entries, "hash": verified.head.hash.hex()},
        "heads_known": verified.heads_known,
        "breaks": [each._asdict() for each in verified.breaks],
        "breaks_total": verified.breaks_total,
        "erased": verified.erased,
    }


def _in_words(verified: Verified) -> str:
    if verified.breaks_total:
        return "\n".join(f"entry {each.seq}: {each.what}" for each in verified.breaks)
    known = (
        f"{verified.heads_known} published heads fit"
        if verified.heads_known
        else "no published head to compare"
    )
    erased = f", the words of {verified.erased:,} let go with a tombstone" if verified.erased else ""
    return f"{verified.entries:,} entries, none changed{erased}; {known}. Head now: {verified.head}"
