"""The purposes: every kind of source has exactly one, and what is wrong is named by file, key and reason."""

import re
from pathlib import Path

import pytest

from collector.sources import kinds
from config.settings import HERE
from triage.accountability.purposes import read_purposes

FILE = HERE / "policy" / "purposes.toml"
WORDS = FILE.read_text(encoding="utf-8")
ROOT = Path(__file__).parents[3]


def changed(folder: Path, before: str, after: str) -> Path:
    assert before in WORDS
    path = folder / "purposes.toml"
    path.write_text(WORDS.replace(before, after, 1), encoding="utf-8")
    return path


def test_every_kind_of_source_has_one_purpose() -> None:
    purposes = read_purposes(FILE)
    for kind in kinds():
        assert sum(kind in each.kinds for each in purposes.purpose) == 1
        assert purposes.of("a-source", kind).basis.startswith("UK GDPR Art 6")


def test_a_source_that_a_purpose_names_has_that_one(tmp_path: Path) -> None:
    purposes = read_purposes(
        changed(tmp_path, 'kinds = ["manual"]', 'kinds = ["manual"]\nsources = ["borough-blog"]')
    )
    assert purposes.of("borough-blog", "feed").name == "staff-intake"
    assert purposes.of("another", "feed").name == "public-encounters"


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('"manual"', '"carrier-pigeon"', "there is no kind 'carrier-pigeon'"),
        ('kinds = ["manual"]', "kinds = []", "no purpose for the kind 'manual'"),
        ('["tip", "mail"]', '["tip", "mail", "feed"]', "'feed' has two purposes"),
        ("approved_on = 2026-11-21", "approved_on = 'soon'", "key approved_on"),
        ("[service]", "[service]\nfavourite = 'x'", "key service.favourite"),
    ],
)
def test_what_is_wrong_is_named(before: str, after: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=re.escape(says)) as refused:
        read_purposes(changed(tmp_path, before, after))
    assert "purposes.toml" in str(refused.value)


def test_what_stands_against_a_risk_is_where_the_register_says() -> None:
    for risk in read_purposes(FILE).risk:
        for place in risk.where.split(", "):
            assert (ROOT / place).exists(), place
