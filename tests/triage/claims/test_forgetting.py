"""Words of a claim go with the only post that says them."""

from typing import Any

from sqlmodel import Session, select

from tests.make import NOON
from tests.triage.claims.noted import CLAIM, LATER, decided, lines, noted, number, post_in, withdrawn
from triage import claims
from triage.claim_records import ClaimSighting, ClaimState, SightingState
from triage.records import Case, Person


def test_words_of_the_only_post_go_with_it_and_the_decision_stays(
    session: Session, ann: Person, case: Case
) -> None:
    post = post_in(session, case, CLAIM)
    claim = noted(session, case, ann, post=post.id)
    decided(session, claim, ClaimState.DISPUTED, ann)
    withdrawn(session, post)
    session.refresh(claim)
    assert (claim.text, claim.title, claim.state) == ("", claims.GONE_TITLE, ClaimState.DISPUTED)
    assert session.exec(select(ClaimSighting)).one().because == ""
    assert lines(session)[-1] == "words of a claim withdrawn"
    given: dict[str, Any] = {"title": "", "type": None, "who": ann, "now": LATER}
    claims.reword(session, number(claim), words="A death in a van is reported", **given)
    assert (claim.words_gone_at, claim.post_id) == (None, None)


def test_words_that_another_post_says_too_stay_until_that_one_goes(
    session: Session, ann: Person, case: Case
) -> None:
    first, second = post_in(session, case, CLAIM), post_in(session, case, f"RT {CLAIM} smh")
    claim = noted(session, case, ann, post=first.id)
    session.add(
        ClaimSighting(
            claim_id=claim.id,
            post_id=second.id,
            state=SightingState.COUNTED,
            score=0.99,
            because="x",
            published_at=NOON,
            at=NOON,
        )
    )
    session.commit()
    withdrawn(session, first)
    session.refresh(claim)
    assert (claim.text, claim.post_id) == (CLAIM, second.id)
    withdrawn(session, second)
    session.refresh(claim)
    assert claim.text == ""
