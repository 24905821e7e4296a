"""Cases like one case: why they are alike, what came of them, and nothing that is hidden."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session

from classifier.rarity import Rarity
from collector.footage_records import Footage
from tests.make import NOON, make_assessment, make_case, make_person, make_post
from triage.alike import MOST, cases_like
from triage.claim_records import ClaimSighting, KnownClaim, SightingState
from triage.hidden import look_as
from triage.records import Case, Membership, Status
from triage.restriction_records import Restriction
from triage.statement_records import Statement, StatementState

TABLE = Path(__file__).resolve().parents[2] / "config" / "matching" / "rarity.bin"
DOG = {
    "labels": {"tactic:dog": 0.9},
    "signals": [{"name": "dog", "start": 0, "end": 3, "because": "says a police dog was used: dog"}],
}
SAID = "A police dog bit a cyclist by the Quillon bakery, his shoe lay in the gutter"


@pytest.fixture(scope="module")
def rarity() -> Rarity:
    return Rarity.load(TABLE)


def test_what_two_cases_share_is_told_in_the_same_order_whatever_the_process(
    session: Session, rarity: Rarity
) -> None:
    deeds = ("tactic:ground_restraint", "tactic:dog", "power:s60", "tactic:pava", "power:s43")
    said = {"labels": dict.fromkeys(deeds, 0.9), "signals": []}
    case, _ = case_of(session, SAID, said, place="Rye Lane")
    case_of(session, "Dog unit on Rye Lane again", said, place="Rye Lane")
    [found] = cases_like(session, case, rarity)
    told = [
        each.removeprefix("the same deed: ") for each in found.because if each.startswith("the same deed")
    ]
    assert told == ["s43", "s60", "dog", "ground restraint", "pava"]


def case_of(
    session: Session, text: str, said: dict[str, Any] | None = None, **given: Any
) -> tuple[Case, UUID]:
    case, post = make_case(post_count=1, **given), make_post(text)
    session.add_all([case, post, make_assessment(post, **(said or {}))])
    session.flush()
    session.add(Membership(post_id=post.id, case_id=case.id, how="new", joined_at=NOON))
    session.flush()
    session.refresh(case)
    return case, post.id


def test_a_closed_case_of_the_same_place_and_deed_is_found_with_what_came_of_it(
    session: Session, rarity: Rarity
) -> None:
    here = {"place": "Rye Lane", "borough": "Southwark"}
    case, _ = case_of(session, SAID, DOG, **here)
    old, _ = case_of(
        session,
        "Dog unit on Rye Lane again, it bit somebody",
        DOG,
        **here,
        status=Status.CLOSED,
        dismissed_because="reviewed, no action",
        opened_at=NOON - timedelta(days=400),
    )
    case_of(session, "Stopped and searched outside the library", borough="Barnet")
    session.add(
        Statement(
            case_id=old.id,
            template="aware",
            text="We know of this footage and are looking into it.",
            state=StatementState.ISSUED,
            drafted_at=NOON,
            issued_at=NOON,
        )
    )
    session.flush()
    [found] = cases_like(session, case, rarity)
    assert found.case.id == old.id
    assert found.because[:2] == ["the same place: Rye Lane", "the same deed: a police dog was used"]
    assert found.line == "We know of this footage and are looking into it."


def test_footage_and_claims_lead_to_cases_that_share_nothing_else(session: Session, rarity: Rarity) -> None:
    case, post = case_of(session, SAID, type="use_of_force")
    filmed, copied = case_of(session, "What is this clip from", type="other_encounter")
    family = uuid4()
    for each in (post, copied):
        session.add(
            Footage(
                family_id=family, post_id=each, platform="feed", first_seen_at=NOON, kept_at=NOON,
                sha256=uuid4().bytes * 2, size_bytes=1, kind="video", container="mp4", codec="h264", width=1,
                height=1, method="test",
            )
        )  # fmt: skip
    claimed, _ = case_of(session, "Nothing alike here", type="other_encounter")
    claim = KnownClaim(
        case_id=claimed.id,
        text="He died in the van",
        title="A death in a van",
        noted_at=NOON,
        noted_by="amira",
        changed_at=NOON,
    )
    session.add(claim)
    session.flush()
    session.add(
        ClaimSighting(
            claim_id=claim.id, post_id=post, state=SightingState.COUNTED, score=0.9, because="", published_at=NOON,
            at=NOON,
        )
    )  # fmt: skip
    session.flush()
    found = {each.case.id: each.because[0] for each in cases_like(session, case, rarity)}
    assert found == {filmed.id: "the same footage", claimed.id: "the same claim: A death in a van"}


def test_rare_words_count_and_few_are_shown(session: Session, rarity: Rarity) -> None:
    case, _ = case_of(session, SAID)
    for days in range(MOST + 3):
        case_of(session, SAID, opened_at=NOON - timedelta(days=days + 1))
    found = cases_like(session, case, rarity)
    assert len(found) == MOST
    assert found[0].because[0].startswith("8 rare words: quillon, gutt")
    opened = [each.case.opened_at for each in found]
    assert opened == sorted(opened, reverse=True), "of equal ones the newest"


def test_the_type_alone_makes_no_case_alike(session: Session, rarity: Rarity) -> None:
    case, _ = case_of(session, SAID, borough="Southwark")
    case_of(session, "Officers and a van, no idea why", borough="Southwark")
    assert cases_like(session, case, rarity) == []


def test_a_case_hidden_from_who_looks_is_not_among_them(session: Session, rarity: Rarity) -> None:
    case, _ = case_of(session, SAID, DOG, place="Rye Lane")
    secret, _ = case_of(session, SAID, DOG, place="Rye Lane")
    viewer = make_person(roles=["triage"])
    session.add(viewer)
    session.flush()
    assert [each.case.id for each in cases_like(session, case, rarity)] == [secret.id]
    session.add(
        Restriction(case_id=secret.id, reason="death", why="kept apart", set_by=viewer.id, set_at=NOON)
    )
    session.flush()
    look_as(session, viewer)
    assert cases_like(session, case, rarity) == []
