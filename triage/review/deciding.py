"""Deciding on a case at a meeting of the oversight group: one finding each, corrected by a new version, never changed.

Refused to who is kept from the case, before the meeting has begun, without quorum, for a case that is not on the
meeting's list, and on the merits of one that may not be discussed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlmodel import Session, col, select

from triage.hidden import sees
from triage.lifecycle import Lifecycle
from triage.locked import LONDON, Conflict, lock, touch
from triage.permissions import Permission, need
from triage.records import Case, Person
from triage.review.attendance import need_quorum
from triage.review.declaring import recused_from
from triage.review.feedback import begin_feedback
from triage.review.finding_codes import FindingCodes
from triage.review.finding_form import (
    LONGEST,
    Given,
    ReferralGiven,
    Unanswered,
    chosen,
    problems,
    referral_problems,
)
from triage.review.finding_records import Finding, Referral, ReferralBody, Talk
from triage.review.group import Group
from triage.review.meeting_records import Review, ReviewItem
from triage.review.merits import may_discuss

FOUND, CORRECTED = "finding decided", "finding corrected"
REFERRED, UNREFERRED = "referral recorded", "referral entry taken back"


class Terms(NamedTuple):
    """What deciding goes by: what can be found, what a quorum needs, what bars discussion, which days are holidays."""

    codes: FindingCodes
    group: Group
    lifecycle: Lifecycle


def decide(
    session: Session,
    review_id: UUID,
    case_id: UUID,
    terms: Terms,
    given: Given,
    *,
    who: Person,
    now: datetime,
) -> Finding:
    """Enter what the group found, or correct it with a reason. Raises Unanswered, Conflict, Denied."""
    need(who, Permission.DECIDE_FINDING)
    [case] = lock(session, case_id)
    review = must_be_decided_here(session, review_id, case, terms, who=who, now=now)
    codes = terms.codes
    before = standing_finding(session, review_id, case_id)
    if given.seen != (before.version if before else 0):
        raise Conflict("Somebody else entered a finding since you opened this. Look again before you act.")
    today = now.astimezone(LONDON).date()
    was_discussed = before is not None and before.reviewed
    discussed = was_discussed or may_discuss(session, case_id, terms.lifecycle) is None
    wrong = problems(
        codes, given, discussed=discussed, correcting=before is not None, today=today,
        referred={str(each.body) for each in standing_referrals(session, case_id)},
    )  # fmt: skip
    if wrong:
        raise Unanswered(wrong)
    if not given.referral.is_empty:
        record_referral(session, case_id, given.referral, review_id=review_id, who=who, now=now)
    if before is not None:
        before.superseded_at = now
        session.flush()
    made = _made(review_id, case_id, codes, given, before, who=who, now=now)
    session.add(made)
    session.flush()
    _say(session, case, review, made, codes, who=who, now=now)
    if made.reviewed:
        begin_feedback(session, review, case, made, codes, terms.lifecycle.bank_holidays, now=now)
    return made


def must_be_decided_here(
    session: Session, review_id: UUID, case: Case, terms: Terms, *, who: Person, now: datetime
) -> Review:
    """The meeting, if it can decide on this case now and with this person. Raises Conflict."""
    review = session.get(Review, review_id)
    if review is None:
        raise Conflict("There is no such meeting.")
    if review.cancelled_at is not None:
        raise Conflict("This meeting was cancelled.")
    if not sees(session, who, case.id) or _is_recused(session, who, case.id):
        raise Conflict("You are kept from this case, so you cannot decide on it.")
    if review.meets_at > now:
        raise Conflict("The meeting has not begun: nothing can be decided yet.")
    listed = select(ReviewItem.case_id).where(
        ReviewItem.review_id == review_id, ReviewItem.case_id == case.id, col(ReviewItem.off_at).is_(None)
    )
    if session.exec(listed).first() is None:
        raise Conflict(f"GH-{case.number} is not on the list of this meeting.")
    need_quorum(session, review, terms.group, case_id=case.id)
    return review


def record_referral(
    session: Session,
    case_id: UUID,
    given: ReferralGiven,
    *,
    review_id: UUID | None = None,
    corrects: UUID | None = None,
    correction_why: str = "",
    who: Person,
    now: datetime,
) -> Referral:
    """Record that somebody referred a case, elsewhere; nothing is referred from here. `corrects` is the entry that this
    one replaces. Raises Unanswered, Conflict."""
    need(who, Permission.WORK_CONDUCT)
    [case] = lock(session, case_id)
    wrong = referral_problems(given, now.astimezone(LONDON).date())
    if corrects is not None and len(correction_why.split()) < 3:
        wrong["correction_why"] = "Say why the entry is corrected."
    if wrong:
        raise Unanswered(wrong)
    if corrects is not None:
        _standing_referral(session, case_id, corrects).superseded_at = now
    body = ReferralBody(given.body)
    made = Referral(
        case_id=case_id, review_id=review_id, body=body, kind=given.kind if body == ReferralBody.IOPC else None,
        by_post=_kept(given.by_post), made_on=given.made_on or now.astimezone(LONDON).date(),
        reference=_kept(given.reference), entered_by=who.username, entered_at=now, corrects=corrects,
        correction_why=_kept(correction_why) if corrects else None,
    )  # fmt: skip
    session.add(made)
    detail = {"to": body.value, "kind": made.kind, "made_on": made.made_on.isoformat(), "by": made.by_post}
    touch(session, case, REFERRED, who=who, now=now, why=made.correction_why, detail=detail)
    return made


def take_back_referral(
    session: Session, case_id: UUID, referral: UUID, *, why: str, who: Person, now: datetime
) -> Referral:
    """Say that an entry was wrong and none takes its place. It stays readable."""
    need(who, Permission.WORK_CONDUCT)
    [case] = lock(session, case_id)
    if len(why.split()) < 3:
        raise Conflict("Say why the entry is taken back.")
    entry = _standing_referral(session, case_id, referral)
    entry.superseded_at, entry.taken_back_why = now, _kept(why)
    touch(session, case, UNREFERRED, who=who, now=now, why=entry.taken_back_why)
    return entry


def standing_finding(session: Session, review_id: UUID, case_id: UUID) -> Finding | None:
    """The finding of one case at one meeting that stands."""
    asked = select(Finding).where(
        Finding.review_id == review_id, Finding.case_id == case_id, col(Finding.superseded_at).is_(None)
    )
    return session.exec(asked.execution_options(populate_existing=True)).first()


def findings_of(session: Session, case_id: UUID) -> Sequence[tuple[Finding, Review]]:
    """Every version of every finding of a case with its meeting, the latest meeting and version first."""
    asked = (
        select(Finding, Review)
        .join(Review, col(Review.id) == col(Finding.review_id))
        .where(Finding.case_id == case_id)
        .order_by(col(Review.meets_at).desc(), col(Finding.version).desc())
    )
    return session.exec(asked).all()


def standing_referrals(session: Session, case_id: UUID) -> Sequence[Referral]:
    """What stands recorded of referrals of a case, the earliest first."""
    asked = select(Referral).where(Referral.case_id == case_id, col(Referral.superseded_at).is_(None))
    return session.exec(asked.order_by(col(Referral.made_on), col(Referral.entered_at))).all()


def changed_since(session: Session, review: Review) -> Sequence[tuple[Finding, Case]]:
    """The findings of a meeting that were entered on a later day than it met, or correct another, in that order."""
    asked = (
        select(Finding, Case)
        .join(Case, col(Case.id) == col(Finding.case_id))
        .where(Finding.review_id == review.id)
        .order_by(col(Finding.entered_at), col(Case.number))
    )
    return [row for row in session.exec(asked) if is_late(row[0], review)]


def is_late(finding: Finding, review: Review) -> bool:
    """Whether a finding changes what its meeting's day had said."""
    days = [each.astimezone(LONDON).date() for each in (finding.entered_at, review.meets_at)]
    return finding.version > 1 or days[0] > days[1]


def _made(
    review_id: UUID,
    case_id: UUID,
    codes: FindingCodes,
    given: Given,
    before: Finding | None,
    *,
    who: Person,
    now: datetime,
) -> Finding:
    """The finding with the words and the counting of its codes as they are today."""
    found = chosen(codes, given)
    return Finding(
        case_id=case_id, review_id=review_id, version=before.version + 1 if before else 1, code=given.code,
        secondary=[each.name for each in found if each.name != given.code],
        says={each.name: each.title for each in found},
        themes=list(dict.fromkeys(theme for each in found for theme in each.themes)),
        reviewed=all(each.reviewed for each in found), concern=any(each.concern for each in found),
        talk=Talk(given.talk) if given.talk in set(Talk) else None,
        communication=int(given.communication) if given.communication else None,
        legality=given.legality or None, went_well=_kept(given.went_well) or None,
        decision=_kept(given.decision), why=_kept(given.why), steps=_steps(codes, given.steps),
        dissent=[
            {"post": _kept(post), "words": _kept(words)} for post, words in given.dissent if words.strip()
        ],
        entered_by=who.username, entered_at=now, correction_why=_kept(given.correction_why) if before else None,
    )  # fmt: skip


def _steps(codes: FindingCodes, said: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"step": each.name, "asks": each.asks, "words": _kept(said[each.name])}
        for each in codes.step
        if said.get(each.name, "").strip()
    ]


def _say(
    session: Session,
    case: Case,
    review: Review,
    made: Finding,
    codes: FindingCodes,
    *,
    who: Person,
    now: datetime,
) -> None:
    """A line in the log; `as` is what it says of the case's posts, for labels."""
    code = codes.of(made.code)
    detail = {
        "meeting": review.meets_at.astimezone(LONDON).date().isoformat(), "code": made.code,
        "secondary": made.secondary, "version": made.version, "as": code.label if code else "",
    }  # fmt: skip
    what = CORRECTED if made.version > 1 else FOUND
    touch(session, case, what, who=who, now=now, why=made.correction_why or made.why, detail=detail)


def _is_recused(session: Session, who: Person, case_id: UUID) -> bool:
    return any(each.person_id == who.id for each in recused_from(session, case_id))


def _standing_referral(session: Session, case_id: UUID, referral: UUID) -> Referral:
    found = session.get(Referral, referral, populate_existing=True)
    if found is None or found.case_id != case_id or found.superseded_at is not None:
        raise Conflict("This entry does not stand any more. Look again.")
    return found


def _kept(words: str) -> str:
    return words.replace("\r\n", "\n").strip()[:LONGEST]
