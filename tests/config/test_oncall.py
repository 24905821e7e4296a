"""Who is on call, from the terminal; and what becomes of it when a file breaks while the service runs."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine
from sqlmodel import Session, select
from typer.testing import CliRunner

from config.alert_ticks import audit_alerts
from config.commands.oncall import app
from config.oncall import FILES, InForce, oncall_in_force
from config.oncall_ticks import mind_alerts
from config.service import House
from config.settings import HERE, Settings
from config.slack import app_of
from tests.make import NOON, make_alert, make_case
from triage.escalation_ladder import LadderError
from triage.escalation_records import Escalation, EscalationStep
from triage.notification_records import Notification, NotificationKind
from triage.oncall_roster import RosterError
from triage.web.calm import troubles

RUN = CliRunner()
DESKS = """
[[desk]]
name = "comms"
title = "Press bureau"
[[desk.fall_back]]
kind = "email"
address = "desk@force.example"

[[desk]]
name = "oversight"
title = "Oversight"
"""


@pytest.fixture(autouse=True)
def _surroundings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDENHOUR_DATA", str(settings.data))
    monkeypatch.setenv("GOLDENHOUR_DATABASE_URL", settings.database_url.get_secret_value())  # type: ignore[union-attr]
    monkeypatch.setenv("COLUMNS", "200")


def test_what_ships_says_plainly_that_nobody_is_on_call() -> None:
    ended = RUN.invoke(app, ["oncall"])
    assert ended.exit_code == 0
    assert "Press bureau" in ended.stdout
    assert "nobody is on call for Press bureau from" in ended.stderr


def test_one_desk_is_told_as_json() -> None:
    told = json.loads(RUN.invoke(app, ["oncall", "--desk", "oversight", "--json"]).stdout)
    assert [(each["rota"], each["now"]["username"]) for each in told["rotas"]] == [("oversight", None)]
    assert {each["rota"] for each in told["gaps"]} == {"oversight"}


class Broken:
    """A house whose files can be broken and mended while it stands."""

    def __init__(self, settings: Settings, engine: Engine, folder: Path) -> None:
        alone = {"config": folder, "data": folder / "var"}
        self.house = House(settings.model_copy(update=alone), engine, lambda: NOON)
        self.folder = folder
        self.mend()

    def mend(self) -> None:
        for name in FILES:
            (self.folder / name).write_text((HERE / name).read_text(encoding="utf-8"), encoding="utf-8")

    def wreck(self, name: str) -> None:
        (self.folder / name).write_text('[[rota]]\nname = "nobody', encoding="utf-8")

    def banners(self) -> list[str]:
        with Session(self.house.engine) as session:
            return [each.what for each in troubles(session, channels=["x"], now=NOON).troubles]


@pytest.fixture
def broken(settings: Settings, engine: Engine, tmp_path: Path) -> Broken:
    return Broken(settings, engine, tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_breaks_meanwhile_stops_no_escalation_and_is_in_plain_sight(
    broken: Broken, name: str
) -> None:
    mind_alerts(broken.house, NOON)
    broken.wreck(name)
    with Session(broken.house.engine) as session:
        session.add(case := make_case(severity=2, desks=["comms"]))
        session.flush()
        session.add(make_alert(case, raised_at=NOON))
        session.commit()
    for seconds in range(3):
        mind_alerts(broken.house, NOON + timedelta(seconds=2 * seconds))
    with Session(broken.house.engine) as session:
        assert session.exec(select(EscalationStep.turn)).all() == [0], "the ladder from before is climbed"
    audit_alerts(broken.house, NOON)
    assert any(f"/{name}" in each and "as they were before" in each for each in broken.banners())
    assert not any("could not be worked through (on call)" in each for each in broken.banners())
    broken.mend()
    mind_alerts(broken.house, NOON)
    audit_alerts(broken.house, NOON)
    assert not any("as they were before" in each for each in broken.banners())


def test_a_part_that_starts_while_a_file_is_broken_has_what_was_read_before(broken: Broken) -> None:
    before = oncall_in_force(broken.house, now=NOON)
    broken.wreck("rota.toml")
    assert oncall_in_force(broken.house, now=NOON) == before
    assert app_of(broken.house).oncall() == before


def test_the_page_and_slack_follow_a_file_that_is_saved(broken: Broken) -> None:
    shown, asked = InForce(broken.house), app_of(broken.house).oncall
    before = shown()
    rota = broken.folder / "rota.toml"
    rota.write_text(
        rota.read_text(encoding="utf-8").replace('"Press bureau"', '"Night desk"'), encoding="utf-8"
    )
    for each in (shown, asked):
        assert "Night desk" in {rota.title for rota in each().roster.rota}
    broken.wreck("rota.toml")
    assert {"Night desk"} <= {rota.title for rota in shown().roster.rota}, "as it was before it broke"
    broken.mend()
    assert shown() == before


def test_an_alert_that_cannot_be_minded_holds_up_no_other_and_one_nobody_hears_is_a_banner(
    broken: Broken,
) -> None:
    with Session(broken.house.engine) as session:
        cases = [make_case(severity=1, desks=["comms"]) for _ in range(2)]
        session.add_all(cases)
        session.flush()
        alerts = [make_alert(case, raised_at=NOON) for case in cases]
        session.add_all(alerts)
        session.commit()
        mind_alerts(broken.house, NOON)
        first, second = (
            session.exec(select(Escalation).where(Escalation.alert_id == each.id)).one() for each in alerts
        )
        first.ladder = {"no": "ladder"}
        session.commit()
        with pytest.raises(ValidationError):
            mind_alerts(broken.house, NOON + timedelta(minutes=5))
        done = session.exec(
            select(EscalationStep.step).where(EscalationStep.escalation_id == second.id)
        ).all()
        assert max(done) == 1
    assert any("Nobody could be told by their ladder of GH-" in each for each in broken.banners())


def test_files_that_never_were_right_are_refused(broken: Broken) -> None:
    broken.wreck("rota.toml")
    with pytest.raises(RosterError):
        oncall_in_force(broken.house, now=NOON)
    broken.mend()
    broken.wreck("escalation.toml")
    with pytest.raises(LadderError):
        oncall_in_force(broken.house, now=NOON)


def test_a_broken_file_is_an_alarm_at_every_address(broken: Broken) -> None:
    (broken.folder / "desks.toml").write_text(DESKS, encoding="utf-8")
    mail = broken.house.settings.mail.model_copy(update={"host": "127.0.0.1", "sender": "gh@force.example"})
    house = broken.house._replace(settings=broken.house.settings.model_copy(update={"mail": mail}))
    mind_alerts(house, NOON)
    broken.wreck("escalation.toml")
    mind_alerts(house, NOON)
    for minutes in range(3):
        audit_alerts(house, NOON + timedelta(minutes=minutes))
    with Session(house.engine) as session:
        [alarm] = session.exec(select(Notification)).all()
    assert (alarm.kind, alarm.address) == (NotificationKind.OUTAGE, "desk@force.example")
    assert "escalation.toml" in alarm.text
