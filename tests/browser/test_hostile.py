"""Hostile words in every field: nothing runs, and what is shown is what was sent."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext
from sqlalchemy import Engine
from sqlmodel import Session

from tests.browser.conftest import sign_in
from tests.browser.seed import seed_people, seed_watch
from tests.make import make_assessment, make_case, make_post
from tests.served import serve
from triage.log import Line, note
from triage.records import Alert, Desk, Membership, Routing
from triage.settings import WebSettings
from triage.statement_records import CaseFact, Statement
from triage.web.app import desk
from triage.web.reading import unmentioned

pytestmark = pytest.mark.browser

WATCHED = """
window.ran = []
for (const name of ['alert', 'confirm', 'prompt', 'print', 'open']) window[name] = () => { window.ran.push(name) }
"""
POSTS_A_CASE = 45


def hostile_words(shared: Path) -> list[str]:
    """The naughty strings in full, and every third case of the sanitiser's own tests. NUL cannot be stored."""
    naughty = json.loads((shared / "corpora/blns/blns.json").read_text(encoding="utf-8"))
    payloads = json.loads((shared / "corpora/dompurify/expect.json").read_text(encoding="utf-8"))
    words = [*naughty, *(each["payload"] for each in payloads[::3])]
    kept = [each.replace("\0", "") for each in words if isinstance(each, str)]
    return [each for each in dict.fromkeys(kept) if each.strip()]


def shown_as(text: str) -> str:
    """What a browser's parser leaves of a text: line ends become one kind; lone surrogates cannot be sent."""
    return unmentioned(text).replace("\r\n", "\n").replace("\r", "\n")


def bare(text: str) -> str:
    """Letters and digits only: texts that differ in nothing else are folded into one."""
    return "".join(each for each in text.casefold() if each.isalnum())


def plant(session: Session, words: list[str]) -> None:
    """Every text as post, title, reason, signal, statement, log line and place."""
    now = datetime.now(UTC)
    for start in range(0, len(words), POSTS_A_CASE):
        batch = words[start : start + POSTS_A_CASE]
        case = make_case(
            title=batch[0],
            place=batch[-1],
            borough=batch[1 % len(batch)],
            opened_at=now,
            post_count=len(batch),
            severity_parts={"harm": 1.0, "triggers": batch[:3]},
            dismissed_because=batch[0],
        )
        session.add(case)
        session.flush()
        alert = Alert(case_id=case.id, desk=Desk.COMMS, priority="high", rule=batch[0], raised_at=now)
        draft = Statement(
            case_id=case.id,
            template="aware",
            text=batch[0],
            missing=batch[:2],
            facts=[{"name": batch[0], "value": batch[0], "source": batch[0]}],
            stale_because=batch[0],
            drafted_at=now,
        )
        fact = CaseFact(
            case_id=case.id, name=batch[0], value=batch[0], source=batch[0], noted_by="tests", noted_at=now
        )
        session.add_all([alert, draft, fact])
        for number, words_of_one in enumerate(batch):
            post = make_post(
                words_of_one,
                url=words_of_one,
                external_id=f"{start}-{number}",
                author_key=bytes([number]) * 4,
                content_warning=words_of_one if number % 5 == 0 else None,
            )
            end = max(len(words_of_one) // 2, 1)
            signal = {"name": "x", "score": 1.0, "start": 0, "end": end, "because": words_of_one}
            place = {"name": words_of_one, "borough": words_of_one, "bcu": "AS"}
            session.add(post)
            session.add(Membership(post_id=post.id, case_id=case.id, how=words_of_one[:50], joined_at=now))
            session.add(make_assessment(post, signals=[signal], places=[place]))
            note(session, [Line("noted", case.id, words_of_one)], who="tests", now=now)
            session.add(
                Routing(
                    post_id=post.id,
                    at=now,
                    model="t",
                    rule="hostile",
                    outcome="raised",
                    because=words_of_one,
                    case_id=case.id,
                )
            )
    session.commit()


def test_no_word_runs_and_every_word_is_shown_as_it_was_sent(
    engine: Engine, shared: Path, opened: Callable[..., BrowserContext]
) -> None:
    words = hostile_words(shared)
    assert len(words) > 350
    with Session(engine, expire_on_commit=False) as session:
        seed_people(session, now=datetime.now(UTC))
        seed_watch(session, now=datetime.now(UTC))
        plant(session, words)
    context = opened()
    context.add_init_script(WATCHED)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    shown: list[str] = []
    with serve(desk(engine, WebSettings())) as base:
        sign_in(page, base)
        cases = -(-len(words) // POSTS_A_CASE)
        for path in (
            *(f"/cases/{n}" for n in range(1, cases + 1)),
            "/queue",
            "/alerts",
            "/statements?view=all",
            "/cases/1/statements/1",
            "/routings?rule=hostile",
        ):
            page.goto(f"{base}{path}")
            assert page.evaluate("window.ran") == [], path
            links = page.evaluate("[...document.querySelectorAll('a[href]')].map(each => each.protocol)")
            assert set(links) <= {"http:", "https:"}, path
            if path.startswith("/cases/"):
                shown += page.evaluate(
                    "[...document.querySelectorAll('.gh-post__text')].map(each => each.textContent)"
                )
        assert [each for each in asked if not each.startswith(base)] == []
    families = {shown_as(each) for each in words}
    assert set(shown) <= families
    folded = {bare(each) for each in shown}
    missing = [each for each in families - set(shown) if bare(each) not in folded]
    assert [each for each in missing if "http" not in each and "@account" not in each] == []
