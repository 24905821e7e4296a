"""Evidence is entered when it is collected and when it is seen."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import Engine
from sqlmodel import Session, select

from collector.evidence_records import CustodyEntry
from collector.video.files import Files
from tests.conftest import NOON
from tests.triage.custody.sealed import DIGEST, Posting, entries, seal
from triage.custody import has_seen, note_seen, take_into_custody
from triage.records import Case, LogEntry


def test_posts_and_files_of_cases_are_entered_once(session: Session, case: Case, posting: Posting) -> None:
    ours = posting(case, filed=True)
    posting(filed=True)
    posting(case, sure=False, filed=True)
    assert take_into_custody(session, now=NOON) == 2
    assert take_into_custody(session, now=NOON) == 0
    post, file = entries(session, act="collected")
    assert (post.post_id, post.media_id, post.sha256) == (ours.id, None, ours.payload_sha256)
    assert (file.post_id, file.sha256) == (ours.id, DIGEST)


def test_a_file_that_is_seen_after_its_post_was_entered_is_entered_too(
    session: Session, files: Files, case: Case, posting: Posting
) -> None:
    post = posting(case)
    take_into_custody(session, now=NOON)
    seal(session, files, post_id=post.id)
    assert take_into_custody(session, now=NOON) == 1


def test_however_many_views_begin_at_once_one_line_is_left(
    engine: Engine, session: Session, case: Case, posting: Posting
) -> None:
    posts = [posting(case).id for _ in range(3)]
    case_id = case.id

    def see(minute: int) -> None:
        with Session(engine) as own:
            note_seen(own, case_id, posts, who="amira", now=NOON + timedelta(minutes=minute))
            own.commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(see, [0] * 8))
    lines = select(LogEntry).where(LogEntry.what == "viewed")
    assert len(session.exec(lines).all()) == 1
    assert len(entries(session, act="viewed")) == 3
    see(5)
    see(11)
    assert len(session.exec(lines).all()) == 2
    assert len(entries(session, act="viewed", who="amira")) == 6


def test_what_was_seen_is_known_for_a_while(
    session: Session, files: Files, case: Case, posting: Posting
) -> None:
    look = seal(session, files, post_id=posting(case).id)
    session.add(CustodyEntry(at=NOON, who="amira", act="viewed", media_id=look.media_id))
    session.commit()

    def seen(who: str, minutes: int) -> bool:
        now = NOON + timedelta(minutes=minutes)
        return has_seen(session, look.media_id, who=who, within=timedelta(minutes=15), now=now)

    assert [seen("amira", 14), seen("amira", 16), seen("tom", 1)] == [True, False, False]
