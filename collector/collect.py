"""Stage 1. Takes what a source brought; leaves new posts, a sighting for each, the cursor, and jobs to assess them.

Everything happens in the caller's transaction: posts, cursor and jobs are all there, or none is.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlmodel import Session

from collector.batch import Batch, Item, Malformed, Wish
from collector.dates import believable
from collector.jobs import defer, ids
from collector.plain import clean, shortened
from collector.records import post_id
from collector.reservoir import Urn, keep_refused
from collector.store import (
    Row,
    count_up,
    hidden_among,
    keep_answers,
    keep_failures,
    keep_gaps,
    keep_sightings,
    keep_wishes,
    move_cursor,
    new_among,
    note_new_posts,
    store_posts,
    withdraw,
    withdraw_posts,
)
from collector.versions import keep_edits

JOB = 500  # posts a job to assess
LARGEST_PAYLOAD = 1_000_000  # bytes kept for evidence; of a larger one only the digest is kept
AUTHOR_BYTES = 16
WISHED = frozenset(
    {"bluesky"}
)  # platforms whose accounts say once for all posts that they are not to be shown
UNDETERMINED = "und"  # BCP 47, of a post whose platform names no language
EDIT = "edit"  # instead of the prefilter's rule, of an edit whose words would not let it in


class LetsIn(Protocol):
    """What decides whether a text could be ours: the prefilter. Of what it refuses `sample` a day are kept."""

    @property
    def sample(self) -> int: ...

    def lets_in(self, texts: Sequence[str]) -> list[str | None]:
        """For each text the name of the rule that lets it in, or None."""


class Collected(NamedTuple):
    """How many items there were and what became of them: seen = stored + known + dropped + malformed."""

    seen: int
    stored: int
    known: int
    dropped: int
    malformed: int


def collect(
    session: Session, source: str, batch: Batch, prefilter: LetsIn, *, author_key: bytes, now: datetime
) -> Collected:
    """Store what is new and could be ours, note what was seen, and leave jobs for the classifier.

    A known post gets a sighting only, and its new wording when it was edited, also when that would not let it
    in. A post whose author now asks not to be shown is withdrawn. A malformed item is counted and named, and
    stops nothing.
    `author_key` is the key authors are digested with.
    """
    keep_wishes(session, _wished(batch.wishes, author_key), now=now)
    fit, malformed = _fit(batch.items, prefilter)
    _sample(session, source, batch, fit, prefilter, author_key, now)
    fit = _without_hidden(session, _without_strangers(session, fit), author_key)
    rows, later = _rows(fit, source, author_key, now)
    new = new_among(session, list(rows), now=now)
    store_posts(session, [row for row in rows.values() if row.id in new])
    keep_answers(session, source, batch.answers, {rows[each].fetch_id for each in new}, now=now)
    known_rows = [row for row in rows.values() if row.id not in new]
    edited = keep_edits(session, [*known_rows, *later], source, now=now)
    keep_sightings(session, list(rows.values()), new, source, now=now)
    withdraw(session, batch.deletions, now=now)
    withdraw_posts(session, _opted_out(batch.items), now=now)
    keep_gaps(session, source, batch.gaps, now=now)
    malformed = [*batch.malformed, *malformed]
    keep_failures(session, source, malformed, now=now)
    if batch.cursor is not None:
        move_cursor(session, source, batch.cursor, now=now)
    seen = len(batch.items) + batch.dropped + len(batch.malformed)
    stored, known = len(new), len(fit) - len(new)
    found = Collected(seen, stored, known, seen - stored - known - len(malformed), len(malformed))
    count_up(session, source, found._asdict(), now=now)
    if new:
        note_new_posts(session, source, now=now)
    _leave_jobs(session, [each for each in rows if each in new])
    _leave_jobs(session, [each for each in edited if each not in new])
    return found


def edited_among(
    session: Session,
    items: Sequence[Item],
    source: str,
    prefilter: LetsIn,
    *,
    author_key: bytes,
    now: datetime,
) -> int:
    """Take up the edits and the reach of items that are known, and withdraw those whose authors opted out. How many
    edits."""
    fit, _ = _fit([msgspec.structs.replace(item, let_in_by=EDIT) for item in items], prefilter)
    rows, later = _rows(_without_strangers(session, fit), source, author_key, now)
    edited = keep_edits(session, [*rows.values(), *later], source, now=now)
    keep_sightings(session, list(rows.values()), set(), source, now=now)
    withdraw_posts(session, _opted_out(items), now=now)
    _leave_jobs(session, edited)
    return len(edited)


def _fit(items: Sequence[Item], prefilter: LetsIn) -> tuple[list[tuple[Item, str]], list[Malformed]]:
    """The items that could be ours, each with the rule that let it in, and those without an id."""
    malformed = [
        Malformed(f"item {number}", "has no id")
        for number, item in enumerate(items, 1)
        if not item.external_id
    ]
    asked = [item for item in items if item.indexable and item.external_id]
    open_ = [item for item in asked if item.let_in_by is None]
    rules = dict(zip(map(id, open_), prefilter.lets_in([item.whole() for item in open_]), strict=True))
    decided = [(item, item.let_in_by or rules.get(id(item))) for item in asked]
    fit = [(item, rule or EDIT) for item, rule in decided if rule is not None or item.edited_at is not None]
    return fit, malformed


def _sample(
    session: Session,
    source: str,
    batch: Batch,
    fit: Sequence[tuple[Item, str]],
    prefilter: LetsIn,
    author_key: bytes,
    now: datetime,
) -> None:
    """Have every refused item draw its lot, and keep the few that a person is to look at."""
    if not prefilter.sample:
        return
    urn, let_in = Urn(prefilter.sample), {id(item) for item, _ in fit}
    for item in batch.items:
        if item.indexable and item.external_id and id(item) not in let_in:
            urn.offer(partial(_itself, item))

    def allowed(items: list[Item]) -> list[Item]:
        shown = [(item, "") for item in items if item.indexable and item.external_id]
        return [item for item, _ in _without_hidden(session, shown, author_key)]

    drawn = [*batch.refused, *urn.empty()]
    keep_refused(session, source, drawn, prefilter.sample, allowed=allowed, now=now)


def _itself(item: Item) -> Item:
    return item


def _without_strangers(session: Session, fit: list[tuple[Item, str]]) -> list[tuple[Item, str]]:
    """Without the edits that could not be ours of posts that never were."""
    edits = [id_of(item) for item, rule in fit if rule == EDIT]
    if not edits:
        return fit
    ours = session.scalars(text("SELECT id FROM post_keys WHERE id = ANY(:ids)"), {"ids": edits})
    known = set(ours)
    return [(item, rule) for item, rule in fit if rule != EDIT or id_of(item) in known]


def _wished(wishes: Sequence[Wish], key: bytes) -> list[tuple[bytes, str, bool]]:
    return [(voice(each.platform, each.author, key), each.platform, each.hidden) for each in wishes]


def _without_hidden(
    session: Session, fit: list[tuple[Item, str]], author_key: bytes
) -> list[tuple[Item, str]]:
    """Without the posts of accounts that ask not to be shown for all they write."""
    voices = {voice_of(item, author_key) for item, _ in fit if item.platform in WISHED}
    hidden = hidden_among(session, [each for each in voices if each]) if voices else set()
    return [each for each in fit if voice_of(each[0], author_key) not in hidden] if hidden else fit


def _opted_out(items: Sequence[Item]) -> dict[UUID, str]:
    """Posts whose authors ask, now at least, not to be found, or show them to fewer people."""
    hidden = [item for item in items if not item.indexable and item.external_id]
    return {id_of(item): "its author asks not to be shown" for item in hidden}


def _rows(
    fit: Sequence[tuple[Item, str]], source: str, author_key: bytes, now: datetime
) -> tuple[dict[UUID, Row], list[Row]]:
    """One row for each post, of an item that came twice the first; and the edits that came behind it."""
    rows: dict[UUID, Row] = {}
    later = []
    for item, rule in fit:
        row = _row(item, rule, source, author_key, now)
        if rows.setdefault(row.id, row) is not row and row.edited_at is not None:
            later.append(row)
    return rows, later


def _row(item: Item, rule: str, source: str, author_key: bytes, now: datetime) -> Row:
    external_id = clean(item.external_id)
    return Row(
        id=id_of(item),
        collected_at=now,
        source=source,
        platform=item.platform,
        external_id=external_id,
        url=_short(item.url, 2_000),
        title=_short(item.title, 1_000),
        text=shortened(clean(item.text)),
        lang=_short(item.lang, 35) or UNDETERMINED,
        published_at=believable(item.published_at, now),
        published_raw=_short(item.published_raw, 100),
        author_key=voice_of(item, author_key),
        reply_to=_short(item.reply_to, 1_000),
        quote_of=_short(item.quote_of, 1_000),
        content_warning=_short(item.content_warning, 1_000),
        has_video=any(each.kind == "video" for each in item.media),
        payload=item.payload if len(item.payload) <= LARGEST_PAYLOAD else None,
        payload_sha256=hashlib.sha256(item.payload).digest(),
        let_in_by=rule,
        edited_at=item.edited_at,
        fetch_id=item.came_in,
        media=item.media,
        reach=item.reach,
    )


def id_of(item: Item) -> UUID:
    """The id an item has as a post."""
    external_id = clean(item.external_id)
    return post_id(item.platform, f"{item.scope}\0{external_id}" if item.scope else external_id)


def _short(text: str | None, longest: int) -> str | None:
    return clean(text)[:longest] or None if text else None


def voice_of(item: Item, key: bytes) -> bytes | None:
    """The keyed digest of an item's author; None when it names none."""
    if item.author_key is not None or not item.author:
        return item.author_key
    return voice(item.platform, item.author, key)


def voice(platform: str, author: str, key: bytes) -> bytes:
    """The keyed digest of an account."""
    named = f"{platform}\0{author}".encode("utf-8", "surrogatepass")
    return hmac.digest(key, named, "sha256")[:AUTHOR_BYTES]


def _leave_jobs(session: Session, new: Sequence[UUID]) -> None:
    for start in range(0, len(new), JOB):
        defer(session, "assess", queue="assess", posts=ids(new[start : start + JOB]))
