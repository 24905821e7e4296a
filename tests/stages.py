"""A stage for exercises in tests: a live service's settings, whose exercise database goes when the test is done."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from config.exercise.settings import ExerciseSettings
from config.settings import Settings
from tests.databases import Databases


@contextmanager
def live_beside(databases: Databases, folder: Path, *, port: int = 8010) -> Iterator[Settings]:
    """The settings of a live service on a database of its own; its exercises listen on `port`."""
    with databases.one() as url:
        yield Settings(data=folder, database_url=SecretStr(url), exercise=ExerciseSettings(port=port))
        name = f"{make_url(url).database}_exercise"
        everywhere = databases.cluster.url_of("postgres").replace("+psycopg", "")
        with psycopg.connect(everywhere, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )
