"""Secrets stay where they are: planted in settings, files, links and cookies, they are in nothing the service says.

The real commands run with all of them, at the finest log level, against channels that do not answer; pages refuse and
break; the database is dumped.
"""

import base64
import io
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit
from uuid import UUID

import httpx
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import create_engine
from sqlmodel import Session

from config.channels import ways_of
from config.postgres import programs
from config.service import House
from config.settings import Settings
from responders.channels.channel import Letter
from tests.browser.seed import PASSWORD, seed
from tests.commands import goldenhour
from tests.databases import Databases
from tests.doubles.provider import Provider, provider
from tests.served import Browser, field
from triage import people

MARK = secrets.token_hex(8)
ROLE = f"planted_{MARK}"
KEPT = {
    name: f"{MARK}{number:02d}{secrets.token_hex(14)}"
    for number, name in enumerate(
        (
            "Slack token",
            "Slack app token",
            "Slack signing secret",
            "OIDC client secret",
            "password of the database",
            "password of the mailbox",
            "password of the mail server",
            "webhook secret",
            "address of the webhook",
            "address of the Teams workflow",
            "Notify key",
            "secret of a partner",
            "token of X",
            "token of the metrics",
            "address of the watcher",
        )
    )
}
# these are made elsewhere, and are known once they are
MADE = ("key file", "vault key", "one-time link", "session cookie", "password of a person")
HOOK = "whsec_" + base64.b64encode(KEPT["webhook secret"].encode()).decode()
NOWHERE = "127.0.0.1:9"


def planted(url: str, folder: Path, port: int) -> dict[str, str]:
    """An environment in which everything is set and nothing outside answers."""
    parts = urlsplit(url)
    return {
        "GOLDENHOUR_DATA": str(folder),
        "GOLDENHOUR_DATABASE_URL": f"postgresql://{ROLE}:{KEPT['password of the database']}"
        f"@{parts.hostname}:{parts.port}{parts.path}",
        "GOLDENHOUR_LOG_LEVEL": "debug",
        "GOLDENHOUR_WEB__PORT": str(port),
        "GOLDENHOUR_WEB__METRICS_TOKEN": KEPT["token of the metrics"],
        "GOLDENHOUR_OIDC__CLIENT_ID": "desk",
        "GOLDENHOUR_OIDC__CLIENT_SECRET": KEPT["OIDC client secret"],
        "GOLDENHOUR_SLACK__TOKEN": KEPT["Slack token"],
        "GOLDENHOUR_SLACK__APP_TOKEN": KEPT["Slack app token"],
        "GOLDENHOUR_SLACK__SIGNING_SECRET": KEPT["Slack signing secret"],
        "GOLDENHOUR_SLACK__BASE_URL": f"http://{NOWHERE}/api/",
        "GOLDENHOUR_MAIL__HOST": "127.0.0.1",
        "GOLDENHOUR_MAIL__PORT": "9",
        "GOLDENHOUR_MAIL__SECURITY": "none",
        "GOLDENHOUR_MAIL__SENDER": "desk@force.example",
        "GOLDENHOUR_MAIL__USER": "desk",
        "GOLDENHOUR_MAIL__PASSWORD": KEPT["password of the mail server"],
        "GOLDENHOUR_NOTIFY__KEY": f"desk-{UUID(int=1)}-{KEPT['Notify key']}",
        "GOLDENHOUR_NOTIFY__SMS_TEMPLATE": "one",
        "GOLDENHOUR_NOTIFY__BASE_URL": f"http://{NOWHERE}",
        "GOLDENHOUR_TEAMS__WORKFLOWS__COMMS": f"https://{NOWHERE}/{KEPT['address of the Teams workflow']}",
        "GOLDENHOUR_WEBHOOK__HOOKS__CAD__URL": f"https://{NOWHERE}/{KEPT['address of the webhook']}",
        "GOLDENHOUR_WEBHOOK__HOOKS__CAD__SECRET": HOOK,
        "GOLDENHOUR_TIPS__PARTNERS__BUS_CO": KEPT["secret of a partner"],
        "GOLDENHOUR_COLLECT__X_TOKEN": KEPT["token of X"],
        "GOLDENHOUR_COLLECT__MAIL_USER": "tips",
        "GOLDENHOUR_COLLECT__MAIL_PASSWORD": KEPT["password of the mailbox"],
        "GOLDENHOUR_ALERTS__WATCHER": f"http://{NOWHERE}/{KEPT['address of the watcher']}",
        "GOLDENHOUR_HTTP__ALLOW": NOWHERE,
    }


class Heard:
    """What was said, by where it stood; and the secrets by name."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}
        self.secrets = dict(KEPT)

    def page(self, name: str, answer: httpx.Response, status: int) -> None:
        assert answer.status_code == status, f"{name}: {answer.status_code}"
        self.said[f"page {name}"] = answer.text + str(answer.headers)


@pytest.fixture(scope="module")
def heard(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Heard]:
    folder = tmp_path_factory.mktemp("secrets") / "var"
    with databases.one() as url, role(url), provider() as theirs, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        environment = planted(url, folder, port) | {"GOLDENHOUR_OIDC__ISSUER": theirs.issuer}
        found = Heard()
        engine = create_engine(url, execution_options={"log_key": Settings(data=folder).key("log")})
        with Session(engine) as session:
            seed(session, now=datetime.now(UTC))
            noor = people.create_person(session, "noor", "Noor A.", now=datetime.now(UTC))
            found.secrets["one-time link"] = people.make_link(session, noor, now=datetime.now(UTC))
            session.commit()
        engine.dispose()
        found.secrets["password of a person"] = PASSWORD
        with served(environment, port, found) as base:
            visit(base, url, theirs, found)
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        for arguments in (
            ["check"],
            ["doctor"],
            ["alerts", "--json"],
            ["review", "pack", "--since", today, "--until", today],
        ):
            found.said[f"goldenhour {' '.join(arguments[:2])}"] = run(environment, *arguments)
        found.said["dump"] = dumped(url)
        found.said["goldenhour backup"] = run(environment, "backup")
        found.said |= backed_up(folder / "backups")
        for kind in ("pdf", "docx"):
            pack = folder / f"pack.{kind}"
            asked = ("review", "pack", "--since", today, "--until", today, "--out", str(pack))
            found.said[f"pack {kind}"] = run(environment, *asked)
            found.said[f"pack {kind}"] += unpacked(pack.read_bytes()) if pack.exists() else ""
        send_everywhere(environment, url, found)
        found.secrets["key file"] = (folder / "secret").read_text(encoding="ascii").strip()
        found.secrets["vault key"] = (folder / "vault").read_text(encoding="ascii").split()[1]
        yield found


@contextmanager
def role(url: str) -> Iterator[None]:
    """A user of the database whose password is planted."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        make = sql.SQL("CREATE ROLE {} LOGIN SUPERUSER PASSWORD {}")
        connection.execute(make.format(sql.Identifier(ROLE), KEPT["password of the database"]))
        try:
            yield
        finally:
            ending = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s"
            connection.execute(ending, (ROLE,))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(ROLE)))


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "config.cli", *arguments]


def ours(environment: dict[str, str]) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("GOLDENHOUR_")}
    return {**others, "COLUMNS": "2000", **environment}  # what is folded would not be found


def run(environment: dict[str, str], *arguments: str) -> str:
    ended = goldenhour(*arguments, **ours(environment))
    assert ended.returncode in (0, 1), ended.stderr
    return ended.stdout + ended.stderr


def dumped(url: str) -> str:
    """What a backup of the database holds, in words."""
    dump = [str(programs() / "pg_dump"), url.replace("+psycopg", "")]
    ended = subprocess.run(dump, capture_output=True, text=True, check=True, timeout=60)
    return ended.stdout


def backed_up(shelf: Path) -> dict[str, str]:
    """What a backup holds, file by file, and the database in it in words."""
    folder = next(shelf.glob("goldenhour-*"))
    read = [str(programs() / "pg_restore"), "--file=-", str(folder / "database.dump")]
    ended = subprocess.run(read, capture_output=True, text=True, check=True, timeout=60)
    found = {"backup database": ended.stdout}
    for each in folder.rglob("*"):
        if each.is_file() and each.stat().st_size:
            found[f"backup {each.relative_to(folder)}"] = each.read_bytes().decode("latin-1")
    return found


def unpacked(pack: bytes) -> str:
    """The words of a pack, out of what they are pressed in."""
    if pack.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(pack)) as parts:
            return "".join(parts.read(each).decode("latin-1") for each in parts.namelist())
    found = [pack]
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", pack, re.DOTALL):
        with suppress(zlib.error):
            found.append(zlib.decompress(stream))
    return b"".join(found).decode("latin-1")


@contextmanager
def served(environment: dict[str, str], port: int, found: Heard) -> Iterator[str]:
    """The desk as it is started, and what it logged when it has ended."""
    process = subprocess.Popen(
        command("web"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=ours(environment)
    )
    base = f"http://127.0.0.1:{port}"
    try:
        deadline_s = time.monotonic() + 240  # on a machine that others keep busy
        while process.poll() is None and time.monotonic() < deadline_s:
            try:
                httpx.get(f"{base}/healthz").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield base
    finally:
        process.send_signal(signal.SIGTERM)
        found.said["log"], _ = process.communicate(timeout=60)


def visit(base: str, url: str, theirs: Provider, found: Heard) -> None:
    """Pages that refuse and break, asked for by somebody who holds everything."""
    with Browser(base) as browser:
        link = f"/sign-in/{found.secrets['one-time link']}"
        door = field(browser.get(link).text, "door")
        assert browser.post(link, data={"door": door}).status_code == 303
    with Browser(base) as browser:
        door = field(browser.get(link).text, "door")
        found.page("link used twice", browser.post(link, data={"door": door}), 422)
    with Browser(base) as browser:
        assert browser.sign_in("amira", PASSWORD).status_code == 303
        found.secrets["session cookie"] = browser.cookies["goldenhour"]
        all_of_them = "&".join(f"q={quote(each)}" for each in found.secrets.values())
        headers = {"Authorization": f"Bearer {KEPT['token of the metrics']}"}
        found.page("not found", browser.get(f"/nowhere?{all_of_them}"), 404)
        found.page("no such case", browser.get("/cases/GH-999", headers=headers), 404)
        found.page("forged form", browser.post("/sign-out", data={"csrf": found.secrets["Slack token"]}), 403)
        found.page("wrong method", browser.request("DELETE", "/queue"), 405)
        found.page("other host", browser.get("/queue", headers={"Host": "elsewhere.example"}), 421)
        found.page(
            "scraped by a stranger", httpx.get(f"{base}/metrics", headers={"Authorization": "Bearer x"}), 401
        )
        signed = {"X-Slack-Request-Timestamp": str(int(time.time())), "X-Slack-Signature": f"v0={'0' * 64}"}
        body = f"payload={KEPT['Slack token']}"
        found.page("forged press", httpx.post(f"{base}/slack/actions", content=body, headers=signed), 401)
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("ALTER TABLE alerts RENAME TO alerts_away")
            broken = browser.get("/alerts", headers=headers)
            connection.execute("ALTER TABLE alerts_away RENAME TO alerts")
            found.page("bug", broken, 500)
        found.page("metrics", httpx.get(f"{base}/metrics", headers=headers), 200)
    with Browser(base) as browser:
        theirs.claims = {"aud": "elsewhere"}
        brought = theirs.consent(browser.get("/sign-in/oidc").headers["location"])
        found.page("token of the provider refused", browser.get("/sign-in/oidc/back", params=brought), 422)


def send_everywhere(environment: dict[str, str], url: str, found: Heard) -> None:
    """What becomes of a message where no channel answers, as it is logged and shown."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        settings = Settings()
    house = House(settings, create_engine(url), lambda: datetime.now(UTC))
    letter = Letter(UUID(int=7), "page", "GH-1", "Look at it")
    where = {"slack": "golden-hour-comms", "teams": "comms", "webhook": "cad", "sms": "+447700900123"}
    for kind, way in ways_of(house).items():
        outcome = way.channel.send(letter, where.get(kind, "desk@force.example"), now=house.clock())
        found.said[f"channel {kind}"] = repr(outcome)
    found.said["settings"] = repr(settings) + str(settings.model_dump())


@pytest.mark.parametrize("name", [*KEPT, *MADE])
def test_a_planted_secret_is_in_nothing_that_is_said(heard: Heard, name: str) -> None:
    secret = heard.secrets[name]
    assert len(secret) >= 12
    shapes = {secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode().rstrip("=")}
    leaks = [where for where, said in heard.said.items() if any(shape in said for shape in shapes)]
    assert leaks == []


def test_everything_was_listened_to(heard: Heard) -> None:
    assert all(said.strip() for said in heard.said.values())
    assert "page failed" in heard.said["log"]
    assert "page refused" in heard.said["log"]
    assert "request at the Slack door refused" in heard.said["log"]
    assert "goldenhour_database_answers 1" in heard.said["page metrics"]
    assert "key file" in heard.said["goldenhour doctor"]
    assert "slack" in heard.said["goldenhour doctor"]
    assert "COPY public.web_sessions" in heard.said["dump"]
    assert "COPY public.web_sessions" in heard.said["backup database"]
    assert "restored into a scratch database" in heard.said["goldenhour backup"].lower()
    assert "backup manifest.json" in heard.said
    assert "%PDF" in heard.said["pack pdf"], heard.said["pack pdf"][:300]
    assert "<w:document" in heard.said["pack docx"], heard.said["pack docx"][:300]
    assert "<html" in heard.said["goldenhour review pack"]
    kinds = {where for where in heard.said if where.startswith("channel ")}
    assert kinds == {f"channel {kind}" for kind in ("slack", "email", "sms", "teams", "webhook")}
