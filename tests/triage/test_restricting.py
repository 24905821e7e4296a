"""A restricted case is seen by whom the policy and its list name, by nobody else, until two people lift it."""

from pathlib import Path

import pytest
from sqlmodel import Session, select

from config.settings import HERE
from tests.make import NOON, make_case, make_person, make_post
from triage.actions import claim, claim_next
from triage.custody import take_into_custody
from triage.hidden import hidden_cases, look_as, look_as_anybody, seeing_all, sees
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import Case, LogEntry, Membership, Person
from triage.regroup import join, split
from triage.restricting import (
    answer_lift,
    ask_to_lift,
    name_person,
    read_restricted_policy,
    restrict,
    restriction_of,
    unname_person,
)

POLICY = read_restricted_policy(HERE / "policy" / "restricted.toml")
WHY = "an officer in it works in this office"


class Scene:
    """Two cases of two posts each; people who may restrict, and one who may not."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.case, self.other = make_case(), make_case()
        self.ann, self.ben = (make_person(roles=["oversight_reviewer", "triage"]) for _ in range(2))
        self.eve = make_person(roles=["triage", "approver"])
        self.posts = [make_post(), make_post(), make_post(), make_post()]
        session.add_all([self.case, self.other, self.ann, self.ben, self.eve, *self.posts])
        session.flush()
        for at, post in enumerate(self.posts):
            home = self.case if at < 2 else self.other
            session.add(Membership(post_id=post.id, case_id=home.id, how="new", joined_at=NOON))
        session.commit()
        take_into_custody(session, now=NOON)

    def restrict(
        self, who: Person | None = None, reason: str = "known_to_staff", people: tuple[str, ...] = ()
    ) -> None:
        asker = who or self.ann
        restrict(
            self.session, self.case.id, POLICY, who=asker, reason=reason, why=WHY, people=people, now=NOON
        )

    def sees(self, who: Person) -> bool:
        return sees(self.session, who, self.case.id)


@pytest.fixture
def scene(session: Session) -> Scene:
    return Scene(session)


def test_only_the_roles_of_the_reason_see_it(scene: Scene) -> None:
    assert scene.sees(scene.eve)
    scene.restrict()
    assert (scene.sees(scene.ann), scene.sees(scene.ben), scene.sees(scene.eve)) == (True, True, False)


def test_whoever_restricts_it_sees_it_whatever_their_roles(scene: Scene) -> None:
    scene.restrict(reason="live_operation")
    assert (scene.sees(scene.ann), scene.sees(scene.ben)) == (True, False)


def test_people_can_be_named_and_taken_off(scene: Scene) -> None:
    scene.restrict(people=(scene.eve.username,))
    assert scene.sees(scene.eve)
    claim(scene.session, scene.case.id, who=scene.eve, now=NOON)
    unname_person(scene.session, scene.case.id, scene.eve.username, who=scene.ann, now=NOON)
    assert not scene.sees(scene.eve)
    assert scene.case.claimed_by is None
    name_person(scene.session, scene.case.id, scene.eve.username, who=scene.ben, now=NOON)
    assert scene.sees(scene.eve)
    with pytest.raises(Conflict, match="Nobody here"):
        name_person(scene.session, scene.case.id, "nobody", who=scene.ben, now=NOON)
    with pytest.raises(Conflict, match="Somebody else"):
        unname_person(scene.session, scene.case.id, scene.ben.username, who=scene.ben, now=NOON)


def test_lifting_it_takes_a_second_person(scene: Scene) -> None:
    scene.restrict()
    with pytest.raises(Conflict, match="Nobody asks"):
        answer_lift(scene.session, scene.case.id, agreed=True, who=scene.ben, now=NOON)
    ask_to_lift(scene.session, scene.case.id, who=scene.ann, why="it was somebody else", now=NOON)
    with pytest.raises(Conflict, match="second person"):
        answer_lift(scene.session, scene.case.id, agreed=True, who=scene.ann, now=NOON)
    answer_lift(scene.session, scene.case.id, agreed=False, who=scene.ben, now=NOON)
    assert not scene.sees(scene.eve)
    ask_to_lift(scene.session, scene.case.id, who=scene.ann, why="it was somebody else", now=NOON)
    answer_lift(scene.session, scene.case.id, agreed=True, who=scene.ben, now=NOON)
    assert scene.sees(scene.eve)
    assert restriction_of(scene.session, scene.case.id) is None
    scene.session.commit()
    said = scene.session.exec(select(LogEntry.what).where(LogEntry.case_id == scene.case.id)).all()
    assert "restricted" in said
    assert "restriction lifted" in said
    scene.restrict()


def test_who_may_not_is_denied_and_who_does_not_see_it_learns_nothing(scene: Scene) -> None:
    with pytest.raises(Denied):
        scene.restrict(who=scene.eve)
    scene.restrict(reason="live_operation")
    with pytest.raises(Conflict, match="is not restricted"):
        ask_to_lift(scene.session, scene.case.id, who=scene.ben, why="let everybody see", now=NOON)
    with pytest.raises(Conflict, match="already"):
        scene.restrict()


@pytest.mark.parametrize(("reason", "why"), [("curiosity", WHY), ("death", "because"), ("", "")])
def test_it_needs_a_reason_of_the_policy_and_words(reason: str, why: str, scene: Scene) -> None:
    with pytest.raises(Conflict):
        restrict(scene.session, scene.case.id, POLICY, who=scene.ann, reason=reason, why=why, now=NOON)


def test_a_claim_of_somebody_who_sees_it_no_more_ends(scene: Scene) -> None:
    claim(scene.session, scene.case.id, who=scene.eve, now=NOON)
    scene.restrict()
    assert scene.case.claimed_by is None
    taken = claim_next(scene.session, who=scene.eve, now=NOON, most=10)
    assert [each.id for each in taken] == [scene.other.id]


def test_what_is_split_off_it_is_restricted_too(scene: Scene) -> None:
    scene.restrict()
    new = split(scene.session, scene.case.id, [scene.posts[0].id], who=scene.ann, why="another", now=NOON)
    assert not sees(scene.session, scene.eve, new.id)
    assert sees(scene.session, scene.ben, new.id)


def test_its_posts_come_into_no_case_that_more_people_see(scene: Scene) -> None:
    scene.restrict()
    with pytest.raises(Conflict, match="more people see"):
        join(scene.session, scene.other.id, scene.case.id, who=scene.ann, now=NOON)
    with pytest.raises(Conflict, match="more people see"):
        join(scene.session, scene.other.id, scene.posts[0].id, who=scene.ann, now=NOON)
    join(scene.session, scene.case.id, scene.other.id, who=scene.ann, now=NOON)
    assert scene.case.post_count == 4


def test_a_session_that_looks_as_somebody_finds_no_row_of_it(scene: Scene) -> None:
    scene.restrict()
    scene.session.commit()
    hidden, kept, eve = scene.case.id, scene.posts[0].id, scene.eve.id
    scene.session.expunge_all()
    look_as(scene.session, scene.session.get_one(Person, eve))
    assert hidden_cases(scene.session) == [hidden]
    assert scene.session.get(Case, hidden) is None
    assert scene.session.exec(select(Membership).where(Membership.post_id == kept)).all() == []
    assert hidden not in scene.session.exec(select(LogEntry.case_id)).all()
    with seeing_all(scene.session):
        assert scene.session.get(Case, hidden) is not None
    assert scene.session.exec(select(Case.number).where(Case.id == hidden)).all() == []


def test_what_is_handed_on_holds_no_restricted_case_for_anybody(scene: Scene) -> None:
    scene.restrict(people=(scene.eve.username,))
    look_as_anybody(scene.session)
    assert hidden_cases(scene.session) == [scene.case.id]


@pytest.mark.parametrize(
    ("was", "becomes"),
    [("version = 1", "version = "), ('"dps_liaison"', '"everyone"'), ("[reasons.death]", "[reason.death]")],
)
def test_a_wrong_policy_is_refused(was: str, becomes: str, tmp_path: Path) -> None:
    path = tmp_path / "restricted.toml"
    path.write_text((HERE / "policy" / "restricted.toml").read_text().replace(was, becomes, 1))
    with pytest.raises(ValueError, match=r"restricted\.toml"):
        read_restricted_policy(path)
