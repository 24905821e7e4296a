"""Metrics: Prometheus can read them, only who may scrape gets them, and nothing in them tells of anybody."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from pydantic import SecretStr
from sqlalchemy import Engine, create_engine, text
from sqlmodel import Session, select
from starlette.requests import Request

from collector.records import Post
from config.beats import beat
from config.metrics import Rows
from config.scrape import Scrape, Timed, may_scrape
from tests.browser.seed import seed
from tests.served import serve
from tests.watching import make_source
from triage.notification_records import ChannelKind, Notification, NotificationKind, NotificationState
from triage.records import Case, Channel, Person
from triage.settings import WebSettings
from triage.web.app import desk

TOKEN = "scrape-" + "t0k3n-of-tests" * 3
SECRET = SecretStr(TOKEN)
OPERATING = Path(__file__).resolve().parents[2] / "docs/operating.md"
ADDRESS = "+447700900999"


class Clock:
    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def base(engine: Engine, clock: Clock) -> Iterator[str]:
    with Session(engine) as session:
        seed(session, now=clock())
        _tell_somebody(session, clock())
        session.commit()
    beat(engine, "web", now=clock() - timedelta(seconds=4))
    settings = WebSettings(metrics_token=SECRET)
    scrape = Scrape(engine, settings, clock=clock)
    app = desk(engine, settings, doors=[scrape.door], now=clock)
    app.add_middleware(Timed, scrape=scrape)
    with serve(app) as address:
        yield address


def _tell_somebody(session: Session, now: datetime) -> None:
    for name in ("slack:golden-hour-comms", "slack:U0PERSONAL", "sms", "none"):
        proven_at = now - timedelta(hours=1)
        session.add(Channel(name=name, failures=1, free_at=now, digest_at=now, proven_at=proven_at))
    session.add(
        Notification(
            key="one",
            kind=NotificationKind.PAGE,
            channel_kind=ChannelKind.SMS,
            recipient="person:planted-officer",
            address=ADDRESS,
            subject="GH-1",
            text="Planted words",
            state=NotificationState.FAILED,
            created_at=now,
            due_at=now,
        )
    )
    blind = {"failures": 5, "last_success_at": now - timedelta(days=3)}
    session.add(make_source("a-blind-herald", now, **blind))


def scraped(base: str, token: str = TOKEN) -> str:
    answer = httpx.get(f"{base}/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    return answer.text


def samples(said: str) -> list[Sample]:
    return [each for family in text_string_to_metric_families(said) for each in family.samples]


def value(said: str, name: str, **labels: str) -> float:
    [found] = [s.value for s in samples(said) if s.name == f"goldenhour_{name}" and s.labels == labels]
    return found


def test_what_stands_in_the_rows_is_counted(base: str, engine: Engine) -> None:
    with engine.begin() as connection:
        job = "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('assess', 'assess')"
        connection.execute(text(job))
        connection.execute(text("UPDATE procrastinate_events SET at = now() - interval '1 hour'"))
        alerts = connection.execute(text("SELECT count(*) FROM alerts WHERE state = 'open'")).scalar_one()
    said = scraped(base)
    assert value(said, "database_answers") == 1
    assert value(said, "jobs", queue="assess", state="todo") == 1
    assert 3500 < value(said, "oldest_job_seconds", queue="assess") < 3700
    assert value(said, "oldest_job_seconds", queue="route") == 0
    assert value(said, "alerts", state="open") == alerts > 0
    assert value(said, "notifications_last_day", channel_kind="sms", state="failed") == 1
    assert value(said, "channel_proven_seconds", channel="slack people") == pytest.approx(3600, abs=1)
    assert value(said, "channel_failures", channel="slack:golden-hour-comms") == 1
    assert value(said, "sources_blind", kind="feed") >= 1
    assert value(said, "oldest_clock_seconds") > 0
    ages = [s.value for s in samples(said) if s.name == "goldenhour_heartbeat_age_seconds"]
    assert pytest.approx(4, abs=1) in ages


def test_answers_are_timed_by_route_and_made_up_addresses_share_one(base: str) -> None:
    httpx.get(f"{base}/healthz")
    for made_up in ("one", "two"):
        httpx.get(f"{base}/static/{made_up}")
        httpx.get(f"{base}/sign-in/{made_up}")
        httpx.get(f"{base}/{made_up}")
    said = scraped(base)
    assert value(said, "request_seconds_count", route="/healthz", status="2xx") == 1
    routes = {s.labels["route"] for s in samples(said) if s.name == "goldenhour_request_seconds_count"}
    assert not [each for each in routes if "one" in each.split("/") or "two" in each.split("/")]


def test_the_rows_are_asked_at_most_once_in_ten_seconds(base: str, engine: Engine, clock: Clock) -> None:
    assert value(scraped(base), "channel_failures", channel="sms") == 1
    with engine.begin() as connection:
        connection.execute(text("UPDATE channels SET failures = 9"))
    clock.at += timedelta(seconds=9)
    assert value(scraped(base), "channel_failures", channel="sms") == 1
    clock.at += timedelta(seconds=1)
    assert value(scraped(base), "channel_failures", channel="sms") == 9


def test_without_the_database_it_says_so(clock: Clock) -> None:
    away = create_engine("postgresql+psycopg://nobody@127.0.0.1:9/none")
    [only] = Rows(away, clock).collect()
    assert (only.name, only.samples[0].value) == ("goldenhour_database_answers", 0)


def test_no_name_words_address_or_number_of_a_case_is_in_it(base: str, engine: Engine) -> None:
    with Session(engine) as session:
        told = {*session.exec(select(Person.name)), *session.exec(select(Person.username))}
        told |= {str(each) for each in session.exec(select(Case.title))}
        told |= {words for each in session.exec(select(Post.text)) if each for words in each.split(". ")}
        told |= {str(each) for each in session.exec(select(Case.id))}
    said = scraped(base)
    told |= {ADDRESS, "planted-officer", "Planted words", "U0PERSONAL", "a-blind-herald", TOKEN}
    assert len(told) > 10
    assert [each for each in told if re.search(rf"\b{re.escape(each)}\b", said)] == []


def test_the_operators_guide_lists_every_metric_and_no_other(base: str) -> None:
    listed = set(re.findall(r"^\| `goldenhour_(\w+)`", OPERATING.read_text(encoding="utf-8"), re.MULTILINE))
    named = {each.name.removeprefix("goldenhour_") for each in text_string_to_metric_families(scraped(base))}
    assert named - {"request_seconds_created"} == listed


@pytest.mark.parametrize(
    "given", ["", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é", f"{TOKEN}"]
)
def test_a_wrong_token_is_refused(base: str, given: str) -> None:
    answer = httpx.get(f"{base}/metrics", headers=[(b"Authorization", given.encode())])
    assert answer.status_code == 401
    assert "goldenhour" not in answer.text


def caller(host: str | None, **headers: str) -> Request:
    named = [(name.replace("_", "-").encode(), each.encode()) for name, each in headers.items()]
    client = (host, 40_000) if host else None
    return Request({"type": "http", "method": "GET", "path": "/metrics", "headers": named, "client": client})


PUBLIC = WebSettings(base_url="https://desk.example")


@pytest.mark.parametrize(
    ("request_", "settings", "may"),
    [
        (caller("127.0.0.1"), WebSettings(), True),
        (caller("::1"), WebSettings(), True),
        (caller("::ffff:127.0.0.1"), WebSettings(), False),
        (caller("192.0.2.7"), WebSettings(), False),
        (caller("127.0.0.1.example"), WebSettings(), False),
        (caller(None), WebSettings(), False),
        (caller("127.0.0.1", x_forwarded_for="192.0.2.7"), WebSettings(), False),
        (caller("127.0.0.1", forwarded="for=192.0.2.7"), WebSettings(), False),
        (caller("127.0.0.1"), PUBLIC, False),
        (caller("127.0.0.1"), WebSettings(base_url="http://localhost:8000"), True),
        (caller("127.0.0.1"), WebSettings(metrics_token=SECRET), False),
        (
            caller("192.0.2.7", authorization=f"Bearer {TOKEN}"),
            PUBLIC.model_copy(update={"metrics_token": SECRET}),
            True,
        ),
    ],
)
def test_who_may_scrape(request_: Request, settings: WebSettings, may: bool) -> None:
    assert may_scrape(request_, settings) is may
