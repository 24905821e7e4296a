"""Policies on body-worn video: one for each day, read from files that are refused when they leave a doubt."""

from datetime import date
from pathlib import Path

import pytest

from config.settings import HERE
from tests.triage.releasing import NEW, OLD, POLICIES
from triage.release_policy import read_release_policies

SHIPPED = sorted((HERE / "policy").glob("bwv-*.toml"))


@pytest.mark.parametrize(
    ("day", "version"),
    [
        (date(2020, 5, 31), None),
        (date(2020, 6, 1), "bwv-2020"),
        (date(2026, 5, 24), "bwv-2020"),
        (date(2026, 5, 25), "bwv-2026"),
        (date(2031, 1, 1), "bwv-2026"),
    ],
)
def test_the_day_says_which_policy_holds(day: date, version: str | None) -> None:
    found = POLICIES.on(day)
    assert (found.version if found else None) == version


def test_a_policy_is_found_by_its_version_after_its_time() -> None:
    assert POLICIES.of("bwv-2020") is OLD
    assert POLICIES.of("bwv-1999") is None


def test_the_old_policy_has_three_exceptions_and_the_new_one_none() -> None:
    assert (len(OLD.exception), len(NEW.exception)) == (3, 0)
    for policy in POLICIES:
        assert {each.name for each in policy.told} >= {"subject", "family", "officers", "dps", "iopc", "cps"}
        assert [each.name for each in policy.refusal if each.lawful_basis] == ["data_protection"]


@pytest.mark.parametrize(
    ("which", "was", "becomes", "wrong"),
    [
        (1, "in_force_from = 2026-05-25", "in_force_from = 2026-05-24", "must end on the day before"),
        (1, "in_force_from = 2026-05-25", "in_force_from = 2026-06-25", "must end on the day before"),
        (0, "in_force_to = 2026-05-24", "in_force_to = 2019-05-24", "before in_force_from"),
        (1, 'version = "bwv-2026"', 'version = "bwv-2020"', "there twice"),
        (1, 'side = "for"', 'side = "against"', "some for release"),
        (1, 'name = "trust"', 'name = "candour"', "'candour' is there twice"),
        (1, 'source = "W1"', 'source = "a blog"', "source"),
        (1, "stance =", "stanse =", "stan"),
    ],
)
def test_a_doubtful_policy_is_refused_with_its_file(
    which: int, was: str, becomes: str, wrong: str, tmp_path: Path
) -> None:
    paths = []
    for number, path in enumerate(SHIPPED):
        text = path.read_text(encoding="utf-8")
        assert number != which or was in text
        paths.append(tmp_path / path.name)
        paths[-1].write_text(text.replace(was, becomes) if number == which else text, encoding="utf-8")
    with pytest.raises(ValueError, match=wrong) as refused:
        read_release_policies(paths)
    assert "bwv-20" in str(refused.value)
