"""Builds rows for tests: everything has a sensible value, and a test names only what it is about."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from classifier.records import Assessment, IncidentType
from collector.records import Grade, Post, SourceRow, post_id
from triage.lifecycle import read_lifecycle
from triage.records import Alert, Case, Desk, Person

LIFECYCLE = read_lifecycle(Path(__file__).resolve().parents[1] / "config" / "tracks.toml")
NOON = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)


def make_post(
    text: str = "Police stopped a man on Rye Lane, Peckham, officers on top of him", **given: Any
) -> Post:
    external_id = given.pop("external_id", uuid4().hex)
    platform = given.pop("platform", "feed")
    given = {
        "collected_at": NOON,
        "source": "hackney-herald",
        "url": f"https://news.example/{external_id}",
        "published_at": NOON,
        "payload": text.encode(),
        "payload_sha256": hashlib.sha256(text.encode()).digest(),
        "let_in_by": "police",
        **given,
    }
    return Post(
        id=post_id(platform, external_id), platform=platform, external_id=external_id, text=text, **given
    )


def make_assessment(post: Post, **given: Any) -> Assessment:
    given = {
        "model": "test-1",
        "at": NOON,
        "incident": 0.9,
        "incident_any": 0.95,
        "type": IncidentType.USE_OF_FORCE,
        "types": {"use_of_force": 0.9},
        "severity": 0.6,
        **given,
    }
    return Assessment(post_id=post.id, **given)


def make_case(**given: Any) -> Case:
    given = {
        "title": "Use of force, Southwark",
        "severity": 3,
        "type": IncidentType.USE_OF_FORCE,
        "opened_at": NOON,
        "first_published_at": NOON,
        "last_post_at": NOON,
        **given,
    }
    return Case(**given)


def make_alert(case: Case, **given: Any) -> Alert:
    given = {
        "desk": Desk.COMMS,
        "priority": "high",
        "rule": "force in our area",
        "raised_at": NOON,
        **given,
    }
    return Alert(case_id=case.id, **given)


def make_person(**given: Any) -> Person:
    username = given.pop("username", f"person-{uuid4().hex[:8]}")
    roles = ["triage", "oversight_reviewer"]
    given = {"name": "Duty Officer", "desks": ["comms"], "roles": roles, "created_at": NOON, **given}
    return Person(username=username, **given)


def make_source(name: str, kind: str = "feed", **given: Any) -> SourceRow:
    given = {"url": "", "every_s": 0, "grade": Grade.F, "basis": "for tests", "due_at": NOON, **given}
    return SourceRow(name=name, kind=kind, **given)
