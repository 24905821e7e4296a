"""The kinds of source, found by file name: `kind = "feed"` in sources.toml is `feed.py` here."""

import importlib
import inspect
import pkgutil
from functools import cache

from collector.sources.base import How, Kind, Place, Source


def kinds() -> list[str]:
    """The names of all kinds: those that are asked, those that stay open, and those that reach us by themselves."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "base")


@cache
def kind_of(kind: str) -> Kind:
    """What a kind declares of itself. Raises KeyError for a kind that is not there."""
    if kind not in kinds():
        raise KeyError(kind)
    declared: Kind = importlib.import_module(f"{__name__}.{kind}").KIND
    return declared


@cache
def polled() -> dict[str, type[Source]]:
    """The kinds that are asked again and again, by name. The others define no Source."""
    found = {kind: _source_in(kind) for kind in kinds()}
    return {kind: source for kind, source in found.items() if source is not None}


@cache
def streamed() -> frozenset[str]:
    """The kinds that stay open."""
    return frozenset(kind for kind in kinds() if kind_of(kind).how is How.OPEN)


@cache
def inbound() -> frozenset[str]:
    """The kinds that reach us by themselves: nobody goes there, and they have no rhythm."""
    return frozenset(kind for kind in kinds() if kind_of(kind).how is How.INBOUND)


def open_source(kind: str, place: Place) -> Source:
    """The source at a place. Raises KeyError for a kind that is not asked."""
    return polled()[kind](place)


def _source_in(kind: str) -> type[Source] | None:
    module = importlib.import_module(f"{__name__}.{kind}")
    for _, found in inspect.getmembers(module, inspect.isclass):
        if issubclass(found, Source) and found.__module__ == module.__name__:
            return found
    return None
