"""A kind of place to look: what every file in this folder defines one of."""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import ClassVar, NamedTuple

from collector.batch import Batch, CursorPosition
from collector.http import Http


class Place(NamedTuple):
    """One place of a kind: its name, its address, and the hashtag where the kind has one."""

    name: str
    url: str
    tag: str | None = None


class Source(ABC):
    """One kind of place that is asked again and again. Needs no credentials unless it says so."""

    needs_tag: ClassVar[bool] = False

    def __init__(self, place: Place) -> None:
        self.place = place

    @abstractmethod
    def fetch(self, http: Http, cursor: CursorPosition, *, now: datetime) -> Batch:
        """What is new since `cursor`, oldest first, and where to go on. Raises FetchError."""
