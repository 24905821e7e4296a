"""Workers turn to rules that people agreed to, between batches, and to nothing else."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from collector.records import Failure
from config import rules as config_rules
from config.doctor import State, checkup
from config.parts.web import rules_here
from config.queues.route import tasks
from config.rules import RulesInForce, digest_on_disk
from config.service import House
from config.settings import HERE, Settings
from tests.make import NOON, make_assessment, make_person, make_post
from triage.records import Person, Routing
from triage.rule_changes import agree, in_force, propose
from triage.rules import RulesError, digest_of, in_brief

WORDS = (HERE / "rules.toml").read_text(encoding="utf-8")
CHANGED = WORDS.replace("incident = 0.45", "incident = 0.55")


@pytest.fixture(autouse=True)
def _at_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_rules, "LOOK_EVERY_S", 0.0)


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a file of rules of our own laid over the one that ships."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "rules.toml").write_text(WORDS, encoding="utf-8")
    return settings.model_copy(update={"config": folder})


@pytest.fixture
def house(own: Settings, engine: Engine) -> House:
    return House(own, engine, lambda: datetime.now(UTC))


def change(settings: Settings, words: str = CHANGED) -> None:
    assert settings.config is not None
    (settings.config / "rules.toml").write_text(words, encoding="utf-8")


def agreed(session: Session, words: str = CHANGED) -> None:
    people = [make_person(roles=["admin"]) for _ in range(2)]
    session.add_all(people)
    session.flush()
    asked = propose(session, words, who=people[0], why="try", rehearsal={}, now=NOON)
    agree(session, asked.id, asked.digest, who=people[1], now=datetime.now(UTC))
    session.commit()


def finding(settings: Settings, engine: Engine) -> tuple[State, str]:
    found = {each.name: each for each in checkup(settings, engine, now=datetime.now(UTC))}["rules"]
    return found.state, f"{found.seen} {found.remedy}"


def test_a_changed_file_decides_nothing_until_people_agree(
    house: House, own: Settings, engine: Engine, session: Session
) -> None:
    using = RulesInForce(house)
    first = in_brief(digest_of(WORDS))
    assert (using.now().version, finding(own, engine)[0]) == (first, State.WELL)
    change(own)
    assert using.now().version == first
    assert RulesInForce(house).now().version == first  # nor after a restart
    state, said = finding(own, engine)
    assert (state, "nobody agreed to" in said, "goldenhour rules propose" in said) == (State.WARN, True, True)
    agreed(session)
    assert using.now().version == in_brief(digest_of(CHANGED))
    assert finding(own, engine)[0] == State.WELL
    change(own, WORDS)
    state, said = finding(own, engine)
    assert (state, "from before" in said) == (State.WELL, True)


def test_words_that_are_not_what_was_agreed_to_are_not_used_and_that_is_seen(
    house: House, session: Session
) -> None:
    using = RulesInForce(house)
    agreed(session)
    lower = CHANGED.replace("incident = 0.55", "incident = 0.99")
    session.execute(
        text("UPDATE rules_versions SET words = :words WHERE words LIKE '%0.55%'"), {"words": lower}
    )
    session.commit()
    assert using.now().version == in_brief(digest_of(WORDS))
    assert RulesInForce(house).now().version == in_brief(digest_of(WORDS))
    failure = session.exec(select(Failure).where(Failure.stage == "rules")).one()
    assert ("not those that were agreed to" in failure.error, failure.mended_at) == (True, None)
    session.execute(
        text("UPDATE rules_versions SET words = :words WHERE words LIKE '%0.99%'"), {"words": CHANGED}
    )
    session.commit()
    assert using.now().version == in_brief(digest_of(CHANGED))
    session.expire_all()
    assert session.exec(select(Failure).where(Failure.stage == "rules")).one().mended_at is not None


def test_each_routing_names_the_rules_that_decided(house: House, session: Session) -> None:
    route = tasks(house)["route"].work
    for words in (WORDS, CHANGED):
        post = make_post(f"Officers held a man down by the canal, telling {digest_of(words)}")
        session.add_all([post, make_assessment(post)])
        session.commit()
        route(posts=[str(post.id)])
        session.expire_all()
        routing = session.exec(select(Routing).where(Routing.post_id == post.id)).one()
        assert routing.rules == in_brief(digest_of(words))
        if words == WORDS:
            agreed(session)


def test_a_wrong_file_at_the_first_start_is_refused_with_its_reason(house: House, own: Settings) -> None:
    change(own, "fresh_for = 7\n")
    with pytest.raises(RulesError, match="fresh_for"):
        RulesInForce(house)


def test_the_desk_knows_the_digest_of_the_file_here(house: House, own: Settings) -> None:
    assert rules_here(house) == digest_on_disk(own) == digest_of(WORDS)
    assert own.config is not None
    (own.config / "rules.toml").write_bytes(b"\xff")
    assert rules_here(house) is None


def test_two_processes_that_start_together_take_up_one_version(house: House, session: Session) -> None:
    RulesInForce(house)
    RulesInForce(house)
    assert in_force(session) == digest_of(WORDS)
    assert session.exec(select(col(Person.id))).all() == []
    assert session.execute(text("SELECT count(*) FROM rules_changes")).scalar_one() == 1
