"""The text of a post as a person reads it here: the words that raised it marked, accounts not named."""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

from classifier.records import reading_text
from collector.records import Media, Post
from triage.custody import voice_in

MENTION = re.compile(r"(?<![\w@/.])@[A-Za-z0-9_](?:[\w.\-]*\w)?(?:@[\w.\-]+\w)?")
LINK = re.compile(r"https?://\S+")


class Piece(NamedTuple):
    """A stretch of text and why it matters; most have no reason."""

    text: str
    because: tuple[str, ...]


def read_text(post: Post, media: Iterable[Media] = ()) -> str:
    """What was assessed of a post, with what is said of its pictures and links: signal offsets count its characters."""
    said = [each.alt for each in sorted(media, key=lambda each: each.url) if each.alt]
    return reading_text(post.title, post.text, said)


def unmentioned(text: str) -> str:
    """The text without account names: we look at incidents, never at people."""
    return MENTION.sub("@account", text)


def pieces(text: str, signals: Sequence[dict[str, Any]]) -> list[Piece]:
    """The text cut at the borders of its signals, each piece with the reasons that cover it."""
    spans = _spans(text, signals)
    inside = {at for each in MENTION.finditer(text) for at in range(each.start() + 1, each.end())}
    cuts = {start for start, _, _ in spans} | {end for _, end, _ in spans}
    borders = sorted({0, len(text)} | (cuts - inside))  # never inside an account's name: it would show
    return [
        Piece(unmentioned(text[start:end]), tuple(_covering(spans, start, end)))
        for start, end in pairwise(borders)
        if start < end
    ]


def reasons(text: str, signals: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """The words of each signal, whole, and what they speak for; in the order of the text."""
    names = [each.span() for each in MENTION.finditer(text)]
    found: dict[str, list[str]] = {}
    for start, end, because in sorted(_spans(text, signals)):
        for first, last in names:
            if first < end and start < last:
                start, end = min(start, first), max(end, last)
        words = " ".join(unmentioned(text[start:end]).split())
        said = found.setdefault(words, [])
        if (because := re.sub(rf"(?i): {re.escape(words)}$", "", because)) not in said:
            said.append(because)
    return [(words, "; ".join(said)) for words, said in found.items() if words]


def about_whole(signals: Sequence[dict[str, Any]]) -> list[str]:
    """What was held of the text as a whole, such as what it is like."""
    return [
        str(each["because"])
        for each in signals
        if each.get("because") and each.get("end") == each.get("start") == 0
    ]


def _spans(text: str, signals: Sequence[dict[str, Any]]) -> list[tuple[int, int, str]]:
    """Where each signal stands, and why. Offsets outside the text are cut to it: an old assessment must
    never break a page."""
    spans = [
        (
            max(int(each["start"]), 0),
            min(int(each["end"]), len(text)),
            str(each.get("because") or each["name"]),
        )
        for each in signals
        if each.get("start") is not None and each.get("end") is not None
    ]
    return [each for each in spans if each[0] < each[1]]


def _covering(spans: Iterable[tuple[int, int, str]], start: int, end: int) -> list[str]:
    return list(dict.fromkeys(why for first, last, why in spans if first < end and start < last))


def same_words(post: Post) -> bytes:
    """A key that reposts and copies of one text share: letters and digits only, links and accounts left out."""
    bare = MENTION.sub("", LINK.sub("", read_text(post))).casefold()
    kept = "".join(each for each in bare if each.isalnum())
    return hashlib.sha256((kept or str(post.id)).encode()).digest()


def pseudonym(case_id: UUID, author_key: bytes | None) -> str:
    """An author's name in this case only, such as `Voice 4KQ`: nobody can be followed from case to case."""
    if author_key is None:
        return ""
    return f"Voice {base64.b32encode(voice_in(case_id, author_key))[:3].decode()}"


def sentence(text: str, longest: int = 160) -> str:
    """The start of a text on one line, cut at a word."""
    line = " ".join(unmentioned(text).split())
    return line if len(line) <= longest else line[:longest].rsplit(" ", 1)[0] + "…"
