"""Claims are found in posts: near copies counted, others suggested, what a person answered stays."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from classifier.claims import Claim, Claims
from tests.make import NOON
from tests.triage.claims.noted import CLAIM, LATER, Repeats, decided, jobs, noted, number, post_in, withdrawn
from triage import claims
from triage.claim_jobs import leave_claims, look_back
from triage.claim_matching import Library, match_claims, sure
from triage.claim_records import ClaimSighting, ClaimState, SightingState
from triage.claim_types import Matching
from triage.records import Case, Person


def test_near_copies_are_counted_and_others_suggested(session: Session, ann: Person, case: Case) -> None:
    claim = noted(session, case, ann)
    said = [
        post_in(session, case, f"{how} that, number {n}")
        for n, how in enumerate(("exactly", "perhaps", "not"))
    ]
    library = Library(Repeats)
    for _ in range(2):  # run again, it finds the same
        match_claims(session, [each.id for each in said], library, Matching(), now=LATER)
        session.commit()
    states = {each.post_id: each.state for each in session.exec(select(ClaimSighting))}
    assert states == {said[0].id: SightingState.COUNTED, said[1].id: SightingState.SUGGESTED}
    session.refresh(claim)
    assert (claim.first_seen_at, claim.state) == (said[0].published_at, ClaimState.UNVERIFIED)


def test_what_a_person_answered_stays(session: Session, ann: Person, case: Case) -> None:
    claim = noted(session, case, ann)
    yes, no = (post_in(session, case, f"perhaps that, number {n}") for n in range(2))
    library = Library(Repeats)
    match_claims(session, [yes.id, no.id], library, Matching(), now=NOON)
    claims.answer_sighting(session, number(claim), yes.id, same=True, who=ann, now=NOON)
    claims.answer_sighting(session, number(claim), no.id, same=False, who=ann, now=NOON)
    match_claims(session, [yes.id, no.id], library, Matching(), now=LATER)
    states = {each.post_id: each.state for each in session.exec(select(ClaimSighting))}
    assert states == {yes.id: SightingState.CONFIRMED, no.id: SightingState.REFUSED}


def test_an_edited_post_is_compared_anew(session: Session, ann: Person, case: Case) -> None:
    noted(session, case, ann)
    post = post_in(session, case, "exactly that")
    library = Library(Repeats)
    match_claims(session, [post.id], library, Matching(), now=NOON)
    post.text = "something else, sorry"
    session.commit()
    assert match_claims(session, [post.id], library, Matching(), now=LATER) == 0
    assert session.exec(select(ClaimSighting)).all() == []


def test_what_a_withdrawn_post_made_stays_counted(session: Session, ann: Person, case: Case) -> None:
    noted(session, case, ann)
    post = post_in(session, case, "exactly that")
    library = Library(Repeats)
    match_claims(session, [post.id], library, Matching(), now=NOON)
    withdrawn(session, post)
    match_claims(session, [post.id], library, Matching(), now=LATER)
    [left] = session.exec(select(ClaimSighting)).all()
    assert (left.state, left.because) == (SightingState.COUNTED, "")


def test_the_library_is_built_only_when_claims_change(session: Session, ann: Person, case: Case) -> None:
    built: list[int] = []

    def build(known: Sequence[Claim]) -> Claims:
        built.append(len(known))
        return Repeats(known)

    library = Library(build)
    library.refresh(session)
    assert built == []  # nor is anything loaded
    claim = noted(session, case, ann)
    for _ in range(3):
        library.refresh(session)
    decided(session, claim, ClaimState.OPINION, ann, now=LATER)
    library.refresh(session)
    noted(session, case, ann)
    library.refresh(session)
    assert built == [1, 1, 2]


def test_only_posts_of_cases_and_likely_claims_are_compared(
    session: Session, ann: Person, case: Case
) -> None:
    inside, likely, other = (
        post_in(session, case, "In the case"),
        post_in(session, None, "A claim", claim=0.8),
        post_in(session, None, "No claim", claim=0.1),
    )
    posts = [inside.id, likely.id, other.id]
    leave_claims(session, posts, Matching())
    assert jobs(session, "match_claims") == []  # there is nothing to compare with
    claim = noted(session, case, ann)
    leave_claims(session, posts, Matching())
    look_back(session, claim.id, Matching(), now=NOON + timedelta(days=1))
    wanted = {str(inside.id), str(likely.id)}
    assert [set(each["posts"]) for each in jobs(session, "match_claims")] == [wanted, wanted]


@pytest.mark.parametrize(
    ("score", "alike", "state"),
    [
        (0.99, 0.9, "counted"),
        (0.99, 0.5, "suggested"),
        (0.99, 0.2, None),
        (0.1, 0.9, None),
        (0.5, 0.9, "suggested"),
    ],
)
def test_both_figures_must_be_reached(score: float, alike: float, state: str | None) -> None:
    assert sure(score, alike, Matching()) == state


def test_the_real_encoder_counts_a_copy_and_leaves_other_incidents_alone(
    session: Session, ann: Person, case: Case
) -> None:
    noted(session, case, ann)
    copy = post_in(session, case, f"{CLAIM}!!")
    told = post_in(session, case, "they're saying he died in the van before they got him to peckham station")
    other = post_in(session, case, "Police in Camden let a dog bite a boy outside a chicken shop")
    match_claims(session, [copy.id, told.id, other.id], Library(), Matching(), now=NOON)
    states = {each.post_id: each.state for each in session.exec(select(ClaimSighting))}
    assert states == {copy.id: SightingState.COUNTED, told.id: SightingState.SUGGESTED}


def test_the_terminal_compares_with_the_claims_of_the_service(
    session: Session, ann: Person, case: Case, database_url: str, tmp_path: Path
) -> None:
    claim = noted(session, case, ann)
    command = [sys.executable, "-m", "config.cli", "claims", "--known", "--top", "1"]
    told = {**os.environ, "GOLDENHOUR_DATABASE_URL": database_url, "GOLDENHOUR_DATA": str(tmp_path)}
    line = json.dumps({"id": "p", "text": CLAIM})
    ran = subprocess.run(command, input=line, capture_output=True, text=True, check=True, env=told)
    [match] = json.loads(ran.stdout)["matches"]
    assert (match["claim"], sorted(match)) == (f"C-{claim.number}", ["because", "claim", "score"])
