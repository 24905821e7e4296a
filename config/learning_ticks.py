"""What is due again and again around the model: labels of decisions, the sample of what was dropped, drift."""

from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlmodel import Session

from classifier.drift import LONDON, State, count_day, judge, keep_reference
from classifier.learning_records import ScoreDay
from classifier.promotion import forget_shadows, in_use
from classifier.rarity import Rarity
from classifier.versions import SHIPPED, version_at
from config.service import House
from config.settings import Settings
from triage.labelling import take_labels
from triage.sampling import draw

log = structlog.get_logger()


def labels_key(settings: Settings) -> bytes:
    """The key that people are digested with in labels."""
    return settings.key("labels")


def version_in_use(settings: Settings, session: Session) -> str:
    """Its name: that of the model the settings name, else the promoted one, else the one that ships."""
    if settings.classifier.model:
        return version_at(Path(settings.classifier.model))
    return in_use(session, version_at(SHIPPED))


def make_labels(house: House, _now: datetime) -> None:
    """Make labels of what people decided since the last time."""
    with Session(house.engine) as session:
        take_labels(session, labels_key(house.settings))
        session.commit()


def count_scores(house: House, now: datetime) -> None:
    """Count how the version in use scored yesterday, and keep what its days are compared with."""
    rarity = Rarity.load(house.settings.file("matching/rarity.bin"))
    yesterday = now.astimezone(LONDON).date() - timedelta(days=1)
    with Session(house.engine) as session:
        version = version_in_use(house.settings, session)
        if session.get(ScoreDay, (yesterday, version)) is None:
            count_day(session, version, yesterday, rarity)
        keep_reference(session, version, rarity, now=now)
        session.commit()
        judged = judge(session, days=1)
    for last in judged:
        if last.state is State.ALARM:
            log.warning("scores drift", version=last.model, day=str(last.day), measure=last.shifts[0].measure)


def draw_sample(house: House, now: datetime) -> None:
    """Once a day, when it is over: draw the sample of what was dropped, and let go what is kept for a time only."""
    with Session(house.engine) as session:
        drawn = draw(session, house.settings.collect.sample_refused, now=now)
        forget_shadows(session, now=now)
        session.commit()
    if drawn:
        log.info("sample of what was dropped drawn", posts=drawn)
