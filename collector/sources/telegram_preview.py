"""Telegram: the public web preview of channels that a person approved, one by one. Off.

https://t.me/s/CHANNEL shows the latest messages, and older ones with `?before=ID`. It is a page and no interface:
when its form changes, the source fails and says so, it never comes back empty.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from html.parser import HTMLParser
from urllib.parse import urlsplit

from collector.batch import Attachment, Batch, CursorPosition, Item, Malformed
from collector.dates import from_iso
from collector.entries import web_address
from collector.errors import Unreadable
from collector.http import Http
from collector.interfaces import lasting
from collector.plain import tidy
from collector.sources.base import Again, Follows, How, Kind, Needs, Source, Stored

PLATFORM = "telegram"
PAGES = 10

KIND = Kind(
    how=How.ASKED,
    needs=Needs.NOTHING,
    basis="public previews of channels that a named person approved for a stated reason; no account, no closed group",
    retention=None,
    deletions=Follows.READ_AGAIN,
    edits=Follows.SHOWN_AGAIN,
    on=False,
    floor=timedelta(minutes=5),
    approved=True,
)
_MESSAGE = re.compile(r"([A-Za-z0-9_]{3,64})/(\d{1,12})")
_PICTURE = re.compile(r"background-image:\s*url\('(https://[^']{1,1000})'\)")
_ADDRESS = re.compile(r"https://t\.me/([A-Za-z0-9_]{3,64}/\d{1,12})(?:\?.*)?")
_LASTS = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):(\d{2})")
_BESIDE = {
    "message_video_duration": "lasts",
    "link_preview_title": "title",
    "link_preview_description": "description",
}
_BREAKS = frozenset({"br", "p", "div", "li", "blockquote", "pre"})
_VOID = frozenset({"br", "img", "input", "meta", "link", "hr", "source", "wbr"})


class Message:
    """One message of a preview, while it is read."""

    def __init__(self, number: int, post: str) -> None:
        self.number, self.post = number, post
        self.words: list[str] = []
        self.written = ""
        self.media: list[Attachment] = []
        self.card: dict[str, list[str]] = {}  # of a link: its address, title and description
        self.lasts = ""
        self.reply_to: str | None = None


class Preview(HTMLParser):
    """Reads the messages out of a preview page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.messages: list[Message] = []
        self.depth = 0  # of open elements inside the text of a message; 0 outside
        self.beside: str | None = None  # what the next words are, outside the text: title, description, lasts

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        marks = given.get("class", "").split()
        if "data-post" in given and "tgme_widget_message" in marks:
            found = _MESSAGE.fullmatch(given["data-post"])
            self.depth = 0
            if found:
                self.messages.append(Message(int(found[2]), given["data-post"]))
        if not self.messages:
            return
        message = self.messages[-1]
        if self.depth:
            self.depth += tag not in _VOID
            if tag in _BREAKS:
                message.words.append("\n")
        elif "js-message_text" in marks and not message.words:
            self.depth = 1
        self.beside = next((said for mark, said in _BESIDE.items() if mark in marks), None)
        if tag == "time" and "datetime" in given:
            message.written = given["datetime"]
        if tag == "a" and "tgme_widget_message_reply" in marks:
            message.reply_to = (_ADDRESS.fullmatch(given.get("href", "")) or [None, None])[1]
        if tag == "a" and "tgme_widget_message_link_preview" in marks:
            message.card = {"address": [given.get("href", "")]}
        picture = _PICTURE.search(given.get("style", ""))
        if picture and "tgme_widget_message_photo_wrap" in marks:
            message.media.append(Attachment("image", picture[1]))
        if tag == "video" and given.get("src", "").startswith("https://"):
            message.media.append(Attachment("video", given["src"]))

    def handle_endtag(self, tag: str) -> None:
        self.beside = None
        if self.depth and tag not in _VOID:
            self.depth -= 1

    def handle_data(self, data: str) -> None:
        if self.depth and self.messages:
            self.messages[-1].words.append(data)
        elif self.beside == "lasts" and self.messages:
            self.messages[-1].lasts = data.strip()
        elif self.beside and self.messages:
            self.messages[-1].card.setdefault(self.beside, []).append(data)


class TelegramPreview(Source):
    """One channel. `url` is https://t.me/s/CHANNEL."""

    def fetch(self, http: Http, cursor: CursorPosition, *, now: datetime) -> Batch:
        """Messages after the newest read before, oldest first; at first the latest page. Raises FetchError."""
        position = cursor.position or ""
        until = int(position) if position.isdecimal() else None
        messages: dict[int, Message] = {}
        before: int | None = None
        for _ in range(PAGES):
            page = self._page(http, before, now)
            messages |= {each.number: each for each in page}
            oldest = min((each.number for each in page), default=0)
            if until is None or oldest <= until + 1 or oldest == before or not page:
                break
            before = oldest
        items: list[Item] = []
        malformed: list[Malformed] = []
        for number, message in sorted(messages.items()):
            item = _item(message)
            if item is None:
                malformed.append(Malformed(f"message {number}", "has neither text nor picture nor time"))
            else:
                items.append(item)
        newest = max([*messages, *([until] if until else [])], default=None)
        reached = CursorPosition(position=str(newest)) if newest is not None else None
        return Batch(items=items, malformed=malformed, cursor=reached)

    def look_again(self, http: Http, stored: Sequence[Stored], *, now: datetime) -> Again:
        """The page right behind each message: when it shows older ones and not this one, it was deleted."""
        gone = {}
        for each in stored:
            number = int(each.external_id.rpartition("/")[2])
            page = self._page(http, number + 1, now)
            if page and all(message.number != number for message in page):
                gone[each.external_id] = "deleted from its channel"
        return Again(gone=gone)

    def _page(self, http: Http, before: int | None, now: datetime) -> list[Message]:
        address = self.place.url.partition("?")[0].rstrip("/")
        answer = http.get(f"{address}?before={before}" if before else address, now=now)
        preview = Preview()
        preview.feed(answer.body.decode("utf-8", "replace"))
        channel = urlsplit(address).path.rpartition("/")[2].lower()
        found = [each for each in preview.messages if each.post.partition("/")[0].lower() == channel]
        if not found and before is None:
            raise Unreadable(
                f"{address}: shows no messages",
                remedy="The channel is closed, renamed or has no preview: open the address in a browser",
            )
        return found


def _item(message: Message) -> Item | None:
    words, at = tidy("".join(message.words)), from_iso(message.written)
    if at is None or not (words or message.media):
        return None
    media = [*(_lasting(each, message.lasts) for each in message.media), *_linked(message.card)]
    said = [f"{each.url} {each.alt or ''}".strip() for each in media]
    shown = "\n".join([message.post, message.written, words, *said])
    return Item(
        external_id=message.post,
        platform=PLATFORM,
        url=f"https://t.me/{message.post}",
        text=words,
        published_at=at,
        published_raw=message.written[:100],
        author=message.post.partition("/")[0],
        reply_to=message.reply_to,
        media=tuple(media),
        payload=shown.encode("utf-8", "replace"),
    )


def _lasting(attached: Attachment, written: str) -> Attachment:
    """A film with how long it lasts, as a preview writes it: 0:31, 1:02:03."""
    found = _LASTS.fullmatch(written) if attached.kind == "video" else None
    if found is None:
        return attached
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return Attachment("video", attached.url, duration_s=lasting(hours * 3600 + minutes * 60 + seconds))


def _linked(card: Mapping[str, Sequence[str]]) -> Iterator[Attachment]:
    """The page a message links to, with what is said of it."""
    address = web_address("".join(card.get("address", ())), "")
    said = tidy("\n".join("".join(card.get(name, ())) for name in ("title", "description")))
    if address:
        yield Attachment("link", address, said or None)
