"""The signals: every module here has `find(reading) -> Iterator[Finding]`. Adding one is adding a file."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator

from classifier.reading import Finding, Reading

Find = Callable[[Reading], Iterator[Finding]]


def load_signals() -> dict[str, Find]:
    """Every signal by its name, in the order of their names."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name: importlib.import_module(f"{__name__}.{name}").find for name in names}
