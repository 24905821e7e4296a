"""The bulk statements under the collect stage: thousands of rows in a few round trips.

Rows are sorted by id before they are written, so that two transactions never wait for each other in a ring.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID, uuid4, uuid5

import msgspec
from psycopg import Connection
from sqlalchemy import text
from sqlmodel import Session

from collector.batch import Attachment, Came, CursorPosition, Deletion, Malformed, Missed
from collector.footage_records import withdraw_footage
from collector.jobs import defer, ids
from collector.plain import clean
from collector.records import POST_NAMESPACE, minute_of, post_id

GOING = 2_000  # posts let go of in one batch: to look for them costs as much as a batch
FORGOTTEN = 500  # withdrawn posts a job
NAMED = 100  # malformed items of one batch that are kept by name; all are counted


class Row(NamedTuple):
    """A post about to be stored, with what hangs on it. The first fields are the columns of `posts`."""

    id: UUID
    collected_at: datetime
    source: str
    platform: str
    external_id: str
    url: str | None
    title: str | None
    text: str
    lang: str | None
    published_at: datetime
    published_raw: str | None
    author_key: bytes | None
    reply_to: str | None
    quote_of: str | None
    content_warning: str | None
    has_video: bool
    payload: bytes | None
    payload_sha256: bytes
    let_in_by: str
    edited_at: datetime | None = None
    fetch_id: UUID | None = None
    media: tuple[Attachment, ...] = ()
    reach: Mapping[str, int] = {}


_POSTS = dict.fromkeys(Row._fields[:21], "text") | {
    "edited_at": "timestamptz",
    "fetch_id": "uuid",
    "id": "uuid",
    "collected_at": "timestamptz",
    "published_at": "timestamptz",
    "author_key": "bytea",
    "has_video": "bool",
    "payload": "bytea",
    "payload_sha256": "bytea",
}
_MEDIA = {
    "id": "uuid",
    "post_id": "uuid",
    "kind": "text",
    "url": "text",
    "alt": "text",
    "duration_s": "float8",
    "aspect": "float8",
}
_SIGHTINGS = {"seen_at": "timestamptz", "post_id": "uuid", "source": "text", "reach": "jsonb"}


def new_among(session: Session, posts: Sequence[UUID], *, now: datetime) -> set[UUID]:
    """Those of these ids that were never taken in before; from now on they have been."""
    if not posts:
        return set()
    found = session.execute(
        text(
            "INSERT INTO post_keys (id, collected_at) SELECT unnest(CAST(:ids AS uuid[])), :now"
            " ON CONFLICT DO NOTHING RETURNING id"
        ),
        {"ids": sorted(posts), "now": now},
    )
    return {each.id for each in found}


def store_posts(session: Session, rows: Sequence[Row]) -> None:
    """Write new posts with their media."""
    _copy(session, "posts", _POSTS, [row[: len(_POSTS)] for row in rows])
    _copy(session, "media", _MEDIA, [(uuid4(), row.id, *_plain(each)) for row in rows for each in row.media])


def _plain(each: Attachment) -> tuple[str, str, str | None, float | None, float | None]:
    return each.kind, clean(each.url), clean(each.alt) if each.alt else None, each.duration_s, each.aspect


def keep_answers(
    session: Session, source: str, answers: Sequence[Came], used: Collection[UUID | None], *, now: datetime
) -> None:
    """Keep the address and headers of the answers that new posts came in."""
    for answer in answers:
        if answer.id in used:
            session.execute(
                text(
                    "INSERT INTO fetches (id, source, at, url, headers, body_sha256)"
                    " VALUES (:id, :source, :at, :url, CAST(:headers AS jsonb), :body_sha256)"
                ),
                {
                    "id": answer.id,
                    "source": source,
                    "at": now,
                    "url": clean(answer.url)[:2_000],
                    "headers": msgspec.json.encode(answer.headers).decode(),
                    "body_sha256": answer.body_sha256,
                },
            )


def keep_sightings(
    session: Session, rows: Sequence[Row], new: set[UUID], source: str, *, now: datetime
) -> None:
    """Note that a source showed these posts; a known one again only for another source or another reach."""
    first = [(now, row.id, source, dict(row.reach)) for row in rows if row.id in new]
    _copy(session, "sightings", _SIGHTINGS, first)
    again = [row for row in rows if row.id not in new]
    if again:
        session.execute(
            text(
                "INSERT INTO sightings (seen_at, post_id, source, reach)"
                " SELECT :now, shown.id, CAST(:source AS text), CAST(shown.reach AS jsonb)"
                " FROM unnest(CAST(:ids AS uuid[]), CAST(:reach AS text[])) AS shown (id, reach)"
                " WHERE NOT EXISTS (SELECT FROM sightings AS old WHERE old.post_id = shown.id"
                " AND old.source = CAST(:source AS text) AND old.reach = CAST(shown.reach AS jsonb))"
            ),
            {
                "now": now,
                "source": source,
                "ids": [row.id for row in again],
                "reach": [_reach(row) for row in again],
            },
        )


def _reach(row: Row) -> str:
    return msgspec.json.encode(row.reach).decode() if row.reach else "{}"


def withdraw(session: Session, deletions: Iterable[Deletion], *, now: datetime) -> int:
    """Take the content of deleted posts away; digests, labels and decisions stay. Returns how many posts that was.

    With the words go its addresses, which name its author, and its sealed author. The rooms above let go what they
    quoted of it: the job `forget`.
    """
    listed = list(deletions)
    single = {post_id(each.platform, each.external_id): each.because for each in listed if each.external_id}
    return withdraw_posts(session, single | _beginning(session, listed), now=now)


def _beginning(session: Session, deletions: Sequence[Deletion]) -> dict[UUID, str]:
    """The posts whose ids begin as deletions say, such as those of an account that is gone, each with its reason."""
    many = [
        (each.platform, each.prefix, _behind(each.prefix), each.because) for each in deletions if each.prefix
    ]
    if not many:
        return {}
    platforms, starts, ends, because = (list(each) for each in zip(*many, strict=True))
    found = session.execute(
        text(  # OFFSET keeps PostgreSQL from comparing all with all: each is looked up in the index
            "SELECT id, d.because FROM unnest(CAST(:platforms AS text[]), CAST(:starts AS text[]),"
            " CAST(:ends AS text[]), CAST(:because AS text[])) AS d (platform, first, behind, because)"
            " CROSS JOIN LATERAL (SELECT id FROM posts WHERE external_id ~>=~ d.first AND external_id ~<~ d.behind"
            " AND posts.platform = d.platform AND withdrawn_at IS NULL OFFSET 0) AS written"
        ),
        {"platforms": platforms, "starts": starts, "ends": ends, "because": because},
    )
    return {each.id: each.because for each in found}


def _behind(prefix: str) -> str:
    """The first text, by its bytes, behind all that begin so. The index on posts' addresses finds what lies between."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


# whatever is known of a post, row for row; payloads and sealed authors stand in it in hexadecimal
_COPY_HELD = text("""
    INSERT INTO held_copies (post_id, source, collected_at, taken_at, because, content)
    SELECT p.id, p.source, p.collected_at, :now, d.because, jsonb_build_object('post', to_jsonb(p),
        'versions', (SELECT coalesce(jsonb_agg(to_jsonb(v) ORDER BY v.number), '[]') FROM post_versions AS v
            WHERE v.post_id = p.id),
        'media', (SELECT coalesce(jsonb_agg(to_jsonb(m) ORDER BY m.id), '[]') FROM media AS m WHERE m.post_id = p.id),
        'author', (SELECT to_jsonb(a) FROM sealed_authors AS a WHERE a.post_id = p.id))
    FROM unnest(CAST(:ids AS uuid[]), CAST(:because AS text[])) AS d (id, because)
    JOIN post_keys AS k ON k.id = d.id JOIN posts AS p ON p.id = k.id AND p.collected_at = k.collected_at
    WHERE p.withdrawn_at IS NULL AND EXISTS (SELECT FROM held_posts AS h WHERE h.post_id = d.id)
    ON CONFLICT (post_id) DO NOTHING
""")


def withdraw_posts(session: Session, because: Mapping[UUID, str], *, now: datetime) -> int:
    """The same for posts by their id, each with its reason. Of what a hold covers a copy stays, for the hold alone."""
    if not because:
        return 0
    session.execute(_COPY_HELD, {"ids": list(because), "because": list(because.values()), "now": now})
    found = session.execute(
        text(
            "WITH gone AS (SELECT k.id, k.collected_at, d.because"
            " FROM unnest(CAST(:ids AS uuid[]), CAST(:because AS text[])) AS d (id, because)"
            " JOIN post_keys AS k USING (id)), emptied AS ("
            " UPDATE posts SET external_id = '', text = '', title = NULL, url = NULL, payload = NULL,"
            " author_key = NULL, published_raw = NULL, content_warning = NULL, reply_to = NULL,"
            " quote_of = NULL, has_video = false, withdrawn_at = :now, withdrawn_because = gone.because FROM gone"
            " WHERE posts.id = gone.id AND posts.collected_at = gone.collected_at"
            " AND posts.withdrawn_at IS NULL RETURNING posts.id),"
            " unlinked AS (DELETE FROM media USING emptied WHERE media.post_id = emptied.id),"
            " unsealed AS (DELETE FROM sealed_authors USING emptied WHERE sealed_authors.post_id = emptied.id),"
            " worded AS (UPDATE post_versions SET text = '', title = NULL, payload = NULL,"
            " content_warning = NULL FROM emptied WHERE post_versions.post_id = emptied.id),"
            " unsampled AS (DELETE FROM refused_items WHERE post_id = ANY(:ids))"
            " SELECT id FROM emptied"
        ),
        {"ids": list(because), "because": list(because.values()), "now": now},
    )
    gone = [each.id for each in found]
    if gone:
        withdraw_footage(session, gone, now=now)
    for start in range(0, len(gone), FORGOTTEN):
        defer(session, "forget", queue="route", posts=ids(gone[start : start + FORGOTTEN]))
    return len(gone)


def keep_wishes(session: Session, wishes: Sequence[tuple[bytes, str, bool]], *, now: datetime) -> None:
    """Note who asks not to be shown, and who does no more: digest of the account, platform, whether it asks."""
    back = [account for account, _, hidden in wishes if not hidden]
    if back:
        session.execute(text("DELETE FROM opt_outs WHERE author_key = ANY(:back)"), {"back": back})
    for account, platform, hidden in wishes:
        if hidden:
            session.execute(
                text(
                    "INSERT INTO opt_outs (author_key, platform, at) VALUES (:account, :platform, :now)"
                    " ON CONFLICT DO NOTHING"
                ),
                {"account": account, "platform": platform, "now": now},
            )


def hidden_among(session: Session, accounts: Sequence[bytes]) -> set[bytes]:
    """Those of these accounts that ask not to be shown."""
    found = session.scalars(
        text("SELECT author_key FROM opt_outs WHERE author_key = ANY(:accounts)"),
        {"accounts": list(accounts)},
    )
    return {bytes(each) for each in found}


def keep_gaps(session: Session, source: str, gaps: Sequence[Missed], *, now: datetime) -> None:
    """Note the stretches of time that a source may have filled without our seeing it."""
    for gap in gaps:
        session.execute(
            text(
                "INSERT INTO gaps (id, source, from_at, until_at, because, found_at)"
                " VALUES (:id, :source, :from_at, :until_at, :because, :now) ON CONFLICT DO NOTHING"
            ),
            {
                "id": uuid5(POST_NAMESPACE, f"gap\0{source}\0{gap.from_at}\0{gap.until_at}"),
                "source": source,
                "from_at": gap.from_at,
                "until_at": gap.until_at,
                "because": gap.because,
                "now": now,
            },
        )


def keep_failures(session: Session, source: str, malformed: Sequence[Malformed], *, now: datetime) -> None:
    """Name the items that could not be read. The same item with the same fault stays one row."""
    for each in sorted(set(malformed[:NAMED]), key=lambda each: (each.which, each.why)):
        which, why = clean(each.which)[:200], clean(each.why)[:500]
        session.execute(
            text(
                "INSERT INTO failures (id, at, stage, subject, error, remedy)"
                " VALUES (:id, :now, 'collect', :subject, :error, :remedy)"
                " ON CONFLICT (id) DO UPDATE SET at = excluded.at, mended_at = NULL"
            ),
            {
                "id": uuid5(POST_NAMESPACE, f"failure\0{source}\0{which}\0{why}"),
                "now": now,
                "subject": f"{source}: {which}",
                "error": why,
                "remedy": "Nothing to do: the item was left out, the others were taken",
            },
        )


def move_cursor(session: Session, source: str, cursor: CursorPosition, *, now: datetime) -> None:
    """Where the next fetch starts; committed with the posts before it."""
    values = msgspec.structs.asdict(cursor)
    session.execute(
        text(
            "INSERT INTO cursors (source, position, etag, last_modified, body_sha256, moved_at)"
            " VALUES (:source, :position, :etag, :last_modified, :body_sha256, :now)"
            " ON CONFLICT (source) DO UPDATE SET position = excluded.position, etag = excluded.etag,"
            " last_modified = excluded.last_modified, body_sha256 = excluded.body_sha256,"
            " moved_at = excluded.moved_at"
        ),
        {"source": source, "now": now, **values},
    )


def count_up(session: Session, source: str, counts: Mapping[str, int], *, now: datetime) -> None:
    """Add to the tally of this minute."""
    if not counts["seen"]:
        return
    session.execute(
        text(
            "INSERT INTO tallies (source, minute, seen, stored, known, dropped, malformed)"
            " VALUES (:source, :minute, :seen, :stored, :known, :dropped, :malformed)"
            " ON CONFLICT (source, minute) DO UPDATE SET seen = tallies.seen + excluded.seen,"
            " stored = tallies.stored + excluded.stored, known = tallies.known + excluded.known,"
            " dropped = tallies.dropped + excluded.dropped,"
            " malformed = tallies.malformed + excluded.malformed"
        ),
        {"source": source, "minute": minute_of(now), **counts},
    )


def note_new_posts(session: Session, source: str, *, now: datetime) -> None:
    """When a source last had something for us. What was ingested by hand has no such row."""
    session.execute(
        text("UPDATE sources SET last_post_at = :now WHERE name = :source"), {"source": source, "now": now}
    )


def _copy(session: Session, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
    """Write rows, whose `columns` are given by name and type, by COPY: the fastest way in."""
    if not rows:
        return
    connection = cast("Connection[Any]", session.connection().connection.driver_connection)
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        copy.set_types(list(columns.values()))
        for row in rows:
            copy.write_row(row)
