"""Accounts from the terminal: what is printed, what is kept, what the log says."""

import json
from typing import Any

import pytest
from sqlmodel import Session, col, select
from typer.testing import CliRunner

from config.cli import Complaint
from config.commands.staffing import staff
from config.database import connect
from config.settings import Settings
from tests.doubles.slack import TOKEN, slack_double
from tests.make import NOON
from triage import people
from triage.records import LogEntry, Person
from triage.settings import WebSettings
from triage.sign_in_records import WebSession
from triage.web import sessions

PASSWORD = "three random kettles"


@pytest.fixture(autouse=True)
def _surroundings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDENHOUR_DATA", str(settings.data))
    monkeypatch.setenv("GOLDENHOUR_DATABASE_URL", settings.database_url.get_secret_value())  # type: ignore[union-attr]
    monkeypatch.setenv("COLUMNS", "200")


def run(*arguments: str, typed: str | None = None) -> str:
    ended = CliRunner().invoke(staff, list(arguments), input=typed)
    if ended.exception is not None:
        raise ended.exception
    return ended.stdout


def told(session: Session) -> list[str]:
    return list(session.scalars(select(LogEntry.what).order_by(col(LogEntry.seq))))


def test_an_account_is_opened_changed_and_closed(session: Session) -> None:
    made: dict[str, Any] = json.loads(
        run(
            "add",
            "Noor",
            "--name",
            "Noor A.",
            "--role",
            "triage",
            "--role",
            "approver",
            "--desk",
            "comms",
            "--json",
        )
    )
    assert (made["username"], made["roles"], made["desks"]) == ("noor", ["triage", "approver"], ["comms"])
    run("roles", "noor", "--role", "auditor")
    assert json.loads(run("list", "--json"))[0]["roles"] == ["auditor"]
    run("disable", "noor")
    assert "disabled" in run("list")
    assert told(session) == ["account created", "roles changed", "account disabled"]
    assert all(each.startswith("terminal, ") for each in session.scalars(select(LogEntry.who)))


def test_a_link_signs_in_and_is_not_kept(session: Session) -> None:
    run("add", "noor", "--name", "Noor A.")
    address = run("link", "noor").strip()
    token = address.rpartition("/sign-in/")[2]
    assert address.startswith("http://127.0.0.1:8000/sign-in/")
    found = people.redeem(session, token, now=session.exec(select(Person.created_at)).one())
    assert found is not None
    assert told(session)[-1] == "sign-in link made"
    assert token not in str(session.exec(select(LogEntry)).all())


def test_a_password_is_asked_for_and_signs_browsers_out(settings: Settings, session: Session) -> None:
    run("add", "noor", "--name", "Noor A.")
    own = connect(settings)
    with Session(own) as other:
        sessions.begin(other, other.exec(select(Person)).one(), WebSettings(), now=NOON)
        other.commit()
    own.dispose()
    shown = run("password", "noor", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert PASSWORD not in shown
    assert people.fits(session.exec(select(Person)).one(), PASSWORD)
    assert session.exec(select(WebSession)).all() == []
    assert told(session)[-1] == "password set"


def test_what_cannot_be_is_said(session: Session) -> None:
    run("add", "noor", "--name", "Noor A.")
    with pytest.raises(Complaint, match="is taken"):
        run("add", "NOOR", "--name", "Another")
    with pytest.raises(Complaint, match="nobody called 'ben'"):
        run("roles", "ben", "--role", "triage")
    with pytest.raises(Complaint, match="was not changed"):
        run("password", "noor", typed="short\nshort\n")
    run("disable", "noor")
    with pytest.raises(Complaint, match="disabled"):
        run("link", "noor")
    assert told(session) == ["account created", "account disabled"]


def test_a_slack_user_is_one_person_and_can_be_looked_up_by_e_mail(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("noor", "sam"):
        run("add", name, "--name", name.title())
    assert run("slack", "noor", "U0NOOR1") == "noor is U0NOOR1 in Slack\n"
    with pytest.raises(Complaint, match="U0NOOR1 is noor here"):
        run("slack", "sam", "U0NOOR1")
    with pytest.raises(Complaint, match="looks like U0123ABCD"):
        run("slack", "sam", "sam@force.example")
    with pytest.raises(Complaint, match="no token for Slack"):
        run("slack", "sam", "--email", "sam@force.example")
    with slack_double() as (double, url):
        monkeypatch.setenv("GOLDENHOUR_SLACK__TOKEN", TOKEN)
        monkeypatch.setenv("GOLDENHOUR_SLACK__BASE_URL", url)
        double.emails["sam@force.example"] = "U0SAM01"
        run("slack", "sam", "--email", "sam@force.example")
        with pytest.raises(Complaint, match="nobody in the Slack workspace"):
            run("slack", "sam", "--email", "eve@force.example")
    assert [each["slack_user"] for each in json.loads(run("list", "--json"))] == ["U0NOOR1", "U0SAM01"]
    run("slack", "noor", "--remove")
    assert people.by_slack_user(session, "U0NOOR1") is None
    assert told(session).count("Slack account linked") == 3
