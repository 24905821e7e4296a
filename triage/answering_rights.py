"""The answer to an access request: what we hold about the posts somebody named, as one archive, others left out.

The author's own words and payload are theirs and go in whole. Everybody else stays out: accounts in our other texts,
names of the staff, other people's posts, what others reported. The manifest names each redaction and why.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import IO, Any
from uuid import UUID

from sqlmodel import Session, col, select

from classifier.records import Assessment
from collector.evidence_records import CustodyEntry, PostVersion
from collector.hold_records import HeldCopy
from collector.records import Media, Post
from triage.exporting import Archive, plain_value
from triage.hidden import seeing_all
from triage.log import Line, note
from triage.permissions import Permission, need
from triage.records import Membership, Person, Routing
from triage.rights_found import PARTS, Found, what_we_hold
from triage.rights_records import RightsRequest
from triage.web.reading import MENTION

FORMAT = "goldenhour-rights/1"
README = """What Golden Hour holds about the posts you named.

post-N/post.json       your post as we hold it, with the labels a model gave it and what was decided
post-N/payload         what the platform gave us, byte for byte, if we still have it
post-N/wording-K.json  earlier wordings
manifest.json          every part with its SHA-256; what was left out, and why
"""
STAFF = "names of people who work here: their role is enough"
OTHERS = "accounts of other people"
CASE = "the case your post is in: it is about others as well"


class _Redacted:
    """What was left out, by part."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def out(self, part: str, field: str, why: str, count: int) -> None:
        if count:
            self.entries.append({"part": part, "field": field, "why": why, "count": count})

    def words(self, part: str, field: str, text: str | None) -> str | None:
        """The text with accounts other than the author's own taken out."""
        if text is None:
            return None
        cleaned, count = MENTION.subn("[account]", text)
        self.out(part, field, OTHERS, count)
        return cleaned


def export_subject(
    session: Session,
    request: RightsRequest,
    posts: Sequence[UUID],
    out: IO[bytes],
    *,
    who: Person,
    now: datetime,
) -> str:
    """Write the archive; returns the SHA-256 of its manifest. Raises Denied. The caller commits, then hands it out."""
    need(who, Permission.ANSWER_RIGHTS)
    archive, redacted = Archive(out, now), _Redacted()
    archive.add("README.txt", README.encode())
    with seeing_all(session):  # the author's own post, whoever may see the case it is in
        for number, found in enumerate(what_we_hold(session, posts), 1):
            _add(session, archive, redacted, f"post-{number}", found)
    manifest = {
        "format": FORMAT,
        "request": f"R-{request.number}",
        "made_at": now,
        "redactions": redacted.entries,
        "parts": list(archive.parts),
    }
    digest = archive.close(manifest)
    detail = {"request": f"R-{request.number}", "posts": len(posts), "manifest_sha256": digest}
    note(session, [Line("answer of a rights request made", None, None, detail)], who=who.username, now=now)
    return digest


def _add(session: Session, archive: Archive, redacted: _Redacted, folder: str, found: Found) -> None:
    part = f"{folder}/post.json"
    post = session.exec(select(Post).where(Post.id == found.post)).first()
    copy = session.get(HeldCopy, found.post)
    told: dict[str, Any] = {
        "id": found.post,
        "first_seen_at": found.collected_at,
        "gone_at": found.gone_at,
        "gone_because": found.gone_because,
        "we_also_hold": {PARTS[name]: number for name, number in found.parts.items()},
        "under_legal_hold": bool(found.holds),
    }
    if post is not None and found.standing:
        told |= {
            "platform": post.platform,
            "url": post.url,
            "published_at": post.published_at,
            "title": redacted.words(part, "title", post.title),
            "text": redacted.words(part, "text", post.text),
            "pictures": _pictures(session, redacted, part, found.post),
        }
        _payload(archive, redacted, folder, post)
    elif copy is not None:
        kept = copy.content["post"]
        told |= {
            "text": redacted.words(part, "text", kept["text"]),
            "url": kept["url"],
            "copied_at": copy.taken_at,
        }
    told |= _decided(session, redacted, part, found.post)
    archive.add_json(part, told)
    _wordings(session, archive, redacted, folder, found.post)


def _payload(archive: Archive, redacted: _Redacted, folder: str, post: Post) -> None:
    """It is the author's own record, unless it names others: then its digest stands for it."""
    if post.payload is None:
        return
    others = len(MENTION.findall(post.text))
    if others:
        redacted.out(f"{folder}/payload", "payload", f"{OTHERS}: they are woven into it", 1)
    else:
        archive.add(f"{folder}/payload", post.payload)


def _pictures(session: Session, redacted: _Redacted, part: str, post: UUID) -> list[dict[str, Any]]:
    media = session.exec(select(Media).where(Media.post_id == post).order_by(col(Media.id)))
    return [
        {"kind": each.kind, "url": each.url, "alt": redacted.words(part, "alt", each.alt)} for each in media
    ]


def _decided(session: Session, redacted: _Redacted, part: str, post: UUID) -> dict[str, Any]:
    """What models and people made of it, without who and without the case."""
    assessed = session.exec(select(Assessment).where(Assessment.post_id == post)).all()
    routing = session.get(Routing, post)
    cases = len(session.exec(select(Membership.case_id).where(Membership.post_id == post)).all())
    staff = len(session.exec(select(CustodyEntry.id).where(CustodyEntry.post_id == post)).all())
    redacted.out(part, "cases", CASE, cases)
    redacted.out(part, "custody", STAFF, staff)
    return {
        "models": [
            {
                "model": each.model,
                "at": each.at,
                "type": each.type,
                "severity": each.severity,
                "labels": each.labels,
                "places": [place.get("name") for place in each.places],
                "reasons": [
                    redacted.words(part, "reasons", str(one.get("because", ""))) for one in each.signals
                ],
            }
            for each in assessed
        ],
        "decision": {"rule": routing.rule, "outcome": routing.outcome, "at": routing.at} if routing else None,
    }


def _wordings(session: Session, archive: Archive, redacted: _Redacted, folder: str, post: UUID) -> None:
    versions = select(PostVersion).where(PostVersion.post_id == post, PostVersion.text != "")
    for each in session.exec(versions.order_by(col(PostVersion.number))):
        part = f"{folder}/wording-{each.number}.json"
        text = redacted.words(part, "text", each.text)
        archive.add(part, json.dumps({"taken_at": each.taken_at, "text": text}, default=plain_value).encode())
