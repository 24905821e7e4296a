"""The minutes of a meeting: drafted from the records, edited, approved at a later meeting by somebody who did not write
them, and fixed from then on. They name posts and cases, never a member of the public.

Each part about a case is shown only to who sees the case.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from triage.hidden import hidden_cases, seeing_all
from triage.locked import LONDON, Conflict
from triage.log import Line, note
from triage.permissions import Permission, need
from triage.records import Person
from triage.review.attendance import need_quorum, sheet_of
from triage.review.finding_records import Minutes, MinutesCorrection
from triage.review.group import Group
from triage.review.meeting_records import Attendance, Review
from triage.review.minutes_draft import Part, drafted_parts

LONGEST = 20_000


def draft_minutes(session: Session, review_id: UUID, group: Group, *, who: Person, now: datetime) -> Minutes:
    """Draft them from the records; over a draft that is not approved, whose edits then go. Raises Conflict."""
    need(who, Permission.DECIDE_FINDING)
    review = session.get(Review, review_id)
    if review is None or review.cancelled_at is not None:
        raise Conflict("There is no such meeting.")
    if review.meets_at > now:
        raise Conflict("The meeting has not begun: there is nothing to minute yet.")
    found = minutes_of(session, review_id)
    if found is not None and found.approved_at is not None:
        raise Conflict("These minutes are approved. Append a correction instead.")
    with seeing_all(session):
        parts = drafted_parts(session, review, group)
    if found is None:
        found = Minutes(review_id=review_id, author=who.username, drafted_at=now, changed_at=now)
        session.add(found)
    else:
        found.version += 1
    found.parts, found.author, found.drafted_at, found.changed_at = parts, who.username, now, now
    session.flush()
    _say(session, review, found, "minutes drafted", who=who, now=now)
    return found


def edit_minutes(
    session: Session, minutes: UUID, words: Mapping[str, str], *, version: int, who: Person, now: datetime
) -> Minutes:
    """Write parts over, by name; parts the person does not see stay. Raises Conflict."""
    need(who, Permission.DECIDE_FINDING)
    found, review = _held(session, minutes)
    if found.approved_at is not None:
        raise Conflict("These minutes are approved. Append a correction instead.")
    if found.version != version:
        raise Conflict("Somebody changed the minutes since you opened them. Look again before you save.")
    seen = {each["name"] for each in shown(session, found)}
    changed = {
        name: _kept(said)
        for name, said in words.items()
        if name in seen and _kept(said) != next(each["words"] for each in found.parts if each["name"] == name)
    }
    if not changed:
        return found
    found.parts = [
        {**each, "words": changed[each["name"]], "by": who.username} if each["name"] in changed else each
        for each in found.parts
    ]
    found.version, found.changed_at = found.version + 1, now
    detail = {"parts": len(changed)}
    _say(session, review, found, "minutes edited", who=who, now=now, detail=detail)
    return found


def approve_minutes(session: Session, minutes: UUID, group: Group, *, who: Person, now: datetime) -> Minutes:
    """Approve them for the group, in the chair's post, at a later meeting that has begun. They are fixed then."""
    need(who, Permission.DECIDE_FINDING)
    found, review = _held(session, minutes)
    if found.approved_at is not None:
        raise Conflict("These minutes are approved already.")
    if who.username in writers(found):
        raise Conflict("Somebody who did not write them approves them.")
    following = next_meeting(session, review, now=now)
    if following is None:
        raise Conflict("They are approved at the next meeting, which has not begun.")
    post = next((each.post for each in sheet_of(session, following.id) if chairs(each, who, group)), None)
    if post is None:
        raise Conflict(
            "Who chairs the meeting that approves them enters it: be on its sheet, as chair or deputy."
        )
    need_quorum(session, following, group)
    found.approved_by, found.approved_at, found.approved_in = who.username, now, following.id
    _say(session, review, found, "minutes approved", who=who, now=now, detail={"post": post})
    return found


def correct_minutes(
    session: Session, minutes: UUID, words: str, why: str, *, part: str = "", who: Person, now: datetime
) -> MinutesCorrection:
    """Append to approved minutes what they should have said, with the reason; `part` is the part it is about."""
    need(who, Permission.DECIDE_FINDING)
    found, review = _held(session, minutes)
    if found.approved_at is None:
        raise Conflict("These minutes are not approved yet: write them over.")
    if len(words.split()) < 2 or len(why.split()) < 2:
        raise Conflict("Say what they should have said, and why.")
    about = next((each for each in shown(session, found) if each["name"] == part), None)
    made = MinutesCorrection(
        minutes_id=found.id, case_id=UUID(about["case"]) if about and about["case"] else None, words=_kept(words),
        why=_kept(why), entered_by=who.username, entered_at=now,
    )  # fmt: skip
    session.add(made)
    _say(session, review, found, "minutes corrected", who=who, now=now)
    return made


def chairs(row: Attendance, who: Person, group: Group) -> bool:
    """Whether this row of a meeting's sheet says that the person came in a post that chairs."""
    return row.person_id == who.id and row.came_at is not None and row.post in group.chairing


def minutes_of(session: Session, review_id: UUID) -> Minutes | None:
    asked = select(Minutes).where(Minutes.review_id == review_id)
    return session.exec(asked.execution_options(populate_existing=True)).first()


def corrections_of(session: Session, minutes: UUID) -> Sequence[MinutesCorrection]:
    """In the order in which they were appended."""
    asked = select(MinutesCorrection).where(MinutesCorrection.minutes_id == minutes)
    return session.exec(asked.order_by(col(MinutesCorrection.entered_at))).all()


def shown(session: Session, minutes: Minutes) -> list[Part]:
    """The parts whom this session looks as may read."""
    hidden = {str(each) for each in hidden_cases(session)}
    return [each for each in minutes.parts if each["case"] not in hidden]


def writers(minutes: Minutes) -> set[str]:
    return {minutes.author, *(str(each["by"]) for each in minutes.parts if each.get("by"))}


def next_meeting(session: Session, review: Review, *, now: datetime) -> Review | None:
    """The latest meeting after this one that has begun."""
    asked = select(Review).where(
        col(Review.meets_at) > review.meets_at,
        col(Review.meets_at) <= now,
        col(Review.cancelled_at).is_(None),
    )
    return session.exec(asked.order_by(col(Review.meets_at).desc())).first()


def as_text(session: Session, minutes: Minutes, review: Review) -> str:
    """The minutes as plain text, with their state at the top and what was appended at the end."""
    met = review.meets_at.astimezone(LONDON)
    lines = [f"Use of Force oversight group: minutes of {met:%-d %B %Y}", state_of(minutes), ""]
    for part in shown(session, minutes):
        lines += [str(part["title"]), "-" * len(str(part["title"])), str(part["words"]), ""]
    corrections = corrections_of(session, minutes.id)
    if corrections:
        lines += ["Appended since", "--------------"]
        lines += [
            f"{each.entered_at.astimezone(LONDON):%-d %B %Y}: {each.words} ({each.why})"
            for each in corrections
        ]
    return "\n".join(lines).rstrip() + "\n"


def state_of(minutes: Minutes) -> str:
    if minutes.approved_at is None:
        return f"Draft {minutes.version}, not approved"
    return f"Approved on {minutes.approved_at.astimezone(LONDON):%-d %B %Y}"


def _held(session: Session, minutes: UUID) -> tuple[Minutes, Review]:
    found = session.get(Minutes, minutes, populate_existing=True, with_for_update=True)
    if found is None:
        raise Conflict("There are no such minutes.")
    return found, session.get_one(Review, found.review_id)


def _say(
    session: Session,
    review: Review,
    minutes: Minutes,
    what: str,
    *,
    who: Person,
    now: datetime,
    detail: Mapping[str, Any] | None = None,
) -> None:
    said = {"meeting": review.meets_at.astimezone(LONDON).date().isoformat(), "version": minutes.version}
    note(session, [Line(what, None, None, {**said, **(detail or {})})], who=who.username, now=now)


def _kept(words: str) -> str:
    return words.replace("\r\n", "\n").strip()[:LONGEST]
