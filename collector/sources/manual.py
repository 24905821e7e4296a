"""Links that a person pastes, with a reason: what no interface shows us. Its address, and the person's own note."""

import msgspec

from collector.batch import Attachment, Item
from collector.entries import short_id
from collector.oembed import Link, Shown, Silent
from collector.plain import tidy
from collector.sources.base import Follows, How, Kind, Needs

PASTED = "pasted-links"
PLATFORM = "manual"

KIND = Kind(
    how=How.INBOUND,
    needs=Needs.NOTHING,
    basis="one public link at a time, pasted by a named person with a reason; no page is copied",
    retention=None,
    deletions=Follows.NEVER,
    edits=Follows.NEVER,
    on=True,
)


class Pasted(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of how a link came: never who published it. `silent` is why its platform told nothing."""

    link: str
    platform: str
    note: str
    title: str | None = None
    picture: str | None = None
    silent: str | None = None


def item_of(link: Link, note: str, told: Shown | Silent) -> Item:
    """A pasted link as a post: the words are those of the person who saw it, the title its platform's."""
    shown = told if isinstance(told, Shown) else Shown()
    kept = Pasted(
        link=link.address,
        platform=link.platform,
        note=tidy(note),
        title=shown.title,
        picture=shown.picture,
        silent=told.because if isinstance(told, Silent) else None,
    )
    media = [Attachment("video", link.address)] if shown.video else []
    media += [Attachment("image", shown.picture)] if shown.picture else []
    return Item(
        external_id=short_id(link.address),
        platform=PLATFORM,
        url=link.address,
        title=shown.title,
        text=kept.note,
        author=f"{link.platform} {shown.author}" if shown.author else None,
        media=tuple(media),
        payload=msgspec.json.encode(kept),
    )


def read_pasted(payload: bytes | None) -> Pasted | None:
    """How a link came; None of a post that came another way, or whose payload is gone."""
    try:
        return msgspec.json.decode(payload or b"", type=Pasted)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
