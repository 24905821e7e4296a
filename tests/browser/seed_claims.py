"""Claims on the gravest case: one that waits for a second person, one decided, a statement of ours, questions."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, select

from collector.records import Post
from triage import claims, deciding, questions
from triage.claim_records import AnswerState, ClaimSighting, ClaimState, ClaimType, SightingState
from triage.claim_types import Notice
from triage.records import Case, Membership, Person


def seed_claims(session: Session, case: Case, officer: Person, *, now: datetime) -> None:
    """C-1, C-2 and C-3, with their posts."""
    members = select(Post).join(Membership, Membership.post_id == Post.id)  # type: ignore[arg-type]
    of_case = members.where(Membership.case_id == case.id).order_by(Post.published_at, Post.id)  # type: ignore[arg-type]
    posts = session.exec(of_case).all()
    death = claims.note_claim(
        session, case.id, words="The man they held down died in the van before the ambulance came",
        title="He died in the van", type=ClaimType.FALSE_DEATH, post=posts[0].id, who=officer, now=now,
    )  # fmt: skip
    for number, post in enumerate(posts[1:8]):
        state = SightingState.SUGGESTED if number % 3 == 2 else SightingState.COUNTED
        session.add(
            ClaimSighting(
                claim_id=death.id, post_id=post.id, state=state, score=0.97, published_at=post.published_at, at=now,
                because="likely the same claim: shares died, van; alike in meaning 0.71 of 1",
            )
        )  # fmt: skip
    claims.first_seen(session, death.id)
    evidence = ["DPS log 12 of today", "https://evidence.example/records/12"]
    old = claims.note_claim(
        session, case.id, words="The clip is from three years ago and another city", title="Old clip, elsewhere",
        type=ClaimType.OLD_AS_NEW, who=officer, now=now,
    )  # fmt: skip
    ours = claims.note_claim(
        session, case.id, words="We are aware of a video and are establishing what happened",
        title="First line", ours=True, who=officer, now=now,
    )  # fmt: skip
    session.flush()
    asked: dict[str, Any] = {"evidence": evidence, "who": officer, "now": now}
    deciding.decide(
        session, death.number or 0, ClaimState.FALSE, Notice(), why="The hospital discharged him", **asked
    )
    deciding.decide(
        session, old.number or 0, ClaimState.DISPUTED, Notice(), why="A resident says otherwise", **asked
    )
    assert ours.number == 3
    known = questions.ask(session, case.id, "Was it the Met?", who=officer, now=now - timedelta(minutes=4))
    questions.answer(session, known.id, AnswerState.ANSWERED, "Yes, local officers.", who=officer, now=now)
    questions.ask(session, case.id, "Is there body-worn video?", who=officer, now=now)
    session.commit()
