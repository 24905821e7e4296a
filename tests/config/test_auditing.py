"""The log proven from the terminal, and its head put where the database's owner cannot change it."""

import json
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, text
from sqlmodel import Session
from typer.testing import CliRunner

from config.channels import courier_of
from config.cli import Complaint
from config.commands.auditing import audit
from config.database import connect
from config.packs import definitions_of
from config.service import House
from config.settings import Settings
from config.ticks import publish_head
from responders.packs.document import runs_in
from responders.packs.full import Ground, full_pack
from responders.settings import SlackSettings
from tests.doubles.slack import TOKEN, slack_double, texts_of
from triage.chain import Head, head_of
from triage.heads import HeadsError, read_heads
from triage.log import Line, note
from triage.review.figures import Period
from triage.review.figuring import figures_as_of

NOON = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)


@pytest.fixture
def kept(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A log of ten entries, written with the key of the data folder that the commands read."""
    monkeypatch.setenv("GOLDENHOUR_DATA", str(settings.data))
    monkeypatch.setenv("GOLDENHOUR_DATABASE_URL", settings.database_url.get_secret_value())  # type: ignore[union-attr]
    made = connect(settings)
    _write(made, 10)
    yield made
    made.dispose()


def _write(engine: Engine, entries: int) -> Head:
    with Session(engine) as session:
        note(
            session, [Line("noted", detail={"number": each}) for each in range(entries)], who="ann", now=NOON
        )
        session.commit()
        return head_of(session)


def _tamper(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for each in ("ALTER TABLE log_entries DISABLE TRIGGER USER", *statements):
            connection.execute(text(each))


def verified(*options: str) -> tuple[dict[str, Any], str]:
    """What `goldenhour audit verify` prints, and what it complains of."""
    ended = CliRunner().invoke(audit, ["verify", "--json", *options])
    assert isinstance(ended.exception, Complaint | None), ended.exception
    return json.loads(ended.stdout), str(ended.exception or "")


def test_a_log_nobody_changed_is_proven(kept: Engine) -> None:
    told, complaint = verified()
    with Session(kept) as session:
        head = head_of(session)
    assert (told["ok"], told["entries"], complaint) == (True, 10, "")
    assert told["head"] == {"count": 10, "hash": head.hash.hex()}
    assert CliRunner().invoke(audit, ["head"]).stdout.strip() == str(head)
    assert verified("--head", str(head))[0]["heads_known"] == 1


def test_a_changed_entry_is_named(kept: Engine) -> None:
    _tamper(kept, "UPDATE log_entries SET who = 'ben' WHERE seq = 7")
    told, complaint = verified()
    assert [each["seq"] for each in told["breaks"]] == [7]
    assert "not as it was written, in 1 places" in complaint
    assert "entry 7: it was changed" in CliRunner().invoke(audit, ["verify"]).stdout


def test_a_cut_tail_is_found_by_the_head_that_was_published(kept: Engine, settings: Settings) -> None:
    publish_head(House(settings, kept, lambda: NOON), NOON)
    _tamper(
        kept,
        "DELETE FROM log_entries WHERE seq > 8",
        "UPDATE log_head SET count = 8, hash = (SELECT hash FROM log_entries WHERE seq = 8)",
    )
    told, _ = verified()
    assert told["breaks"] == [
        {"seq": 8, "what": "the log ends here, but a head with 10 entries was published"}
    ]
    settings.heads_file.unlink()
    assert verified()[0]["ok"], "without a head kept elsewhere nobody can know"


def test_what_is_no_head_is_refused() -> None:
    ended = CliRunner().invoke(audit, ["verify", "--head", "7:abc"])
    assert (ended.exit_code, "not a head" in ended.stderr) == (2, True)


def test_the_head_is_published_once_a_day(kept: Engine, settings: Settings) -> None:
    house = House(settings, kept, lambda: NOON)
    for hours in (0, 1, 5):
        publish_head(house, NOON + timedelta(hours=hours))
    later = _write(kept, 3)
    publish_head(house, NOON + timedelta(days=1))
    assert [each.head.entries for each in read_heads(settings.heads_file)] == [10, 13]
    assert read_heads(settings.heads_file)[-1].head == later
    assert stat.S_IMODE(settings.heads_file.stat().st_mode) == 0o600


def test_the_head_is_said_in_slack_when_there_is_a_channel(kept: Engine, settings: Settings) -> None:
    with slack_double() as (double, address):
        slack = SlackSettings(token=SecretStr(TOKEN), base_url=address)
        house = House(settings.model_copy(update={"slack": slack}), kept, lambda: NOON)
        publish_head(house, NOON)
        publish_head(house, NOON + timedelta(hours=1))
        with closing(courier_of(house)) as courier:
            assert courier.step("slack:golden-hour-oversight")
            assert not courier.step(
                "slack:golden-hour-oversight"
            )  # as every other word there it leaves a gap
        [message] = double.messages
    [head] = read_heads(settings.heads_file)
    assert any(f"--head {head.head}" in text for text in texts_of(message.blocks))


def test_a_file_of_heads_that_cannot_be_read_is_named_with_its_line(kept: Engine, settings: Settings) -> None:
    publish_head(House(settings, kept, lambda: NOON), NOON)
    with settings.heads_file.open("a", encoding="utf-8") as file:
        file.write("{}\n")
    with pytest.raises(HeadsError, match=r"heads\.jsonl, line 2"):
        read_heads(settings.heads_file)
    ended = CliRunner().invoke(audit, ["verify"])
    assert isinstance(ended.exception, Complaint)


def test_every_pack_carries_the_head(kept: Engine, settings: Settings) -> None:
    with Session(kept) as session:
        period = Period(NOON, NOON + timedelta(days=14))
        figures = figures_as_of(session, period, definitions_of(settings), at=NOON)._replace(
            entry=head_of(session).entries
        )
        made = full_pack(session, period, Ground(fields=(), tactics=()), figures)
        assert str(head_of(session)) in [run.text for run in runs_in(made)]
