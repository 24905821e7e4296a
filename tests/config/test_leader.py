"""One leads, the others stand by, and a leader that is cut off stops by itself."""

import psycopg
import pytest

from config.leader import Leadership


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


def test_no_database_means_no_leader() -> None:
    assert not Leadership("postgresql://nobody:wrong@127.0.0.1:9/none").take()


def test_who_never_led_does_not_hold(address: str) -> None:
    assert not Leadership(address).holds()
