"""Deleted by its author is deleted here: after a walk through the whole house no table holds a word of the post."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, inspect, text
from sqlmodel import Session, select

from classifier.forget import forget_withdrawn
from classifier.records import Assessment
from collector.batch import Attachment, Batch, Deletion, Item
from collector.collect import collect
from collector.evidence_records import PostVersion
from collector.months import make_months
from collector.records import Post
from config.queues.collect import author_key, prefilter_of
from config.service import House, tasks_of
from config.settings import Settings
from tests.conftest import NOON
from tests.make import make_person
from tests.walk.one_walk import do_jobs
from triage.claim_forget import forget_claims_withdrawn
from triage.claim_records import ClaimSighting, KnownClaim
from triage.claims import note_claim
from triage.custody import take_into_custody
from triage.records import Alert, Case, Delivery, Membership, Routing
from triage.statement_records import Statement

# Each stands for one thing a post is made of; none may be left, in whatever case
MARKS = re.compile(
    rb"zebrafinch|quokkahouse|wombatalt|numbatwarning|dingotitle|potoroo|bilbyuser|did:plc:secret"
    rb"|knelt on|could not breathe|by nine officers",
    re.IGNORECASE,
)
WORDS = "Met police officers knelt on Danny Zebrafinch at the Quokkahouse, Mare Street, Hackney. He was unconscious"
AT = "at://did:plc:secret/app.bsky.feed.post/3lkey"


def post(words: str, **given: Any) -> Item:
    return Item(
        **{
            "external_id": AT,
            "platform": "bluesky",
            "url": "https://bsky.example/profile/did:plc:secret/post/potoroo",
            "title": "Dingotitle",
            "text": words,
            "published_at": NOON - timedelta(minutes=3),
            "author": "did:plc:secret",
            "content_warning": "numbatwarning",
            "reply_to": "at://did:plc:secret/app.bsky.feed.post/parent",
            "quote_of": "https://social.example/users/bilbyuser/1",
            "media": (Attachment("image", "https://cdn.example/did:plc:secret/1", "wombatalt, police"),),
            "payload": json.dumps({"did": "did:plc:secret", "text": words}).encode(),
            **given,
        }
    )


@pytest.fixture
def house(engine: Engine, settings: Settings) -> House:
    return House(settings, engine, lambda: NOON)


def bring(house: House, batch: Batch) -> None:
    with Session(house.engine) as session:
        make_months(session, now=NOON)
        key = author_key(house.settings)
        collect(session, "bluesky", batch, prefilter_of(house.settings), author_key=key, now=NOON)
        session.commit()


def held(engine: Engine) -> dict[str, int]:
    """In which columns of the whole database the marks stand, and in how many rows."""
    found: dict[str, int] = {}
    seen = inspect(engine)
    with engine.connect() as connection:
        for table in seen.get_table_names():
            for column in seen.get_columns(table):
                name = column["name"]
                values = connection.execute(
                    text(f'SELECT "{name}" FROM "{table}" WHERE "{name}" IS NOT NULL')
                )
                hits = sum(bool(MARKS.search(_bytes(value))) for (value,) in values)
                if hits:
                    found[f"{table}.{name}"] = hits
    return found


def _bytes(value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else json.dumps(value, default=str).encode()


def test_no_table_and_no_line_of_the_log_keeps_a_word_of_a_withdrawn_post(
    house: House, capfd: pytest.CaptureFixture[str]
) -> None:
    does = {
        name: task
        for queue in ("assess", "route", "respond", "look", "claims")
        for name, task in tasks_of(queue, house).items()
    }
    edit = post(f"{WORDS} and could not breathe", edited_at=NOON)
    bring(
        house, Batch(items=[post(WORDS), post("Police by nine officers, Zebrafinch", external_id=f"{AT}2")])
    )
    do_jobs(house, does)
    bring(house, Batch(items=[edit]))
    do_jobs(house, does)
    with Session(house.engine) as session:
        take_into_custody(session, now=NOON)
        member, who = session.exec(select(Membership)).first(), make_person()
        assert member
        session.add(who)
        note_claim(session, member.case_id, words=WORDS, post=member.post_id, who=who, now=NOON)
        session.commit()
    do_jobs(house, does)
    with Session(house.engine) as session:
        routings = len(session.exec(select(Routing)).all())
        signals = next(each.signals for each in session.exec(select(Assessment)) if each.signals)
        for kind in (
            Case,
            Membership,
            Alert,
            Delivery,
            Statement,
            PostVersion,
            KnownClaim,
            ClaimSighting,
        ):  # or nothing is proven
            assert session.exec(select(kind)).first(), kind
    before = held(house.engine)
    quoted = {"post_versions.text", "media.alt", "assessments.signals", "known_claims.text"}
    assert {"posts.text", "posts.payload"} | quoted <= set(before)

    bring(
        house, Batch(deletions=[Deletion("bluesky", "its account is deleted", prefix="at://did:plc:secret/")])
    )
    do_jobs(house, does)
    assert held(house.engine) == {}
    out, err = capfd.readouterr()
    assert not MARKS.search((out + err).encode())
    with Session(house.engine) as session:
        for left in session.exec(select(Post)):
            assert left.withdrawn_because == "its account is deleted"
            assert left.payload_sha256
            assert left.author_key is None
        assert len(session.exec(select(Routing)).all()) == routings
        assessed = session.exec(select(Assessment)).all()
        assert any(each.incident > 0.5 and each.signals and each.labels for each in assessed)
        assessed[0].signals = signals  # written by whoever had read the post before it went
        session.commit()
        assert held(house.engine)
        session.exec(select(ClaimSighting)).first().because = "shares Zebrafinch"  # type: ignore[union-attr]
        forget_withdrawn(session, since=NOON - timedelta(days=1))
        forget_claims_withdrawn(session, since=NOON - timedelta(days=1), now=NOON)
        session.commit()
    assert held(house.engine) == {}
