"""The queue `assess`: the model, and what it is given to assess."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from uuid import UUID

import structlog
from sqlmodel import Session

from classifier.assess import assess
from classifier.hurry import waiting
from classifier.model import Model
from classifier.shadow import assess_beside, chosen
from collector.jobs import take_along
from config.models import InUse
from config.service import House, Task
from config.settings import Settings

log = structlog.get_logger()


def load_model(settings: Settings) -> Model:
    """The model in use, with the lexicons and the gazetteer as configured. Raises ModelError."""
    chosen = settings.classifier.model
    return Model.load(
        Path(chosen) if chosen else None,
        gazetteer_files=settings.files("gazetteer/*.csv"),
        lexicon_files=settings.files("lexicons/signals*.toml"),
    )


def tasks(house: House) -> dict[str, Task]:
    using, chosen_by = InUse(house, load_model(house.settings)), house.settings.classifier

    def work(posts: list[str], *, most: int = 0) -> None:
        model = using.model()
        with Session(house.engine) as session:
            flooded = waiting(session, chosen_by.flood) >= chosen_by.flood
            ids = [UUID(each) for each in take_along(session, "assess", posts, queue="assess", most=most)]
            model.read_twice(chosen_by.read_twice_in_a_flood if flooded else chosen_by.read_twice)
            assess(session, ids, model, now=house.clock())
            session.commit()
        if not flooded:
            _in_the_shadow(house, using, ids)

    def read_again(posts: list[str]) -> None:
        """What was read in a hurry; in a flood it waits on, and the tick brings it again."""
        ids, model = [UUID(each) for each in posts], using.model()
        with Session(house.engine) as session:
            if waiting(session, chosen_by.flood) < chosen_by.flood:
                model.read_twice(chosen_by.read_twice)
                assess(session, ids, model, hurried_too=True, now=house.clock())
                session.commit()

    along = partial(work, most=chosen_by.batch)
    return {"assess": Task(work, each="posts", along=along), "read_again": Task(read_again, each="posts")}


def _in_the_shadow(house: House, using: InUse, posts: Sequence[UUID]) -> None:
    """Have the version in the shadow read its share; whatever becomes of it, the posts are assessed."""
    beside = using.shadow(house.clock())
    if beside is None:
        return
    model, run = beside
    try:
        with Session(house.engine) as session:
            assess_beside(session, chosen(posts, run.share), model, now=house.clock())
            session.commit()
    except Exception as error:  # noqa: BLE001 - a shadow never holds up what is live
        log.warning("shadow failed on a batch", version=run.version, error=type(error).__name__)
