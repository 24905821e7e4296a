"""Claims are noted by people, merged, taken off and put back; questions are asked and answered."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from tests.make import NOON, make_case
from tests.triage.claims.noted import CLAIM, LATER, Repeats, decided, jobs, lines, noted, number, post_in
from triage import claims, questions
from triage.claim_matching import Library
from triage.claim_records import AnswerState, ClaimSighting, ClaimState, ClaimType, SightingState
from triage.locked import Conflict
from triage.records import Case, LogEntry, Person
from triage.regroup import join


def test_a_claim_from_a_post_counts_it_and_is_looked_for(session: Session, ann: Person, case: Case) -> None:
    post = post_in(session, case, f"{CLAIM}, mandem saying", published_at=NOON - timedelta(hours=1))
    claim = noted(session, case, ann, post=post.id, type=ClaimType.FALSE_DEATH)
    assert (claim.state, claim.decision_id, claim.post_id) == (ClaimState.UNVERIFIED, None, post.id)
    assert claim.first_seen_at == NOON - timedelta(hours=1)
    assert session.get_one(ClaimSighting, (claim.id, post.id)).state == SightingState.CONFIRMED
    assert jobs(session, "look_for_claim") == [{"claim": str(claim.id)}]
    [line] = session.exec(select(LogEntry)).all()
    assert (line.what, line.detail) == ("claim noted", {"claim": f"C-{claim.number}"})
    ours = noted(session, case, ann, words="A man is said to have come to harm", post=post.id)
    assert ours.post_id is None  # a person's own words


@pytest.mark.parametrize("words", ["", "too short", "long " * 500])
def test_a_claim_needs_words_of_a_fair_length(session: Session, ann: Person, case: Case, words: str) -> None:
    with pytest.raises(Conflict, match="characters"):
        claims.note_claim(session, case.id, words=words, who=ann, now=NOON)


def test_a_claim_is_noted_from_posts_of_the_case_only(session: Session, ann: Person, case: Case) -> None:
    stranger = post_in(session, None, CLAIM)
    with pytest.raises(Conflict, match="not in this case"):
        claims.note_claim(session, case.id, words=CLAIM, post=stranger.id, who=ann, now=NOON)


def test_words_that_were_decided_on_stay(session: Session, ann: Person, case: Case) -> None:
    claim = noted(session, case, ann)
    decided(session, claim, ClaimState.DISPUTED, ann)
    given: dict[str, Any] = {"title": "A death", "type": ClaimType.FALSE_DEATH, "who": ann, "now": LATER}
    with pytest.raises(Conflict, match="decided in these words"):
        claims.reword(session, number(claim), words="Something else happened", **given)
    claims.reword(session, number(claim), words=claim.text, **given)
    assert (claim.title, claim.type) == ("A death", ClaimType.FALSE_DEATH)


def test_merged_claims_count_together_and_come_apart_again(session: Session, ann: Person, case: Case) -> None:
    early = post_in(session, case, CLAIM, published_at=NOON - timedelta(hours=2))
    first = noted(session, case, ann)
    second = noted(session, case, ann, words=f"{CLAIM} again", post=early.id)
    claims.merge(session, number(second), number(first), who=ann, now=NOON)
    session.refresh(first)
    assert first.first_seen_at == early.published_at
    assert [each.number for each in claims.wordings(session, first)] == [first.number, second.number]
    with pytest.raises(Conflict, match="Other claims"):
        claims.merge(session, number(first), number(noted(session, case, ann)), who=ann, now=NOON)
    claims.part(session, number(second), who=ann, now=NOON)
    session.refresh(first)
    session.refresh(second)
    assert first.first_seen_at is None
    assert second.merged_into is None


def test_ours_and_theirs_are_never_merged(session: Session, ann: Person, case: Case) -> None:
    ours, theirs = noted(session, case, ann, ours=True), noted(session, case, ann)
    with pytest.raises(Conflict, match="apart"):
        claims.merge(session, number(theirs), number(ours), who=ann, now=NOON)


def test_a_claim_taken_off_is_looked_for_no_more_until_put_back(
    session: Session, ann: Person, case: Case
) -> None:
    claim, library = noted(session, case, ann), Library(Repeats)
    claims.withdraw(session, number(claim), why="Noted twice", who=ann, now=NOON)
    library.refresh(session)
    assert library.compared is None
    with pytest.raises(Conflict, match="taken off"):
        decided(session, claim, ClaimState.OPINION, ann)
    claims.restore(session, number(claim), who=ann, now=LATER)
    library.refresh(session)
    assert library.compared is not None


def test_joining_cases_brings_their_claims_and_questions_along(
    session: Session, ann: Person, case: Case
) -> None:
    other = make_case()
    session.add(other)
    session.commit()
    post_in(session, other, "Reported elsewhere as well")
    claim = noted(session, other, ann)
    questions.ask(session, other.id, "Was it the Met?", who=ann, now=NOON)
    join(session, case.id, other.id, who=ann, why="Same", now=LATER)
    session.refresh(claim)
    assert claim.case_id == case.id
    assert len(questions.questions(session, case.id)) == 1


def test_a_question_is_open_until_somebody_answers_or_says_why_not(
    session: Session, ann: Person, case: Case
) -> None:
    asked = questions.ask(session, case.id, " Is there body-worn  video? ", who=ann, now=NOON)
    assert (asked.text, asked.state) == ("Is there body-worn video?", AnswerState.NOT_YET)
    with pytest.raises(Conflict, match="legal reason"):
        questions.answer(session, asked.id, AnswerState.CANNOT_SAY, " ", who=ann, now=NOON)
    questions.answer(session, asked.id, AnswerState.ANSWERED, "Yes, preserved.", who=ann, now=LATER)
    session.commit()
    assert (asked.state, asked.answered_by) == (AnswerState.ANSWERED, "ann")
    assert lines(session) == ["question noted", "question: answered"]
