"""What all tests stand on: one real PostgreSQL for the run, an empty database for each test, a fixed clock."""

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine
from sqlmodel import Session, create_engine

from config.database import migrate
from config.postgres import Cluster, stop
from config.settings import Settings

NOON = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)
SHARED = Path(__file__).resolve().parents[2] / "shared"


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


@pytest.fixture
def database_url(cluster: Cluster) -> Iterator[str]:
    """The address of an empty, migrated database that only this test uses."""
    name = f"test_{uuid4().hex}"
    _as_admin(cluster, f"CREATE DATABASE {name} TEMPLATE goldenhour STRATEGY file_copy")
    yield cluster.url_of(name)
    _as_admin(cluster, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = create_engine(database_url)
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


def _as_admin(cluster: Cluster, statement: str) -> None:
    address = cluster.url_of("postgres").replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement)
