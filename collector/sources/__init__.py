"""The kinds of source, found by file name: `kind = "feed"` in sources.toml is `feed.py` here."""

import importlib
import inspect
import pkgutil

from collector.sources.base import Place, Source


def kinds() -> list[str]:
    """The names of all kinds, those that are asked and those that stay open."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "base")


def polled() -> dict[str, type[Source]]:
    """The kinds that are asked again and again, by name. A kind that stays open defines no Source."""
    found = {kind: _source_in(kind) for kind in kinds()}
    return {kind: source for kind, source in found.items() if source is not None}


def open_source(kind: str, place: Place) -> Source:
    """The source at a place. Raises KeyError for a kind that is not asked."""
    source = _source_in(kind) if kind in kinds() else None
    if source is None:
        raise KeyError(kind)
    return source(place)


def _source_in(kind: str) -> type[Source] | None:
    module = importlib.import_module(f"{__name__}.{kind}")
    for _, found in inspect.getmembers(module, inspect.isclass):
        if issubclass(found, Source) and found.__module__ == module.__name__:
            return found
    return None
