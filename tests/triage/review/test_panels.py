"""What panels may see and ask, and when a case is listed but not discussed."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from pydantic import ValidationError
from sqlmodel import Session, select

from tests.make import LIFECYCLE
from tests.triage.review.kept import CYCLE, case, keeper, meetings, seat
from triage.locked import Conflict
from triage.records import Case
from triage.review.agenda import agenda_of
from triage.review.asking import answer_request, note_request, requests_of
from triage.review.finding_records import Referral, ReferralBody
from triage.review.meeting_records import RequestAnswer
from triage.review.merits import may_discuss
from triage.review.panels import Panels, cases_for, may_open
from triage.track_records import Prompt, Track

PANELS = CYCLE.panels


def test_every_bcu_has_a_panel_and_every_borough_a_group() -> None:
    assert (len([each for each in PANELS.panel if each.bcu]), len(PANELS.panel)) == (12, 44)


def test_a_panel_is_told_of_its_own_area_alone(session: Session) -> None:
    here = case(session, bcu="CE", borough="Hackney")
    case(session, bcu="CE", borough="Tower Hamlets")
    case(session, bcu="AS", borough="Lambeth")
    unplaced = case(session)
    told = PANELS.audience_of("panel")
    assert told is not None
    counts = {
        name: len(session.exec(select(Case).where(cases_for(told, PANELS.panel_of(name)))).all())
        for name in ("pep-ce", "cmg-hackney", "cmg-ealing")
    }
    assert counts == {"pep-ce": 2, "cmg-hackney": 1, "cmg-ealing": 0}
    assert session.exec(select(Case).where(cases_for(told))).all() == []
    public = PANELS.audience_of("public")
    assert public is not None
    assert session.exec(select(Case).where(cases_for(public))).all() == []
    assert [each.name for each in PANELS.covering(here)] == ["pep-ce", "cmg-hackney"]
    assert PANELS.covering(unplaced) == []


def test_a_panel_viewer_opens_only_released_versions_of_their_own_panel(
    session: Session, noon: datetime
) -> None:
    member = keeper(session, "pat", ("panel_viewer",))
    seat(session, "member", member.name, person=member.id, body="cmg-hackney", now=noon)
    asked = {
        (panel, released): may_open(session, member, "panel", PANELS, panel=panel, released=released)
        for panel in ("cmg-hackney", "pep-ce", "nowhere", None)
        for released in (True, False)
    }
    assert [key for key, opened in asked.items() if opened] == [("cmg-hackney", True)]
    assert not may_open(session, member, "full", PANELS, released=True)
    assert may_open(session, member, "public", PANELS, released=True)
    assert not may_open(session, member, "public", PANELS, released=False)
    assert not may_open(session, member, "secret", PANELS, released=True)
    who = keeper(session)
    assert all(may_open(session, who, name, PANELS, released=False) for name in ("full", "panel", "public"))
    auditor = keeper(session, "aud", ("auditor",))
    assert not may_open(session, auditor, "panel", PANELS, panel="cmg-hackney", released=True)
    member.disabled_at = noon
    assert not may_open(session, member, "panel", PANELS, panel="cmg-hackney", released=True)


@pytest.mark.parametrize(
    "panel",
    [
        {"name": "xyz", "title": "XYZ", "kind": "pep", "borough": "Hackney"},
        {"name": "xyz", "title": "XYZ", "kind": "cmg"},
        {"name": "xyz", "title": "XYZ", "kind": "cmg", "borough": "Hackney", "bcu": "CE"},
    ],
)
def test_a_panel_has_its_own_kind_of_area(panel: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="neither has both"):
        Panels.model_validate({**PANELS.model_dump(), "panel": [panel]})


def test_a_panel_asks_and_is_answered_with_a_reason(session: Session, noon: datetime) -> None:
    who = keeper(session)
    meetings(session, now=noon)
    words = "The stop outside the station on Sunday evening"
    ask = [
        note_request(session, name, words, PANELS, asked_at=noon - timedelta(days=2), who=who, now=noon)
        for name in ("cmg-hackney", "pep-ce")
    ]
    with pytest.raises(Conflict, match="no such panel"):
        note_request(session, "nowhere", words, PANELS, asked_at=noon, who=who, now=noon)
    one = case(session)
    numbers = [each.number or 0 for each in ask]

    def answer(number: int, what: RequestAnswer, because: str, case_id: UUID | None = None) -> None:
        answer_request(session, number, what, because=because, who=who, now=noon, case_id=case_id)

    with pytest.raises(Conflict, match="which case"):
        answer(numbers[0], RequestAnswer.LISTED, "the group will look at it")
    with pytest.raises(Conflict, match="why"):
        answer(numbers[0], RequestAnswer.REFUSED, "no")
    for number in numbers:
        answer(number, RequestAnswer.LISTED, "the group will look at it", one.id)
    with pytest.raises(Conflict, match="already"):
        answer(numbers[0], RequestAnswer.REFUSED, "on second thoughts not")
    [first, second] = requests_of(session)
    assert first.review_id == second.review_id
    assert first.review_id is not None
    assert [each.case_id for each in agenda_of(session, first.review_id)] == [one.id]
    assert [each.number for each in requests_of(session, ["pep-ce"])] == [numbers[1]]


def on_conduct(session: Session, one: Case, state: str, at: datetime) -> None:
    track = session.get(Track, (one.id, "conduct")) or Track(
        case_id=one.id, name="conduct", state=state, opened_at=at, state_since=at
    )
    ends = LIFECYCLE.track[1].states[state].end
    track.state, track.state_since, track.closed_at = state, at, at if ends else None
    session.add(track)
    session.flush()


def test_a_case_is_not_discussed_while_proceedings_run(session: Session, noon: datetime) -> None:
    one = case(session)
    assert may_discuss(session, one.id, LIFECYCLE) is None
    for state, told in (
        ("dps_told", None),
        ("iopc", "IOPC-led investigation"),
        ("proceedings", "Conduct or criminal proceedings"),
        ("returned", None),
        ("done", None),
    ):
        on_conduct(session, one, state, noon)
        assert may_discuss(session, one.id, LIFECYCLE) == told, state


@pytest.mark.parametrize("how", ["answer", "referral"])
def test_a_referral_bars_until_the_conduct_track_says_what_came_of_it(
    session: Session, noon: datetime, how: str
) -> None:
    one = case(session)
    on_conduct(session, one, "decision_entered", noon)
    if how == "answer":
        made = Prompt(
            case_id=one.id,
            name="discrimination",
            raised_at=noon,
            because="x",
            answer="Criteria not met",
            answered_at=noon,
        )
        session.add(made)
        session.flush()
        assert may_discuss(session, one.id, LIFECYCLE) is None
        made.answer = "Referred"
    else:
        session.add(
            Referral(
                case_id=one.id, body=ReferralBody.IOPC, kind="voluntary", by_post="DPS", made_on=noon.date(),
                reference="R/1", entered_by="x", entered_at=noon,
            )
        )  # fmt: skip
    session.flush()
    assert "referred to the IOPC" in (may_discuss(session, one.id, LIFECYCLE) or "")
    on_conduct(session, one, "returned", noon + timedelta(days=1))
    assert may_discuss(session, one.id, LIFECYCLE) is None
    on_conduct(session, one, "done", noon + timedelta(days=2))
    assert may_discuss(session, one.id, LIFECYCLE) is None
