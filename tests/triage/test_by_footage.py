"""Copies of one clip belong to one case: joined when that is sure, else a person is asked, and not twice."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session, col, select

from collector.footage_records import Footage, Look
from collector.records import PostKey
from tests.conftest import NOON
from tests.make import make_case, make_person, make_post
from triage.actions import refuse_suggestion, split
from triage.by_footage import Became, match_footage
from triage.records import Case, LogEntry, Membership, Routing, Status

WINDOW = timedelta(days=7)
SURE = {"footage": str(UUID(int=1)), "because": "9 frames in the same order are alike", "sure": True}


class Family:
    """Posts with copies of one clip, each in the case it is given."""

    def __init__(self, session: Session) -> None:
        self.session, self.id = session, uuid4()

    def case(self, **given: Any) -> Case:
        case = make_case(status=Status.DETECTED, **given)
        self.session.add(case)
        self.session.flush()
        return case

    def copy(self, case: Case | None = None, outcome: str = "raise", **given: Any) -> Footage:
        post = make_post(f"words {uuid4().hex}", platform="mastodon")
        session = self.session
        session.add_all([post, PostKey(id=post.id, collected_at=post.collected_at)])
        session.add(
            Routing(post_id=post.id, at=NOON, model="m", rule="r", outcome=outcome, because="because",
                    case_id=case.id if case else None)
        )  # fmt: skip
        if case is not None:
            session.add(Membership(post_id=post.id, case_id=case.id, how="new", joined_at=NOON))
            case.post_count += 1
        return self.footage(post.id, **given)

    def footage(self, post: UUID | None, **given: Any) -> Footage:
        made = Footage(
            **{"family_id": self.id, "media_id": uuid4(), "post_id": post, "platform": "mastodon",
               "first_seen_at": NOON, "kept_at": NOON, "sha256": uuid4().bytes * 2, "size_bytes": 9,
               "kind": "video", "container": "mp4", "codec": "h264", "width": 9, "height": 9, "method": "m",
               "matches": [SURE], **given}
        )  # fmt: skip
        self.session.add(made)
        self.session.commit()
        return made


@pytest.fixture
def family(session: Session) -> Family:
    return Family(session)


Matching = Callable[[Footage], Became]


@pytest.fixture
def matching(session: Session) -> Matching:
    def match(footage: Footage) -> Became:
        became = match_footage(session, footage.id, window=WINDOW, now=NOON)
        session.commit()
        return became

    return match


def members(session: Session, case: Case, *, sure: bool = True) -> set[UUID]:
    found = select(Membership.post_id).where(Membership.case_id == case.id, col(Membership.sure) == sure)
    return set(session.exec(found))


def logged(session: Session, case: Case) -> list[str]:
    return list(
        session.exec(select(LogEntry.what).where(LogEntry.case_id == case.id).order_by(col(LogEntry.seq)))
    )


def test_a_copy_without_a_case_joins_that_of_its_family(
    session: Session, family: Family, matching: Matching
) -> None:
    case = family.case()
    first = family.copy(case)
    copy = family.copy(outcome="count")
    assert matching(copy) is Became.JOINED
    session.refresh(case)
    assert members(session, case) == {first.post_id, copy.post_id}
    assert (case.post_count, case.version) == (2, 2)
    line = session.exec(select(LogEntry).where(LogEntry.what == "post joined")).one()
    assert (line.who, line.detail["how"]) == ("golden hour", "same footage")
    assert line.why == "same footage: 9 frames in the same order are alike"
    routing = session.get_one(Routing, copy.post_id)
    assert (routing.case_id, routing.because) == (case.id, "because; joined by same footage")
    assert matching(copy) is Became.NOTHING  # a second job


def test_what_a_machine_joined_a_person_splits_off(
    session: Session, family: Family, matching: Matching
) -> None:
    case = family.case()
    family.copy(case)
    copy = family.copy(outcome="count")
    matching(copy)
    person = make_person(roles=["triage"])
    session.add(person)
    assert copy.post_id is not None
    new = split(session, case.id, [copy.post_id], who=person, why="another incident", now=NOON)
    session.commit()
    assert members(session, new) == {copy.post_id}
    assert matching(copy) is Became.SUGGESTED  # it is asked about, no more


@pytest.mark.parametrize(
    ("copy", "case"),
    [
        ({"outcome": "drop"}, {}),
        ({"first_seen_at": NOON + timedelta(days=30)}, {}),
        ({"matches": [{**SURE, "sure": False}]}, {}),
        ({"outcome": "count"}, {"last_post_at": NOON - timedelta(days=8)}),
    ],
    ids=["a rule dropped it", "shown much later", "not sure", "an old case"],
)
def test_in_doubt_a_person_is_asked(
    session: Session, family: Family, matching: Matching, copy: dict[str, Any], case: dict[str, Any]
) -> None:
    home = family.case(**case)
    family.copy(home)
    made = family.copy(**copy)
    assert matching(made) is Became.SUGGESTED
    assert members(session, home, sure=False) == {made.post_id}
    assert logged(session, home) == ["post suggested"]


def test_a_post_with_a_case_of_its_own_is_suggested_for_the_other(
    session: Session, family: Family, matching: Matching
) -> None:
    theirs, own = family.case(), family.case()
    family.copy(theirs)
    copy = family.copy(own)
    assert matching(copy) is Became.SUGGESTED
    assert members(session, own) == {copy.post_id}
    assert members(session, theirs, sure=False) == {copy.post_id}


def test_a_refused_suggestion_is_not_made_again(session: Session, family: Family, matching: Matching) -> None:
    theirs, own = family.case(), family.case()
    family.copy(theirs)
    copy = family.copy(own)
    matching(copy)
    person = make_person(roles=["triage"])
    session.add(person)
    assert copy.post_id is not None
    refuse_suggestion(session, theirs.id, copy.post_id, who=person, now=NOON)
    session.commit()
    assert matching(copy) is Became.NOTHING


def test_between_two_cases_a_person_decides(session: Session, family: Family, matching: Matching) -> None:
    one, late = family.case(), family.case(last_post_at=NOON + timedelta(hours=1))
    family.copy(one)
    family.copy(late)
    copy = family.copy(outcome="count")
    assert matching(copy) is Became.SUGGESTED
    assert members(session, late, sure=False) == {copy.post_id}


@pytest.mark.parametrize(
    "footage",
    [{"withdrawn_at": NOON}, {"family_id": uuid4()}],
    ids=["withdrawn", "of another family"],
)
def test_nothing_comes_of_what_has_no_family_in_a_case(
    session: Session, family: Family, matching: Matching, footage: dict[str, Any]
) -> None:
    family.copy(family.case())
    assert matching(family.copy(outcome="count", **footage)) is Became.NOTHING


def test_a_closed_case_is_left_alone(session: Session, family: Family, matching: Matching) -> None:
    case = family.case()
    family.copy(case)
    case.status = Status.NOISE
    session.add(case)
    assert matching(family.copy(outcome="count")) is Became.NOTHING


def test_the_same_file_is_sure_even_where_its_frames_say_nothing(
    session: Session, family: Family, matching: Matching
) -> None:
    case = family.case()
    first = family.copy(case, matches=[])
    copy = family.copy(outcome="count", matches=[], sha256=first.sha256)
    assert matching(copy) is Became.JOINED
    line = session.exec(select(LogEntry.why).where(LogEntry.what == "post joined")).one()
    assert line == "same footage: the same file"


def test_of_an_upload_the_other_copies_are_suggested(
    session: Session, family: Family, matching: Matching
) -> None:
    case = family.case()
    copy = family.copy(outcome="count")
    upload = family.footage(None, platform="upload")
    assert upload.media_id is not None
    session.add(Look(media_id=upload.media_id, case_id=case.id, at=NOON))
    session.commit()
    assert matching(upload) is Became.SUGGESTED
    assert members(session, case, sure=False) == {copy.post_id}
    later = family.copy(outcome="count")
    assert matching(later) is Became.JOINED
