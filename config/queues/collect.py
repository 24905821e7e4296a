"""The queue `collect`: the guarded client and the prefilter, and one visit to one source a job."""

from collector.http import Http
from collector.prefilter import Prefilter
from collector.watch import collect_source
from config.service import House, Task
from config.settings import Settings


def prefilter_of(settings: Settings) -> Prefilter:
    return Prefilter.of(settings.files("lexicons/prefilter*.toml"))


def author_key(settings: Settings) -> bytes:
    """The key that authors are digested with, the same on every machine that has the key file."""
    return settings.key("authors")


def tasks(house: House) -> dict[str, Task]:
    http, prefilter, key = Http(house.settings.http), prefilter_of(house.settings), author_key(house.settings)

    def work(source: str) -> None:
        collect_source(
            house.engine,
            source,
            http,
            prefilter,
            author_key=key,
            clock=house.clock,
            settings=house.settings.collect,
        )

    return {"collect": Task(work)}
