"""What all tests stand on: one real PostgreSQL for the run, an empty database for each test, a fixed clock."""

import gc
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, create_engine

from config.database import migrate
from config.postgres import Cluster, stop
from config.settings import Settings
from tests.databases import Databases

NOON = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)
LOG_KEY = b"only for tests"
SHARED = Path(__file__).resolve().parents[2] / "shared"

gc.disable()  # while tests are collected: what is loaded stays, and to look for garbage in it takes a minute of a run


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture
def noon() -> datetime:
    return NOON


@pytest.fixture(scope="session")
def shared() -> Path:
    """The real training and test material beside the repository. CI has it and refuses to skip."""
    folder = Path(os.environ.get("GOLDENHOUR_TEST_SHARED", SHARED))
    if not folder.is_dir():
        pytest.skip(f"the shared material is not at {folder}: tests on real data cannot run")
    return folder


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A real PostgreSQL of this test run's own, with a migrated template database."""
    with tempfile.TemporaryDirectory(prefix="goldenhour-tests-") as folder:
        made = Cluster(Path(folder) / "postgres", "only-for-tests")
        server = made.start()
        try:
            _migrate(made.url_of("goldenhour"), Path(folder))
            yield made
        finally:
            stop(made.running_pid() or server.pid)
            server.wait()


@pytest.fixture(scope="session")
def databases(cluster: Cluster) -> Iterator[Databases]:
    made = Databases(cluster)
    yield made
    made.close()


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """The address of an empty, migrated database that only this test uses."""
    with databases.one() as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = create_engine(database_url, execution_options={"log_key": LOG_KEY})
    yield made
    made.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as opened:
        yield opened


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "var", database_url=database_url)


def _migrate(url: str, folder: Path) -> None:
    migrate(Settings(data=folder, database_url=url))
