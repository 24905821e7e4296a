"""The checker: planted faults are caught, clean drafts pass, a wrong rule is refused."""

from functools import cache
from pathlib import Path

import pytest

from config.settings import HERE, read_settings
from config.wording import checker_of
from tests.make import NOON
from tests.triage.checker.drafts import CHECKER, FACTS, clean, facts_of, planted
from triage.checking_context import Claimed, Context, Finding
from triage.checking_facts import Fact
from triage.checking_rules import ChecksError, read_checks, read_lists

SETS = ("", "_held", "_second", "_third", "_fourth", "_fifth")
PLANTED = [each for name in (*SETS, "_sixth") for each in planted(f"planted{name}.toml")]
CLEAN = [each for name in SETS for each in clean(f"clean{name}.toml")]
MOST_STOPPED = 0.02
KNOWN = Context(now=NOON, facts=facts_of(FACTS), home=("Southwark",))
UPDATE = " Our next update is at 21:00."


@cache
def check(text: str, context: Context = KNOWN) -> tuple[Finding, ...]:
    return CHECKER.check(text, context)


def rules(text: str, context: Context = KNOWN, *, blocks: bool = True) -> set[str]:
    return {finding.rule for finding in check(text, context) if finding.blocks or not blocks}


def test_every_planted_fault_is_told() -> None:
    assert len({(each.text, each.context.headline, each.context.earlier) for each in PLANTED}) >= 200
    missed = [each.text for each in PLANTED if not any(map(each.fits, check(each.text, each.context)))]
    assert not missed


def test_hardly_any_clean_draft_is_stopped() -> None:
    assert len(CLEAN) >= 100
    stopped = [text for text, context in CLEAN if any(each.blocks for each in check(text, context))]
    assert len(stopped) <= MOST_STOPPED * len(CLEAN), stopped


def test_a_finding_says_where_why_and_by_whose_rule() -> None:
    for each in PLANTED:
        for finding in check(each.text, each.context):
            assert finding.why
            assert finding.source
            if finding.end:
                assert finding.words == each.text[finding.start : finding.end]


def test_what_blocks_comes_first_and_nothing_twice() -> None:
    found = check(
        "PC 4471 acted professionally. It was an isolated incident and an isolated incident." + UPDATE
    )
    assert [each.blocks for each in found] == sorted((each.blocks for each in found), reverse=True)
    assert len({(each.rule, each.start, each.end) for each in found}) == len(found)


def test_the_time_of_the_next_update_is_held_against_the_one_entered() -> None:
    said = "We understand the concern. Our next update is at "
    assert "update_time" in rules(said + "22:30.", blocks=False)
    assert "update_time" not in rules(said + "22:30.")
    assert "update_time" not in rules(said + "9pm.", blocks=False)


def test_without_facts_at_hand_what_is_unverified_warns() -> None:
    text = "Six officers came to Brixton at 17:52. We understand the concern." + UPDATE
    assert "unverified" in rules(text, blocks=False)
    assert "unverified" not in rules(text, KNOWN._replace(facts=None))
    assert "unverified" in rules(text, KNOWN._replace(facts=None), blocks=False)


def test_a_fact_that_nobody_verified_does_not_count() -> None:
    others = facts_of({name: value for name, value in FACTS.items() if name != "happened_at"})
    noted = Fact("happened_at", "17:52 on 14 July", "a caller")
    unseen = KNOWN._replace(facts=(*others, noted))
    assert "unverified" in rules("It began at 17:52 on 14 July." + UPDATE, unseen, blocks=False)
    seen = noted._replace(verified_by="bea", verified_at=NOON)
    known = KNOWN._replace(facts=(*others, seen))
    assert "unverified" not in rules("It began at 17:52 on 14 July." + UPDATE, known, blocks=False)


@pytest.mark.parametrize("time", ["5.52pm", "17:52", "5:52 pm", "1752 hrs", "17.52"])
def test_one_time_is_the_same_however_it_is_written(time: str) -> None:
    facts = facts_of({**FACTS, "happened_at": "17:52 on 14 July"})
    assert "unverified" not in rules(f"It began at {time}." + UPDATE, KNOWN._replace(facts=facts))


@pytest.mark.parametrize(
    ("noted", "said"),
    [
        ("Sun 1745", "It began at 5.45pm."),
        ("0025", "It began at 12.25am."),
        ("Mon 17:35", "It began at twenty-five to six."),
        ("Marsh Rd, 0900", "Officers came to Marsh Road at 9am."),
        ("Tue c.21:00, 200 people", "About two hundred people had come by 9pm."),
        ("two or more bystanders", "It affected at least two people."),
        ("Wed 0500", "It began at five in the morning."),
        ("Sun 2100", "It began at nine on Sunday night."),
        ("rel 09:00", "It was over at 9."),
        ("23:55", "It began just before midnight."),
        ("just before 16:00", "It began at about four in the afternoon."),
        ("Elephant & Castle, 12s clip", "A 12-second clip from Elephant and Castle was filmed."),
        ("S Norwood", "It was in South Norwood."),
        ("Gillett Sq, Dalston", "It was in Dalston's Gillett Square."),
        ("Ealing Bdwy", "It was in Ealing Broadway."),
        ("Thornton Hth", "It was in Thornton Heath."),
        ("Sat 22:25", "It began at 10.25 that evening."),
        ("Sat 20:15", "It began at 8.15 on Saturday."),
        ("Fri 16:00-17:00", "It went on between 4 and 5pm."),
        ("Thu 15-18", "It went on between three and six in the afternoon."),
        ("£50 FPN", "The penalty was fifty pounds."),
        ("Sun 0930, Keir Hardie est", "It was on the Keir Hardie estate at 9.30am."),
    ],
)
def test_facts_may_be_noted_as_officers_note_them(noted: str, said: str) -> None:
    facts = facts_of({**FACTS, "happened_at": noted})
    alone = checker_of(read_settings(), trusted=False)
    told = [each.words for each in alone.check(said + UPDATE, KNOWN._replace(facts=facts))]
    assert not [words for words in told if words and words != said], told


@pytest.mark.parametrize(
    ("noted", "said"),
    [
        ("Wed 0500", "It began at five in the evening."),
        ("Sun 2100", "It began at ten on Sunday night."),
        ("23:55", "It began just before eleven."),
        ("22:25", "It began at 10.25 in the morning."),
        ("Fri 16:00-17:00", "It went on between 3 and 5pm."),
        ("S Norwood", "It was in North Kensington."),
        ("12s clip", "A 20-second clip was filmed."),
    ],
)
def test_what_is_noted_otherwise_is_told(noted: str, said: str) -> None:
    facts = facts_of({**FACTS, "happened_at": noted})
    assert "unverified" in rules(said + UPDATE, KNOWN._replace(facts=facts), blocks=False)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("It was by gate C. The road was shut.", False),
        ("The vigil was outside St Chad's.", False),
        ("Rape Crisis can help.", False),
        ("It was seen by C. Okafor.", True),
        ("The vigil was for Chad Okafor.", True),
    ],
)
def test_what_is_no_name_of_a_person(said: str, *, named: bool) -> None:
    alone = checker_of(read_settings(), trusted=False)
    assert ("name" in {each.rule for each in alone.check(said + UPDATE, KNOWN)}) is named


@pytest.mark.parametrize(("noted", "told"), [("dog section there", False), ("a search", True)])
def test_a_tactic_that_no_verified_fact_speaks_of_is_told(noted: str, *, told: bool) -> None:
    known = KNOWN._replace(facts=facts_of({**FACTS, "contact": noted}))
    said = "Officers came with a police dog. We understand the concern." + UPDATE
    found = {each.words for each in check(said, known) if each.rule == "unverified" and not each.blocks}
    assert ("dog" in found) is told


def test_whose_people_somebody_is_is_always_told() -> None:
    said = "The families over there are Irish Travellers. We understand the concern." + UPDATE
    assert "background" in rules(said, blocks=False)


def test_what_a_correction_says_was_said_is_no_claim() -> None:
    known = KNOWN._replace(facts=facts_of({**FACTS, "happened_at": "13:00"}))
    said = "Correction: we said that it began at 2pm. It was at 1pm." + UPDATE
    assert "unverified" not in rules(said, known, blocks=False)
    assert "unverified" in rules(said.replace("1pm", "3pm"), known, blocks=False)


def test_a_place_is_not_put_together_from_two_facts() -> None:
    known = KNOWN._replace(facts=facts_of({"place": "Acacia Road", "happened_at": "Mon, Mill Lane"}))
    assert "unverified" in rules("It was in Mill Road." + UPDATE, known, blocks=False)


def test_the_time_of_the_next_update_is_enough_however_it_is_promised() -> None:
    known = KNOWN._replace(facts=facts_of({**FACTS, "next_update": "Mon 10:00"}))
    text = "We know of the encounter in Rye Lane, and we understand the concern. "
    assert "next_update" not in rules(text + "A fresh leaflet comes on Monday at 10am.", known, blocks=False)
    assert "next_update" in rules(text + "A fresh leaflet comes soon.", known, blocks=False)
    began = (*known.verified, *facts_of({"happened_at": "Sun 10:00"}))
    assert "next_update" in rules(text + "It began at 10am.", known._replace(facts=began), blocks=False)


def test_who_answers_for_a_rule_may_clear_it() -> None:
    child = KNOWN._replace(child=True)
    assert "child_flag" in rules("We know of it." + UPDATE, child)
    assert "child_flag" not in rules(
        "We know of it." + UPDATE, child._replace(cleared=frozenset({"child_flag"}))
    )


def test_an_approved_apology_may_be_said() -> None:
    assert "apology" in rules("We are sorry for what happened." + UPDATE)
    assert "apology" not in rules(
        "We are sorry for what happened." + UPDATE, KNOWN._replace(apology_approved=True)
    )
    assert "non_apology" in rules(
        "We are sorry if you were offended." + UPDATE, KNOWN._replace(apology_approved=True)
    )


def test_a_fact_that_is_no_may_not_be_said_as_yes() -> None:
    facts = facts_of({**FACTS, "family_informed": "no"})
    assert "not_on_file" in rules("The family has been informed." + UPDATE, KNOWN._replace(facts=facts))


def test_a_known_claim_may_not_stand_in_the_headline_whatever_its_words() -> None:
    claim = Claimed("a man lost consciousness inside a police carrier", "unverified")
    headline = "Man who lost consciousness in police carrier: our statement"
    assert "rumour_first" in rules("We know." + UPDATE, KNOWN._replace(headline=headline, claims=(claim,)))
    true = claim._replace(state="true")
    assert "rumour_first" not in rules("We know." + UPDATE, KNOWN._replace(headline=headline, claims=(true,)))


def test_a_correction_may_differ_from_the_line_it_corrects() -> None:
    context = KNOWN._replace(earlier=("Nobody was arrested.",))
    assert "conflict" in rules("One man was arrested." + UPDATE, context)
    assert "conflict" not in rules("One man was arrested." + UPDATE, context._replace(corrects=True))


def test_an_expired_line_is_stopped() -> None:
    assert "expiry" in rules("We know." + UPDATE, KNOWN._replace(expires_at=NOON))


def test_the_commander_of_a_unit_may_name_all_its_boroughs() -> None:
    assert "unverified" not in rules("I lead policing in Lambeth and Southwark." + UPDATE)
    assert "unverified" in rules("I lead policing in Camden." + UPDATE, blocks=False)


def test_an_empty_text_only_lacks_things() -> None:
    assert all(finding.end == 0 for finding in check(""))


WRONG = {
    "a kind that is none": ('kind = "guess"', "kind"),
    "a pattern that cannot be read": ("patterns = ['(']", "patterns"),
    "a word that is none": ("patterns = ['{nobody}']", "stands under no"),
    "a misspelt key": ("patern = []", "patern"),
    "a flag that is none": ('flag = "busy"', "flag"),
    "a wording that is none": ('variants = ["loud"]', "variants"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_is_refused_with_file_and_key(tmp_path: Path, name: str) -> None:
    line, told = WRONG[name]
    path = tmp_path / "checks.toml"
    path.write_text(f'[[check]]\nname = "mine"\n{line}\nwhy = "because it is so"\nsource = "our own rule"\n')
    with pytest.raises(ChecksError, match=r"checks\.toml.*mine") as refused:
        read_checks([path])
    assert told in str(refused.value)


@pytest.mark.parametrize("line", ["guesses = ['x']", "titles = 3", "titles = [3]"])
def test_a_wrong_list_is_refused_with_file_and_key(tmp_path: Path, line: str) -> None:
    path = tmp_path / "checks.toml"
    path.write_text(f"[lists]\n{line}\n")
    for read in (read_checks, read_lists):
        with pytest.raises(ChecksError, match=rf"checks\.toml: lists\.{line.split(' ')[0]}"):
            read([path])


def test_every_rule_says_why_and_whose_it_is() -> None:
    rules = read_checks(sorted((HERE / "statements").glob("checks*.toml"))).check
    assert len({rule.name for rule in rules}) >= 30
    assert all(rule.why.endswith(".") and rule.source for rule in rules)


@pytest.mark.parametrize(
    "said",
    ["We have not yet watched the body-worn video.", "Nobody has yet watched the body-worn video."],
)
def test_not_yet_is_a_denial(said: str) -> None:
    assert rules(said + UPDATE) == set()


@pytest.mark.parametrize(("opening", "stopped"), [("If asked: ", False), ("", True)])
def test_a_line_for_when_asked_is_only_warned_of_without_a_next_update(
    opening: str, *, stopped: bool
) -> None:
    text = opening + "We know of the encounter in Rye Lane, and we understand the concern."
    assert ("next_update" in rules(text)) is stopped
    assert "next_update" in rules(text, blocks=False)


def test_a_line_that_says_an_earlier_one_was_wrong_may_differ_from_it() -> None:
    earlier = KNOWN._replace(earlier=("Nobody was arrested.",))
    said = "A man was arrested in Rye Lane. We understand the concern." + UPDATE
    assert "conflict" in rules(said, earlier)
    assert "conflict" not in rules("Correction: our earlier line was wrong. " + said, earlier)


def test_what_a_verified_fact_says_may_be_said() -> None:
    said = "The vehicle had no insurance. We understand the concern." + UPDATE
    assert "unverified" in rules(said, blocks=False)
    facts = facts_of({**FACTS, "contact": "stop of a vehicle without insurance"})
    assert "unverified" not in rules(said, KNOWN._replace(facts=facts), blocks=False)


def test_words_of_no_fact_and_no_line_warn_as_unverified() -> None:
    said = "The kiosk sold umbrellas. We understand the concern." + UPDATE
    assert "unverified" in rules(said, blocks=False)
    facts = facts_of({**FACTS, "contact": "a kiosk that sold umbrellas"})
    assert "unverified" not in rules(said, KNOWN._replace(facts=facts))


@pytest.mark.parametrize(
    ("earlier", "said", "told"),
    [
        ("One person was arrested in Rye Lane.", "Two people were arrested in Rye Lane.", True),
        ("One person was arrested in Rye Lane.", "Two people have now been arrested in Rye Lane.", False),
        ("A man was searched at 11.15am and was not arrested.", "He was searched at about 7.30pm.", True),
        ("A man was searched at 7.30pm and was not arrested.", "He was searched at about 7.30pm.", False),
        ("A car was stopped at 18:05.", "It happened at 21:30.", True),
        ("No officer's camera was switched on.", "The officers had their cameras on.", True),
        ("The officers' cameras were switched on.", "The officers had their cameras on.", False),
        (
            "Officers searched a flat and seized two phones.",
            "Officers searched a flat and nothing was seized.",
            True,
        ),
        ("Handcuffs were used and no arrest was made.", "He was not in handcuffs.", True),
        ("A man was arrested in the street.", "The arrest took place inside his home.", True),
        (
            "A man was arrested in Rye Lane.",
            "The man arrested has been released with no further action.",
            False,
        ),
        (
            "An inspector from another borough looks at it.",
            "It is looked at by an inspector on the same team.",
            True,
        ),
    ],
)
def test_what_an_earlier_line_says_otherwise_is_found(earlier: str, said: str, *, told: bool) -> None:
    draft = f"{said} We understand the concern.{UPDATE}"
    assert ("conflict" in rules(draft, KNOWN._replace(earlier=(earlier,)), blocks=False)) == told


def test_what_was_learnt_is_believed_where_its_rule_would_let_it_pass() -> None:
    """A fault that is all but sure is told though most of its words are those of verified facts."""
    known = KNOWN._replace(facts=facts_of({**FACTS, "contact": "1 male detained, call to address"}))
    said = "We were called to an address in Rye Lane, Peckham, and a man was detained. A neighbour made the call."
    assert any(each.rule == "unverified" and "neighbour" in each.words for each in check(said, known))


@pytest.mark.parametrize("said", ["He has learning needs.", "A man described as IC3 was detained."])
def test_who_somebody_is_is_told_in_every_variant(said: str) -> None:
    for variant in ("long", "stakeholder", "internal"):
        assert "person" in rules(said, KNOWN._replace(variant=variant), blocks=False)


def test_what_an_earlier_line_leaves_no_room_for_is_found() -> None:
    earlier = KNOWN._replace(earlier=("The family has been told.",))
    said = "The family has not yet been reached. We understand the concern." + UPDATE
    assert "conflict" in rules(said, earlier)
    assert "conflict" not in rules(said)
