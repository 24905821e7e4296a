"""The README's story, run: one post from its source to the queue, Slack, a draft and the review list."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, select

from classifier.records import Assessment
from collector.records import Post, Sighting
from config.settings import Settings
from tests.doubles.feeds import Publisher, publishing
from tests.doubles.slack import SlackDouble, slack_double
from triage.records import Alert, Case, Clock, Delivery, LogEntry, Membership, Routing
from triage.review.meeting_records import ReviewItem
from triage.statement_records import Statement

SOURCES = """
[[source]]
name = "hackney-herald"
kind = "feed"
url = "{url}"
every = "10m"
boroughs = ["Hackney"]
grade = "B"
basis = "our own double"
enabled = true
"""
MOST_COMMITS = 60


class World(NamedTuple):
    """One publisher and one workspace, both on this machine."""

    publisher: Publisher
    slack: SlackDouble
    environment: dict[str, str]


@pytest.fixture
def world(settings: Settings, tmp_path: Path) -> Iterator[World]:
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    with publishing() as publisher, slack_double() as (slack, base_url):
        feed = publisher.feed("herald")
        at = datetime.now(UTC) - timedelta(minutes=5)
        feed.publish(
            "Man, 34, unconscious after officers restrain him on Mare Street, Hackney",
            link="https://herald.example/restraint",
            at=at,
            text="Witnesses filmed Met police officers kneeling on a man who said he could not breathe.",
        )
        feed.publish(
            "Police officers hold bike marking day in Hackney park",
            link="https://herald.example/bikes",
            at=at,
            text="Officers from the neighbourhood team will mark bicycles on Saturday.",
        )
        feed.publish(
            "New bakery opens", link="https://herald.example/bakery", at=at, text="Sourdough for everyone."
        )
        url = publisher.url("herald")
        (overlay / "sources.toml").write_text(SOURCES.format(url=url), encoding="utf-8")
        environment = {
            "GOLDENHOUR_DATABASE_URL": str(settings.database_url.get_secret_value())
            if settings.database_url
            else "",
            "GOLDENHOUR_DATA": str(tmp_path / "var"),
            "GOLDENHOUR_CONFIG": str(overlay),
            "GOLDENHOUR_HTTP__ALLOW": publisher.authority,
            "GOLDENHOUR_SLACK__TOKEN": "xoxb-for-tests",
            "GOLDENHOUR_SLACK__BASE_URL": base_url,
        }
        yield World(publisher, slack, environment)


def test_one_post_from_its_source_to_the_review_list(world: World, engine: Engine) -> None:
    walked(world)
    with Session(engine) as session:
        posts = {post.url: post for post in session.exec(select(Post)).all()}
        # the bakery cannot be ours: it is counted and not kept
        assert set(posts) == {"https://herald.example/restraint", "https://herald.example/bikes"}
        assert session.execute(text("SELECT sum(seen), sum(stored), sum(dropped) FROM tallies")).one() == (
            3,
            2,
            1,
        )
        assert len(session.exec(select(Sighting)).all()) == 2

        post = posts["https://herald.example/restraint"]
        assessed = session.exec(select(Assessment).where(Assessment.post_id == post.id)).one()
        assert assessed.incident > 0.5
        assert any(place["borough"] == "Hackney" for place in assessed.places)
        assert all(
            post.text[signal["start"] : signal["end"]] for signal in assessed.signals if signal["end"] > 0
        )

        routings = {routing.post_id: routing for routing in session.exec(select(Routing)).all()}
        assert set(routings) == {each.id for each in posts.values()}, "every stored post ends in a routing"
        routing = routings[post.id]
        assert routing.because
        case = session.exec(select(Case).where(Case.id == routing.case_id)).one()
        assert (case.borough, case.severity) == ("Hackney", 1)
        assert session.exec(select(Membership).where(Membership.post_id == post.id)).one().sure
        assert {alert.desk for alert in session.exec(select(Alert)).all()} == {"comms", "oversight"}
        assert session.exec(
            select(Clock).where(Clock.case_id == case.id, Clock.name == "acknowledge")
        ).first()
        statement = session.exec(select(Statement).where(Statement.case_id == case.id)).one()
        assert "Hackney" in statement.text
        assert session.exec(select(ReviewItem).where(ReviewItem.case_id == case.id)).one().because
        assert session.exec(select(LogEntry).where(LogEntry.case_id == case.id)).all()
    told = [
        message
        for channel in ("golden-hour-comms", "golden-hour-oversight")
        for message in world.slack.in_channel(channel)
    ]
    assert len(told) == 2
    assert all(
        "Mare Street, Hackney" not in message.text or "unconscious" not in message.text for message in told
    )


def test_killed_at_every_commit_the_walk_still_ends_the_same(world: World, engine: Engine) -> None:
    """Anti-vacuity: the walk must have been killed at a good number of different places."""
    said = walked(world, str(MOST_COMMITS))
    assert int(said.split()[-2]) >= 10
    walked(world)
    with Session(engine) as session:
        counts = {
            kind.__tablename__: len(session.exec(select(kind)).all())
            for kind in (Post, Assessment, Routing, Case, Alert, Delivery, Statement, ReviewItem)
        }
    assert counts == {
        "posts": 2, "assessments": 2, "routings": 2, "cases": 1,
        "alerts": 2, "deliveries": 2, "statements": 1, "review_items": 1,
    }  # fmt: skip
    assert len(world.slack.messages) == 2, "one message for each desk, whatever was killed"


def walked(world: World, *arguments: str) -> str:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "tests.walk.one_walk", *arguments]
    ended = subprocess.run(
        command,
        cwd=root,
        env={**os.environ, **world.environment},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout
