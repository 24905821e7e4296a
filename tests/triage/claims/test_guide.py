"""What posts propose to check, and the file that says what to check of which claim."""

from pathlib import Path

import pytest
from sqlmodel import Session

from config.settings import HERE
from tests.triage.claims.noted import post_in
from triage.claim_records import ClaimType
from triage.claim_types import hypotheses, read_guide
from triage.records import Case

GUIDE = HERE / "claims.toml"


def test_the_posts_of_a_case_propose_what_to_check(session: Session, case: Case) -> None:
    guide = read_guide(GUIDE)
    assert hypotheses(session, case, guide) == []
    post_in(session, case, "Old clip", labels={"claim:old_as_new": 0.5})
    post_in(session, case, "Old clip again", labels={"claim:old_as_new": 0.5, "claim:synthetic": 0.1})
    post_in(session, case, "In Ohio", force="overseas")
    found = [(each.kind.name, each.posts) for each in hypotheses(session, case, guide)]
    assert found == [(ClaimType.OLD_AS_NEW, 2), (ClaimType.WRONG_PLACE_OR_FORCE, 1)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("count_score = 0.9", "count_score = 0.1"), "must lie above"),
        (('name = "staged"', 'name = "joke"'), "type.2.name"),
        (('name = "staged"', 'name = "truncated"'), "exactly once"),
        (('raise_again = ["true"]', 'raise_again = ["lies"]'), "notice.raise_again"),
        (("[match]", "[match"), "claims.toml"),
    ],
)
def test_a_wrong_guide_is_refused_with_file_and_key(
    tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(GUIDE.read_text(encoding="utf-8").replace(*change))
    with pytest.raises(ValueError, match=says) as refused:
        read_guide(path)
    assert str(path) in str(refused.value)
