"""The file of thresholds: what ships holds, what is wrong is refused."""

from pathlib import Path

import pytest

from config.settings import HERE
from tests.triage.growth.coming import RULES
from triage.growth_rules import GrowthRules, GrowthRulesError, read_growth_rules


@pytest.mark.parametrize(
    ("was", "written", "said"),
    [
        ("most = 3", "most = 30", "updates.most"),
        ("times = 3 ", "times = 0 ", "spike.times"),
        ("views = [1000, 10000, 100000, 1000000]", "views = [1000, 100, 10, 1]", "reach.views: four numbers"),
        ('apart = "10m"', 'apart = "soon"', "updates.apart: write a length of time"),
        ("[reach]", "[reech]", "reech"),
    ],
)
def test_wrong_thresholds_are_refused_with_file_key_and_reason(
    tmp_path: Path, was: str, written: str, said: str
) -> None:
    text = (HERE / "growth.toml").read_text(encoding="utf-8")
    assert was in text
    wrong = tmp_path / "growth.toml"
    wrong.write_text(text.replace(was, written, 1), encoding="utf-8")
    with pytest.raises(GrowthRulesError, match=r"growth\.toml: ") as refused:
        read_growth_rules(wrong)
    assert said in str(refused.value) or "reach" in str(refused.value)


def test_the_shipped_thresholds_allow_three_updates() -> None:
    assert isinstance(RULES, GrowthRules)
    assert RULES.updates.most == 3
