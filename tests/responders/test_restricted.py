"""Of a restricted case Slack and the review pack learn nothing but its number, or not even that."""

from datetime import timedelta

from sqlalchemy import Engine
from sqlmodel import Session, select

from responders.blocks import Message, bundle, digest, page
from responders.notices import notices
from responders.packs.full import Ground, full_pack
from responders.slack_acts import act
from responders.slack_people import HIDDEN
from responders.slack_reply import Whisper
from tests.doubles.slack import is_valid, texts_of
from tests.make import NOON, make_alert, make_case, make_person
from tests.responders.test_blocks import make_notice
from triage.records import Alert, AlertState, Case, Person
from triage.restriction_records import Restriction
from triage.review.figures import Period

DESK = "http://desk.example:8000"


def said(message: Message) -> str:
    assert is_valid({"text": message.text, "blocks": message.blocks})
    return " ".join([message.text, *texts_of(message.blocks)])


def seed(session: Session) -> tuple[Case, Alert, Person]:
    case, person = (
        make_case(borough="Lanternquay", severity=1),
        make_person(slack_user="U1", roles=["duty_officer"]),
    )
    session.add_all([case, person])
    session.flush()
    alert = make_alert(case)
    kept = Restriction(case_id=case.id, reason="death", why="a colleague", set_by=person.id, set_at=NOON)
    session.add_all([alert, kept])
    session.commit()
    return case, alert, person


def test_a_message_says_only_that_there_is_a_restricted_case() -> None:
    kept = make_notice(restricted=True, breached=(("first_line", NOON),))
    for message in (page(kept.alert_id, kept, DESK), digest(kept.alert_id, [kept], DESK)):
        words = said(message)
        assert "A restricted case · GH-12" in words
        assert not any(word in words for word in ("Southwark", "SEV", "force", "38", "first line", "AS"))


def test_among_others_it_stands_first_and_is_counted_apart() -> None:
    told = [make_notice(case_number=3), make_notice(restricted=True, severity=5)]
    words = said(bundle(told[0].alert_id, told, DESK))
    assert words.index("A restricted case") < words.index("GH-3")
    assert "◆ SEV2 1 · restricted 1" in words


def test_how_it_was_closed_is_not_told() -> None:
    closed = make_notice(restricted=True, state=AlertState.CLOSED, acknowledged_by="Sam")
    assert "Closed" in said(page(closed.alert_id, closed, DESK))
    assert "detected" not in said(page(closed.alert_id, closed, DESK))


def test_it_is_the_standing_restriction_that_counts(session: Session) -> None:
    case, alert, _ = seed(session)
    assert notices(session, [alert.id], now=NOON)[alert.id].restricted
    kept = session.exec(select(Restriction)).one()
    kept.lifted_at = NOON
    session.commit()
    told = notices(session, [alert.id], now=NOON)[alert.id]
    assert (told.restricted, told.case_number) == (False, case.number)


def test_who_does_not_see_it_cannot_acknowledge_it_from_slack(session: Session) -> None:
    _, alert, person = seed(session)
    pressed = {
        "type": "block_actions",
        "user": {"id": "U1"},
        "channel": {"id": "C1"},
        "actions": [{"action_id": "acknowledge", "value": str(alert.id)}],
    }
    answer = act(session, pressed, now=NOON)
    assert answer.later == Whisper(HIDDEN, "C1", "U1")
    assert session.get_one(Alert, alert.id).state == AlertState.OPEN
    assert person.roles == ["duty_officer"]


def test_the_review_pack_holds_no_word_of_it(engine: Engine) -> None:
    with Session(engine) as session:
        seed(session)
        made = full_pack(
            session, Period(NOON - timedelta(days=1), NOON + timedelta(days=1)), Ground(fields=(), tactics=())
        )
    assert "Lanternquay" not in str(made)
