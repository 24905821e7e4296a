"""Answering claims: a person chooses, corrections need evidence, the figures beside it decide nothing."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from collector.records import Sighting
from config.settings import HERE
from tests.make import NOON, make_case, make_person
from tests.triage.claims.noted import LATER, QUIET, decided, lines, noted, number, post_in
from tests.triage.confirmed import kept
from triage import deciding
from triage.claim_records import ClaimSighting, ClaimState, ClaimType, KnownClaim, SightingState
from triage.hidden import look_as
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import Case, LogEntry, Person
from triage.responding import Reach, advise, compare, pace, reach_of, respond, responses, weigh_options
from triage.response_policy import ResponsePolicy, read_response_policy
from triage.restriction_records import Tie

SHIPPED = HERE / "policy" / "responses.toml"
POLICY = read_response_policy(SHIPPED)
CORRECTIONS = ("local_correction", "central_correction", "media_briefing", "evidence_release")


def with_people(**people: int) -> ResponsePolicy:
    """The policy with these figures filled in."""
    written = POLICY.model_dump(mode="json")
    for each in written["audience"]:
        if each["name"] in people:
            each |= {"people": people[each["name"]], "counted_on": "2026-07-01"}
    return ResponsePolicy.model_validate(written)


def choose(session: Session, claim: KnownClaim, name: str, who: Person, **given: Any) -> Any:
    said = {"why": "As agreed with the desk", "now": NOON, **given}
    made = respond(session, number(claim), name, said.pop("policy", POLICY), who=who, **said)
    session.commit()
    return made


def decided_by_two(session: Session, claim: KnownClaim, state: ClaimState, ann: Person, ben: Person) -> None:
    deciding.agree(session, decided(session, claim, state, ann).id, QUIET, who=ben, now=LATER)
    session.commit()


def seen(
    session: Session, case: Case, claim: KnownClaim, minutes: int, views: int | None = None, **given: Any
) -> None:
    at = NOON - timedelta(minutes=minutes)
    state = given.pop("state", SightingState.COUNTED)
    post = post_in(session, case, f"he died, they say {minutes} {views}", published_at=at, **given)
    reach = {} if views is None else {"views": views}
    session.add(Sighting(seen_at=NOON, post_id=post.id, source=post.source, reach=reach))
    if views is not None:
        session.add(Sighting(seen_at=NOON, post_id=post.id, source="second", reach={"views": views // 2}))
    session.add(
        ClaimSighting(
            claim_id=claim.id, post_id=post.id, state=state, score=0.9, because="x", published_at=at, at=NOON
        )
    )
    session.commit()


@pytest.mark.parametrize("name", CORRECTIONS)
@pytest.mark.parametrize("state", [None, ClaimState.DISPUTED, ClaimState.OPINION, ClaimState.TRUE])
def test_nothing_is_corrected_that_people_did_not_call_false_or_partial_on_evidence(
    session: Session, ann: Person, ben: Person, case: Case, name: str, state: ClaimState | None
) -> None:
    claim = noted(session, case, ann)
    if state == ClaimState.TRUE:
        decided_by_two(session, claim, state, ann, ben)
    elif state is not None:
        decided(session, claim, state, ann)
    with pytest.raises(
        Conflict, match="nothing to correct" if state == ClaimState.TRUE else "must decide first"
    ):
        choose(session, claim, name, ann)
    assert responses(session, claim) == []


@pytest.mark.parametrize("name", CORRECTIONS)
def test_what_two_people_called_false_may_be_corrected(
    session: Session, ann: Person, ben: Person, case: Case, name: str
) -> None:
    claim = noted(session, case, ann)
    decided_by_two(session, claim, ClaimState.FALSE, ann, ben)
    made = choose(session, claim, name, ann)
    assert (made.option, made.chosen_by, made.role) == (name, "ann", "duty_officer")
    deciding.undo(session, number(claim), why="New evidence", who=ann, now=LATER)
    with pytest.raises(Conflict, match="must decide first"):
        choose(session, claim, name, ann)


def test_a_choice_is_kept_with_its_reason_and_the_figures_of_the_moment(
    session: Session, ann: Person, case: Case
) -> None:
    claim = noted(session, case, ann)
    seen(session, case, claim, 30, 500)
    made = choose(session, claim, "brief_partners", ann, policy=with_people(partners=40))
    assert (made.people, made.reach["views"], made.reach["posts"]) == (40, 500, 1)
    choose(session, claim, "monitor", ann, now=LATER)
    assert [each.option for each in responses(session, claim)] == ["monitor", "brief_partners"]
    assert lines(session)[-2:] == ["response to a claim chosen"] * 2
    said = session.exec(select(LogEntry).where(LogEntry.what == "response to a claim chosen")).all()
    assert (said[0].why, said[0].detail["option"]) == ("As agreed with the desk", "brief_partners")


def test_a_reason_an_option_and_the_permission_are_needed(session: Session, ann: Person, case: Case) -> None:
    claim = noted(session, case, ann)
    with pytest.raises(Conflict, match="Say why"):
        choose(session, claim, "monitor", ann, why=" ")
    with pytest.raises(Conflict, match="Choose what"):
        choose(session, claim, "silence", ann)
    ours = noted(session, case, ann, "We are aware of a clip and look into it", ours=True)
    with pytest.raises(Conflict, match="statement of ours"):
        choose(session, ours, "monitor", ann)
    with pytest.raises(Denied):
        choose(session, claim, "monitor", kept(session, make_person(roles=["triage"])))


def test_a_platform_is_told_of_illegal_content_only_and_by_its_law(
    session: Session, ann: Person, case: Case
) -> None:
    claim = noted(session, case, ann)
    with pytest.raises(Conflict, match="illegal content only"):
        choose(session, claim, "platform_report", ann, law="bad")
    made = choose(session, claim, "platform_report", ann, law="Public Order Act 1986, section 18")
    assert made.law == "Public Order Act 1986, section 18"
    assert choose(session, claim, "monitor", ann, law="Public Order Act 1986").law is None


def test_reach_counts_each_post_once_with_the_most_views_its_sources_tell(
    session: Session, ann: Person, case: Case
) -> None:
    claim = noted(session, case, ann)
    again = noted(session, case, ann, "They say that he never made it to hospital alive")
    again.merged_into = claim.id
    seen(session, case, claim, 30, 1_000)
    seen(session, case, claim, 50)
    seen(session, case, again, 90, 400, platform="mastodon", source="mastodon")
    seen(session, case, claim, 95, 9_999, state=SightingState.SUGGESTED)
    seen(session, case, claim, 500, 100, withdrawn_at=NOON)
    found = reach_of(session, claim, now=NOON)
    assert found == Reach(posts=3, sources=3, platforms=2, views=1_400, viewed=2, last_hour=2, hour_before=1)


def test_posts_of_a_case_that_is_hidden_from_who_looks_are_not_counted(
    session: Session, engine: Engine, ann: Person, case: Case
) -> None:
    elsewhere = make_case()
    session.add(elsewhere)
    session.commit()
    claim = noted(session, elsewhere, ann)
    seen(session, case, claim, 30, 1_000)
    seen(session, elsewhere, claim, 40, 50)
    session.add(Tie(case_id=case.id, person_id=ann.id, declared_at=NOON))
    session.commit()
    with Session(engine) as looking:
        look_as(looking, ann)
        found = reach_of(looking, claim, now=NOON)
    assert (found.posts, found.views) == (1, 50)


@pytest.mark.parametrize(
    ("people", "views", "growing", "told"),
    [
        ({}, 900, False, "audiences of our channels are not set"),
        ({"local": 5_000, "central": 9_000}, None, False, "No platform tells"),
        (
            {"local": 5_000},
            900,
            False,
            "tell more people of it than have seen it, even by “local correction” (5,000",
        ),
        ({"local": 5_000}, 900, True, "but it is growing"),
        ({"local": 5_000}, 70_000, False, "More people have likely seen it"),
    ],
)
def test_what_the_figures_speak_for_is_said_with_its_numbers(
    people: dict[str, int], views: int | None, growing: bool, told: str
) -> None:
    reach = Reach(8, 2, 2, views, 3, 6 if growing else 1, 2)
    said = advise(None, with_people(**people), reach)
    assert told in said
    assert "9,000" not in said


def test_what_can_do_harm_is_not_weighed_by_reach_alone() -> None:
    reach = Reach(2, 1, 1, 10, 2, 0, 1)
    assert "figures alone do not speak against an answer" in advise(
        ClaimType.FALSE_DEATH, with_people(local=5_000), reach
    )


def test_each_option_is_held_against_the_claim_by_itself(session: Session, ann: Person, case: Case) -> None:
    claim = noted(session, case, ann)
    policy = with_people(local=5_000, central=90_000)
    reach = Reach(8, 2, 2, 20_000, 8, 1, 1)
    found = {each.option.name: each for each in weigh_options(session, claim, policy, reach)}
    assert "fewer people than have seen it: up to 5,000 against 20,000" in found["local_correction"].says
    assert "more people of it than have seen it: up to 95,000" in found["central_correction"].says
    assert found["media_briefing"].people is None
    assert "not set" in found["media_briefing"].says
    assert (found["monitor"].says, found["monitor"].refused) == ("Tells nobody who does not ask.", "")
    assert "cannot be compared" in compare(
        found["local_correction"].option, 5_000, reach._replace(views=None)
    )


@pytest.mark.parametrize(
    ("now", "before", "told"), [(9, 2, "growing"), (2, 9, "fading"), (3, 3, "comes as before")]
)
def test_the_pace_is_said_against_the_hour_before(now: int, before: int, told: str) -> None:
    assert told in pace(Reach(20, 1, 1, None, 0, now, before))


def test_the_shipped_file_sets_no_figure_and_has_the_whole_ladder() -> None:
    assert [each.people for each in POLICY.audience] == [None] * 4
    assert [each.name for each in POLICY.option] == [
        "monitor", "brief_partners", "qa_line", *CORRECTIONS, "platform_report",
    ]  # fmt: skip
    assert {each.name for each in POLICY.option if each.decided} == set(CORRECTIONS)


@pytest.mark.parametrize(
    ("was", "becomes", "wrong"),
    [
        ('name = "local"\n', 'name = "local"\npeople = 0\ncounted_on = 2026-07-01\n', "people"),
        ('name = "local"\n', 'name = "local"\npeople = 900\n', "counted_on"),
        ('audiences = ["local"]', 'audiences = ["locals"]', "'locals' is not there"),
        ('name = "qa_line"', 'name = "monitor"', "there twice"),
    ],
)
def test_figures_of_nobody_and_names_that_are_none_are_refused(
    was: str, becomes: str, wrong: str, tmp_path: Path
) -> None:
    path = tmp_path / "responses.toml"
    text = SHIPPED.read_text(encoding="utf-8")
    assert was in text
    path.write_text(text.replace(was, becomes), encoding="utf-8")
    with pytest.raises(ValueError, match=wrong) as refused:
        read_response_policy(path)
    assert "responses.toml" in str(refused.value)
