"""A person says what kind of encounter a case is, and the posts of it are labelled so."""

import pytest
from sqlmodel import Session, col, select

from classifier.records import IncidentType
from tests.make import NOON, make_case, make_person, make_post
from triage.correcting import correct_type
from triage.labelling import take_labels
from triage.learning_records import Label
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import Case, LogEntry, Membership, Person
from triage.teaching import agreed


@pytest.fixture
def case(session: Session) -> Case:
    made, post = make_case(borough="Southwark"), make_post()
    session.add_all([made, post])
    session.flush()
    session.add(Membership(post_id=post.id, case_id=made.id, how="new", joined_at=NOON))
    session.commit()
    return made


def someone(session: Session, *roles: str) -> Person:
    person = make_person(roles=list(roles))
    session.add(person)
    session.commit()
    return person


def test_the_corrected_type_stands_on_the_case_in_the_log_and_in_the_labels(
    session: Session, case: Case
) -> None:
    ann = someone(session, "triage")
    correct_type(session, case.id, IncidentType.STOP_SEARCH, who=ann, now=NOON)
    session.commit()
    assert (case.type, case.title) == ("stop_search", "Stop and search · Southwark")
    line = session.exec(select(LogEntry).order_by(col(LogEntry.seq).desc())).first()
    assert line is not None
    assert (line.what, line.detail) == ("type corrected", {"type": "stop_search", "from": "use_of_force"})
    take_labels(session, b"key")
    [label] = session.exec(select(Label)).all()
    lesson = agreed([label])
    assert lesson is not None
    assert (lesson.incident, lesson.type) == (True, "stop_search")


def test_the_same_type_again_and_a_role_that_may_not_change_nothing(session: Session, case: Case) -> None:
    with pytest.raises(Conflict, match="already"):
        correct_type(session, case.id, IncidentType.USE_OF_FORCE, who=someone(session, "triage"), now=NOON)
    with pytest.raises(Denied):
        correct_type(session, case.id, IncidentType.NONE, who=someone(session, "approver"), now=NOON)
