"""Requests made up from what every operation says of itself, in each role: nothing is answered with a server error."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import httpx
import pytest
import schemathesis
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import Case
from schemathesis.core.result import Ok
from sqlalchemy import Engine
from sqlmodel import Session
from starlette.routing import BaseRoute

from config.knowing import known_of
from config.postgres import Cluster
from config.settings import Settings
from tests.browser.seed import seed
from tests.browser.seed_claims import seed_claims
from tests.make import LIFECYCLE, make_person, make_source
from tests.served import Browser, fresh_database, serve
from triage.policies import Policies
from triage.records import Desk, Role
from triage.settings import WebSettings
from triage.web import sessions
from triage.web.app import desk

Request = Case[Any]
EXAMPLES = 3
NOT_ENDING = {"GET /live"}  # stays open; test_live.py asks it
ENDS_SESSIONS = {"POST /sign-out", "POST /account/password"}  # test_security.py asks them
KNOWN = {
    "ref": ["1", "7", "GH-3", "C-1", "2"],
    "name": ["bluesky", "mastodon-london"],
    "act": ["pause", "resume", "met", "claim", "acknowledge"],
}


class Served(NamedTuple):
    """A desk, what its operations say of themselves, every page and form among them, and requests made up from it."""

    base: str
    engine: Engine
    described: dict[str, Any]
    requests: dict[str, list[Request]]


@pytest.fixture(scope="module")
def served(cluster: Cluster) -> Iterator[Served]:
    now = datetime.now(UTC)
    with fresh_database(cluster) as engine:
        with Session(engine, expire_on_commit=False) as session:
            made = seed(session, now=now)
            seed_claims(session, made.cases[0], made.officer, now=now)
            session.add_all([make_source("tip-form", "tip"), make_source("pasted-links", "manual")])
            session.commit()
        policies = Policies(known=known_of(Settings()))
        app = desk(engine, WebSettings(), channels=["slack"], lifecycle=LIFECYCLE, policies=policies)
        described = description(app.routes)
        with serve(app) as base:
            yield Served(base, engine, described, made_up(described))


def description(routes: list[BaseRoute]) -> dict[str, Any]:
    """OpenAPI of every operation, with ids that exist beside made-up ones."""
    found = list(operations(routes))
    for each in found:
        each.include_in_schema = True
    told = get_openapi(title="Golden Hour", version="1", routes=found)
    for path in told["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", []):
                known = KNOWN.get(parameter["name"])
                if known and parameter["in"] == "path":
                    parameter["schema"] = {"anyOf": [{"enum": known}, {"type": "string", "maxLength": 60}]}
    return told


def operations(routes: list[BaseRoute]) -> Iterator[APIRoute]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif (inner := getattr(route, "original_router", None)) is not None:
            yield from operations(inner.routes)


def made_up(described: dict[str, Any]) -> dict[str, list[Request]]:
    """A few requests for each operation by its name, the same in every run."""
    found: dict[str, list[Request]] = {}
    for result in schemathesis.openapi.from_dict(described).get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        found[f"{operation.method.upper()} {operation.path}"] = examples(operation.as_strategy())
    return {name: made for name, made in found.items() if name not in NOT_ENDING | ENDS_SESSIONS}


def examples(strategy: SearchStrategy[Request]) -> list[Request]:
    made: list[Request] = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def keep(request: Request) -> None:
        made.append(request)

    keep()
    return made


def signed_in(served: Served, role: Role) -> Browser:
    browser = Browser(served.base)
    with Session(served.engine, expire_on_commit=False) as session:
        person = make_person(roles=[role.value], desks=[each.value for each in Desk])
        session.add(person)
        session.flush()
        cookie = sessions.begin(session, person, WebSettings(), now=datetime.now(UTC))
        session.commit()
    browser.cookies.set("goldenhour", cookie, domain="127.0.0.1", path="/")
    return browser


def send(browser: Browser, token: str, request: Request) -> httpx.Response:
    asked = request.as_transport_kwargs(base_url=str(browser.base_url))
    kind = asked["headers"].get("Content-Type")
    asked["headers"] = {"X-CSRF-Token": token} | ({"Content-Type": kind} if kind else {})
    asked.pop("cookies", None)
    if isinstance(asked.get("data"), dict):
        asked["data"] = {name: as_text(value) for name, value in asked["data"].items()}
    if "files" in asked:
        parts = asked["files"].items() if isinstance(asked["files"], dict) else asked["files"]
        asked["files"] = [(name, ("file", str(value).encode("utf-8", "replace"))) for name, value in parts]
        asked["headers"].pop("Content-Type", None)
    return browser.request(**asked)


def as_text(value: object) -> str | list[str]:
    """A field of a form: text, or several texts."""
    return [as_text(each) for each in value] if isinstance(value, list) else str(value)  # type: ignore[misc]


@pytest.mark.parametrize("role", Role)
def test_no_generated_request_makes_a_server_error(served: Served, role: Role) -> None:
    asked: dict[str, set[int]] = {}
    with signed_in(served, role) as browser:
        token = browser.token
        for name, made in served.requests.items():
            for request in made:
                answer = send(browser, token, request)
                assert answer.status_code < 500, (name, answer.status_code, request.as_curl_command())
                asked.setdefault(name, set()).add(answer.status_code)
                if answer.status_code == 403:
                    break  # denied by role, whatever is asked
    assert len(asked) > 90
    assert len([name for name, seen in asked.items() if seen - {401, 403}]) >= 5


def test_every_page_form_and_operation_is_described(served: Served) -> None:
    paths = served.described["paths"]
    assert {"/queue", "/cases/{ref}/dismiss", "/sign-in", "/api/v1/cases"} <= set(paths)
    form = paths["/cases/{ref}/dismiss"]["post"]["requestBody"]["content"]
    assert "application/x-www-form-urlencoded" in form
