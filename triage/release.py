"""Deciding whether body-worn video is released: a person answers the form of the day's policy, a second one agrees
where the policy wants two, and the next decision supersedes it. Nothing is released from here.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from collector.records import Media
from triage.body_worn import LINK, LONGEST
from triage.checking_facts import FactKinds
from triage.locked import LONDON, Conflict, lock, must_be_open, touch
from triage.permissions import GRANTS, Permission, need
from triage.records import Case, Membership, Person
from triage.release_facts import give_facts, take_facts_back
from triage.release_form import LONGEST_ANSWER, Given, Told, Unanswered, cannot_be_released, problems
from triage.release_policy import ReleasePolicies, ReleasePolicy
from triage.release_records import BwvDecision, ReleaseOutcome
from triage.track_records import BodyWornVideo

NO_POLICY = "No policy on body-worn video is in force today. config/policy has one file for each."


def decide_release(
    session: Session,
    case_id: UUID,
    policies: ReleasePolicies,
    given: Given,
    kinds: FactKinds | None = None,
    *,
    who: Person,
    now: datetime,
) -> BwvDecision:
    """Decide by the policy in force today. In force at once, or once another person agrees. Raises Unanswered."""
    need(who, Permission.DECIDE_RELEASE)
    [case] = lock(session, case_id)
    must_be_open(case)
    policy = _in_force(policies, given.policy, now)
    if waiting_release(session, case_id) is not None:
        raise Conflict("A decision waits for a second person already.")
    bwv = session.get(BodyWornVideo, case_id, populate_existing=True)
    if wrong := problems(policy, given, bwv, now=now):
        raise Unanswered(wrong)
    made = _made(case_id, policy, given, who=who, now=now)
    made.viewed_by = [str(each["role"]) for each in bwv.viewings] if bwv else []
    made.clip_s, made.encounter_s = longest_clip(session, case_id), bwv.encounter_s if bwv else None
    session.add(made)
    session.flush()
    session.refresh(made)
    if made.outcome in policy.second:
        detail = _said(made)
        touch(session, case, "release decision asked for", who=who, now=now, why=made.why, detail=detail)
    else:
        _put_in_force(session, case, made, kinds, who=who, now=now)
    return made


def agree_release(
    session: Session,
    decision: UUID,
    policies: ReleasePolicies,
    kinds: FactKinds | None = None,
    *,
    who: Person,
    now: datetime,
) -> BwvDecision:
    """Agree as the second person; it is in force from now on. Raises Conflict when the policy changed meanwhile."""
    need(who, Permission.DECIDE_RELEASE)
    case, made = _waits(session, decision)
    if made.first == who.username:
        raise Conflict("Somebody else has to agree: you asked for it.")
    _in_force(policies, made.policy, now)
    if made.outcome == ReleaseOutcome.RELEASE:
        bwv = session.get(BodyWornVideo, case.id, populate_existing=True)
        if wrong := cannot_be_released(bwv):
            raise Conflict(wrong)
    made.second, made.second_role = who.username, _role(who)
    _put_in_force(session, case, made, kinds, who=who, now=now)
    return made


def refuse_release(session: Session, decision: UUID, *, who: Person, now: datetime) -> BwvDecision:
    """Not agree with what was asked for, or take it back."""
    need(who, Permission.DECIDE_RELEASE)
    case, made = _waits(session, decision)
    made.refused_at, made.second, made.second_role = now, who.username, _role(who)
    touch(session, case, "release decision not agreed", who=who, now=now, detail=_said(made))
    return made


def enter_item(session: Session, decision: UUID, item: str, *, who: Person, now: datetime) -> BwvDecision:
    """Enter the reference of what was released, elsewhere, under a decision that stands. Never a link."""
    need(who, Permission.DECIDE_RELEASE)
    case, made = _held(session, decision)
    item = " ".join(item.split())
    if made.outcome != ReleaseOutcome.RELEASE or made.decided_at is None or made.superseded_at is not None:
        raise Conflict("Only a decision to release that is in force has something released under it.")
    if not item or len(item) > LONGEST or LINK.search(item):
        raise Conflict(f"Enter a reference of at most {LONGEST} characters, not a link or a file.")
    made.item, made.item_by, made.item_at = item, who.username, now
    touch(session, case, "released footage entered", who=who, now=now, detail=_said(made))
    return made


def releases(session: Session, case_id: UUID) -> Sequence[BwvDecision]:
    """All that was decided and asked for on a case, the newest first."""
    asked = select(BwvDecision).where(BwvDecision.case_id == case_id)
    return session.exec(
        asked.order_by(col(BwvDecision.entered_at).desc(), col(BwvDecision.number).desc())
    ).all()


def standing_release(session: Session, case_id: UUID) -> BwvDecision | None:
    """The decision that is in force."""
    asked = select(BwvDecision).where(
        BwvDecision.case_id == case_id,
        col(BwvDecision.decided_at).is_not(None),
        col(BwvDecision.superseded_at).is_(None),
    )
    return session.exec(asked.order_by(col(BwvDecision.decided_at).desc())).first()


def waiting_release(session: Session, case_id: UUID) -> BwvDecision | None:
    """What was asked for and waits for a second person."""
    asked = select(BwvDecision).where(
        BwvDecision.case_id == case_id,
        col(BwvDecision.decided_at).is_(None),
        col(BwvDecision.refused_at).is_(None),
    )
    return session.exec(asked).first()


def move_releases(session: Session, home: UUID, to: UUID) -> None:
    """Bring the decisions of a case to another that it was joined to. What is in force there stands."""
    session.flush()
    for each in (standing_release(session, home), waiting_release(session, home)):
        other = standing_release(session, to) if each and each.decided_at else waiting_release(session, to)
        if each is not None and other is not None:
            each.superseded_at, each.refused_at = (
                (other.decided_at, each.refused_at) if each.decided_at else (None, other.entered_at)
            )
    session.flush()
    session.execute(update(BwvDecision).where(col(BwvDecision.case_id) == home).values(case_id=to))


def longest_clip(session: Session, case_id: UUID) -> float | None:
    """How long the longest clip in the posts of a case is, in seconds."""
    asked = (
        select(func.max(Media.duration_s))
        .join(Membership, col(Membership.post_id) == col(Media.post_id))
        .where(Membership.case_id == case_id, col(Membership.sure))
    )
    return session.scalars(asked).one()


def _in_force(policies: ReleasePolicies, version: str, now: datetime) -> ReleasePolicy:
    """The policy of the day, if it is the one that was gone by."""
    policy = policies.on(now.astimezone(LONDON).date())
    if policy is None:
        raise Conflict(NO_POLICY)
    if policy.version != version:
        raise Conflict(f"Another policy is in force now: {policy.title}. Decide by that one.")
    return policy


def _made(case_id: UUID, policy: ReleasePolicy, given: Given, *, who: Person, now: datetime) -> BwvDecision:
    """The decision, with the words of the policy beside what was answered."""
    outcome = ReleaseOutcome(given.outcome)
    released, refused = outcome == ReleaseOutcome.RELEASE, outcome == ReleaseOutcome.DO_NOT_RELEASE
    exception = next((each for each in policy.exception if each.name == given.exception), None)
    reason = next((each for each in policy.refusal if each.name == given.reason), None) if refused else None
    told = [(each, given.told.get(each.name, Told())) for each in policy.told]
    return BwvDecision(
        case_id=case_id, policy=policy.version, policy_title=policy.title, outcome=outcome,
        asked_at=given.asked_at or now,
        answers=[
            {"name": each.name, "side": each.side, "asks": each.asks, "words": _kept(given.answers[each.name])}
            for each in policy.consideration
            if given.answers.get(each.name, "").strip()
        ],
        exception=exception.says if exception and released else None,
        necessity=_kept(given.necessity), proportionality=_kept(given.proportionality),
        redactions=list(dict.fromkeys(given.redactions)) if released else [],
        told=[
            {
                "name": each.name, "says": each.says, "at": said.at.isoformat() if said.at else None,
                "why": _kept(said.why), "fact": each.fact,
            }
            for each, said in told
            if said.at or said.why.strip()
        ],
        reason=reason.name if reason else None, reason_says=reason.says if reason else None,
        lawful_basis=_kept(given.lawful_basis) if reason and reason.lawful_basis else None,
        why=_kept(given.why), entered_at=now, first=who.username, first_role=_role(who),
    )  # fmt: skip


def _put_in_force(
    session: Session, case: Case, made: BwvDecision, kinds: FactKinds | None, *, who: Person, now: datetime
) -> None:
    before = standing_release(session, case.id)
    if before is not None:
        before.superseded_at = now
    made.decided_at = now
    session.flush()
    detail = _said(made) | ({"supersedes": f"BWV-{before.number}"} if before else {})
    touch(session, case, "release decided", who=who, now=now, why=made.why, detail=detail)
    if kinds is not None and before is not None:
        take_facts_back(session, before, made, who=who, now=now)
    if kinds is not None and made.outcome == ReleaseOutcome.RELEASE:
        give_facts(session, made, kinds, who=who, now=now)


def _waits(session: Session, decision: UUID) -> tuple[Case, BwvDecision]:
    case, made = _held(session, decision)
    if made.decided_at or made.refused_at:
        raise Conflict("This does not wait for anybody any more.")
    return case, made


def _held(session: Session, decision: UUID) -> tuple[Case, BwvDecision]:
    """A decision with its open case, both locked."""
    case_id = session.exec(select(BwvDecision.case_id).where(BwvDecision.id == decision)).first()
    if case_id is None:
        raise Conflict("There is no such decision.")
    [case] = lock(session, case_id)
    must_be_open(case)
    return case, session.get_one(BwvDecision, decision, populate_existing=True)


def _role(who: Person) -> str:
    """In which of their roles a person decides."""
    return next(role for role in who.roles if Permission.DECIDE_RELEASE in GRANTS.get(role, ()))


def _said(made: BwvDecision) -> dict[str, object]:
    told: dict[str, object] = {
        "decision": f"BWV-{made.number}",
        "outcome": ReleaseOutcome(made.outcome).value,
        "policy": made.policy,
    }
    return {**told, **({"reason": made.reason} if made.reason else {})}


def _kept(words: str) -> str:
    return words.replace("\r\n", "\n").strip()[:LONGEST_ANSWER]
