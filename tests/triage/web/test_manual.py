"""Pasting a link over real HTTP: kept with what its platform tells, or with why it told nothing; never twice."""

import html
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, select

from collector.http import Http
from collector.months import make_months
from collector.oembed import Provider
from collector.records import Media, Post, SourceRow
from collector.settings import HttpSettings, TipSettings
from collector.sources.manual import read_pasted
from config.settings import HERE
from tests.browser.seed import PASSWORD
from tests.doubles.interface import Interface, Said, running_interface
from tests.make import LIFECYCLE, make_assessment, make_case, make_person, make_post, make_source
from tests.served import Browser, serve
from tests.triage.web.conftest import Clockwork
from triage import people
from triage.memory import Memory
from triage.records import Case, LogEntry, Membership, Routing
from triage.route import route
from triage.rules import read_rules
from triage.settings import TriageSettings, WebSettings
from triage.web.app import desk
from triage.web.inbox import Inbox

LINK = "https://clips.example/v/123"
FORM = {
    "link": LINK,
    "note": "Two officers hold a man on the ground outside Brixton station, one kneels on his back.",
    "why": "The press bureau is asked about it",
    "case": "",
}
TOLD = {
    "type": "video",
    "title": "Outside the station",
    "author_name": "Some One",
    "author_url": "https://clips.example/@someone",
    "thumbnail_url": "https://clips.example/123.jpg",
}
HOSTILE = '"><script>alert(1)</script>{{ 7*7 }}<img src=x onerror=alert(2)>'


@pytest.fixture
def platform() -> Iterator[Interface]:
    with running_interface() as interface:
        interface.says("/oembed", TOLD)
        yield interface


@pytest.fixture
def base(engine: Engine, clock: Clockwork, platform: Interface) -> Iterator[str]:
    clips = Provider(
        name="Clips", hosts=("clips.example",), posts=(r"/v/\d+",), endpoint=f"{platform.url}/oembed"
    )
    closed = Provider(
        name="Walled", hosts=("walled.example",), posts=("/p/.+",), closed="Walled asks everybody to sign in"
    )
    with Session(engine) as session:
        make_months(session, now=clock())
        session.add(make_source("pasted-links", "manual"))
        person = make_person(username="amira", password_hash=people.digest_password(PASSWORD))
        session.add_all([person, make_case()])
        session.flush()
        session.add(make_case())
        session.commit()
    allowed = HttpSettings(allow=(platform.authority,), total_s=2.0, read_s=1.0)
    with Http(allowed) as http:
        inbox = Inbox(TipSettings(), b"t" * 32, b"a" * 32, (clips, closed), http)
        with serve(desk(engine, WebSettings(), inbox=inbox, now=clock)) as address:
            yield address


def paste(browser: Browser, **changed: str) -> httpx.Response:
    return browser.fill_in("/manual", **{**FORM, **changed})


def posts(engine: Engine) -> list[Post]:
    with Session(engine) as session:
        return list(session.exec(select(Post)))


def logged(engine: Engine, what: str) -> list[LogEntry]:
    with Session(engine) as session:
        return list(session.exec(select(LogEntry).where(LogEntry.what == what)))


def test_a_link_is_kept_with_what_its_platform_tells(engine: Engine, amira: Browser) -> None:
    answer = paste(amira, link=f"{LINK}?utm_source=share")
    [post] = posts(engine)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/manual/{post.id}?said=pasted")
    assert (post.url, post.title, post.text) == (LINK, "Outside the station", FORM["note"])
    assert (post.source, post.platform, post.let_in_by) == ("pasted-links", "manual", "sent to us")
    assert post.has_video
    assert len(post.author_key or b"") == 16
    assert b"someone" not in (post.payload or b"")
    with Session(engine) as session:
        assert {each.url for each in session.exec(select(Media))} == {LINK, "https://clips.example/123.jpg"}
    with engine.connect() as connection:
        [fetched] = connection.execute(text("SELECT url, headers FROM fetches")).all()
        [job] = connection.execute(text("SELECT args FROM procrastinate_jobs WHERE task_name = 'assess'"))
    assert "/oembed?url=https%3A%2F%2Fclips.example%2Fv%2F123" in fetched.url
    assert job.args == {"posts": [str(post.id)]}
    page = amira.get(answer.headers["location"]).text
    assert "Outside the station" in page
    assert "Waiting to be assessed" in page
    [line] = logged(engine, "link pasted")
    assert (line.who, line.why, line.detail) == ("amira", FORM["why"], {"post": str(post.id)})


SILENT = (
    (Said(b"<!doctype html><title>Log in</title>"), "did not answer with what its interface promises"),
    (Said(b"", 401), "asks for a login"),
    (Said(b"", 404), "may be deleted, or not public"),
    (Said(b"", 500), "answered 500"),
)


def test_a_platform_that_tells_nothing_is_said_and_the_link_is_kept_all_the_same(
    engine: Engine, platform: Interface, amira: Browser
) -> None:
    for number, (said, because) in enumerate(SILENT):
        platform.refusing = said
        answer = paste(amira, link=f"https://clips.example/v/{number}")
        [post] = [each for each in posts(engine) if each.url == f"https://clips.example/v/{number}"]
        assert answer.headers["location"] == f"/manual/{post.id}?said=pasted-silent"
        page = html.unescape(amira.get(answer.headers["location"]).text)
        assert "Its platform told us nothing" in page
        assert because in page
        assert (post.title, post.author_key, post.text) == (None, None, FORM["note"])
        kept = read_pasted(post.payload)
        assert kept is not None
        assert because in (kept.silent or "")


def test_a_platform_behind_a_login_and_an_unknown_site_are_not_asked(
    platform: Interface, amira: Browser
) -> None:
    for link, because in (
        ("https://walled.example/p/1", "Walled asks everybody to sign in"),
        ("https://blog.example/1", "no platform we know how to ask"),
    ):
        page = amira.get(paste(amira, link=link).headers["location"]).text
        assert because in page
    assert platform.log == []


def test_a_link_goes_into_the_case_that_is_named_and_is_not_routed_again(
    engine: Engine, amira: Browser, clock: Clockwork
) -> None:
    answer = paste(amira, case="gh-1")
    [post] = posts(engine)
    assert "GH-1" in amira.get(answer.headers["location"]).text
    with Session(engine) as session:
        [membership] = session.exec(select(Membership)).all()
        routing = session.get_one(Routing, post.id)
        case = session.get_one(Case, membership.case_id)
        assert (case.number, case.post_count, case.sources) == (1, 1, ["pasted-links"])
        assert (routing.rule, routing.because, routing.case_id) == (
            "put into a case by a person", FORM["why"], case.id,
        )  # fmt: skip
        session.add(make_assessment(post, at=clock()))
        session.commit()
        memory = Memory.of(HERE / "matching" / "rarity.bin", TriageSettings())
        assert (
            route(session, [post.id], read_rules(HERE / "rules.toml"), memory, LIFECYCLE, now=clock()).posts
            == 0
        )
    [joined] = logged(engine, "post joined")
    assert (joined.why, joined.detail) == (FORM["why"], {"post": str(post.id)})


def test_without_a_case_it_is_routed_like_any_post(engine: Engine, amira: Browser, clock: Clockwork) -> None:
    address = paste(amira).headers["location"]
    [post] = posts(engine)
    with Session(engine) as session:
        session.add(make_assessment(post, at=clock()))
        session.commit()
        memory = Memory.of(HERE / "matching" / "rarity.bin", TriageSettings())
        routed = route(session, [post.id], read_rules(HERE / "rules.toml"), memory, LIFECYCLE, now=clock())
        session.commit()
    assert routed.opened == 1
    assert "GH-3" in amira.get(address).text


def test_a_link_that_is_here_already_leads_to_its_case(engine: Engine, amira: Browser) -> None:
    first = paste(amira, case="1")
    again = paste(amira, link=f"{LINK}?fbclid=abc#top", note="Another wording of the very same thing.")
    assert again.headers["location"] == first.headers["location"].replace("pasted", "known-link")
    page = amira.get(again.headers["location"]).text
    assert "This link was here already" in page
    assert "GH-1" in page
    into_another = paste(amira, case="2")
    assert into_another.status_code == 409
    assert "in GH-1 already" in into_another.text
    assert paste(amira, case="1").status_code == 303
    assert len(posts(engine)) == 1


def test_a_link_that_a_source_showed_us_is_known_and_can_be_put_into_a_case(
    engine: Engine, amira: Browser, clock: Clockwork
) -> None:
    with Session(engine, expire_on_commit=False) as session:
        session.add(shown := make_post(url=LINK, source="hackney-herald", collected_at=clock()))
        session.commit()
    assert paste(amira).headers["location"] == f"/manual/{shown.id}?said=known-link"
    assert paste(amira, case="2").headers["location"] == f"/manual/{shown.id}?said=joined"
    page = amira.get(f"/manual/{shown.id}").text
    assert "GH-2" in page
    assert "hackney-herald" in page
    assert [each.id for each in posts(engine)] == [shown.id]


def test_what_is_wrong_is_said_and_nothing_written_is_lost(
    engine: Engine, platform: Interface, amira: Browser
) -> None:
    for changed, said in (
        ({"link": ""}, "Enter the address of one post or video"),
        ({"link": "javascript:alert(1)"}, "Enter the address of one post or video"),
        ({"link": "https://clips.example/@someone"}, "We look at incidents, never at accounts"),
        ({"note": "see"}, "Say in a sentence what it shows"),
        ({"note": "x" * 5_001}, "must be 5,000 characters or fewer"),
        ({"why": " "}, "Say why we need it"),
        ({"why": "x" * 501}, "must be 500 characters or fewer"),
        ({"case": "GH-99"}, "There is no such case"),
        ({"case": HOSTILE}, "There is no such case"),
    ):
        answer = paste(amira, **changed)
        assert answer.status_code == 422, changed
        [name] = changed
        assert said in answer.text.partition(f'<a href="#{name}">')[2].partition("</a>")[0], changed
        assert FORM["why"] in answer.text or "why" in changed
    assert platform.log == []
    assert posts(engine) == []


def test_hostile_words_are_shown_escaped_and_no_script_is_linked(platform: Interface, amira: Browser) -> None:
    platform.says("/oembed", {**TOLD, "title": HOSTILE, "thumbnail_url": "javascript:alert(3)"})
    refused = paste(amira, link=HOSTILE, note=HOSTILE, why=HOSTILE, case=HOSTILE)
    kept = paste(amira, note=HOSTILE, why=HOSTILE, case="1")
    pages = [refused.text, *(amira.get(each).text for each in (kept.headers["location"], "/cases/1"))]
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "javascript:alert(3)" not in page
    assert "{{ 7*7 }}" in pages[1]


def test_a_form_is_opened_with_what_its_address_gives(amira: Browser) -> None:
    page = amira.get("/manual", params={"case": "12", "link": LINK}).text
    assert 'value="12"' in page
    assert f'value="{LINK}"' in page


def test_pasting_can_be_switched_off(engine: Engine, amira: Browser) -> None:
    with Session(engine) as session:
        session.get_one(SourceRow, "pasted-links").enabled = False
        session.commit()
    answer = paste(amira)
    assert answer.status_code == 503
    assert "pasted-links in sources.toml" in answer.text
    assert posts(engine) == []


def test_a_link_of_nobody_is_not_there(amira: Browser) -> None:
    for ref in ("1", "00000000-0000-0000-0000-000000000000", "%00", "x" * 3_000):
        assert amira.get(f"/manual/{ref}").status_code == 404


def test_a_withdrawn_link_says_so(engine: Engine, amira: Browser, clock: Clockwork) -> None:
    address = paste(amira).headers["location"]
    with engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE posts SET withdrawn_at = :now, withdrawn_because = 'asked for', payload = NULL, url = NULL"
            ),
            {"now": clock()},
        )
    page = amira.get(address)
    assert (page.status_code, "asked for" in page.text) == (200, True)
