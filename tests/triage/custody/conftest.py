"""A case, a folder for files, and posts in it or in none."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import Session

from collector.records import Media, Post, PostKey
from collector.video.files import Files
from tests.conftest import NOON
from tests.make import make_case, make_post
from tests.triage.custody.sealed import Posting, seal
from triage.records import Case, Membership, Status


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "media")


@pytest.fixture
def case(session: Session) -> Case:
    made = make_case(status=Status.DETECTED)
    session.add(made)
    session.commit()
    return made


@pytest.fixture
def posting(session: Session, files: Files) -> Posting:
    """Makes a post, in a case or in none, with a sealed file when asked."""

    def make(case: Case | None = None, *, filed: bool = False, sure: bool = True, **given: Any) -> Post:
        post = make_post(given.pop("text", f"seen by @someone {uuid4().hex}"), platform="mastodon", **given)
        session.add_all([post, PostKey(id=post.id, collected_at=post.collected_at)])
        if case is not None:
            session.add(Membership(post_id=post.id, case_id=case.id, sure=sure, how="new", joined_at=NOON))
        if filed:
            media = Media(post_id=post.id, kind="video", url="https://social.example/v.mp4")
            session.add(media)
            seal(session, files, media_id=media.id, post_id=post.id)
        session.commit()
        return post

    return make
