"""The queue `collect`: the guarded client and the prefilter; a job is one visit to one source, or one look again at
what it brought."""

from collections.abc import Callable

from sqlmodel import Session

from collector.evidence_records import Timestamp
from collector.http import Http
from collector.prefilter import Prefilter
from collector.sweep import sweep
from collector.timestamps import stamp
from collector.watch import collect_source
from config.service import House, Task
from config.settings import Settings


def prefilter_of(settings: Settings) -> Prefilter:
    files = settings.files("lexicons/prefilter*.toml")
    return Prefilter.of(files, sample=settings.collect.sample_refused)


def author_key(settings: Settings) -> bytes:
    """The key that authors are digested with, the same on every machine that has the key file."""
    return settings.key("authors")


def tasks(house: House, http: Http | None = None) -> dict[str, Task]:
    """The queue's tasks. `http` replaces the usual client."""
    http = http or Http(house.settings.http)
    prefilter, key = prefilter_of(house.settings), author_key(house.settings)

    def of_a_source(act: Callable[..., object]) -> Callable[..., None]:
        def work(source: str) -> None:
            act(
                house.engine,
                source,
                http,
                prefilter,
                author_key=key,
                clock=house.clock,
                settings=house.settings.collect,
            )

        return work

    def stamp_one(sha256: str) -> None:
        authority = house.settings.collect.timestamp_url
        if authority is None:
            return
        with Session(house.engine) as session:
            if session.get(Timestamp, bytes.fromhex(sha256)) is None:
                session.add(stamp(http, authority, bytes.fromhex(sha256), now=house.clock()))
                session.commit()

    return {
        "collect": Task(of_a_source(collect_source)),
        "sweep": Task(of_a_source(sweep)),
        "stamp": Task(stamp_one),
    }
