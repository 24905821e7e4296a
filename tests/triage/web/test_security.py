"""Who gets in, what every answer carries, and what a change must bring: on a real server."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import pytest
from fastapi import APIRouter, FastAPI, HTTPException
from fastapi.routing import APIRoute
from sqlalchemy import Engine, text
from sqlmodel import Session, select
from starlette.routing import BaseRoute, Mount

from tests.browser.seed import PASSWORD, Seeded
from tests.served import Browser, field, serve
from tests.triage.web.conftest import Clockwork
from tests.triage.web.listed import OPEN_TO_ALL, SIGNED_IN, SIGNED_IN_WITH_TOKEN
from triage import people
from triage.permissions import Permission, may
from triage.records import Case, LogEntry, Person
from triage.settings import WebSettings
from triage.sign_in_records import WebSession
from triage.web.app import desk
from triage.web.permitted import NEEDS
from triage.web.security import safe_next


def routes(found: list[BaseRoute]) -> Iterator[str]:
    for route in found:
        if isinstance(route, APIRoute):
            yield from (f"{method} {route.path}" for method in route.methods or ())
        elif isinstance(route, Mount):
            yield f"MOUNT {route.path}"
        else:
            inner = getattr(route, "original_router", None)
            assert inner is not None, f"a kind of route this test does not know: {route!r}"
            yield from routes(inner.routes)


def filled(route: str) -> tuple[str, str]:
    method, path = route.split(" ", 1)
    return method, path.replace("{ref}", "1").replace("{token}", "nothing").replace("{name}", "bluesky")


def test_every_route_has_been_decided_on(engine: Engine) -> None:
    found = set(routes(desk(engine, WebSettings()).routes))
    assert found == OPEN_TO_ALL | SIGNED_IN | SIGNED_IN_WITH_TOKEN


def test_a_stranger_gets_nothing(stranger: Browser) -> None:
    for route in sorted(SIGNED_IN | SIGNED_IN_WITH_TOKEN):
        method, path = filled(route)
        answer = stranger.request(method, path)
        sent_away = method == "GET" and not path.startswith("/api/")
        assert answer.status_code == (303 if sent_away else 401), route
        assert answer.headers.get("location", "/sign-in?next=").startswith("/sign-in?next="), route
        assert "Brixton" not in answer.text, route


def test_a_stranger_cannot_tell_which_addresses_exist(stranger: Browser) -> None:
    known, unknown = stranger.get("/cases/1"), stranger.get("/cases/999")
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text) == (303, "")
    assert stranger.get("/no/such/page").status_code == 303


def test_a_change_without_the_token_is_refused(amira: Browser) -> None:
    for route in sorted(SIGNED_IN_WITH_TOKEN):
        method, path = filled(route)
        without = amira.request(method, path, data={"desk": "comms"})
        wrong = amira.request(method, path, headers={"X-CSRF-Token": "guess"})
        assert (without.status_code, wrong.status_code) == (403, 403), route


def test_a_refused_form_gives_back_what_was_written_in_it_but_no_secret(amira: Browser) -> None:
    written = {"words": "Sent to <both> desks", "new": "a long password", "csrf": "not the token"}
    refused = amira.request("POST", "/cases/1/statements/1/comment", data=written)
    assert refused.status_code == 403
    assert "Sent to &lt;both&gt; desks</textarea>" in refused.text
    assert "a long password" not in refused.text
    assert "not the token" not in refused.text


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_a_change_from_another_site_is_refused(amira: Browser, origin: str) -> None:
    headers = {"Origin": origin, "X-CSRF-Token": amira.token}
    for route in sorted(SIGNED_IN_WITH_TOKEN | {"POST /sign-in"}):
        method, path = filled(route)
        answer = amira.request(method, path, headers=headers)
        assert (answer.status_code, answer.text) == (403, "This request came from another site."), route


def test_a_change_that_browsers_mark_as_cross_site_is_refused(amira: Browser) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "X-CSRF-Token": amira.token}
    assert amira.post("/cases/1/claim", headers=headers).status_code == 403


def test_looking_changes_nothing(engine: Engine, amira: Browser, seeded: Seeded) -> None:
    def everything() -> list[object]:
        tables = ("cases", "alerts", "clocks", "log_entries", "memberships", "people", "statements")
        digest = "SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {} t"
        with engine.connect() as connection:
            return [connection.execute(text(digest.format(table))).scalar() for table in tables]

    amira.get("/cases/1")  # that someone has seen a case is noted, once in ten minutes
    before = everything()
    # none of these has id 1
    elsewhere = {
        "GET /live",
        "GET /log",
        "GET /manual/{ref}",
        "GET /claims/{ref}",
        "GET /accountability/{name}",
    }
    taken_away = {"GET /statements.csv", "GET /statements.json"}  # what is taken away stands in the log
    of_others = ("{footage}", "{post}", "{reveal}", "{number}", "{day}")
    for route in sorted(
        each for each in SIGNED_IN - elsewhere - taken_away if not any(name in each for name in of_others)
    ):
        if not may(seeded.officer, NEEDS.get(route, Permission.OWN_ACCOUNT)):
            continue  # a denial stands in the log
        _, path = filled(route)
        query = "?since=2026-01-01T00:00:00Z" if path == "/queue/new" else ""
        assert amira.get(path + query).status_code in (200, 303), path
    assert everything() == before


def test_every_answer_carries_the_headers(base: str, amira: Browser, stranger: Browser) -> None:
    answers = [
        amira.get("/queue"),
        amira.get("/cases/1"),
        amira.get("/cases/999"),
        amira.get("/api/v1/cases/999"),
        amira.get("/queue/new?since=nonsense"),
        amira.post("/cases/1/claim"),
        amira.request("PUT", "/queue", headers={"Origin": base}),
        amira.get("/static/desk.css?v=1"),
        amira.get("/static/nothing.css"),
        stranger.get("/sign-in"),
        stranger.get("/queue"),
        stranger.get("/healthz"),
        stranger.get("/queue", headers={"Host": "evil.example"}),
        stranger.get("/sign-in/" + "a" * 5000),
        amira.post("/cases/1/claim", content=b"x" * 300_000),
    ]
    assert {each.status_code for each in answers} >= {200, 303, 403, 404, 405, 413, 421, 422}
    for each in answers:
        policy = each.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert each.headers["x-content-type-options"] == "nosniff"
        assert each.headers["referrer-policy"] == "same-origin"
        assert "strict-transport-security" not in each.headers
        cached = each.url.path.startswith("/static/") and each.status_code == 200
        assert ("no-store" in each.headers["cache-control"]) is not cached


def test_a_bug_is_told_without_its_trace(engine: Engine, seeded: Seeded, clock: Clockwork) -> None:
    door = APIRouter()

    @door.get("/broken")
    def broken() -> None:
        raise RuntimeError("secret words of the trace")

    app = desk(engine, WebSettings(), doors=[door], now=clock)
    with serve(app) as base, httpx.Client(base_url=base) as client:
        answer = client.get("/broken")
    assert answer.status_code == 500
    assert "secret words" not in answer.text
    assert "Traceback" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


def test_what_an_error_says_is_escaped(engine: Engine, seeded: Seeded, clock: Clockwork) -> None:
    door = APIRouter()

    @door.get("/refusing")
    def refusing(word: str) -> None:
        raise HTTPException(400, word)

    with serve(desk(engine, WebSettings(), doors=[door], now=clock)) as base:
        answer = httpx.get(f"{base}/refusing", params={"word": "<script>alert(1)</script>"})
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert" in answer.text


def test_a_door_checks_its_own_callers(engine: Engine, seeded: Seeded) -> None:
    door = APIRouter()

    @door.post("/slack/interactions")
    def knock() -> dict[str, str]:
        return {"heard": "yes"}

    with serve(desk(engine, WebSettings(), doors=[door])) as base:
        answer = httpx.post(f"{base}/slack/interactions", headers={"Origin": "https://slack.example"})
    assert answer.json() == {"heard": "yes"}
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_behind_https_cookies_are_bound_to_the_host_and_browsers_stay_on_https(
    engine: Engine, seeded: Seeded
) -> None:
    settings = WebSettings(base_url="https://desk.example")
    with serve(desk(engine, settings)) as base, Browser(base) as browser:
        page = browser.get("/sign-in")
        door_cookie = page.headers["set-cookie"]
        headers = {"Origin": "https://desk.example", "Cookie": f"__Host-door={field(page.text, 'door')}"}
        form = {"username": "amira", "password": PASSWORD, "door": field(page.text, "door")}
        answer = browser.post("/sign-in", data=form, headers=headers)
        foreign = browser.post("/sign-in", data=form, headers={**headers, "Origin": base})
    assert "max-age=31536000" in answer.headers["strict-transport-security"]
    for cookie in (door_cookie, answer.headers["set-cookie"]):
        assert cookie.startswith("__Host-")
        assert {"secure", "httponly", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}
        assert "domain" not in cookie.lower()
    assert foreign.status_code == 403


def test_the_token_is_new_at_each_sign_in(amira: Browser) -> None:
    first = amira.cookies["goldenhour"]
    amira.fill_in("/sign-out")
    amira.cookies.set("goldenhour", "planted-by-someone-else", domain="127.0.0.1", path="/")
    amira.sign_in("amira", PASSWORD)
    second = amira.cookies.get("goldenhour", domain="127.0.0.1")
    assert second not in (first, "planted-by-someone-else", None)


def test_the_cookie_cannot_be_read_by_scripts_or_sent_from_elsewhere(stranger: Browser) -> None:
    cookie = stranger.sign_in("amira", PASSWORD).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_only_the_digest_of_a_token_is_kept(engine: Engine, amira: Browser) -> None:
    token = amira.cookies["goldenhour"]
    with Session(engine) as session:
        kept = session.exec(select(WebSession)).all()
    assert all(token.encode() not in each.token_sha256 for each in kept)


def test_a_signed_out_token_is_worth_nothing(amira: Browser) -> None:
    token = amira.cookies["goldenhour"]
    assert amira.fill_in("/sign-out").headers["location"] == "/sign-in?said=signed-out"
    amira.cookies.set("goldenhour", token, domain="127.0.0.1", path="/")
    assert amira.get("/queue").status_code == 303


@pytest.mark.parametrize("later", [timedelta(minutes=61), timedelta(hours=13)], ids=["idle", "too old"])
def test_a_session_ends_by_itself(amira: Browser, clock: Clockwork, later: timedelta) -> None:
    assert amira.get("/queue").status_code == 200
    clock.ahead = later
    assert amira.get("/queue").status_code == 303


def test_an_open_page_that_only_refreshes_itself_does_not_keep_the_session(
    amira: Browser, clock: Clockwork
) -> None:
    for minutes in range(10, 70, 10):
        clock.ahead = timedelta(minutes=minutes)
        amira.get("/banners", headers={"X-Quiet": "1"})
    clock.ahead = timedelta(minutes=61)
    assert amira.get("/queue").status_code == 303


def test_someone_who_works_stays_signed_in(amira: Browser, clock: Clockwork) -> None:
    for minutes in range(30, 180, 30):
        clock.ahead = timedelta(minutes=minutes)
        assert amira.get("/queue").status_code == 200


def test_a_disabled_person_is_out_at_once(engine: Engine, amira: Browser, clock: Clockwork) -> None:
    with Session(engine) as session:
        person = session.exec(select(Person).where(Person.username == "amira")).one()
        person.disabled_at = clock()
        session.commit()
    assert amira.get("/queue").status_code == 303


def test_a_wrong_name_and_a_wrong_password_are_told_alike(stranger: Browser) -> None:
    name, password = stranger.sign_in("nobody", PASSWORD), stranger.sign_in("amira", "wrong words")
    assert name.status_code == password.status_code == 422
    for answer in (name, password):
        assert "The user name or password is not right" in answer.text
        assert "set-cookie" not in answer.headers or "goldenhour" not in answer.headers["set-cookie"]


def test_guessing_is_slowed_down(stranger: Browser) -> None:
    answers = [stranger.sign_in("amira", f"guess {n}").status_code for n in range(11)]
    assert answers == [422] * 10 + [429]
    assert stranger.sign_in("amira", PASSWORD).status_code == 429


def test_a_sign_in_form_must_come_from_this_browser(stranger: Browser) -> None:
    form = {"username": "amira", "password": PASSWORD, "door": "made-up"}
    assert "This page was open too long" in stranger.post("/sign-in", data=form).text
    assert "goldenhour" not in stranger.cookies


def test_a_link_signs_in_once_and_asks_for_a_password(
    engine: Engine, stranger: Browser, visit: Callable[[], Browser], clock: Clockwork
) -> None:
    with Session(engine) as session:
        person = people.create_person(session, "noor", "Noor A.", now=clock())
        link = f"/sign-in/{people.make_link(session, person, now=clock())}"
        session.commit()
    looked_at = visit()
    assert "Sign in with this link" in looked_at.get(link).text  # a program that looks does not use it up
    door = field(stranger.get(link).text, "door")
    answer = stranger.post(link, data={"door": door})
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert "Choose a password" in stranger.get("/account").text
    again = visit()
    door = field(again.get(link).text, "door")
    assert "has been used or is too old" in again.post(link, data={"door": door}).text


def test_a_new_password_signs_out_other_browsers(amira: Browser, visit: Callable[[], Browser]) -> None:
    other = visit()
    other.sign_in("amira", PASSWORD)
    new = "seven green kettles"
    assert amira.fill_in("/account/password", new=new, again=new, current="wrong").status_code == 422
    assert amira.fill_in("/account/password", new="short", again="short", current=PASSWORD).status_code == 422
    assert amira.fill_in("/account/password", new=new, again=new, current=PASSWORD).status_code == 303
    assert amira.get("/queue").status_code == 200
    assert other.get("/queue").status_code == 303
    assert visit().sign_in("amira", new).status_code == 303


def test_signing_in_and_out_and_being_refused_are_logged(
    engine: Engine, amira: Browser, stranger: Browser
) -> None:
    stranger.sign_in("amira", "wrong words here")
    amira.fill_in("/sign-out")
    with Session(engine) as session:
        told = [each.what for each in session.exec(select(LogEntry).order_by(LogEntry.seq)).all()]  # type: ignore[arg-type]
    assert [each for each in told if each.startswith("sign")][-3:] == [
        "signed in",
        "sign-in refused",
        "signed out",
    ]
    assert told[-1] == "signed out", "after what this person held was freed"


@pytest.mark.parametrize(
    ("asked", "to"),
    [
        ("/cases/3?posts=2", "/cases/3?posts=2"),
        ("//evil.example", "/queue"),
        ("/\\evil.example", "/queue"),
        ("https://evil.example", "/queue"),
        ("/queue\r\nSet-Cookie: a=b", "/queue"),
        ("\t//evil.example", "/queue"),
        ("/\t/evil.example", "/queue"),
        ("", "/queue"),
    ],
)
def test_after_signing_in_one_stays_on_our_site(asked: str, to: str) -> None:
    assert safe_next(asked) == to


def test_other_host_names_are_not_served(stranger: Browser) -> None:
    assert stranger.get("/sign-in", headers={"Host": "rebound.example"}).status_code == 421


def test_ids_of_other_tables_are_not_cases(amira: Browser, seeded: Seeded) -> None:
    assert amira.get(f"/cases/{seeded.officer.id}").status_code == 404
    assert amira.get(f"/cases/{seeded.cases[0].id}").status_code == 200
    assert amira.get("/cases/GH-1").status_code == 200
    assert amira.get("/cases/99999999999999999999").status_code == 404


def test_extra_fields_change_nothing(engine: Engine, amira: Browser) -> None:
    amira.fill_in("/cases/1/claim", severity="5", status="noise", title="changed")
    body = {"status": "noise", "why": "test", "severity": 5}
    refused = amira.post("/api/v1/cases/1/dismiss", json=body, headers={"X-CSRF-Token": amira.token})
    assert refused.status_code == 422
    with Session(engine) as session:
        case = session.exec(select(Case).where(Case.number == 1)).one()
    assert (case.severity, case.status, case.title) == (1, "triaged", "Person unresponsive after restraint")


def test_the_app_keeps_no_documentation_pages(engine: Engine) -> None:
    app: FastAPI = desk(engine, WebSettings())
    assert (app.docs_url, app.redoc_url, app.openapi_url) == (None, None, None)
