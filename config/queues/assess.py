"""The queue `assess`: the model, and what it is given to assess."""

from pathlib import Path
from uuid import UUID

from sqlmodel import Session

from classifier.assess import assess
from classifier.model import Model
from config.service import House, Task
from config.settings import Settings


def load_model(settings: Settings) -> Model:
    """The model in use, with the lexicons and the gazetteer as configured. Raises ModelError."""
    chosen = settings.classifier.model
    model = Model.load(
        Path(chosen) if chosen else None,
        gazetteer_files=settings.files("gazetteer/*.csv"),
        lexicon_files=settings.files("lexicons/signals*.toml"),
    )
    model.read_twice(settings.classifier.read_twice)
    return model


def tasks(house: House) -> dict[str, Task]:
    model = load_model(house.settings)

    def work(posts: list[str]) -> None:
        with Session(house.engine) as session:
            assess(session, [UUID(each) for each in posts], model, now=house.clock())
            session.commit()

    return {"assess": Task(work, each="posts")}
