"""The queue and a case as the terminal shows them, and posts grouped from stdin."""

import io
import json
import sys
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import event
from sqlmodel import Session

from config.cli import Complaint, goldenhour
from tests.make import NOON, make_alert, make_assessment, make_case, make_person, make_post
from triage.queue import Wanted, case_view, counts, find_case, queue
from triage.records import Case, Clock, Desk, Membership, Status


def kept(session: Session, *, due: timedelta | None = None, **given: Any) -> Case:
    case = make_case(**given)
    session.add(case)
    session.flush()
    if due is not None:
        session.add(
            Clock(case_id=case.id, name="acknowledge", desk=Desk.COMMS, started_at=NOON, due_at=NOON + due)
        )
    session.commit()
    return case


def titles(session: Session, wanted: Wanted = Wanted(), **given: Any) -> list[str]:  # noqa: B008 (immutable)
    return [line.case.title for line in queue(session, wanted, now=NOON, **given)]


def test_what_runs_out_first_is_on_top_and_the_rest_by_gravity(session: Session) -> None:
    kept(session, title="calm", severity=4)
    kept(session, title="grave", severity=1)
    kept(session, title="soon", severity=3, due=timedelta(minutes=3))
    kept(session, title="overdue", severity=3, due=-timedelta(minutes=3))
    kept(session, title="gone", status=Status.NOISE)
    assert titles(session) == ["overdue", "soon", "grave", "calm"]
    assert titles(session, limit=2, after=1) == ["soon", "grave"]


def test_the_queue_is_narrowed(session: Session) -> None:
    ann = make_person()
    session.add(ann)
    until = NOON + timedelta(minutes=1)
    kept(session, title="mine", claimed_by=ann.id, claimed_until=until, desks=["comms"], borough="Camden")
    kept(session, title="run out", claimed_by=ann.id, claimed_until=NOON, desks=["oversight"], severity=1)
    assert titles(session, Wanted(mine=ann.id)) == ["mine"]
    assert titles(session, Wanted(unclaimed=True)) == ["run out"]
    assert titles(session, Wanted(desk=Desk.OVERSIGHT)) == ["run out"]
    assert titles(session, Wanted(severity=2)) == ["run out"]
    assert titles(session, Wanted(borough="camden")) == ["mine"]
    [line, _] = sorted(queue(session, Wanted(), now=NOON), key=lambda each: each.case.title)
    assert line.holder == ann.name


def test_counts_add_up(session: Session) -> None:
    ann = make_person()
    session.add(ann)
    until = NOON + timedelta(minutes=1)
    session.add(make_alert(kept(session, claimed_by=ann.id, claimed_until=until)))
    kept(session, status=Status.WATCH)
    kept(session)
    kept(session, status=Status.CLOSED)
    assert counts(session, ann.id, now=NOON) == (3, 1, 1, 1, 1)


def test_a_case_in_full_takes_as_many_queries_however_large_it_is(session: Session) -> None:
    asked: list[int] = []
    for posts in (1, 30):
        case = kept(session)
        for number in range(posts):
            post = make_post(f"Report {number}", published_at=NOON + timedelta(minutes=number))
            session.add_all(
                [post, make_assessment(post), make_assessment(post, model="older", at=NOON - timedelta(1))]
            )
            session.add(Membership(post_id=post.id, case_id=case.id, how="new", joined_at=NOON))
        session.commit()
        asked.append(_queries(session, case, posts))
    assert asked[0] == asked[1]


def _queries(session: Session, case: Case, posts: int) -> int:
    statements: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *given: statements.append(given[2]))
    session.refresh(case)
    statements.clear()
    view = case_view(session, case, now=NOON)
    assert [post.text for post, _, _ in view.posts] == [f"Report {number}" for number in range(posts)]
    assert all(assessed is not None and assessed.model == "test-1" for _, _, assessed in view.posts)
    return len(statements)


def test_a_case_is_found_by_number_or_id(session: Session) -> None:
    case = kept(session)
    for reference in (f"GH-{case.number}", f"gh-{case.number}", str(case.number), str(case.id)):
        assert find_case(session, reference) == case
    assert find_case(session, "GH-99999") is None
    assert find_case(session, "nonsense") is None


@pytest.fixture
def _database(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """The command reads its settings from the environment: that is its edge."""
    monkeypatch.setenv("GOLDENHOUR_DATABASE_URL", database_url)
    monkeypatch.setenv("GOLDENHOUR_DATA", str(tmp_path / "var"))


def run(*words: str, given: str = "") -> str:
    done = CliRunner().invoke(goldenhour, words, input=given, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.usefixtures("_database")
def test_the_terminal_lists_cases_and_shows_one(session: Session) -> None:
    case = kept(session, title="Use of force · Rye Lane · Southwark", due=timedelta(minutes=3))
    post = make_post("Something was seen")
    session.add_all([post, make_assessment(post)])
    session.add(Membership(post_id=post.id, case_id=case.id, how="new", joined_at=NOON))
    session.commit()
    [listed] = json.loads(run("cases", "--json"))
    assert (listed["reference"], listed["clock"]) == (f"GH-{case.number}", "acknowledge")
    assert "Southwark" in run("cases")
    shown = json.loads(run("case", f"GH-{case.number}", "--json"))
    assert shown["posts"][0]["text"] == "Something was seen"
    assert "Something was seen" in run("case", str(case.id))


@pytest.mark.usefixtures("_database")
def test_a_case_that_is_not_there_is_named() -> None:
    with pytest.raises(Complaint, match="no case 'GH-7'"):
        run("case", "GH-7")


def test_match_groups_lines_and_needs_no_database() -> None:
    said = "Three officers held a man face down outside the bakery on Rye Lane in Peckham this evening"
    lines = [
        {"id": 1, "text": said, "published": "2026-07-14T12:00:00Z", "url": "https://a.example", "source": "a"},
        {"id": "two", "text": "Fox asleep on a wheelie bin behind the library in Ealing, peaceful", "published": None},
        {"id": 3, "text": "RT: " + said + " 😡", "published": "2026-07-14T12:05:00+00:00"},
    ]  # fmt: skip
    out = run("match", given="\n".join(json.dumps(line) for line in lines))
    assert [json.loads(line) for line in out.splitlines()] == [
        {"id": 1, "case": "case-1"},
        {"id": "two", "case": "case-2"},
        {"id": 3, "case": "case-1"},
    ]


def test_match_names_and_skips_lines_that_are_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = b'{"id": 1, "text": "\\ud800 lone"}\nnot json\n{"id": 2}\n\n{"id": 3, "text": "fine"}\n'
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
    with pytest.raises(Complaint, match="2 lines were not"):
        goldenhour(["match"], standalone_mode=False)
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 2
    assert "line 2" in told.err
    assert "line 3" in told.err
