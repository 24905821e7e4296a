"""The commands that look at what went out, run as a person runs them."""

import json
import stat
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlmodel import Session

from config.settings import HERE
from responders.statements import draft
from tests import commands
from tests.doubles.slack import TOKEN, slack_double
from tests.doubles.smtp import mail_server
from tests.make import make_alert, make_case
from tests.responders.words import AWARE
from triage.records import Delivery, DeliveryState
from triage.review.agenda import list_for_review
from triage.review.meetings import read_meetings

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def goldenhour(database_url: str, tmp_path: Path) -> Run:
    surroundings = {"GOLDENHOUR_DATABASE_URL": database_url, "GOLDENHOUR_DATA": str(tmp_path / "var")}

    def run(*arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
        settings = surroundings | {f"GOLDENHOUR_{name}": value for name, value in given.items()}
        return commands.goldenhour(*arguments, **settings)

    return run


@pytest.fixture
def told(session: Session, noon: datetime) -> None:
    """One case: alerted and refused, drafted, and on the list."""
    case = make_case(borough="Southwark", bcu="AS", severity=2)
    session.add(case)
    session.flush()
    alert = make_alert(case)
    session.add(alert)
    session.flush()
    failed = DeliveryState.FAILED
    session.add(
        Delivery(alert_id=alert.id, channel="slack:C0", state=failed, due_at=noon, error="not_in_channel")
    )
    draft(session, case.id, [AWARE], now=noon)
    list_for_review(session, case.id, read_meetings(HERE / "review" / "meetings.toml"), now=noon)
    session.commit()


@pytest.mark.usefixtures("told")
def test_alerts_and_statements_are_listed(goldenhour: Run) -> None:
    [alert] = json.loads(goldenhour("alerts", "--json").stdout)
    assert (alert["case"], alert["desk"], alert["delivery"]) == ("GH-1", "comms", "failed")
    [statement] = json.loads(goldenhour("statements", "--json").stdout)
    assert statement["missing"] == []
    assert "said to be in Southwark" in statement["text"]
    assert "not_in_channel" in goldenhour("alerts").stdout
    assert "aware" in goldenhour("statements").stdout


def test_trying_the_channels_says_when_there_is_none_and_what_came_of_each(
    goldenhour: Run,
) -> None:
    done = goldenhour("alerts", "--test")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("goldenhour: no channel is set up")
    with mail_server() as mail, slack_double() as (slack, address):
        channel = {"SLACK__TOKEN": TOKEN, "SLACK__BASE_URL": address, "ALERTS__SETTLE_S": "0"}
        sender = {"MAIL__HOST": "127.0.0.1", "MAIL__PORT": str(mail.port), "MAIL__SECURITY": "none"}
        done = goldenhour("alerts", "--test", "--json", **channel, **sender, MAIL__SENDER="gh@force.example")
        sent = json.loads(done.stdout)
    assert done.returncode == 0
    assert {(each["channel"], each["state"]) for each in sent} == {("slack", "delivered")}
    assert len(slack.messages) == len(sent) == 2


@pytest.mark.usefixtures("told")
def test_a_refused_alert_can_be_put_back(goldenhour: Run) -> None:
    done = goldenhour("alerts", "--retry-failed", "--json")
    assert "put back to be sent: 1" in done.stderr
    assert json.loads(done.stdout)[0]["delivery"] == "waiting"


@pytest.mark.usefixtures("told")
def test_the_pack_is_written_for_its_owner_only_and_twice_the_same(goldenhour: Run, tmp_path: Path) -> None:
    packs = []
    for name in ("one.html", "two.html"):
        out = tmp_path / name
        period = ("--since", "2026-07-06", "--until", "2026-07-19")
        done = goldenhour("review", "pack", *period, "--audience", "full", "--out", str(out))
        assert done.returncode == 0, done.stderr
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
        packs.append(out.read_bytes())
    assert packs[0] == packs[1]
    assert b"GH-1 Use of force" in packs[0]
    [listed] = json.loads(goldenhour("review", "list", "--json").stdout)
    assert listed["meeting"] == "2026-07-29T10:00:00+01:00", "the list of the 15th is locked"


@pytest.mark.usefixtures("told")
def test_the_meetings_are_listed_with_their_locks(goldenhour: Run) -> None:
    ahead = json.loads(goldenhour("reviews", "--json").stdout)
    held = json.loads(goldenhour("reviews", "--held", "--json").stdout)
    [with_case] = [each for each in (*held, *ahead) if each["cases"]]
    assert with_case["locks"] == "2026-07-24T17:00+01:00"
    assert with_case["meeting"] == "2026-07-29T10:00+01:00"
    assert with_case["state"] in ("open", "locked")
    assert len(held) + len(ahead) == 27


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", "2026-07-20", "--until", "2026-07-19"), "is after --until"),
        (
            ("--since", "2026-07-06", "--until", "2026-07-19", "--out", "/nowhere/pack.html"),
            "cannot be written",
        ),
    ],
)
def test_what_cannot_be_made_is_one_clear_line(
    goldenhour: Run, arguments: tuple[str, ...], said: str
) -> None:
    done = goldenhour("review", "pack", *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_wrong_date_is_wrong_usage(goldenhour: Run) -> None:
    assert goldenhour("review", "pack", "--since", "July", "--until", "2026-07-19").returncode == 2
