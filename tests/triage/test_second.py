"""When two people approve a line: what was ticked, the type of the case, and what the words are about."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from classifier.records import IncidentType
from responders.filling import fill
from tests.make import NOON
from tests.responders.words import TEMPLATES
from tests.triage.lines import KINDS, SECONDS
from triage.checking_facts import Fact
from triage.promised import promised
from triage.second import read_seconds

FORCE = IncidentType.USE_OF_FORCE


@pytest.mark.parametrize(
    ("words", "who"),
    [
        ("We are sorry for the way this was handled.", "An apology"),
        ("I want to apologise to her.", "An apology"),
        ("This is our unreserved apology.", "An apology"),
        ("We have apologised to the man.", "An apology"),
        ("The Met is sorry that this happened.", "An apology"),
        ("We are sorry if we caused upset.", "An apology"),
        ("A boy was stopped on his way home.", "A child"),
        ("Two children were in the car.", "A child"),
        ("Three teenagers were searched.", "A child"),
        ("He is 15 years old.", "A child"),
        ("A strip search was carried out.", "A child"),
        ("She was detained under section 136.", "A child"),
        ("We are releasing body-worn video, which cannot answer every question.", "Body-worn video"),
        ("A 15-year-old was searched.", "A child"),
        ("Somebody aged 14 was there.", "A child"),
        ("A man has died after contact with police.", "A death"),
        ("He lost his life in hospital.", "A death"),
        ("Shots were fired by our officers.", "A death"),
        ("We are publishing the officers' body-worn video today.", "Body-worn video"),
        ("Footage from the cameras has been released on our website.", "Body-worn video"),
    ],
)
def test_words_that_need_a_second_person_whoever_ticked_what(words: str, who: str) -> None:
    assert SECONDS.because([], FORCE, ["Something else.", words]).startswith(who)


@pytest.mark.parametrize(
    "words",
    [
        "If we got this wrong, we will say so and we will apologise.",
        "We are sorry for their loss.",
        "We have not released body-worn video. It is being viewed.",
        "The stop took place under section 60 at 17:15.",
        "Whether the footage can be released is decided under our policy.",
        "We will not release body-worn video while this is reviewed.",
        "Please share any footage with us, and do not identify anyone involved.",
        "Schools and parents across the borough can call Childline.",
        "A man was stopped and searched. The body-worn video is being viewed.",
    ],
)
def test_words_that_one_person_may_approve(words: str) -> None:
    assert SECONDS.because([], FORCE, [words]) == ""


def test_what_was_ticked_and_the_type_of_the_case_count_whatever_the_words() -> None:
    assert SECONDS.because(["child"], FORCE, ["Nothing."]).startswith("A child")
    assert SECONDS.because(["apology"], FORCE, ["Nothing."]).startswith("An apology")
    assert SECONDS.because([], IncidentType.DEATH_OR_FIREARMS, ["Nothing."]).startswith("A death")
    assert SECONDS.because(["final"], FORCE, ["Nothing."]) == ""


@pytest.mark.parametrize("name", ["aware", "confirmed", "referred", "not-ours", "public-order"])
def test_the_everyday_templates_stay_with_one_approver(name: str) -> None:
    template = next(each for each in TEMPLATES if each.name == name)
    made = fill(template, [Fact(each.name, each.longest, "CAD 1", "ann", NOON) for each in KINDS.fact])
    assert SECONDS.because([], FORCE, list(made.texts.values())) == ""


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('[[second]]\nname = "a_b"\nwho = "Somebody"\npatterns = ["(open"]', "no regular expression"),
        ('[[second]]\nname = "a_b"\nwho = "Somebody"\nwhen = 1', "second.0.when"),
        ("", "second"),
    ],
)
def test_a_wrong_file_is_refused_with_file_and_key(tmp_path: Path, written: str, told: str) -> None:
    path = tmp_path / "second.toml"
    path.write_text(written, encoding="utf-8")
    with pytest.raises(ValueError, match=told) as refused:
        read_seconds(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    ("words", "hour", "day"),
    [
        ("We know of it. Our next update is by 20:17 on 14 July.", 19, 14),
        ("We will say more by 3pm.", 14, 14),
        ("More by 01:30.", 0, 15),
        ("We stopped a man at 11:05. Next update by 11:30.", 10, 14),
    ],
)
def test_what_a_line_promises_is_read_from_its_words(words: str, hour: int, day: int) -> None:
    noon = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)
    made = promised(words, noon)
    assert made is not None
    assert (made.astimezone(UTC).hour, made.astimezone(UTC).day) == (hour, day)


def test_words_without_a_time_for_the_update_promise_none() -> None:
    noon = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)
    assert promised("It happened at 11:05. We will update you when we can.", noon) is None
    assert promised("Our next update is by 12:00 on 31 February.", noon) is None
    assert promised("Our next update is by 09:00 on 2 January.", noon.replace(month=12)) == datetime(
        2027, 1, 2, 9, 0, tzinfo=UTC
    )
