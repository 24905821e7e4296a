"""Every template with complete, missing and contradictory facts; filled, each wording passes the checker."""

from pathlib import Path

import pytest

from classifier.records import Force
from responders.filling import Draft, fill
from responders.statements import known_facts
from responders.templates import PARTS, SHORT, StatementTemplate
from tests.make import NOON, make_case
from tests.responders.words import KINDS, TEMPLATES
from tests.triage.checker.drafts import CHECKER
from triage.checking_context import VARIANTS, Context
from triage.checking_facts import Fact, FactError

GOLDEN = Path(__file__).parent / "golden" / "templates"
SAID = {
    "aware_since": "19:10 on 14 July",
    "next_update": "21:00 on 14 July",
    "checking": "what happened and whether body-worn video exists",
    "case": "GH-7",
    "version": "1",
    "expires_at": "23:00 on 14 July",
    "place": "Rye Lane, Peckham",
    "borough": "Southwark",
    "happened_at": "18:40 on 14 July",
    "contact": "a stop and search",
    "power": "section 1 of the Police and Criminal Evidence Act 1984",
    "outcome": "no further action was taken",
    "bwv_viewed": "yes",
    "reviewer": "a senior officer from another command unit",
    "dps_informed": "yes",
    "referral_on": "15 July 2026",
    "referral_type": "voluntary",
    "unit_in_charge": "the body that reviews it",
    "enquiries_to": "the press office of that body",
    "iopc_told_at": "20:05 on 14 July",
    "condition": "a person has died",
    "family_informed": "yes",
    "scene_status": "part of the road is closed",
    "what_went_wrong": "went to the wrong address",
    "spoken_to": "the people who live there",
    "put_right": "changing how addresses are checked",
    "apology_ref": "AP/1",
    "truth": "The footage was recorded abroad",
    "false_how": "shows older footage as if it were new",
    "how_known": "its maker published it at the time",
    "evidence_ref": "EV/1",
    "release_ref": "RE/1",
    "clip_length": "30 seconds",
    "encounter_length": "15 minutes",
    "redactions": "faces of passers-by",
    "necessity": "a short clip can only be judged with what surrounds it",
    "subject_told": "yes",
    "conditions": "section 14 of the Public Order Act 1986",
    "arrests": "14",
    "arrests_at": "20:00 on 14 July",
    "advice": "follow the directions of stewards",
    "safeguarding_step": "told the safeguarding lead",
    "support_contact": "Childline on 0800 1111",
    "lead_body": "Kent Police",
    "our_part": "were not there",
    "agreed_with": "AG/1",
    "first_line": "S-3",
    "first_line_on": "10 July 2026",
    "what_changed": "The review has ended and found that the stop was poorly explained",
    "changed_on": "14 July 2026",
    "why_changed": "a record has been checked",
    "next_action": "sharing the findings with the panel",
    "offence": "to publish a private address to frighten somebody",
    "report_route": "101",
}  # fmt: skip


def verified(name: str, value: str) -> Fact:
    return Fact(name, value, "the record", "bea", NOON)


def facts_for(template: StatementTemplate, state: str) -> list[Fact]:
    names = [*template.front.required, *template.front.optional]
    facts = [verified(name, SAID[name]) for name in names]
    ours = {each.name for each in KINDS.fact if each.ours}
    first = next(name for name in template.front.required if name not in ours)
    if state == "missing":
        noted = Fact(first, SAID[first], "a caller")
        left = [fact for fact in facts if fact.name in ours]
        return left if first in template.front.said_to_be else [noted, *left]
    if state == "contradictory":
        other = (
            "no" if SAID[first] == "yes" else next(each.longest for each in KINDS.fact if each.name == first)
        )
        return [*facts, verified(first, other)]
    return facts


def shown(draft: Draft) -> str:
    """All of a draft as one page, for people to read in a diff."""
    lines = [
        f"missing: {', '.join(draft.missing) or '-'}",
        f"unverified: {', '.join(draft.unverified) or '-'}",
    ]
    lines += [
        f"contradiction: {each.name}: {' | '.join(f.value for f in each.facts)}"
        for each in draft.contradictions
    ]
    for name, text in draft.texts.items():
        lines += ["", f"# {name}", "", text]
    for answer in draft.answers:
        lines += ["", f"# {answer.asks}", ""]
        lines += [
            f"answer: {answer.answer or '-'}",
            f"not yet: {answer.not_yet}",
            f"cannot say: {answer.cannot_say}",
        ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("state", ["complete", "missing", "contradictory"])
@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.front.id)
def test_drafts_stay_as_agreed(template: StatementTemplate, state: str) -> None:
    draft = fill(template, facts_for(template, state))
    assert shown(draft) == (GOLDEN / f"{template.name}-{state}.md").read_text(encoding="utf-8")


def test_there_are_twelve_in_their_order() -> None:
    assert [each.front.id for each in TEMPLATES] == [f"H{number}" for number in range(1, 13)]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.front.id)
def test_complete_facts_leave_nothing_missing(template: StatementTemplate) -> None:
    draft = fill(template, facts_for(template, "complete"))
    assert (draft.missing, draft.unverified, draft.contradictions, draft.blocked) == ((), (), (), False)
    assert "[" not in "".join(draft.texts.values())
    assert set(draft.texts) == set(VARIANTS)
    assert len(draft.texts["short"]) <= SHORT
    assert len(draft.answers) == 5
    assert all(answer.not_yet and answer.cannot_say for answer in draft.answers)
    assert tuple(template.parts) == tuple(PARTS)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.front.id)
def test_what_nobody_verified_is_never_said(template: StatementTemplate) -> None:
    facts = [fact._replace(verified_by=None) for fact in facts_for(template, "complete")]
    draft = fill(template, facts)
    said = " ".join(draft.texts.values())
    for fact in facts:
        if fact.name not in template.front.said_to_be and len(fact.value) > 6:
            assert fact.value not in said
    assert set(draft.missing) == set(template.front.required) - set(template.front.said_to_be)
    assert draft.unverified == draft.missing


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.front.id)
def test_two_verified_values_are_told_and_neither_is_said(template: StatementTemplate) -> None:
    draft = fill(template, facts_for(template, "contradictory"))
    [torn] = draft.contradictions
    assert draft.blocked
    assert torn.name in draft.missing
    assert all(fact.value not in draft.text for fact in torn.facts if len(fact.value) > 6)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.front.id)
def test_a_filled_template_passes_the_checker(template: StatementTemplate, variant: str) -> None:
    facts = facts_for(template, "complete")
    text = fill(template, facts).texts[variant]
    context = Context(
        facts=tuple(facts),
        variant=variant,
        home=("Southwark",),
        bwv_viewed=True,
        apology_approved=template.front.id == "H5",
        finding_made=template.front.final,
        corrects=template.front.final,
        final=template.front.final,
    )
    assert [(each.rule, each.words) for each in CHECKER.check(text, context) if each.blocks] == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.front.id)
def test_a_gap_left_open_is_stopped_by_the_checker(template: StatementTemplate) -> None:
    draft = fill(template, facts_for(template, "missing"))
    found = CHECKER.check(draft.text, Context(facts=(), final=template.front.final))
    assert "gap" in {each.rule for each in found if each.blocks} or not draft.missing


def test_the_first_line_passes_before_its_place_is_verified() -> None:
    known = known_facts(make_case(place="Rye Lane", borough="Southwark", severity=1), TEMPLATES[0], now=NOON)
    made = fill(TEMPLATES[0], known)
    assert made.missing == ()
    for variant, text in made.texts.items():
        assert [
            each for each in CHECKER.check(text, Context(facts=known, variant=variant)) if each.blocks
        ] == []


def test_the_same_value_verified_twice_is_no_contradiction() -> None:
    twice = [*facts_for(TEMPLATES[0], "complete"), verified("place", "rye lane, Peckham")]
    assert fill(TEMPLATES[0], twice).contradictions == ()


def test_only_the_first_fits_before_anything_is_verified() -> None:
    case = make_case(severity=1)
    assert [each.front.id for each in TEMPLATES if each.front.when.fits(case)] == ["H1"]
    assert "H3" in [
        each.front.id for each in TEMPLATES if each.front.when.fits(case, {"referral_on", "referral_type"})
    ]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.front.id)
def test_grave_words_need_a_second_approver(template: StatementTemplate) -> None:
    assert template.front.approver
    assert bool(template.front.second_approver) or template.front.id not in ("H4", "H5", "H7", "H9")


ODD = {
    "a link": ("place", "see https://example.org"),
    "markup": ("place", "{{ config }}"),
    "too long": ("place", "Rye Lane " * 10),
    "hidden characters": ("place", "Rye\u202e Lane"),
    "no time": ("happened_at", "about six"),
    "no number": ("arrests", "many"),
    "no yes or no": ("bwv_viewed", "perhaps"),
    "no fact": ("suspect", "somebody"),
}


@pytest.mark.parametrize("name", ODD)
def test_a_value_that_is_none_is_refused_with_its_reason(name: str) -> None:
    fact, value = ODD[name]
    with pytest.raises(FactError) as refused:
        KINDS.clean(fact, value)
    assert len(str(refused.value)) > 10


def test_a_value_becomes_one_line() -> None:
    assert KINDS.clean("place", "  Rye Lane,\n Peckham ") == "Rye Lane, Peckham"
    assert KINDS.clean("bwv_viewed", "Yes") == "yes"


def test_which_cases_a_template_is_meant_for_does_not_ask_for_facts() -> None:
    referred = next(each for each in TEMPLATES if each.name == "referred").front.when
    theirs, minor = make_case(severity=2, force=Force.OTHER_UK), make_case(severity=4, force=Force.MET)
    ours = make_case(severity=2, force=Force.MET)
    assert [referred.meant_for(each) for each in (ours, theirs, minor)] == [True, False, False]
    assert not referred.fits(ours)
    assert referred.fits(ours, ["referral_on", "referral_type"])
