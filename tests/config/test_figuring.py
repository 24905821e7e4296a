"""Figures and reports from the terminal, and the log they are counted from exported."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import Engine
from sqlmodel import Session, select
from typer.testing import CliRunner

from config.cli import Complaint
from config.commands.auditing import audit
from config.commands.responding import review
from config.database import connect
from config.settings import Settings
from tests.make import NOON, make_case
from triage.records import Case, LogEntry
from triage.review.printing import PRINTED

RECOUNT = Path(__file__).parents[1] / "recount" / "recount.py"
FORTNIGHT = ("--since", "2026-07-06", "--until", "2026-07-19")


@pytest.fixture
def kept(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Six cases, one dismissed, in the database that the commands read."""
    monkeypatch.setenv("GOLDENHOUR_DATA", str(settings.data))
    monkeypatch.setenv("GOLDENHOUR_DATABASE_URL", settings.database_url.get_secret_value())  # type: ignore[union-attr]
    made = connect(settings)
    with Session(made) as session:
        session.add_all([make_case(borough="Brent", type="stop_search") for _ in range(5)])
        session.add(make_case(status="noise", touched_at=NOON))
        session.commit()
    yield made
    made.dispose()


def ran(app: typer.Typer, *options: str) -> str:
    ended = CliRunner().invoke(app, [*options])
    if ended.exception:
        raise ended.exception
    return ended.stdout


def figures(*options: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(ran(review, "figures", *FORTNIGHT, "--json", *options))
    return told


def number(told: dict[str, Any], name: str) -> int:
    return int(next(each["n"] for each in told["figures"] if each["name"] == name))


def test_figures_are_counted_now_and_the_same_as_of_then(kept: Engine) -> None:
    first = figures()
    assert number(first, "cases_new") == 6
    then = datetime.now(UTC)
    with Session(kept) as session:
        session.delete(session.exec(select(Case).where(Case.number == 1)).one())
        session.add(make_case(opened_at=NOON))
        session.commit()
    assert number(figures(), "cases_new") == 7
    assert figures("--as-of", then.isoformat())["figures"] == first["figures"]
    assert figures("--entry", str(first["entry"]))["figures"] == first["figures"]


def test_figures_are_printed_for_people_with_the_definitions_they_follow(kept: Engine) -> None:
    told = ran(review, "figures", *FORTNIGHT)
    assert "Cases opened" in told
    assert "biased sample" in told
    assert "definitions " in told


def test_a_panel_sees_no_small_number_and_no_row(kept: Engine) -> None:
    told = figures("--audience", "panel")
    found = {each["name"]: each for each in told["figures"]}
    assert found["cases_new"]["n"] == 6
    assert found["cases_ended"]["n"] is None
    assert found["cases_new"]["numerator"] == []


def test_the_exported_log_is_counted_by_a_script_that_knows_nothing_of_us(
    kept: Engine, tmp_path: Path
) -> None:
    told = figures()
    file = tmp_path / "log.jsonl"
    ran(audit, "export", "--out", str(file))
    assert file.stat().st_mode & 0o077 == 0
    counted = subprocess.run(
        [sys.executable, "-I", str(RECOUNT), str(file), *FORTNIGHT],
        capture_output=True,
        text=True,
        check=True,
    )
    again = json.loads(counted.stdout)["figures"]
    assert {each["name"]: each["n"] for each in told["figures"]} == {
        name: each["n"] for name, each in again.items()
    }
    assert "from triage" not in RECOUNT.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        (("--month", "2026-07"), "Monthly roll-up"),
        (("--quarter", "2026-2"), "Quarterly report"),
        (("--year", "2025"), "Yearly public report"),
    ],
)
def test_reports_are_written_and_entered_once(
    kept: Engine, tmp_path: Path, asked: tuple[str, str], title: str
) -> None:
    out = tmp_path / "report.html"
    for _ in range(2):
        ran(review, "report", *asked, "--out", str(out))
        told = out.read_text(encoding="utf-8")
    assert title in told
    assert "What each figure means" in told
    assert ("GH-1" in told) is False
    with Session(kept) as session:
        entered = session.exec(select(LogEntry).where(LogEntry.what == PRINTED)).all()
    assert len(entered) == 1
    ran(review, "report", *asked, "--out", str(tmp_path / "again.html"))
    assert (tmp_path / "again.html").read_bytes() == out.read_bytes()


def test_official_searches_stand_beside_cases_by_when_and_where_alone(kept: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "official"
    folder.mkdir()
    (folder / "2026-07-x-stop-and-search.csv").write_text(
        "Type,Date,Latitude,Longitude,Self-defined ethnicity\n"
        "Person search,2026-07-01T20:30:00+00:00,51.5588,-0.2817,secret\n"
        "Person search,2026-07-01T08:30:00+00:00,,,secret\n",
        encoding="utf-8",
    )
    out = tmp_path / "report.html"
    ran(review, "report", "--month", "2026-07", "--official", str(folder), "--out", str(out))
    told = out.read_text(encoding="utf-8")
    assert "two patterns, not a rate" in told
    assert "2 searches of 2026-07, 1 of them with a place" in told
    assert "Brent" in told
    assert "secret" not in told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("report",), "give one of --month"),
        (("report", "--year", "2199"), "this year is not over"),
        (("report", "--month", "2026-13"), "no month such as"),
        (("report", "--quarter", "2026-5"), "no quarter such as"),
        (("report", "--month", "2026-07", "--official", "nowhere"), "there is no file called"),
        (("figures", "--since", "2026-07-06", "--until", "2026-07-01"), "is after --until"),
        (("figures", *FORTNIGHT, "--as-of", "yesterday"), "write a moment such as"),
        (("figures", *FORTNIGHT, "--audience", "public", "--with-restricted"), "for the full audience only"),
    ],
)
def test_what_cannot_be_printed_is_said_plainly(kept: Engine, options: tuple[str, ...], told: str) -> None:
    with pytest.raises(Complaint, match=told):
        ran(review, *options)
