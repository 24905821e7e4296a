"""Who is told and who is on call, read from the files and held against each other."""

import os
from datetime import datetime
from pathlib import Path
from uuid import uuid5

from sqlalchemy import Engine, text
from sqlmodel import Session

from collector.records import POST_NAMESPACE
from config.service import House
from config.settings import Settings
from triage.escalation_ladder import LadderError, read_ladders
from triage.lifecycle import read_lifecycle
from triage.oncall import BROKEN, OnCall
from triage.oncall_roster import read_roster

FILES = ("escalation.toml", "rota.toml", "tracks.toml")
REMEDY = "Mend the file: goldenhour check says when it is right. Then nothing needs to be restarted"

_NOT_READ = text(
    "INSERT INTO failures (id, at, stage, subject, error, remedy)"
    " VALUES (:id, :now, :stage, 'on call', :error, :remedy) ON CONFLICT (id) DO UPDATE SET error = excluded.error,"
    " at = CASE WHEN failures.mended_at IS NULL THEN failures.at ELSE excluded.at END, mended_at = NULL"
)
_READ = text("UPDATE failures SET mended_at = :now WHERE stage = :stage AND mended_at IS NULL")


def oncall_in_force(house: House, *, now: datetime) -> OnCall:
    """Who is told and who is on call. While a file is wrong, as the files said before, in plain sight.

    What was read is kept in the data folder, so that a part that starts meanwhile has it too. Raises ValueError when
    the files are wrong and were never right here.
    """
    settings, kept = house.settings, house.settings.data / "oncall"
    try:
        words = _words(settings)
        found = read_oncall(settings)
        if words == _words(settings):  # nobody was saving them just now
            _keep(words, kept)
    except (ValueError, OSError) as error:
        if not all((kept / name).exists() for name in FILES):
            raise
        found = read_oncall(settings.model_copy(update={"config": kept}))
        _note(house.engine, str(error), now)
    else:
        _note(house.engine, "", now)
    return found


class InForce:
    """Who is told and on call as the files say now, for what answers people: read again when a file has changed.

    Raises ValueError when made, if the files are wrong and were never right here.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._states = self._look()
        self._found = oncall_in_force(house, now=house.clock())

    def __call__(self) -> OnCall:
        states = self._look()
        if states != self._states:
            self._found, self._states = oncall_in_force(self._house, now=self._house.clock()), states
        return self._found

    def _look(self) -> list[tuple[int, int] | None]:
        return [_state(self._house.settings.file(name)) for name in FILES]


def read_oncall(settings: Settings) -> OnCall:
    """Ladders and roster. Raises ValueError with file, key and reason, also where a ladder names who is not there."""
    path = settings.file("escalation.toml")
    ladders, roster = read_ladders(path), read_roster(settings.file("rota.toml"))
    known = {f"rota:{each.name}" for each in roster.rota} | {f"post:{each.name}" for each in roster.post}
    for number, ladder in enumerate(ladders.ladder):
        for place, step in enumerate(ladder.step):
            if missing := [party for party in step.who if party not in known]:
                raise LadderError(
                    f"{path}: key ladder.{number}.step.{place}.who: rota.toml has no {missing[0]!r}"
                )
        for party in ladder.each:
            post = roster.post_of(party.removeprefix("post:"))
            if party.startswith("post:") and post is not None and not post.people:
                raise LadderError(
                    f"{path}: key ladder.{number}.each: {party!r} has no people in rota.toml who could acknowledge"
                )
    holidays = read_lifecycle(settings.file("tracks.toml")).bank_holidays
    return OnCall(ladders, roster, holidays, settings.address)


def _state(path: Path) -> tuple[int, int] | None:
    try:
        known = path.stat()
    except OSError:
        return None
    return known.st_mtime_ns, known.st_size


def _words(settings: Settings) -> dict[str, bytes]:
    return {name: settings.file(name).read_bytes() for name in FILES}


def _keep(words: dict[str, bytes], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, said in words.items():
        if not (folder / name).exists() or (folder / name).read_bytes() != said:
            fresh = folder / f"{name}.{os.getpid()}.new"
            fresh.write_bytes(said)
            fresh.replace(folder / name)


def _note(engine: Engine, wrong: str, now: datetime) -> None:
    """Leave what is wrong as a Failure that stands until the files are right again."""
    with Session(engine) as session:
        if not wrong:
            session.execute(_READ, {"now": now, "stage": BROKEN})
        else:
            values = {"id": uuid5(POST_NAMESPACE, BROKEN), "stage": BROKEN, "now": now, "remedy": REMEDY}
            session.execute(_NOT_READ, values | {"error": wrong[:500]})
        session.commit()
