"""The tip form: what is filled in, what is wrong with it, and the pass that proves it was our page."""

import base64
import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from collector.batch import Item
from collector.boroughs import BOROUGHS, NEIGHBOUR
from collector.entries import web_address
from collector.plain import clean, tidy
from collector.records import post_id
from collector.tips import LONGEST, PLATFORM, Tip, item_of

LINKS = 5
LONGEST_LINE = 300
LONGEST_LINK = 2_000
LEAST = 10  # characters of what happened
REFERENCE_BYTES = 10  # 16 characters, in four groups
REFERENCE = re.compile(r"[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}")


class Filled(NamedTuple):
    """The fields as they came. `website` is seen by programs alone: a person leaves it empty."""

    what: str = ""
    place: str = ""
    borough: str = ""
    when: str = ""
    links: str = ""
    website: str = ""

    @property
    def lines(self) -> list[str]:
        return [line for each in self.links.splitlines() if (line := each.strip())]

    @property
    def tip(self) -> Tip:
        """What is told, once nothing is wrong."""
        return Tip(
            what=tidy(self.what),
            place=tidy(self.place),
            borough=self.borough,
            when=tidy(self.when),
            links=tuple(found for each in self.lines if (found := _address(each))),
        )


def wrong_with(filled: Filled) -> dict[str, str]:
    """What is wrong, by field, in the order of the page."""
    checks = {
        "what": _wrong_story(filled.what),
        "place": _wrong_line(filled.place, "Where it happened", "where it happened"),
        "borough": "" if filled.borough in {"", *BOROUGHS, NEIGHBOUR} else "Choose a borough from the list",
        "when": _wrong_line(filled.when, "When it happened", "when it happened"),
        "links": _wrong_links(filled.lines),
        "website": "Leave this field empty" if filled.website else "",
    }
    return {field: wrong for field, wrong in checks.items() if wrong}


def _wrong_story(what: str) -> str:
    length = len(tidy(what))
    if not length:
        return "Enter what happened"
    if length < LEAST:
        return "Say a little more about what happened"
    return f"What happened must be {LONGEST:,} characters or fewer" if length > LONGEST else ""


def _wrong_line(line: str, named: str, asked: str) -> str:
    if not tidy(line):
        return f"Enter {asked}, or “not sure”"
    return f"{named} must be {LONGEST_LINE} characters or fewer" if len(line) > LONGEST_LINE else ""


def _wrong_links(lines: list[str]) -> str:
    if len(lines) > LINKS:
        return f"Enter {LINKS} links or fewer"
    number = next((number for number, each in enumerate(lines, 1) if not _address(each)), None)
    return f"Link {number} must be a web address, such as https://example.org/post" if number else ""


def _address(line: str) -> str | None:
    """A line as a web address; people leave https:// out."""
    if len(line) > LONGEST_LINK or len(line.split()) != 1:
        return None
    if "://" not in line and "." in line.partition("/")[0]:
        line = f"https://{line}"
    return web_address(line, "")


def item(filled: Filled, given: str, key: bytes, now: datetime) -> Item:
    """The tip as a post. The same words under the same pass are the same tip, however often they are sent."""
    tip = filled.tip
    said = "\0".join((given, tip.what, tip.place, tip.borough, tip.when, *tip.links))
    digest = hmac.digest(key, said.encode(), "sha256")[:REFERENCE_BYTES]
    letters = base64.b32encode(digest).decode()
    reference = "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))
    return item_of(tip, reference, published_at=now)


def post_of(reference: str) -> UUID | None:
    """The post that a reference stands for; None of what is no reference."""
    return post_id(PLATFORM, reference) if REFERENCE.fullmatch(reference) else None


def make_pass(cookie: str, key: bytes, now: datetime) -> str:
    """A pass for one page: when it was made, something random, and our seal over both and the browser's cookie."""
    bare = f"{int(now.timestamp() * 1000)}.{secrets.token_urlsafe(12)}"
    return f"{bare}.{_seal(bare, cookie, key)}"


def age_of(given: str, cookie: str, key: bytes, now: datetime) -> timedelta | None:
    """How long ago we made this pass for this browser; None when we did not."""
    bare, _, seal = given.rpartition(".")
    if not cookie or not hmac.compare_digest(seal.encode(), _seal(bare, cookie, key).encode()):
        return None
    return now - datetime.fromtimestamp(int(bare.partition(".")[0]) / 1000, now.tzinfo)


def _seal(bare: str, cookie: str, key: bytes) -> str:
    return hmac.digest(key, f"{bare}\0{cookie}".encode(), "sha256").hex()


def filled_of(form: Mapping[str, object]) -> Filled:
    """The fields of a form; what is no text, such as a file, counts as not filled in."""
    given = {name: clean(value) for name in Filled._fields if isinstance(value := form.get(name), str)}
    return Filled(**given)
