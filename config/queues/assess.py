"""The queue `assess`: the model, and what it is given to assess."""

from pathlib import Path
from uuid import UUID

from sqlmodel import Session

from classifier.assess import assess, waiting
from classifier.model import Model
from config.service import House, Task
from config.settings import Settings


def load_model(settings: Settings) -> Model:
    """The model in use, with the lexicons and the gazetteer as configured. Raises ModelError."""
    chosen = settings.classifier.model
    return Model.load(
        Path(chosen) if chosen else None,
        gazetteer_files=settings.files("gazetteer/*.csv"),
        lexicon_files=settings.files("lexicons/signals*.toml"),
    )


def tasks(house: House) -> dict[str, Task]:
    model, chosen = load_model(house.settings), house.settings.classifier

    def work(posts: list[str]) -> None:
        with Session(house.engine) as session:
            flooded = waiting(session, chosen.flood) >= chosen.flood
            model.read_twice(chosen.read_twice_in_a_flood if flooded else chosen.read_twice)
            assess(session, [UUID(each) for each in posts], model, now=house.clock())
            session.commit()

    return {"assess": Task(work, each="posts")}
