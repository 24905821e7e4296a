"""The model in use: which version this process assesses with. Looked at between batches, so that none is mixed."""

import time
from datetime import datetime
from pathlib import Path
from uuid import uuid5

import structlog
from sqlalchemy import text
from sqlmodel import Session

from classifier.learning_records import ShadowRun
from classifier.model import Model
from classifier.promotion import in_use, shadow
from classifier.versions import ModelError, shipped, version_of
from classifier.words_alone import WordsAlone
from collector.records import POST_NAMESPACE
from config.service import House
from config.settings import Settings
from triage.switching import model_is_off

log = structlog.get_logger()

LOOK_EVERY_S = 2.0

_NOT_HERE = text(
    "INSERT INTO failures (id, at, stage, subject, error, remedy) VALUES (:id, :now, 'model', :version, :error,"
    " 'Add this model on every machine that assesses: goldenhour model add FOLDER')"
    " ON CONFLICT (id) DO UPDATE SET at = excluded.at, error = excluded.error, mended_at = NULL"
)
_HERE = text("UPDATE failures SET mended_at = :now WHERE stage = 'model' AND mended_at IS NULL")


def models_folder(settings: Settings) -> Path:
    """Where the versions lie that were added to this machine."""
    return settings.data / "models"


def load_version(settings: Settings, version: str) -> Model:
    """A version with the lexicons and the gazetteer as configured. Raises ModelError."""
    return Model.load(
        version_of(models_folder(settings), version).folder,
        gazetteer_files=settings.files("gazetteer/*.csv"),
        lexicon_files=settings.files("lexicons/signals*.toml"),
    )


class InUse:
    """The model that assesses, and the one in its shadow. For one thread.

    A version that cannot be loaded here leaves the one before in use, in plain sight. A model that the settings
    name stays, whatever is promoted.
    """

    def __init__(self, house: House, first: Model) -> None:
        self.house, self.live = house, first
        self.pinned = bool(house.settings.classifier.model)
        self.shipped = first.version if self.pinned else shipped().name
        self.beside: tuple[Model, ShadowRun] | None = None
        self.off: WordsAlone | None = None
        self._looked_s = float("-inf")
        self._missing = ""

    def model(self) -> Model | WordsAlone:
        """What reads the next batch: the model, or its words alone while it is switched off."""
        if time.monotonic() - self._looked_s >= LOOK_EVERY_S:
            self._look(self.house.clock())
            self._looked_s = time.monotonic()
        return self.off or self.live

    def shadow(self, now: datetime) -> tuple[Model, ShadowRun] | None:
        """The model in the shadow with its run, as long as that lasts."""
        if self.beside is not None and self.beside[1].until_at <= now:
            self.beside = None
        return self.beside

    def _look(self, now: datetime) -> None:
        with Session(self.house.engine, expire_on_commit=False) as session:
            wanted = self.live.version if self.pinned else in_use(session, self.shipped)
            run = shadow(session, now=now)
            off = model_is_off(session)
            if wanted != self.live.version:
                self._turn_to(session, wanted, now)
            session.commit()
        self._set_beside(None if off else run)
        self._set_off(off)

    def _turn_to(self, session: Session, wanted: str, now: datetime) -> None:
        try:
            self.live = load_version(self.house.settings, wanted)
        except ModelError as error:
            if wanted != self._missing:
                log.error("model cannot be used, the one before stays", wanted=wanted, live=self.live.version)
                self._missing = wanted
            values = {"id": uuid5(POST_NAMESPACE, f"model\0{wanted}"), "now": now, "version": wanted}
            session.execute(
                _NOT_HERE, values | {"error": f"{self.live.version} is used instead: {error}"[:500]}
            )
            return
        self._missing = ""
        session.execute(_HERE, {"now": now})
        log.info("model in use", version=self.live.version)

    def _set_off(self, off: bool) -> None:
        if off and (self.off is None or self.off.model is not self.live):
            self.off = WordsAlone(self.live)
            log.warning("model is switched off, words alone decide what a person sees")
        elif not off and self.off is not None:
            self.off = None
            log.info("model is switched on again", version=self.live.version)

    def _set_beside(self, run: ShadowRun | None) -> None:
        if run is None or run.version == self.live.version:
            self.beside = None
        elif self.beside is None or self.beside[1].id != run.id:
            try:
                self.beside = load_version(self.house.settings, run.version), run
            except ModelError as error:
                log.error("shadow cannot be used", version=run.version, error=str(error))
                self.beside = None
