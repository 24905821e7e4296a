"""The library of words, templates and explainers, as findings inform it: which ask that one is looked at again, and by
when. The day in its file holds unless a finding brings it forward; once somebody has looked, it counts anew."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlmodel import Session, col, select

from triage.locked import LONDON, Conflict
from triage.log import Line, note
from triage.permissions import Permission, need
from triage.records import Case, Person
from triage.review.finding_codes import FindingCodes
from triage.review.finding_records import Finding, LibraryReview
from triage.review.meeting_records import Review
from triage.statement_records import Statement
from triage.writing import Writing

TEMPLATE, EXPLAINER = "template", "explainer"


class LibraryItem(NamedTuple):
    """A template or explainer: how many findings informed it, the last one's meeting, and when it is looked at again.
    `asked` are the findings that nobody has looked at it for yet."""

    kind: str
    name: str
    title: str
    owner: str
    informed: int
    last_on: date | None
    asked: int
    due_on: date | None
    reviewed_on: date | None


class _Told(NamedTuple):
    case_id: UUID
    type: str
    met_on: date
    entered_at: datetime


def library(session: Session, writing: Writing, codes: FindingCodes) -> list[LibraryItem]:
    """All of it, what is due first, else as templates are numbered. Of a finding on a case its templates were used
    for, or its type is one of an explainer's; only of codes with `library = true`."""
    told = _told(session, codes)
    used = _used(session, [each.case_id for each in told])
    looked = _looked(session)
    items = [
        _item(TEMPLATE, each.name, each.title, each.owner, each.review_on,
              [one for one in told if each.name in used[one.case_id]], looked, codes)
        for each in writing.kinds
    ] + [
        _item(EXPLAINER, each.name, each.title, each.owner, each.review_on,
              [one for one in told if one.type in each.types], looked, codes)
        for each in writing.explainers
    ]  # fmt: skip
    return sorted(items, key=lambda each: each.due_on or date.max)


def note_looked_at(
    session: Session, kind: str, name: str, words: str, writing: Writing, *, who: Person, now: datetime
) -> LibraryReview:
    """Enter that somebody looked at it again, and what came of that."""
    need(who, Permission.WORK_COMMS)
    known = {
        TEMPLATE: {each.name for each in writing.kinds},
        EXPLAINER: {each.name for each in writing.explainers},
    }
    if name not in known.get(kind, set()):
        raise Conflict("There is no such template or explainer.")
    if len(words.split()) < 2:
        raise Conflict("Say what came of it, such as: nothing to change.")
    made = LibraryReview(kind=kind, name=name, words=words.strip(), reviewed_by=who.username, reviewed_at=now)
    session.add(made)
    note(
        session,
        [Line(f"{kind} looked at again", None, made.words, {"name": name})],
        who=who.username,
        now=now,
    )
    return made


def _item(
    kind: str,
    name: str,
    title: str,
    owner: str,
    review_on: date | None,
    told: Sequence[_Told],
    looked: dict[tuple[str, str], datetime],
    codes: FindingCodes,
) -> LibraryItem:
    seen = looked.get((kind, name))
    asking = [each for each in told if seen is None or each.entered_at > seen]
    days = [min(each.met_on for each in asking) + timedelta(days=codes.library_review_days)] if asking else []
    return LibraryItem(
        kind=kind,
        name=name,
        title=title,
        owner=owner,
        informed=len(told),
        last_on=max((each.met_on for each in told), default=None),
        asked=len(asking),
        due_on=min([*days, *([review_on] if review_on else [])], default=None),
        reviewed_on=seen.astimezone(LONDON).date() if seen else None,
    )


def _told(session: Session, codes: FindingCodes) -> list[_Told]:
    """The findings that stand and ask for words to be looked at."""
    asking = {each.name for each in codes.code if each.library}
    found = session.exec(
        select(Finding, Case.type, Review.meets_at)
        .join(Case, col(Case.id) == col(Finding.case_id))
        .join(Review, col(Review.id) == col(Finding.review_id))
        .where(col(Finding.superseded_at).is_(None), col(Finding.reviewed))
    )
    return [
        _Told(made.case_id, type_, meets_at.astimezone(LONDON).date(), made.entered_at)
        for made, type_, meets_at in found
        if asking & {made.code, *made.secondary}
    ]


def _used(session: Session, cases: Sequence[UUID]) -> dict[UUID, set[str]]:
    """The templates of the lines that went out, or were approved, on these cases."""
    asked = select(Statement.case_id, Statement.template).where(
        col(Statement.case_id).in_(cases), col(Statement.approved_at).is_not(None)
    )
    found: dict[UUID, set[str]] = defaultdict(set)
    for case, template in session.exec(asked.distinct()):
        found[case].add(template)
    return found


def _looked(session: Session) -> dict[tuple[str, str], datetime]:
    """When each was looked at last."""
    asked = select(LibraryReview).order_by(col(LibraryReview.reviewed_at))
    return {(each.kind, each.name): each.reviewed_at for each in session.exec(asked)}
