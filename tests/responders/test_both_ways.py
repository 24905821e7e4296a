"""What is done in Slack stands on the open page at once; what is done on the page changes the message in Slack."""

import json
from typing import Any
from urllib.parse import quote_plus

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, select

from config.service import clock as wall
from responders.slack import Slack
from responders.slack_app import SlackApp
from responders.slack_door import router
from tests.browser.seed import PASSWORD, Seeded, seed
from tests.doubles.slack import TOKEN, SlackDouble, slack_double, texts_of
from tests.make import LIFECYCLE
from tests.responders.sending import DESK_URL, QUICK, make_sender
from tests.responders.signing import SECRET, signed
from tests.served import Browser, serve
from tests.triage.web.test_live import Listening
from triage.records import Alert, AlertState, Person
from triage.settings import WebSettings
from triage.web.app import desk


@pytest.fixture
def seeded(engine: Engine) -> Seeded:
    with Session(engine, expire_on_commit=False) as session:
        made = seed(session, now=wall())
        session.exec(select(Person).where(Person.username == "amira")).one().slack_user = "U0AMIRA"
        session.commit()
        return made


def an_open_alert(engine: Engine) -> Alert:
    with Session(engine) as session:
        session.connection().execute(text("DELETE FROM deliveries"))
        session.commit()
        wanted = select(Alert).where(
            Alert.state == AlertState.OPEN, Alert.desk == "comms", Alert.manner == "page"
        )
        return session.exec(wanted).first() or pytest.fail("the seed has no open alert")


def jobs_for(engine: Engine, alert: Alert) -> int:
    asked = text(
        "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'deliver' AND args ->> 'alert' = :alert"
    )
    with engine.connect() as connection:
        return int(connection.execute(asked, {"alert": str(alert.id)}).scalar_one())


def test_slack_and_the_page_show_the_same(engine: Engine, seeded: Seeded) -> None:
    assert seeded.cases
    with slack_double() as (double, url):
        door = router(engine, SECRET, Slack(TOKEN, url, 5.0), SlackApp(DESK_URL), now=wall)
        app = desk(engine, WebSettings(), channels=["slack"], lifecycle=LIFECYCLE, doors=[door])
        with serve(app) as base, Browser(base) as amira:
            assert amira.sign_in("amira", PASSWORD).status_code == 303
            page = Listening(amira)
            page.wait_for(lambda: bool(page.heard))
            act_in_both(engine, double, url, amira, page)


def act_in_both(engine: Engine, double: SlackDouble, url: str, amira: Browser, page: Listening) -> None:
    alert = an_open_alert(engine)
    sender = make_sender(engine, url, QUICK.model_copy(update={"gap_s": 0.0}))
    sender.deliver(alert.id)
    with Session(engine) as session:
        number = session.get_one(Alert, alert.id)
        case_id = str(number.case_id)
    payload: dict[str, Any] = {
        "type": "block_actions",
        "user": {"id": "U0AMIRA"},
        "channel": {"id": "C0COMMS001"},
        "actions": [{"action_id": "acknowledge", "value": str(alert.id)}],
    }
    assert press(amira, payload) == 200
    page.wait_for(lambda: any(told.get("case") == case_id for _, told in page.heard))
    assert jobs_for(engine, alert) >= 1
    sender.deliver(alert.id)
    assert edited(double, "Acknowledged by")
    before = jobs_for(engine, alert)
    closing = {"reason": "noise: No police encounter is reported", "to": "/queue"}
    assert amira.fill_in(f"/cases/{case_id}/dismiss", **closing).status_code == 303
    assert jobs_for(engine, alert) > before
    sender.deliver(alert.id)
    assert edited(double, "Closed: noise")
    assert [each["action_id"] for each in double.messages[0].blocks[-1]["elements"]] == ["open"]


def press(browser: Browser, payload: dict[str, Any]) -> int:
    form = b"payload=" + quote_plus(json.dumps(payload)).encode()
    return browser.post("/slack/actions", content=form, headers=dict(signed(form))).status_code


def edited(double: SlackDouble, words: str) -> bool:
    [message] = double.messages
    return any(words in each for each in texts_of(message.blocks))
