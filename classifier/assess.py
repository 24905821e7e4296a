"""Stage 2. Reads posts this model version has not assessed as they read now; leaves an assessment each, and the
job that routes them.

A post the model fails on leaves a visible Failure and an assessment that abstains, so that it is still routed
and a person sees it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID, uuid4

import msgspec
import structlog
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, delete

from classifier.model import Assessed
from classifier.records import Assessment, Force, IncidentType, reading_text
from collector.bulk import put_rows
from collector.jobs import defer, ids
from collector.records import Failure

log = structlog.get_logger()


class Assessor(Protocol):
    """What the stage needs of a model."""

    version: str

    def assess(self, texts: Sequence[str]) -> list[Assessed]: ...


class Wanted(msgspec.Struct, frozen=True):
    """What the stage reads of a post: its text, and behind it what is said of its pictures and links, so that
    offsets within the text stay what they are. `again` when an earlier wording of it was assessed."""

    id: UUID
    text: str
    again: bool


def assess(
    session: Session, post_ids: Sequence[UUID], model: Assessor, *, hurried_too: bool = False, now: datetime
) -> int:
    """Assess the posts this model has not, leave them to be routed, and say how many there were.

    `hurried_too` reads those anew that were read in a hurry, by whatever version. Posts withdrawn by their author
    meanwhile are left out. All in the caller's transaction.
    """
    wanted = _wanted(session, post_ids, model.version, hurried_too)
    if wanted:
        found, failed = _assessed(model, wanted)
        rows = [_row(post.id, each, now) for post, each in zip(wanted, found, strict=True)]
        _forget(session, wanted, model.version)
        if hurried_too:
            session.execute(AT_LEISURE, {"posts": [post.id for post in wanted]})
            rows = [row | {"hurried": False} for row in rows]
        put_rows(session, Assessment, rows)
        if failed:
            session.execute(insert(Failure), [_failure(post, error, now) for post, error in failed])
    if post_ids:
        defer(session, "route", queue="route", lock="route", posts=ids(post_ids))
    return len(wanted)


def reread(session: Session, post_ids: Sequence[UUID], model: Assessor) -> dict[UUID, Assessed]:
    """What a model makes of posts in their present wording, whatever was said before. Nothing is kept."""
    posts = _wanted(session, post_ids, "", False)
    found, _ = _assessed(model, posts)
    return dict(zip([post.id for post in posts], found, strict=True))


WANTED = text(
    """
    SELECT post.id, post.title, post.text, assessment.post_id IS NOT NULL AS again,
        concat_ws(E'\\n', (SELECT string_agg(alt, E'\\n' ORDER BY url) FROM media WHERE post_id = post.id),
            (SELECT string_agg(array_to_string(captions, E'\\n'), E'\\n' ORDER BY kept_at) FROM footage
            WHERE post_id = post.id AND captions <> '{}')) AS beside
    FROM posts post
    LEFT JOIN assessments assessment ON assessment.post_id = post.id AND assessment.model = :model
    WHERE post.id = ANY(:ids) AND post.withdrawn_at IS NULL
        AND (assessment.post_id IS NULL OR assessment.at < post.changed_at OR :hurried AND assessment.hurried)
    """
)
AT_LEISURE = text("UPDATE assessments SET hurried = false WHERE post_id = ANY(:posts) AND hurried")


def _wanted(session: Session, post_ids: Sequence[UUID], version: str, hurried_too: bool) -> list[Wanted]:
    """The posts this model has not assessed in their present wording, or only in a hurry."""
    found = session.execute(WANTED, {"ids": list(post_ids), "model": version, "hurried": hurried_too})
    return [Wanted(row.id, _read(row.title, row.text, row.beside), row.again) for row in found]


def _read(title: str | None, words: str, beside: str | None) -> str:
    said = reading_text(title, words)
    return f"{said}\n{beside}" if beside else said


def _forget(session: Session, posts: Sequence[Wanted], version: str) -> None:
    """Let go what this model said before of these posts; the decisions taken by it stay."""
    edited = [post.id for post in posts if post.again]
    if edited:
        earlier = delete(Assessment).where(
            col(Assessment.post_id).in_(edited), col(Assessment.model) == version
        )
        session.execute(earlier)


def _assessed(model: Assessor, posts: Sequence[Wanted]) -> tuple[list[Assessed], list[tuple[Wanted, str]]]:
    """One assessment per post; when the batch fails, each post alone, so that one does not stop the rest."""
    try:
        return model.assess([post.text for post in posts]), []
    except Exception as error:  # noqa: BLE001  the batch is tried again one by one
        log.warning("batch not assessed at once", posts=len(posts), error=type(error).__name__)
    found, failed = [], []
    for post in posts:
        try:
            found += model.assess([post.text])
        except Exception as error:  # noqa: BLE001  one item of a job
            log.error("post not assessed", post=str(post.id), error=type(error).__name__)
            found.append(abstained(model.version))
            failed.append((post, type(error).__name__))
    return found, failed


def abstained(version: str) -> Assessed:
    """What is said of a post that could not be assessed: nothing, and that a person must look."""
    return Assessed(
        incident=0.0,
        incident_any=0.0,
        type=IncidentType.NONE,
        types={},
        severity=0.0,
        urgent=False,
        labels={"not_assessed": 1.0},
        claim=0.0,
        unverified=0.0,
        places=[],
        force=Force.UNKNOWN,
        signals=[],
        abstain=True,
        model=version,
    )


def _row(post_id: UUID, assessed: Assessed, now: datetime) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(assessed)
    return {"post_id": post_id, "at": now, "hurried": False, **fields}


def _failure(post: Wanted, error: str, now: datetime) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "at": now,
        "stage": "assess",
        "subject": str(post.id),
        "error": f"the model failed on this post: {error}",
        "remedy": "read the post on its case page; report the error to whoever keeps the model",
    }
