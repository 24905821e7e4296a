"""Copies of everything: made, proven, listed, put back."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from config.backups.making import Order, folder_of, make_backup
from config.backups.manifest import Manifest
from config.backups.restoring import WITHOUT_KEYS, Restored, Target, restore
from config.backups.shelf import Found, look
from config.backups.upgrading import Moved, downgrade, plan_down, upgrade
from config.cli import Complaint
from config.database import owned, served
from config.settings import read_settings
from config.supervise import Attended, when_asked_to_end
from triage.chain import Head

app = typer.Typer()

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Keys = Annotated[
    Path | None, typer.Option(help="A key file that the key files in the backup are sealed under.")
]


NoBackup = Annotated[
    str | None,
    typer.Option(metavar="WHY", help="Make no backup first, for this reason; it stands in the log."),
]


@app.command("backup")
def backup(
    out: Annotated[Path | None, typer.Option(help="The folder backups lie in.")] = None,
    keep: Annotated[int | None, typer.Option(min=1, help="How many good ones stay.")] = None,
    keys_under: Keys = None,
    why: Annotated[str, typer.Option(help="What it is made for.")] = "asked for",
    listed: Annotated[bool, typer.Option("--list", help="List what is there; make none.")] = False,
    thorough: Annotated[bool, typer.Option("--check", help="List, reading every file anew.")] = False,
    attended: Annotated[bool, typer.Option("--attended", hidden=True)] = False,
    as_json: AsJson = False,
) -> None:
    """Save the database and its files, while everything runs on; it counts once it was restored and found equal."""
    settings = read_settings()
    order = Order(why, out, keep, keys_under)
    if listed or thorough:
        found = look(folder_of(settings, order), settings.key("backup"), thorough=thorough)
        _list(found, as_json)
        if thorough and any(each.wrong for each in found):
            raise Complaint("not everything there is a good backup: see the list")
        return
    when_asked_to_end(_leave)
    if attended:
        Attended().start()
        os.nice(10)  # by night the service goes first
    with _telling() as tell:
        made = make_backup(settings, order, clock=_now, tell=tell)
    folder = folder_of(settings, order) / made.name
    print(json.dumps(_as_json(folder, made)) if as_json else "\n".join(_in_words(folder, made)))


@app.command("restore")
def restore_backup(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A backup's folder.")],
    into: Annotated[str | None, typer.Option(help="The address of another database.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Another data folder, with a database of its own.")
    ] = None,
    replace: Annotated[
        str | None, typer.Option(metavar="NAME", help="The name of a database that is put aside.")
    ] = None,
    keys_under: Keys = None,
    other_keys: Annotated[bool, typer.Option("--other-keys", help="The right key files are lost.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup back. The service must be stopped; a database that is not empty stays unless you name it."""
    when_asked_to_end(_leave)
    target = Target(into, data, replace, keys_under, other_keys)
    with _telling() as tell:
        done = restore(read_settings(), folder, target, clock=_now, tell=tell)
    print(json.dumps(_restored_as_json(done)) if as_json else "\n".join(_restored_in_words(done)))


@app.command("upgrade")
def upgrade_database(no_backup: NoBackup = None, as_json: AsJson = False) -> None:
    """Bring the database up to this release, after a proven backup. Starting the service does the same."""
    with _telling() as tell:
        moved = upgrade(read_settings(), no_backup=no_backup, clock=_now, tell=tell)
    if as_json:
        print(json.dumps(moved._asdict()))
    elif moved.before == moved.after:
        print(f"The database is at {moved.after}, as this release needs it")
    else:
        print(f"The database is at {moved.after}; before: {moved.before or 'empty'}, {_backed_up(moved)}")


@app.command("downgrade")
def downgrade_database(
    revision: Annotated[str, typer.Argument(help="Of the earlier release, such as 0033.")],
    sure: Annotated[bool, typer.Option("--sure", help="Do it; without, only what would be undone.")] = False,
    no_backup: NoBackup = None,
    as_json: AsJson = False,
) -> None:
    """Take the database down for an earlier release, with this one, the service stopped. What came since is lost."""
    settings = read_settings()
    if not sure:
        with served(settings):
            plan = list(plan_down(settings, revision))
        if as_json:
            print(json.dumps([each._asdict() for each in plan]))
            return
        print("These would be undone, and what they hold would be lost:")
        for each in plan:
            print(f"  {each.revision}  {each.brought}")
        print("Stop the service, then give --sure. To keep what they hold, stay with this release")
        return
    with owned(settings.data) as other:
        if other:
            raise Complaint(f"Golden Hour (process {other}) runs on {settings.data.resolve()}: stop it first")
        with _telling() as tell:
            moved = downgrade(settings, revision, no_backup=no_backup, clock=_now, tell=tell)
    if as_json:
        print(json.dumps(moved._asdict()))
        return
    print(f"The database is at {moved.after}; before: {moved.before}, {_backed_up(moved)}")
    for name, rows in moved.lost.items():
        print(f"  gone: {rows:,} rows of {name}")


def _backed_up(moved: Moved) -> str:
    return f"kept in the backup {moved.backup}" if moved.backup else "of which no backup was made"


@contextmanager
def _telling() -> Iterator[Callable[[str], None]]:
    """Says on stderr what is being done: one line that changes on a terminal, else a line each."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda said: console.print(said, soft_wrap=True)
        return
    with console.status("starting") as status:
        yield lambda said: status.update(said)


def _list(found: list[Found], as_json: bool) -> None:
    if as_json:
        rows = [
            {"name": each.folder.name, "good": True, **_as_json(each.folder, each.manifest)}
            if each.manifest
            else {"name": each.folder.name, "good": False, "wrong": each.wrong}
            for each in found
        ]
        print(json.dumps(rows))
        return
    if not found:
        print("There is no backup.")
    for each in found:
        if each.manifest is None:
            print(f"NO BACKUP  {each.folder.name}: {each.wrong}")
        else:
            size = f"{each.manifest.size / 1e6:,.1f} MB"
            print(f"good       {each.folder.name}  {size}  {each.manifest.rows:,} rows  {each.manifest.why}")


def _as_json(folder: Path, made: Manifest) -> dict[str, object]:
    return {
        "name": made.name,
        "folder": str(folder),
        "made_at": made.made_at.isoformat(),
        "why": made.why,
        "release": made.release,
        "revision": made.revision,
        "rows": made.rows,
        "tables": len(made.tables),
        "bytes": made.size,
        "files": len(made.kept),
        "missing": list(made.missing),
        "head": made.head,
        "sealed": bool(made.sealed),
        "keys": made.has_keys,
        "proven_s": made.proof.took_s if made.proof else None,
        "checks": list(made.proof.checks) if made.proof else [],
    }


def _in_words(folder: Path, made: Manifest) -> Iterator[str]:
    entries = Head.read(made.head).entries
    yield f"{folder}"
    yield (
        f"{made.rows:,} rows in {len(made.tables)} tables, {len(made.kept)} files, {made.size / 1e6:,.1f} MB, "
        f"the log up to entry {entries:,}"
    )
    if made.proof:
        yield f"Restored into a scratch database and found equal, in {made.proof.took_s:,.1f} s"
    if made.missing:
        yield f"Missing: {len(made.missing)} files the database knows are not in the media folder (evidence check)"
    if not made.sealed:
        yield "It is not sealed: whoever reads this folder reads everything. Set GOLDENHOUR_BACKUP__KEY_FILE"
    if not made.has_keys:
        yield f"The key files are not in it: keep them apart. Restored {WITHOUT_KEYS}"


def _restored_as_json(done: Restored) -> dict[str, object]:
    carried = done.carried
    return {
        "backup": done.manifest.name,
        "made_at": done.manifest.made_at.isoformat(),
        "database": done.database,
        "aside": done.aside,
        "rows": done.manifest.rows,
        "files": done.files,
        "files_left_alone": list(done.left),
        "messages_in_doubt": done.settled.in_doubt,
        "log_entries_lost": done.settled.entries_lost,
        "without_keys": done.without_keys,
        "lost": carried.lost,
        "withdrawn_again": carried.withdrawn,
        "locked_out_again": carried.locked_out,
        "wishes": carried.wishes,
        "holds": carried.holds,
        "unread": carried.unread,
    }


def _restored_in_words(done: Restored) -> Iterator[str]:
    yield f"{done.manifest.name} is back in the database {done.database}: {done.manifest.rows:,} rows, all equal"
    yield f"What happened after {done.manifest.made_at:%d %b %Y %H:%M:%S} UTC is not in it:"
    carried = done.carried
    if carried.lost:
        yield "  lost: " + ", ".join(f"{count:,} {what}" for what, count in carried.lost.items())
    elif done.settled.entries_lost:
        yield f"  at least {done.settled.entries_lost:,} entries of the log, by the heads published since"
    yield "  sources go on from their cursors: posts since then come again, as far as they still stand there"
    yield (
        f"Asked for again: {carried.withdrawn} posts withdrawn, {carried.locked_out} people locked out, "
        f"{carried.wishes} wishes not to be found, {carried.holds} holds as they stood"
    )
    if carried.unread:
        yield (
            f"The database before: {carried.unread}. Who was locked out or had asked not to be found since must be "
            "told again by hand; withdrawals and holds are known from the ledger of retention, as far as it is there"
        )
    yield "Then run goldenhour retention run: what grew old since goes at once"
    yield f"{done.settled.in_doubt} messages may have gone out since: they are looked for before they are sent again"
    yield "Everybody must sign in anew; new cases have numbers a thousand on"
    if done.left:
        yield "Left as they were, with other content than in the backup: " + ", ".join(done.left)
    if done.without_keys:
        yield f"Without the right key files: {WITHOUT_KEYS}"
    if done.aside:
        yield f"The database before is kept as {done.aside}: drop it when you need it no more"


def _now() -> datetime:
    return datetime.now(UTC)


def _leave() -> None:
    raise SystemExit(130)
