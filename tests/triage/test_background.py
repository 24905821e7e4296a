"""What is explained beside a line is what the posts speak of."""

import re

import pytest
from sqlmodel import Session

from config.settings import HERE, read_settings
from config.wording import explainers_of, writing_of
from tests.conftest import NOON
from tests.make import make_assessment, make_case, make_post
from triage.background import PROBABLE, offered
from triage.records import Case, Membership

SETTINGS = read_settings()
EXPLAINERS = writing_of(SETTINGS).explainers


def spoken_of(session: Session, labels: dict[str, float], *, sure: bool = True) -> Case:
    case, post = make_case(type="arrest_detention"), make_post()
    session.add_all([case, post])
    session.flush()
    session.add_all(
        [
            Membership(post_id=post.id, case_id=case.id, how="opened", joined_at=NOON, sure=sure),
            make_assessment(post, labels=labels),
        ]
    )
    session.commit()
    return case


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("tactic:ced_fired", "taser"), ("tactic:dog", "police-dog"), ("power:S60", "section-60"),
        ("tactic:neck_pressure", "ground-restraint"), ("power:RTA_S163", "vehicle-stop"),
    ],
)  # fmt: skip
def test_what_a_post_speaks_of_is_explained_whatever_the_type(
    label: str, name: str, session: Session
) -> None:
    case = spoken_of(session, {label: 0.9, "allegation:excessive_force": 0.9})
    assert [each.name for each in offered(session, case, EXPLAINERS)] == [name]


@pytest.mark.parametrize("labels", [{}, {"tactic:ced": PROBABLE - 0.1}, {"tactic:kettle": 0.9}])
def test_where_nothing_that_is_explained_is_named_the_type_decides(
    labels: dict[str, float], session: Session
) -> None:
    found = offered(session, spoken_of(session, labels), EXPLAINERS)
    assert found
    assert all("arrest_detention" in each.types for each in found)


def test_a_post_that_is_only_suggested_names_nothing(session: Session) -> None:
    case = spoken_of(session, {"power:S60": 0.9}, sure=False)
    assert "section-60" not in {each.name for each in offered(session, case, EXPLAINERS)}


def test_every_label_of_an_explainer_is_one_the_classifier_gives() -> None:
    given = {
        label
        for path in (HERE / "lexicons").glob("signals-*.toml")
        for label in re.findall(r'^label = "([^"]+)"', path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    told = {label for each in explainers_of(SETTINGS) for label in each.front.labels}
    assert told <= given
    assert all(each.front.labels for each in explainers_of(SETTINGS))
