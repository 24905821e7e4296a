"""What people decide becomes labels by id, and a training step that nobody dominates."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session, col, select

from classifier.records import IncidentType
from collector.records import PostKey
from collector.store import withdraw_posts
from tests.make import NOON, make_case, make_person, make_post
from triage.actions import confirm, dismiss, undo
from triage.labelling import CHECKED, person_key, take_labels
from triage.learning_records import Label, Says
from triage.log import Line, note
from triage.records import Case, Membership, Person, Status
from triage.teaching import SHARE, Lesson, agreed, apart, as_lines, fairly, rows, step

KEY = b"only for tests"


@pytest.fixture
def case(session: Session) -> Case:
    return keep_case(session)


def keep_case(session: Session, posts: int = 1) -> Case:
    case = make_case()
    session.add(case)
    session.flush()
    for number in range(posts):
        post = make_post(f"Officers stopped a boy outside the library, telling {number}")
        how = "new" if number < 50 else "copy"
        session.add(PostKey(id=post.id, collected_at=NOON))
        session.add_all([post, Membership(post_id=post.id, case_id=case.id, how=how, joined_at=NOON)])
    session.commit()
    return case


def someone(session: Session) -> Person:
    person = make_person()
    session.add(person)
    session.commit()
    return person


def labels(session: Session) -> list[Label]:
    take_labels(session, KEY)
    session.commit()
    return list(session.exec(select(Label).order_by(col(Label.seq))))


def made(person: bytes, says: Says, kind: IncidentType | None = None, *, post: UUID, seq: int = 1) -> Label:
    return Label(
        post_id=post, says=says, type=kind, person_key=person, role="triage", act="", seq=seq, at=NOON
    )


def test_a_decision_labels_the_posts_of_its_case_once(session: Session, case: Case) -> None:
    ann = someone(session)
    dismiss(session, case.id, who=ann, status=Status.NOISE, why="an advert", now=NOON)
    session.commit()
    [label] = labels(session)
    assert (label.says, label.case_id, label.role, label.act) == ("noise", case.id, "triage", "dismissed")
    assert label.person_key == person_key(ann.id, KEY)
    assert len(labels(session)) == 1


def test_a_decision_taken_back_takes_its_labels_back(session: Session, case: Case) -> None:
    ann = someone(session)
    dismiss(session, case.id, who=ann, status=Status.OPINION, why="a comment", now=NOON)
    session.commit()
    undo(session, case.id, who=ann, now=NOON)
    confirm(session, case.id, who=ann, now=NOON)
    session.commit()
    first, second = labels(session)
    assert (first.says, first.taken_back_at is not None) == ("opinion", True)
    assert (second.says, second.taken_back_at) == ("confirmed", None)


def test_what_the_oversight_group_finds_is_a_label_and_its_last_word_counts(
    session: Session, case: Case
) -> None:
    tom = someone(session)
    for what, says in (
        ("finding decided", "confirmed"),
        ("finding corrected", "not_ours"),
        ("finding decided", ""),
    ):
        note(session, [Line(what, case.id, None, {"as": says})], who=tom.username, now=NOON)
        session.commit()
    found = labels(session)
    assert [each.says for each in found] == [Says.CONFIRMED, Says.NOT_OURS]
    assert all(each.taken_back_at == NOON for each in found)
    note(session, [Line("finding decided", case.id, None, {"as": "confirmed"})], who=tom.username, now=NOON)
    session.commit()
    assert [each.says for each in labels(session) if each.taken_back_at is None] == [Says.CONFIRMED]


def test_a_flood_counts_as_few_posts_and_its_copies_not(session: Session) -> None:
    confirm(session, keep_case(session, posts=60).id, who=someone(session), now=NOON)
    session.commit()
    assert len(labels(session)) == 40


def test_what_was_said_of_a_sampled_post_is_a_label(session: Session) -> None:
    ann, post = someone(session), uuid4()
    detail = {"post": str(post), "missed": True, "type": "stop_search"}
    note(session, [Line(CHECKED, None, None, detail)], who=ann.username, now=NOON)
    note(session, [Line(CHECKED, None, None, detail)], who="somebody else", now=NOON)
    session.commit()
    [label] = labels(session)
    assert (label.post_id, label.says, label.type) == (post, "missed", "stop_search")


def test_the_label_of_a_withdrawn_post_stays_and_its_words_are_not_learnt(
    session: Session, case: Case
) -> None:
    dismiss(session, case.id, who=someone(session), status=Status.NOISE, why="an advert", now=NOON)
    session.commit()
    [label] = labels(session)
    withdraw_posts(session, {label.post_id: "deleted by its author"}, now=NOON)
    session.commit()
    found = step(session)
    assert (len(labels(session)), found.gone, rows(session, found)) == (1, 1, [])


def test_two_who_disagree_settle_nothing_and_a_third_does() -> None:
    post = uuid4()
    said = [made(b"a", Says.CONFIRMED, post=post), made(b"b", Says.NOISE, post=post)]
    assert agreed(said) is None
    lesson = agreed([*said, made(b"c", Says.MISSED, IncidentType.STOP_SEARCH, post=post)])
    assert lesson is not None
    assert (lesson.incident, lesson.type) == (True, IncidentType.STOP_SEARCH)
    assert agreed([*said, made(b"c", Says.CONFIRMED, post=post), made(b"d", Says.OPINION, post=post)]) is None


def test_of_one_person_the_last_word_counts() -> None:
    post = uuid4()
    lesson = agreed([made(b"a", Says.CONFIRMED, post=post), made(b"a", Says.NOISE, post=post)])
    assert lesson is not None
    assert not lesson.incident


def test_a_type_two_people_differ_on_is_left_open() -> None:
    post = uuid4()
    said = [
        made(b"a", Says.TYPE, IncidentType.STOP_SEARCH, post=post),
        made(b"b", Says.TYPE, IncidentType.USE_OF_FORCE, post=post),
    ]
    lesson = agreed(said)
    assert lesson is not None
    assert (lesson.incident, lesson.type) == (True, None)


def taught(by: bytes, number: int, *, days: int = 0) -> list[Lesson]:
    at = NOON + timedelta(days=days)
    return [Lesson(uuid4(), uuid4(), True, None, False, by, at) for _ in range(number)]


def test_nobody_gives_more_than_a_fifth_of_a_step() -> None:
    lessons = taught(b"loud", 500) + [each for by in b"abcdefg" for each in taught(bytes([by]), 10)]
    kept = fairly(lessons)
    of_loud = sum(each.by == b"loud" for each in kept)
    assert len(kept) - of_loud == 70
    assert SHARE * len(kept) - 1 < of_loud <= SHARE * len(kept)


def test_four_people_are_too_few_for_a_step() -> None:
    assert fairly([each for by in b"abcd" for each in taught(bytes([by]), 10)]) == []


def test_the_newest_cases_are_held_back_whole() -> None:
    lessons = [each for day in range(10) for each in taught(b"a", 1, days=day)]
    lessons += [each._replace(post_id=uuid4()) for each in lessons]
    trains, newest = apart(lessons)
    assert (len(trains), len(newest)) == (16, 4)
    assert not {each.group for each in trains} & {each.group for each in newest}
    assert max(each.at for each in trains) < min(each.at for each in newest)


def test_a_step_is_read_with_the_words_of_now_and_listed_without_them(session: Session) -> None:
    for number in range(10):
        person, case = someone(session), keep_case(session)
        status = Status.NOISE if number % 2 else Status.NOT_OURS
        if number < 5:
            confirm(session, case.id, who=person, now=NOON + timedelta(minutes=number))
        else:
            dismiss(
                session, case.id, who=person, status=status, why="seen", now=NOON + timedelta(hours=number)
            )
        session.commit()
    labels(session)
    found = step(session)
    assert (len(found.lessons) + len(found.newest), found.silent, found.people) == (8, 2, 8)
    read = rows(session, found)
    assert {row.set for row in read} == {"feedback", "feedback_newest"}
    assert all("library" in row.text for row in read)
    assert {(row.type, row.truth["incident_any"]) for row in read} == {(None, 1), ("none", 0)}
    assert "library" not in str(list(as_lines(found)))
