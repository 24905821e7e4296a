"""Every page with nothing to show, with a part blind, with the database away; and every kind of refusal."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from html import unescape
from uuid import UUID

import httpx
import psycopg
import pytest
from fastapi import HTTPException
from sqlalchemy import Engine, text
from sqlmodel import Session, select
from structlog import BoundLogger, wrap_logger
from structlog.testing import LogCapture

from collector.jobs import defer
from collector.records import Failure
from config.postgres import Cluster
from tests.browser.scenes import set_scene
from tests.browser.seed import PASSWORD
from tests.browser.shown import EXAMPLES, pages
from tests.make import LIFECYCLE
from tests.served import Browser, fresh_database, serve
from tests.triage.review.kept import CYCLE
from triage.policies import Policies
from triage.records import Channel, Heartbeat
from triage.settings import WebSettings
from triage.web import errors
from triage.web.app import desk

# what an empty page says: what there is none of, and what that means or what to do
EMPTY = {
    "/queue": "No open cases. Watching 4 of 4 sources since",
    "/queue?view=mine": "You have no case. Show all open cases",
    "/queue?view=watch": "Nothing is on the watch list. Show all open cases",
    "/queue?severity=1": "No case fits these filters. Show all open cases",
    "/queue/map": "No case fits, so every borough is empty. Watching 4 of 4 sources.",
    "/alerts": "Every alert has been answered. A new one stands here and on the queue by itself",
    "/claims": "No claim has been noted yet. Note one on the page of its case.",
    "/claims?q=stairs": "No claim holds that. Every word must be in the claim or its title. Try fewer words.",
    "/packs": "There is no pack for you yet. Ask for one above.",
    "/reviews": "No meeting has been set. The schedule sets the meetings of a year ahead",
    "/our-errors": "None yet.",
    "/reviews/people": "Nobody has a seat in one of the 44 panels yet.",
    "/reviews/requests": "No panel has asked for an incident.",
    "/panel": "You have no seat in a panel yet. The secretary of the oversight group gives seats.",
    "/actions": "No action is open. Actions are asked for on the page of a case at a meeting.",
    "/actions?view=closed": "No action was closed.",
    "/early-signals": "No case was reviewed in this time.",
    "/feedback": "Nothing waits to be sent. It begins with a finding, and is due five working days after the meeting.",
    "/feedback?view=all": "No feedback has been begun.",
    "/dropped": "Nothing is left to look at. The next sample is drawn after midnight.",
    "/model": "No day has been counted yet; that happens each night.",
    "/rules": "None are in force yet: those of rules.toml will be at the first start.",
    "/routings": "No post was decided in this time.",
    "/routings?rule=fiction": "It decided nothing that is still stored. The rules that did are below.",
    "/retention": "The retention policy was not read. Run goldenhour check",
    "/holds": "Nothing is held. Everything goes when its time is over.",
    "/rights": "Nobody has asked yet. Enter a request below when one comes in.",
    "/reveals": "Nobody asked in 90 days. That is good",
    "/shift": "Nothing is open at this desk.",
    "/search": "Look for a case by its number, a place, words of its title or of its posts, or the link of a post.",
    "/search?q=stairs": "No case holds that. Every word must be in the title and place, or in one post. Try fewer "
    "words, or look among what was not raised.",
    "/counts": "No case is open. Counts stand here as soon as there is one.",
    "/sources?show=blind": "None of these now.",
    "/sources?borough=Ealing": "No source fits. Show all sources",
    "/log?before=1": "There are no entries before this one. The newest entries",
    "/sources": "Open gaps 0 None known.",
    "/sources/mastodon-london": "Gaps None known.",
    "/coverage": "Not seen now",
    "/on-call": "There is no rota, so nobody is on call.",
    "/figures": "No definitions are loaded. The figures are defined in review/figures.toml",
    "/accountability": "The purposes were not read. Run goldenhour check",
    "/statements": "No line stands. A line is begun on the page of its case",
}
# pages that are a form, or that always have something to show
NEVER_EMPTY = {
    "/account",
    "/exercise",
    "/manual",
    "/log",
    "/sign-in",
    "/sign-in/nothing",
    "/tip",
    "/transparency",
}
CHANGE = text(
    "UPDATE procrastinate_jobs SET status = CAST(:status AS procrastinate_job_status) WHERE id = :id"
)
MINUTE = timedelta(minutes=1)
NOBODYS = UUID(int=7)
# pages of one thing: without it they say that it is not there
OF_ONE = sorted(
    EXAMPLES[each].format(post=NOBODYS, reveal=NOBODYS)
    for each in pages()
    if each.startswith(("/cases", "/claims/"))
)
THERE = {*pages(), *EXAMPLES.values()}
EMPTY = {address: said for address, said in EMPTY.items() if address.partition("?")[0] in THERE}
ALL = sorted(
    EMPTY.keys() | (NEVER_EMPTY - {"/exercise", "/sign-in", "/sign-in/nothing", "/tip", "/transparency"})
)
TRACE = re.compile(r"Traceback|File \"|psycopg|sqlalchemy|\.py\b|line \d+", re.IGNORECASE)


def words(page: str) -> str:
    """What the main part of a page says, without its markup, on one line."""
    main = re.sub(r"<svg.*?</svg>", "", page[page.index("<main") : page.index("</main>")], flags=re.DOTALL)
    return re.sub(r" ([.,;:])", r"\1", " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split()))


def signed_in(engine: Engine, opened: ExitStack, cases: int, now: datetime | None = None) -> Browser:
    """Amira's browser before a desk where time stands still."""
    at = now or datetime.now(UTC)
    with Session(engine, expire_on_commit=False) as session:
        set_scene(session, cases, now=at)
    given = Policies(cycle=CYCLE)
    app = desk(engine, WebSettings(), channels=["slack"], lifecycle=LIFECYCLE, policies=given, now=lambda: at)
    app.add_api_route("/healthz/broken", _broken)
    app.add_api_route("/healthz/often", _often)
    browser = opened.enter_context(Browser(opened.enter_context(serve(app))))
    browser.sign_in("amira", PASSWORD)
    return browser


def _broken() -> None:
    raise ZeroDivisionError("a secret of ours")


def _often() -> None:
    raise HTTPException(429)


@pytest.fixture(scope="module")
def empty(cluster: Cluster) -> Iterator[Browser]:
    with fresh_database(cluster) as engine, ExitStack() as opened:
        yield signed_in(engine, opened, 0)


@pytest.fixture(scope="module")
def blind(cluster: Cluster) -> Iterator[Browser]:
    """A desk where the collector, the model, the queue of work and the channel are out."""
    now = datetime.now(UTC)
    with fresh_database(cluster) as engine, ExitStack() as opened:
        browser = signed_in(engine, opened, 4, now)
        with Session(engine) as session:
            for beat in session.exec(select(Heartbeat).where(Heartbeat.part != "web")):
                beat.beat_at = now - 3 * MINUTE
            session.add(Failure(at=now - 9 * MINUTE, stage="assess", subject="a post", error="ModelError"))
            session.add(
                Channel(
                    name="slack:C1",
                    free_at=now,
                    digest_at=now,
                    failures=4,
                    error="not_in_channel",
                    proven_at=now - timedelta(hours=1),
                )
            )
            job = defer(session, "assess", queue="assess", posts=[])
            for status in ("doing", "failed"):
                session.execute(CHANGE, {"id": job, "status": status})
            defer(session, "assess", queue="assess", posts=[])
            session.execute(
                text("UPDATE procrastinate_jobs SET scheduled_at = :at"), {"at": now - 7 * MINUTE}
            )
            session.commit()
        yield browser


@pytest.fixture(scope="module")
def away(cluster: Cluster) -> Iterator[Browser]:
    """A desk whose database went away after somebody signed in."""
    admin = cluster.url_of("postgres").replace("+psycopg", "")
    with fresh_database(cluster) as engine, ExitStack() as opened:
        browser = signed_in(engine, opened, 0)
        with psycopg.connect(admin, autocommit=True) as connection:
            name = engine.url.database or ""
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
        yield browser


def test_every_page_has_been_thought_of() -> None:
    thought_of = {each.partition("?")[0] for each in (*EMPTY, *NEVER_EMPTY)} | set(EXAMPLES)
    assert [each for each in pages() if each not in thought_of] == []


@pytest.mark.parametrize("address", sorted(EMPTY))
def test_an_empty_page_says_what_there_is_none_of(empty: Browser, address: str) -> None:
    answer = empty.get(address)
    assert answer.status_code == 200
    assert EMPTY[address] in words(answer.text)


@pytest.mark.parametrize("address", OF_ONE)
def test_a_page_of_something_that_is_not_there_says_so_and_has_a_way_out(
    empty: Browser, address: str
) -> None:
    answer = empty.get(address)
    assert answer.status_code == 404
    assert re.search(r"There is no such (case|claim)\. Go to the first page Error 404 · reference [0-9a-f]{8}",
                     words(answer.text))  # fmt: skip
    assert 'aria-label="Pages"' in answer.text


@pytest.mark.parametrize("address", ALL)
def test_what_is_blind_stands_on_every_page_with_since_when_and_what_it_means(
    blind: Browser, address: str
) -> None:
    page = blind.get(address).text
    banner = " ".join(
        unescape(re.sub(r"<[^>]+>", " ", page[page.index('id="banners"') : page.index("<main")])).split()
    )
    for said in (
        "mastodon-london cannot be read for 40 min: the server does not answer. What is posted there is not seen here",
        "4 parts of the service not answering for 3 min: listen, schedule, work-1, work-2",
        "posts wait to be assessed, alerts to be sent",
        "Alerts do not get through to slack:C1: not_in_channel",
        "The last message arrived",
        "1 job failed for good since",
        "waiting, the oldest for 7 min: what you see is late",
        "1 item could not be worked through (assess)",
        "what they hold is not on this desk",
    ):
        assert said in banner, said
    assert 'id="stale" role="status" hidden' in page  # where desk.js says since when it hears nothing
    assert 'hx-get="/banners"' in page


@pytest.mark.parametrize("address", [*ALL, "/cases/1", "/sign-in/nothing", "/tip/sent/nothing", "/banners"])
def test_without_the_database_every_page_says_so_and_shows_no_trace(away: Browser, address: str) -> None:
    answer = away.get(address)
    if address == "/sign-in/nothing" and answer.status_code == 200:
        return  # nothing is asked of the database before the link is used
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "Content-Security-Policy" in answer.headers
    said = words(answer.text)
    public = address.startswith("/tip")
    assert ("Call 999 in an emergency" if public else "The database does not answer") in said
    assert re.search(r"Go to the first page Error 503 · reference [0-9a-f]{8}", said)
    assert not TRACE.search(answer.text.replace("goldenhour doctor", ""))


def test_a_load_balancer_and_a_program_are_told_in_their_own_words(away: Browser) -> None:
    health, program = away.get("/healthz"), away.get("/api/v1/cases")
    assert (health.status_code, health.text) == (503, "the database does not answer")
    assert (program.status_code, "database does not answer" in program.json()["detail"]) == (503, True)


REFUSED: dict[str, tuple[int, str, Callable[[Browser], httpx.Response]]] = {
    "out of date": (403, "This form is out of date.", lambda b: b.post("/queue/next", data={"csrf": "old"})),
    "no such page": (404, "Check the address, or go back to the queue.", lambda b: b.get("/nowhere")),
    "no such use": (405, "This address takes no such request.", lambda b: b.fill_in("/queue")),
    "left out": (422, "Tick between one and", lambda b: b.fill_in("/queue/bulk", act="nonsense", case="1")),
    "misspelt": (422, "Check these and try again: most.", lambda b: b.fill_in("/queue/next", most="many")),
    "too often": (429, "Wait a minute, then try again.", lambda b: b.get("/healthz/often")),
    "a bug": (
        500,
        "The page could not be made.",
        lambda b: b.get("/healthz/broken", headers={"Connection": "close"}),
    ),
}


@pytest.mark.parametrize("why", sorted(REFUSED))
def test_every_refusal_is_in_plain_words_with_a_way_out_and_a_reference(
    blind: Browser, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = LogCapture()
    log = wrap_logger(None, processors=[told], wrapper_class=BoundLogger)  # however the level was set before
    monkeypatch.setattr(errors, "log", log)
    status, said, ask = REFUSED[why]
    answer = ask(blind)
    shown = words(answer.text)
    assert (answer.status_code, said in shown) == (status, True)
    reference = re.search(rf"Go to the first page Error {status} · reference ([0-9a-f]{{8}})", shown)
    assert reference is not None
    assert reference[1] in [
        each["reference"] for each in told.entries
    ]  # what people are told is found in the log
    assert "a secret of ours" not in answer.text
    assert not TRACE.search(words(answer.text))


def test_who_may_not_is_told_whom_to_ask(cluster: Cluster) -> None:
    with fresh_database(cluster) as engine, ExitStack() as opened:
        amira = signed_in(engine, opened, 4)
        with Browser(str(amira.base_url)) as tom:
            tom.sign_in("tom", PASSWORD)
            refused, taken = tom.get("/log"), amira.fill_in("/cases/2/claim")
        assert refused.status_code == 403
        assert "Your roles do not allow this. Whoever looks after the accounts can change them." in words(
            refused.text
        )
        assert taken.status_code == 409
        assert words(taken.text).startswith("Nothing was changed Tom B. has this case")
        assert "Go back and see how it stands now" in words(taken.text)


def test_a_refused_form_leads_back_to_where_it_was(blind: Browser) -> None:
    base = str(blind.base_url).rstrip("/")
    for came, leads in (
        (f"{base}/queue?view=mine", 'href="/queue?view=mine"'),
        ("https://other.example/x", ""),
    ):
        page = blind.post(
            "/queue/bulk", data={"csrf": blind.token}, headers={"Referer": came, "Origin": base}
        ).text
        assert ("Go back to where you were" in page) is bool(leads)
        assert leads in page
        assert "other.example" not in page
