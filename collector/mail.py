"""Reads one e-mail (RFC 5322): what it says, who sent it, and what is attached, which is never opened."""

import hashlib
import os
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from collector.batch import Attachment, Item
from collector.entries import short_id, with_title
from collector.plain import plain, shortened, tidy

PLATFORM = "mail"
MOST_PARTS = 100
_KINDS = ("image", "video", "audio")


class Attached(NamedTuple):
    """A file that came with a message: its name for people, its type as said by the sender, its bytes."""

    name: str
    mime: str
    body: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


class Automatic(ValueError):
    """A machine wrote this: a bounce, a reply in someone's absence. Nobody tells us anything with it."""


def read_mail(raw: bytes, number: str) -> tuple[Item, list[Attached]]:
    """A message and what is attached to it. `number` names it when it has no Message-ID. Raises ValueError, of
    which Automatic is one.

    Nothing a message points to is fetched: no pictures, no trackers.
    """
    try:
        message = BytesParser(policy=policy.default).parsebytes(raw)
        if not isinstance(message, EmailMessage) or not message.keys():
            raise ValueError("not an e-mail")
        if _is_automatic(message):
            raise Automatic("written by a machine")
        words, attached = _parts(message)
        title = tidy(str(message.get("subject", "")))[:500]
        named = tidy(str(message.get("message-id", ""))).strip("<>")
        sender = parseaddr(str(message.get("from", "")))[1].lower()
        written = str(message.get("date", ""))
    except (LookupError, UnicodeError, AttributeError, IndexError, TypeError, RecursionError) as error:
        raise ValueError(f"its headers or parts are broken ({type(error).__name__})") from error
    return Item(
        external_id=short_id(named or number),
        platform=PLATFORM,
        title=title or None,
        text=shortened(with_title(title, words)),
        published_at=_moment(written),
        published_raw=tidy(written)[:100] or None,
        author=sender or None,
        media=tuple(_media(each) for each in attached if each.mime.partition("/")[0] in _KINDS),
        payload=raw,
    ), attached


def _is_automatic(message: EmailMessage) -> bool:
    """Replies by machines (RFC 3834, 5) and reports of what was not delivered (RFC 3462)."""
    said = str(message.get("auto-submitted", "no")).partition(";")[0].strip().lower()
    report = message.get_content_type() == "multipart/report"
    return said != "no" or report or str(message.get("return-path", "")).strip() == "<>"


def _moment(written: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(written)
    except (ValueError, TypeError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _parts(message: EmailMessage) -> tuple[str, list[Attached]]:
    """The words, from plain text rather than from HTML, and the attachments."""
    texts: dict[str, list[str]] = {"plain": [], "html": []}
    attached = []
    for number, part in enumerate(message.walk()):
        if number >= MOST_PARTS or part.is_multipart():
            continue
        mime = part.get_content_type()
        if mime.startswith("text/") and part.get_content_disposition() != "attachment":
            texts.setdefault(mime.partition("/")[2], []).append(_words(part))
        else:
            body = part.get_payload(decode=True)
            name = tidy(str(part.get_filename() or ""))[:200]
            attached.append(Attached(name, mime, body if isinstance(body, bytes) else b""))
    if any(each.strip() for each in texts["plain"]):
        return tidy("\n".join(texts["plain"])), attached
    return tidy("\n".join(plain(each) for each in texts["html"])), attached


def _words(part: EmailMessage) -> str:
    body = part.get_payload(decode=True)
    if not isinstance(body, bytes):
        return ""
    charset = part.get_content_charset() or "utf-8"
    try:
        return body.decode(charset, "replace")
    except (LookupError, UnicodeError):
        return body.decode("utf-8", "replace")


def _media(attached: Attached) -> Attachment:
    """What came with a message, by its digest: there is no address."""
    return Attachment(attached.mime.partition("/")[0], f"sha256:{attached.sha256}", attached.name or None)


def quarantine(attached: list[Attached], folder: Path) -> None:
    """Keep attachments under their digests, beside a note of their names; readable by this user alone."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for each in attached:
        for path, body in (
            (folder / each.sha256, each.body),
            (folder / f"{each.sha256}.json", msgspec.json.encode({"name": each.name, "mime": each.mime})),
        ):
            if not path.exists():
                made = os.open(path, os.O_WRONLY | os.O_CREAT, 0o400)
                with os.fdopen(made, "wb") as file:
                    file.write(body)
