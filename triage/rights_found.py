"""What we hold about a post that somebody names by its address: where, how much, and what keeps it. Never content.

Looked up by addresses alone: there is no way to ask for a person, an account or a name.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from collector.oembed import NotAPost, Provider, read_link
from triage.hidden import seeing_all
from triage.locked import Conflict
from triage.pasting import posts_at
from triage.permalinks import permalink_of

MOST_LINKS = 50

_KNOWN = text("SELECT post_id FROM post_tombstones WHERE permalink = ANY(:digests)")
_COPIED = text("SELECT post_id FROM held_copies WHERE content -> 'post' ->> 'url' = ANY(:addresses)")
_FOUND = text("""
    SELECT k.id, p.id IS NOT NULL AND p.withdrawn_at IS NULL AS standing, p.platform, p.published_at,
        k.collected_at, coalesce(p.withdrawn_at, t.at) AS gone_at,
        coalesce(p.withdrawn_because, t.class_name) AS gone_because,
        (SELECT count(*) FROM post_versions AS v WHERE v.post_id = k.id AND v.text <> '') AS wordings,
        (SELECT count(*) FROM media AS m WHERE m.post_id = k.id) AS pictures,
        (SELECT count(*) FROM looks AS l WHERE l.post_id = k.id AND l.file_at IS NOT NULL
            AND l.gone_at IS NULL) AS files,
        (SELECT count(*) FROM known_claims AS c WHERE c.post_id = k.id) AS quoted,
        (SELECT count(*) FROM claim_sightings AS c WHERE c.post_id = k.id) AS sightings,
        (SELECT count(*) FROM assessments AS a WHERE a.post_id = k.id) AS assessments,
        (SELECT count(*) FROM custody_entries AS c WHERE c.post_id = k.id) AS custody,
        (SELECT count(*) FROM reveals AS r WHERE r.post_id = k.id) AS reveals,
        (SELECT count(*) FROM sealed_authors AS s WHERE s.post_id = k.id) AS sealed,
        (SELECT count(*) FROM memberships AS m WHERE m.post_id = k.id) AS cases,
        (SELECT count(*) FROM held_copies AS h WHERE h.post_id = k.id) AS copies,
        (SELECT coalesce(array_agg(DISTINCT 'H-' || h.number), '{}') FROM held_posts AS c
            JOIN holds AS h ON h.id = c.hold_id WHERE c.post_id = k.id) AS holds
    FROM post_keys AS k LEFT JOIN posts AS p ON p.id = k.id AND p.collected_at = k.collected_at
    LEFT JOIN post_tombstones AS t ON t.post_id = k.id
    WHERE k.id = ANY(:posts) ORDER BY k.collected_at, k.id
""")
# what stands beside a post, as the answer says it
PARTS = {
    "wordings": "earlier wordings",
    "pictures": "pictures or links",
    "files": "files of evidence",
    "quoted": "claims in its words",
    "sightings": "claims it was compared with",
    "assessments": "what models made of it",
    "custody": "entries of who had it in hand",
    "reveals": "requests to be shown its author",
    "sealed": "its author, sealed",
    "cases": "cases it is in, or was suggested for",
    "copies": "copies kept by a legal hold",
}


class Found(NamedTuple):
    """One post that somebody asks about. Without `standing` it is a tombstone: gone at a time, for a reason."""

    post: UUID
    standing: bool
    platform: str | None
    published_at: datetime | None
    collected_at: datetime
    gone_at: datetime | None
    gone_because: str | None
    parts: dict[str, int]
    holds: list[str]

    def plain(self) -> dict[str, Any]:
        """As it is kept with the request: counts, never content."""
        told = self._asdict() | {"post": str(self.post)}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value for name, value in told.items()
        }


def read_permalinks(written: str, providers: Sequence[Provider]) -> list[str]:
    """The addresses of posts somebody names, one a line. Raises Conflict for what is no address of a post."""
    lines = list(dict.fromkeys(each.strip() for each in written.splitlines() if each.strip()))
    if not lines:
        raise Conflict("Enter the addresses of the posts, one a line.")
    if len(lines) > MOST_LINKS:
        raise Conflict(f"At most {MOST_LINKS} addresses in one request.")
    for each in lines:
        try:
            read_link(each, providers)
        except NotAPost as error:
            raise Conflict(f"{each[:120]}: {error}.") from error
    return lines


def find_posts(
    session: Session, permalinks: Sequence[str], providers: Sequence[Provider], key: bytes
) -> list[UUID]:
    """The posts at these addresses, also those that are gone, kept by a hold alone, or in a restricted case: a right
    does not end at who may see a case."""
    addresses = {each.strip() for each in permalinks} | {
        read_link(each, providers).address for each in permalinks
    }
    digests = [permalink_of(each, key) for each in addresses]
    gone = session.scalars(_KNOWN, {"digests": digests})
    copied = session.scalars(_COPIED, {"addresses": sorted(addresses)})
    with seeing_all(session):
        known = posts_at(session, addresses)
    return sorted({*known, *gone, *copied})


def what_we_hold(session: Session, posts: Sequence[UUID]) -> list[Found]:
    """What is held of each of these posts."""
    return [
        Found(
            each.id,
            each.standing,
            each.platform,
            each.published_at,
            each.collected_at,
            each.gone_at,
            each.gone_because,
            {name: number for name in PARTS if (number := getattr(each, name))},
            list(each.holds),
        )
        for each in session.execute(_FOUND, {"posts": list(posts)})
    ]
