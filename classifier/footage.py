"""Families of footage: all copies of what one camera saw, however they were cropped, captioned or turned."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

import msgspec
import numpy as np
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, col, insert, or_, select, update

from classifier.footage_index import FootageIndex
from classifier.footage_match import Match, same_footage
from collector.footage_records import Footage, Frame
from collector.records import Sighting
from collector.video.hashing import METHOD
from collector.video.probed import Captions, Probe, Provenance

FAMILY_LOCK = 0x601DE4  # any fixed number: one copy at a time finds its family, on however many machines
OVERLAP = timedelta(minutes=10)  # longer than any transaction that keeps footage stays open
SHARED_PART = 0.5
AT_ONCE = 500


class Origin(NamedTuple):
    """Where a file came from. `seen_at` is when its post was published, or when staff uploaded it.

    `media_id` makes keeping it idempotent; an upload has neither media nor post.
    """

    platform: str
    seen_at: datetime
    media_id: UUID | None = None
    post_id: UUID | None = None


class Family(NamedTuple):
    """All copies of the same footage, in the order they were first seen; withdrawn ones are counted too.

    `reach` adds up the newest count of each kind (views, reposts) over the posts that carry a copy.
    """

    id: UUID
    copies: tuple[Footage, ...]
    reach: dict[str, int]

    @property
    def first(self) -> Footage:
        return self.copies[0]

    @property
    def size(self) -> int:
        return len(self.copies)


class Shelf:
    """The frames of all kept footage, held in memory and kept fresh from the database. One a process."""

    def __init__(self) -> None:
        self.index = FootageIndex()
        self._read_until: datetime | None = None

    def freshen(self, session: Session) -> int:
        """Take in what was kept, and let go what was withdrawn, since last time. Says how many were new.

        Looks back some minutes further than the newest seen: transactions do not commit in order.
        """
        seen = [col(Footage.kept_at) >= self._read_until - OVERLAP] if self._read_until else []
        rows = session.exec(
            select(Footage.id, Footage.kept_at)
            .where(*seen, Footage.method == METHOD, col(Footage.withdrawn_at).is_(None))
            .order_by(col(Footage.kept_at), col(Footage.id))
        ).all()
        new = [footage for footage, _ in rows if footage not in self.index]
        for begin in range(0, len(new), AT_ONCE):
            self._take(session, new[begin : begin + AT_ONCE])
        self._let_go(session)
        if rows:
            self._read_until = rows[-1][1]
        self.index.settle()
        return len(new)

    def _take(self, session: Session, footage: Sequence[UUID]) -> None:
        found = session.execute(FRAMES, {"footage": list(footage)})
        for each, hashes, at_s in found:
            self.index.add(each, np.frombuffer(hashes, np.uint64), np.asarray(at_s, np.float32))

    def _let_go(self, session: Session) -> None:
        if self._read_until is None:
            return
        since = self._read_until - OVERLAP
        for footage in session.exec(select(Footage.id).where(col(Footage.withdrawn_at) >= since)):
            self.index.forget(footage)


FRAMES = text(
    "SELECT footage_id, string_agg(hash, ''::bytea ORDER BY number), array_agg(at_s ORDER BY number) "
    "FROM frames WHERE footage_id = ANY(:footage) GROUP BY footage_id"
).bindparams(bindparam("footage"))


def keep(
    session: Session,
    shelf: Shelf,
    probe: Probe,
    origin: Origin,
    *,
    captions: Captions | None = None,
    provenance: Provenance | None = None,
    now: datetime,
) -> Footage:
    """Keep a copy and its frames, in the family its footage belongs to or in a new one. The caller commits.

    Keeping the same media again changes nothing. Only sure matches join; likely ones are listed in
    `matches` for a person. Families that turn out to be one are put together, into the one of the best match.
    """
    hold_families(session)
    if known := _known(session, origin):
        return known
    shelf.freshen(session)
    found = same_footage(probe, shelf.index)
    footage_id = uuid4()
    kept = Footage(
        id=footage_id,
        family_id=_family(session, probe, found) or footage_id,
        media_id=origin.media_id,
        post_id=origin.post_id,
        platform=origin.platform,
        first_seen_at=origin.seen_at,
        kept_at=now,
        captions=captions.lines if captions else [],
        captions_note=captions.note if captions else None,
        provenance=msgspec.to_builtins(provenance) if provenance else {},
        matches=[_told(match) for match in found],
        **{name: getattr(probe, name) for name in MEASURED},
    )
    session.add(kept)
    session.flush()
    _keep_frames(session, kept.id, probe)
    return kept


def hold_families(session: Session) -> None:
    """Let nobody else keep footage, or let a file of it go, until the transaction ends."""
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": FAMILY_LOCK})


MEASURED = (
    *("sha256", "size_bytes", "kind", "container", "codec", "width", "height"),
    *("duration_s", "has_sound", "method", "notes"),
)


def family_of(session: Session, footage: UUID) -> Family | None:
    """The family a copy belongs to, with its first-seen copy and total reach; None when there is no such copy."""
    known = session.get(Footage, footage)
    if known is None:
        return None
    copies = session.exec(
        select(Footage)
        .where(Footage.family_id == known.family_id)
        .order_by(col(Footage.first_seen_at), col(Footage.kept_at))
    ).all()
    return Family(known.family_id, tuple(copies), _reach(session, copies))


def _known(session: Session, origin: Origin) -> Footage | None:
    if origin.media_id is None:
        return None
    return session.exec(select(Footage).where(Footage.media_id == origin.media_id)).one_or_none()


def _family(session: Session, probe: Probe, found: Sequence[Match]) -> UUID | None:
    """The family of the best match, after families that share the same part of this copy are joined to it.

    A compilation holds several pieces of footage one after the other: these stay families of their own.
    """
    sure = [match for match in found if match.sure]
    rows = session.exec(
        select(Footage.id, Footage.family_id, Footage.sha256)
        .where(or_(col(Footage.id).in_([match.footage for match in sure]), Footage.sha256 == probe.sha256))
        .order_by(col(Footage.first_seen_at))
    ).all()
    families = {footage: family for footage, family, _ in rows}
    same_file = [family for _, family, digest in rows if digest == probe.sha256]
    ranked = [match for match in sure if match.footage in families]
    if not same_file and not ranked:
        return None
    chosen = same_file[0] if same_file else families[ranked[0].footage]
    others = {families[match.footage] for match in ranked if _same_part(match, ranked[0])}
    _join(session, chosen, (others | set(same_file)) - {chosen})
    return chosen


def _same_part(one: Match, other: Match) -> bool:
    shared = min(one.until_s, other.until_s) - max(one.from_s, other.from_s)
    shorter = min(one.until_s - one.from_s, other.until_s - other.from_s)
    return shared >= SHARED_PART * shorter


def _join(session: Session, chosen: UUID, others: Iterable[UUID]) -> None:
    if joined := list(others):
        session.exec(update(Footage).where(col(Footage.family_id).in_(joined)).values(family_id=chosen))


def _keep_frames(session: Session, footage: UUID, probe: Probe) -> None:
    rows = [
        {"footage_id": footage, "number": number, "at_s": frame.at_s, "hash": frame.hash}
        for number, frame in enumerate(probe.frames)
    ]
    if rows:
        session.execute(insert(Frame), rows)


def _told(match: Match) -> dict[str, object]:
    return {
        "footage": str(match.footage),
        "because": match.because,
        "sure": match.sure,
        "from_s": round(match.from_s, 1),
        "until_s": round(match.until_s, 1),
    }


def _reach(session: Session, copies: Sequence[Footage]) -> dict[str, int]:
    posts = {copy.post_id for copy in copies if copy.post_id is not None}
    newest = session.exec(
        select(Sighting.post_id, Sighting.reach)
        .where(col(Sighting.post_id).in_(posts))
        .ext(distinct_on(col(Sighting.post_id)))
        .order_by(col(Sighting.post_id), col(Sighting.seen_at).desc())
    )
    total: dict[str, int] = {}
    for _, reach in newest:
        for kind, count in reach.items():
            total[kind] = total.get(kind, 0) + count
    return total
