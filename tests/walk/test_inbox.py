"""What is written to us, walked: the form and a partner's call, through the wiring, to a routing of every tip."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine
from sqlmodel import Session, select

from collector.records import Post
from collector.settings import TipSettings
from config.inbox import inbox_of, partners_doors
from config.parts.web import desk_of
from config.service import House, tasks_of
from config.settings import ConfigError, Settings, read_settings
from tests.make import make_source
from tests.served import Browser, field, serve
from tests.walk.one_walk import do_jobs, prepare
from triage.records import Case, Routing

SECRET = "a secret of a partner that is long enough"
GRAVE = "Officers restrained a man on Mare Street, he said he could not breathe and then stopped moving"
PLAIN = "I wanted to say thank you for finding my bicycle"


@pytest.fixture
def house(settings: Settings, engine: Engine) -> House:
    ahead = iter(range(10_000_000))
    began = datetime.now(UTC)
    tips = TipSettings(partners={"borough_watch": SecretStr(SECRET)})
    whole = settings.model_copy(update={"tips": tips})
    # a clock of ours, on which two looks are five seconds apart: a form is never filled in too fast
    return House(whole, engine, lambda: began + timedelta(seconds=5 * next(ahead)))


def test_every_tip_ends_in_a_routing_and_a_grave_one_in_a_case(house: House) -> None:
    prepare(house.settings, house.engine, now=house.clock())
    with Session(house.engine) as session:
        session.add(make_source("borough-watch", "tip"))
        session.commit()
    with serve(desk_of(house)) as base:
        with Browser(base) as person:
            given = field(person.get("/tip").text, "pass")
            form = {
                "what": GRAVE,
                "place": "Mare Street",
                "borough": "Hackney",
                "when": "just now",
                "pass": given,
            }
            assert person.post("/tip", data=form).status_code == 303
        body = json.dumps({"tips": [{"id": "1", "text": PLAIN}]}).encode()
        stamp = str(int(house.clock().timestamp()))
        digest = hmac.new(SECRET.encode(), f"v1:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        headers = {
            "X-Goldenhour-Partner": "borough-watch",
            "X-Goldenhour-Timestamp": stamp,
            "X-Goldenhour-Signature": f"v1={digest}",
        }
        assert httpx.post(f"{base}/hooks/tips", content=body, headers=headers).status_code == 202
    tasks = {
        name: task
        for queue in ("assess", "route", "respond", "claims")
        for name, task in tasks_of(queue, house).items()
    }
    do_jobs(house, tasks)
    with Session(house.engine) as session:
        posts = {post.text.partition("\n")[0]: post for post in session.exec(select(Post))}
        routed = {routing.post_id: routing for routing in session.exec(select(Routing))}
        assert set(routed) == {post.id for post in posts.values()}
        case = session.get_one(Case, routed[posts[GRAVE].id].case_id)
        assert (case.borough, case.sources) == ("Hackney", ["tip-form"])
        assert routed[posts[PLAIN].id].case_id is None


def test_without_a_partner_there_is_no_door(house: House) -> None:
    alone = House(house.settings.model_copy(update={"tips": TipSettings()}), house.engine, house.clock)
    assert partners_doors(alone) == []
    inbox = inbox_of(alone)
    assert {each.name for each in inbox.providers} >= {"YouTube", "TikTok", "X"}
    assert inbox.tips_key != inbox.author_key


def test_a_partners_secret_comes_from_the_environment_and_may_not_be_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOLDENHOUR_TIPS__PARTNERS__BOROUGH_WATCH", SECRET)
    assert read_settings().tips.secret_of("borough-watch") == SECRET
    assert SECRET not in repr(read_settings())
    monkeypatch.setenv("GOLDENHOUR_TIPS__PARTNERS__BOROUGH_WATCH", "short")
    with pytest.raises(ConfigError, match="GOLDENHOUR_TIPS__PARTNERS__BOROUGH_WATCH"):
        read_settings()
