"""Figures by borough: exact against rows made by hand, and answered from indexes however many posts there are."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, text
from sqlmodel import Session

from collector.records import Grade, SourceRow
from tests.conftest import NOON
from tests.make import make_assessment, make_case, make_post
from triage.coverage import Figure, figures
from triage.records import Membership
from triage.shares import Share, cased

DAY = timedelta(days=1)


def watch(session: Session, name: str, *boroughs: str, days_ago: int = 1) -> None:
    session.add(
        SourceRow(
            name=name,
            kind="feed",
            url=f"https://news.example/{name}",
            every_s=600,
            grade=Grade.B,
            basis="written for tests",
            boroughs=list(boroughs),
            due_at=NOON,
            last_success_at=NOON,
            last_post_at=NOON - days_ago * DAY,
        )
    )


def named(*boroughs: str | None) -> list[dict[str, object]]:
    return [{"text": "there", "name": "there", "borough": borough, "p": 0.9} for borough in boroughs]


def by_name(session: Session) -> dict[str, Figure]:
    return {each.cover.borough: each for each in figures(session, now=NOON)}


def test_posts_count_for_their_sources_boroughs_and_apart_from_that_for_the_places_they_name(
    session: Session,
) -> None:
    watch(session, "hackney-herald", "Hackney", days_ago=3)
    watch(session, "north-echo", "Hackney", "Barnet")
    watch(session, "all-london", "London")
    for source, days, places in (
        ("hackney-herald", 1, named("Lambeth")),
        ("hackney-herald", 29, named("Hackney", "Hackney", None)),
        ("hackney-herald", 31, named("Hackney")),
        ("north-echo", 2, []),
        ("all-london", 2, named("Hackney", "Barnet")),
    ):
        post = make_post(source=source, collected_at=NOON - days * DAY)
        session.add_all([post, make_assessment(post, at=NOON - days * DAY, places=places)])
    session.commit()
    found = by_name(session)
    assert {
        name: (each.by_source, each.by_place) for name, each in found.items() if each[1:4] != (0, 0, 0)
    } == {
        "Hackney": (3, 2),
        "Barnet": (1, 1),
        "Lambeth": (0, 1),
    }
    assert found["Hackney"].last_post_at == NOON - DAY
    assert found["Lambeth"].last_post_at is None


def test_a_post_that_two_models_read_counts_once(session: Session) -> None:
    post = make_post()
    session.add(post)
    for model, places in (("one", named("Hackney")), ("two", named("Hackney", "Brent"))):
        session.add(make_assessment(post, model=model, at=NOON - DAY, places=places))
    session.commit()
    found = by_name(session)
    assert (found["Hackney"].by_place, found["Brent"].by_place) == (1, 1)


def test_cases_count_by_the_borough_and_the_day_they_were_opened(session: Session) -> None:
    for borough, days in (("Hackney", 1), ("Hackney", 29), ("Hackney", 31), ("Brent", 2), (None, 1)):
        session.add(make_case(borough=borough, opened_at=NOON - days * DAY))
    session.commit()
    found = by_name(session)
    assert (found["Hackney"].cases, found["Brent"].cases, found["Barnet"].cases) == (2, 1, 0)


def test_the_share_is_of_stored_posts_that_are_surely_in_a_case(session: Session) -> None:
    case, other = make_case(), make_case()
    session.add_all([case, other])
    session.flush()
    for number, (source, sure, days) in enumerate(
        (
            ("herald", True, 1),
            ("herald", False, 1),
            ("herald", None, 1),
            ("herald", True, 31),
            ("echo", True, 2),
        )
    ):
        post = make_post(source=source, external_id=str(number), collected_at=NOON - days * DAY)
        session.add(post)
        if sure is not None:
            for each in (case, other):
                session.add(Membership(post_id=post.id, case_id=each.id, sure=sure, how="x", joined_at=NOON))
    session.commit()
    assert cased(session, since=NOON - 30 * DAY) == {"herald": Share(3, 1), "echo": Share(1, 1)}
    assert cased(session, since=NOON - 30 * DAY, source="herald") == {"herald": Share(3, 1)}


MANY_POSTS = """
INSERT INTO posts (id, collected_at, source, platform, external_id, text, published_at, payload_sha256, let_in_by,
    has_video)
SELECT gen_random_uuid(), :now - number * interval '4 minutes', 'source-' || number % 20, 'feed', number::text,
    repeat('words ', 100), :now, '', 'police', false FROM generate_series(1, 10000) AS number
"""
MANY_ASSESSMENTS = """
INSERT INTO assessments (post_id, model, at, incident, incident_any, type, types, severity, urgent, labels, claim,
    unverified, places, force, signals, abstain)
SELECT id, 'm', collected_at, 0, 0, 'none', '{}', 0, false, '{}', 0, 0, CASE WHEN external_id::int % 3 = 0
    THEN '[{"borough": "Hackney"}]'::jsonb ELSE '[]' END, 'met', jsonb_build_array(repeat('because ', 60)), false
FROM posts
"""


@pytest.fixture
def plans(engine: Engine) -> Callable[[Callable[[Session], object]], str]:
    """How PostgreSQL would answer every question that is asked, on ten thousand posts."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(MANY_POSTS), {"now": NOON})
        connection.execute(text(MANY_ASSESSMENTS))
        connection.execute(text("VACUUM ANALYZE posts, assessments"))

    def planned(ask: Callable[[Session], object]) -> str:
        asked: list[tuple[str, object]] = []

        def hear(_c: object, _k: object, statement: str, given: object, *_: object) -> None:
            asked.append((statement, given))

        with Session(engine) as session:
            event.listen(engine, "before_cursor_execute", hear)
            ask(session)
            event.remove(engine, "before_cursor_execute", hear)
            lines = [
                line
                for statement, given in asked
                for (line,) in session.connection().exec_driver_sql(f"EXPLAIN {statement}", given)  # type: ignore[arg-type]
            ]
        return "\n".join(lines)

    return planned


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda session: figures(session, now=NOON), "assessments_boroughs_idx"),
        (
            lambda session: cased(session, since=NOON - 30 * DAY, source="source-7"),
            "source_collected_at_id_idx",
        ),
    ],
    ids=["figures", "share"],
)
def test_posts_and_assessments_are_counted_from_an_index(
    session: Session,
    plans: Callable[[Callable[[Session], object]], str],
    ask: Callable[[Session], object],
    index: str,
) -> None:
    for number in range(20):
        watch(session, f"source-{number}", "Hackney")
    session.commit()
    plan = plans(ask)
    assert re.search(rf"Index Only Scan using \w*{index}", plan), plan
    assert "Seq Scan on posts" not in plan
    assert "Seq Scan on assessments" not in plan
