"""One backup of a filled database, and the ways tests put it back."""

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text
from sqlmodel import Session

from config.backups.making import Order, make_backup
from config.backups.restoring import Restored, Target, restore
from config.database import connect
from config.settings import Settings
from tests.saved import digests, fill
from triage.chain import Head
from triage.heads import write_head


class Saved:
    """A filled database and one backup of it."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.settings, self.url = settings, url
        self.digest = fill(settings)
        engine = connect(settings, pool=1)
        with Session(engine) as session:
            head = session.execute(text("SELECT count, hash FROM log_head")).one()
            write_head(settings.heads_file, Head(head[0], bytes(head[1])), now=now())
        engine.dispose()
        self.made = make_backup(settings, Order("for the tests"), clock=now)
        self.folder = settings.data / "backups" / self.made.name
        self.rows = digests(url, without=("backups", "failures"))


def now() -> datetime:
    return datetime.now(UTC)


def url_of(settings: Settings) -> str:
    assert settings.database_url is not None
    return settings.database_url.get_secret_value()


def put_back(settings: Settings, folder: Path, **how: object) -> Restored:
    return restore(settings, folder, Target(**how), clock=now)  # type: ignore[arg-type]


def key(saved: Saved) -> bytes:
    return saved.settings.key("backup")


def stat_of(path: Path) -> str:
    return f"{path.stat().st_mode & 0o777:o}"
