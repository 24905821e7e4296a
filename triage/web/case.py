"""One case on one page: what people say, what we know, what we say and do."""

from collections import defaultdict
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from sqlmodel import Session, col, select

from classifier.records import Assessment, reading_text
from collector.footage_records import Look
from collector.records import Media, Post
from triage.evidence import Exhibit, read_exhibits
from triage.footage import Seen, read_clips
from triage.hold_records import Hold
from triage.holding import holds_on
from triage.log import QUIET
from triage.others import others_of
from triage.records import Alert, Clock, Delivery, LogEntry, Membership, Person
from triage.release_records import BwvDecision
from triage.review.finding_records import Action, Feedback, Finding, Referral
from triage.review.meeting_records import Review, ReviewItem
from triage.shifts import needs_break
from triage.web.case_file import CaseFile, read_file
from triage.web.claim_rows import read_panel
from triage.web.escalations import read_climbs
from triage.web.filters import Filters
from triage.web.findings import CaseFindings, read_findings
from triage.web.growth import read_growth
from triage.web.permitted import note_view
from triage.web.queue import find_case
from triage.web.reading import Piece, about_whole, pieces, pseudonym, read_text, reasons, same_words
from triage.web.register import read_case_lines
from triage.web.releases import ReleaseShown, read_release
from triage.web.reveals import read_waiting
from triage.web.rows import Top, holds, spark_of, ticks, unanswered, unverified_of
from triage.web.tracks import read_tracks
from triage.web.visit import Visit, Visiting
from triage.web.who_sees import read_who_sees
from triage.web.wording import Part, changes
from triage.web.words import REASONS

router = APIRouter()

POSTS_PER_PAGE = 50
FOUND = (Finding, Referral, Action, Feedback)
NOTHING_FOUND = CaseFindings((), (), (), ())


class Voice(NamedTuple):
    """One post as shown, with the copies of its words folded under it. `name` is its author's name in this case."""

    post: Post
    pieces: list[Piece]
    reasons: list[tuple[str, str]]
    whole: list[str]
    assessment: Assessment | None
    membership: Membership
    name: str
    clip_s: float | None
    pictures: int
    copies: list[tuple[Post, str]]


class Told(NamedTuple):
    """An alert with every message about it."""

    alert: Alert
    by: str
    deliveries: list[Delivery]


@router.get("/cases/{ref}")
def case(visit: Visiting, ref: str, posts: Annotated[int, Query(ge=1, le=10_000)] = 1) -> HTMLResponse:
    """The whole case; long families of posts in pages of fifty."""
    found = find_case(visit.session, ref)
    session, now = visit.session, visit.now
    voices = read_voices(session, found.id, sure=True, page=posts)
    note_view(visit, found.id, ids_of(voices))
    file = read_file(session, found)
    suggested = read_voices(session, found.id, sure=False, page=1) if file.has(Membership) else []
    footage = read_clips(session, found.id, visit.person, now=now) if file.has(Look) else Seen([], 0, [])
    exhibits = read_exhibits(session, posts_of([*voices, *suggested]))
    return visit.page(
        "case.html",
        case=found,
        row=_top(session, file, visit.person, now=now),
        filters=Filters(),
        voices=voices,
        suggested=suggested,
        exhibits=exhibits,
        edits={post: edits_of(exhibit) for post, exhibit in exhibits.items() if len(exhibit.wordings) > 1},
        footage=footage,
        clip_of={
            copy.footage.post_id: clip.shown.footage.id for clip in footage.clips for copy in clip.copies
        },
        most_bytes=visit.room.files.most_bytes,
        posts_page=posts,
        posts_pages=-(-found.post_count // POSTS_PER_PAGE),
        stopped=sorted((each for each in file.clocks if each.stopped_at), key=_stopped_at),
        facts=facts(voices),
        growth=read_growth(session, file, now=now),
        panel=read_panel(session, file, visit.room.guide, now=visit.now),
        lines=read_case_lines(visit, file),
        told=_told(session, file),
        climbs=read_climbs(visit, file),
        reviews=_reviews(session, found.id) if file.has(ReviewItem) else [],
        decided=read_findings(session, found.id, now=now) if file.has(*FOUND) else NOTHING_FOUND,
        others=others_of(session, found.id),
        log=_log(session, found.id),
        tracks=read_tracks(visit, file),
        release=read_release(session, found.id) if file.has(BwvDecision) else ReleaseShown(None, None),
        sight=read_who_sees(visit, file),
        holds=holds_on(session, found.id) if file.has(Hold) else [],
        waiting=read_waiting(visit, file),
        rest=_rest(visit),
        here=f"/cases/{found.number}",
        reasons=REASONS,
    )


@router.get("/cases/{ref}/dismiss")
def dismiss_form(visit: Visiting, ref: str) -> HTMLResponse:
    """Why this needs nothing from us: the likely reasons ready, one word of one's own if none fits."""
    found = find_case(visit.session, ref)
    shown: dict[str, Any] = {"case": found, "reasons": REASONS, "wrong": "", "chosen": "", "why": ""}
    return visit.part("dismiss_form.html", **shown) if visit.in_place else visit.page("dismiss.html", **shown)


def read_voices(session: Session, case_id: UUID, *, sure: bool, page: int) -> list[Voice]:
    """Posts of a case in the order they were published, copies of the same words folded under the first."""
    rows = session.execute(
        select(Membership, Post)
        .join(Post, col(Post.id) == Membership.post_id)
        .where(Membership.case_id == case_id, Membership.sure == sure)
        .order_by(col(Post.published_at), col(Post.id))
        .limit(POSTS_PER_PAGE)
        .offset((page - 1) * POSTS_PER_PAGE)
    ).all()
    ids = [post.id for _, post in rows]
    assessments = {
        each.post_id: each
        for each in session.exec(
            select(Assessment).where(col(Assessment.post_id).in_(ids)).order_by(col(Assessment.at))
        )
    }
    media = defaultdict(list)
    for each in session.exec(select(Media).where(col(Media.post_id).in_(ids))):
        media[each.post_id].append(each)
    families: dict[bytes, Voice] = {}
    for membership, post in rows:
        key = same_words(post)
        name = pseudonym(case_id, post.author_key)
        if key in families:
            families[key].copies.append((post, name))
        else:
            families[key] = _voice(membership, post, assessments.get(post.id), name, media[post.id])
    return list(families.values())


def _rest(visit: Visit) -> tuple[int, int]:
    """How many distressing pieces who looks has opened, when it is time for a break, and how long that is; else 0."""
    policy = visit.room.policies.shift
    if policy is None:
        return 0, 0
    return needs_break(visit.session, policy, who=visit.person, now=visit.now), policy.break_minutes


def posts_of(voices: list[Voice]) -> list[Post]:
    """The posts of these voices, copies included."""
    return [post for voice in voices for post in (voice.post, *(copy for copy, _ in voice.copies))]


def ids_of(voices: list[Voice]) -> list[UUID]:
    return [post.id for post in posts_of(voices)]


class Edit(NamedTuple):
    """One edit of a post: which wording it made, when it was taken up, and how it differs from the one before."""

    number: int
    at: datetime
    parts: list[Part]


def edits_of(exhibit: Exhibit) -> list[Edit]:
    """The edits of a post, the last one first; none of one whose words went when it was withdrawn."""
    if exhibit.post.withdrawn_at is not None:
        return []
    edits = [
        Edit(
            after.number,
            after.edited_at or after.taken_at,
            changes(reading_text(before.title, before.text), reading_text(after.title, after.text)),
        )
        for before, after in pairwise(exhibit.wordings)
    ]
    return edits[::-1]


def _voice(
    membership: Membership, post: Post, assessment: Assessment | None, name: str, media: list[Media]
) -> Voice:
    words = read_text(post, media)
    signals = assessment.signals if assessment else []
    clips = [each.duration_s for each in media if each.duration_s]
    return Voice(
        post=post,
        pieces=pieces(words, signals),
        reasons=reasons(words, signals),
        whole=about_whole(signals),
        assessment=assessment,
        membership=membership,
        name=name,
        clip_s=max(clips, default=None),
        pictures=sum(each.kind != "link" for each in media),
        copies=[],
    )


def facts(voices: list[Voice]) -> list[dict[str, Any]]:
    """The places the posts name, most named first: name, borough, BCU, and how many posts."""
    named: dict[tuple[str, str, str], int] = defaultdict(int)
    for voice in voices:
        for place in voice.assessment.places if voice.assessment else []:
            key = (
                str(place.get("name") or place.get("text") or ""),
                str(place.get("borough") or ""),
                str(place.get("bcu") or ""),
            )
            named[key] += 1 + len(voice.copies)
    ranked = sorted(named.items(), key=lambda each: -each[1])
    return [{"name": n, "borough": b, "bcu": c, "posts": count} for (n, b, c), count in ranked if n][:8]


def _top(session: Session, file: CaseFile, me: Person, *, now: datetime) -> Top:
    case, held = file.case, holds(file.case, now)
    return Top(
        clocks=tuple(ticks(file.clocks, now)),
        unverified=unverified_of(session, [case.id]).get(case.id, 0),
        spark=spark_of(file.ledger, now=now),
        unanswered=unanswered(file.alerts),
        holder=file.names.get(case.claimed_by, "") if held else "",
        mine=held and case.claimed_by == me.id,
    )


def _stopped_at(clock: Clock) -> datetime:
    return clock.stopped_at or clock.due_at


def _told(session: Session, file: CaseFile) -> list[Told]:
    deliveries = defaultdict(list)
    sent = select(Delivery).where(col(Delivery.alert_id).in_([each.id for each in file.alerts]))
    for each in session.exec(sent.order_by(Delivery.channel)) if file.alerts else ():
        deliveries[each.alert_id].append(each)
    return [Told(each, file.names.get(each.acknowledged_by, ""), deliveries[each.id]) for each in file.alerts]


def _reviews(session: Session, case_id: UUID) -> list[tuple[datetime, str]]:
    listed = select(Review.meets_at, ReviewItem.because).join(
        ReviewItem, col(ReviewItem.review_id) == Review.id
    )
    on = listed.where(ReviewItem.case_id == case_id, col(ReviewItem.off_at).is_(None))
    return list(session.exec(on.order_by(col(Review.meets_at))))


def _log(session: Session, case_id: UUID) -> list[LogEntry]:
    asked = select(LogEntry).where(LogEntry.case_id == case_id, col(LogEntry.what).not_in(QUIET))
    lines = asked.order_by(col(LogEntry.seq).desc())
    return list(session.exec(lines.limit(200)))
