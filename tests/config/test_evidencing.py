"""Evidence from the terminal: an archive is there in whole or not at all, and says when it was touched."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, select
from typer.testing import CliRunner, Result

from collector.evidence_records import CustodyEntry
from collector.records import PostKey
from config.cli import Complaint
from config.commands.evidencing import app
from config.database import connect
from config.settings import Settings
from tests.conftest import NOON
from tests.make import make_case, make_person, make_post
from triage.records import Case, LogEntry, Membership, Person
from triage.restriction_records import Restriction

Calling = Callable[..., Result]
DANA = Person.username == "dana"


@pytest.fixture
def kept(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A case with one post, and who may export it, in the database that the commands read."""
    monkeypatch.setenv("GOLDENHOUR_DATA", str(settings.data))
    monkeypatch.setenv("GOLDENHOUR_DATABASE_URL", settings.database_url.get_secret_value())  # type: ignore[union-attr]
    made = connect(settings)
    with Session(made) as session:
        case, post = make_case(), make_post()
        people = [
            make_person(username=name, roles=[role])
            for name, role in (("dana", "dps_liaison"), ("tom", "triage"))
        ]
        session.add_all([case, post, PostKey(id=post.id, collected_at=NOON), *people])
        session.flush()
        session.add(Membership(post_id=post.id, case_id=case.id, how="new", joined_at=NOON))
        session.commit()
    yield made
    made.dispose()


@pytest.fixture
def calling() -> Calling:
    return lambda *words: CliRunner().invoke(app, [str(each) for each in words])


def test_an_export_is_written_entered_and_verified(kept: Engine, calling: Calling, tmp_path: Path) -> None:
    out = tmp_path / "GH-1.zip"
    order = ["export", "GH-1", "--out", out, "--why", "disclosure", "--by", "dana", "--whole", "--json"]
    told = json.loads(calling(*order).stdout)
    assert (told["case"], told["posts"], out.stat().st_mode & 0o777) == ("GH-1", 1, 0o600)
    verified = json.loads(calling("evidence", "verify", out, "--json").stdout)
    assert (verified["ok"], verified["manifest"]) == (True, told["manifest"])
    assert "all as exported" in calling("evidence", "verify", out).stdout
    with Session(kept) as session:
        entry = session.exec(select(CustodyEntry)).one()
    assert (entry.who, entry.act, entry.note) == ("dana", "exported", "in whole: disclosure")
    assert isinstance(calling(*order).exception, Complaint)  # it is there already
    body = bytearray(out.read_bytes())
    body[len(body) // 3] ^= 1
    out.write_bytes(body)
    assert isinstance(calling("evidence", "verify", out).exception, Complaint)


@pytest.mark.parametrize(
    ("case", "by", "said"),
    [("GH-9", "dana", "no case"), ("GH-1", "nobody", "no account"), ("GH-1", "tom", "roles do not allow")],
    ids=["no such case", "no such account", "no such right"],
)
def test_what_may_not_be_exported_leaves_no_file(
    kept: Engine, calling: Calling, tmp_path: Path, case: str, by: str, said: str
) -> None:
    failed = calling("export", case, "--out", tmp_path / "x.zip", "--why", "because", "--by", by)
    assert isinstance(failed.exception, Complaint)
    assert said in str(failed.exception)
    assert list(tmp_path.glob("*.zip*")) == []


def test_a_folder_that_is_not_there_is_named(kept: Engine, calling: Calling, tmp_path: Path) -> None:
    failed = calling("export", "1", "--out", tmp_path / "no" / "x.zip", "--why", "because", "--by", "dana")
    assert "no folder" in str(failed.exception)


def test_evidence_is_checked_at_once(kept: Engine, calling: Calling) -> None:
    assert calling("evidence", "check").stdout == "All evidence is as collected.\n"
    with kept.begin() as connection:
        connection.execute(text("UPDATE posts SET payload = 'forged'"))
    failed = calling("evidence", "check", "--json")
    assert not json.loads(failed.stdout)["ok"]
    assert "do not rely" in str(failed.exception)


@pytest.mark.parametrize("named", [True, False], ids=["named on its restriction", "not named"])
def test_a_restricted_case_is_exported_only_by_whom_it_is_shown_to(
    named: bool, kept: Engine, calling: Calling, tmp_path: Path
) -> None:
    with Session(kept) as session:
        case, dana = session.exec(select(Case)).one(), session.exec(select(Person).where(DANA)).one()
        seen_by = [str(dana.id)] if named else []
        session.add(
            Restriction(
                case_id=case.id, reason="death", why="kept apart", people=seen_by, set_by=dana.id, set_at=NOON
            )
        )
        session.commit()
    out = tmp_path / "GH-1.zip"
    told = calling("export", "GH-1", "--out", out, "--why", "disclosure", "--by", "dana")
    assert out.exists() is named
    with Session(kept) as session:
        lines = [(each.who, each.what) for each in session.exec(select(LogEntry).order_by("seq"))]
    if named:
        assert lines == [("dana", "evidence exported")]
    else:
        assert "there is no case 'GH-1'" in str(told.exception), "as if it were not there"
        assert lines == [("dana", "denied")]
