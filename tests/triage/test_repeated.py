"""Opening posts of one author again and again warns, then locks them; and the report says who looked, never at whom."""

import csv
import io
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from collector.evidence_records import SealedAuthor
from collector.vault import Keyring
from config.settings import HERE
from tests.make import NOON, make_case, make_person, make_post
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import LogEntry, Membership, Person
from triage.repeated import Locked, Warned, forget_marks, open_lock
from triage.reveal import Shown, ask_reveal, read_reveal_policy, show_author
from triage.reveal_records import Reveal, RevealLock
from triage.reveal_report import as_csv, plain_cell, read_locks, read_reveals

POLICY = read_reveal_policy(HERE / "policy" / "reveal.toml")
AUTHOR = "did:plc:lantern"


class Scene:
    """Grave cases with one post each, all of one author, and people who may reveal."""

    def __init__(self, session: Session, ring: Keyring) -> None:
        self.session, self.ring = session, ring
        self.ann, self.ben = (make_person(name=name, roles=["duty_officer"]) for name in ("Ann", "Ben"))
        self.steward = make_person(roles=["data_steward"])
        session.add_all([self.ann, self.ben, self.steward])
        session.commit()

    def open(self, who: Person, at: datetime = NOON, author: str = AUTHOR, *, warned: bool = True) -> Shown:
        """Ask for the author of a new post in a new case, and look."""
        case, post = make_case(severity=1), make_post(platform="bluesky")
        key_id, sealed = self.ring.seal(post.id, author)
        self.session.add_all([case, post])
        self.session.flush()
        self.session.add(Membership(post_id=post.id, case_id=case.id, how="new", joined_at=NOON))
        self.session.add(SealedAuthor(post_id=post.id, key_id=key_id, sealed=sealed, sealed_at=NOON))
        self.session.flush()
        why = "=HYPERLINK('x') the witness is asked for"
        given = {"reason": "witness", "why": why, "now": at}
        reveal = ask_reveal(self.session, post.id, case.id, POLICY, who=who, **given)  # type: ignore[arg-type]
        return show_author(self.session, reveal.id, self.ring, POLICY, who=who, now=at, warned=warned)


@pytest.fixture
def scene(session: Session, tmp_path: Path) -> Scene:
    return Scene(session, Keyring.of(tmp_path / "vault"))


def test_the_second_opening_warns_whoever_opens_and_goes_on_when_they_say_so(scene: Scene) -> None:
    assert scene.open(scene.ann, warned=False).openings == 1
    with pytest.raises(Warned, match=r"opening 2 .* in 2 cases"):
        scene.open(scene.ben, warned=False)
    assert scene.open(scene.ben).openings == 2
    assert scene.open(scene.ben, author="did:plc:other", warned=False).openings == 1


def test_looking_again_within_the_same_minutes_is_no_further_opening(scene: Scene) -> None:
    scene.open(scene.ann)
    reveal = scene.session.exec(select(Reveal)).one()
    again = NOON + timedelta(minutes=5)
    shown = show_author(scene.session, reveal.id, scene.ring, POLICY, who=scene.ann, now=again)
    assert shown.openings == 1


def test_the_third_locks_until_a_data_steward_opens_it_with_a_reason(scene: Scene) -> None:
    for who in (scene.ann, scene.ben, scene.ann):
        scene.open(who)
    with pytest.raises(Locked, match="opened 3 times"):
        scene.open(scene.ben)
    [kept] = read_locks(scene.session)
    assert (kept.who, kept.lock.openings) == ("Ann", 3)
    with pytest.raises(Denied):
        open_lock(scene.session, kept.lock.id, who=scene.ben, why="the lead has agreed", now=NOON)
    with pytest.raises(Conflict, match="few words"):
        open_lock(scene.session, kept.lock.id, who=scene.steward, why="fine", now=NOON)
    open_lock(scene.session, kept.lock.id, who=scene.steward, why="the lead has agreed", now=NOON)
    assert scene.open(scene.ben, warned=False).openings == 1
    scene.session.commit()
    said = scene.session.exec(select(LogEntry.what).order_by(LogEntry.seq)).all()  # type: ignore[arg-type]
    assert said.count("author locked") == 1
    assert said.count("author unlocked") == 1


def test_nobody_opens_what_they_locked_themselves(scene: Scene) -> None:
    both = make_person(roles=["duty_officer", "data_steward"])
    scene.session.add(both)
    for who in (scene.ann, scene.ben, both):
        scene.open(who)
    [kept] = read_locks(scene.session)
    with pytest.raises(Conflict, match="Somebody else"):
        open_lock(scene.session, kept.lock.id, who=both, why="the lead has agreed", now=NOON)


def test_an_opening_counts_for_the_days_of_the_policy_and_is_then_forgotten(scene: Scene) -> None:
    scene.open(scene.ann)
    later = NOON + timedelta(days=POLICY.repeated.within_days, minutes=1)
    assert scene.open(scene.ben, later, warned=False).openings == 1
    forget_marks(scene.session, POLICY.repeated, now=later)
    marks = [each is not None for each in scene.session.exec(select(Reveal.mark).order_by(Reveal.asked_at))]  # type: ignore[arg-type]
    assert marks == [False, True]


def test_by_what_an_author_is_known_again_needs_the_vault(scene: Scene, tmp_path: Path) -> None:
    other = Keyring.of(tmp_path / "another")
    assert scene.ring.mark(AUTHOR) == scene.ring.mark(AUTHOR)
    assert scene.ring.mark(AUTHOR) not in (other.mark(AUTHOR), scene.ring.mark("did:plc:other"))
    scene.open(scene.ann)
    assert AUTHOR.encode() not in (scene.session.exec(select(Reveal.mark)).one() or b"")
    assert scene.session.exec(select(RevealLock)).all() == []


def test_the_report_says_who_looked_and_why_and_not_at_whom(scene: Scene) -> None:
    scene.open(scene.ann)
    scene.open(scene.ben, NOON - timedelta(days=91))
    [told] = read_reveals(scene.session, now=NOON)
    assert (told.who, told.agreed_by, told.minutes) == ("Ann", "", 15)
    written = as_csv([told])
    assert AUTHOR not in written
    [_, row] = csv.reader(io.StringIO(written))
    assert row[1:4] == ["Ann", f"GH-{told.case}", "witness"]
    assert row[4].startswith("'=HYPERLINK")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@sum", "\t=1", " =1", "\r=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert plain_cell(cell) == f"'{cell}"
    assert plain_cell("5 - 3") == "5 - 3"
