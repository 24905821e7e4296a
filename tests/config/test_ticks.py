"""What the leader does on its own, again and again."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, select

from collector.catalogue import Watch, sync_sources
from collector.evidence_records import CustodyEntry, Fetch
from collector.records import PostKey
from config.beats import beat, beats, silence
from config.drain import left, service_works
from config.retention_ticks import let_go_by_night
from config.service import House
from config.settings import Settings
from config.ticks import (
    check_evidence,
    collect_due,
    keep_evidence,
    keep_house,
    look_again,
    mind_clocks,
    note_quiet,
)
from tests.make import make_alert, make_case, make_post
from triage.records import AlertState, Clock, Desk, Membership, Status
from triage.track_records import Track

NOON = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)


@pytest.fixture
def house(settings: Settings, engine: Engine) -> House:
    return House(settings, engine, lambda: NOON)


def watch(house: House, *names: str) -> None:
    watches = [
        Watch.model_validate(
            {
                "name": name,
                "kind": "feed",
                "url": f"https://{name}.example/feed",
                "every": "10m",
                "grade": "B",
                "basis": "made up for this test",
            }
        )
        for name in names
    ]
    with Session(house.engine) as session:
        sync_sources(session, watches, now=NOON - timedelta(minutes=1))
        session.commit()


def waiting(house: House) -> list[str]:
    with house.engine.connect() as connection:
        asked = text("SELECT args->>'source' FROM procrastinate_jobs WHERE status = 'todo' ORDER BY 1")
        return list(connection.scalars(asked))


def test_each_source_that_is_due_gets_one_job_however_often_it_ticks(house: House) -> None:
    watch(house, "herald", "gazette")
    for _ in range(3):
        collect_due(house, NOON)
    assert waiting(house) == ["gazette", "herald"]


def test_a_source_whose_job_is_running_gets_no_second_one(house: House) -> None:
    watch(house, "herald")
    collect_due(house, NOON)
    with house.engine.begin() as connection:
        connection.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))
    collect_due(house, NOON)
    assert waiting(house) == []


def test_with_the_disk_nearly_full_nothing_more_is_collected(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(house, "herald")
    monkeypatch.setattr("config.ticks.LEAST_FREE_MB", 10**12)
    collect_due(house, NOON)
    assert waiting(house) == []


def test_the_months_ahead_are_made(house: House) -> None:
    keep_house(house, NOON)
    with house.engine.connect() as connection:
        assert connection.execute(text("SELECT to_regclass('posts_p202609') IS NOT NULL")).scalar_one()


def test_a_part_beats_and_is_silent_when_it_was_stopped(house: House) -> None:
    beat(house.engine, "web", now=NOON)
    beat(house.engine, "web", now=NOON + timedelta(seconds=5), state="busy")
    ((part, _host, _pid, at, state),) = beats(house.engine)
    assert (part, at, state) == ("web", NOON + timedelta(seconds=5), "busy")
    silence(house.engine, "web")
    assert beats(house.engine) == []


def test_a_service_works_when_its_workers_were_heard_of_lately(house: House) -> None:
    beat(house.engine, "web", now=NOON)
    assert not service_works(house.engine, now=NOON)
    beat(house.engine, "work-1", now=NOON)
    assert service_works(house.engine, now=NOON + timedelta(seconds=10))
    assert not service_works(house.engine, now=NOON + timedelta(seconds=60))


def test_what_is_left_counts_what_can_be_done_now(house: House) -> None:
    later = "INSERT INTO procrastinate_jobs (queue_name, task_name, args, scheduled_at) VALUES "
    with house.engine.begin() as connection:
        connection.execute(text(later + "('assess', 'assess', '{\"posts\": [\"1\", \"2\"]}', NULL)"))
        connection.execute(
            text(later + "('respond', 'deliver', '{\"alert\": \"1\"}', now() + interval '1 hour')")
        )
        connection.execute(text(later + "('collect', 'collect', '{\"source\": \"1\"}', NULL)"))
    assert left(house.engine) == (1, 2)


def test_posts_that_were_not_looked_at_for_a_day_leave_one_job_a_source(house: House) -> None:
    watch(house, "herald", "gazette")
    with Session(house.engine) as session:
        for number in (1, 2):
            post = make_post(external_id=str(number), source="herald")
            session.add_all([post, CustodyEntry(at=NOON, who="x", act="collected", post_id=post.id)])
        session.commit()
    tomorrow = NOON + timedelta(days=1)
    for _ in range(2):
        look_again(house, tomorrow)
    assert waiting(house) == ["herald"]


def test_a_source_that_has_gone_quiet_is_noted(house: House) -> None:
    watch(house, "herald")
    with house.engine.begin() as connection:
        spoke = {
            "rhythm_s": 60,
            "newest_at": NOON - timedelta(days=1),
            "last_success_at": NOON,
            "due_at": NOON,
        }
        given = ", ".join(f"{name} = :{name}" for name in spoke)
        connection.execute(text(f"UPDATE sources SET {given}"), spoke)
    note_quiet(house, NOON)
    with house.engine.connect() as connection:
        assert connection.execute(text("SELECT quiet_since FROM sources")).scalar_one() == NOON - timedelta(
            days=1
        )


def test_digests_are_left_to_be_stamped_only_where_an_authority_is_set(house: House) -> None:
    with Session(house.engine) as session:
        case, post = make_case(), make_post()
        session.add_all([case, post, PostKey(id=post.id, collected_at=post.collected_at)])
        session.flush()
        session.add(
            Membership(post_id=post.id, case_id=case.id, sure=True, score=1, how="new", joined_at=NOON)
        )
        session.commit()
    jobs = text("SELECT task_name FROM procrastinate_jobs")
    keep_evidence(house, NOON)
    with house.engine.connect() as connection:
        assert connection.scalars(text("SELECT act FROM custody_entries")).all() == ["collected"]
        assert connection.scalars(jobs).all() == []
    collect = house.settings.collect.model_copy(update={"timestamp_url": "https://tsa.example"})
    stamping = house._replace(settings=house.settings.model_copy(update={"collect": collect}))
    for _ in range(2):
        keep_evidence(stamping, NOON)
    with house.engine.connect() as connection:
        assert connection.scalars(jobs).all() == ["stamp"]


@pytest.mark.parametrize(("hour", "found"), [(2, 1), (12, 0)])
def test_digests_are_checked_in_the_night(hour: int, found: int, house: House) -> None:
    with Session(house.engine) as session:
        session.add(make_post(payload=b"forged"))
        session.commit()
    check_evidence(house, NOON.replace(hour=hour))  # in July London is an hour ahead
    with house.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM failures WHERE stage = 'evidence'")) == found


@pytest.mark.parametrize(("hour", "left"), [(2, 0), (12, 1)])
def test_what_is_kept_for_a_time_goes_in_the_night(hour: int, left: int, house: House) -> None:
    with Session(house.engine) as session:
        session.add(
            Fetch(source="herald", at=NOON - timedelta(days=15), url="https://x.example", body_sha256=b"d")
        )
        session.commit()
    let_go_by_night(house, NOON.replace(hour=hour))
    with house.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM fetches")) == left


def test_clocks_that_ran_out_are_marked_once_and_tracks_begun_where_there_are_none(house: House) -> None:
    with Session(house.engine, expire_on_commit=False) as session:
        late, bare = make_case(), make_case(status=Status.CONFIRMED)
        session.add_all([late, bare])
        session.flush()
        alert = make_alert(late, state=AlertState.ACKNOWLEDGED)
        due = NOON - timedelta(minutes=1)
        clock = Clock(case_id=late.id, name="first_line", desk=Desk.COMMS, started_at=due, due_at=due)
        session.add_all([alert, clock])
        session.commit()
        for _ in range(2):
            mind_clocks(house, NOON)
        session.expire_all()
        assert (alert.state, alert.revision) == (AlertState.OPEN, 2)
        assert clock.breached_at == NOON
        assert {each.case_id for each in session.exec(select(Track))} == {bare.id}
