"""Known claims: noted by people, found in posts, decided with evidence by one or two, forgotten with their post."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select, text

from classifier.claims import Claim, Claims, Match
from collector.records import Post, PostKey
from config.settings import HERE
from tests.make import NOON, make_alert, make_assessment, make_case, make_person, make_post
from triage import claims, deciding, questions
from triage.claim_forget import forget_claims
from triage.claim_jobs import leave_claims, look_back
from triage.claim_matching import Library, match_claims, sure
from triage.claim_records import AnswerState, ClaimSighting, ClaimState, ClaimType, KnownClaim, SightingState
from triage.claim_types import Matching, Notice, hypotheses, read_guide
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import Alert, AlertState, Case, LogEntry, Membership, Person
from triage.regroup import join

LATER = NOON + timedelta(minutes=5)
CLAIM = "The man who was stopped on Rye Lane died in the van on the way to Peckham police station"
QUIET = Notice()
GUIDE = HERE / "claims.toml"


@pytest.fixture
def ann(session: Session) -> Person:
    return kept(session, make_person(username="ann", roles=["duty_officer"]))


@pytest.fixture
def ben(session: Session) -> Person:
    return kept(session, make_person(username="ben", roles=["approver", "triage"]))


@pytest.fixture
def case(session: Session) -> Case:
    made = make_case()
    session.add(made)
    session.commit()
    return made


def kept(session: Session, person: Person) -> Person:
    session.add(person)
    session.commit()
    return person


def post_in(session: Session, case: Case | None, words: str, **given: Any) -> Post:
    assessed = {key: given.pop(key) for key in ("claim", "labels", "force") if key in given}
    post = make_post(words, **given)
    session.add_all([post, make_assessment(post, **assessed)])
    session.add(PostKey(id=post.id, collected_at=post.collected_at))
    if case is not None:
        session.add(Membership(post_id=post.id, case_id=case.id, how="new", joined_at=NOON))
    session.commit()
    return post


def noted(session: Session, case: Case, who: Person, words: str = CLAIM, **given: Any) -> KnownClaim:
    claim = claims.note_claim(session, case.id, words=words, who=who, now=NOON, **given)
    session.commit()
    return claim


def number(claim: KnownClaim) -> int:
    assert claim.number is not None
    return claim.number


def jobs(session: Session, task: str) -> list[dict[str, Any]]:
    asked = text("SELECT args FROM procrastinate_jobs WHERE task_name = :task ORDER BY id")
    return list(session.scalars(asked, {"task": task}))


def lines(session: Session) -> list[str]:
    return [each.what for each in session.exec(select(LogEntry).order_by(LogEntry.seq))]  # type: ignore[arg-type]


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


@pytest.mark.parametrize("state", [ClaimState.FALSE, ClaimState.TRUE])
def test_false_and_true_need_evidence_and_a_second_person(
    session: Session, ann: Person, ben: Person, case: Case, state: ClaimState
) -> None:
    claim = noted(session, case, ann)
    with pytest.raises(Conflict, match="evidence"):
        deciding.decide(session, number(claim), state, QUIET, why="Asked DPS", who=ann, now=NOON)
    asked = decided(session, claim, state, ann)
    assert claim.state == ClaimState.UNVERIFIED
    with pytest.raises(Conflict, match="Somebody else"):
        deciding.agree(session, asked.id, QUIET, who=ann, now=LATER)
    with pytest.raises(Conflict, match="second person already"):
        decided(session, claim, ClaimState.DISPUTED, ben)
    made = deciding.agree(session, asked.id, QUIET, who=ben, now=LATER)
    session.commit()
    assert (claim.state, claim.decision_id) == (state, made.id)
    assert (made.first, made.first_role, made.second, made.second_role) == (
        "ann", "duty_officer", "ben", "approver",
    )  # fmt: skip
    assert lines(session) == ["claim noted", "claim decision asked for", "claim decided"]


def decided(session: Session, claim: KnownClaim, state: ClaimState, who: Person, **given: Any) -> Any:
    given = {"why": "Asked DPS", "evidence": ["DPS log 12", " "], "now": NOON, **given}
    made = deciding.decide(session, number(claim), state, QUIET, who=who, **given)
    session.commit()
    return made


def test_disputed_partial_and_opinion_are_one_persons_and_each_is_its_own(
    session: Session, ann: Person, case: Case
) -> None:
    claim = noted(session, case, ann)
    for minute, state in enumerate((ClaimState.DISPUTED, ClaimState.PARTIAL, ClaimState.OPINION)):
        assert decided(session, claim, state, ann, now=NOON + timedelta(minutes=minute)).evidence == [
            "DPS log 12"
        ]
        assert claim.state == state
    deciding.undo(session, number(claim), why="Wrong claim", who=ann, now=LATER)
    assert claim.state == ClaimState.PARTIAL
    deciding.undo(session, number(claim), why="Wrong claim", who=ann, now=LATER)
    deciding.undo(session, number(claim), why="Wrong claim", who=ann, now=LATER)
    assert (claim.state, claim.decision_id) == (ClaimState.UNVERIFIED, None)
    with pytest.raises(Conflict, match="Nothing was decided"):
        deciding.undo(session, number(claim), why="Again", who=ann, now=LATER)


def test_a_reason_is_needed_and_the_permission(session: Session, ann: Person, case: Case) -> None:
    claim = noted(session, case, ann)
    with pytest.raises(Conflict, match="Say why"):
        deciding.decide(session, number(claim), ClaimState.OPINION, QUIET, why=" ", who=ann, now=NOON)
    triage = kept(session, make_person(roles=["triage"]))
    with pytest.raises(Denied):
        deciding.decide(session, number(claim), ClaimState.OPINION, QUIET, why="So", who=triage, now=NOON)


def test_that_a_statement_of_ours_was_wrong_is_recorded_by_two(
    session: Session, ann: Person, ben: Person, case: Case
) -> None:
    said = noted(session, case, ann, words="No force was used by officers at Rye Lane", ours=True)
    asked = decided(session, said, ClaimState.PARTIAL, ann, met_wrong=True)
    assert not said.met_wrong
    deciding.agree(session, asked.id, QUIET, who=ben, now=LATER)
    assert (said.met_wrong, said.state) == (True, ClaimState.PARTIAL)
    deciding.undo(session, number(said), why="The log was misread", who=ben, now=LATER)
    assert (said.met_wrong, said.state) == (False, ClaimState.UNVERIFIED)


def test_what_was_asked_for_can_be_refused(session: Session, ann: Person, ben: Person, case: Case) -> None:
    claim = noted(session, case, ann)
    asked = decided(session, claim, ClaimState.FALSE, ann)
    deciding.refuse(session, asked.id, who=ben, now=LATER)
    with pytest.raises(Conflict, match="any more"):
        deciding.agree(session, asked.id, QUIET, who=ben, now=LATER)
    assert claim.state == ClaimState.UNVERIFIED


@pytest.mark.parametrize("loud", [True, False])
def test_desks_hear_again_only_where_the_guide_says_so(
    session: Session, ann: Person, ben: Person, case: Case, loud: bool
) -> None:
    notice = Notice(raise_again=(ClaimState.TRUE,) if loud else (ClaimState.FALSE,))
    session.add(make_alert(case, state=AlertState.ACKNOWLEDGED, acknowledged_at=NOON))
    claim = noted(session, case, ann)
    asked = decided(session, claim, ClaimState.TRUE, ann)
    deciding.agree(session, asked.id, notice, who=ben, now=LATER)
    session.commit()
    alert = session.exec(select(Alert)).one()
    assert (alert.state == AlertState.OPEN, len(jobs(session, "deliver"))) == (loud, int(loud))


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


# which posts make a claim


class Repeats(Claims):
    """Stands in for the encoder: a post makes the claim whose first word it holds, as surely as it says."""

    def __init__(self, known: Sequence[Claim]) -> None:
        self.known = list(known)
        self.built: list[int] = []

    def nearest(self, posts: Sequence[str], top: int = 5) -> list[list[Match]]:
        found = []
        for post in posts:
            alike = 0.95 if "exactly" in post else 0.6 if "perhaps" in post else 0.1
            found.append([Match(each.id, 0.99, "shares words", alike) for each in self.known][:top])
        return found


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


# forgetting


def withdrawn(session: Session, post: Post) -> None:
    post.text, post.withdrawn_at = "", NOON
    session.commit()
    forget_claims(session, [post.id], now=LATER)
    session.commit()


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


# the guide


def test_the_posts_of_a_case_propose_what_to_check(session: Session, case: Case) -> None:
    guide = read_guide(GUIDE)
    assert hypotheses(session, case, guide) == []
    post_in(session, case, "Old clip", labels={"claim:old_as_new": 0.5})
    post_in(session, case, "Old clip again", labels={"claim:old_as_new": 0.5, "claim:synthetic": 0.1})
    post_in(session, case, "In Ohio", force="overseas")
    found = [(each.kind.name, each.posts) for each in hypotheses(session, case, guide)]
    assert found == [(ClaimType.OLD_AS_NEW, 2), (ClaimType.WRONG_PLACE_OR_FORCE, 1)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("count_score = 0.9", "count_score = 0.1"), "must lie above"),
        (('name = "staged"', 'name = "joke"'), "type.2.name"),
        (('name = "staged"', 'name = "truncated"'), "exactly once"),
        (('raise_again = ["true"]', 'raise_again = ["lies"]'), "notice.raise_again"),
        (("[match]", "[match"), "claims.toml"),
    ],
)
def test_a_wrong_guide_is_refused_with_file_and_key(
    tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(GUIDE.read_text(encoding="utf-8").replace(*change))
    with pytest.raises(ValueError, match=says) as refused:
        read_guide(path)
    assert str(path) in str(refused.value)


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
