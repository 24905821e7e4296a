"""One finding for a case and meeting, corrected by a new version; refused where the group may not decide."""

from datetime import date, timedelta

import pytest
from sqlmodel import Session, select

from tests.make import NOON, make_case
from tests.triage.review.deciding import GROUP, TERMS, come, form, found, listed, meeting, reviewer
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import LogEntry
from triage.review.deciding import (
    changed_since,
    decide,
    findings_of,
    record_referral,
    standing_finding,
    standing_referrals,
    take_back_referral,
)
from triage.review.declaring import declare
from triage.review.finding_form import ReferralGiven, Unanswered
from triage.review.finding_records import Feedback, Talk
from triage.ties import declare_tie

IOPC = ReferralGiven("iopc", "voluntary", "DPS duty officer", date(2026, 7, 10), "REF/1")


def test_a_finding_keeps_the_words_and_the_counting_of_its_day(session: Session) -> None:
    review, case = listed(session)
    made = found(session, review, case, reviewer(session), secondary=["IMPATIENCE", "CONDUCT-DPS"])
    session.commit()
    assert made.secondary == ["IMPATIENCE", "CONDUCT-DPS"]
    assert made.says["IMPATIENCE"] == "Lack of patience"
    assert (made.reviewed, made.concern, made.version) == (True, True, 1)
    assert made.themes == ["explanation", "respect", "complaints"]
    assert made.talk == Talk.UNCLEAR
    assert made.steps == [
        {
            "step": "information",
            "asks": "Information: what was known, and what is missing",
            "words": "Both videos were seen",
        }
    ]
    entry = session.exec(select(LogEntry).where(LogEntry.what == "finding decided")).one()
    assert entry.detail["code"] == "POOR-COMMUNICATION"
    assert entry.detail["as"] == "confirmed"
    assert entry.case_id == case.id


def test_a_correction_is_a_new_version_with_its_reason_and_the_first_stays(session: Session) -> None:
    review, case = listed(session)
    tom = reviewer(session)
    found(session, review, case, tom)
    with pytest.raises(Unanswered, match="why the finding is corrected"):
        found(session, review, case, tom, code="PROFESSIONAL", seen=1)
    later = NOON + timedelta(days=3)
    changed = found(
        session, review, case, tom, code="PROFESSIONAL", seen=1, correction_why="The second video was found",
        now=later,
    )  # fmt: skip
    session.commit()
    assert [(each.version, each.code) for each, _ in findings_of(session, case.id)] == [
        (2, "PROFESSIONAL"),
        (1, "POOR-COMMUNICATION"),
    ]
    assert standing_finding(session, review.id, case.id) == changed
    [(late, of)] = changed_since(session, review)
    assert (late.version, of.id) == (2, case.id)


def test_two_who_decide_at_once_do_not_overwrite_each_other(session: Session) -> None:
    review, case = listed(session)
    found(session, review, case, reviewer(session))
    with pytest.raises(Conflict, match="Somebody else entered a finding"):
        found(session, review, case, reviewer(session, "amira"), code="EXEMPLARY")


def test_only_a_reviewer_decides(session: Session) -> None:
    review, case = listed(session)
    for role in ("viewer", "triage", "duty_officer", "approver", "dps_liaison", "admin"):
        with pytest.raises(Denied):
            found(session, review, case, reviewer(session, role, roles=[role]))


def test_nothing_is_decided_before_the_meeting_off_its_list_or_when_it_was_cancelled(
    session: Session,
) -> None:
    tom = reviewer(session)
    case, other = make_case(), make_case()
    session.add(other)
    ahead = meeting(session, case, at=NOON + timedelta(days=1))
    began = meeting(session)
    with pytest.raises(Conflict, match="has not begun"):
        found(session, ahead, case, tom)
    with pytest.raises(Conflict, match="not on the list"):
        found(session, began, case, tom)
    began.cancelled_at = NOON
    with pytest.raises(Conflict, match="cancelled"):
        found(session, began, case, tom)


def test_who_is_kept_from_a_case_does_not_decide_on_it(session: Session) -> None:
    review, case = listed(session)
    tom = reviewer(session)
    session.commit()
    declare_tie(session, case.id, who=tom, now=NOON)
    with pytest.raises(Conflict, match="kept from this case"):
        found(session, review, case, tom)


def test_what_is_missing_is_said_by_field(session: Session) -> None:
    review, case = listed(session)
    tom = reviewer(session)
    given = form(
        talk="", communication="6", legality="yes", decision="no", why="", dissent=[("Community member", "")]
    )
    with pytest.raises(Unanswered) as missing:
        decide(session, review.id, case.id, TERMS, given, who=tom, now=NOON)
    assert set(missing.value.fields) == {
        "talk", "communication", "legality", "decision", "why", "dissent-1",
    }  # fmt: skip
    assert standing_finding(session, review.id, case.id) is None


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"code": "NONE"}, "code"),
        ({"code": "DEFERRED", "secondary": ["IMPATIENCE"]}, "secondary"),
        ({"secondary": ["NOT-MET"]}, "secondary"),
        ({"secondary": ["INVENTED"]}, "secondary"),
        ({"code": "FORCE-AVOIDABLE", "talk": "no_force"}, "talk"),
        ({"code": "REFERRED-IOPC"}, "referral-body"),
        ({"referral": IOPC._replace(kind="")}, "referral-kind"),
        ({"referral": IOPC._replace(made_on=date(2026, 8, 1))}, "referral-made_on"),
    ],
)
def test_what_does_not_go_together_is_refused(session: Session, given: dict[str, object], field: str) -> None:
    review, case = listed(session)
    with pytest.raises(Unanswered) as refused:
        found(session, review, case, reviewer(session), **given)
    assert field in refused.value.fields


def test_a_deferred_case_counts_as_not_reviewed_and_tells_no_bcu(session: Session) -> None:
    review, case = listed(session)
    made = found(session, review, case, reviewer(session), code="DEFERRED", talk="", communication="")
    assert not made.reviewed
    assert session.exec(select(Feedback)).all() == []


def test_a_referral_is_recorded_with_the_finding_corrected_and_taken_back(session: Session) -> None:
    review, case = listed(session)
    tom = reviewer(session)
    found(session, review, case, tom, code="REFERRED-IOPC", referral=IOPC)
    [first] = standing_referrals(session, case.id)
    assert (first.kind, first.review_id, first.by_post) == ("voluntary", review.id, "DPS duty officer")
    given = IOPC._replace(kind="mandatory")
    with pytest.raises(Unanswered, match="why the entry is corrected"):
        record_referral(session, case.id, given, corrects=first.id, who=tom, now=NOON)
    second = record_referral(
        session, case.id, given, corrects=first.id, correction_why="It was a mandatory one", who=tom, now=NOON
    )
    assert standing_referrals(session, case.id) == [second]
    take_back_referral(session, case.id, second.id, why="Entered on the wrong case", who=tom, now=NOON)
    assert not standing_referrals(session, case.id)
    with pytest.raises(Conflict, match="does not stand"):
        take_back_referral(session, case.id, second.id, why="Entered on the wrong case", who=tom, now=NOON)


def test_dissent_is_kept_by_post_in_its_words(session: Session) -> None:
    review, case = listed(session)
    made = found(
        session, review, case, reviewer(session),
        dissent=[("Community member", "Force was avoidable here"), ("", "")],
    )  # fmt: skip
    assert made.dissent == [{"post": "Community member", "words": "Force was avoidable here"}]


def test_nothing_is_decided_without_a_quorum(session: Session) -> None:
    tom, case = reviewer(session), make_case()
    review = meeting(session, case, quorate=False)
    with pytest.raises(Conflict, match="Not quorate now"):
        found(session, review, case, tom)
    come(session, review)
    assert found(session, review, case, tom).version == 1


def test_those_recused_from_a_case_leave_it_without_a_quorum(session: Session) -> None:
    tom, case = reviewer(session), make_case()
    review = meeting(session, case)
    declare(session, review.id, case.id, "same_team", GROUP, name="Member 1", who=tom, now=NOON)
    with pytest.raises(Conflict, match="without those recused"):
        found(session, review, case, tom)


def test_a_case_that_may_not_be_discussed_can_only_be_deferred(session: Session) -> None:
    review, case = listed(session)
    tom = reviewer(session)
    record_referral(session, case.id, IOPC, who=tom, now=NOON)
    with pytest.raises(Unanswered, match="may not be discussed on its merits"):
        found(session, review, case, tom)
    assert found(session, review, case, tom, code="DEFERRED").code == "DEFERRED"


def test_what_was_discussed_before_it_was_referred_can_still_be_corrected(session: Session) -> None:
    review, case = listed(session)
    tom = reviewer(session)
    found(session, review, case, tom, code="REFERRED-IOPC", referral=IOPC)
    again = found(session, review, case, tom, seen=1, code="REFERRED-IOPC", correction_why="A word was wrong")
    assert again.version == 2
