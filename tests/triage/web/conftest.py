"""A desk with two people and a busy night, served on loopback."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from config.postgres import Cluster
from tests.browser.seed import PASSWORD, Seeded, seed
from tests.copied import Copied
from tests.databases import Databases
from tests.make import LIFECYCLE
from tests.served import Browser, fresh_database, serve
from tests.triage.review.kept import CYCLE
from triage.policies import Policies
from triage.records import Case, Person
from triage.settings import WebSettings
from triage.web.app import desk


class Clockwork:
    """The desk's clock, which a test can move."""

    def __init__(self) -> None:
        self.ahead = self.back = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) - self.back + self.ahead

    def to_half_past(self) -> None:
        """Forward to the middle of an hour: what is counted by the hour does not begin anew in the test."""
        self.ahead += timedelta(minutes=(30 - self().minute) % 60)


@pytest.fixture
def clock() -> Clockwork:
    return Clockwork()


class Night(NamedTuple):
    """A busy night, and when it was."""

    rows: Copied
    now: datetime
    people: list[UUID]
    cases: list[UUID]


@pytest.fixture(scope="package")
def night(cluster: Cluster, databases: Databases) -> Iterator[Night]:
    # long ago, so that a test that asks another clock than the desk's fails
    now = datetime.now(UTC) - timedelta(minutes=25)
    with fresh_database(cluster) as engine, Session(engine) as session:
        made = seed(session, now=now, posts=4)
        people = [made.officer.id, made.secretary.id]
        yield Night(Copied(engine, databases.first_rows), now, people, [case.id for case in made.cases])


@pytest.fixture
def seeded(engine: Engine, clock: Clockwork, night: Night) -> Seeded:
    """That night, and the clock stands where it stood."""
    night.rows.into(engine)
    clock.back = datetime.now(UTC) - night.now
    with Session(engine) as session:
        officer, secretary = (session.get_one(Person, each) for each in night.people)
        return Seeded(officer, secretary, [session.get_one(Case, each) for each in night.cases])


@pytest.fixture
def base(engine: Engine, clock: Clockwork, seeded: Seeded) -> Iterator[str]:
    given = Policies(cycle=CYCLE)
    app = desk(engine, WebSettings(), channels=["slack"], lifecycle=LIFECYCLE, policies=given, now=clock)
    with serve(app) as address:
        yield address


@pytest.fixture
def visit(base: str) -> Iterator[Callable[[], Browser]]:
    """Makes browsers that have not signed in."""
    with ExitStack() as opened:
        yield lambda: opened.enter_context(Browser(base))


@pytest.fixture
def stranger(visit: Callable[[], Browser]) -> Browser:
    return visit()


@pytest.fixture
def amira(visit: Callable[[], Browser]) -> Browser:
    """The comms officer, signed in."""
    browser = visit()
    assert browser.sign_in("amira", PASSWORD).status_code == 303
    return browser


@pytest.fixture
def tom(visit: Callable[[], Browser]) -> Browser:
    """The oversight secretary, signed in."""
    browser = visit()
    assert browser.sign_in("tom", PASSWORD).status_code == 303
    return browser


@pytest.fixture(scope="package")
def looking(cluster: Cluster) -> Iterator[Browser]:
    """The comms officer, signed in to a night that tests of this folder share: they only look, and it stands still."""
    now = datetime.now(UTC)
    with fresh_database(cluster) as engine:
        with Session(engine, expire_on_commit=False) as session:
            seed(session, now=now)
        with (
            serve(
                desk(
                    engine,
                    WebSettings(),
                    channels=["slack"],
                    lifecycle=LIFECYCLE,
                    policies=Policies(cycle=CYCLE),
                    now=lambda: now,
                )
            ) as base,
            Browser(base) as browser,
        ):
            browser.sign_in("amira", PASSWORD)
            yield browser
