"""Plain text for Slack: one line, within a length, with nothing in it that Slack would act on."""

import unicodedata
from collections.abc import Iterator

JOINER = "\u200d"
TELLING = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}  # Slack, "Formatting text", "Escaping text", read 2026-11


def plain(text: str, limit: int) -> str:
    """`text` on one line, escaped, at most `limit` characters as sent, never cut inside a written character.

    Control, bidi and other invisible format characters go; a joiner inside an emoji stays.
    """
    line = " ".join("".join(_seen(text)).split())
    escaped = [_escape(each) for each in graphemes(line)]
    if sum(map(len, escaped)) <= limit:
        return "".join(escaped)
    kept, room = [], limit - 1
    for each in escaped:
        if len(each) > room:
            break
        kept.append(each)
        room -= len(each)
    return "".join(kept) + "…"


def graphemes(text: str) -> Iterator[str]:
    """The written characters of a text: a base with its marks, joined emoji, flag pairs, Hangul syllables.

    A simplified reading of Unicode UAX 29: it may keep together what the full rules would part, never the reverse
    for the scripts it names.
    """
    cluster = ""
    for character in text:
        if cluster and not _belongs(cluster, character):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _belongs(cluster: str, character: str) -> bool:
    if unicodedata.category(character) in ("Mn", "Me", "Mc") or character in (JOINER, "\ufe0f", "\u200c"):
        return True
    if 0x1F3FB <= ord(character) <= 0x1F3FF or 0xE0020 <= ord(character) <= 0xE007F:
        return True
    if cluster[-1] == JOINER:
        return True
    if _is_flag(character) and all(map(_is_flag, cluster)):
        return len(cluster) % 2 == 1
    return 0x1160 <= ord(character) <= 0x11FF


def _is_flag(character: str) -> bool:
    return 0x1F1E6 <= ord(character) <= 0x1F1FF


def _seen(text: str) -> Iterator[str]:
    for character in text:
        category = unicodedata.category(character)
        if category in ("Cc", "Zl", "Zp") or character.isspace():
            yield " "
        elif category == "Cs" or (category == "Cf" and character not in (JOINER, "\u200c")):
            continue
        else:
            yield character


def _escape(grapheme: str) -> str:
    return "".join(TELLING.get(character, character) for character in grapheme)
