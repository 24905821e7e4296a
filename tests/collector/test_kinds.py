"""Every kind of source says what it needs, on what terms it is read, and how deletions and edits are followed."""

from datetime import timedelta

import pytest

from collector.sources import kind_of, kinds, polled, streamed
from collector.sources.base import Follows, How, Kind, Needs


@pytest.mark.parametrize("name", kinds())
def test_every_kind_declares_what_it_needs_and_promises(name: str) -> None:
    kind = kind_of(name)
    assert isinstance(kind, Kind)
    assert len(kind.basis) > 20
    assert isinstance(kind.how, How)
    assert isinstance(kind.needs, Needs)
    assert isinstance(kind.deletions, Follows)
    assert isinstance(kind.edits, Follows)
    assert kind.floor >= timedelta(minutes=1)
    assert kind.retention is None or timedelta(hours=1) <= kind.retention <= timedelta(days=400)


@pytest.mark.parametrize("name", kinds())
def test_a_kind_is_asked_stays_open_or_is_sent_to_us_as_it_says(name: str) -> None:
    assert (name in polled()) == (kind_of(name).how is How.ASKED)
    assert (name in streamed()) == (kind_of(name).how is How.OPEN)


@pytest.mark.parametrize("name", kinds())
def test_a_kind_that_needs_an_agreement_is_off(name: str) -> None:
    assert not (kind_of(name).on and kind_of(name).needs is Needs.AGREEMENT)


def test_a_kind_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        kind_of("carrier-pigeon")
