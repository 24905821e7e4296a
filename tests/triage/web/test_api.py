"""The JSON interface: the same reads and acts as the pages, described by its OpenAPI document."""

import re
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlmodel import Session

from tests.browser.seed import Seeded
from tests.browser.seed_claims import seed_claims
from tests.served import Browser


def send(browser: Browser, path: str, body: object = None) -> tuple[int, dict[str, object]]:
    answer = browser.post(f"/api/v1{path}", json=body, headers={"X-CSRF-Token": browser.token})
    return answer.status_code, answer.json()


def test_the_queue_in_json_has_the_order_and_filters_of_the_page(looking: Browser) -> None:
    told = looking.get("/api/v1/cases").json()
    assert (told["total"], told["page"], told["pages"]) == (24, 1, 1)
    page = looking.get("/queue").text
    shown = [page.index(f'id="case-{each["number"]}"') for each in told["cases"]]
    assert shown == sorted(shown)
    assert {each["bcu"] for each in looking.get("/api/v1/cases?bcu=AS").json()["cases"]} == {"AS"}


def test_a_case_in_json_has_its_posts_without_their_authors(looking: Browser) -> None:
    told = looking.get("/api/v1/cases/1").json()
    assert told["severity"] == 1
    assert told["unacknowledged_by"] == ["comms", "oversight"]
    assert told["clocks"][0]["name"] == "Acknowledge"
    assert told["posts"][0]["signals"][0] == {
        "words": "not breathing",
        "because": "reports that someone is not breathing",
    }
    assert "author" not in str(told)


def test_a_confirmed_case_in_json_has_its_tracks_with_their_clocks_and_its_claims(
    engine: Engine, seeded: Seeded, amira: Browser
) -> None:
    assert (amira.get("/api/v1/cases/7").json()["tracks"], seeded.cases[6].number) == ([], 7)
    amira.fill_in("/cases/7/confirm")
    with Session(engine) as session:
        seed_claims(session, seeded.cases[6], seeded.officer, now=datetime.now(UTC))
        session.commit()
    told = amira.get("/api/v1/cases/7").json()
    tracks = {each["name"]: each for each in told["tracks"]}
    assert set(tracks) == {"comms", "conduct", "oversight", "community"}
    assert tracks["comms"]["title"] == "Line to be decided"
    assert tracks["oversight"]["clocks"][0].keys() == {"name", "due_at", "state", "says"}
    claims = told["claims"]
    assert [(each["number"], each["state"], each["ours"]) for each in claims][1:] == [
        (2, "disputed", False),
        (3, "unverified", True),
    ]
    assert claims[0]["posts"] > 0
    assert "noted_by" not in str(told)


def test_acts_by_json(amira: Browser, tom: Browser) -> None:
    status, case = send(amira, "/cases/7/claim")
    assert (status, case["claimed_by"]) == (200, "Amira K.")
    assert send(tom, "/cases/7/claim")[0] == 409
    status, case = send(amira, "/cases/7/acknowledge", {"desk": "comms"})
    assert (status, case["unacknowledged_by"]) == (200, ["oversight"])
    assert send(amira, "/cases/7/acknowledge", {"desk": "press"})[0] == 422
    assert send(amira, "/cases/7/dismiss", {"status": "noise", "why": ""})[0] == 422
    status, case = send(amira, "/cases/7/dismiss", {"status": "noise", "why": "a game"})
    assert (status, case["status"]) == (200, "noise")
    assert send(amira, "/cases/7/release")[0] == 409
    assert send(amira, "/cases/999/claim")[0] == 404


def test_a_case_cannot_be_dismissed_into_an_open_state(amira: Browser) -> None:
    assert send(amira, "/cases/7/dismiss", {"status": "confirmed", "why": "x"})[0] == 422


def test_the_other_reads(looking: Browser) -> None:
    alerts = looking.get("/api/v1/alerts?desk=comms").json()
    assert {each["desk"] for each in alerts} == {"comms"}
    assert alerts[0]["deliveries"]
    sources = {each["name"]: each["blind"] for each in looking.get("/api/v1/sources").json()}
    assert sources["bluesky"] is None
    assert re.fullmatch(r"cannot be read for 4\d min: the server does not answer", sources["mastodon-london"])
    drafts = looking.get("/api/v1/statements").json()
    assert drafts[0]["missing"] == ["time of the encounter", "body-worn video reviewed"]
    health = looking.get("/api/v1/healthz").json()
    assert (health["well"], health["live_sources"], health["all_sources"]) == (False, 3, 4)
    assert looking.get("/healthz").text == "ok"


def test_the_description_names_every_operation_and_no_page(looking: Browser) -> None:
    told = looking.get("/api/v1/openapi.json").json()
    assert set(told["paths"]) == {
        f"/api/v1{path}"
        for path in (
            "/me",
            "/healthz",
            "/cases",
            "/cases/{ref}",
            "/cases/{ref}/claim",
            "/cases/{ref}/release",
            "/cases/{ref}/acknowledge",
            "/cases/{ref}/dismiss",
            "/alerts",
            "/sources",
            "/statements",
        )
    }
    for operations in told["paths"].values():
        for operation in operations.values():
            assert {"401", "403", "404", "409", "422"} <= set(operation["responses"])
