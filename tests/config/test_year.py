"""A year of synthetic records: a review every fortnight, whole cases, the same for a seed."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, text
from sqlmodel import Session, select

from config.exercise.script import scripts_of
from config.exercise.year import Filled, fill_year
from config.packs import ground_of
from config.settings import Settings
from responders.packs.rows import sheets_of
from tests.make import LIFECYCLE
from triage.chain import verify
from triage.review.attendance import quorate
from triage.review.figures import Period
from triage.review.group import read_group
from triage.review.meeting_records import LockedAgenda, Review, ReviewItem
from triage.review.meetings import read_meetings

UNTIL = datetime(2026, 7, 1, 12, tzinfo=UTC)


def fill(engine: Engine, settings: Settings, cases: int) -> Filled:
    meetings = read_meetings(settings.file("review/meetings.toml"))
    return fill_year(
        engine,
        list(scripts_of(settings).values()),
        LIFECYCLE,
        meetings,
        settings.file("gazetteer/boroughs.csv"),
        until=UNTIL,
        cases=cases,
        posts_a_case=3,
    )


def counted(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        found: int = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
    return found


def test_a_year_has_a_meeting_every_fortnight_and_whole_cases(engine: Engine, settings: Settings) -> None:
    made = fill(engine, settings, 150)
    assert (made.cases, made.meetings) == (150, 26)
    assert (
        made.posts
        == counted(engine, "posts")
        == counted(engine, "assessments")
        == counted(engine, "routings")
    )
    for table in (
        "alerts",
        "deliveries",
        "clocks",
        "tracks",
        "statements",
        "known_claims",
        "review_items",
        "attendances",
        "locked_agendas",
    ):
        assert counted(engine, table) > 20, table
    with engine.connect() as connection:
        boroughs = "SELECT count(DISTINCT borough) FROM cases"
        assert connection.execute(text(boroughs)).scalar_one() > 25
    with Session(engine) as session:
        assert not verify(session, b"only for tests").breaks
        group = read_group(settings.file("review/group.toml"))
        reviews = session.exec(select(Review)).all()
        assert [each for each in reviews if quorate(session, each, group)] == []
        locked = {
            (kept.review_id, str(item["case"]))
            for kept in session.exec(select(LockedAgenda))
            for item in kept.items
        }
        late = {(each.review_id, str(each.case_id)) for each in session.exec(select(ReviewItem)) if each.late}
        assert not locked & late


def test_the_meetings_of_a_year_decide_and_what_they_ask_for_goes_on(
    engine: Engine, settings: Settings
) -> None:
    fill(engine, settings, 400)
    assert counted(engine, "minutes") == 26
    assert counted(engine, "minutes WHERE approved_at IS NULL") == 1
    reviewed = counted(engine, "findings WHERE superseded_at IS NULL AND reviewed")
    assert reviewed > 80
    assert 0 < counted(engine, "findings WHERE superseded_at IS NULL AND concern") < reviewed / 5
    assert counted(engine, "feedback") == reviewed
    assert 0 < counted(engine, "feedback WHERE breached_at IS NOT NULL") < reviewed / 2
    assert counted(engine, "findings WHERE code = 'PROFESSIONAL'") > reviewed / 5
    for rest in (
        "actions",
        "action_notes",
        "panel_forms",
        "findings WHERE version > 1",
        "review_items WHERE carried_to IS NOT NULL AND off_at IS NOT NULL",
        "review_items WHERE because = 'deferred by an earlier meeting'",
        "declarations WHERE recused AND tie_id IS NOT NULL",
        "restrictions",
    ):
        assert counted(engine, rest) > 0, rest
    assert counted(engine, "actions WHERE outcome = 'did_not_work'") > 0
    assert counted(engine, "actions WHERE closed_at IS NULL") > 0
    assert counted(engine, "attendances") > 26 * 6


def test_packs_of_the_year_show_every_field_of_a_case(engine: Engine, settings: Settings) -> None:
    fill(engine, settings, 150)
    ground = ground_of(settings)
    with Session(engine) as session:
        whole = Period(UNTIL - timedelta(days=364), UNTIL)
        sheets = sheets_of(session, whole, ground.tactics)
        kept_out = sheets_of(session, whole, ground.tactics, lifecycle=ground.lifecycle)
    told = {name for each in sheets for name in each.entries}
    assert told == {each.name for each in ground.fields}
    full = sum(len(each.entries) > len(ground.fields) * 0.75 for each in sheets)
    assert full > len(sheets) * 0.8
    for what in (
        "clip_s",
        "bwv",
        "facts",
        "prompts",
        "claims",
        "questions",
        "releases",
        "lines",
        "findings",
        "responses",
    ):
        assert sum(bool(getattr(each, what)) for each in sheets) > 2, what
    assert any(each.voices.tactics for each in sheets)
    assert any(each.barred for each in kept_out)


def test_the_same_seed_makes_the_same_year(engine: Engine, settings: Settings) -> None:
    fill(engine, settings, 20)
    told = "SELECT md5(string_agg(text, '' ORDER BY id)) FROM posts"
    with engine.connect() as connection:
        once = connection.execute(text(told)).scalar_one()
    with engine.begin() as connection:
        tables = (
            "posts, post_keys, assessments, cases, people, sources, reviews, sightings, memberships, routings, media, "
            "drop_samples"
        )
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text(f"TRUNCATE {tables} CASCADE"))
    fill(engine, settings, 20)
    with engine.connect() as connection:
        assert connection.execute(text(told)).scalar_one() == once
