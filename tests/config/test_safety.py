"""In production a start is refused for each unsafe setting, in words that say what, where and what to do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import create_engine

from config.cli import Complaint
from config.doctor import State, _safety
from config.safety import dangers, database_dangers, need_safe, need_safe_database, secrets_in
from config.settings import Settings
from tests.commands import goldenhour

GOOD = "9f0c5b1e77d24a3ab8c6e5d4f3021a9b"
MADE: Callable[..., Settings] = Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "var"
    made.mkdir(mode=0o700)
    for name in ("secret", "vault"):
        (made / name).write_text(GOOD * 2, encoding="ascii")
        (made / name).chmod(0o600)
    return made


def web(**given: Any) -> dict[str, Any]:
    return {"web": given}


def slack(secret: str) -> dict[str, Any]:
    return {"slack": {"signing_secret": secret}}


def database(password: str) -> dict[str, Any]:
    return {"database_url": f"postgresql://goldenhour:{password}@db.example/goldenhour"}


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"log_level": "debug"}, "GOLDENHOUR_LOG_LEVEL", "info"),
    ({"log_level": "DEBUG"}, "GOLDENHOUR_LOG_LEVEL", "info"),
    (web(base_url="http://desk.example"), "GOLDENHOUR_WEB__BASE_URL", "https"),
    (web(base_url="http://192.0.2.7:8000"), "GOLDENHOUR_WEB__BASE_URL", "https"),
    (web(host="0.0.0.0"), "GOLDENHOUR_WEB__HOST", "GOLDENHOUR_WEB__BASE_URL"),
    (slack("changeme"), "GOLDENHOUR_SLACK__SIGNING_SECRET", "openssl rand"),
    (slack("hunter2"), "GOLDENHOUR_SLACK__SIGNING_SECRET", "openssl rand"),
    (slack("aaaaaaaaaaaaaaaa"), "GOLDENHOUR_SLACK__SIGNING_SECRET", "openssl rand"),
    ({"oidc": {"client_secret": "your-secret"}}, "GOLDENHOUR_OIDC__CLIENT_SECRET", "other side"),
    ({"teams": {"workflows": {"comms": "..."}}}, "GOLDENHOUR_TEAMS__WORKFLOWS__COMMS", "other side"),
    (web(metrics_token="change-me-" * 4), "GOLDENHOUR_WEB__METRICS_TOKEN", "openssl rand"),
    (database("goldenhour"), "GOLDENHOUR_DATABASE_URL", "ALTER ROLE"),
    (database("eleven-char"), "GOLDENHOUR_DATABASE_URL", "ALTER ROLE"),
    (database("my%20password"), "GOLDENHOUR_DATABASE_URL", "ALTER ROLE"),
]


@pytest.mark.parametrize(("given", "where", "remedy"), REFUSED)
def test_an_unsafe_setting_is_refused_in_production_and_only_there(
    folder: Path, given: dict[str, Any], where: str, remedy: str
) -> None:
    need_safe(MADE(data=folder, **given))
    with pytest.raises(Complaint, match=where) as refused:
        need_safe(MADE(data=folder, production=True, **given))
    assert remedy in str(refused.value)
    for _, secret in secrets_in(MADE(**given), "GOLDENHOUR"):
        assert secret not in str(refused.value)


def mode(name: str, number: int) -> Callable[[Path], object]:
    return lambda folder: (folder / name).chmod(number)


def write(words: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "secret").write_text(words, encoding="ascii")


@pytest.mark.parametrize(
    ("spoil", "where", "remedy"),
    [
        (mode("secret", 0o644), "secret", "chmod 600"),
        (mode("secret", 0o640), "secret", "chmod 600"),
        (mode("vault", 0o604), "vault", "chmod 600"),
        (mode(".", 0o777), "var", "chmod go-w"),
        (mode(".", 0o720), "var", "chmod go-w"),
        (write("hunter2"), "secret", "the next start makes one"),
        (write("ab" * 32), "secret", "the next start makes one"),
    ],
)
def test_an_unsafe_file_or_folder_is_refused(
    folder: Path, spoil: Callable[[Path], object], where: str, remedy: str
) -> None:
    spoil(folder)
    with pytest.raises(Complaint, match=f"{where}: ") as refused:
        need_safe(Settings(data=folder, production=True))
    assert remedy in str(refused.value)


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_database_that_may_forget_is_refused(name: str) -> None:
    values = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
    assert list(database_dangers(values)) == []
    [found] = database_dangers({**values, name: "off"})
    assert f"{name} is off" in str(found)
    assert f"Set {name} = on" in str(found)


def test_the_database_itself_is_asked(settings: Settings, engine: Engine, database_url: str) -> None:
    production = settings.model_copy(update={"production": True})
    need_safe_database(production, engine)
    careless = create_engine(database_url, connect_args={"options": "-c synchronous_commit=off"})
    need_safe_database(settings, careless)
    with pytest.raises(Complaint, match="synchronous_commit is off"):
        need_safe_database(production, careless)
    careless.dispose()


def test_a_sound_installation_is_not_refused(folder: Path) -> None:
    settings = MADE(
        data=folder,
        production=True,
        database_url=f"postgresql://goldenhour:{GOOD}@db.example/goldenhour",
        web={"host": "0.0.0.0", "base_url": "https://desk.example", "metrics_token": GOOD},
        slack={"token": f"xoxb-{GOOD}", "signing_secret": GOOD},
    )
    assert list(dangers(settings)) == []
    need_safe(settings)
    need_safe(Settings(data=folder / "not-there-yet", production=True))


def test_every_secret_of_the_settings_is_looked_at() -> None:
    settings = MADE(**slack(GOOD), teams={"workflows": {"comms": GOOD}}, tips={"partners": {"bus_co": GOOD}})
    assert dict(secrets_in(settings, "GOLDENHOUR")) == {
        "GOLDENHOUR_SLACK__SIGNING_SECRET": GOOD,
        "GOLDENHOUR_TEAMS__WORKFLOWS__COMMS": GOOD,
        "GOLDENHOUR_TIPS__PARTNERS__BUS_CO": GOOD,
    }


def test_the_checkup_warns_of_the_same_and_in_production_it_is_wrong(folder: Path) -> None:
    assert [each.state for each in _safety(Settings(data=folder))] == [State.WELL]
    [warned] = _safety(Settings(data=folder, log_level="debug"))
    assert (warned.name, warned.state) == ("production", State.WARN)
    assert warned.seen.startswith("GOLDENHOUR_LOG_LEVEL: debug")
    [wrong] = _safety(Settings(data=folder, log_level="debug", production=True))
    assert wrong.state == State.ILL


@pytest.mark.parametrize("command", ["run", "web", "schedule", "work"])
def test_every_way_to_start_refuses_before_anything_is_made(tmp_path: Path, command: str) -> None:
    ended = goldenhour(
        command,
        GOLDENHOUR_PRODUCTION="true",
        GOLDENHOUR_LOG_LEVEL="debug",
        GOLDENHOUR_DATA=str(tmp_path / "var"),
    )
    assert ended.returncode == 1
    assert "GOLDENHOUR_LOG_LEVEL: debug is for looking for a fault" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "var").exists()
