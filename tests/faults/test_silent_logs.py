"""The logs name nobody: a whole walk at the finest level, with people at work, a job that breaks and a message refused,
and no line holds a word of a post, a handle, a person's name or a reason.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, select

from config.database import connect, plain_url
from tests.doubles.feeds import publishing
from tests.doubles.slack import slack_double
from tests.faults.service import Service, wait_until
from tests.served import Browser, field
from tests.walk.test_walk import SOURCES
from triage import people
from triage.records import Case

pytestmark = pytest.mark.faults

TITLE = (
    "Danny Zebrafinch, 34, unconscious after officers restrain him at the Quokkahouse, Mare Street, Hackney"
)
WORDS = "Numbatwitness filmed police kneeling on him, he said he could not breathe. Mail wombat@quoll.example"
HANDLE = "https://herald.example/@bilbyuser/1"
USERNAME, NAME, REASON = "potorooofficer", "Bandicoot Dunnart", "Pademelon rang and told us"
MARKS = re.compile(
    r"zebrafinch|quokkahouse|numbatwitness|bilbyuser|wombat|quoll|could not breathe|unconscious|kneeling on him"
    r"|potorooofficer|bandicoot|dunnart|pademelon",
    re.IGNORECASE,
)


def test_no_line_of_any_log_names_anybody_or_quotes_a_post(tmp_path: Path) -> None:
    with publishing() as publisher, slack_double() as (_, base_url):
        feed = publisher.feed("herald")
        feed.publish(TITLE, link=HANDLE, at=datetime.now(UTC), text=WORDS)
        service = Service(
            tmp_path,
            sources=SOURCES.format(url=publisher.url("herald")),
            GOLDENHOUR_HTTP__ALLOW=publisher.authority,
            GOLDENHOUR_LOG_LEVEL="debug",
            GOLDENHOUR_SLACK__TOKEN="xoxb-for-tests",
            GOLDENHOUR_SLACK__BASE_URL=base_url,
        )
        try:
            service.start()
            engine = connect(service.settings, pool=1)
            wait_until(lambda: count(engine, "cases") == 1, 120)
            work_on_it(service, engine)
            break_a_job(
                service,
                engine,
                lambda: feed.publish(TITLE + " again", link=HANDLE + "2", at=now(), text=WORDS),
            )
            doctor = service.run_once("doctor")
            engine.dispose()
        finally:
            service.end()
    postgres = (service.settings.data / "postgres.log").read_text(encoding="utf-8", errors="replace")
    said = {"log": service.log, "postgres": postgres, "doctor": doctor.stdout + doctor.stderr}
    assert broken(service)
    assert "source collected" in said["log"]
    assert "relation" in postgres, "the broken job is in the log of the database"
    found = {
        name: sorted({each[0].lower() for each in MARKS.finditer(words)}) for name, words in said.items()
    }
    assert found == {name: [] for name in said}


def now() -> datetime:
    return datetime.now(UTC)


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def broken(service: Service) -> bool:
    """Whether a job said that it failed; ticks and duties say their own."""
    return "job failed" in service.log or "batch failed" in service.log


def work_on_it(service: Service, engine: Engine) -> None:
    """Somebody signs in, takes the case, and closes it with a reason."""
    with Session(engine) as session:
        person = people.create_person(session, USERNAME, NAME, now=now())
        person.roles = ["triage", "duty_officer", "approver"]
        token = people.make_link(session, person, now=now())
        session.commit()
        number = session.exec(select(Case.number)).one()
    with Browser(f"http://127.0.0.1:{service.port}") as browser:
        door = field(browser.get(f"/sign-in/{token}").text, "door")
        assert browser.post(f"/sign-in/{token}", data={"door": door}).status_code == 303
        assert browser.fill_in(f"/cases/GH-{number}/claim").status_code in (200, 303)
        dismissed = browser.fill_in(f"/cases/GH-{number}/dismiss", why=REASON, because="noise", reason=REASON)
        assert dismissed.status_code < 500
        browser.get("/nowhere", params={"q": f"{NAME} {REASON}"})
        assert browser.get(f"/cases/GH-{number}").status_code == 200


def break_a_job(service: Service, engine: Engine, publish: Callable[[], None]) -> None:
    """A table is away while a post is routed: the job fails with rows at hand, and the post is left in plain sight."""
    with psycopg.connect(plain_url(service.settings), autocommit=True) as connection:
        connection.execute("ALTER TABLE routings RENAME TO routings_away")
        publish()
        connection.execute("UPDATE sources SET due_at = now()")
        wait_until(lambda: broken(service), 120)
        connection.execute("ALTER TABLE routings_away RENAME TO routings")
    wait_until(lambda: count(engine, "routings") + count(engine, "failures") >= 2, 120)
