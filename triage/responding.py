"""What is done about a claim: one option of the ladder, chosen by a person with a reason; and what answering reaches.

The figures are shown, never acted on: how far the claim has come, and how many would hear of it from us.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import text
from sqlmodel import Session, col, select

from triage.claim_records import DECIDED, ClaimDecision, ClaimResponse, ClaimState, ClaimType, KnownClaim
from triage.claims import LONGEST, lock_claim, reason, say
from triage.hidden import hidden_cases
from triage.locked import Conflict
from triage.permissions import GRANTS, Permission, need
from triage.records import Person
from triage.response_policy import Option, ResponsePolicy

HOUR = timedelta(hours=1)

_REACH = text("""
    WITH said AS (SELECT DISTINCT ON (s.post_id) s.post_id, s.published_at, p.platform
        FROM claim_sightings AS s JOIN known_claims AS w ON w.id = s.claim_id
        JOIN posts AS p ON p.id = s.post_id AND p.withdrawn_at IS NULL
        WHERE coalesce(w.merged_into, w.id) = :claim AND s.state IN ('counted', 'confirmed')
            AND s.published_at <= :now AND w.case_id <> ALL(CAST(:hidden AS uuid[]))
            AND NOT EXISTS (SELECT FROM memberships AS m WHERE m.post_id = s.post_id AND m.sure
                AND m.case_id = ANY(CAST(:hidden AS uuid[])))),
    seen AS (SELECT said.post_id, said.published_at, said.platform, shown.views, shown.sources FROM said
        CROSS JOIN LATERAL (SELECT max(CAST(reach ->> 'views' AS bigint)) AS views,
            array_agg(DISTINCT source) AS sources FROM sightings WHERE post_id = said.post_id) AS shown)
    SELECT count(*) AS posts, count(DISTINCT platform) AS platforms, sum(views) AS views, count(views) AS viewed,
        (SELECT count(DISTINCT each) FROM seen CROSS JOIN unnest(sources) AS each) AS sources,
        count(*) FILTER (WHERE published_at > CAST(:now AS timestamptz) - interval '1 hour') AS last_hour,
        count(*) FILTER (WHERE published_at > CAST(:now AS timestamptz) - interval '2 hours'
            AND published_at <= CAST(:now AS timestamptz) - interval '1 hour') AS hour_before
    FROM seen
""")


class Reach(NamedTuple):
    """How far a claim has come, in what we may read: posts, sources, platforms, and the views of the `viewed` posts
    whose platform tells them."""

    posts: int
    sources: int
    platforms: int
    views: int | None
    viewed: int
    last_hour: int
    hour_before: int


class Weighed(NamedTuple):
    """One option against the reach of the claim. `people` is none while it is not set; `refused` says why it cannot
    be chosen now."""

    option: Option
    people: int | None
    says: str
    refused: str


def reach_of(session: Session, claim: KnownClaim, *, now: datetime) -> Reach:
    """How far a claim, in any of its wordings, has come."""
    asked = {"claim": claim.id, "now": now, "hidden": hidden_cases(session)}
    row = session.execute(_REACH, asked).one()
    views = int(row.views) if row.views is not None else None
    return Reach(row.posts, row.sources, row.platforms, views, row.viewed, row.last_hour, row.hour_before)


def weigh_options(session: Session, claim: KnownClaim, policy: ResponsePolicy, reach: Reach) -> list[Weighed]:
    """Every option with what it would reach against what the claim has."""
    return [
        Weighed(
            each,
            policy.people(each),
            compare(each, policy.people(each), reach),
            refusal(session, claim, each),
        )
        for each in policy.option
    ]


def compare(option: Option, people: int | None, reach: Reach) -> str:
    """What an option would reach against the claim, in a sentence with its numbers."""
    if option.illegal:
        return "Tells the platform alone."
    if not option.audiences:
        return "Tells nobody who does not ask."
    if people is None:
        return "How many it reaches is not set, so it cannot be compared."
    if reach.views is None:
        return (
            f"Reaches up to {people:,}. No platform tells how many saw the claim, so it cannot be compared."
        )
    known = f"up to {people:,} against {reach.views:,} views known"
    if people > reach.views:
        return f"Would likely tell more people of it than have seen it: {known}."
    return f"Would likely reach fewer people than have seen it: {known}."


def pace(reach: Reach) -> str:
    """Whether it comes faster or slower than an hour ago."""
    if not reach.last_hour and not reach.hour_before:
        return "None that counts in the last two hours."
    counted = f"{reach.last_hour:,} in the last hour, {reach.hour_before:,} in the hour before"
    if reach.last_hour == reach.hour_before:
        return f"It comes as before: {counted}."
    return f"It is {'growing' if reach.last_hour > reach.hour_before else 'fading'}: {counted}."


def advise(kind: ClaimType | None, policy: ResponsePolicy, reach: Reach, waiting: int = 0) -> str:
    """What the figures speak for, in words; people decide. They speak for nothing while more posts wait for a person
    than count."""
    if kind in policy.harmful:
        return "It is of a kind that can do harm whatever its reach: figures alone do not speak against an answer."
    if waiting > reach.posts:
        return "More posts wait to be looked at than are counted, so reach says nothing for or against an answer yet."
    told = [(policy.people(each), each) for each in policy.option if each.decided]
    set_ = [(people, each) for people, each in told if people is not None]
    if not set_:
        return "The audiences of our channels are not set, so reach says nothing for or against an answer."
    if reach.views is None:
        return "No platform tells how many saw it, so reach says nothing for or against an answer."
    fewest, option = min(set_, key=lambda each: each[0])
    if fewest > reach.views and reach.last_hour <= reach.hour_before:
        return (
            f"Answering would likely tell more people of it than have seen it, even by “{option.title.lower()}” "
            f"({fewest:,} against {reach.views:,} views known), and it is not growing. That speaks for watching it."
        )
    if fewest > reach.views:
        return (
            f"Answering would likely tell more people of it than have seen it ({fewest:,} against {reach.views:,} "
            "views known), but it is growing. That speaks for having an answer ready, and for looking again soon."
        )
    return (
        f"More people have likely seen it than “{option.title.lower()}” would reach ({reach.views:,} views known "
        f"against {fewest:,}). Its reach does not speak against an answer."
    )


def refusal(session: Session, claim: KnownClaim, option: Option) -> str:
    """Why an option cannot be chosen for this claim; empty when it can."""
    if not option.decided or (_on_evidence(session, claim) and (claim.state in DECIDED or claim.met_wrong)):
        return ""
    if _on_evidence(session, claim) and claim.state == ClaimState.TRUE:
        return "It was decided that this is true: there is nothing to correct in it."
    return "People must decide first, on evidence, that it is false or lacks context. Criticism is not corrected."


def respond(
    session: Session,
    number: int,
    name: str,
    policy: ResponsePolicy,
    *,
    why: str,
    law: str = "",
    who: Person,
    now: datetime,
) -> ClaimResponse:
    """Choose what is done about a claim, from now on; the option before ends. Raises Conflict."""
    need(who, Permission.DECIDE_CLAIM)
    claim = lock_claim(session, number)
    option = policy.of(name)
    if option is None:
        raise Conflict("Choose what is done about it.")
    if claim.ours:
        raise Conflict(f"C-{number} is a statement of ours: it is corrected on its own page.")
    if wrong := refusal(session, claim, option):
        raise Conflict(wrong)
    law = " ".join(law.split())[:LONGEST]
    if option.illegal and len(law.split()) < 2:
        raise Conflict("Name the law that the content breaks: a platform is told of illegal content only.")
    made = ClaimResponse(
        claim_id=claim.id, option=option.name, title=option.title, policy=policy.version, why=reason(why),
        law=law if option.illegal else None, people=policy.people(option) if option.audiences else None,
        reach=dict(reach_of(session, claim, now=now)._asdict()), chosen_by=who.username, role=_role(who), at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    detail = {"option": made.option, "people": made.people, "posts": made.reach["posts"], "law": made.law}
    say(session, claim, "response to a claim chosen", who=who, now=now, why=made.why, detail=detail)
    return made


def responses(session: Session, claim: KnownClaim) -> Sequence[ClaimResponse]:
    """What was chosen for a claim, the newest first."""
    asked = select(ClaimResponse).where(ClaimResponse.claim_id == claim.id)
    return session.exec(asked.order_by(col(ClaimResponse.at).desc(), col(ClaimResponse.id))).all()


def _on_evidence(session: Session, claim: KnownClaim) -> bool:
    made = session.get(ClaimDecision, claim.decision_id) if claim.decision_id else None
    return made is not None and bool(made.evidence)


def _role(who: Person) -> str:
    """In which of their roles a person chooses."""
    return next(role for role in who.roles if Permission.DECIDE_CLAIM in GRANTS.get(role, ()))
