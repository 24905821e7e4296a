"""`goldenhour review pack` for a panel and the public: a draft with its manifest beside, or what was released."""

import hashlib
import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine
from sqlmodel import Session
from typer.testing import CliRunner

from config.cli import Complaint
from config.commands.responding import review
from config.settings import Settings
from tests.make import NOON
from tests.triage.review.kept import keeper
from triage.review import packs

LONDON = ZoneInfo("Europe/London")
DAYS = ["pack", "--since", "2026-07-06", "--until", "2026-07-19"]
SINCE, UNTIL = (datetime(2026, 7, day, tzinfo=LONDON) for day in (6, 20))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, settings: Settings, engine: Engine) -> Engine:
    """The command works on the test's own database."""
    monkeypatch.setenv("GOLDENHOUR_DATABASE_URL", settings.database_url.get_secret_value())  # type: ignore[union-attr]
    monkeypatch.setenv("GOLDENHOUR_DATA", str(settings.data))
    return engine


def test_a_draft_says_so_on_its_pages_and_has_its_manifest_beside(asked: Engine, tmp_path: Path) -> None:
    out = tmp_path / "panel.html"
    ended = CliRunner().invoke(review, [*DAYS, "--audience", "panel", "--panel", "pep-as", "--out", str(out)])
    assert ended.exit_code == 0, ended.exception
    page = out.read_text(encoding="utf-8")
    assert "DRAFT, not released. OFFICIAL: for members of Police Encounter Panel, Central South only" in page
    beside = tmp_path / "panel.html.manifest.json"
    assert hashlib.sha256(beside.read_bytes()).hexdigest() in page
    assert json.loads(beside.read_text(encoding="utf-8"))["panel"] == "pep-as"
    assert {each.stat().st_mode & 0o777 for each in (out, beside)} == {0o600}
    with Session(asked) as session:
        edition = packs.ask(
            session, packs.Wanted("panel", SINCE, UNTIL, "pep-as", bcu="AS"), who=keeper(session), now=UNTIL
        )
        packs.keep_made(session, edition, {"html": b"<html>released"}, {"left_out": []}, "d", now=NOON)
        packs.release(session, edition.id, "d", who=keeper(session, "second"), now=NOON)
        session.commit()
    CliRunner().invoke(review, [*DAYS, "--audience", "panel", "--panel", "pep-as", "--out", str(out)])
    assert out.read_bytes() == b"<html>released"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--audience", "panel"], "--panel names whose version"),
        (["--audience", "public", "--panel", "pep-as"], "--panel names whose version"),
        (["--audience", "panel", "--panel", "pep-xx"], "no such panel; there are pep-as"),
        (["--out", "pack.txt"], "end the name in .pdf, .html or .docx"),
    ],
)
def test_what_is_asked_wrongly_is_told(asked: Engine, more: list[str], told: str) -> None:
    ended = CliRunner().invoke(review, [*DAYS, *more])
    assert isinstance(ended.exception, Complaint)
    assert told in str(ended.exception)
    assert asked is not None
