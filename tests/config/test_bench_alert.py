"""`goldenhour bench alert`, in its parts: what is published and when, what Slack was asked, clicks that count once."""

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import Session

from config.benches.alert import TOLD, share
from config.benches.clicking import TIMES, click, prepare
from config.benches.publishing import Publisher, Stretch, posts
from config.benches.workspace import TOKEN, Call, Workspace, most_a_second
from responders.blocks import Message
from responders.slack import Sent, Slack
from responders.slack_app import SlackApp
from responders.slack_door import router
from tests.doubles.slack import slack_double
from tests.make import make_alert, make_case, make_post
from tests.responders.sending import DESK_URL
from tests.responders.signing import SECRET
from tests.served import serve
from triage.log import Line, note
from triage.records import Delivery, Desk, Membership
from triage.settings import WebSettings
from triage.web.app import desk


def now() -> datetime:
    return datetime.now(UTC)


def test_posts_come_in_their_order_and_are_the_same_for_the_same_seed() -> None:
    stretches = [Stretch(3, 20, incident_every=1), Stretch(2, 0), Stretch(2, 5, copies=50)]
    made = list(posts(stretches, 1))
    assert made == list(posts(stretches, 1))
    assert [each.at_s for each in made] == sorted(each.at_s for each in made)
    kinds = [each.key[:3] for each in made]
    assert (kinds.count("inc"), kinds.count("cha"), kinds.count("cop")) == (3, 70, 100)
    assert not [each for each in made if 3 <= each.at_s < 5]
    incidents = [each.text for each in made if each.key.startswith("inc")]
    assert len(set(incidents)) == 3


def test_the_network_is_there_until_it_is_left() -> None:
    with Publisher([Stretch(1, 1)], 1) as source:
        assert source.port > 0
        assert source.ended(0) == 0


def test_the_workspace_takes_messages_and_says_when_they_came() -> None:
    with Workspace() as workspace:
        slack = Slack(TOKEN, workspace.url, 5.0)
        sent = slack.post(Message(UUID(int=7), "x", []), "#desk", now=now())
        assert isinstance(sent, Sent)
        slack.edit(Message(UUID(int=7), "x", []), sent.channel, sent.ts, now=now())
        posted, edited = workspace.calls()
    assert (posted.method, posted.key, edited.method) == ("chat.postMessage", str(UUID(int=7)), "chat.update")
    assert posted.channel == edited.channel, "posted by its name, edited by its id"


def test_the_most_requests_a_second_are_those_of_one_channel() -> None:
    times = [0.0, 0.5, 0.9, 1.4, 3.0]
    calls = [Call("chat.postMessage", "C1", at_s, "") for at_s in times] + [
        Call("conversations.history", "C1", 0.1, ""),
        Call("chat.update", "C2", 0.2, ""),
    ]
    assert most_a_second(calls) == 3
    assert most_a_second([each for each in calls if each.at_s in (0.0, 3.0)]) == 1
    assert (share([3.0, 1.0, 2.0], 50), share([3.0, 1.0, 2.0], 99)) == (2.0, 3.0)


def test_an_incident_counts_from_its_first_post_and_what_made_it_graver_by_itself(engine: Engine) -> None:
    at = [now() + timedelta(seconds=each) for each in range(6)]
    texts = [make_post(external_id=f"did:plc:x/{key}") for key in ("chat1", "inc2", "inc3", "chat4", "inc5")]
    with Session(engine, expire_on_commit=False) as session:
        told, grown = (make_case(opened_at=at[0]) for _ in range(2))
        session.add_all([told, grown, *texts])
        session.flush()
        alerts = [make_alert(told), make_alert(grown), make_alert(grown, desk=Desk.OVERSIGHT)]
        session.add_all(alerts)
        session.flush()
        for alert, moment in zip(alerts, (at[0], at[2], at[3]), strict=True):
            line = Line("alert raised", alert.case_id, None, {"desk": alert.desk})
            note(session, [line], who="machine", now=moment)
            session.add(Delivery(alert_id=alert.id, channel="C1", due_at=moment))
        cases = (told, grown, grown, grown, told)
        for post, case, moment in zip(texts, cases, (at[0], at[2], at[2], at[3], at[4]), strict=True):
            post.published_at = moment - timedelta(seconds=1)
            session.add(
                Membership(post_id=post.id, case_id=case.id, sure=True, score=1, how="new", joined_at=moment)
            )
        session.commit()
    with engine.connect() as connection:
        found = connection.execute(TOLD).all()
    seen = {(row.case_id, row.desk): (row.first, row.before, float(row.published_s)) for row in found}
    second = timedelta(seconds=1)
    assert seen == {
        (told.id, "comms"): (True, True, (at[4] - second).timestamp()),
        (grown.id, "comms"): (True, False, (at[2] - second).timestamp()),
        (grown.id, "oversight"): (False, False, (at[3] - second).timestamp()),
    }


def test_clicks_are_sent_three_times_and_done_once(engine: Engine) -> None:
    with slack_double() as (_double, url):
        door = router(engine, SECRET, Slack(TOKEN, url, 5.0), SlackApp(DESK_URL), now=now)
        with serve(desk(engine, WebSettings(), doors=[door])) as base:
            alerts = prepare(engine, 5)
            found = click(engine, int(base.rpartition(":")[2]), SECRET, alerts, Random(1))
    assert (found.done_once, found.refused, len(found.took_ms)) == (5, 5 * (TIMES - 1), 5 * TIMES)
