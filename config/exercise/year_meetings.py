"""The meetings of the synthetic year: their lists, locked in time, seats, what was declared, what panels asked for."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlmodel import SQLModel

from triage.log import MACHINE, Line
from triage.restriction_records import Tie
from triage.review.group import BODY
from triage.review.meeting_records import (
    CommunityRequest,
    Declaration,
    LockedAgenda,
    RequestAnswer,
    Review,
    ReviewItem,
    Seat,
)
from triage.review.meetings import LONDON, Meetings

MEETINGS = 26
CHAIR = "year-oversight"
POSTS = ("chair", "dps", "commander", "comms", "community", "observer")
DECLARES = "Synthetic observer 0"
OBSERVER = "year-observer"  # the account of who declares
NOT_REACHED, AGAIN_AFTER = 0.04, 2
ASKED = "A stop near the station, some officers and a young person"
Logged = tuple[datetime, str, Line]


def meetings_of_year(
    meetings: Meetings, *, until: datetime, made_at: datetime, new_id: Callable[[], UUID]
) -> list[Review]:
    """Those of the year, counted back from the next one: also before the first that the file names."""
    following = meetings.next_after(until).astimezone(LONDON).date()
    made = []
    for back in range(MEETINGS, 0, -1):
        day = meetings.working(following - timedelta(days=meetings.every_days * back))
        meets_at = datetime.combine(day, meetings.at, LONDON)
        locks_at = meetings.locks_at(meets_at)
        made.append(
            Review(
                id=new_id(), meets_at=meets_at, planned_at=meets_at, created_at=made_at, locks_at=locks_at,
                locked_at=locks_at if locks_at <= until else None,
            )
        )  # fmt: skip
    return made


class YearOfMeetings:
    """What stands around the meetings `reviews`, the first leading. Its own dice: the cases stay as they are.
    `observer` is the account of the member who declares interests."""

    def __init__(self, reviews: Sequence[Review], seed: int, *, observer: UUID) -> None:
        self.reviews, self.observer = reviews, observer
        self.dice = Random(f"year/{seed}/meetings")  # noqa: S311  made-up records
        self.items: dict[UUID, list[ReviewItem]] = {each.id: [] for each in reviews}
        self.tied: set[UUID] = set()
        self.log: list[Logged] = []

    def list_case(self, case_id: UUID, at: datetime, *, grave: bool) -> Review | None:
        """Put a case on the next open list; one that is grave late on a list that is locked. None after the last."""
        open_ = next((each for each in self.reviews if each.locks_at and each.locks_at > at), None)
        coming = next((each for each in self.reviews if each.meets_at > at), None)
        late = grave and coming is not None and coming is not open_
        review = coming if late else open_
        if review is None:
            return None
        item = self._put(case_id, review, at, because="police used force", late=late)
        following = self._after(review, 1)
        if late or following is None or self.dice.random() > NOT_REACHED:
            return review
        over = review.meets_at + timedelta(hours=2)
        item.off_at, item.off_by, item.off_because = over, CHAIR, "the meeting did not reach it"
        item.carried_to = following.id
        self.log.append((over, CHAIR, Line("carried over", case_id, item.off_because, {})))
        self._put(case_id, following, over, because=item.because, by=CHAIR)
        return following

    def list_again(self, case_id: UUID, review: Review, *, until: datetime) -> Review | None:
        """Bring a case that a meeting deferred before a later one. None after the last."""
        later, at = self._after(review, AGAIN_AFTER), review.meets_at + timedelta(days=1)
        if later is None or at >= until:
            return None
        self._put(case_id, later, at, because="deferred by an earlier meeting", by=CHAIR)
        return later

    def _after(self, review: Review, count: int) -> Review | None:
        at = self.reviews.index(review) + count
        return self.reviews[at] if at < len(self.reviews) else None

    def _put(
        self,
        case_id: UUID,
        review: Review,
        at: datetime,
        *,
        because: str,
        by: str = MACHINE,
        late: bool = False,
    ) -> ReviewItem:
        there = self.items[review.id]
        item = ReviewItem(
            case_id=case_id, review_id=review.id, because=because, listed_at=at, listed_by=CHAIR if late else by,
            late=late, late_because="too grave to wait" if late else None, position=len(there) + 1,
        )  # fmt: skip
        there.append(item)
        what = "added late to the review list" if late else "listed for review"
        self.log.append((at, item.listed_by, Line(what, case_id, because, {})))
        return item

    def held(self, until: datetime) -> list[SQLModel]:
        """All rows, those that others point to first."""
        rows: list[SQLModel] = [
            Seat(
                id=self._id(), body=BODY, post=post, name=f"Synthetic {post} 0", begun_at=self.reviews[0].created_at,
                begun_by=CHAIR, person_id=self.observer if f"Synthetic {post} 0" == DECLARES else None,
            )
            for post in POSTS
        ]  # fmt: skip
        for review in self.reviews:
            if review.locked_at is not None:
                rows.append(self._locked(review))
            if review.meets_at < until:
                rows += self._declared(review)
        rows += self._asked(until)
        return [*(item for items in self.items.values() for item in items), *rows]

    def _locked(self, review: Review) -> LockedAgenda:
        kept = [each for each in self.items[review.id] if not each.late]
        at = review.locked_at or review.meets_at
        detail: dict[str, Any] = {"meeting": str(review.id), "cases": len(kept)}
        self.log.append((at, MACHINE, Line("review list locked", None, None, detail)))
        items = [
            {
                "case": str(each.case_id), "position": each.position, "because": each.because,
                "listed_by": each.listed_by, "listed_at": each.listed_at.isoformat(),
            }
            for each in kept
        ]  # fmt: skip
        return LockedAgenda(review_id=review.id, locked_at=at, items=items)

    def _declared(self, review: Review) -> list[SQLModel]:
        made: list[SQLModel] = []
        for item in self.items[review.id]:
            if item.off_at is None and self.dice.random() < 0.03 and item.case_id not in self.tied:
                at = review.meets_at - timedelta(hours=1)
                kind = self.dice.choice(("public_comment", "friend_family", "same_team"))
                self.tied.add(item.case_id)
                tie = Tie(id=self._id(), case_id=item.case_id, person_id=self.observer, declared_at=at)
                made += (
                    tie,
                    Declaration(
                        id=self._id(), review_id=review.id, case_id=item.case_id, name=DECLARES, kind=kind,
                        declared_at=at, noted_by=CHAIR, person_id=self.observer, tie_id=tie.id,
                    ),
                )  # fmt: skip
                self.log.append((at, CHAIR, Line("interest declared", item.case_id, None, {"kind": kind})))
        return made

    def _asked(self, until: datetime) -> list[SQLModel]:
        """One request a meeting, of which some led to a case on its list."""
        made: list[SQLModel] = []
        for review in self.reviews:
            items = self.items[review.id]
            listed = self.dice.choice(items) if items and self.dice.random() < 0.5 else None
            at = review.meets_at - timedelta(days=8)
            if at < until:
                made.append(
                    CommunityRequest(
                        id=self._id(), panel=self.dice.choice(("cmg-hackney", "cmg-lambeth", "pep-ne", "pep-as")),
                        asked_at=at, words=ASKED, noted_by=CHAIR, noted_at=at, answered_by=CHAIR,
                        answered_at=at + timedelta(days=2), answer_because="the panel was told why",
                        answer=RequestAnswer.LISTED if listed else RequestAnswer.NOT_FOUND,
                        case_id=listed.case_id if listed else None, review_id=review.id if listed else None,
                    )
                )  # fmt: skip
        return made

    def _id(self) -> UUID:
        return UUID(int=self.dice.getrandbits(128), version=4)
