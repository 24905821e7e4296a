"""What one look at a source brings back: items as published, and where the next look starts."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec


class Attachment(msgspec.Struct, frozen=True):
    """A picture, video, sound or linked page shown with an item, by address. `kind` is image, video, audio or link.

    `alt` is what is said of it: its description, or the title and summary on a link's card. `aspect` is
    width by height.
    """

    kind: str
    url: str
    alt: str | None = None
    duration_s: float | None = None
    aspect: float | None = None


class Came(msgspec.Struct, frozen=True):
    """The answer of a server that items came in: its address, its headers, the digest of its body."""

    id: UUID
    url: str
    headers: dict[str, str]
    body_sha256: bytes


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One item as its source published it, not yet stored.

    `external_id` is the item's id on its platform; where such ids are only unique within one site or
    file (a feed's guid "17"), `scope` names that site, else it is empty. `author` is plain here and
    only ever stored as a keyed digest; of what was recorded only that digest is there, `author_key`.
    `payload` is the item as it came, for evidence; its SHA-256 is kept. Items with `indexable` false are
    never stored: their authors asked not to be found. `lang` is a language tag, or several with commas.
    `reply_to` and `quote_of` name another post by its id or address. `edited_at` is when its author last
    changed it, as far as the platform says. `let_in_by` is set by a source that has already asked the
    prefilter; others leave it None. `came_in` names one of the batch's answers.
    """

    external_id: str
    platform: str
    text: str
    payload: bytes
    scope: str = ""
    url: str | None = None
    title: str | None = None
    published_at: datetime | None = None
    published_raw: str | None = None
    edited_at: datetime | None = None
    lang: str | None = None
    author: str | None = None
    author_key: bytes | None = None
    reply_to: str | None = None
    quote_of: str | None = None
    content_warning: str | None = None
    media: tuple[Attachment, ...] = ()
    reach: dict[str, int] = {}
    indexable: bool = True
    let_in_by: str | None = None
    came_in: UUID | None = None

    def whole(self) -> str:
        """All it says: its text, its warning, and what is said of its pictures and links."""
        beside = [self.content_warning, *(each.alt for each in self.media)]
        return "\n".join(part for part in (self.text, *beside) if part)


class CursorPosition(msgspec.Struct, frozen=True):
    """Where the next look starts. What is None is forgotten when this is stored.

    `position` is the source's own mark (a Jetstream sequence, the newest Mastodon id); `etag` and
    `last_modified` are a server's words, given back byte for byte.
    """

    position: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    body_sha256: bytes | None = None


class Missed(msgspec.Struct, frozen=True):
    """A stretch of time that the source may have filled without our seeing it; becomes a Gap."""

    from_at: datetime
    until_at: datetime
    because: str


class Deletion(msgspec.Struct, frozen=True):
    """A post taken back by its author or its platform.

    Either one post (`external_id`) or all whose external id begins with `prefix`, such as the posts of
    an account that is gone ("did:plc:abc/"). Exactly one of the two is set.
    """

    platform: str
    because: str
    external_id: str | None = None
    prefix: str | None = None


class Wish(msgspec.Struct, frozen=True):
    """Whether an account asks not to be shown to strangers, as it says now of all it writes."""

    platform: str
    author: str
    hidden: bool


class Malformed(msgspec.Struct, frozen=True):
    """One item that could not be read: which one (its id, or line and file), and why."""

    which: str
    why: str


class Refused(NamedTuple):
    """One item that the prefilter refused, with the lot it drew (collector/reservoir.py); `read` makes it an item."""

    lot: float
    read: Callable[[], Item]


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Items in the order they are to be stored, oldest first.

    `cursor` None leaves the stored cursor where it is. `dropped` counts items that the source itself
    has already held against the prefilter and left out, `refused` are a few of them. `more` asks to be
    fetched again at once, `rest_until` not to be before then, nor anything else on that host.
    """

    items: list[Item] = []
    cursor: CursorPosition | None = None
    gaps: list[Missed] = []
    deletions: list[Deletion] = []
    wishes: list[Wish] = []
    malformed: list[Malformed] = []
    answers: list[Came] = []
    dropped: int = 0
    refused: list[Refused] = []
    more: bool = False
    rest_until: datetime | None = None
