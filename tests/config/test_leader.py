"""One leads, the others stand by, and a leader that is cut off stops by itself."""

import time

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from config.database import plain_url
from config.leader import ACTS_FOR_S, KEEPALIVE, Leadership, NotLeading
from config.settings import Settings


@pytest.fixture
def address(database_url: str) -> str:
    return database_url.replace("+psycopg", "")


def test_only_one_of_two_leads(address: str) -> None:
    first, second = Leadership(address), Leadership(address)
    assert first.take()
    assert not second.take()
    first.give_up()
    assert second.take()
    second.give_up()


def test_a_leader_whose_connection_is_cut_no_longer_leads(address: str) -> None:
    first, second = Leadership(address), Leadership(address)
    assert first.take()
    assert first.connection is not None
    with psycopg.connect(address, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [first.connection.info.backend_pid])
    assert not first.holds()
    assert second.take()
    second.give_up()


def test_a_leader_that_falls_silent_loses_the_lock(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KEEPALIVE, "options", "-c idle_session_timeout=200")
    first, second = Leadership(address), Leadership(address)
    assert first.take()
    until_s = time.monotonic() + 10
    while not second.take():
        assert time.monotonic() < until_s
        time.sleep(0.05)
    assert not first.holds()
    assert second.holds()
    second.give_up()


def test_only_who_leads_for_certain_may_act(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    leadership = Leadership(plain_url(settings))
    assert leadership.take()
    engine = leadership.engine(settings)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    monkeypatch.setattr(leadership, "answered_s", leadership.answered_s - ACTS_FOR_S)
    with pytest.raises(NotLeading):
        engine.connect()
    assert leadership.holds()
    engine.connect().close()
    leadership.give_up()
    with pytest.raises(NotLeading):
        engine.connect()
    engine.dispose()


def test_who_leads_next_ends_what_its_predecessor_had_open(settings: Settings, engine: Engine) -> None:
    first, second = Leadership(plain_url(settings)), Leadership(plain_url(settings))
    assert first.take()
    acting = first.engine(settings)
    with acting.connect() as frozen:
        frozen.execute(text("CREATE TABLE half_done (id int)"))
        assert first.connection is not None
        first.connection.close()
        assert second.take()
        with pytest.raises(OperationalError):
            frozen.execute(text("SELECT 1"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT to_regclass('half_done')")).scalar() is None
    acting.dispose()
    second.give_up()


def test_no_database_means_no_leader() -> None:
    assert not Leadership("postgresql://nobody:wrong@127.0.0.1:9/none").take()


def test_who_never_led_does_not_hold(address: str) -> None:
    assert not Leadership(address).holds()
