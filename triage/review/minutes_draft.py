"""A first draft of a meeting's minutes, from its records alone. Posts and cases are named, nobody else."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from triage.locked import LONDON
from triage.records import Case
from triage.review.finding_records import Action, Finding, Minutes, Talk
from triage.review.group import Group
from triage.review.meeting_records import Attendance, Declaration, Review, ReviewItem

NOTHING = "Nothing is recorded."
TALK = {
    Talk.YES: "more talking would probably have avoided force",
    Talk.NO: "more talking would not have avoided force",
    Talk.UNCLEAR: "not clear",
    Talk.NO_FORCE: "no force was used",
}
Part = dict[str, Any]


def drafted_parts(session: Session, review: Review, group: Group) -> list[Part]:
    """Attendance by post, each case of the list with what was declared, found and asked for, and actions closed.

    What names a case stands in a part about it.
    """
    items = session.exec(
        select(ReviewItem, Case)
        .join(Case, col(Case.id) == col(ReviewItem.case_id))
        .where(ReviewItem.review_id == review.id, col(ReviewItem.off_at).is_(None))
        .order_by(col(ReviewItem.position), col(Case.severity), col(Case.number))
    ).all()
    parts = [
        _part("attendance", "Who was there", _attendance(session, review, group)),
        _part("before", "Minutes of earlier meetings", _before(session, review)),
    ]
    findings = {each.case_id: each for each in _findings(session, review)}
    actions: dict[UUID | None, list[Action]] = defaultdict(list)
    for action in session.exec(
        select(Action).where(Action.review_id == review.id).order_by(col(Action.number))
    ):
        actions[action.case_id].append(action)
    declared: dict[UUID, list[Declaration]] = defaultdict(list)
    for each in session.exec(select(Declaration).where(Declaration.review_id == review.id)):
        declared[each.case_id].append(each)
    for item, case in items:
        words = _item(
            session, group, item, declared.get(case.id, []), findings.get(case.id), actions.get(case.id, [])
        )
        parts.append(_part(f"GH-{case.number}", f"GH-{case.number} {case.title}", words, case=str(case.id)))
    general = "\n".join(_action(each) for each in actions.get(None, []))
    parts.append(_part("actions", "Actions that are about no one case", general or NOTHING))
    return [*parts, *_followed(session, review)]


def _part(name: str, title: str, words: str, *, case: str | None = None) -> Part:
    return {"name": name, "title": title, "words": words, "case": case}


def _findings(session: Session, review: Review) -> Sequence[Finding]:
    asked = select(Finding).where(Finding.review_id == review.id, col(Finding.superseded_at).is_(None))
    return session.exec(asked).all()


def _attendance(session: Session, review: Review, group: Group) -> str:
    """By posts: how many came, who sent apologies, who left before the end."""
    rows = session.exec(select(Attendance).where(Attendance.review_id == review.id)).all()
    sorts = (
        ("Present", [each for each in rows if each.came_at]),
        ("Apologies", [each for each in rows if each.apologies_at and not each.came_at]),
        ("Left before the end", [each for each in rows if each.left_at]),
    )
    lines = [f"{title}: {_counted(some, group)}." for title, some in sorts if some]
    return "\n".join(lines) or NOTHING


def _counted(rows: Sequence[Attendance], group: Group) -> str:
    counts = Counter(group.title_of(each.post) for each in rows)
    return ", ".join(f"{post} ({count})" if count > 1 else post for post, count in sorted(counts.items()))


def _before(session: Session, review: Review) -> str:
    approved = session.exec(
        select(Review.meets_at)
        .join(Minutes, col(Minutes.review_id) == col(Review.id))
        .where(Minutes.approved_in == review.id)
        .order_by(col(Review.meets_at))
    )
    lines = [f"The minutes of {_day(each)} were approved." for each in approved]
    return "\n".join(lines) or "None was approved at this meeting."


def _item(
    session: Session,
    group: Group,
    item: ReviewItem,
    declared: Sequence[Declaration],
    finding: Finding | None,
    actions: Sequence[Action],
) -> str:
    lines = [f"Listed because: {item.because}." + (" Added late by the chair." if item.late else "")]
    if declared:
        lines.append(f"Declared: {'; '.join(_declared(each, group) for each in declared)}.")
    if item.carried_to is not None:
        to = session.get(Review, item.carried_to)
        lines.append(f"Carried over{f' to {_day(to.meets_at)}' if to else ''}.")
    if finding is None:
        lines.append("No finding was made.")
    else:
        lines += _found(finding)
    lines += [_action(each) for each in actions]
    return "\n".join(lines)


def _declared(each: Declaration, group: Group) -> str:
    kind = group.interest_of(each.kind)
    title = kind.title if kind else each.kind.replace("_", " ")
    return f"{title.lower()}{', took no part' if each.recused else ''}"


def _found(finding: Finding) -> list[str]:
    titles = [str(finding.says.get(name, name)) for name in (finding.code, *finding.secondary)]
    lines = [f"Finding: {'; '.join(titles)}."]
    if finding.talk is not None:
        lines.append(f"Communications or handcuffs? {TALK[Talk(finding.talk)].capitalize()}.")
    if finding.communication is not None:
        lines.append(f"Quality of communication: {finding.communication} of 5.")
    if finding.went_well:
        lines.append(f"What went well: {finding.went_well}")
    lines += [f"Decision: {finding.decision}", f"Why: {finding.why}"]
    lines += [f"Dissent ({each['post']}): {each['words']}" for each in finding.dissent]
    return lines


def _action(action: Action) -> str:
    words = action.words.rstrip(".")
    return f"Action A-{action.number}: {words}. Owner: {action.owner_post}, due {action.due_on:%-d %B %Y}."


def _followed(session: Session, review: Review) -> list[Part]:
    """The actions that this meeting closed; those about a case each in a part of their own."""
    closed = session.exec(
        select(Action).where(Action.closed_in == review.id).order_by(col(Action.number))
    ).all()
    general = "\n".join(_closed(each) for each in closed if each.case_id is None)
    title = "Actions closed"
    return [
        _part("closed", title, general or ("Each is told below." if closed else "None was closed.")),
        *(
            _part(f"A-{each.number}", f"Action A-{each.number}", _closed(each), case=str(each.case_id))
            for each in closed
            if each.case_id is not None
        ),
    ]


def _closed(action: Action) -> str:
    outcome = str(action.outcome).replace("_", " ")
    return f"A-{action.number} closed: {outcome}. {action.outcome_words}"


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(LONDON):%-d %B %Y}"
