"""The whole service against a world on this machine: what is published stands in Slack, once."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.doubles.feeds import publishing
from tests.doubles.jetstream import Jetstream, serving
from tests.doubles.slack import TOKEN, slack_double
from tests.faults.service import Service, wait_until

pytestmark = pytest.mark.faults

SOURCES = """
[[source]]
name = "stream"
kind = "jetstream"
url = "{stream}"
every = "1m"
grade = "E"
basis = "a double on this machine"

[[source]]
name = "paper"
kind = "feed"
url = "{feed}"
every = "1s"
grade = "B"
basis = "a double on this machine"
"""
DESKS = """
[[desk]]
name = "comms"
title = "Press bureau"
channel = "#comms"

[[desk]]
name = "oversight"
title = "Oversight"
channel = "#oversight"
"""
ON_THE_STREAM = (
    "Met Police officers tasered a man outside the chip shop on Rye Lane, Peckham, he was screaming"
)
IN_THE_PAPER = "Boy, 14, in hospital after police car chase ends in crash on Uxbridge Road in Ealing"


def test_what_is_published_stands_in_slack_once(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    with serving(Jetstream()) as stream, publishing() as paper, slack_double() as (slack, address):
        feed = paper.feed("news")
        feed.publish("Council to mend the clock", link="https://paper.example/1", at=now)
        service = Service(
            tmp_path,
            sources=SOURCES.format(stream=stream.url, feed=paper.url("news")),
            GOLDENHOUR_HTTP__ALLOW=f"127.0.0.1:{stream.port},{paper.authority}",
            GOLDENHOUR_SLACK__TOKEN=TOKEN,
            GOLDENHOUR_SLACK__BASE_URL=address,
            GOLDENHOUR_ALERTS__TEST_AT="[]",  # whatever time it is, only what was published stands there
        )
        (tmp_path / "config" / "desks.toml").write_text(DESKS, encoding="utf-8")
        try:
            service.start()
            wait_until(lambda: bool(stream.opened), 60)  # a stream heard for the first time begins with now
            stream.post(ON_THE_STREAM, "1", at=now, createdAt=now.isoformat().replace("+00:00", "Z"))
            feed.publish(IN_THE_PAPER, link="https://paper.example/2", at=now, text=IN_THE_PAPER)
            wait_until(lambda: len({each.key for each in slack.messages}) >= 2, 90)
            wait_until(lambda: hears(service), 30)  # parts beat every five seconds
        finally:
            service.end()
        said = [str(each.blocks) + each.text for each in slack.messages]
        assert any("Rye Lane" in each or "Southwark" in each for each in said)
        assert any("Ealing" in each for each in said)
        assert len({each.key for each in slack.messages}) == len(slack.messages)


def hears(service: Service) -> bool:
    """Whether the doctor says that the stream is listened to."""
    found = json.loads(service.run_once("doctor", "--json").stdout)
    return any(each["name"] == "part listen" and each["state"] == "ok" for each in found)
