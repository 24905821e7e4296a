"""More of the command `model`: what people say of posts, what was missed, and how scores drift."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlmodel import Session, col, select

from classifier.drift import ALARM, WATCH, judge
from config.database import open_database
from config.settings import read_settings
from triage.learning_records import Label
from triage.sampling import rates
from triage.teaching import FEWEST_PEOPLE, as_lines, step

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LISTED = 20


def labels(
    out: Annotated[
        Path | None,
        typer.Option(help="Write the labels of the next step, by id and without words, as JSON lines."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What people's decisions say of posts: how much of it a model may learn from, and what is disputed."""
    with open_database(read_settings(), pool=1) as engine, Session(engine) as session:
        said = Counter(session.exec(select(Label.says).where(col(Label.taken_back_at).is_(None))).all())
        made = step(session)
    counts = {
        "labels": dict(said),
        "train": len(made.lessons),
        "held_back": len(made.newest),
        "people": made.people,
        "waiting": made.waiting,
        "gone": made.gone,
        "silent": made.silent,
        "disputed": [str(each) for each in made.disputed],
    }
    if out is not None:
        out.write_text("".join(json.dumps(line) + "\n" for line in as_lines(made)), encoding="utf-8")
    if as_json:
        print(json.dumps(counts))
        return
    print(
        ", ".join(f"{name} {number}" for name, number in sorted(said.items()))
        or "nobody has decided anything yet"
    )
    print(
        f"{len(made.lessons)} to learn from, {len(made.newest)} of the newest cases to measure on; {made.people} people"
    )
    print(f"left out: {made.waiting} beyond a fifth from one person, {made.gone} without words")
    print(f"saying nothing of an encounter: {made.silent}")
    if made.people < FEWEST_PEOPLE:
        print(f"with fewer than {FEWEST_PEOPLE} people nothing is learnt: one would give more than a fifth")
    for each in made.disputed[:LISTED]:
        print(f"disputed {each}: two people must agree")
    if out is not None:
        print(f"the labels are in {out}")


def misses(
    days: Annotated[int, typer.Option(help="Posts sampled in the last so many days.")] = 90,
    as_json: AsJson = False,
) -> None:
    """The miss rate: of the dropped posts that people looked at, the share that should have been raised."""
    with open_database(read_settings(), pool=1) as engine, Session(engine) as session:
        found = rates(session, days=days, now=datetime.now(UTC))
    if as_json:
        print(json.dumps([each._asdict() for each in found]))
        return
    table = Table("dropped by", "dropped", "drawn", "looked at", "missed", "miss rate (95%)", box=None)
    for each in found:
        share = "nobody has looked yet"
        if each.share is not None and each.low is not None and each.high is not None:
            share = f"{each.share:.1%} ({each.low:.1%} to {each.high:.1%})"
        counts = (each.dropped, each.drawn, each.looked_at, each.missed)
        table.add_row(each.stage.value, *(f"{number:,}" for number in counts), share)
    Console().print(table)


def drift(
    days: Annotated[int, typer.Option(help="The last so many days.")] = 14, as_json: AsJson = False
) -> None:
    """How the scores and words of each day differ from the reference of the version."""
    with open_database(read_settings(), pool=1) as engine, Session(engine) as session:
        found = judge(session, days=days)
    if as_json:
        told = [
            {
                "day": each.day.isoformat(),
                "model": each.model,
                "posts": each.posts,
                "state": each.state,
                "psi": {shift.measure: shift.psi for shift in each.shifts},
            }
            for each in found
        ]
        print(json.dumps(told))
        return
    table = Table("day", "model", "posts", "state", "furthest from the reference", box=None)
    for each in found:
        furthest = ", ".join(f"{shift.measure} {shift.psi:.2f}" for shift in each.shifts[:3])
        table.add_row(
            each.day.isoformat(), each.model, f"{each.posts:,}", each.state or "not judged", furthest or "-"
        )
    Console().print(table)
    print(f"watch from {WATCH}, alarm from {ALARM}")
