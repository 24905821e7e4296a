"""A promoted model is used within seconds, by whole batches, and one that is not here leaves the one before in use."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from classifier.learning_records import ShadowAssessment
from classifier.promotion import register
from classifier.records import Assessment
from classifier.versions import add, shipped, version_of
from classifier.words_alone import VERSION
from collector.records import Failure
from config import models as using
from config.models import models_folder
from config.queues.assess import tasks
from config.service import House
from config.settings import Settings
from config.ticks import read_again
from tests.classifier.test_versions import figures
from tests.classifier.trained import make_folder, make_twin
from tests.make import NOON, make_post
from triage.promoting import promote, roll_back, start_shadow
from triage.records import LogEntry
from triage.switch_records import SwitchKind
from triage.switching import MODEL, switch_off, switch_on

SHIPPED = shipped().name


@pytest.fixture
def house(settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(using, "LOOK_EVERY_S", 0.0)  # as if seconds lay between two batches
    models_folder(settings).mkdir(parents=True)
    return House(settings, engine, lambda: NOON)


def keep_post(house: House) -> UUID:
    with Session(house.engine) as session:
        post = make_post()
        session.add(post)
        session.commit()
        return post.id


def assessed_by(house: House, post: UUID) -> list[str]:
    with Session(house.engine) as session:
        return list(session.exec(select(Assessment.model).where(Assessment.post_id == post)))


def bring(house: House, folder: Path) -> None:
    with Session(house.engine) as session:
        register(session, add(folder, models_folder(house.settings)), who="ann", now=NOON)
        register(session, version_of(models_folder(house.settings), SHIPPED), who="ann", now=NOON)
        session.commit()


def test_the_next_batch_after_a_promotion_is_assessed_by_it_and_after_going_back_by_the_one_before(
    house: House, tmp_path: Path
) -> None:
    bring(house, make_twin(tmp_path / "new", "twin-1", figures(0.5)))
    work = tasks(house)["assess"].work
    first, second, third = (keep_post(house) for _ in range(3))
    with Session(house.engine) as session:
        start_shadow(session, "twin-1", shipped=SHIPPED, share=1, days=1, who="ann", now=NOON)
        session.commit()
    work([str(first)])
    with Session(house.engine) as session:
        [beside] = session.exec(select(ShadowAssessment)).all()
        assert (beside.post_id, beside.model) == (first, "twin-1")
        register(session, version_of(models_folder(house.settings), "twin-1"), who="ann", now=NOON)
        promote(session, "twin-1", shipped="none", who="ann", why="test", now=NOON)
        session.commit()
    work([str(second)])
    with Session(house.engine) as session:
        roll_back(session, shipped=SHIPPED, who="ann", why="test", now=NOON.replace(hour=13))
        session.commit()
    work([str(third)])
    assert [assessed_by(house, each) for each in (first, second, third)] == [[SHIPPED], ["twin-1"], [SHIPPED]]
    with Session(house.engine) as session:
        assert len(session.exec(select(ShadowAssessment)).all()) == 1


def test_a_model_that_is_not_on_this_machine_leaves_the_one_before_in_use_in_plain_sight(
    house: House, tmp_path: Path
) -> None:
    bring(house, make_folder(tmp_path / "new", "gate-1", figures(0.5)))
    work = tasks(house)["assess"].work
    with Session(house.engine) as session:
        promote(session, "gate-1", shipped="none", who="ann", why="test", now=NOON)
        session.commit()
    post = keep_post(house)
    work([str(post)])
    work([str(post)])
    assert assessed_by(house, post) == [SHIPPED]
    with Session(house.engine) as session:
        [failure] = session.exec(select(Failure)).all()
        assert (failure.stage, failure.subject) == ("model", "gate-1")
        assert failure.error.startswith(f"{SHIPPED} is used instead")


def test_while_the_model_is_off_words_alone_speak_and_what_they_said_is_read_again(house: House) -> None:
    work, before = tasks(house)["assess"].work, keep_post(house)
    with Session(house.engine) as session:
        switch_off(
            session, SwitchKind.MODEL, MODEL, known=(MODEL,), who="ann", why="raises weather", now=NOON
        )
        session.commit()
    work([str(before)])
    assert assessed_by(house, before) == [VERSION]
    read_again(house, NOON)
    with Session(house.engine) as session:
        assert waiting_jobs(session) == 0
        switch_on(session, SwitchKind.MODEL, MODEL, who="ann", why="its lexicon is mended", now=NOON)
        session.execute(text("DELETE FROM procrastinate_jobs"))
        session.commit()
    read_again(house, NOON)
    with Session(house.engine) as session:
        assert waiting_jobs(session) == 1
    tasks(house)["read_again"].work([str(before)])
    assert set(assessed_by(house, before)) == {VERSION, SHIPPED}
    with Session(house.engine) as session:
        assert session.exec(select(Assessment.hurried)).all() == [False, False]
        said = session.exec(select(LogEntry.what, LogEntry.why).order_by(col(LogEntry.seq))).all()
    assert said == [("model switched off", "raises weather"), ("model switched on", "its lexicon is mended")]


def waiting_jobs(session: Session) -> int:
    asked = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'read_again'"
    return int(session.execute(text(asked)).scalar_one())
