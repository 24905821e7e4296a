"""What the group has of a case that joins another goes along, is shown as from there, counts once, and comes back."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from config.settings import HERE
from tests.make import make_case, make_person, make_post
from triage.actions import join, reopen
from triage.records import Case, Membership, Person, Status
from triage.review.definitions import read_definitions
from triage.review.figures import Figures, Period
from triage.review.figuring import figures_as_of
from triage.review.finding_records import Action, ActionTarget, Feedback, Finding
from triage.review.journal import count
from triage.review.meeting_records import Review, ReviewItem
from triage.review.merging import came_from

DEFINED = read_definitions(HERE / "review" / "figures.toml")
MET = datetime(2026, 7, 8, 9, tzinfo=UTC)
NOW = datetime(2026, 7, 14, 12, tzinfo=UTC)


class Two:
    """Two cases: the first was before a meeting, with a finding, an action and feedback; both have a post."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.who: Person = make_person()
        self.home, self.to = make_case(status=Status.CONFIRMED), make_case(status=Status.CONFIRMED)
        self.met = Review(meets_at=MET, created_at=MET)
        self.next = Review(meets_at=NOW + timedelta(days=9), created_at=MET)
        session.add_all([self.who, self.home, self.to, self.met, self.next])
        session.flush()
        for case in (self.home, self.to):
            post = make_post()
            session.add(post)
            session.add(Membership(post_id=post.id, case_id=case.id, how="first", joined_at=NOW))
        self.found = self.finding(self.home)
        self.action = Action(
            review_id=self.met.id, case_id=self.home.id, target=ActionTarget.BCU, words="Brief them", owner_post="BCU",
            due_on=date(2026, 8, 1), first_due_on=date(2026, 8, 1), opened_by="t", opened_at=MET,
        )  # fmt: skip
        told = Feedback(case_id=self.home.id, review_id=self.met.id, words="w", begun_at=MET, due_at=NOW)
        session.add_all([self.action, told])
        self.put(self.home, self.met)
        session.commit()

    def finding(self, case: Case) -> Finding:
        made = Finding(
            case_id=case.id, review_id=self.met.id, code="PROFESSIONAL", decision="d", why="w", entered_by="t",
            entered_at=MET,
        )  # fmt: skip
        self.session.add(made)
        return made

    def put(self, case: Case, review: Review) -> None:
        self.session.add(ReviewItem(case_id=case.id, review_id=review.id, because="force", listed_at=MET))

    def join(self) -> None:
        join(self.session, self.to.id, self.home.id, who=self.who, why="the same", now=NOW)
        self.session.commit()

    def figures(self, at: datetime) -> Figures:
        count(self.session, now=at)
        self.session.commit()
        period = Period(MET - timedelta(days=1), MET + timedelta(days=1))
        return figures_as_of(self.session, period, DEFINED, at=at)

    def listed(self, review: Review) -> list[Case]:
        asked = select(Case).join(ReviewItem, col(ReviewItem.case_id) == col(Case.id))
        return list(
            self.session.exec(
                asked.where(ReviewItem.review_id == review.id, col(ReviewItem.off_at).is_(None))
            )
        )


@pytest.fixture
def two(session: Session) -> Two:
    return Two(session)


def test_findings_actions_and_places_go_along_and_come_back(two: Two, session: Session) -> None:
    two.join()
    assert two.found.case_id == two.action.case_id == two.to.id
    assert session.exec(select(Feedback.case_id)).one() == two.to.id
    assert two.listed(two.met) == [two.to]
    came = came_from(session, two.to.id)
    assert came[two.found.id] == came[two.action.id] == two.home.number
    reopen(session, two.home.id, who=two.who, why="they are two after all", now=NOW + timedelta(hours=1))
    session.commit()
    assert two.found.case_id == two.action.case_id == two.home.id
    assert two.listed(two.met) == [two.home]
    assert came_from(session, two.to.id) == {}


def test_figures_count_it_once_wherever_it_is(two: Two, session: Session) -> None:
    assert two.figures(NOW - timedelta(hours=1)).figure("reviewed").numerator[0].case == two.home.number
    two.join()
    after = two.figures(NOW + timedelta(minutes=1))
    assert [each.case for each in after.figure("reviewed").numerator] == [two.to.number]
    assert after.figure("feedback_in_time").of in (0, 1)
    reopen(session, two.home.id, who=two.who, why="they are two after all", now=NOW + timedelta(hours=1))
    session.commit()
    back = two.figures(NOW + timedelta(hours=2))
    assert [each.case for each in back.figure("reviewed").numerator] == [two.home.number]


def test_two_findings_of_one_meeting_are_not_made_into_one(two: Two, session: Session) -> None:
    other = two.finding(two.to)
    two.put(two.to, two.met)
    session.commit()
    two.join()
    assert (two.found.case_id, other.case_id) == (two.home.id, two.to.id)
    assert two.action.case_id == two.to.id
    assert len(two.listed(two.met)) == 2


def test_a_case_stands_on_one_list_that_lies_ahead(two: Two, session: Session) -> None:
    later = Review(meets_at=NOW + timedelta(days=23), created_at=MET)
    session.add(later)
    session.flush()
    two.put(two.home, two.next)
    two.put(two.to, later)
    session.commit()
    two.join()
    assert two.listed(two.next) == []
    assert two.listed(later) == [two.to]


def test_what_was_found_later_stays_where_it_was_found(two: Two, session: Session) -> None:
    two.join()
    made = Action(
        review_id=two.met.id, case_id=two.to.id, target=ActionTarget.BCU, words="After", owner_post="BCU",
        due_on=date(2026, 8, 1), first_due_on=date(2026, 8, 1), opened_by="t", opened_at=NOW,
    )  # fmt: skip
    session.add(made)
    session.commit()
    reopen(session, two.home.id, who=two.who, why="they are two after all", now=NOW + timedelta(hours=1))
    session.commit()
    assert made.case_id == two.to.id
