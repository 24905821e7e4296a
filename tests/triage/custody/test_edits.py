"""What became of posts, and what is missing of them."""

from datetime import timedelta
from uuid import uuid4

from sqlmodel import Session, select

from collector.evidence_records import Fetch, Timestamp
from collector.footage_records import Footage, Look
from collector.records import Media, Post
from collector.store import withdraw_posts
from tests.conftest import NOON
from tests.triage.custody.sealed import DIGEST, Posting, version
from triage.custody import take_into_custody
from triage.edits import note_edits
from triage.evidence import read_exhibits
from triage.records import Case, LogEntry


def test_an_edit_of_a_post_in_a_case_is_logged_once(session: Session, case: Case, posting: Posting) -> None:
    ours, other = posting(case), posting()
    for post in (ours, other):
        session.add_all([version(post, 1, NOON), version(post, 2, NOON + timedelta(minutes=1))])
    session.commit()
    assert note_edits(session, now=NOON + timedelta(minutes=2)) == 1
    session.commit()
    assert note_edits(session, now=NOON + timedelta(minutes=3)) == 0
    line = session.exec(select(LogEntry).where(LogEntry.what == "post edited")).one()
    assert (line.case_id, line.detail) == (case.id, {"post": str(ours.id), "version": 2})


def missing(session: Session, post: Post) -> dict[str, str]:
    return {
        each.name: each.says for each in read_exhibits(session, [post])[post.id].elements if not each.there
    }


def test_a_complete_post_lacks_only_the_picture_of_its_page(
    session: Session, case: Case, posting: Posting
) -> None:
    fetch = Fetch(
        source="s", at=NOON, url="https://social.example/api", headers={"date": "x"}, body_sha256=DIGEST
    )
    post = posting(case, filed=True, fetch_id=fetch.id)
    stamp = Timestamp(
        sha256=post.payload_sha256, authority="https://tsa.example", stamped_at=NOON, serial="1", token=b"t"
    )
    session.add_all([fetch, stamp])
    take_into_custody(session, now=NOON)
    session.commit()
    exhibit = read_exhibits(session, [post])[post.id]
    assert set(missing(session, post)) == {"Source and picture of the page"}
    assert (exhibit.there, len(exhibit.elements)) == (8, 9)
    assert DIGEST.hex() in next(each.says for each in exhibit.elements if each.name.startswith("File"))


def test_what_is_missing_says_why(session: Session, case: Case, posting: Posting) -> None:
    post = posting(case, url=None, payload=None)
    media = [Media(post_id=post.id, kind="video", url=f"https://social.example/{n}") for n in (1, 2)]
    session.add_all(media)
    session.add(
        Look(media_id=min(each.id for each in media), post_id=post.id, at=NOON, tries=1, error="empty file")
    )
    session.commit()
    assert missing(session, post) == {
        "Address": "the source gives none",
        "What the platform gave": "larger than is kept; its digest is",
        "Headers of the answer": "it came over a stream, from a file or by hand: there was no answer of its own",
        "File 1": "empty file",
        "File 2": "still to be looked at",
        "Time stamp (RFC 3161)": "no authority has stamped it; one is set with GOLDENHOUR_COLLECT__TIMESTAMP_URL",
        "Custody from collection on": "entered within minutes of the post joining the case",
        "Source and picture of the page": "not taken: posts are read through an interface, and a picture of the page"
        " would show other people",
    }  # fmt: skip
    withdraw_posts(session, {post.id: "deleted by its author"}, now=NOON)
    session.commit()
    session.expire_all()
    assert missing(session, session.exec(select(Post)).one())["Address"] == "went when the post was withdrawn"


def test_footage_of_a_file_stands_beside_it(session: Session, case: Case, posting: Posting) -> None:
    post = posting(case, filed=True)
    look = session.exec(select(Look)).one()
    session.add(
        Footage(family_id=uuid4(), media_id=look.media_id, post_id=post.id, platform="mastodon",
                first_seen_at=NOON, kept_at=NOON, sha256=DIGEST, size_bytes=9, kind="video", container="mp4",
                codec="h264", width=9, height=9, method="m")
    )  # fmt: skip
    session.commit()
    [file] = read_exhibits(session, [post])[post.id].files
    assert file.footage is not None
    assert file.why_not is None
