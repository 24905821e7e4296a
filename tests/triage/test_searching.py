"""Cases are found by what their posts say: in any form of the words, never by an account, and not once it is gone."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from collector.records import Post, PostKey
from tests.make import NOON, make_assessment, make_case, make_person, make_post
from triage.hidden import look_as
from triage.records import Case, Membership
from triage.restriction_records import Restriction
from triage.search_records import PostWords
from triage.searching import (
    Heard,
    forget_words,
    forget_words_withdrawn,
    heard,
    keep_words,
    leave_words,
)

Told = Callable[..., tuple[Case, Post]]


@pytest.fixture
def told(session: Session) -> Told:
    def tell(words: str, case: Case | None = None, **given: object) -> tuple[Case, Post]:
        """A post of these words in a case, with its words kept."""
        post = make_post(words, **given)
        home = case or make_case()
        session.add_all([post, PostKey(id=post.id, collected_at=post.collected_at), home])
        session.flush()
        session.add(Membership(post_id=post.id, case_id=home.id, how="first", joined_at=NOON))
        session.flush()
        keep_words(session, [post.id])
        return home, post

    return tell


def found(session: Session, asked: str) -> list[Case]:
    return [each.case for each in heard(session, asked, most=50)]


def marked(each: Heard) -> list[str]:
    return [words for words, asked_for in each.quote if asked_for]


def test_words_are_found_in_any_form_and_shown_where_they_stand(session: Session, told: Told) -> None:
    case, _ = told("He was dragged off the bus and two officers handcuffed him against the wall")
    told("A quiet evening on the high street")
    [only] = heard(session, "handcuffs officer", most=50)
    assert only.case == case
    assert marked(only) == ["officers", "handcuffed"]
    assert "dragged off the bus" in "".join(words for words, _ in only.quote)


def test_a_phrase_is_looked_for_as_it_stands_and_a_minus_leaves_out(session: Session, told: Told) -> None:
    knees, _ = told("knee on his neck outside the station")
    told("his neck brace and a bruised knee, outside the station")
    assert found(session, '"knee on his neck"') == [knees]
    assert found(session, "neck station -brace") == [knees]


def test_all_words_must_be_in_one_post(session: Session, told: Told) -> None:
    case, _ = told("a dog was set on him")
    told("and a baton was drawn", case)
    assert found(session, "dog baton") == []
    assert found(session, "baton") == [case]


def test_a_place_a_post_was_read_to_name_finds_it(session: Session, told: Told) -> None:
    case, post = told("a lad was tasered on the lane by the arches")
    session.add(
        make_assessment(post, places=[{"text": "the lane", "name": "Rye Lane", "borough": "Southwark"}])
    )
    session.flush()
    keep_words(session, [post.id])
    assert found(session, "Southwark tasered") == [case]


def test_an_account_is_neither_kept_nor_shown(session: Session, told: Told) -> None:
    case, _ = told("@wanted_person saw officers push a man over, ask @wanted_person@there.example")
    kept = session.exec(select(PostWords.words)).one()
    assert "want" not in kept
    assert "there.exampl" not in kept
    assert found(session, "wanted_person") == []
    [only] = heard(session, "officers push", most=50)
    assert only.case == case
    assert "wanted" not in "".join(words for words, _ in only.quote)


def test_small_words_alone_find_nothing(session: Session, told: Told) -> None:
    told("the and of to")
    assert found(session, "the and") == []


@pytest.mark.parametrize(
    "asked",
    [
        "'",
        '"',
        "\\",
        "-",
        "a:*b & | !",
        "<->",
        "\x01",
        "%' OR 1=1 --",
        "🚓",
        "-" * 300,
        "- " * 200,
        "-a " * 200,
    ],
)
def test_whatever_is_typed_is_answered(session: Session, told: Told, asked: str) -> None:
    told("officers on the lane")
    assert found(session, asked) == []


def test_the_newest_cases_come_first_and_each_once(session: Session, told: Told) -> None:
    older, _ = told("baton drawn", make_case(opened_at=NOON - timedelta(hours=2)))
    told("baton drawn again", older)
    newer, _ = told("baton drawn here too", make_case(opened_at=NOON - timedelta(hours=1)))
    assert found(session, "baton") == [newer, older]
    assert [each.case for each in heard(session, "baton", most=1)] == [newer]


def test_words_are_kept_of_posts_in_cases_only(session: Session, told: Told) -> None:
    _, inside = told("officers on the lane")
    outside = make_post("officers elsewhere")
    session.add(outside)
    session.flush()
    leave_words(session, [inside.id, outside.id])
    [job] = session.execute(
        text("SELECT args FROM procrastinate_jobs WHERE task_name = 'keep_words'")
    ).scalars()
    assert job["posts"] == [str(inside.id)]


def test_an_edited_post_is_found_by_what_it_says_now(session: Session, told: Told) -> None:
    case, post = told("a baton was drawn")
    post.text = "a shield was used"
    session.flush()
    keep_words(session, [post.id])
    assert found(session, "baton") == []
    assert found(session, "shield") == [case]


def test_what_was_withdrawn_is_found_no_more_and_kept_no_longer(session: Session, told: Told) -> None:
    _, asked_away = told("a baton was drawn")
    _, missed = told("a baton was drawn twice")
    for post in (asked_away, missed):
        post.withdrawn_at, post.text = NOON, ""
    session.flush()
    assert found(session, "baton") == []
    forget_words(session, [asked_away.id])
    assert session.exec(select(PostWords.post_id)).all() == [missed.id]
    forget_words_withdrawn(session, since=NOON - timedelta(days=2))
    assert session.exec(select(PostWords.post_id)).all() == []
    keep_words(session, [missed.id])
    assert session.exec(select(PostWords.post_id)).all() == []


def test_a_hidden_case_is_not_found(session: Session, told: Told) -> None:
    case, _ = told("a baton was drawn")
    shown, _ = told("a baton was drawn elsewhere")
    who = make_person(roles=["triage"])
    session.add(who)
    session.flush()
    hidden = Restriction(
        case_id=case.id, reason="death", why="A family was told", set_by=who.id, set_at=NOON, roles=["admin"]
    )
    session.add(hidden)
    session.flush()
    look_as(session, who)
    assert found(session, "baton") == [shown]
