"""The shadow: a version that assesses a share of the posts beside the one in use, and decides nothing.

What it makes of a post is kept apart and without a word of the post. Which posts it reads is decided by their ids,
so that every worker chooses the same ones.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlmodel import Session

from classifier.assess import Assessor
from classifier.learning_records import ShadowAssessment
from classifier.model import Assessed
from classifier.records import reading_text
from collector.bulk import put_rows

PARTS = 10_000
TRIGGER = "trigger"  # its reason is a fixed phrase, and the case's severity is made from it

_UNREAD = text("""
    SELECT id, title, text FROM posts AS p WHERE id = ANY(:ids) AND withdrawn_at IS NULL AND NOT EXISTS
        (SELECT FROM shadow_assessments AS s WHERE s.post_id = p.id AND s.model = :model)
""")


def chosen(posts: Sequence[UUID], share: float) -> list[UUID]:
    """Those of the posts that a shadow with this share reads."""
    return [post for post in posts if post.int % PARTS < share * PARTS]


def assess_beside(session: Session, posts: Sequence[UUID], model: Assessor, *, now: datetime) -> int:
    """Assess those of the posts that this version has not. Returns how many. The caller commits."""
    found = session.execute(_UNREAD, {"ids": list(posts), "model": model.version}).all()
    if found:
        said = model.assess([reading_text(each.title, each.text) for each in found])
        rows = [_row(each.id, assessed, now) for each, assessed in zip(found, said, strict=True)]
        put_rows(session, ShadowAssessment, rows)
    return len(found)


def _row(post: UUID, assessed: Assessed, now: datetime) -> dict[str, Any]:
    given: dict[str, Any] = msgspec.to_builtins(assessed)
    kept = (
        "model",
        "incident",
        "incident_any",
        "type",
        "severity",
        "labels",
        "claim",
        "unverified",
        "force",
        "abstain",
    )
    signals = [
        {"name": each.name, "score": each.score} | ({"because": each.because} if each.name == TRIGGER else {})
        for each in assessed.signals
    ]
    boroughs = sorted({each.borough for each in assessed.places if each.borough})
    return {"post_id": post, "at": now, "signals": signals, "boroughs": boroughs} | {
        name: given[name] for name in kept
    }
