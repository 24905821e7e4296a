"""Each migration goes down and up again over rows as they are at work, and comes to the same; killed at any of its
statements it leaves the database as it was, and run again it comes to the same.

Of the older ones only every statement in turn is killed when GOLDENHOUR_TEST_MIGRATIONS=all.
"""

import os
from collections.abc import Iterator
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

import psycopg
import pytest
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from pydantic import SecretStr
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from config.settings import Settings
from tests.databases import Databases
from tests.saved import fill, hashed
from tests.schema import looks

ALL = os.environ.get("GOLDENHOUR_TEST_MIGRATIONS") == "all"
NEWEST = 5
STRIDE = 15  # of the older ones one statement in so many
SEED = int(os.environ.get("GOLDENHOUR_TEST_SEED", "20261121"))


class State(NamedTuple):
    looks: set[tuple[str, ...]]
    rows: dict[str, str]


class Migrating:
    """A database that is moved between revisions, and may lose its connection at a statement."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.config = Config()
        self.config.set_main_option("script_location", "config:migrations")
        self.config.attributes["log_key"] = settings.key("log")
        self.script = ScriptDirectory.from_config(self.config)
        self.engine: Engine = create_engine(url, hide_parameters=True)
        self.url = url.replace("+psycopg", "")
        self.asks = psycopg.connect(self.url, autocommit=True)
        self.revisions = [each.revision for each in self.script.walk_revisions()][::-1]

    def go(self, revision: str, *, kill_at: int | None = None) -> int:
        """Move to a neighbour; gives how many statements that took. Raises DBAPIError where it was killed."""
        present = self.revision()
        up = self.revisions.index(revision) > self.revisions.index(present)
        steps = self.script._upgrade_revs if up else self.script._downgrade_revs
        count = 0
        with self.engine.connect() as connection:
            pid = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
            connection.rollback()

            def before(*_: Any) -> None:
                nonlocal count
                count += 1
                if count == kill_at:
                    self.asks.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

            event.listen(connection, "before_cursor_execute", before)
            self.config.attributes["connection"] = connection

            def run(rev: Any, _context: Any) -> Any:
                return steps(revision, rev)

            with EnvironmentContext(self.config, self.script, fn=run, destination_rev=revision):
                self.script.run_env()
        return count

    def survive(self, revision: str, number: int, before: State) -> bool:
        """Killed at that statement on the way to a neighbour, everything is as before."""
        with pytest.raises(DBAPIError):
            self.go(revision, kill_at=number)
        self.engine.dispose()
        assert looks(self.asks) == before.looks, f"to {revision}, killed at statement {number}"
        return True

    def revision(self) -> str:
        row = self.asks.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else ""

    def state(self) -> State:
        return State(looks(self.asks), hashed(self.asks))

    def close(self) -> None:
        self.engine.dispose()
        self.asks.close()


@pytest.fixture(scope="module")
def migrating(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Migrating]:
    with databases.one() as url:
        settings = Settings(data=tmp_path_factory.mktemp("migrating") / "var", database_url=SecretStr(url))
        fill(settings)
        made = Migrating(settings, url)
        yield made
        made.close()


def test_each_goes_down_up_down_and_up_over_rows_and_comes_to_the_same(migrating: Migrating) -> None:
    """From the newest down. A statement at which it is killed leaves everything as it was."""
    kills, dice = 0, Random(SEED)
    newest_first = migrating.revisions[::-1]
    for place, (above, below) in enumerate(pairwise(newest_first)):
        each = 1 if ALL or place < NEWEST else STRIDE
        first = migrating.state()
        down = migrating.go(below)
        lower = migrating.state()
        up = migrating.go(above)
        upper = migrating.state()
        assert upper.looks == first.looks, f"{below} up to {above}: {sorted(upper.looks ^ first.looks)[:4]}"
        kills += sum(migrating.survive(below, number, upper) for number in some(down, each, dice))
        migrating.go(below)
        assert migrating.state() == lower, f"{above} down to {below} the second time"
        kills += sum(migrating.survive(above, number, lower) for number in some(up, each, dice))
        migrating.go(above)
        assert migrating.state() == upper, f"{below} up to {above} the second time"
        migrating.go(below)
    assert migrating.revision() == migrating.revisions[0]
    print(f"{len(migrating.revisions)} revisions, killed at {kills} statements")
    assert kills > 2 * len(migrating.revisions)


def some(count: int, each: int, dice: Random) -> range:
    """The numbers of the statements that are killed: all, or one in so many, from a random one on."""
    return range(dice.randrange(each) + 1, count + 1, each)
