"""A tip: what someone tells us of an encounter, through the form or as a partner. Contact details are taken out.

Tips go the way of all posts, only that no prefilter stands before them: a person sent them to us.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid5

import msgspec
from sqlalchemy import text
from sqlmodel import Session

from collector.batch import Batch, Item
from collector.collect import collect, id_of
from collector.plain import tidy
from collector.records import POST_NAMESPACE, Failure

PLATFORM = "tip"
RULE = "sent to us"
LONGEST = 5_000
TAKEN_OUT = "[contact details taken out]"

# An address of a page stays as it is; outside of one, what looks like an e-mail address or a British phone number goes.
_CONTACT = re.compile(
    r"(?P<page>https?://\S+)"
    r"|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"
    r"|(?<![\w/.-])(?:\+44|0044|0)(?:[\s().-]{0,3}\d){9,10}(?!\w)"
)


class Tip(msgspec.Struct, frozen=True, kw_only=True):
    """What is told: what happened, and as far as known where, when, and which public posts show it."""

    what: str
    place: str = ""
    borough: str = ""
    when: str = ""
    links: tuple[str, ...] = ()


class Everything:
    """In place of the prefilter: what is sent to us is never dropped."""

    sample = 0  # refuses nothing

    def lets_in(self, texts: Sequence[str]) -> list[str | None]:
        return [RULE] * len(texts)


class Taken(NamedTuple):
    """A post that is kept, and whether it is new."""

    post: UUID
    new: bool


def item_of(tip: Tip, external_id: str, *, scope: str = "", published_at: datetime | None) -> Item:
    """A tip as a post, without contact details, also in what is kept of how it came."""
    kept = Tip(
        what=without_contacts(tip.what),
        place=without_contacts(tip.place),
        borough=tip.borough,
        when=without_contacts(tip.when),
        links=tip.links,
    )
    return Item(
        external_id=external_id,
        scope=scope,
        platform=PLATFORM,
        url=tip.links[0] if tip.links else None,
        text=_in_words(kept),
        published_at=published_at,
        published_raw=kept.when or None,
        payload=msgspec.json.encode(kept),
    )


def without_contacts(written: str) -> str:
    """The text with e-mail addresses and phone numbers taken out; addresses of pages stay."""
    return _CONTACT.sub(lambda found: found["page"] or TAKEN_OUT, tidy(written))


def take_in(session: Session, source: str, items: Sequence[Item], *, now: datetime) -> list[Taken]:
    """Keep tips and leave jobs to assess them; one that is known already is not kept twice. The caller commits."""
    ids = [id_of(item) for item in items]
    before = set(session.scalars(text("SELECT id FROM post_keys WHERE id = ANY(:ids)"), {"ids": ids}))
    collect(session, source, Batch(items=list(items)), Everything(), author_key=b"", now=now)
    return [Taken(each, each not in before) for each in ids]


def is_kept(session: Session, post: UUID) -> bool:
    """Whether the tip with this id has been taken in."""
    found = session.execute(text("SELECT 1 FROM post_keys WHERE id = :id"), {"id": post})
    return found.first() is not None


def is_open(session: Session, source: str) -> bool:
    """Whether a source of tips stands in the catalogue and is switched on."""
    asked = text("SELECT 1 FROM sources WHERE name = :source AND kind = :kind AND enabled")
    return session.execute(asked, {"source": source, "kind": PLATFORM}).first() is not None


def note_flood(session: Session, most: int, *, now: datetime) -> None:
    """Say on the desk that people were turned away: one failure a day, as long as it goes on. The caller commits."""
    session.merge(
        Failure(
            id=uuid5(POST_NAMESPACE, f"tips turned away\0{now:%Y-%m-%d}"),
            at=now,
            stage="tips",
            subject="the tip form",
            error=f"more than {most:,} tips in an hour: people were asked to come back later",
            remedy="Look whether they are real; then set GOLDENHOUR_TIPS__ALL_AN_HOUR, or close the form",
        )
    )


def _in_words(tip: Tip) -> str:
    """A tip as one text, in the order a person would tell it."""
    where = ", ".join(part for part in (tip.place, tip.borough) if part)
    said = [tip.what, f"Where: {where}" if where else "", f"When: {tip.when}" if tip.when else "", *tip.links]
    return "\n".join(part for part in said if part)
