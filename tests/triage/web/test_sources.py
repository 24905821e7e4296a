"""The pages about sources: all of them, one of them, what a person may do about it, and the map of the boroughs."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import quote

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from collector.records import Gap, SourceRow
from config.postgres import Cluster
from tests.browser.seed import PASSWORD, seed
from tests.served import Browser, fresh_database, serve
from tests.triage.web.conftest import Clockwork
from tests.watching import ODD, seed_states
from triage.records import LogEntry
from triage.settings import WebSettings
from triage.web.app import desk


@pytest.fixture(scope="module")
def watching(cluster: Cluster) -> Iterator[Browser]:
    """The comms officer before sources in every state, while time stands still; these tests only look."""
    now = datetime.now(UTC)
    with fresh_database(cluster) as engine:
        with Session(engine, expire_on_commit=False) as session:
            seed(session, now=now)
            seed_states(session, now=now)
        served = desk(engine, WebSettings(), channels=["slack"], now=lambda: now)
        with serve(served) as base, Browser(base) as browser:
            browser.sign_in("amira", PASSWORD)
            yield browser


def words(browser: Browser, path: str) -> str:
    """What a page says, without its markup, on one line."""
    answer = browser.get(path)
    assert answer.status_code == 200, path
    main = answer.text[answer.text.index("<main") : answer.text.index("</main>")]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def test_sources_stand_in_groups_the_gravest_first(watching: Browser) -> None:
    page = words(watching, "/sources")
    at = [
        page.index(each) for each in ("Blind 6", "Failing, seen a moment ago 1", "Asked to wait 1", "Calm 7")
    ]
    assert at == sorted(at)
    for name, said in (
        ("barnet-bugle", "Cannot be read for 5 h: the server answers 403. Ask them."),
        ("brent-brief", "by Amira K.: they move house. It goes on by itself"),
        ("ealing-echo", "Has shown nothing new for 4 days (usually one every 2 h). Open its address"),
        ("reddit-search", "Is stopped: no agreement for reddit is recorded. Renew"),
        ("sutton-sun", "Has not been looked at for 2 h. See the parts"),
    ):
        assert at[0] < page.index(name) < at[1]
        assert said in page
    assert "2 open gaps" in page
    assert "work-1 on desk-1" in page


def test_sources_can_be_narrowed_down(watching: Browser) -> None:
    ealing = words(watching, "/sources?borough=Ealing")
    assert "Sources for Ealing 2 sources" in ealing
    assert "brent-brief" in ealing
    assert "hackney-gazette" not in ealing.split("Open gaps")[0]
    blind = words(watching, "/sources?show=blind&kind=reddit").split("Open gaps")[0]
    assert "reddit-search" in blind
    assert "barnet-bugle" not in blind
    assert words(watching, "/sources?show=nonsense&kind=nonsense&borough=nowhere").startswith(
        "Sources 9 of 15 live"
    )
    assert "No source fits." in words(watching, "/sources?borough=Westminster")


def test_every_page_leads_to_the_source_that_is_blind(engine: Engine, amira: Browser) -> None:
    assert 'href="/sources/mastodon-london"' in amira.get("/queue").text
    with Session(engine) as session:
        for each in session.exec(select(SourceRow)):
            each.failures, each.last_success_at = 9, None
        session.commit()
    assert 'href="/sources?show=blind"' in amira.get("/queue").text


def test_a_source_tells_all_we_know_of_it(watching: Browser) -> None:
    page = words(watching, "/sources/hackney-gazette")
    for said in (
        "hackney-gazette Live",
        "usually one every 1 h",
        "Event “verdict”: asked every 1 min until",
        "because: a verdict is expected. It ends by itself.",
        "Kind Feed: asked again and again",
        "Boroughs Hackney",
        "Grade B of A to F",
        "Publisher's public feed, written for tests.",
        "Term #hackney Owner Nobody answers for it",
        "Configured every 10 min Its own pace every 30 min",
        "Rhythm one item every 1 h; quiet after 12 h Gone quiet no",
        "Resting until not resting",
        "Items seen: 137 in 30 days",
        "Items stored: 9 in 30 days",
        "0 of 0 stored posts are in cases",
        "Everything in the feed is newer than the last fetch.",
    ):
        assert said in page, said
    assert (page.count(" open "), page.count(" closed ")) >= (2, 1)
    assert "carnival" not in page
    assert "Today’s allowance" not in page


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("barnet-bugle", "Blind : it cannot be read for 5 h: the server answers 403 What to do: Ask them."),
        ("barnet-bugle", "Failing: 9 tries in a row Cause the server answers 403"),
        ("ealing-echo", "Gone quiet since"),
        ("merton-mail", "Asked to wait : it asked us to wait until"),
        ("reddit-search", "Agreement Not in force: no agreement for reddit is recorded"),
        ("reddit-search", "Term london police Owner Duty team Reason first-hand reports"),
        ("youtube-words", "Youtube 1,234 used, 8,766 of 10,000 left"),
        ("bexley-bee", "Switched off"),
        ("new-news", "Not yet read Never read yet"),
    ],
)
def test_a_source_says_how_it_stands(watching: Browser, name: str, said: str) -> None:
    assert said in words(watching, f"/sources/{name}")


def test_a_source_that_is_not_there_is_no_page(watching: Browser) -> None:
    for name in ("nobody", "%3Cscript%3E", "a%20b", "..%2Fqueue", "%00", "a%00b"):
        answer = watching.get(f"/sources/{name}")
        assert (answer.status_code, "<script>" in answer.text) == (404, False), name
    assert "There is no source of this name" in watching.get("/sources/nobody").text


def test_names_and_errors_with_odd_characters_are_only_shown(watching: Browser) -> None:
    listed = watching.get("/sources").text
    assert "<b>&" not in listed
    assert f'href="/sources/{quote(ODD)}"' in listed
    page = watching.get(f"/sources/{quote(ODD, safe='')}").text
    assert "<b>" not in page
    assert "<script>alert" not in page
    assert "odd &lt;b&gt;&amp;&#34;&#39;?#% name" in page


def test_the_map_shows_every_borough_with_its_state_in_words(watching: Browser) -> None:
    answer = watching.get("/coverage").text
    for name, said in (
        ("Hackney", "seen, 2 sources"),
        ("Barnet", "blind, 1 source, 1 blind"),
        ("Ealing", "blind, 2 sources, 2 blind"),
        ("Camden", "seen, 2 sources"),
        ("Bexley", "not covered, 0 sources"),
        ("City of London", "has a police of its own"),
    ):
        link = f'<a href="/sources?borough={quote(name)}" aria-label="{name}: {said}">'
        assert link in answer, name
    assert answer.count('class="gh-area gh-area--') == 33 + 5  # and the legend
    assert "© 2014 Emil Culic, MIT licence" in answer


def test_the_table_has_what_the_map_shows(watching: Browser) -> None:
    page = words(watching, "/coverage")
    table = page[page.index("Posts from its sources Posts") :]
    assert re.search(r"Ealing Blind 0 of 2 0 \d+ \d+ –", table)
    assert re.search(r"Hackney Seen 2 of 2 0 \d+ \d+ 1 h ago", table)
    assert "City of London Not the Met 0 of 0" in table
    assert table.index("Sutton Blind") < table.index("Bexley Not covered") < table.index("Hackney Seen")
    assert "of 32 seen" in page


def row(engine: Engine, name: str = "hackney-herald") -> SourceRow:
    with Session(engine) as session:
        return session.get_one(SourceRow, name)


def test_a_source_is_paused_asked_and_goes_on_from_its_page(
    engine: Engine, amira: Browser, clock: Clockwork
) -> None:
    here = "/sources/hackney-herald"
    assert (
        amira.fill_in(f"{here}/pause", hours="4", why="they move house").headers["location"]
        == f"{here}?said=paused"
    )
    page = words(amira, f"{here}?said=paused")
    assert "It goes on by itself; until then every page says so." in page
    assert "by Amira K.: they move house" in page
    assert "hackney-herald is paused until" in amira.get("/queue").text
    assert amira.fill_in(f"{here}/ask").status_code == 409
    assert amira.fill_in(f"{here}/go-on").status_code == 303
    assert row(engine).paused_until is None
    clock.ahead = timedelta(minutes=2)
    assert amira.fill_in(f"{here}/ask").headers["location"] == f"{here}?said=asked-now"
    with Session(engine) as session:
        told = session.exec(
            select(LogEntry.what)
            .where(LogEntry.who == "amira", col(LogEntry.what).startswith("source"))
            .order_by(col(LogEntry.seq))
        )
        assert list(told) == ["source paused", "source pause ended", "source asked now"]


def test_a_pause_without_reason_or_end_is_refused(engine: Engine, amira: Browser) -> None:
    here = "/sources/hackney-herald"
    assert amira.fill_in(f"{here}/pause", hours="4", why=" ").status_code == 409
    assert amira.fill_in(f"{here}/pause", hours="999", why="x").status_code == 422
    for name in ("nobody", "%00"):
        assert amira.fill_in(f"/sources/{name}/pause", hours="4", why="x").status_code == 404
    assert row(engine).paused_until is None


def test_a_gap_is_closed_from_the_page(engine: Engine, amira: Browser, clock: Clockwork) -> None:
    with Session(engine) as session:
        seed_states(session, now=clock())
        gap = session.exec(select(Gap.id).where(Gap.source == "hackney-gazette")).first()
    closing = f"/sources/hackney-gazette/gaps/{gap}/close"
    assert amira.fill_in(closing, why="looked on its site").status_code == 303
    assert amira.fill_in(closing, why="again").status_code == 409
    assert "1 open gap" in words(amira, "/sources")


def test_who_may_only_look_is_offered_nothing_to_press(tom: Browser) -> None:
    page = tom.get("/sources/hackney-herald").text
    assert ("/pause" in page, "/ask" in page) == (False, False)
    assert tom.fill_in("/sources/hackney-herald/ask").status_code == 403
