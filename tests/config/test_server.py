"""The embedded server: the first who needs it starts it, the last one out stops it, a killed one comes back."""

import asyncio
import os
import signal
from pathlib import Path

import psycopg
import pytest
from procrastinate import App
from sqlalchemy import text

from config.database import DatabaseError, cluster, connect, owned, plain_url, served, url
from config.service import connector
from config.settings import Settings

PID = text("SELECT pg_backend_pid()")


@pytest.fixture
def embedded(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "var")


def test_the_last_one_out_stops_the_server(embedded: Settings) -> None:
    ours = cluster(embedded)
    with served(embedded):
        pid = ours.running_pid()
        with served(embedded):
            assert ours.running_pid() == pid
        assert ours.running_pid() == pid
    assert ours.running_pid() is None


def test_the_first_may_leave_before_the_second(embedded: Settings) -> None:
    ours = cluster(embedded)
    first, second = served(embedded), served(embedded)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert ours.running_pid() is not None
    connect(embedded).dispose()
    second.__exit__(None, None, None)
    assert ours.running_pid() is None


def test_a_killed_server_comes_back_at_its_address_with_what_was_committed(embedded: Settings) -> None:
    with served(embedded) as server:
        before = url(embedded)
        with psycopg.connect(before.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (n int)")
            connection.execute("INSERT INTO kept VALUES (7)")
        pid = cluster(embedded).running_pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        while server.up():
            pass
        assert not server.mend()
        assert url(embedded) == before
        with psycopg.connect(before.replace("+psycopg", "")) as connection:
            assert connection.execute("SELECT n FROM kept").fetchall() == [(7,)]


def test_a_server_that_is_up_is_left_alone(embedded: Settings) -> None:
    with served(embedded) as server:
        pid = cluster(embedded).running_pid()
        assert not server.mend()
        assert cluster(embedded).running_pid() == pid


def test_a_folder_has_one_owner_and_says_who(tmp_path: Path) -> None:
    with owned(tmp_path / "var") as other:
        assert other == 0
        with owned(tmp_path / "var") as second:
            assert second == os.getpid()
    with owned(tmp_path / "var") as again:
        assert again == 0


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(DatabaseError, match=r"file/var cannot be used.*GOLDENHOUR_DATA"),
        owned(tmp_path / "file" / "var"),
    ):
        pass


def test_no_database_yet_is_said_plainly(embedded: Settings) -> None:
    with pytest.raises(DatabaseError, match="no database in"):
        url(embedded)


def test_an_unreachable_database_is_one_line_without_its_password() -> None:
    elsewhere = Settings.model_validate({"database_url": "postgresql://u:hunter2@127.0.0.1:9/gh"})
    with pytest.raises(DatabaseError, match=r"127\.0\.0\.1:9/gh does not answer") as refused:
        connect(elsewhere)
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)


def ended(settings: Settings, pid: int) -> None:
    """End a connection as a server does that goes down, and wait until it has."""
    with psycopg.connect(plain_url(settings), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
        while other.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone() is not None:
            pass


def test_a_connection_that_the_server_ended_is_replaced_before_it_is_used(settings: Settings) -> None:
    engine = connect(settings, pool=1)
    with engine.connect() as connection:
        first = connection.scalar(PID)
    with engine.connect() as connection:
        assert connection.scalar(PID) == first
    ended(settings, first)
    with engine.connect() as connection:
        assert connection.scalar(PID) != first
    engine.dispose()


def test_the_engine_notices_an_ended_connection_too(settings: Settings) -> None:
    async def work() -> None:
        async with App(connector=connector(settings)).open_async() as app:
            ask = app.connector.execute_query_one_async
            first = (await ask("SELECT pg_backend_pid() AS pid"))["pid"]
            ended(settings, first)
            assert (await ask("SELECT pg_backend_pid() AS pid"))["pid"] != first

    asyncio.run(work())
