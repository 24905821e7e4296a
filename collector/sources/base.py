"""A kind of place to look: what every file in this folder defines one of."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, NamedTuple
from uuid import UUID

from collector.batch import Batch, CursorPosition, Item
from collector.errors import Refused
from collector.http import Http
from collector.quotas import Meter


class How(StrEnum):
    """How what a kind shows reaches us."""

    ASKED = "asked again and again"
    OPEN = "a stream that stays open"
    INBOUND = "sent or written to us"


class Needs(StrEnum):
    """What must be there before a kind is used."""

    NOTHING = "nothing"
    KEY = "a key of ours"
    AGREEMENT = "a key and a recorded agreement"


class Follows(StrEnum):
    """How a deletion or an edit at the source is noticed."""

    EVENTS = "told at once"
    READ_AGAIN = "stored posts are read again every day"
    SHOWN_AGAIN = "when the source shows the item again"
    EXPIRES = "what is stored is refreshed or goes by itself"
    NEVER = "not noticed"


class Kind(NamedTuple):
    """What a kind of source declares of itself. Every file in this folder has one, named KIND.

    `basis` is on what terms it may be read, `retention` how long the platform lets a post be kept (None: as
    long as our own rules say), `floor` how often one place may be asked at most. `headline_only` keeps title
    and link and nothing else. Of an `approved` kind a person answers for every single place. Of a
    `spared` kind only posts in custody are looked at again: each look costs its site a whole page. What a kind
    brings that is `sent_to_us` was written for us to read. `schemes` is how an address may begin, the best last.
    """

    how: How
    needs: Needs
    basis: str
    retention: timedelta | None
    deletions: Follows
    edits: Follows
    on: bool
    floor: timedelta = timedelta(minutes=5)
    headline_only: bool = False
    approved: bool = False
    spared: bool = False
    sent_to_us: bool = False
    schemes: tuple[str, ...] = ("http", "https")


class Place(NamedTuple):
    """One place of a kind: its name, its address, the hashtag or the search term where the kind has one.

    `keys` are our credentials by name, `meter` what is left of an interface's daily allowance,
    `quarantine` the folder for what was attached to a message.
    """

    name: str
    url: str
    tag: str | None = None
    term: str | None = None
    keys: Mapping[str, str] = {}
    meter: Meter | None = None
    quarantine: str | None = None


class Stored(NamedTuple):
    """A post of ours that is looked at again."""

    id: UUID
    external_id: str
    url: str | None
    payload: bytes | None


class Again(NamedTuple):
    """What looking again at stored posts showed: those still there, and those gone, by external id, with why.

    `looked` is false when nothing could be said, for want of a key: then they do not count as looked at.
    """

    items: Sequence[Item] = ()
    gone: Mapping[str, str] = {}
    looked: bool = True


class Source(ABC):
    """One kind of place that is asked again and again. Needs no credentials unless it says so.

    `together` is how many stored posts it looks at again in one request.
    """

    needs_tag: ClassVar[bool] = False
    takes_term: ClassVar[bool] = False
    needs_term: ClassVar[bool] = False
    together: ClassVar[int] = 1

    def __init__(self, place: Place) -> None:
        self.place = place

    @abstractmethod
    def fetch(self, http: Http, cursor: CursorPosition, *, now: datetime) -> Batch:
        """What is new since `cursor`, oldest first, and where to go on. Raises FetchError."""

    def look_again(self, http: Http, stored: Sequence[Stored], *, now: datetime) -> Again:  # noqa: ARG002
        """How up to `together` stored posts stand now. A kind that cannot tell says nothing. Raises FetchError."""
        return Again(looked=False)


def is_gone(error: Refused) -> bool:
    """Whether a refusal says that what was asked for is not there any more."""
    return error.status in (404, 410)
