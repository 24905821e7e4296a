"""Body-worn video of a case: what is known of it, by reference. The footage itself is never here, nor a link to it."""

import re
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlmodel import Session

from triage.lifecycle import Lifecycle, TrackName
from triage.locked import Conflict, touch
from triage.records import Person
from triage.track_records import BodyWornVideo, Track
from triage.tracks import STALE, hold_track

EXISTS = {"unknown": "Not known yet", "yes": "Exists", "no": "There is none"}
LONGEST = 200
LONGEST_ENCOUNTER_S = 7 * 24 * 3600
LINK = re.compile(r"://|www\.|\\\\|^[/~]|\.(?:mp4|mov|avi|mkv|com|uk|net|org)\b", re.IGNORECASE)


class Known(NamedTuple):
    """What someone enters. `activated` and `audio_from` are in words or a time, `encounter_s` in seconds."""

    exists: str
    reference: str = ""
    activated: str = ""
    audio_from: str = ""
    encounter_s: int | None = None


def note_body_worn(
    session: Session, case_id: UUID, known: Known, *, who: Person, version: int | None = None, now: datetime
) -> BodyWornVideo:
    """Enter what is known. Raises Conflict for a link, for nonsense, and when someone else was first."""
    case, track = hold_track(session, case_id, TrackName.OVERSIGHT, who=who)
    _must_make_sense(known)
    found = _of(session, case_id, version=version, now=now)
    words = [text.strip() or None for text in (known.reference, known.activated, known.audio_from)]
    found.exists, found.encounter_s = known.exists, known.encounter_s
    found.reference, found.activated, found.audio_from = words
    _changed(found, track, now)
    session.add(found)
    detail = {"exists": known.exists, "referenced": bool(found.reference), "encounter_s": known.encounter_s}
    touch(session, case, "body-worn video entered", who=who, now=now, detail=detail)
    return found


def note_viewing(
    session: Session, case_id: UUID, role: str, lifecycle: Lifecycle, *, who: Person, now: datetime
) -> BodyWornVideo:
    """Enter that a post has viewed the body-worn video."""
    case, track = hold_track(session, case_id, TrackName.OVERSIGHT, who=who)
    if role not in lifecycle.roles:
        raise Conflict("Choose the post that viewed it. Names are not entered here.")
    found = _of(session, case_id, version=None, now=now)
    if found.exists != "yes":
        raise Conflict("Enter first that body-worn video exists.")
    found.viewings = [*found.viewings, {"role": role, "at": now.isoformat()}]
    _changed(found, track, now)
    session.add(found)
    touch(session, case, "body-worn video viewed", who=who, now=now, detail={"role": role})
    return found


def share_seen(clip_s: float | None, encounter_s: int | None) -> str:
    """How much of the encounter the longest public clip can show, in words; empty while a length is not known."""
    if not clip_s or not encounter_s:
        return ""
    if clip_s >= encounter_s:
        return "as long as the encounter"
    share = clip_s / encounter_s
    return f"{share:.0%} of the encounter" if share >= 0.01 else "under 1% of the encounter"


def _of(session: Session, case_id: UUID, *, version: int | None, now: datetime) -> BodyWornVideo:
    found = session.get(BodyWornVideo, case_id, populate_existing=True)
    if version is not None and version != (found.version if found else 0):
        raise Conflict(STALE)
    return found or BodyWornVideo(case_id=case_id, version=0, changed_at=now)


def _changed(found: BodyWornVideo, track: Track, now: datetime) -> None:
    found.version, found.changed_at = found.version + 1, now
    track.version += 1


def _must_make_sense(known: Known) -> None:
    if known.exists not in EXISTS:
        raise Conflict("Say whether body-worn video exists: yes, no, or not known yet.")
    for text in (known.reference, known.activated, known.audio_from):
        if len(text) > LONGEST:
            raise Conflict(f"At most {LONGEST} characters in each field.")
        if LINK.search(text.strip()):
            raise Conflict("Enter a reference, not a link or a file: footage is never reached from here.")
    if known.encounter_s is not None and not 0 < known.encounter_s <= LONGEST_ENCOUNTER_S:
        raise Conflict("An encounter lasts between a second and seven days.")
