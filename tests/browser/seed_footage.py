"""A case with footage: a clip that went round in four copies, one that could not be fetched, a post that was edited."""

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlmodel import Session

from classifier.footage import Origin, Shelf, keep
from collector.evidence_records import Fetch, PostVersion
from collector.footage_records import Footage, Look
from collector.records import Media, Post, PostKey, Sighting
from collector.video.files import Files, digest
from collector.video.look import probe, read_stills
from tests.make import make_post
from tests.videos import changed, make_video
from triage.custody import take_into_custody
from triage.records import Case, Membership


class Filmed(NamedTuple):
    """`shown` is the copy in the case that was seen first, `edited` a post with two wordings."""

    shown: Footage
    edited: Post
    withdrawn: Post


def seed_footage(session: Session, files: Files, case: Case, *, now: datetime) -> Filmed:
    """Everything, with real clips made for this."""
    folder = files.folder.parent
    clip = make_video(folder / "clip.mp4", seed=12, seconds=5.0)
    copies = [clip, changed(clip, "hflip,crop=iw*0.8:ih*0.8:iw*0.1:ih*0.05")]
    shelf, kept = Shelf(), []
    for number, path in enumerate([copies[0], copies[1], copies[0], copies[1]]):
        platform = "mastodon" if number % 2 else "bluesky"
        at = now - timedelta(minutes=50 - 9 * number)
        post = _post(session, case if number < 3 else None, platform, at)
        media = Media(
            post_id=post.id, kind="video", url=f"https://media.example/{number}.mp4", duration_s=5.0
        )
        session.add_all(
            [media, Sighting(post_id=post.id, source=platform, seen_at=at, reach={"reposts": 310 + number})]
        )
        session.flush()
        kept.append(_keep(session, files, shelf, media.id, post.id, path, platform, at))
    lost = _post(session, case, "mastodon", now - timedelta(minutes=8))
    away = Media(post_id=lost.id, kind="video", url="https://media.example/lost.mp4")
    session.add(away)
    session.flush()
    session.add(
        Look(media_id=away.id, post_id=lost.id, at=now - timedelta(minutes=4), tries=2,
             again_at=now + timedelta(minutes=3),
             error="media.example: answered with a web page instead of a file, such as a login wall",
             remedy="Open the post on its platform: the file may ask for a login, or be gone")
    )  # fmt: skip
    edited = _edited(session, case, now)
    withdrawn = _post(session, case, "bluesky", now - timedelta(minutes=20))
    withdrawn.text, withdrawn.url, withdrawn.payload = "", None, None
    withdrawn.withdrawn_at, withdrawn.withdrawn_because = now, "deleted by its author"
    session.commit()
    take_into_custody(session, now=now)
    session.commit()
    return Filmed(kept[0], edited, withdrawn)


def _post(session: Session, case: Case | None, platform: str, at: datetime) -> Post:
    words = f"Filmed this outside the station just now, four officers on one man, number {uuid4().hex[:6]}"
    fetch = Fetch(
        source=platform, at=at, url="https://api.example/tag", headers={"date": "now"}, body_sha256=b"1" * 32
    )
    post = make_post(words, platform=platform, source=platform, collected_at=at, published_at=at, has_video=True,
                     author_key=uuid4().bytes, fetch_id=fetch.id)  # fmt: skip
    session.add_all([fetch, post, PostKey(id=post.id, collected_at=post.collected_at)])
    if case is not None:
        session.add(Membership(post_id=post.id, case_id=case.id, how="same footage", joined_at=at))
        case.post_count += 1
    session.flush()
    return post


def _keep(
    session: Session,
    files: Files,
    shelf: Shelf,
    media: UUID,
    post: UUID,
    source: Path,
    platform: str,
    at: datetime,
) -> Footage:
    digested, probed, stills = digest(source), probe(source), read_stills(source)
    with files.incoming() as place:
        place.write_bytes(source.read_bytes())
        files.seal(place, digested.sha256)
    files.picture(digested.sha256, stills)
    session.add(
        Look(media_id=media, post_id=post, at=at, tries=1, done_at=at, file_at=at, sha256=digested.sha256,
             size_bytes=digested.size_bytes, url="https://media.example/clip.mp4", headers={"date": "now"})
    )  # fmt: skip
    return keep(session, shelf, probed, Origin(platform, at, media, post), now=at)


def _edited(session: Session, case: Case, now: datetime) -> Post:
    post = _post(session, case, "mastodon", now - timedelta(minutes=30))
    first = "They tasered a man outside the station, he was not moving"
    post.text = (
        "They pointed a taser at a man outside the station, he was moving and is talking to @neighbour now"
    )
    for number, (words, minutes) in enumerate(((first, 30), (post.text, 12)), 1):
        session.add(
            PostVersion(post_id=post.id, number=number, taken_at=now - timedelta(minutes=minutes), source="mastodon",
                        text=words, payload=words.encode(), payload_sha256=hashlib.sha256(words.encode()).digest())
        )  # fmt: skip
    return post
