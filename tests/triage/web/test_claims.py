"""The pages of claims: noted from a post, decided by two people, found by words, never by person."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from collector.records import Post
from tests.browser.seed import Seeded
from tests.browser.seed_claims import seed_claims
from tests.make import make_post
from tests.served import Browser, field
from triage.claim_records import AnswerState, ClaimSighting, ClaimState, KnownClaim, Question, SightingState
from triage.clocks import LONDON
from triage.questions import ask_standing, make_ready
from triage.records import Clock, Desk, Membership
from triage.tracks import NEXT_UPDATE


@pytest.fixture(autouse=True)
def known(engine: Engine, seeded: Seeded) -> None:
    with Session(engine, expire_on_commit=False) as session:
        seed_claims(session, seeded.cases[0], seeded.officer, now=datetime.now(UTC))


def claim(engine: Engine, number: int) -> KnownClaim:
    with Session(engine, expire_on_commit=False) as session:
        return session.exec(select(KnownClaim).where(KnownClaim.number == number)).one()


def post_of(engine: Engine, seeded: Seeded) -> Post:
    with Session(engine, expire_on_commit=False) as session:
        members = select(Post).join(Membership, col(Membership.post_id) == Post.id)
        own = members.where(Membership.case_id == seeded.cases[1].id, Membership.sure)
        return session.exec(own.order_by(col(Post.published_at), col(Post.id))).first()  # type: ignore[return-value]


def test_a_claim_is_noted_from_the_words_of_a_post(engine: Engine, seeded: Seeded, amira: Browser) -> None:
    post = post_of(engine, seeded)
    form = amira.get(f"/cases/2/claims/new?post={post.id}")
    assert form.status_code == 200
    assert post.text.split()[0] in form.text
    assert f"/cases/2/claims/new?post={post.id}" in amira.get("/cases/2").text
    sent = {
        "words": f"{post.text} says @somebody.example",
        "title": "T",
        "kind": "truncated",
        "post": str(post.id),
    }
    answer = amira.fill_in("/cases/2/claims", **sent)
    assert answer.headers["location"] == "/cases/2?said=claim-noted#claims"
    made = claim(engine, 4)
    assert (made.type, made.post_id, made.state) == ("truncated", post.id, "unverified")
    assert "somebody" not in made.text
    assert "/claims/4" in amira.get("/cases/2").text


def test_what_is_missing_is_said(amira: Browser) -> None:
    answer = amira.fill_in("/cases/2/claims", words="short")
    assert answer.status_code == 409
    assert "10 to 2,000 characters" in answer.text
    assert amira.get("/claims/99").status_code == 404
    assert amira.get("/cases/2/claims/new?post=00000000-0000-0000-0000-000000000000").status_code == 404
    assert amira.fill_in("/claims/1/decide", state="lies").status_code == 422


def test_two_people_call_a_claim_false_and_one_takes_it_back(
    engine: Engine, amira: Browser, tom: Browser
) -> None:
    page = amira.get("/claims/1").text
    assert "Somebody else has to agree" in page
    assert ">Agree<" not in page
    decision = field(page, "decision")
    assert amira.fill_in("/claims/1/answer", decision=decision, agreed="true").status_code == 409
    tom.fill_in("/claims/1/answer", decision=decision, agreed="true")
    assert claim(engine, 1).state == ClaimState.FALSE
    assert "false, on evidence" in amira.get("/cases/1").text
    tom.fill_in("/claims/1/undo", why="The hospital was mistaken")
    assert claim(engine, 1).state == ClaimState.UNVERIFIED


def test_met_statement_wrong_is_ticked_and_agreed(engine: Engine, amira: Browser, tom: Browser) -> None:
    sent = {"state": "partial", "wrong": "true", "why": "We said no force", "evidence": "BWV 3\nlog 7"}
    assert "claim-asked" in amira.fill_in("/claims/3/decide", **sent).headers["location"]
    tom.fill_in("/claims/3/answer", decision=field(tom.get("/claims/3").text, "decision"), agreed="true")
    assert claim(engine, 3).met_wrong
    assert "Met statement wrong" in amira.get("/cases/1").text


def test_suggested_posts_are_answered(engine: Engine, amira: Browser) -> None:
    before = amira.get("/claims/1").text
    assert "You decide" in before
    amira.fill_in("/claims/1/sighting", post=field(before, "post"), same="true")
    with Session(engine) as session:
        states = [each.state for each in session.exec(select(ClaimSighting))]
    assert states.count(SightingState.CONFIRMED) == 2


def test_suggested_posts_are_answered_ten_at_a_time_the_likeliest_first(
    engine: Engine, amira: Browser
) -> None:
    with Session(engine) as session:
        claim_id = session.exec(select(KnownClaim.id).where(KnownClaim.number == 2)).one()
        for nth in range(12):
            post = make_post(f"The same thing is told here, number {nth:02}.", external_id=f"told-{nth}")
            session.add(post)
            session.add(ClaimSighting(
                claim_id=claim_id, post_id=post.id, state=SightingState.SUGGESTED, score=nth / 12,
                because="alike in meaning", published_at=post.published_at, at=post.published_at,
            ))  # fmt: skip
        session.commit()
    page = amira.get("/claims/2").text
    assert "12 more may" in page
    assert page.index("number 11.") < page.index("number 02.")
    assert "number 01." not in page
    shown = re.findall(r'name="post" value="([^"]+)"', page[page.index("None of these 10 does") - 2_000 :])
    sent = {"csrf": amira.token, "post": list(dict.fromkeys(shown[-10:])), "same": "false"}
    assert amira.post("/claims/2/sighting", data=sent).status_code == 303
    after = amira.get("/claims/2").text
    assert "2 more may" in after
    assert "number 01." in after
    assert amira.post("/claims/2/sighting", data={"csrf": amira.token, "same": "true"}).status_code == 422


def test_claims_are_found_by_their_words_and_never_by_person(amira: Browser) -> None:
    assert "C-2" in amira.get("/claims?q=another+city").text
    assert "C-1" not in amira.get("/claims?q=another+city").text
    assert "C-2" in amira.get("/claims?state=disputed").text
    assert "No claim holds that" in amira.get("/claims?q=100%25_").text
    assert "incidents, not people" in amira.get("/claims?q=@somebody").text


def test_merging_and_taking_off_are_undone_in_one_click(engine: Engine, amira: Browser) -> None:
    amira.fill_in("/cases/1/claims", words="He died before the ambulance came", title="Died")
    amira.fill_in("/claims/4/merge", into="C-1")
    assert 'href="/claims/4"' in amira.get("/claims/1").text
    assert "Take apart" in amira.get("/claims/4").text
    amira.fill_in("/claims/4/part")
    amira.fill_in("/claims/4/withdraw", why="Noted twice")
    assert "Put back" in amira.get("/claims/4").text
    amira.fill_in("/claims/4/restore")
    amira.fill_in("/claims/4/words", words="He died on the way", title="Died", kind="false_death")
    made = claim(engine, 4)
    assert (made.withdrawn_at, made.merged_into, made.text) == (None, None, "He died on the way")


def test_a_question_is_noted_and_answered_on_the_case_page(engine: Engine, amira: Browser) -> None:
    amira.fill_in("/cases/2/questions", words="Has it been referred?")
    with Session(engine) as session:
        asked = session.exec(select(Question).where(col(Question.text).contains("referred"))).one().id
    address = f"/cases/2/questions/{asked}"
    assert amira.fill_in(address, state="cannot_say", words="Proceedings are active").status_code == 303
    assert "Proceedings are active" in amira.get("/cases/2").text
    assert amira.fill_in(address, state="maybe", words="x").status_code == 422


def test_ready_words_are_offered_and_entered_with_one_press(
    engine: Engine, seeded: Seeded, amira: Browser
) -> None:
    case, due = seeded.cases[1], datetime.now(UTC) + timedelta(hours=1)
    ready = {AnswerState.NOT_YET: "We are checking.", AnswerState.CANNOT_SAY: "The law of contempt."}
    with Session(engine) as session:
        ask_standing(session, case.id, ["Why was force used?"], now=due)
        session.flush()
        make_ready(session, case.id, {"Why was force used?": ready})
        clock = Clock(case_id=case.id, name=NEXT_UPDATE, desk=Desk.COMMS, started_at=due, due_at=due)
        session.add(clock)
        session.commit()
        asked = session.exec(select(Question).where(Question.text == "Why was force used?")).one().id
    page = amira.get("/cases/2").text
    by = due.astimezone(LONDON).strftime("%H:%M on %-d %B")
    not_yet = f"We are checking. Our next update is by {by}."
    assert f'name="words" value="{not_yet}"' in page
    assert 'name="words" value="The law of contempt."' in page
    answer = amira.fill_in(f"/cases/2/questions/{asked}", state="not_yet", words=not_yet)
    assert answer.status_code == 303
    page = amira.get("/cases/2").text
    assert f'value="{not_yet}"' not in page  # it stands as the answer now
    assert 'value="The law of contempt."' in page


def test_who_may_only_read_sees_claims_and_nothing_to_press(
    engine: Engine, visit: Callable[[], Browser], amira: Browser
) -> None:
    page = amira.get("/claims/1").text
    assert "/claims/1/decide" not in page  # one waits
    assert "/claims/2/decide" in amira.get("/claims/2").text
