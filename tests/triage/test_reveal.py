"""Who wrote a post is shown for a reason, in a case, for minutes, by two people, and the log knows all but the name."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from collector.evidence_records import SealedAuthor
from collector.store import withdraw_posts
from collector.vault import Keyring
from config.settings import HERE
from tests.conftest import NOON
from tests.make import make_case, make_person, make_post
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import Case, LogEntry, Membership, Person
from triage.reveal import RevealPolicy, agree_to_reveal, ask_reveal, read_reveal_policy, show_author
from triage.reveal_records import Reveal

POLICY = read_reveal_policy(HERE / "policy" / "reveal.toml")
AUTHOR = "did:plc:lantern"
WHY = "the officer in the case asks for the witness"


class Scene:
    """A case with one post, its sealed author, two people who may reveal, one who may not."""

    def __init__(self, session: Session, ring: Keyring, severity: int) -> None:
        self.session, self.ring = session, ring
        self.case, self.post = make_case(severity=severity), make_post(platform="bluesky")
        self.ann, self.ben = (make_person(roles=["duty_officer"]) for _ in range(2))
        self.eve = make_person(roles=["triage"])
        key_id, sealed = ring.seal(self.post.id, AUTHOR)
        session.add_all([self.case, self.post, self.ann, self.ben, self.eve])
        session.flush()
        session.connection().exec_driver_sql(
            "INSERT INTO post_keys (id, collected_at) VALUES (%s, %s)", (self.post.id, NOON)
        )
        session.add(Membership(post_id=self.post.id, case_id=self.case.id, how="new", joined_at=NOON))
        session.add(SealedAuthor(post_id=self.post.id, key_id=key_id, sealed=sealed, sealed_at=NOON))
        session.commit()

    def ask(self, who: Person | None = None, reason: str = "witness", why: str = WHY) -> Reveal:
        asker = who or self.ann
        return ask_reveal(
            self.session, self.post.id, self.case.id, POLICY, who=asker, reason=reason, why=why, now=NOON
        )

    def look(self, reveal: Reveal, who: Person | None = None, minutes: float = 1) -> str:
        at = NOON + timedelta(minutes=minutes)
        return show_author(self.session, reveal.id, self.ring, POLICY, who=who or self.ann, now=at).author


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    return Keyring.of(tmp_path / "vault")


@pytest.fixture
def grave(session: Session, ring: Keyring) -> Scene:
    return Scene(session, ring, severity=2)


@pytest.fixture
def minor(session: Session, ring: Keyring) -> Scene:
    return Scene(session, ring, severity=3)


def test_in_a_grave_case_whoever_asks_is_shown_for_fifteen_minutes(grave: Scene) -> None:
    reveal = grave.ask()
    assert grave.look(reveal, minutes=14.9) == AUTHOR
    with pytest.raises(Conflict, match="run out"):
        grave.look(reveal, minutes=15)


def test_in_other_cases_a_second_person_agrees_first(minor: Scene) -> None:
    reveal = minor.ask()
    with pytest.raises(Conflict, match="not agreed"):
        minor.look(reveal)
    with pytest.raises(Conflict, match="second person"):
        agree_to_reveal(minor.session, reveal.id, POLICY, who=minor.ann, now=NOON)
    agree_to_reveal(minor.session, reveal.id, POLICY, who=minor.ben, now=NOON)
    assert minor.look(reveal) == AUTHOR
    with pytest.raises(Conflict, match="waits"):
        agree_to_reveal(minor.session, reveal.id, POLICY, who=minor.ben, now=NOON)


def test_only_whoever_asked_is_shown(grave: Scene) -> None:
    with pytest.raises(Conflict, match="whoever asked"):
        grave.look(grave.ask(), who=grave.ben)


def test_who_may_not_is_denied_at_each_step(minor: Scene) -> None:
    with pytest.raises(Denied):
        minor.ask(who=minor.eve)
    reveal = minor.ask()
    with pytest.raises(Denied):
        agree_to_reveal(minor.session, reveal.id, POLICY, who=minor.eve, now=NOON)
    with pytest.raises(Denied):
        minor.look(reveal, who=minor.eve)


@pytest.mark.parametrize(("reason", "why"), [("curiosity", WHY), ("witness", "  x "), ("", "")])
def test_a_reveal_needs_a_reason_of_the_policy_and_words(reason: str, why: str, grave: Scene) -> None:
    with pytest.raises(Conflict):
        grave.ask(reason=reason, why=why)


def test_only_a_post_that_surely_belongs_to_the_case_is_revealed(grave: Scene) -> None:
    grave.session.exec(select(Membership)).one().sure = False
    grave.session.flush()
    with pytest.raises(Conflict, match="does not belong"):
        grave.ask()


def test_what_was_withdrawn_can_no_longer_be_revealed(grave: Scene) -> None:
    reveal = grave.ask()
    withdraw_posts(grave.session, {grave.post.id: "deleted by its author"}, now=NOON)
    grave.session.expire_all()
    with pytest.raises(Conflict, match="withdrawn"):
        grave.look(reveal)
    with pytest.raises(Conflict, match="withdrawn"):
        grave.ask()


def test_every_step_is_logged_and_the_author_is_nowhere(minor: Scene) -> None:
    reveal = minor.ask()
    agree_to_reveal(minor.session, reveal.id, POLICY, who=minor.ben, now=NOON)
    shown = show_author(minor.session, reveal.id, minor.ring, POLICY, who=minor.ann, now=NOON)
    minor.session.commit()
    entries = minor.session.exec(select(LogEntry).order_by(col(LogEntry.seq))).all()
    assert [(each.what, each.who) for each in entries] == [
        ("reveal asked for", minor.ann.username),
        ("reveal agreed", minor.ben.username),
        ("author shown", minor.ann.username),
    ]
    assert entries[0].why == WHY
    assert all(AUTHOR not in each.model_dump_json(exclude={"hash"}) for each in entries)
    kept = minor.session.get_one(Reveal, reveal.id)
    assert AUTHOR not in kept.model_dump_json(exclude={"mark"})
    assert AUTHOR.encode() not in (kept.mark or b"")
    case = minor.session.get_one(Case, minor.case.id)
    assert shown.watermark == f"{minor.ann.username} · GH-{case.number} · 14 Jul 2026 13:00"


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("shown_minutes = 15", "shown_minutes = 600"),
        ("[reasons]", "[reason]"),
        ("version = 1", "version = "),
        ("locks_at = 3", "locks_at = 1"),
        ("warns_at = 2", "warns_at = 5"),
    ],
)
def test_a_wrong_policy_is_refused(was: str, becomes: str, tmp_path: Path) -> None:
    path = tmp_path / "reveal.toml"
    path.write_text((HERE / "policy" / "reveal.toml").read_text().replace(was, becomes))
    with pytest.raises(ValueError, match=r"reveal\.toml"):
        read_reveal_policy(path)


def test_our_own_policy_is_dated_and_answered_for() -> None:
    assert isinstance(POLICY, RevealPolicy)
    assert POLICY.approved_by
    assert POLICY.second_person_from == 3
