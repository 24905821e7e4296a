"""Files sealed as evidence, and what custody says of them."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlmodel import Session, col, select

from collector.evidence_records import CustodyEntry, PostVersion
from collector.footage_records import Look
from collector.records import Post
from collector.video.files import Files
from collector.video.probed import Stills
from tests.conftest import NOON

CLIP = b"a clip of a street"
DIGEST = hashlib.sha256(CLIP).digest()
NINETY_DAYS = timedelta(days=90)


Posting = Callable[..., Post]


def seal(session: Session, files: Files, **given: Any) -> Look:
    with files.incoming() as path:
        path.write_bytes(CLIP)
        files.seal(path, DIGEST)
    files.picture(DIGEST, Stills(b"sheet", b"blurred"))
    look = Look(
        **{"media_id": uuid4(), "at": NOON, "done_at": NOON, "file_at": NOON, "sha256": DIGEST,
           "size_bytes": len(CLIP), "url": "https://social.example/v.mp4", "headers": {"etag": "1"}, **given}
    )  # fmt: skip
    session.add(look)
    session.commit()
    return look


def entries(session: Session, **given: Any) -> list[CustodyEntry]:
    found = select(CustodyEntry).filter_by(**given).order_by(col(CustodyEntry.id))
    return list(session.exec(found))


def version(post: Post, number: int, at: datetime, words: str = "other words") -> PostVersion:
    return PostVersion(
        post_id=post.id, number=number, taken_at=at, source="s", text=words, payload=words.encode(),
        payload_sha256=hashlib.sha256(words.encode()).digest(),
    )  # fmt: skip
