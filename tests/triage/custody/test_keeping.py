"""Files stay as long as they are evidence."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from collector.footage_records import Look
from collector.store import withdraw_posts
from collector.video.files import Files
from tests.conftest import NOON
from tests.triage.custody.sealed import DIGEST, NINETY_DAYS, Posting, entries, seal
from triage.custody import take_into_custody
from triage.keeping import FADES, WAITS, settle_files
from triage.records import Case, Status


def settled(session: Session, files: Files, after: timedelta) -> int:
    gone = settle_files(session, files, keep_for=NINETY_DAYS, now=NOON + after)
    session.commit()
    session.expire_all()
    return gone


def test_a_file_of_no_case_goes_after_an_hour_and_leaves_its_digest(
    session: Session, files: Files, posting: Posting
) -> None:
    post = posting(filed=True)
    assert settled(session, files, WAITS) == 0
    assert settled(session, files, WAITS + timedelta(seconds=1)) == 1
    look = session.exec(select(Look)).one()
    assert (look.gone_because, look.sha256, look.post_id) == ("its post belongs to no case", DIGEST, post.id)
    assert [each for each in files.folder.rglob("*") if each.is_file()] == []
    assert entries(session) == []  # what was no evidence has no custody
    assert look.url is not None
    assert settled(session, files, FADES + timedelta(days=1)) == 0
    assert session.exec(select(Look)).one().url is None


@pytest.mark.parametrize("sure", [True, False], ids=["in a case", "suggested for one"])
def test_a_file_stays_while_its_case_is_open(
    session: Session, files: Files, case: Case, posting: Posting, sure: bool
) -> None:
    posting(case, filed=True, sure=sure)
    assert settled(session, files, timedelta(days=400)) == 0


def test_a_file_goes_some_time_after_its_case_was_closed_and_custody_says_so(
    session: Session, files: Files, case: Case, posting: Posting
) -> None:
    posting(case, filed=True)
    take_into_custody(session, now=NOON)
    case.status, case.touched_at = Status.CLOSED, NOON + timedelta(days=1)
    session.commit()
    assert settled(session, files, timedelta(days=90)) == 0
    assert settled(session, files, timedelta(days=92)) == 1
    [disposed] = entries(session, act="disposed")
    assert (disposed.who, disposed.note) == ("golden hour", "its case was closed long enough ago")
    assert not files.place(DIGEST).exists()


def test_the_file_of_a_withdrawn_post_goes_at_once(
    session: Session, files: Files, case: Case, posting: Posting
) -> None:
    post = posting(case, filed=True)
    withdraw_posts(session, {post.id: "deleted by its author"}, now=NOON)
    session.commit()
    assert settled(session, files, timedelta(0)) == 1
    assert not files.place(DIGEST).exists()


def test_a_file_that_two_posts_carry_goes_with_the_last_of_them(
    session: Session, files: Files, case: Case, posting: Posting
) -> None:
    posting(filed=True)
    posting(case, filed=True)
    assert settled(session, files, 2 * WAITS) == 1
    assert files.place(DIGEST).exists()


def test_an_upload_stays_with_its_case(session: Session, files: Files, case: Case) -> None:
    seal(session, files, case_id=case.id)
    assert settled(session, files, timedelta(days=30)) == 0
