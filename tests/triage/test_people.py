"""Getting in: once by a link, by a password otherwise, and not by guessing."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from tests.make import NOON
from triage import people
from triage.records import Person
from triage.sign_in_records import SignInAttempt, SignInLink

GOOD = "three unlikely lanterns"


@pytest.fixture
def ann(session: Session) -> Person:
    made = people.create_person(session, "Ann", "Ann Kerr", now=NOON)
    made.password_hash = people.digest_password(GOOD)
    session.commit()
    return made


def guess(
    session: Session, word: str = "wrong", *, name: str = "ann", address: str = "192.0.2.1"
) -> Person | None:
    found = people.verify(session, name, word, address=address, now=NOON)
    session.commit()
    return found


def test_the_first_person_is_an_administrator_and_there_is_only_one(session: Session) -> None:
    first = people.first_person(session, now=NOON)
    assert first is not None
    assert set(first.roles) == {"triage", "duty_officer", "approver", "oversight_reviewer", "admin"}
    assert set(first.desks) == {"comms", "oversight"}
    assert people.first_person(session, now=NOON) is None


def test_a_link_signs_in_once(session: Session, ann: Person) -> None:
    token = people.make_link(session, ann, now=NOON)
    assert people.redeem(session, token, now=NOON) == ann
    assert people.redeem(session, token, now=NOON) is None
    assert people.redeem(session, "another", now=NOON) is None


def test_a_link_is_kept_only_as_a_digest_and_runs_out(session: Session, ann: Person) -> None:
    token = people.make_link(session, ann, now=NOON)
    assert token.encode() not in session.exec(select(SignInLink)).one().token_sha256
    assert people.redeem(session, token, now=NOON + people.LINK_LASTS) is None


def test_a_new_link_ends_the_one_before(session: Session, ann: Person) -> None:
    old, new = people.make_link(session, ann, now=NOON), people.make_link(session, ann, now=NOON)
    assert people.redeem(session, old, now=NOON) is None
    assert people.redeem(session, new, now=NOON) == ann


def test_a_password_lets_its_owner_in_whatever_the_case_of_the_name(session: Session, ann: Person) -> None:
    assert guess(session, GOOD, name=" ANN ") == ann
    assert guess(session, GOOD + "x") is None
    assert guess(session, GOOD, name="nobody") is None
    assert ann.password_hash is not None
    assert ann.password_hash.startswith("$argon2id$")


def test_a_disabled_account_is_closed_to_all_keys(session: Session, ann: Person) -> None:
    token = people.make_link(session, ann, now=NOON)
    people.disable(session, ann, by="ben", now=NOON)
    session.commit()
    assert guess(session, GOOD) is None
    assert people.redeem(session, token, now=NOON) is None


def test_guessing_is_stopped_after_ten_even_for_the_right_word(session: Session, ann: Person) -> None:
    for _ in range(10):
        assert guess(session) is None
    with pytest.raises(people.Throttled, match="Try again in 5 minutes"):
        guess(session, GOOD)
    assert people.verify(session, "ann", GOOD, address="192.0.2.1", now=NOON + timedelta(minutes=6)) == ann


def test_a_stranger_does_not_lock_the_duty_officer_out(session: Session, ann: Person) -> None:
    for _ in range(10):
        guess(session, address="198.51.100.7")
    assert guess(session, GOOD, address="192.0.2.1") == ann


def test_one_address_cannot_try_many_names(session: Session, ann: Person) -> None:
    for number in range(10):
        guess(session, name=f"name-{number}", address="198.51.100.7")
    with pytest.raises(people.Throttled):
        guess(session, name="yet-another", address="198.51.100.7")


def test_old_guesses_are_forgotten(session: Session, ann: Person) -> None:
    guess(session)
    people.forget_guesses(session, now=NOON + timedelta(minutes=6))
    assert session.exec(select(SignInAttempt)).all() == []


@pytest.mark.parametrize(
    ("word", "wrong"),
    [
        ("short", "at least"),
        ("aaaaaaaaaaaaaaaa", "different"),
        ("annannann123", "user name"),
        ("x" * 300, "at most"),
    ],
)
def test_a_weak_password_is_refused_in_words(word: str, wrong: str) -> None:
    assert wrong in people.too_weak(word, "ann")


def test_a_good_password_will_do() -> None:
    assert people.too_weak(GOOD, "ann") == ""
