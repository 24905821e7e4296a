"""What sheets are made from beside the records: the purposes, the agreements and how long each class of data stays."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from collector.agreements import Agreement
from triage.accountability.purposes import Purposes


class Kept(NamedTuple):
    """How long one class of data stays, in words, and what happens then."""

    name: str
    covers: str
    stays: str
    then: str


class Known(NamedTuple):
    """Plain values, read once at start. `agreements` are read again each time, as the collectors do."""

    purposes: Purposes
    agreements: Callable[[], Sequence[Agreement]]
    kept: Sequence[Kept] = ()
