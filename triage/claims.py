"""What people do to known claims: note one, put it in other words, merge, take off, answer what is suggested.

Nothing here says what a claim is worth: that is decided, by people, in `triage/deciding.py`. An act runs in the
caller's transaction. Lines of the log name a claim by its number; its words may be somebody's.
"""

import re
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any
from uuid import UUID

from sqlalchemy import text, update
from sqlmodel import Session, col, select

from classifier.records import reading_text
from collector.jobs import defer
from collector.records import Post
from triage.claim_records import ClaimSighting, ClaimState, ClaimType, KnownClaim, Question, SightingState
from triage.locked import Conflict
from triage.log import Line, note
from triage.notice import tell_desk
from triage.permissions import Permission, may, need
from triage.records import Case, Membership, Person

LEAST, LONGEST, LONGEST_TITLE = 10, 2_000, 120
QUOTED_RUN = 6  # so many words in a row are the post's own, not ours
GONE_TITLE = "Words withdrawn with their post"
_WORD = re.compile(r"\w+")

_FIRST_SEEN = text("""
    UPDATE known_claims AS c SET first_seen_at = (SELECT min(s.published_at) FROM claim_sightings AS s
        JOIN known_claims AS w ON w.id = s.claim_id AND coalesce(w.merged_into, w.id) = c.id
        WHERE s.state IN ('counted', 'confirmed'))
    WHERE c.id = ANY(:claims)
""")


def note_claim(
    session: Session,
    case_id: UUID,
    *,
    words: str,
    title: str = "",
    type: ClaimType | None = None,
    ours: bool = False,
    post: UUID | None = None,
    who: Person,
    now: datetime,
) -> KnownClaim:
    """Note a claim on a case, from a post of it or in a person's words. `ours` is a statement that we issued.

    From now on posts are compared with it, those of the case and of the last days first.
    """
    if not (ours and may(who, Permission.WORK_COMMS)):
        need(who, Permission.TRIAGE)
    case = session.get(Case, case_id)
    if case is None:
        raise Conflict("This case no longer exists.")
    words = _worded(words)
    source = _source(session, case_id, post) if post else None
    claim = KnownClaim(
        case_id=case_id, text=words, title=_titled(title, words), type=type, ours=ours,
        post_id=source.id if source and quotes(words, source) else None,
        noted_at=now, noted_by=who.username, changed_at=now,
    )  # fmt: skip
    session.add(claim)
    session.flush()
    session.refresh(claim)
    if source is not None:
        seen = ClaimSighting(
            claim_id=claim.id, post_id=source.id, state=SightingState.CONFIRMED, score=1.0,
            because="noted from this post", published_at=source.published_at, at=now, answered_by=who.username,
        )  # fmt: skip
        session.add(seen)
        claim.first_seen_at = source.published_at
    session.flush()
    _look_for(session, claim)
    say(session, claim, "statement of ours noted" if ours else "claim noted", who=who, now=now)
    return claim


def reword(
    session: Session,
    number: int,
    *,
    words: str,
    title: str,
    type: ClaimType | None,
    who: Person,
    now: datetime,
) -> KnownClaim:
    """Put a claim in other words, or change its title or hypothesis. What was decided was decided for its words."""
    need(who, Permission.TRIAGE)
    claim = lock_claim(session, number)
    words = _worded(words)
    if words != claim.text:
        if claim.state != ClaimState.UNVERIFIED and claim.words_gone_at is None:
            raise Conflict(
                f"C-{number} was decided in these words. Take that back first, or note a new claim."
            )
        claim.text, claim.words_gone_at = words, None
        source = session.exec(select(Post).where(Post.id == claim.post_id)).first() if claim.post_id else None
        claim.post_id = source.id if source and quotes(words, source) else None
        _look_for(session, claim)
    claim.title, claim.type, claim.changed_at = _titled(title, words), type, now
    session.flush()
    say(session, claim, "claim reworded", who=who, now=now)
    return claim


def merge(session: Session, number: int, into: int, *, who: Person, now: datetime) -> KnownClaim:
    """Say that one claim is another in other words. Its sightings count for both from now on; `part` undoes it."""
    need(who, Permission.TRIAGE)
    if number == into:
        raise Conflict("This is the same claim.")
    first, second = (lock_claim(session, each) for each in sorted((number, into)))
    claim, root = (first, second) if number < into else (second, first)
    if claim.ours != root.ours:
        raise Conflict("A statement of ours and what others claim stay apart.")
    if claim.state not in (ClaimState.UNVERIFIED, root.state):
        raise Conflict(f"C-{number} was decided otherwise than C-{into}. Take one decision back first.")
    if wordings(session, claim)[1:]:
        raise Conflict(f"Other claims are merged into C-{number}. Merge C-{into} into it instead.")
    claim.merged_into, claim.changed_at = root.id, now
    session.flush()
    first_seen(session, claim.id, root.id)
    say(session, claim, "claim merged", who=who, now=now, detail={"into": f"C-{into}"})
    return root


def part(session: Session, number: int, *, who: Person, now: datetime) -> KnownClaim:
    """Take a merged claim apart again."""
    need(who, Permission.TRIAGE)
    claim = lock_claim(session, number, merged=True)
    if claim.merged_into is None:
        raise Conflict(f"C-{number} is not merged.")
    root, claim.merged_into, claim.changed_at = claim.merged_into, None, now
    session.flush()
    first_seen(session, claim.id, root)
    say(session, claim, "claim taken apart", who=who, now=now)
    return claim


def withdraw(session: Session, number: int, *, why: str, who: Person, now: datetime) -> KnownClaim:
    """Look for a claim no more, because it was noted by mistake. What was seen and decided stays to be read."""
    need(who, Permission.TRIAGE)
    claim = lock_claim(session, number)
    if claim.state != ClaimState.UNVERIFIED:
        need(who, Permission.DECIDE_CLAIM)
    claim.withdrawn_at = claim.changed_at = now
    say(session, claim, "claim taken off", who=who, now=now, why=reason(why))
    return claim


def restore(session: Session, number: int, *, who: Person, now: datetime) -> KnownClaim:
    """Look for a claim again that was taken off."""
    need(who, Permission.TRIAGE)
    claim = lock_claim(session, number, withdrawn=True)
    if claim.withdrawn_at is None:
        raise Conflict(f"C-{number} is not taken off.")
    claim.withdrawn_at, claim.changed_at = None, now
    _look_for(session, claim)
    say(session, claim, "claim put back", who=who, now=now)
    return claim


def answer_sighting(
    session: Session, number: int, post: UUID, *, same: bool, who: Person, now: datetime
) -> ClaimSighting:
    """Say whether a post makes the claim; also of one that was counted by itself, and anew."""
    need(who, Permission.TRIAGE)
    claim = lock_claim(session, number)
    among = [each.id for each in wordings(session, claim)]
    found = session.exec(
        select(ClaimSighting)
        .where(col(ClaimSighting.claim_id).in_(among), ClaimSighting.post_id == post)
        .order_by(col(ClaimSighting.score).desc())
        .with_for_update()
    ).all()
    if not found:
        raise Conflict("This post is suggested no more.")
    for each in found:
        each.state = SightingState.CONFIRMED if same else SightingState.REFUSED
        each.answered_by = who.username
    session.flush()
    first_seen(session, claim.id)
    what = "sighting of a claim confirmed" if same else "sighting of a claim refused"
    say(session, claim, what, who=who, now=now, detail={"post": str(post)})
    return found[0]


def find_claim(session: Session, number: int) -> KnownClaim | None:
    """The claim spoken of as C-<number>."""
    return session.exec(select(KnownClaim).where(KnownClaim.number == number)).first()


def wordings(session: Session, claim: KnownClaim) -> list[KnownClaim]:
    """The claim, and those merged into it."""
    merged = select(KnownClaim).where(KnownClaim.merged_into == claim.id).order_by(col(KnownClaim.number))
    return [claim, *session.exec(merged)]


def lock_claim(session: Session, number: int, *, withdrawn: bool = False, merged: bool = False) -> KnownClaim:
    """The claim, held still until the transaction ends. Raises Conflict when it is taken off or merged, unless
    that is what the act is about."""
    asked = select(KnownClaim).where(KnownClaim.number == number).with_for_update()
    claim = session.exec(asked.execution_options(populate_existing=True)).first()
    if claim is None:
        raise Conflict("This claim no longer exists.")
    if claim.merged_into is not None and not merged:
        raise Conflict(f"C-{number} is merged into another claim.")
    if claim.withdrawn_at is not None and not withdrawn:
        raise Conflict(f"C-{number} is taken off. Put it back first.")
    return claim


def move_claims(session: Session, home: UUID, to: UUID) -> None:
    """Bring the claims and questions of one case to another that it was joined to."""
    session.execute(update(KnownClaim).where(col(KnownClaim.case_id) == home).values(case_id=to))
    session.execute(update(Question).where(col(Question.case_id) == home).values(case_id=to))


def first_seen(session: Session, *claims: UUID) -> None:
    """Bring the time a claim was first seen in line with its sightings that count."""
    session.flush()
    session.execute(_FIRST_SEEN, {"claims": list(claims)})


def quotes(words: str, post: Post) -> bool:
    """Whether these words are the post's: a run of its words, or all of a short one."""
    mine, theirs = (_WORD.findall(each.casefold()) for each in (words, reading_text(post.title, post.text)))
    run = SequenceMatcher(None, mine, theirs, autojunk=False).find_longest_match().size
    return run >= QUOTED_RUN or 0 < run == min(len(mine), len(theirs))


def say(
    session: Session,
    claim: KnownClaim,
    what: str,
    *,
    who: Person,
    now: datetime,
    why: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """What every act ends with: a line in the log of the case, and open pages told."""
    line = Line(what, claim.case_id, why, {"claim": f"C-{claim.number}", **(detail or {})})
    note(session, [line], who=who.username, now=now)
    tell_desk(session, "claims", claim.case_id)


def reason(why: str) -> str:
    """Raises Conflict when there is none."""
    why = why.strip()
    if not why:
        raise Conflict("Say why: the reason is read by the review.")
    return why[:LONGEST]


def _look_for(session: Session, claim: KnownClaim) -> None:
    defer(session, "look_for_claim", queue="claims", priority=-1, claim=str(claim.id))


def _source(session: Session, case_id: UUID, post: UUID) -> Post:
    found = session.exec(select(Post).where(Post.id == post)).first()
    if found is None or found.withdrawn_at or session.get(Membership, (post, case_id)) is None:
        raise Conflict("This post is not in this case any more, or was withdrawn.")
    return found


def _worded(words: str) -> str:
    words = " ".join(words.split())
    if not LEAST <= len(words) <= LONGEST:
        raise Conflict(f"Say the claim in {LEAST} to {LONGEST:,} characters.")
    return words


def _titled(title: str, words: str) -> str:
    """A short title; the beginning of the words when none is given."""
    title = " ".join(title.split())[:LONGEST_TITLE]
    return title or (words if len(words) <= 80 else words[:80].rsplit(" ", 1)[0] + "…")
