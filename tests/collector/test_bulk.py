"""Many rows in one statement: all kinds of columns arrive as they are, and what is there stays."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlmodel import Session, select

from classifier.records import Assessment
from collector.bulk import put_rows
from tests.make import make_assessment, make_post
from triage.records import Routing

WRITTEN = {column.name for column in Assessment.__table__.columns if column.computed is None}  # type: ignore[attr-defined]


def written(assessment: Assessment) -> dict[str, Any]:
    """What is put into the table; the rest the database makes of it."""
    return assessment.model_dump(include=WRITTEN)


def test_every_kind_of_column_arrives_as_it_is(session: Session, noon: datetime) -> None:
    given = make_assessment(
        make_post(),
        types={"use_of_force": 0.1 + 0.2},
        places=[{"text": "Łódź “Ü” \\ '", "start": 3}],
        urgent=True,
    )
    put_rows(session, Assessment, [written(given), written(make_assessment(make_post()))])
    session.commit()
    stored = session.get_one(Assessment, (given.post_id, given.model))
    for name in WRITTEN:
        assert getattr(stored, name) == getattr(given, name), name


def test_lists_and_missing_values_arrive(session: Session, noon: datetime) -> None:
    row = {"post_id": uuid4(), "at": noon, "model": "m", "rule": "r", "outcome": "drop", "because": "b"}
    put_rows(session, Routing, [{**row, "case_id": None, "desks": ["comms", 'a,"b'], "priority": "note"}])
    session.commit()
    stored = session.exec(select(Routing)).one()
    assert (stored.desks, stored.case_id, stored.at) == (["comms", 'a,"b'], None, noon)


def test_what_is_there_already_stays_as_it_is(session: Session) -> None:
    post = make_post()
    put_rows(session, Assessment, [written(make_assessment(post, incident=0.5))])
    put_rows(session, Assessment, [written(make_assessment(post, incident=0.9))])
    put_rows(session, Assessment, [])
    session.commit()
    assert session.exec(select(Assessment.incident)).all() == [0.5]
