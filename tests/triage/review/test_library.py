"""A finding brings forward the day on which the words used for its case are looked at again."""

from datetime import date, timedelta

import pytest
from sqlmodel import Session

from tests.make import NOON
from tests.triage.review.deciding import CODES, found, listed, reviewer
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import Case
from triage.review.library import LibraryItem, library, note_looked_at
from triage.statement_records import Statement, StatementState
from triage.writing import Explainer, LineKind, own_words

FAR = date(2027, 1, 15)
WRITING = own_words()._replace(
    kinds=(LineKind("aware", "H1 Aware", owner="DMC", review_on=FAR), LineKind("apology", "H5 Apology", review_on=FAR)),
    explainers=(
        Explainer("force", "Why force is used", "", ("use_of_force",), "Training", FAR),
        Explainer("taser", "Why Taser is used", "", ("pursuit_collision",), "Training", date(2026, 7, 20)),
    ),
)  # fmt: skip


def used(session: Session, case: Case, template: str = "aware") -> None:
    line = Statement(
        case_id=case.id, template=template, title="", text="We are aware.", author="ann", state=StatementState.ISSUED,
        drafted_at=NOON, approved_at=NOON, issued_at=NOON,
    )  # fmt: skip
    session.add(line)
    session.flush()


def read(session: Session) -> dict[str, LibraryItem]:
    return {each.name: each for each in library(session, WRITING, CODES)}


def test_without_findings_the_days_of_the_files_hold(session: Session) -> None:
    items = library(session, WRITING, CODES)
    assert [each.name for each in items] == ["taser", "aware", "apology", "force"]
    assert all(each.informed == each.asked == 0 for each in items)
    assert items[1].owner == "DMC"


def test_poor_communication_brings_the_template_used_and_the_background_forward(session: Session) -> None:
    review, case = listed(session)
    used(session, case)
    found(session, review, case, reviewer(session))
    items = read(session)
    soon = date(2026, 7, 14) + timedelta(days=CODES.library_review_days)
    for name in ("aware", "force"):
        assert (items[name].due_on, items[name].asked, items[name].last_on) == (soon, 1, date(2026, 7, 14))
    assert items["apology"].due_on == FAR
    assert items["taser"].due_on == date(2026, 7, 20)


def test_a_finding_that_asks_for_nothing_or_does_not_stand_changes_no_day(session: Session) -> None:
    review, case = listed(session)
    used(session, case)
    tom = reviewer(session)
    found(session, review, case, tom)
    found(session, review, case, tom, code="PROFESSIONAL", seen=1, correction_why="A video was found")
    assert read(session)["aware"].due_on == FAR


def test_who_looked_at_it_ends_that_until_the_next_finding(session: Session) -> None:
    review, case = listed(session)
    used(session, case)
    tom, ann = reviewer(session), reviewer(session, "ann", roles=["triage"])
    found(session, review, case, tom)
    with pytest.raises(Denied):
        note_looked_at(session, "template", "aware", "Nothing to change", WRITING, who=tom, now=NOON)
    with pytest.raises(Conflict, match="no such"):
        note_looked_at(session, "template", "force", "Nothing to change", WRITING, who=ann, now=NOON)
    with pytest.raises(Conflict, match="what came of it"):
        note_looked_at(session, "template", "aware", "", WRITING, who=ann, now=NOON)
    note_looked_at(session, "template", "aware", "Nothing to change", WRITING, who=ann, now=NOON)
    session.commit()
    item = read(session)["aware"]
    assert (item.due_on, item.asked, item.informed, item.reviewed_on) == (FAR, 0, 1, NOON.date())
    again = {"code": "POLICY-GAP", "seen": 1, "correction_why": "The guidance is silent"}
    found(session, review, case, tom, now=NOON + timedelta(days=1), **again)
    assert read(session)["aware"].asked == 1
