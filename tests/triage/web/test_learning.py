"""The sample of what was dropped, one post at a time, and the model that two people change."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from classifier.learning_records import ModelVersion, Promotion, ScoreDay, ScoreReference
from classifier.versions import SHIPPED, version_at
from collector.refused_records import RefusedItem
from tests.browser.seed import Seeded
from tests.classifier.test_versions import figures
from tests.make import make_post
from tests.served import Browser
from triage.learning_records import DropSample, Stage

NOW = datetime.now(UTC)
WORDS = "A crowd stood by the shop, <b>bold</b> as brass"


@pytest.fixture
def sampled(engine: Engine, seeded: Seeded) -> DropSample:
    """One refused item that waits for an answer."""
    with Session(engine, expire_on_commit=False) as session:
        day = (NOW - timedelta(days=1)).date()
        item = RefusedItem(
            day=day, lot=0.1, post_id=make_post().id, source="toots", platform="mastodon", text=WORDS,
            published_at=NOW, refused_at=NOW,
        )  # fmt: skip
        sample = DropSample(
            id=item.id, day=day, stage=Stage.PREFILTER, post_id=item.post_id, source="toots", dropped=4_000,
            drawn_at=NOW,
        )  # fmt: skip
        session.add_all([item, sample])
        session.commit()
        return sample


@pytest.fixture
def models(engine: Engine, seeded: Seeded) -> str:
    """A second model beside the one that ships."""
    with Session(engine) as session:
        for version, found in ((version_at(SHIPPED), figures()), ("both-new", figures(0.01))):
            session.add(
                ModelVersion(
                    version=version, sha256=b"0", figures=found, added_at=NOW, added_by="terminal, ann"
                )
            )
        session.commit()
    return "both-new"


def words(browser: Browser, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, path
    main = answer.text[answer.text.index("<main") : answer.text.index("</main>")]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def test_the_next_dropped_post_is_shown_with_why_and_answered_once(tom: Browser, sampled: DropSample) -> None:
    page = tom.get("/dropped").text
    assert "1 to look at" in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert 'data-key="r"' in page
    assert tom.fill_in(f"/dropped/{sampled.id}", said="rightly").status_code == 303
    assert "Nothing is left to look at" in words(tom, "/dropped")
    assert tom.fill_in(f"/dropped/{sampled.id}", said="rightly").status_code == 409


def test_a_miss_is_counted_with_its_interval(tom: Browser, engine: Engine, sampled: DropSample) -> None:
    answered = tom.fill_in(f"/dropped/{sampled.id}", said="use_of_force")
    assert answered.headers["location"] == "/dropped?said=missed"
    assert "the first filter 4,000 1 1 1 100.0% (20.7 to 100.0%)" in words(tom, "/dropped")
    with Session(engine) as session:
        [sample] = session.exec(select(DropSample)).all()
        assert (sample.missed, sample.type) == (True, "use_of_force")


@pytest.mark.parametrize("said", ["", "none", "anything"])
def test_an_answer_nobody_offered_is_asked_again(tom: Browser, sampled: DropSample, said: str) -> None:
    assert tom.fill_in(f"/dropped/{sampled.id}", said=said).status_code == 422


def test_one_person_asks_for_a_model_and_another_agrees(
    tom: Browser, amira: Browser, engine: Engine, models: str
) -> None:
    assert tom.fill_in("/model/ask", version=models, why="better on news").status_code == 303
    assert "Take it back" in words(tom, "/model")
    with Session(engine) as session:
        [asked] = session.exec(select(Promotion)).all()
    assert tom.fill_in(f"/model/{asked.id}/agree").status_code == 409
    assert "tom asked" in words(amira, "/model")
    assert amira.fill_in(f"/model/{asked.id}/agree").status_code == 303
    page = words(amira, "/model")
    assert page.startswith(f"Model {models}")
    assert "asked by tom, agreed by amira: better on news" in page
    assert amira.fill_in("/model/ask", why="worse").status_code == 303
    assert "to go back to" in words(tom, "/model")


def test_a_model_is_asked_for_with_a_reason(tom: Browser, models: str) -> None:
    answer = tom.fill_in("/model/ask", version=models, why=" ")
    assert (answer.status_code, "Say why" in answer.text) == (409, True)


def test_drift_is_an_alarm_on_every_page_until_a_calm_day(tom: Browser, engine: Engine, models: str) -> None:
    calm, drifted = {"raised": {"0": 800, "1": 200}}, {"raised": {"0": 200, "1": 800}}
    with Session(engine) as session:
        session.add(ScoreReference(model=models, kept_at=NOW, posts=1_000, numbers=calm))
        session.add(
            ScoreDay(day=(NOW - timedelta(days=2)).date(), model=models, posts=1_000, numbers=drifted)
        )
        session.commit()
    assert (
        "sees other posts than it was taken into use with: share likely an encounter on"
        in tom.get("/queue").text
    )
    assert re.search(r"1,000 alarm share likely an encounter [1-9]", words(tom, "/model"))
    with Session(engine) as session:
        session.add(ScoreDay(day=(NOW - timedelta(days=1)).date(), model=models, posts=1_000, numbers=calm))
        session.commit()
    assert "sees other posts" not in tom.get("/queue").text


def test_the_type_of_a_case_is_corrected_on_its_page(amira: Browser, seeded: Seeded) -> None:
    answered = amira.fill_in("/cases/1/type", kind="stop_search")
    assert answered.headers["location"] == "/cases/1?said=type-corrected"
    assert "Said to be Stop and search" in words(amira, "/cases/1")
    assert amira.fill_in("/cases/1/type", kind="stop_search").status_code == 409
    assert amira.fill_in("/cases/1/type", kind="anything").status_code == 422
