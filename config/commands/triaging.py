"""The commands around cases: group posts without a database, list the queue, show one case."""

import gc
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled
from sqlmodel import Session

from classifier.fingerprint import fingerprint
from classifier.rarity import Rarity
from collector.dates import from_iso
from config import log as logs
from config.cli import Complaint
from config.database import open_database
from config.lines import records
from config.settings import Settings, read_settings
from triage.arrivals import text_of
from triage.grouping import Item, group
from triage.matching import Matcher
from triage.queue import CaseView, Line, Wanted, case_view, find_case, queue
from triage.records import Case, Desk, Status

app = typer.Typer()

FLUSH_EVERY = 256
LONG_LIVED = (100_000, 50, 50)  # for the garbage collector: what a matcher keeps holds no cycles
TELL_EVERY_S = 2.0
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Given(msgspec.Struct):
    """One line in. Other keys are welcome and ignored."""

    id: Any
    text: str
    title: str | None = None
    published: str | None = None


class _Progress:
    """Says on stderr how far it is, from the second second on."""

    def __init__(self) -> None:
        self.told_at = time.monotonic()
        self.count = 0

    def step(self) -> None:
        self.count += 1
        if self.count % 1_000 == 0 and time.monotonic() - self.told_at > TELL_EVERY_S:
            self.told_at = time.monotonic()
            print(f"{self.count:,} posts", file=sys.stderr)


@app.command("match")
def match(
    learn: Annotated[
        Path | None,
        typer.Option("--learn", metavar="FILE", help="Instead, learn from the posts how rare words are."),
    ] = None,
) -> None:
    """Group posts into cases: JSON lines {"id","text","published",...} in order of time, {"id","case"} out.

    Needs no database. Every post is joined or opens a case. A line that cannot be read is named on stderr and
    skipped; then the exit code is 1.
    """
    settings = read_settings()
    gc.set_threshold(*LONG_LIVED)
    reading = _Reading(sys.stdin.buffer)
    if learn is not None:
        Rarity.learn(fingerprint(item.text).terms for item in reading).save(learn)
    else:
        _print_groups(reading, matcher_of(settings))
    if reading.bad:
        raise Complaint(f"{reading.bad} lines were not JSON objects with id and text; they were skipped")


def matcher_of(settings: Settings) -> Matcher:
    """An empty matcher under these settings."""
    chosen = settings.triage
    return Matcher(
        Rarity.load(settings.file("matching/rarity.bin")),
        join=chosen.join_above,
        suggest=chosen.suggest_above,
        window=timedelta(days=chosen.window_days),
    )


@app.command("cases")
def cases(
    as_json: AsJson = False,
    desk: Annotated[Desk | None, typer.Option(help="Only this desk's.")] = None,
    status: Annotated[list[Status] | None, typer.Option(help="Only these; open ones unless given.")] = None,
    severity: Annotated[int | None, typer.Option(min=1, max=5, help="This grave or graver, 1 to 5.")] = None,
    borough: Annotated[str | None, typer.Option(help="Only in this borough.")] = None,
    unclaimed: Annotated[bool, typer.Option("--unclaimed", help="Only those nobody has.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many.")] = 50,
    after: Annotated[int, typer.Option(min=0, help="How many to skip.")] = 0,
) -> None:
    """List the cases of the queue, what runs out first on top."""
    wanted = Wanted(desk, tuple(status or ()), severity, borough, unclaimed=unclaimed)
    settings, now = read_settings(), datetime.now(UTC)
    logs.set_up("error", "cases")
    with open_database(settings) as engine, Session(engine) as session:
        lines = queue(session, wanted, now=now, limit=limit, after=after)
        if as_json:
            print(json.dumps([_line_json(each) for each in lines], default=str))
        else:
            _show_queue(lines, now)


@app.command("case")
def case(
    reference: Annotated[str, typer.Argument(metavar="ID", help="GH-12, 12, or the id.")],
    as_json: AsJson = False,
) -> None:
    """Show one case with its posts, alerts, clocks, statements and log."""
    settings, now = read_settings(), datetime.now(UTC)
    logs.set_up("error", "case")
    with open_database(settings) as engine, Session(engine) as session:
        found = find_case(session, reference)
        if found is None:
            raise Complaint(f"there is no case {reference!r}; `goldenhour cases` lists them")
        view = case_view(session, found, now=now)
        if as_json:
            print(json.dumps(_view_json(view), default=str))
        else:
            _show_case(view, now)


class _Reading:
    """Posts from a stream of JSON lines, counting those that are none."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.bad = 0

    def __iter__(self) -> Iterator[Item]:
        last, progress = datetime.fromtimestamp(0, UTC), _Progress()
        for given in records(self.stream, Given):
            if given is None:
                self.bad += 1
                continue
            last = from_iso(given.published) or last
            progress.step()
            yield Item(given.id, text_of(given.title, given.text), last)


def _print_groups(reading: _Reading, matcher: Matcher) -> None:
    encoder, out = msgspec.json.Encoder(), sys.stdout.buffer
    for count, grouped in enumerate(group(reading, matcher), 1):
        out.write(encoder.encode({"id": grouped.id, "case": f"case-{grouped.case}"}) + b"\n")
        if count % FLUSH_EVERY == 0:
            out.flush()
    out.flush()


def _line_json(line: Line) -> dict[str, Any]:
    return {
        **_case_json(line.case),
        "clock": line.clock,
        "due_at": line.due_at.isoformat() if line.due_at else None,
        "holder": line.holder,
        "alerts": line.alerts,
    }


def _case_json(found: Case) -> dict[str, Any]:
    shown = found.model_dump(mode="json", exclude={"claimed_by", "sources"}, warnings=False)
    return {"reference": f"GH-{found.number}", **shown}


def _view_json(view: CaseView) -> dict[str, Any]:
    return {
        **_case_json(view.case),
        "holder": view.holder,
        "posts": [
            {
                "id": str(post.id),
                "source": post.source,
                "url": post.url,
                "published_at": post.published_at.isoformat(),
                "text": text_of(post.title, post.text),
                "sure": member.sure,
                "score": member.score,
                "how": member.how,
                "incident": assessed.incident if assessed else None,
                "signals": assessed.signals if assessed else [],
            }
            for post, member, assessed in view.posts
        ],
        "alerts": [
            {
                **alert.model_dump(mode="json", exclude={"acknowledged_by"}, warnings=False),
                "deliveries": [{"channel": each.channel, "state": each.state} for each in deliveries],
            }
            for alert, deliveries in view.alerts
        ],
        "clocks": [each.model_dump(mode="json", exclude={"case_id"}, warnings=False) for each in view.clocks],
        "tracks": [
            each.model_dump(mode="json", exclude={"case_id", "owner"}, warnings=False) for each in view.tracks
        ],
        "statements": [
            each.model_dump(mode="json", exclude={"case_id"}, warnings=False) for each in view.statements
        ],
        "log": [each.model_dump(mode="json", exclude={"case_id"}, warnings=False) for each in view.log],
    }


def _show_queue(lines: list[Line], now: datetime) -> None:
    table = Table("", "Case", "Severity", "What and where", "Posts", "Runs out", "Who has it", box=None)
    for each in lines:
        found = each.case
        table.add_row(
            "!" if each.due_at and each.due_at < now else "",
            f"GH-{found.number}",
            f"SEV{found.severity}",
            Styled(found.title),
            f"{found.post_count:,}",
            f"{each.clock.replace('_', ' ')} {_when(each.due_at, now)}" if each.clock and each.due_at else "",
            Styled(each.holder or ""),
        )
    Console().print(table if lines else "No cases.")


def _show_case(view: CaseView, now: datetime) -> None:
    console, found = Console(highlight=False), view.case
    console.print(Styled(f"GH-{found.number}  {found.title}", style="bold"))
    held = f"held by {view.holder}" if view.holder else "nobody has it"
    console.print(Styled(f"SEV{found.severity}  {found.status}  {found.post_count:,} posts  {held}"))
    parts = ", ".join(f"{name} {value}" for name, value in found.severity_parts.items())
    console.print(Styled(f"parts: {parts}"))
    for track in view.tracks:
        state = track.state.replace("_", " ")
        console.print(Styled(f"  track  {track.name}: {state} since {_when(track.state_since, now)}"))
    for clock in view.clocks:
        state = f"stopped {_when(clock.stopped_at, now)}" if clock.stopped_at else _when(clock.due_at, now)
        if clock.paused_at and not clock.stopped_at:
            state = f"paused {_when(clock.paused_at, now)}: {clock.paused_because}"
        state += ", breached" if clock.breached_at else ""
        console.print(Styled(f"  clock  {clock.name.replace('_', ' ')}: {state}"))
    for alert, deliveries in view.alerts:
        shown = ", ".join(f"{each.channel} {each.state}" for each in deliveries) or "not sent"
        console.print(Styled(f"  alert  {alert.desk}: {alert.state}, {alert.manner}, {shown}"))
    for post, member, _ in view.posts:
        sure = member.how if member.sure else f"suggested, {member.score:.2f}"
        text = " ".join(text_of(post.title, post.text).split())[:160]
        console.print(Styled(f"  {post.published_at:%Y-%m-%d %H:%M}  {post.source} ({sure}): {text}"))
    for statement in view.statements:
        console.print(Styled(f"  draft  {statement.template} v{statement.version}, {statement.state}"))
    for line in view.log:
        why = f": {line.why}" if line.why else ""
        console.print(Styled(f"  log    {line.at:%Y-%m-%d %H:%M:%S}  {line.who} {line.what}{why}"))


def _when(moment: datetime | None, now: datetime) -> str:
    """`in 12 min`, `8 h ago`, to the minute."""
    if moment is None:
        return ""
    minutes = int(abs((moment - now).total_seconds()) // 60)
    size = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
    return f"in {size}" if moment > now else f"{size} ago"
