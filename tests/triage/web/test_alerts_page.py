"""The alerts page: how each channel is doing, what was refused, and sending it again."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session, select

from tests.browser.seed import Seeded
from tests.make import NOON
from tests.served import Browser
from triage.notification_records import ChannelKind, Notification, NotificationKind, NotificationState
from triage.records import Alert, Channel, Delivery, DeliveryState, LogEntry
from triage.web.channel_lines import channel_words, read_lines

SHIFT = timedelta(hours=12)


def make_notification(**given: object) -> Notification:
    now = datetime.now(UTC)
    base = {
        "key": str(given),
        "kind": NotificationKind.FALL_BACK,
        "channel_kind": ChannelKind.SMS,
        "recipient": "desk:comms",
        "address": "+447700900123",
        "subject": "",
        "text": "",
        "created_at": now,
        "due_at": now,
    }
    return Notification.model_validate({**base, **given})


def channel(name: str, **given: object) -> Channel:
    return Channel.model_validate({"name": name, "free_at": NOON, "digest_at": NOON, **given})


def test_each_channel_says_in_words_whether_it_is_proven(session: Session) -> None:
    session.add_all(
        [
            channel("email", proven_at=NOON - timedelta(hours=3)),
            channel("sms", proven_at=NOON - timedelta(hours=14)),
            channel("slack:C1", failures=4, error="TimeoutError", proven_at=NOON - timedelta(hours=1)),
            channel("slack:U1", proven_at=NOON),
            channel("none"),
        ]
    )
    session.flush()
    lines = read_lines(session, ["teams:comms", "slack:C1"], shift=SHIFT, now=NOON)
    assert [(each.name, each.tone, each.says) for each in lines] == [
        ("Slack C1", "bad", "Failing"),
        ("Text message", "stale", "Stale: not proven for 14 h"),
        ("Teams comms", "none", "Never proven: nothing has arrived there yet"),
        ("E-mail", "well", "Proven in this shift"),
    ]
    assert channel_words("webhook:cad") == "Webhook cad"


def test_what_was_refused_is_sent_again_by_who_may_and_is_in_the_log(
    engine: Engine, seeded: Seeded, amira: Browser
) -> None:
    with Session(engine) as session:
        alert = session.exec(select(Alert)).first()
        assert alert is not None
        failed = NotificationState.FAILED
        it = make_notification(
            alert_id=alert.id, case_id=alert.case_id, state=failed, error="http 400", key="it"
        )
        session.add(it)
        session.commit()
        dead, case_id = it.id, alert.case_id
        [other] = session.exec(select(Delivery.id).where(Delivery.state == DeliveryState.FAILED)).all()[:1]
    page = amira.get("/alerts").text
    assert "Not delivered" in page
    assert "http 400" in page
    answer = amira.fill_in("/alerts/retry", letter=str(dead))
    assert answer.status_code == 303
    assert amira.fill_in("/alerts/retry", letter=str(other)).status_code == 303
    assert "It is sent again." in amira.get(answer.headers["location"]).text
    with Session(engine) as session:
        again = session.get_one(Notification, dead)
        assert (again.state, again.attempts) == (NotificationState.WAITING, 0)
        assert session.get_one(Delivery, other).state == DeliveryState.WAITING
        entries = session.exec(select(LogEntry).where(LogEntry.what == "sent again")).all()
        assert {(each.who, each.why) for each in entries} >= {("amira", "http 400")}
        assert case_id in {each.case_id for each in entries}
    assert amira.fill_in("/alerts/retry", letter=str(dead)).status_code == 303
    with Session(engine) as session:
        entries = session.exec(select(LogEntry).where(LogEntry.what == "sent again")).all()
        assert len(entries) == 2


def test_an_alert_says_which_other_ways_it_went(engine: Engine, amira: Browser) -> None:
    with Session(engine) as session:
        alert = session.exec(select(Alert).where(Alert.state == "open")).first()
        assert alert is not None
        done = NotificationState.DELIVERED
        given = {"alert_id": alert.id, "case_id": alert.case_id, "delivered_at": datetime.now(UTC)}
        session.add(make_notification(state=done, possible_repeat=True, **given))
        session.commit()
    page = amira.get("/alerts").text
    assert "Text message to the comms desk, as fall-back: delivered" in page
    assert "possible repeat" in page
