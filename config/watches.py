"""The places to watch, as staff wrote them down: sources, terms past the linter, agreements, into the database."""

from datetime import datetime

from sqlmodel import Session

from collector.agreements import read_agreements
from collector.catalogue import Watch, read_sources, sync_sources
from collector.linter import Linter
from collector.sources.tip import FORM
from collector.tips import PLATFORM
from config.settings import Settings


def read_watches(settings: Settings) -> list[Watch]:
    """The places to watch, every term past the linter. Raises ValueError with file, key and reason."""
    linter = Linter.of(settings.files("lexicons/refused_terms*.toml"))
    return read_sources(settings.file("sources.toml"), linter)


def bring_up_sources(session: Session, settings: Settings, *, now: datetime) -> None:
    """Bring the table of sources up to the files. Raises ValueError. The caller commits."""
    agreements = read_agreements(settings.file("agreements.toml"))
    sync_sources(session, read_watches(settings), agreements=agreements, now=now)


def unmatched_partners(settings: Settings) -> list[str]:
    """Partners whose tips are not taken: a source without a secret, or a secret without a source. Raises ValueError."""
    named = [watch.name for watch in read_watches(settings) if watch.kind == PLATFORM and watch.name != FORM]
    secrets = settings.tips.partners
    dumb = [name for name in named if settings.tips.secret_of(name) is None]
    lost = set(secrets) - {name.replace("-", "_") for name in named}
    said = [
        f"source {name}: it has no secret, set GOLDENHOUR_TIPS__PARTNERS__{_variable(name)}" for name in dumb
    ]
    return said + [
        f"GOLDENHOUR_TIPS__PARTNERS__{_variable(name)}: no source of kind tip has this name"
        for name in sorted(lost)
    ]


def _variable(name: str) -> str:
    return name.replace("-", "_").upper()
