"""Legal holds: who may set and sign them, when they end, what they say they hold, and what every page says of them."""

import zipfile
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from collector.hold_records import HeldCopy
from collector.records import Post, PostKey
from collector.store import withdraw_posts
from collector.video.files import Files
from config.files import rules_all
from config.settings import HERE
from tests.conftest import NOON
from tests.make import make_case, make_person, make_post
from triage.exporting import export_case
from triage.hold_records import Hold
from triage.holding import (
    Scope,
    answer_content,
    expire_holds,
    holds_on,
    reminders,
    review_hold,
    scope_words,
    set_hold,
    what_is_held,
)
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import Case, LogEntry, Membership, Person, Role
from triage.regroup import join, split
from triage.retention_records import RetentionRun
from triage.rights import months_after
from triage.web.calm import troubles

RULES = rules_all(HERE / "policy" / "retention.toml").holds
END = NOON + timedelta(days=200)


class Scene:
    """A case with two posts, a DPS liaison, a data steward, and somebody who is both."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.case = make_case(status="confirmed")
        self.posts = [make_post(f"quokka {number}", author_key=b"a" * 16) for number in range(2)]
        self.dps, self.steward = make_person(roles=[Role.DPS_LIAISON]), make_person(roles=[Role.DATA_STEWARD])
        self.both = make_person(roles=[Role.DPS_LIAISON, Role.DATA_STEWARD])
        session.add_all([self.case, self.dps, self.steward, self.both, *self.posts])
        session.flush()
        for post in self.posts:
            session.add(PostKey(id=post.id, collected_at=post.collected_at))
            session.add(Membership(post_id=post.id, case_id=self.case.id, how="opened", joined_at=NOON))
        session.commit()

    def hold(self, who: Person | None = None, *, content: bool = True, reason: str = "court") -> Hold:
        return set_hold(
            self.session, Scope(case_id=self.case.id), RULES, reason=reason, why="a claim was announced",
            content=content, expires_at=END, who=who or self.dps, now=NOON,
        )  # fmt: skip


@pytest.fixture
def scene(session: Session) -> Scene:
    return Scene(session)


def test_posts_are_held_once_another_person_has_signed_that_off(scene: Scene) -> None:
    hold = scene.hold(scene.both)
    assert what_is_held(scene.session, hold) == (2, 0, 0, 0)
    with pytest.raises(Conflict, match="second person"):
        answer_content(scene.session, hold.id, agreed=True, who=scene.both, now=NOON)
    with pytest.raises(Denied):
        answer_content(scene.session, hold.id, agreed=True, who=scene.dps, now=NOON)
    withdraw_posts(scene.session, {scene.posts[0].id: "deleted by its author"}, now=NOON)
    assert scene.session.exec(select(HeldCopy)).all() == []
    answer_content(scene.session, hold.id, agreed=True, who=scene.steward, now=NOON)
    withdraw_posts(scene.session, {scene.posts[1].id: "deleted by its author"}, now=NOON)
    scene.session.commit()
    assert [each.content["post"]["text"] for each in scene.session.exec(select(HeldCopy))] == ["quokka 1"]
    assert what_is_held(scene.session, hold) == (2, 0, 1, 0)
    assert holds_on(scene.session, scene.case.id) == [hold]
    assert scope_words(scene.session, hold) == f"case GH-{scene.case.number}"
    with pytest.raises(Conflict, match="does not wait"):
        answer_content(scene.session, hold.id, agreed=False, who=scene.steward, now=NOON)


def test_a_whole_export_has_the_copies_under_hold_and_no_other_has(scene: Scene, tmp_path: Path) -> None:
    hold = scene.hold()
    answer_content(scene.session, hold.id, agreed=True, who=scene.steward, now=NOON)
    withdraw_posts(scene.session, {scene.posts[1].id: "deleted by its author"}, now=NOON)
    scene.session.commit()
    for whole in (True, False):
        out = BytesIO()
        case = scene.session.exec(select(Case)).one()
        export_case(
            scene.session, case, out, Files(tmp_path), who=scene.dps, why="disclosure", whole=whole, now=NOON
        )
        held = [name for name in zipfile.ZipFile(out).namelist() if name.startswith("held/")]
        assert held == ([f"held/{scene.posts[1].id}.json"] if whole else [])


@pytest.mark.parametrize("how", ["split", "joined", "post moved"])
def test_what_leaves_a_held_case_stays_held_and_no_other_post_becomes_so(how: str, scene: Scene) -> None:
    session, [first, second] = scene.session, scene.posts
    hold = scene.hold()
    answer_content(session, hold.id, agreed=True, who=scene.steward, now=NOON)
    who, other, stranger = (
        make_person(roles=[Role.TRIAGE]),
        make_case(status="confirmed"),
        make_post("wombat"),
    )
    session.add_all([who, other, stranger, PostKey(id=stranger.id, collected_at=stranger.collected_at)])
    session.flush()
    session.add(Membership(post_id=stranger.id, case_id=other.id, how="opened", joined_at=NOON))
    session.commit()
    if how == "split":
        split(session, scene.case.id, [first.id], who=who, why="another stop", now=NOON)
    else:
        join(
            session,
            other.id,
            scene.case.id if how == "joined" else first.id,
            who=who,
            why="the same stop",
            now=NOON,
        )
    session.commit()
    held = set(session.scalars(text("SELECT post_id FROM held_posts")))
    assert held == {first.id, second.id}
    assert len(session.exec(select(Hold).where(Hold.case_id != scene.case.id)).all()) == 1


def test_refused_posts_are_not_held(scene: Scene) -> None:
    hold = scene.hold()
    answer_content(scene.session, hold.id, agreed=False, who=scene.steward, now=NOON)
    withdraw_posts(scene.session, {scene.posts[0].id: "deleted by its author"}, now=NOON)
    assert scene.session.exec(select(HeldCopy)).all() == []
    scene.session.expire_all()
    assert scene.session.exec(select(Post).where(Post.id == scene.posts[0].id)).one().withdrawn_at


@pytest.mark.parametrize(
    "scope",
    [
        Scope(),
        Scope(from_at=NOON),
        Scope(from_at=NOON, until_at=NOON),
        Scope(post_id=make_post().id, from_at=NOON, until_at=END),
    ],
)
def test_a_hold_is_on_one_thing(scope: Scope, scene: Scene) -> None:
    with pytest.raises(Conflict):
        set_hold(
            scene.session, scope, RULES, reason="court", why="a claim was announced", content=False, expires_at=END,
            who=scene.dps, now=NOON,
        )  # fmt: skip


def test_a_hold_has_a_reason_of_the_policy_and_is_set_by_those_who_may(scene: Scene) -> None:
    with pytest.raises(Conflict, match="reasons"):
        scene.hold(reason="curiosity")
    with pytest.raises(Denied):
        scene.hold(scene.steward)


def test_a_hold_is_reviewed_or_ends_by_itself_and_pages_say_so_before(scene: Scene) -> None:
    scene.session.add(RetentionRun(rules=1, who="x", began_at=NOON, ended_at=END))
    hold = scene.hold()
    scene.session.commit()
    assert reminders(scene.session, RULES, now=NOON) == []
    late = hold.review_at + timedelta(minutes=1)
    assert [(each.number, each.late) for each in reminders(scene.session, RULES, now=late)] == [
        (hold.number, True)
    ]
    said = [each.what for each in troubles(scene.session, channels=["slack"], now=late).troubles]
    assert any(each.startswith(f"The legal hold H-{hold.number} is to be looked at") for each in said)
    review_hold(scene.session, hold.id, RULES, why="the claim goes on", who=scene.dps, now=late)
    assert reminders(scene.session, RULES, now=late) == []
    assert expire_holds(scene.session, now=END - timedelta(minutes=1)) == 0
    assert expire_holds(scene.session, now=END) == 1
    scene.session.commit()
    assert hold.ended_because == "it expired"
    lines = scene.session.exec(select(LogEntry.what).order_by("seq")).all()
    assert lines == ["hold set", "hold reviewed", "hold expired"]


def test_a_night_without_a_run_is_an_alarm(session: Session) -> None:
    session.add(RetentionRun(rules=1, who="x", began_at=NOON, ended_at=NOON))
    session.commit()
    for hours, there in ((35, False), (37, True)):
        found = troubles(session, channels=["slack"], now=NOON + timedelta(hours=hours)).troubles
        assert any(each.what.startswith("Retention has not run") for each in found) == there


def test_a_month_is_a_calendar_month() -> None:
    end_of_january = NOON.replace(month=1, day=31)
    assert months_after(end_of_january, 1).strftime("%Y-%m-%d %H:%M") == "2026-02-28 23:59"
    assert months_after(NOON, 1).strftime("%Y-%m-%d") == "2026-08-14"
    assert months_after(NOON.replace(month=12), 3).strftime("%Y-%m-%d") == "2027-03-14"
