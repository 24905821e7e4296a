"""A line on its way: written, reviewed, approved by others, stale, set aside; who may do what."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from classifier.records import IncidentType
from tests.make import LIFECYCLE, NOON, make_case, make_person, make_post
from tests.triage.confirmed import confirmed, kept, logged
from tests.triage.lines import HOUR, KINDS, WORDS, WRITING, approve, begun, issue, review, spoken, write
from triage import actions, approving, case_facts, issuing, statements
from triage.claim_records import ClaimSighting, ClaimState, KnownClaim, SightingState
from triage.claim_types import Notice
from triage.claims import note_claim
from triage.deciding import agree, decide, undo
from triage.locked import Conflict
from triage.outcomes import adopted, pick_up, volumes
from triage.permissions import Denied
from triage.records import Alert, Case, Desk, Person, Role
from triage.statement_records import CaseFact, Statement, StatementIssue, StatementVersion
from triage.track_records import Prompt
from triage.writing import FALSEHOOD, check_line, ours


def test_a_line_goes_from_draft_to_issued_and_the_log_says_each_step(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    line = spoken(session, case, ann, ben)
    assert (line.state, line.version, line.next_update_at) == ("issued", 2, NOON + HOUR)
    said = [logged(session, case, what) for what in (
        "line asked for", "line written", "line handed to review", "line approved", "line issued",
    )]  # fmt: skip
    assert [each[0].detail["line"] for each in said] == [f"S-{line.number}"] * 5
    assert [each[0].who for each in said] == ["ann", "ann", "ann", "ben", "ann"]


def test_nobody_approves_what_they_wrote_or_asked_for(
    session: Session, case: Case, ann: Person, ben: Person, cee: Person
) -> None:
    line = begun(session, case, ann)
    write(session, line, ben, f"{WORDS} Thank you.")
    review(session, line, ann)
    for writer in (ann, ben):
        with pytest.raises(Conflict, match="Somebody else"):
            approve(session, line, writer)
        session.rollback()
    assert approve(session, line, cee).state == "approved"


def test_of_two_who_write_at_once_the_second_is_told_and_nothing_is_lost(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    line = begun(session, case, ann)
    seen = line.version
    write(session, line, ann, "We know of it and we will say more by 15:00.", version=seen)
    session.commit()
    with pytest.raises(Conflict, match="wrote this line anew"):
        write(session, line, ben, "Quite other words of somebody else.", version=seen)
    session.rollback()
    asked = select(StatementVersion).where(StatementVersion.statement_id == line.id)
    assert [each.number for each in session.exec(asked)] == [1, 2, 3]
    assert line.text.startswith("We know of it")
    with pytest.raises(Conflict, match="wrote this line anew"):
        statements.submit_line(session, line.number or 0, version=seen, who=ann, now=NOON)


def test_what_blocks_stops_and_what_warns_needs_a_reason(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    line = begun(session, case, ann, f"{WORDS} The officers acted correctly with an IC3 male.")
    review(session, line, ann)
    with pytest.raises(Conflict, match="stops this line: Nobody has decided"):
        approve(session, line, ben, accepted={"verdict": "I say so", "jargon": "Known word"})
    session.rollback()
    write(session, line, ann, f"{WORDS} He was said to be IC3.")
    review(session, line, ann)
    with pytest.raises(Conflict, match="Say why it may stand"):
        approve(session, line, ben)
    session.rollback()
    approve(session, line, ben, accepted={"jargon": "It quotes the caller"})
    [signed] = statements.approvals(session, line)
    assert signed.accepted == {"jargon": "It quotes the caller"}


def test_a_finding_is_cleared_by_the_post_that_answers_for_it_and_for_one_wording_only(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    line = begun(session, case, ann, f"{WORDS} They acted correctly, the court found.")
    review(session, line, ann)
    given: dict[str, Any] = {"post": "Legal services", "why": "It quotes the judgment", "now": NOON}
    approving.clear_finding(session, line.number or 0, "verdict", version=line.version, who=ben, **given)
    assert approve(session, line, ben).state == "approved"
    assert logged(session, case, "finding cleared")[0].detail["rule"] == "verdict"
    assert write(session, line, ann, f"{WORDS} They acted correctly.").cleared == {}


@pytest.mark.parametrize(
    ("template", "flags", "kind"),
    [
        ("apology", [], IncidentType.USE_OF_FORCE),
        ("own", ["child"], IncidentType.USE_OF_FORCE),
        ("own", ["apology"], IncidentType.USE_OF_FORCE),
        ("own", [], IncidentType.DEATH_OR_FIREARMS),
    ],
)
def test_an_apology_a_child_and_a_death_need_two_approvals(
    session: Session,
    ann: Person,
    ben: Person,
    cee: Person,
    template: str,
    flags: list[str],
    kind: IncidentType,
) -> None:
    case = confirmed(session, ann, type=kind)
    line = begun(session, case, ann)
    line.template = template
    write(session, line, ann, f"{WORDS} So far.", flags=flags)
    review(session, line, ann)
    assert approve(session, line, ben).state == "in_review"
    with pytest.raises(Conflict, match="You have approved"):
        approve(session, line, ben)
    session.rollback()
    assert approve(session, line, cee).state == "approved"


def test_releasing_body_worn_video_needs_two(session: Session, case: Case, ann: Person, ben: Person) -> None:
    line = begun(session, case, ann, f"{WORDS} We will release the body-worn video today.")
    review(session, line, ann)
    assert approve(session, line, ben).state == "in_review"


def test_writing_anew_or_sending_back_voids_the_approvals(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    line = begun(session, case, ann)
    review(session, line, ann)
    approve(session, line, ben)
    assert write(session, line, ann, f"{WORDS} More.").state == "drafted"
    assert statements.approvals(session, line) == []
    review(session, line, ann)
    given: dict[str, Any] = {"version": line.version, "who": ben, "now": NOON}
    approving.send_back(session, line.number or 0, words="Say when it was", **given)
    assert line.state == "drafted"
    assert logged(session, case, "line sent back")[0].why == "Say when it was"


def test_a_fact_counts_once_a_named_person_verified_it(session: Session, case: Case, ann: Person) -> None:
    given: dict[str, Any] = {"who": ann, "now": NOON}
    fact = case_facts.note_fact(session, case.id, "place", "Rye Lane", "CAD 12", KINDS, **given)
    assert not case_facts.said(fact).verified
    case_facts.verify_fact(session, fact.id, **given)
    assert case_facts.said(fact).verified
    other = case_facts.note_fact(session, case.id, "place", "Peckham High Street", "CAD 13", KINDS, **given)
    with pytest.raises(Conflict, match="verified as “Rye Lane”"):
        case_facts.verify_fact(session, other.id, **given)
    for value, source, told in (
        ("<b>", "CAD 12", "plain words"),
        ("Rye Lane", "", "known from"),
        ("", "x", "Write"),
    ):
        with pytest.raises(Conflict, match=rf"(?i){told}"):
            case_facts.note_fact(session, case.id, "place", value, source, KINDS, **given)
    with pytest.raises(Conflict, match="by itself"):
        case_facts.note_fact(session, case.id, "aware_since", "14:05 on 14 July", "CAD 12", KINDS, **given)


def test_a_line_is_stale_once_a_fact_it_rests_on_is_withdrawn(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    given: dict[str, Any] = {"who": ann, "now": NOON}
    fact = case_facts.note_fact(session, case.id, "place", "Rye Lane", "CAD 12", KINDS, **given)
    case_facts.verify_fact(session, fact.id, **given)
    line = begun(session, case, ann)
    line.facts = [{"id": str(fact.id), "name": "place", "value": "Rye Lane", "source": "CAD 12"}]
    review(session, line, ann)
    case_facts.withdraw_fact(session, fact.id, why="The caller meant another road", **given)
    session.commit()
    assert line.stale_because == "“place: Rye Lane” was withdrawn: The caller meant another road"
    assert logged(session, case, "line is stale")[0].detail == {"line": f"S-{line.number}"}
    with pytest.raises(Conflict, match="stale"):
        approve(session, line, ben)
    session.rollback()
    assert write(session, line, ann, "We are looking into it, by 14:00.").stale_because is not None
    write(session, line, ann, "We are looking into it, by 14:00.", no_longer_stale=True)
    assert line.stale_because is None


@pytest.mark.parametrize("words", ["Two officers stopped a man.", "It was in Lavender Hill."])
def test_a_line_in_own_words_rests_on_every_verified_fact_of_its_case(
    session: Session, case: Case, ann: Person, words: str
) -> None:
    fact = case_facts.note_fact(session, case.id, "place", "Lavender Hill", "CAD 5", KINDS, who=ann, now=NOON)
    case_facts.verify_fact(session, fact.id, who=ann, now=NOON)
    line = begun(session, case, ann, words)
    assert [(each["name"], each["id"]) for each in line.facts] == [("place", str(fact.id))]
    case_facts.withdraw_fact(session, fact.id, why="It was Lavender Avenue", who=ann, now=NOON)
    assert "Lavender Hill" in (line.stale_because or "")


def test_a_line_that_calls_a_claim_false_needs_the_decision_that_it_is(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    claim = note_claim(session, case.id, words="The man stopped in Rye Lane has died", who=ann, now=NOON)
    line = statements.ask_line(session, case.id, FALSEHOOD, "H6", who=ann, now=NOON)
    write(session, line, ann, WORDS)
    review(session, line, ann)
    for answers, told in (([], "Tick which claim"), ([str(claim.id)], f"C-{claim.number} is false")):
        line.answers = answers
        session.commit()
        with pytest.raises(Conflict, match=told):
            approve(session, line, ben)
        session.rollback()
    number = claim.number or 0
    known: dict[str, Any] = {"why": "He left", "evidence": ["CE-1"], "who": ann, "now": NOON}
    true = decide(session, number, ClaimState.TRUE, Notice(), **known)
    agree(session, true.id, Notice(), who=ben, now=NOON)
    session.commit()
    with pytest.raises(Conflict, match="The checker stops this line"):
        approve(session, line, ben, accepted={"claim_undecided": "because I say so"})
    session.rollback()
    number = claim.number or 0
    decide(session, number, ClaimState.PARTIAL, Notice(), why="He left", evidence=["CE-1"], who=ann, now=NOON)
    session.commit()
    approve(session, line, ben)
    undo(session, number, why="It was another man", who=ann, now=NOON)
    assert line.stale_because == f"C-{number}, which it answers, is no longer decided partial"


def test_a_short_wording_that_is_too_long_is_stopped(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    line = begun(session, case, ann)
    write(session, line, ann, WORDS, short=f"{'We know of it. ' * 19}Next update by 14:00.")
    review(session, line, ann)
    with pytest.raises(Conflict, match="26 characters too many: 280 fit"):
        approve(session, line, ben)


def test_the_comms_desk_is_alerted_when_what_we_said_grows_stale(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    given: dict[str, Any] = {"who": ann, "now": NOON}
    fact = case_facts.note_fact(session, case.id, "place", "Rye Lane", "CAD 12", KINDS, **given)
    case_facts.verify_fact(session, fact.id, **given)
    actions.acknowledge(session, case.id, desk=Desk.COMMS, **given)
    line = spoken(session, case, ann, ben)
    line.facts = [{"id": str(fact.id), "name": "place", "value": "Rye Lane", "source": "CAD 12"}]
    session.commit()
    [stale] = case_facts.withdraw_fact(session, fact.id, why="Another road", **given)
    assert stale.state == "issued"
    alert = session.exec(select(Alert).where(Alert.case_id == case.id, Alert.desk == Desk.COMMS)).one()
    assert alert.state == "open"
    assert logged(session, case, "what we said is stale")


def test_an_approved_line_that_grew_stale_is_not_issued_but_one_that_had_gone_out_is_recorded(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    line = begun(session, case, ann)
    review(session, line, ann)
    approve(session, line, ben)
    line.stale_at, line.stale_because = NOON + timedelta(minutes=10), "the place was withdrawn"
    session.commit()
    later = NOON + timedelta(minutes=20)
    with pytest.raises(Conflict, match="stale"):
        issue(session, line, ann, now=later)
    session.rollback()
    before = issuing.Issued("X", NOON + timedelta(minutes=5), next_at=NOON + HOUR)
    issuing.record_issue(session, line.number or 0, before, WRITING, LIFECYCLE, who=ann, now=later)
    assert line.state == "issued"


def test_a_line_not_needed_is_set_aside_with_the_reason(session: Session, case: Case, ann: Person) -> None:
    line = begun(session, case, ann)
    with pytest.raises(Conflict, match="why"):
        statements.set_aside(session, line.number or 0, why=" ", who=ann, now=NOON)
    statements.set_aside(session, line.number or 0, why="Another force speaks", who=ann, now=NOON)
    assert line.state == "superseded"


def test_lines_and_facts_go_along_when_cases_are_joined(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    line = spoken(session, case, ann, ben)
    given: dict[str, Any] = {"who": ann, "now": NOON}
    fact = case_facts.note_fact(session, case.id, "place", "Rye Lane", "CAD 12", KINDS, **given)
    other = make_case()
    post = make_post()
    session.add_all([other, post])
    session.commit()
    actions.join(session, other.id, case.id, why="Same incident", **given)
    session.commit()
    assert session.get_one(Statement, line.id).case_id == other.id
    assert session.get_one(CaseFact, fact.id).case_id == other.id
    for table in (StatementVersion, StatementIssue):
        assert set(session.exec(select(table.case_id))) == {other.id}


def test_drafts_that_nobody_took_up_are_not_doubled_when_cases_are_joined(
    session: Session, case: Case, ann: Person
) -> None:
    other, post = make_case(), make_post()
    session.add_all([other, post])
    session.flush()
    lines = [
        Statement(case_id=each.id, template=name, text="Words.", drafted_at=NOON)
        for each, name in ((other, "aware"), (case, "aware"), (case, "confirmed"))
    ]
    session.add_all(lines)
    session.commit()
    actions.join(session, other.id, case.id, why="Same incident", who=ann, now=NOON)
    session.commit()
    assert [each.state for each in lines] == ["drafted", "superseded", "drafted"]
    assert {each.case_id for each in lines} == {other.id}
    assert logged(session, other, "line set aside")[0].detail == {"line": f"S-{lines[1].number}"}


def test_what_came_of_a_line_is_counted(session: Session, case: Case, ann: Person, ben: Person) -> None:
    rumour = KnownClaim(
        case_id=case.id, text="He is dead", title="Death", noted_at=NOON, noted_by="ann", changed_at=NOON
    )
    session.add(rumour)
    session.commit()
    line = begun(session, case, ann)
    write(session, line, ann, WORDS, answers=[str(rumour.id)])
    review(session, line, ann)
    approve(session, line, ben)
    issue(session, line, ann)
    for minutes, claim, platform in ((-30, rumour, "bluesky"), (-20, rumour, "bluesky"), (90, rumour, "bluesky"),
                                     (10, line, "feed"), (20, line, "mastodon")):  # fmt: skip
        post = make_post(platform=platform, published_at=NOON + timedelta(minutes=minutes))
        session.add(post)
        claim_id = claim.id if isinstance(claim, KnownClaim) else claim.claim_id
        assert claim_id is not None
        session.add(ClaimSighting(
            claim_id=claim_id, post_id=post.id, state=SightingState.COUNTED, score=1.0, because="the same words",
            published_at=post.published_at, at=NOON,
        ))  # fmt: skip
    session.commit()
    found = pick_up(session, line)
    assert (found.posts, found.news, found.first_at) == (1, 1, NOON + timedelta(minutes=10))
    [volume] = volumes(session, line)
    assert (volume.before, volume.after, sum(volume.steps)) == (2, 1, 3)
    assert adopted(session, line, None) is None
    fix = spoken(session, case, ann, ben, words="On 14 July we were wrong.", follows=line.id, correction=True)
    assert adopted(session, fix, line) == (0, 2)


ACTS = {
    "write": {Role.TRIAGE, Role.DUTY_OFFICER, Role.APPROVER},
    "note": {Role.TRIAGE, Role.DUTY_OFFICER, Role.APPROVER, Role.OVERSIGHT_REVIEWER},
    "verify": {Role.DUTY_OFFICER, Role.APPROVER, Role.OVERSIGHT_REVIEWER},
    "approve": {Role.APPROVER},
    "issue": {Role.TRIAGE, Role.DUTY_OFFICER, Role.APPROVER},
}


@pytest.mark.parametrize("act", ACTS)
def test_each_act_is_for_its_roles(session: Session, case: Case, ann: Person, ben: Person, act: str) -> None:
    found = set()
    fact = case_facts.note_fact(session, case.id, "place", "Rye Lane", "CAD 12", KINDS, who=ann, now=NOON)
    line = begun(session, case, ann)
    review(session, line, ann)
    if act == "issue":
        approve(session, line, ben)
    session.commit()
    for role in Role:
        person = kept(session, make_person(roles=[role]))
        with suppress(Denied):
            if act == "write":
                write(session, line, person, "Other words by 14:00.")
            elif act == "note":
                case_facts.note_fact(
                    session, case.id, "place", "Elm Road", "CAD 1", KINDS, who=person, now=NOON
                )
            elif act == "verify":
                case_facts.verify_fact(session, fact.id, who=person, now=NOON)
            elif act == "approve":
                approving.approve_line(
                    session, line.number or 0, WRITING, LIFECYCLE, accepted={}, version=line.version,
                    who=person, now=NOON,
                )  # fmt: skip
            else:
                issued = issuing.Issued("X", NOON, next_at=NOON + HOUR)
                issuing.record_issue(
                    session, line.number or 0, issued, WRITING, LIFECYCLE, who=person, now=NOON
                )
            found.add(role)
        session.rollback()
    assert found == ACTS[act]


def test_the_apology_is_asked_on_every_confirmed_case(session: Session, case: Case) -> None:
    assert session.get_one(Prompt, (case.id, "apology")).answer is None


def test_a_line_asked_for_leaves_the_job_that_fills_it(session: Session, case: Case, ann: Person) -> None:
    asked = text("SELECT args ->> 'case' FROM procrastinate_jobs WHERE task_name = 'draft'")
    before = session.execute(asked).scalars().all()
    line = statements.ask_line(session, case.id, "aware", "H1", who=ann, now=NOON)
    session.commit()
    assert (line.version, session.execute(asked).scalars().all()) == (0, [*before, str(case.id)])


def test_the_checker_reads_each_wording(session: Session, case: Case, ann: Person) -> None:
    line = begun(session, case, ann)
    texts = {"long": WORDS, "short": "They acted correctly.", "bcu": ""}
    found = check_line(WRITING, ours(session, case, line), texts, now=NOON)
    assert {name: [each.rule for each in findings] for name, findings in found.items()} == {
        "long": [],
        "short": ["verdict"],
    }
