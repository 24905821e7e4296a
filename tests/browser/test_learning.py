"""The sample of what was dropped and the model's page in Chromium: narrow and wide, light and dark, by keyboard."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect
from sqlmodel import Session, select

from classifier.learning_records import ModelVersion, Promotion, ScoreDay, ScoreReference, ShadowRun
from classifier.versions import SHIPPED, version_at
from collector.refused_records import RefusedItem
from config.postgres import Cluster
from tests.browser.conftest import sign_in
from tests.browser.seed import seed
from tests.browser.test_accessible import violations
from tests.make import make_post
from tests.served import fresh_database, serve
from tests.triage.web.test_rules import found
from triage.learning_records import DropSample, Stage
from triage.records import Case, Person
from triage.rule_changes import adopt, propose
from triage.settings import WebSettings
from triage.web.app import desk

pytestmark = pytest.mark.browser

PAGES = ("/dropped", "/model", "/routings", "/rules")
RULES = (Path(__file__).resolve().parents[2] / "config" / "rules.toml").read_text(encoding="utf-8")
OURS = version_at(SHIPPED)


def seed_learning(session: Session, *, now: datetime) -> None:
    """Dropped posts to look at, some looked at; models and rules, one asked for; days of scores, one that drifts."""
    day = (now - timedelta(days=1)).date()
    for number in range(12):
        item = RefusedItem(
            day=day, lot=number / 100, post_id=make_post().id, source="bluesky", platform="bluesky",
            text=f"Stood at the bus stop for forty minutes and a crowd came past singing, telling {number}",
            published_at=now, refused_at=now,
        )  # fmt: skip
        missed = None if number < 4 else number == 4
        session.add_all(
            [
                item,
                DropSample(
                    id=item.id, day=day, stage=Stage.PREFILTER, post_id=item.post_id, source="bluesky",
                    dropped=1_204_311, drawn_at=now, missed=missed,
                ),
            ]
        )  # fmt: skip
    for version in (OURS, "both-5d1c02aa"):
        session.add(ModelVersion(version=version, sha256=b"0", added_at=now, added_by="terminal, ann"))
    session.add(
        Promotion(
            version="both-5d1c02aa",
            instead_of=OURS,
            why="finds more incidents in slang",
            asked_by="tom",
            asked_at=now,
        )
    )
    session.add(
        ShadowRun(
            version="both-5d1c02aa",
            share=0.1,
            started_at=now,
            started_by="ann",
            until_at=now + timedelta(days=5),
        )
    )
    usual = {"incident_any": {"1": 900, "5": 100}, "words never met": {"known": 9_000, "unseen": 400}}
    session.add(ScoreReference(model=OURS, kept_at=now, posts=1_000, numbers=usual))
    for days in range(1, 5):
        numbers = {"incident_any": {"1": 300, "5": 700}, "words never met": usual["words never met"]}
        on = (now - timedelta(days=days)).date()
        session.add(ScoreDay(day=on, model=OURS, posts=1_000, numbers=numbers if days == 1 else usual))
    adopt(session, RULES, now=now - timedelta(days=9))
    tom = session.exec(select(Person).where(Person.username == "tom")).one()
    changed = RULES.replace("incident = 0.45", "incident = 0.55")
    case = session.exec(select(Case).limit(1)).one()
    propose(session, changed, who=tom, why="quieter nights", rehearsal=found(case), now=now)
    session.commit()


@pytest.fixture
def learning(cluster: Cluster) -> Iterator[str]:
    now = datetime.now(UTC)
    with fresh_database(cluster) as engine:
        with Session(engine, expire_on_commit=False) as session:
            seed(session, now=now)
            seed_learning(session, now=now)
        with serve(desk(engine, WebSettings(), channels=["slack"], now=lambda: now)) as address:
            yield address


def test_axe_finds_nothing_and_nothing_sticks_out(
    learning: str, opened: Callable[..., BrowserContext]
) -> None:
    for scheme, width in (("light", 1440), ("dark", 375)):
        page = opened(color_scheme=scheme, viewport={"width": width, "height": 900}).new_page()
        sign_in(page, learning)
        for path in PAGES:
            page.goto(f"{learning}{path}")
            for each in page.locator("details").all():
                each.evaluate("each => { each.open = true }")
            assert violations(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (path, width)


def test_a_sampled_post_is_answered_with_one_key(
    learning: str, opened: Callable[..., BrowserContext]
) -> None:
    page = opened().new_page()
    sign_in(page, learning)
    page.goto(f"{learning}/dropped")
    expect(page.locator("h1")).to_contain_text("4 to look at")
    page.keyboard.press("r")
    expect(page.locator(".gh-said")).to_contain_text("rightly dropped")
    page.wait_for_load_state()  # only then it hears keys
    page.keyboard.press("2")
    expect(page.locator(".gh-said")).to_contain_text("becomes a case")
    expect(page.locator("h1")).to_contain_text("2 to look at")
