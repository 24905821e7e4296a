"""Hostile words in all fields but posts, and in addresses: names, sources, claims, tips, reasons, searches, filters."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import BrowserContext, Page
from sqlalchemy import Engine
from sqlmodel import Session

from collector.records import Failure, Gap, Media
from tests.browser.conftest import sign_in
from tests.browser.seed import seed_people, seed_watch
from tests.browser.test_hostile import WATCHED, hostile_words, shown_as
from tests.make import LIFECYCLE, make_assessment, make_case, make_person, make_post, make_source
from tests.served import serve
from triage.claim_records import AnswerState, ClaimDecision, ClaimState, KnownClaim, Question
from triage.log import Line, note
from triage.records import Alert, AlertState, Channel, Clock, Delivery, DeliveryState, Desk, Membership, Role
from triage.review.meeting_records import Review, ReviewItem
from triage.settings import WebSettings
from triage.web.app import desk

pytestmark = pytest.mark.browser

PAGES = (
    "/queue", "/cases/1", "/cases/1/dismiss", "/cases/1/claims/new", "/claims", "/claims/1", "/alerts", "/sources",
    "/coverage", "/reviews", "/log", "/dropped", "/model", "/account", "/counts", "/manual", "/routings",
)  # fmt: skip
ASKED = (
    "/search?q={}", "/claims?q={}", "/routings?link={}", "/routings?rule={}", "/manual?link={}&case={}",
    "/queue?borough={}&sort={}&view={}", "/sources?borough={}&kind={}", "/queue?said={}&undo={}", "/log?before={}",
)  # fmt: skip
FIELDS = 24  # words that stand in every field
ADDRESSES = 5  # words that stand in every address


def gravest(words: Sequence[str], most: int) -> list[str]:
    """Words that look most like markup or a script, evenly from the whole list."""
    marked = [each for each in words if "<" in each or "script:" in each.lower() or '"' in each]
    return marked[:: max(len(marked) // most, 1)][:most]


def plant(session: Session, words: list[str]) -> None:
    """One case, with every word as name of a person and a source, alt text, claim, question, tip and reason."""
    now = datetime.now(UTC)
    case = make_case(opened_at=now, severity=1, post_count=len(words), claimed_until=now + timedelta(hours=1))
    meeting = Review(meets_at=now + timedelta(days=1), created_at=now)
    session.add_all([case, meeting])
    session.flush()
    people = [make_person(username=f"u{at}", name=word) for at, word in enumerate(words)]
    session.add_all(people)
    session.flush()
    case.claimed_by = people[0].id
    session.add(ReviewItem(case_id=case.id, review_id=meeting.id, because=words[0], listed_at=now))
    for at, word in enumerate(words):
        post = make_post(f"A plain text, number {at}", title=word, content_warning=word, collected_at=now)
        tip = make_post(word, platform="tip", source="tip-form", published_raw=word, collected_at=now)
        session.add_all([post, tip, make_assessment(post), make_assessment(tip)])
        session.add(Media(post_id=post.id, kind="image", url="https://pictures.example/1.jpg", alt=word))
        session.add_all(
            Membership(post_id=each.id, case_id=case.id, how=word[:50], joined_at=now) for each in (post, tip)
        )
        session.add(
            make_source(f"{at} {word}"[:200], reason=word, owner=word, term=word, error=word, failures=9)
        )
        session.add(Gap(source=f"{at} {word}"[:200], from_at=now, until_at=now, because=word, found_at=now))
        session.add(Failure(at=now, stage=word[:40] or "x", subject=word, error=word))
        claim = KnownClaim(
            case_id=case.id, text=word, title=word, noted_at=now, noted_by=word, changed_at=now
        )
        session.add(claim)
        session.flush()
        session.add(
            ClaimDecision(
                claim_id=claim.id, state=ClaimState.FALSE, why=word, evidence=[word], first="u0", first_role=word,
                asked_at=now,
            )
        )  # fmt: skip
        session.add(
            Question(
                case_id=case.id,
                text=word,
                state=AnswerState.ANSWERED,
                answer=word,
                asked_at=now,
                asked_by=word,
                answered_at=now,
                answered_by=word,
            )
        )
        session.add(
            Clock(
                case_id=case.id, name=f"{at} {word}"[:60], desk=Desk.COMMS, started_at=now, due_at=now,
                stopped_at=now, stopped_by=word,
            )
        )  # fmt: skip
        session.add(
            Channel(name=f"slack:{at} {word}"[:90], free_at=now, digest_at=now, failures=9, error=word)
        )
        note(session, [Line(word[:60], case.id, word)], who=word[:60], now=now)
    alert = Alert(
        case_id=case.id, desk=Desk.COMMS, priority="high", rule=words[0], raised_at=now, acknowledged_at=now,
        acknowledged_by=people[1].id, acknowledged_through=words[1], state=AlertState.ACKNOWLEDGED,
    )  # fmt: skip
    session.add(alert)
    session.flush()
    session.add(
        Delivery(alert_id=alert.id, channel=words[2], state=DeliveryState.FAILED, due_at=now, error=words[3])
    )
    session.commit()


def harmless(page: Page, path: str) -> str:
    """The text of the page, once it is sure that nothing on it ran or leads to a script."""
    assert page.evaluate("window.ran") == [], path
    links = page.evaluate(
        "[...document.querySelectorAll('a[href]')].map(each => new URL(each.getAttribute('href'), location).protocol)"
    )
    assert set(links) <= {"http:", "https:"}, path
    told: str = page.evaluate("document.body.textContent")
    return told


@pytest.fixture
def planted(
    engine: Engine, shared: Path, opened: Callable[..., BrowserContext]
) -> tuple[list[str], Callable[[], Page]]:
    words = hostile_words(shared)
    with Session(engine, expire_on_commit=False) as session:
        officer, _ = seed_people(session, now=datetime.now(UTC))
        officer.roles = [role.value for role in Role]
        session.add(officer)
        seed_watch(session, now=datetime.now(UTC))
        plant(session, gravest(words, FIELDS))
    context = opened()
    context.add_init_script(WATCHED)
    return words, context.new_page


def test_no_word_in_any_field_runs_on_any_page(
    engine: Engine, planted: tuple[list[str], Callable[[], Page]]
) -> None:
    words, new_page = planted
    page = new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    told: dict[str, str] = {}
    with serve(desk(engine, WebSettings(), lifecycle=LIFECYCLE)) as base:
        sign_in(page, base)
        for path in PAGES:
            answer = page.goto(f"{base}{path}")
            assert answer is not None
            assert answer.status < 500, path
            told[path] = harmless(page, path)
        assert [each for each in asked if not each.startswith(base)] == []
    for word in gravest(words, FIELDS):
        for path in ("/cases/1", "/claims", "/sources"):
            assert shown_as(word).strip() in told[path], (path, word)


def test_no_word_in_an_address_runs_and_what_was_searched_for_is_shown(
    engine: Engine, planted: tuple[list[str], Callable[[], Page]]
) -> None:
    words, new_page = planted
    page = new_page()
    with serve(desk(engine, WebSettings(), lifecycle=LIFECYCLE)) as base:
        sign_in(page, base)
        for word in gravest(words, ADDRESSES):
            for asked in ASKED:
                path = asked.replace("{}", quote(word.encode("utf-8", "replace"), safe=""))
                answer = page.goto(f"{base}{path}")
                assert answer is not None
                assert answer.status < 500, path
                harmless(page, path)
                if asked.startswith("/search"):
                    sent = " ".join(word.encode("utf-8", "replace").decode().split())[:300]
                    assert page.locator("#search").input_value() == sent
