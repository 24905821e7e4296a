"""What holds of every platform with an interface of its own: keys, refusals, nonsense."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from collector.errors import FetchError, NoKey, Refused
from collector.http import Http
from collector.sources import kinds
from tests.collector.asking import KEYS, SEARCHED, fetch, place
from tests.doubles.interface import Interface, Said


@pytest.mark.parametrize("kind", ["youtube", "reddit", "x", "threads"])
def test_a_kind_without_its_key_says_which_is_missing(kind: str, interface: Interface, http: Http) -> None:
    with pytest.raises(NoKey) as raised:
        fetch(kind, place(interface, keys={}), http)
    assert "GOLDENHOUR_COLLECT__" in raised.value.remedy
    assert interface.log == []


@pytest.mark.parametrize("kind", SEARCHED)
def test_a_429_is_kept_to_for_as_long_as_it_says(kind: str, interface: Interface, http: Http) -> None:
    interface.refusing = Said(b"slow down", 429, {"Retry-After": "120"})
    with pytest.raises(Refused) as raised:
        fetch(kind, place(interface), http)
    assert raised.value.whole_host
    assert raised.value.retry_after == timedelta(seconds=120)


@pytest.mark.parametrize("kind", SEARCHED)
@pytest.mark.parametrize(
    "body", [b"<html>log in</html>", b"[1, 2", b"[" * 50_000, b"\xff\xfe{", b'{"data": 5, "items": 5}']
)
def test_what_is_not_the_interface_is_said_to_be_so(
    kind: str, body: bytes, interface: Interface, http: Http
) -> None:
    interface.refusing = Said(body)
    try:
        batch = fetch(kind, place(interface), http)
    except FetchError:
        return
    assert batch.items == []


@pytest.mark.parametrize("kind", SEARCHED)
def test_keys_never_stand_in_an_error(kind: str, interface: Interface, http: Http) -> None:
    interface.refusing = Said(b"no", 403)
    keys: Mapping[str, str] = dict.fromkeys(KEYS, "very-secret")
    with pytest.raises(FetchError) as raised:
        fetch(kind, place(interface, keys=keys), http)
    assert "very-secret" not in f"{raised.value} {raised.value.remedy}"
    assert all("very-secret" not in str(asked.query) for asked in interface.log)


def test_all_kinds_that_search_are_tested_here() -> None:
    others = {"feed", "jetstream", "mail", "mastodon", "telegram_preview"}
    assert {*SEARCHED, *others} == set(kinds()) - {"tip", "manual"}
