"""What is due again and again around the model: labels of decisions, the sample of what was dropped, drift."""

from datetime import datetime

import structlog
from sqlmodel import Session

from classifier.shadow import forget_shadows
from config.service import House
from config.settings import Settings
from triage.labelling import take_labels
from triage.sampling import draw

log = structlog.get_logger()


def labels_key(settings: Settings) -> bytes:
    """The key that people are digested with in labels."""
    return settings.key("labels")


def make_labels(house: House, _now: datetime) -> None:
    """Make labels of what people decided since the last time."""
    with Session(house.engine) as session:
        take_labels(session, labels_key(house.settings))
        session.commit()


def draw_sample(house: House, now: datetime) -> None:
    """Once a day, when it is over: draw the sample of what was dropped, and let go what is kept for a time only."""
    with Session(house.engine) as session:
        drawn = draw(session, house.settings.collect.sample_refused, now=now)
        forget_shadows(session, now=now)
        session.commit()
    if drawn:
        log.info("sample of what was dropped drawn", posts=drawn)
