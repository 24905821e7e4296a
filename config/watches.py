"""The places to watch, as staff wrote them down: sources, terms past the linter, agreements, into the database."""

from datetime import datetime

from sqlmodel import Session

from collector.agreements import read_agreements
from collector.catalogue import Watch, read_sources, sync_sources
from collector.linter import Linter
from config.settings import Settings


def read_watches(settings: Settings) -> list[Watch]:
    """The places to watch, every term past the linter. Raises ValueError with file, key and reason."""
    linter = Linter.of(settings.files("lexicons/refused_terms*.toml"))
    return read_sources(settings.file("sources.toml"), linter)


def bring_up_sources(session: Session, settings: Settings, *, now: datetime) -> None:
    """Bring the table of sources up to the files. Raises ValueError. The caller commits."""
    agreements = read_agreements(settings.file("agreements.toml"))
    sync_sources(session, read_watches(settings), agreements=agreements, now=now)
