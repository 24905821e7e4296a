"""The door for partners' signed tips, over real HTTP: what is not provably a partner's gets 401 and keeps nothing."""

import hashlib
import hmac
import http.client
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from collector.months import make_months
from collector.records import Post, SourceRow
from collector.settings import TipSettings
from tests.make import make_source
from tests.odd import TOO_FAR, odd_times
from tests.served import serve
from tests.triage.web.conftest import Clockwork
from triage.records import Press
from triage.settings import WebSettings
from triage.web.app import desk
from triage.web.tips_door import PATH, Inside, router

SECRET = "an example secret of 32 or more characters"
OTHERS = "the secret that another partner signs with"
PARTNER, STAMP, MARK = "X-Goldenhour-Partner", "X-Goldenhour-Timestamp", "X-Goldenhour-Signature"
OPERATING = Path(__file__).resolve().parents[3] / "docs" / "operating.md"
Headers = list[tuple[str, str]]


def tip(number: int = 1, **given: Any) -> dict[str, Any]:
    return {
        "id": f"bw-{number}",
        "text": "Two officers hold a boy on the ground outside the station.",
        **given,
    }


def body_of(*tips: dict[str, Any]) -> bytes:
    return json.dumps({"tips": tips}).encode()


def signed(body: bytes, at: int, *, secret: str = SECRET, partner: str = "borough-watch") -> Headers:
    digest = hmac.new(secret.encode(), f"v1:{at}:".encode() + body, hashlib.sha256).hexdigest()
    return [(PARTNER, partner), (STAMP, str(at)), (MARK, f"v1={digest}")]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> Any:
        return json.loads(self.body)


class Running(NamedTuple):
    port: int
    engine: Engine
    clock: Clockwork

    @property
    def at(self) -> int:
        return int(self.clock().timestamp())

    def send(self, body: bytes, headers: Headers, method: str = "POST") -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.putrequest(method, PATH, skip_accept_encoding=True)
        for name, value in [("Content-Length", str(len(body))), *headers]:
            connection.putheader(name, value.encode("latin-1", "surrogateescape"))
        connection.endheaders(body)
        answer = connection.getresponse()
        found = Answer(answer.status, dict(answer.getheaders()), answer.read())
        connection.close()
        return found

    def tell(self, *tips: dict[str, Any], **given: Any) -> Answer:
        body = body_of(*tips)
        return self.send(body, signed(body, self.at, **given))

    def posts(self) -> list[Post]:
        with Session(self.engine) as session:
            return list(session.exec(select(Post).order_by(col(Post.external_id))))


@pytest.fixture
def door(engine: Engine, clock: Clockwork) -> Iterator[Running]:
    secrets = {
        "borough_watch": SecretStr(SECRET),
        "bus_company": SecretStr(OTHERS),
        "tip_form": SecretStr(OTHERS),
    }
    settings = TipSettings(partners=secrets, a_partner_a_minute=200)
    with Session(engine) as session:
        session.add_all([make_source(name, "tip") for name in ("borough-watch", "bus-company", "tip-form")])
        make_months(session, now=clock())
        session.commit()
    doors = [router(Inside(engine, settings, b"k" * 32), now=clock)]
    with serve(desk(engine, WebSettings(), doors=doors, now=clock)) as base:
        yield Running(int(base.rpartition(":")[2]), engine, clock)


def test_signed_tips_are_kept_and_assessed(door: Running) -> None:
    links = ["https://video.example/9"]
    full = tip(
        2,
        place="Rye Lane",
        borough="Southwark",
        when="at noon",
        links=links,
        published="2026-07-14T11:58:00Z",
    )
    answer = door.tell(tip(1, text="Call me on 07700 900123 about what they did"), full)
    assert answer.status == 202
    first, second = door.posts()
    assert answer.said == {
        "tips": [
            {"id": "bw-1", "reference": str(first.id), "state": "new"},
            {"id": "bw-2", "reference": str(second.id), "state": "new"},
        ]
    }
    assert {(each.source, each.platform, each.author_key) for each in (first, second)} == {
        ("borough-watch", "tip", None)
    }
    assert "900123" not in first.text
    assert second.text.endswith("\nWhere: Rye Lane, Southwark\nWhen: at noon\nhttps://video.example/9")
    assert second.published_at == datetime(2026, 7, 14, 11, 58, tzinfo=UTC)
    with door.engine.connect() as connection:
        [job] = connection.execute(text("SELECT task_name, args FROM procrastinate_jobs")).all()
    assert (job.task_name, set(job.args["posts"])) == ("assess", {str(first.id), str(second.id)})


def test_the_example_of_the_operators_guide_is_taken(engine: Engine, clock: Clockwork) -> None:
    guide = OPERATING.read_text(encoding="utf-8")
    [example] = re.findall(r"```http\n(POST /hooks/tips\n.*?)\n```", guide, re.DOTALL)
    head, _, body = example.partition("\n\n")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in head.splitlines()[1:])]
    [secret] = re.findall(r"For the secret `([^`]+)` this is a whole request", guide)
    at = datetime.fromtimestamp(int(dict(headers)[STAMP]), UTC)
    with Session(engine) as session:
        session.add(make_source("borough-watch", "tip"))
        make_months(session, now=at)
        session.commit()
    settings = TipSettings(partners={"borough_watch": SecretStr(secret)})
    doors = [router(Inside(engine, settings, b"k" * 32), now=lambda: at)]
    with serve(desk(engine, WebSettings(), doors=doors)) as base:
        answer = Running(int(base.rpartition(":")[2]), engine, clock).send(body.encode(), headers)
    assert answer.status == 202


def test_the_same_request_again_is_refused(door: Running) -> None:
    body = body_of(tip())
    headers = signed(body, door.at)
    assert [door.send(body, headers).status for _again in range(3)] == [202, 401, 401]


def test_the_same_tip_signed_anew_is_known(door: Running) -> None:
    first = door.tell(tip())
    door.clock.ahead += timedelta(seconds=2)
    second = door.tell(tip(), tip(2))
    assert [each["state"] for each in second.said["tips"]] == ["known", "new"]
    assert first.said["tips"][0]["reference"] == second.said["tips"][0]["reference"]
    assert len(door.posts()) == 2


def test_the_same_tip_with_other_words_counts_as_edited(door: Running) -> None:
    door.tell(tip())
    door.clock.ahead += timedelta(seconds=2)
    door.tell(tip(text="Correction: three officers held a boy on the ground outside the station."))
    [post] = door.posts()
    assert post.text.startswith("Correction")
    with door.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM post_versions")).scalar_one() == 2


def test_two_partners_may_use_the_same_ids(door: Running) -> None:
    door.tell(tip())
    answer = door.tell(tip(), secret=OTHERS, partner="bus-company")
    assert [each["state"] for each in answer.said["tips"]] == ["new"]
    assert sorted(each.source for each in door.posts()) == ["borough-watch", "bus-company"]


def forged(now: int) -> Iterator[tuple[str, bytes, Headers]]:
    """Well over a hundred requests that no partner sent, each in its own way."""
    rng = random.Random(7)
    body = body_of(tip())
    good = dict(signed(body, now))

    def but(name: str, value: str | None) -> Headers:
        kept = [(each, was) for each, was in good.items() if each != name]
        return kept if value is None else [*kept, (name, value)]

    yield "no headers at all", body, []
    for name in (PARTNER, STAMP, MARK):
        yield f"without {name}", body, but(name, None)
        yield f"{name} twice", body, [*good.items(), (name, good[name])]
        for value in (" ", "\x7f", "\xff\xfe", "٣", "0", "-1", "null", "{}", "a" * 8000, "1,1", "%00", "NaN"):
            yield f"{name} {value[:8]!r}", body, but(name, value.encode().decode("latin-1"))
    for value in ("tip-form", "TIP-FORM", "borough_watch", "Borough-Watch", "nobody", "borough-watch/../x"):
        yield f"partner {value}", body, but(PARTNER, value)
    yield "the form as a partner", body, signed(body, now, secret=OTHERS, partner="tip-form")
    yield "as another partner", body, but(PARTNER, "bus-company")
    for value in odd_times(now):
        yield f"timestamp {value[:12]}", body, but(STAMP, value.encode().decode("latin-1"))
    for late in TOO_FAR:
        yield f"{late} s away", body, signed(body, now + late)
    for value in ("v0=" + good[MARK][3:], good[MARK][3:], good[MARK].upper(), good[MARK] + "0", good[MARK][:-1],
                  "sha256=" + good[MARK][3:], "v1=", "v1=" + "0" * 64):  # fmt: skip
        yield f"signature {value[:8]}", body, but(MARK, value)
    for secret in ("", "other", SECRET + " ", OTHERS):
        yield f"secret {secret!r}", body, signed(body, now, secret=secret)
    yield "one byte more", body + b" ", list(good.items())
    yield "one byte less", body[:-1], list(good.items())
    yield "another body", body_of(tip(2)), list(good.items())
    yield "no body", b"", list(good.items())
    for _each in range(40):
        at, value = rng.randrange(3, len(good[MARK])), rng.choice("0123456789abcdef")
        flipped = good[MARK][:at] + value + good[MARK][at + 1 :]
        if flipped != good[MARK]:
            yield f"digit {at} is {value}", body, but(MARK, flipped)
    large = body_of(tip(text="x" * 300_000))
    yield "too large, though signed", large, signed(large, now)
    yield "two megabytes", b"x" * 2_000_000, signed(b"x" * 2_000_000, now)


def test_everything_odd_gets_401_and_keeps_nothing(door: Running) -> None:
    statuses: Counter[int] = Counter()
    for name, body, headers in forged(door.at):
        try:
            status = door.send(body, headers).status
        except (BrokenPipeError, ConnectionResetError):
            status = 401  # hung up on while still sending
        assert status in (400, 401), name  # 400 is the server's own, for headers that are not HTTP
        statuses[status] += 1
    assert statuses[401] >= 90
    assert door.posts() == []
    with Session(door.engine) as session:
        assert session.scalars(select(Press)).all() == []


@pytest.mark.parametrize("how", ["source off", "source gone", "closed"])
def test_a_partner_that_is_shut_out_is_nobody(engine: Engine, clock: Clockwork, how: str) -> None:
    settings = TipSettings(open=how != "closed", partners={"borough_watch": SecretStr(SECRET)})
    with Session(engine) as session:
        if how != "source gone":
            session.add(make_source("borough-watch", "tip", enabled=how != "source off"))
        session.add(make_source("borough-herald", "feed"))
        session.commit()
        assert session.get(SourceRow, "borough-herald") is not None
    doors = [router(Inside(engine, settings, b"k" * 32), now=clock)]
    with serve(desk(engine, WebSettings(), doors=doors, now=clock)) as base:
        running = Running(int(base.rpartition(":")[2]), engine, clock)
        assert running.tell(tip()).status == 401


def wrong() -> Iterator[tuple[bytes, str]]:
    """Bodies that are signed, but no tips, with what is said of each."""
    yield b"", "not tips"
    yield b"nonsense", "not tips"
    yield b"\xff\xfe", "not tips"
    yield b"[]", "not tips"
    yield b"null", "not tips"
    yield b"{}", "tips"
    yield b'{"tips": {}}', "$.tips"
    yield b'{"tips": []}', "between 1 and 100"
    yield body_of(*[tip(number) for number in range(101)]), "between 1 and 100"
    yield body_of(tip(), tip()), "same id"
    yield b"[" * 100_000, "not tips"
    yield json.dumps({"tips": [tip()], "more": 1}).encode(), "more"
    for given, said in (
        ({"text": None}, "$.tips[0].text"),
        ({"text": "  "}, "tips[0].text: says nothing"),
        ({"text": "\u0000"}, "tips[0].text: says nothing"),
        ({"text": "x" * 20_001}, "tips[0].text: longer"),
        ({"id": ""}, "tips[0].id: says nothing"),
        ({"id": 7}, "$.tips[0].id"),
        ({"id": "x" * 201}, "tips[0].id: longer"),
        ({"place": "x" * 301}, "tips[0].place: longer"),
        ({"borough": "Atlantis"}, "tips[0].borough"),
        ({"published": "yesterday"}, "tips[0].published"),
        ({"published": "1066-10-14T09:00:00Z"}, "tips[0].published"),
        ({"links": ["javascript:alert(1)"]}, "tips[0].links"),
        ({"links": ["https://a.example"] * 6}, "tips[0].links"),
        ({"author": "someone"}, "author"),
    ):
        yield body_of(tip(**given)), said


def test_signed_but_no_tips_says_what_is_wrong_and_keeps_nothing(door: Running) -> None:
    for body, said in wrong():
        answer = door.send(body, signed(body, door.at))
        assert answer.status == 422, body[:80]
        assert said in answer.said["detail"], body[:80]
    mixed = door.tell(tip(1), tip(2, published="soon"))
    assert (mixed.status, "tips[1].published" in mixed.said["detail"]) == (422, True)
    assert door.posts() == []


def test_a_partner_may_call_so_often_a_minute(engine: Engine, clock: Clockwork) -> None:
    partners = {"borough_watch": SecretStr(SECRET), "bus_company": SecretStr(OTHERS)}
    with Session(engine) as session:
        session.add_all([make_source(name, "tip") for name in ("borough-watch", "bus-company")])
        make_months(session, now=clock())
        session.commit()
    settings = TipSettings(partners=partners, a_partner_a_minute=2)
    doors = [router(Inside(engine, settings, b"k" * 32), now=clock)]
    clock.ahead += timedelta(seconds=60 - clock().timestamp() % 60)  # from the start of a minute
    with serve(desk(engine, WebSettings(), doors=doors, now=clock)) as base:
        running = Running(int(base.rpartition(":")[2]), engine, clock)
        answers = [running.tell(tip(number)) for number in range(4)]
        other = running.tell(tip(), secret=OTHERS, partner="bus-company")
        clock.ahead += timedelta(seconds=60)
        later = running.tell(tip(3))
    assert [each.status for each in answers] == [202, 202, 429, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert (other.status, later.status) == (202, 202)
    assert later.said["tips"][0]["state"] == "new"


def test_many_calls_shuffled_and_replayed_keep_each_tip_once(door: Running) -> None:
    rng = random.Random(11)
    requests = []
    for number in range(30):
        body = body_of(tip(number), tip(number + 1))
        requests += [(body, signed(body, door.at))] * 3
    rng.shuffle(requests)
    with ThreadPoolExecutor(6) as pool:
        statuses = Counter(answer.status for answer in pool.map(lambda each: door.send(*each), requests))
    assert statuses == {202: 30, 401: 60}
    assert len(door.posts()) == 31


def test_when_the_database_is_away_the_partner_is_told_to_send_again(door: Running) -> None:
    with door.engine.begin() as connection:
        connection.execute(text("ALTER TABLE post_keys RENAME TO away"))
    away = door.tell(tip())
    with door.engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO post_keys"))
    assert (away.status, away.headers["retry-after"]) == (503, "30")
    assert door.tell(tip()).status == 202


def test_only_a_post_is_answered(door: Running) -> None:
    assert door.send(b"", [], "GET").status == 405
    assert door.send(b"", [], "DELETE").status == 405
