"""A danger: a setting that is fine for trying things out and must not be in production. Each says what, where, and
what to do. In production a start is refused while there is one; elsewhere `goldenhour doctor` warns of it.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr
from sqlalchemy import Engine, make_url, text

from config.cli import Complaint
from config.scrape import is_here
from config.settings import PREFIX, Settings

SHORTEST_SECRET = 8
SHORTEST_PASSWORD = 12  # of the database
SHORTEST_KEY = 32  # bytes of the key file
FEWEST_CHARACTERS = 5  # different ones: `aaaaaaaa` is no secret
# what stands in examples, and what people put in to fill it in later
DEFAULTS = re.compile(
    r"(change|replace|fill)[-_ ]?(me|it|this|in).*|.*(password|passw0rd|secret|example|placeholder)|"
    r"(default|golden-?hour|postgres|admin|test|letmein|qwerty|your)[-_\w ]{0,20}|[.x*<>-]+|0?123456789?0?",
    re.IGNORECASE,
)
IS_SAFE = ("fsync", "full_page_writes", "synchronous_commit")


class Danger(NamedTuple):
    """`where` is the setting or the path, `what` is wrong with it, `remedy` what to do. It never holds a secret."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. {self.remedy}"


def need_safe(settings: Settings) -> None:
    """Raises Complaint with every danger in the settings and files, when this is production."""
    _refuse(settings, dangers(settings))


def need_safe_database(settings: Settings, engine: Engine) -> None:
    """Raises Complaint when this is production and the database may lose what it said it has."""
    if settings.production:
        _refuse(settings, database_dangers(shown(engine)))


def _refuse(settings: Settings, found: Iterator[Danger]) -> None:
    if settings.production and (said := [str(each) for each in found]):
        raise Complaint("not safe for production, so nothing was started:\n  " + "\n  ".join(said))


def dangers(settings: Settings) -> Iterator[Danger]:
    """What is unsafe in the settings and in the files they name."""
    if settings.log_level.lower() == "debug":
        remedy = "Take it out, or set it to info"
        yield Danger(f"{PREFIX}LOG_LEVEL", "debug is for looking for a fault", remedy)
    yield from _weak_secrets(settings)
    yield from _plain_address(settings)
    yield from _open_files(settings)


def shown(engine: Engine) -> dict[str, str]:
    """What the database says of the settings that keep its word."""
    with engine.connect() as connection:
        return {name: connection.execute(text(f"SHOW {name}")).scalar_one() for name in IS_SAFE}


def database_dangers(values: Mapping[str, str]) -> Iterator[Danger]:
    """Whichever of them is off: what was committed can be lost in a power cut."""
    for name in IS_SAFE:
        if values[name] != "on":
            what = f"{name} is {values[name]}, so what was committed can be lost in a power cut"
            yield Danger(
                "the database", what, f"Set {name} = on in postgresql.conf (or for our role) and reload"
            )


def _weak_secrets(settings: Settings) -> Iterator[Danger]:
    path = settings.secret_file or settings.data / "secret"
    if path.exists() and (_is_weak(key := _read(path), SHORTEST_KEY) or DEFAULTS.fullmatch(key)):
        remedy = "Before anything is kept, move it away: the next start makes one. Later it cannot be changed"
        yield Danger(str(path), "this key file is short or made up by hand", remedy)
    for name, secret in secrets_in(settings, PREFIX.rstrip("_")):
        if name == f"{PREFIX}DATABASE_URL":
            yield from _weak_password(name, secret)
        elif _is_weak(secret, SHORTEST_SECRET) or DEFAULTS.fullmatch(secret):
            remedy = (
                "Set it to what the other side gave you, or to `openssl rand -hex 32` where you may choose"
            )
            yield Danger(name, "this secret is short, or one that stands in examples", remedy)


def _weak_password(name: str, address: str) -> Iterator[Danger]:
    known = make_url(address)
    password = str(known.password or "")
    if password and (
        _is_weak(password, SHORTEST_PASSWORD) or DEFAULTS.fullmatch(password) or password == known.username
    ):
        remedy = f"ALTER ROLE ... PASSWORD to {SHORTEST_PASSWORD} characters or more, made by a program"
        yield Danger(name, "the password in it is short, or one that stands in examples", remedy)


def _is_weak(secret: str, shortest: int) -> bool:
    return len(secret) < shortest or len(set(secret)) < FEWEST_CHARACTERS


def secrets_in(settings: BaseModel, name: str) -> Iterator[tuple[str, str]]:
    """Every secret that is set, with the variable it stands in."""
    for field in type(settings).model_fields:
        joint = "_" if isinstance(settings, Settings) else "__"
        yield from _secrets_of(getattr(settings, field), f"{name}{joint}{field.upper()}")


def _secrets_of(value: object, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, SecretStr):
        yield name, value.get_secret_value()
    elif isinstance(value, BaseModel):
        yield from secrets_in(value, name)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _secrets_of(inner, f"{name}__{str(key).upper()}")


def _plain_address(settings: Settings) -> Iterator[Danger]:
    parts = urlsplit(settings.address)
    if parts.scheme != "https" and not is_here(parts.hostname or ""):
        name = "BASE_URL" if settings.web.base_url else "HOST"
        remedy = f"Put a proxy with TLS before it and set {PREFIX}WEB__BASE_URL to its https address"
        yield Danger(
            f"{PREFIX}WEB__{name}", "people would sign in over plain HTTP, readable on the way", remedy
        )


def _open_files(settings: Settings) -> Iterator[Danger]:
    for path in (settings.secret_file or settings.data / "secret", settings.vault):
        if path.exists() and path.stat().st_mode & 0o077:
            yield Danger(
                str(path), "others on this machine can read this key file", f"Run `chmod 600 {path}`"
            )
    if settings.data.exists() and settings.data.stat().st_mode & 0o022:
        remedy = f"Run `chmod go-w {settings.data}`"
        yield Danger(str(settings.data), "others on this machine may write into the data folder", remedy)


def _read(path: Path) -> str:
    return path.read_bytes().strip().decode("utf-8", errors="replace")
