"""The tip form over real HTTP: what is sent is kept once and for good, what is refused comes back as it was written."""

import html
import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from collector.door_records import Knock
from collector.months import make_months
from collector.records import Failure, Post, SourceRow
from collector.settings import TipSettings
from tests.browser.seed import PASSWORD, Seeded
from tests.make import make_source
from tests.served import Browser, field, serve
from tests.triage.web.conftest import Clockwork
from triage.records import Membership
from triage.settings import WebSettings
from triage.web.app import desk
from triage.web.inbox import Inbox

TELLING = {
    "what": "Three officers held a man on the floor by the ticket gates.",
    "place": "Brixton station",
    "borough": "Lambeth",
    "when": "today at about 3pm",
    "links": "social.example/clip/1\nhttps://video.example/2",
}
HOSTILE = '"><script>alert(1)</script>{{ 7*7 }}\u202e</textarea><img src=x onerror=alert(2)>'


@pytest.fixture
def inbox() -> Inbox:
    return Inbox(TipSettings(an_address_an_hour=3, all_an_hour=5), b"t" * 32, b"a" * 32)


@pytest.fixture
def opened(engine: Engine, clock: Clockwork) -> None:
    with Session(engine) as session:
        session.add(make_source("tip-form", "tip"))
        make_months(session, now=clock())
        session.commit()


@pytest.fixture
def base(engine: Engine, clock: Clockwork, inbox: Inbox, opened: None) -> Iterator[str]:
    with serve(desk(engine, WebSettings(), inbox=inbox, now=clock)) as address:
        yield address


@pytest.fixture
def person(base: str) -> Iterator[Browser]:
    """Someone whom nobody knows."""
    with Browser(base) as browser:
        yield browser


def filled(browser: Browser, clock: Clockwork, **changed: str) -> dict[str, str]:
    """A form as it comes from the page, ten seconds after it was opened."""
    page = browser.get("/tip")
    clock.ahead += timedelta(seconds=10)
    return {**TELLING, "website": "", "pass": field(page.text, "pass"), **changed}


def tips(engine: Engine) -> list[Post]:
    with Session(engine) as session:
        return list(session.exec(select(Post).order_by(col(Post.collected_at))))


def errors(answer: httpx.Response) -> list[str]:
    summary = answer.text.partition('class="govuk-error-summary"')[2].partition("</ul>")[0]
    return [html.unescape(re.sub("<[^>]+>", "", each)) for each in re.findall("<li>(.*?)</li>", summary)]


def test_a_tip_is_kept_and_its_reference_given(engine: Engine, person: Browser, clock: Clockwork) -> None:
    answer = person.post("/tip", data=filled(person, clock))
    assert answer.status_code == 303
    [post] = tips(engine)
    assert answer.headers["location"] == f"/tip/sent/{post.external_id}"
    assert post.external_id in person.get(answer.headers["location"]).text
    assert post.text.splitlines() == [
        TELLING["what"],
        "Where: Brixton station, Lambeth",
        "When: today at about 3pm",
        "https://social.example/clip/1",
        "https://video.example/2",
    ]
    assert (post.url, post.source, post.platform) == ("https://social.example/clip/1", "tip-form", "tip")
    with engine.connect() as connection:
        jobs = connection.execute(text("SELECT args FROM procrastinate_jobs WHERE task_name = 'assess'"))
        assert [each.args for each in jobs] == [{"posts": [str(post.id)]}]


def test_the_same_form_sent_twice_or_many_times_at_once_is_one_tip(
    engine: Engine, base: str, person: Browser, clock: Clockwork
) -> None:
    form = filled(person, clock)
    cookies = dict(person.cookies)

    def send(_number: int) -> str:
        answer = httpx.post(f"{base}/tip", data=form, cookies=cookies, timeout=60)
        return f"{answer.status_code} {answer.headers.get('location', '')}"

    with ThreadPoolExecutor(3) as pool:
        at_once = set(pool.map(send, range(3)))
    later = {send(number) for number in range(6)}  # more than an address may send: it is the same tip
    [post] = tips(engine)
    assert at_once | later == {f"303 /tip/sent/{post.external_id}"}


def test_other_words_under_the_same_pass_are_another_tip(
    engine: Engine, person: Browser, clock: Clockwork
) -> None:
    form = filled(person, clock)
    first = person.post("/tip", data=form)
    second = person.post("/tip", data={**form, "what": "And then a fourth officer came and used spray."})
    assert first.headers["location"] != second.headers["location"]
    assert len(tips(engine)) == 2


def test_an_address_may_send_so_many_an_hour_and_keeps_what_it_wrote(
    engine: Engine, person: Browser, clock: Clockwork
) -> None:
    clock.to_half_past()
    answers = [
        person.post("/tip", data=filled(person, clock, what=f"{TELLING['what']} Number {number}"))
        for number in range(4)
    ]
    assert [each.status_code for each in answers] == [303, 303, 303, 429]
    assert "send it again in" in errors(answers[-1])[0]
    assert f"{TELLING['what']} Number 3" in answers[-1].text
    assert len(tips(engine)) == 3
    clock.ahead += timedelta(hours=1)
    form = filled(person, clock, what=f"{TELLING['what']} Number 3")
    assert person.post("/tip", data=form).status_code == 303


def test_all_together_may_send_so_many_and_the_desk_hears_of_it(
    engine: Engine, inbox: Inbox, opened: None, clock: Clockwork
) -> None:
    clock.to_half_past()
    wide = inbox._replace(tips=TipSettings(an_address_an_hour=99, all_an_hour=2))
    desks = [desk(engine, WebSettings(), inbox=wide, now=clock) for _process in range(2)]
    with serve(desks[0]) as one, serve(desks[1]) as other, Browser(one) as ann, Browser(other) as ben:
        statuses = [
            each.post("/tip", data=filled(each, clock, when=f"at {number}")).status_code
            for number, each in enumerate((ann, ben, ann, ben))
        ]
    assert statuses == [303, 303, 429, 429]
    with Session(engine) as session:
        [failure] = session.exec(select(Failure)).all()
    assert (failure.stage, failure.subject) == ("tips", "the tip form")


def test_nothing_is_kept_of_who_wrote(engine: Engine, person: Browser, clock: Clockwork) -> None:
    told = {
        "what": "They searched my bag, I am on 07700 900123 or me@example.org",
        "place": "call 020 7946 0000",
    }
    person.post("/tip", data=filled(person, clock, **told))
    [post] = tips(engine)
    assert post.author_key is None
    kept = post.text + (post.payload or b"").decode() + str(post.published_raw)
    assert "[contact details taken out]" in kept
    for secret in ("900123", "me@", "7946"):
        assert secret not in kept
    with Session(engine) as session:
        assert all(b"127.0.0.1" not in each.subject for each in session.exec(select(Knock)))


WRONG = (
    ({"what": " "}, "Enter what happened"),
    ({"what": "help"}, "Say a little more about what happened"),
    ({"what": "a" * 5_001}, "What happened must be 5,000 characters or fewer"),
    ({"place": "\t"}, "Enter where it happened, or “not sure”"),
    ({"place": "x" * 301}, "Where it happened must be 300 characters or fewer"),
    ({"borough": "Atlantis"}, "Choose a borough from the list"),
    ({"when": ""}, "Enter when it happened, or “not sure”"),
    (
        {"links": "https://a.example/1\nnot a link"},
        "Link 2 must be a web address, such as https://example.org/post",
    ),
    ({"links": "javascript:alert(1)"}, "Link 1 must be a web address, such as https://example.org/post"),
    ({"links": "\n".join(f"https://a.example/{n}" for n in range(6))}, "Enter 5 links or fewer"),
    ({"website": "https://spam.example"}, "Leave this field empty"),
)


def test_what_is_wrong_is_said_and_nothing_written_is_lost(
    engine: Engine, person: Browser, clock: Clockwork
) -> None:
    for changed, said in WRONG:
        answer = person.post("/tip", data=filled(person, clock, **changed))
        assert (answer.status_code, errors(answer)) == (422, [said])
        assert "<title>Error: " in answer.text
        [name] = changed
        assert f'href="#{name}"' in answer.text
        assert f'id="{name}-error"' in answer.text
        shown = {**TELLING, **changed}
        assert all(html.escape(shown[each], quote=False) in answer.text for each in ("what", "links"))
    assert tips(engine) == []
    mended = {**TELLING, "pass": field(answer.text, "pass")}
    assert person.post("/tip", data=mended).status_code == 303


def test_several_things_wrong_are_listed_in_the_order_of_the_page(person: Browser, clock: Clockwork) -> None:
    answer = person.post("/tip", data=filled(person, clock, what="", place="", when=""))
    assert [each.partition(",")[0] for each in errors(answer)] == [
        "Enter what happened",
        "Enter where it happened",
        "Enter when it happened",
    ]


def test_hostile_words_are_shown_escaped(engine: Engine, person: Browser, clock: Clockwork) -> None:
    changed = {name: HOSTILE for name in ("what", "place", "borough", "when", "links", "website")}
    answer = person.post("/tip", data=filled(person, clock, **changed, **{"pass": HOSTILE}))
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text
    assert "{{ 7*7 }}" in answer.text
    assert answer.text.count("</textarea>") == 2


def test_a_form_sent_at_once_is_to_be_sent_again_and_then_is_taken(
    engine: Engine, person: Browser, clock: Clockwork
) -> None:
    form = {**TELLING, "pass": field(person.get("/tip").text, "pass")}
    answer = person.post("/tip", data=form)
    assert (answer.status_code, len(tips(engine))) == (422, 0)
    assert "very quick" in errors(answer)[0]
    assert field(answer.text, "pass") == form["pass"]
    clock.ahead += timedelta(seconds=4)
    assert person.post("/tip", data=form).status_code == 303


def test_a_form_left_open_for_days_is_to_be_sent_again_and_then_is_taken(
    person: Browser, clock: Clockwork
) -> None:
    form = filled(person, clock)
    clock.ahead += timedelta(days=2)
    answer = person.post("/tip", data=form)
    assert "open for too long" in errors(answer)[0]
    clock.ahead += timedelta(seconds=10)
    assert person.post("/tip", data={**form, "pass": field(answer.text, "pass")}).status_code == 303


def forged(good: str) -> Iterator[str]:
    made, random, seal = good.split(".")
    yield from ("", ".", "..", "...", "0", "x" * 9_000, "\0", "é", f"{made}.{random}", f"{made}.{random}.")
    yield f"{int(made) - 1}.{random}.{seal}"
    yield f"{made}.{random}x.{seal}"
    yield f"{made}.{random}.{seal[::-1]}"
    yield f"{made}.{random}.{seal.upper()}"
    yield f"NaN.{random}.{seal}"


def test_a_pass_that_is_not_ours_or_not_this_browsers_takes_nothing_in(
    engine: Engine, base: str, person: Browser, clock: Clockwork
) -> None:
    form = filled(person, clock)
    for each in forged(form["pass"]):
        answer = person.post("/tip", data={**form, "pass": each})
        assert (answer.status_code, "open for too long" in errors(answer)[0]) == (422, True), each
    for cookies in ({}, {"tip": "another"}):
        assert httpx.post(f"{base}/tip", data=form, cookies=cookies, timeout=60).status_code == 422
    assert tips(engine) == []


def test_a_form_from_another_site_is_refused(engine: Engine, person: Browser, clock: Clockwork) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert person.post("/tip", data=filled(person, clock), headers=headers).status_code == 403
    assert tips(engine) == []


def test_odd_bodies_are_refused_without_a_fault(engine: Engine, person: Browser, clock: Clockwork) -> None:
    good = filled(person, clock)
    urlencoded = {"Content-Type": "application/x-www-form-urlencoded"}
    answers = [
        person.post("/tip", content=b"x" * 300_000, headers=urlencoded),
        person.post("/tip", content=b"\xff\xfe%zz&&&=;what=%00%ud800", headers=urlencoded),
        person.post("/tip", content=json.dumps(good), headers={"Content-Type": "application/json"}),
        person.post("/tip", content=b"a=1&" * 500, headers=urlencoded),
        person.post("/tip", content=b"broken", headers={"Content-Type": "multipart/form-data; boundary=x"}),
        person.post("/tip", content=b"broken", headers={"Content-Type": "multipart/form-data"}),
        person.post("/tip", files={"what": ("a.txt", b"a file")}, data=good),
        person.post("/tip", content=b""),
        person.post(
            "/tip",
            content=b'--x\r\nContent-Disposition: form-data; name="pass"\r\n\r\n\\ud800\r\n--x--\r\n',
            headers={"Content-Type": "multipart/form-data; boundary=x; charset=raw_unicode_escape"},
        ),
        person.request("PUT", "/tip", headers={"Origin": str(person.base_url).rstrip("/")}),
        person.get("/tip/sent/nothing"),
        person.get("/tip/sent/" + "A" * 3_000),
        person.get("/tip/sent/%00"),
        person.get("/tip/sent/AAAA-AAAA-AAAA-AAAA"),
    ]
    assert {each.status_code for each in answers} <= {303, 400, 401, 404, 405, 413, 422}
    assert all("default-src 'none'" in each.headers["content-security-policy"] for each in answers)
    assert tips(engine) == []


@pytest.mark.parametrize("how", ["setting", "source", "no source"])
def test_the_form_can_be_switched_off(
    engine: Engine, inbox: Inbox, opened: None, clock: Clockwork, how: str
) -> None:
    closed = inbox._replace(tips=TipSettings(open=False)) if how == "setting" else inbox
    with serve(desk(engine, WebSettings(), inbox=inbox, now=clock)) as base, Browser(base) as person:
        form = filled(person, clock)
        cookies = dict(person.cookies)
    with Session(engine) as session:
        row = session.get_one(SourceRow, "tip-form")
        row.enabled = how != "source"
        if how == "no source":
            session.delete(row)
        session.commit()
    with serve(desk(engine, WebSettings(), inbox=closed, now=clock)) as base:
        answers = [
            httpx.get(f"{base}/tip"),
            httpx.post(f"{base}/tip", data=form, cookies=cookies, timeout=60),
        ]
    assert [each.status_code for each in answers] == [503, 503]
    assert all("999" in each.text for each in answers)
    assert tips(engine) == []


def test_the_form_says_where_else_to_go_and_needs_no_script(person: Browser) -> None:
    page = person.get("/tip")
    assert page.status_code == 200
    assert "<script" not in page.text
    for word in ("999", "101", "Independent Office for Police Conduct", "contact details", "retention"):
        assert word in page.text, word
    cookie = page.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "max-age" not in cookie


def test_when_the_database_is_away_the_words_come_back(
    engine: Engine, person: Browser, clock: Clockwork
) -> None:
    form = filled(person, clock)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE post_keys RENAME TO away"))
    answer = person.post("/tip", data=form)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO post_keys"))
    assert (answer.status_code, TELLING["what"] in answer.text) == (503, True)
    assert person.post("/tip", data=form).status_code == 303


def test_behind_https_the_cookie_is_bound_to_the_host(engine: Engine, inbox: Inbox, opened: None) -> None:
    settings = WebSettings(base_url="https://desk.example")
    with serve(desk(engine, settings, inbox=inbox)) as base:
        cookie = httpx.get(f"{base}/tip").headers["set-cookie"]
    assert cookie.startswith("__Host-tip=")
    assert "secure" in cookie.lower()


def test_someone_signed_in_may_use_the_form_too(
    engine: Engine, base: str, clock: Clockwork, visit: Callable[[], Browser], seeded: object
) -> None:
    browser = visit()
    assert browser.sign_in("amira", PASSWORD).status_code == 303
    assert browser.post("/tip", data=filled(browser, clock)).status_code == 303


def test_staff_find_a_tip_by_its_reference(
    engine: Engine, base: str, clock: Clockwork, visit: Callable[[], Browser], seeded: Seeded
) -> None:
    browser = visit()
    browser.sign_in("amira", PASSWORD)
    reference = browser.post("/tip", data=filled(browser, clock)).headers["location"].rpartition("/")[2]
    [post] = [each for each in tips(engine) if each.external_id == reference]
    alone = browser.get("/search", params={"q": f" {reference.lower()} "})
    assert alone.headers["location"] == f"/manual/{post.id}"
    page = browser.get(alone.headers["location"]).text
    assert f"Tip {reference}" in page
    assert TELLING["what"] in page
    with Session(engine) as session:
        session.add(Membership(post_id=post.id, case_id=seeded.cases[0].id, how="new", joined_at=clock()))
        session.commit()
    assert browser.get("/search", params={"q": reference}).headers["location"] == "/cases/1"
    assert browser.get("/search", params={"q": "AAAA-BBBB-CCCC-DDDD"}).status_code == 200
