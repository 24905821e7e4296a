"""Retention as it is set up here: the policy with the days of the settings, and where everything is."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from collector.video.files import Files
from config.files import rules_all
from config.settings import Settings
from responders.retention.plan import plan
from responders.retention.running import Place
from triage.retention_policy import RetentionPolicy


def retention_policy(settings: Settings) -> RetentionPolicy:
    """The policy in force here. Raises ValueError naming file, key and reason."""
    return rules_all(settings.file("policy/retention.toml"), settings.keep)


def place_of(settings: Settings, engine: Engine) -> Place:
    """What a run works with."""
    return Place(
        engine=engine,
        policy=retention_policy(settings),
        data=settings.data.resolve(),
        files=Files(settings.media),
        files_for=timedelta(days=settings.collect.keep_files_days),
        vault=settings.vault,
        log_key=settings.key("log"),
        permalink_key=settings.key("permalinks"),
    )


def due_of(
    settings: Settings, engine: Engine
) -> Callable[[Session, datetime], list[tuple[str, int | None, int]]]:
    """What says of each class how many items are due and how many a hold keeps."""
    place = place_of(settings, engine)

    def due(session: Session, now: datetime) -> list[tuple[str, int | None, int]]:
        return [(each.rule.name, each.due, each.held) for each in plan(session, place, now=now)]

    return due
