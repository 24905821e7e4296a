"""Footage of a case: what staff add to it, and the families that its posts and uploads belong to."""

import re
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlmodel import Session, col, select

from classifier.footage import Family, family_of, hold_families
from collector.evidence import note_custody_of_files
from collector.footage_records import Footage, Look
from collector.jobs import defer
from collector.looks import QUEUE
from collector.records import Post
from collector.video.files import Digested
from triage.custody import has_seen
from triage.hidden import hidden_cases
from triage.locked import Conflict, lock, touch
from triage.permissions import Permission, need
from triage.records import Case, Membership, Person

SHOWN_FOR = timedelta(minutes=15)
MOST_FAMILIES = 12
MOST_COPIES = 8
MOST_UNSEEN = 10

_CHANGED = re.compile(r"\(([^)]*)\)$")
_OF_CASE = text("""
    SELECT f.id FROM footage f WHERE f.post_id IN (SELECT post_id FROM memberships WHERE case_id = :case)
    UNION SELECT f.id FROM footage f JOIN looks l ON l.media_id = f.media_id WHERE l.case_id = :case
""")
_OF_HIDDEN = text("""
    SELECT f.id FROM footage f JOIN memberships m ON m.post_id = f.post_id AND m.sure WHERE m.case_id = ANY(:hidden)
    UNION SELECT f.id FROM footage f JOIN looks l ON l.media_id = f.media_id WHERE l.case_id = ANY(:hidden)
""")
_UNSEEN = text("""
    SELECT l.media_id FROM looks l WHERE l.done_at IS NULL AND (l.error IS NOT NULL OR l.case_id = :case)
        AND (l.case_id = :case OR l.post_id IN (SELECT post_id FROM memberships WHERE case_id = :case AND sure))
    ORDER BY l.at DESC LIMIT :most
""")


class Copy(NamedTuple):
    """One copy of a family as shown: where it came from, and how it is like the others."""

    footage: Footage
    look: Look | None
    post: Post | None
    here: bool
    how: str
    because: str

    @property
    def at_hand(self) -> bool:
        return _at_hand(self.footage, self.look)


class Clip(NamedTuple):
    """A family with a copy in this case: its copies, the first seen on top, and the one that is shown of it."""

    family: Family
    copies: list[Copy]
    shown: Copy
    revealed: bool
    elsewhere: list[int]

    @property
    def platforms(self) -> list[str]:
        return list(dict.fromkeys(copy.platform for copy in self.family.copies))

    @property
    def reach(self) -> int:
        return sum(self.family.reach.values())


class Seen(NamedTuple):
    """All that is known of a case's footage. `unseen` are files that could not be looked at, or not yet."""

    clips: list[Clip]
    more: int
    unseen: list[Look]


def read_clips(session: Session, case_id: UUID, who: Person, *, now: datetime) -> Seen:
    """The families of a case's posts and uploads, the largest first."""
    here = set(session.scalars(_OF_CASE, {"case": case_id}))
    rows = session.exec(select(Footage.id, Footage.family_id).where(col(Footage.id).in_(here)))
    one_of = {family: footage for footage, family in rows}
    found = _seen_of(
        [family for footage in one_of.values() if (family := family_of(session, footage))], session
    )
    found.sort(key=lambda family: (-family.size, family.first.first_seen_at))
    unseen = session.scalars(_UNSEEN, {"case": case_id, "most": MOST_UNSEEN}).all()
    looks = session.exec(select(Look).where(col(Look.media_id).in_(unseen)).order_by(col(Look.at).desc()))
    clips = [_clip(session, family, here, case_id, who, now) for family in found[:MOST_FAMILIES]]
    return Seen(clips, len(found) - len(clips), list(looks))


def _seen_of(families: list[Family], session: Session) -> list[Family]:
    """The families without copies of cases that are hidden from who looks; how far they reached goes with those."""
    if not (hidden := hidden_cases(session)):
        return families
    gone = set(session.scalars(_OF_HIDDEN, {"hidden": hidden}))
    return [
        each._replace(copies=tuple(copy for copy in each.copies if copy.id not in gone), reach={})
        if any(copy.id in gone for copy in each.copies)
        else each
        for each in families
    ]


def _clip(
    session: Session, family: Family, here: set[UUID], case_id: UUID, who: Person, now: datetime
) -> Clip:
    ours = [each for each in family.copies if each.id in here][:MOST_COPIES]
    rest = [each for each in family.copies if each not in ours and each.id != family.first.id]
    first = [] if family.first in ours else [family.first]
    listed = sorted([*first, *ours, *rest][:MOST_COPIES], key=lambda each: each.first_seen_at)
    media = [each.media_id for each in listed if each.media_id is not None]
    posts = [each.post_id for each in listed if each.post_id is not None]
    looks = {each.media_id: each for each in session.exec(select(Look).where(col(Look.media_id).in_(media)))}
    known = {each.id: each for each in session.exec(select(Post).where(col(Post.id).in_(posts)))}
    copies = [
        Copy(
            each,
            looks.get(each.media_id) if each.media_id else None,
            known.get(each.post_id) if each.post_id else None,
            each.id in here,
            *_likeness(each, family),
        )
        for each in listed
    ]
    mine = [copy for copy in copies if copy.here]
    shown = next((copy for copy in mine if copy.at_hand), mine[0])
    seen = shown.footage.media_id
    revealed = seen is not None and has_seen(session, seen, who=who.username, within=SHOWN_FOR, now=now)
    return Clip(family, copies, shown, revealed, _elsewhere(session, family.id, case_id))


def _likeness(footage: Footage, family: Family) -> tuple[str, str]:
    """How a copy is like the others, in few words and in full."""
    if footage.id == family.first.id:
        return "", ""
    if footage.sha256 == family.first.sha256:
        return "the same file as the first", "its SHA-256 is the same"
    best = next((match for match in footage.matches if match["sure"]), None)
    if best is None:
        return "found from other copies", ""
    changed = _CHANGED.search(best["because"])
    captioned = ["captioned"] if footage.captions and not family.first.captions else []
    said = [*([changed[1]] if changed else []), *captioned]
    return ", ".join(said) or "encoded anew", best["because"]


def _elsewhere(session: Session, family: UUID, case_id: UUID) -> list[int]:
    """The numbers of other cases that hold a copy."""
    posts = select(Footage.post_id).where(Footage.family_id == family)
    asked = (
        select(Case.number)
        .join(Membership, col(Membership.case_id) == Case.id)
        .where(col(Membership.post_id).in_(posts), col(Membership.sure), Case.id != case_id)
        .distinct()
    )
    return sorted(number for number in session.exec(asked) if number is not None)


def find_copy(session: Session, case_id: UUID, footage: UUID) -> tuple[Footage, Look] | None:
    """A copy that belongs to this case and whose file is at hand."""
    if footage not in set(session.scalars(_OF_CASE, {"case": case_id})):
        return None
    found = session.get(Footage, footage)
    look = session.get(Look, found.media_id) if found and found.media_id else None
    if found is None or look is None or not _at_hand(found, look):
        return None
    return found, look


def _at_hand(footage: Footage, look: Look | None) -> bool:
    """Whether its file is here and may be shown: of a withdrawn post it goes within minutes, but is shown no more."""
    kept = look is not None and look.file_at is not None and look.gone_at is None
    return kept and footage.withdrawn_at is None


def show_footage(session: Session, media: UUID, *, who: Person, now: datetime) -> None:
    """Enter that a person asked to see a file. For some minutes its pictures are shown to them."""
    need(who, Permission.READ_CASES)
    note_custody_of_files(session, [media], "viewed", who=who.username, now=now)


def add_footage(
    session: Session, case_id: UUID, file: Digested, *, who: Person, why: str, now: datetime
) -> Look:
    """Take a file that staff has into a case: it is evidence from now on. The same file again is refused.

    The caller seals the file before it commits. Raises Denied, Conflict.
    """
    need(who, Permission.ADD_FOOTAGE)
    if not why.strip():
        raise Conflict("Say where the file is from, and by what right we have it.")
    [case] = lock(session, case_id)
    hold_families(session)
    known = select(Look.media_id).where(
        Look.case_id == case_id, Look.sha256 == file.sha256, col(Look.gone_at).is_(None)
    )
    if session.exec(known).first() is not None:
        raise Conflict("This very file was added to this case before.")
    look = Look(
        media_id=uuid4(),
        case_id=case_id,
        asked_by=who.username,
        why=why.strip(),
        at=now,
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        file_at=now,
    )
    session.add(look)
    session.flush()
    note_custody_of_files(session, [look.media_id], "collected", who=who.username, now=now, note=why.strip())
    defer(session, "look", queue=QUEUE, media=str(look.media_id))
    detail = {"sha256": file.sha256.hex(), "bytes": file.size_bytes}
    touch(session, case, "footage added", who=who, now=now, why=why.strip(), detail=detail)
    return look
