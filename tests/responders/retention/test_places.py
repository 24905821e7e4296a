"""Keys of the vault, accounts of people who left, meetings and old case files: each goes in its own way."""

from datetime import timedelta
from pathlib import Path

from sqlmodel import Session, select

from collector.evidence_records import SealedAuthor
from collector.hold_records import HeldCopy
from collector.vault import Keyring, add_key
from config.files import rules_all
from config.settings import HERE
from responders.retention.records import let_cases_go, let_meetings_go, let_staff_go
from responders.retention.vault import tend_keys
from tests.conftest import NOON
from tests.make import make_alert, make_case, make_person, make_post
from triage.records import Alert, Case, Delivery, Person
from triage.review.meeting_records import Review, ReviewItem

POLICY = rules_all(HERE / "policy" / "retention.toml")
YEARS = timedelta(days=8 * 366)


def ids(path: Path) -> list[str]:
    return [line.split()[0] for line in path.read_text().splitlines()]


def test_a_key_goes_when_no_author_is_sealed_under_it_and_a_new_one_seals_each_month(
    session: Session, tmp_path: Path
) -> None:
    path = tmp_path / "vault"
    ring, first, second = Keyring.of(path), make_post(), make_post()
    key, sealed = ring.seal(first.id, "did:plc:a")
    session.add(
        SealedAuthor(post_id=first.id, key_id=key, sealed=sealed, sealed_at=NOON - timedelta(days=31))
    )
    session.commit()
    assert tend_keys(session, path, now=NOON) == []
    assert len(ids(path)) == 2
    add_key(path)
    key_now, sealed = Keyring.of(path).seal(second.id, "did:plc:b")
    later = SealedAuthor(post_id=second.id, key_id=key_now, sealed=sealed, sealed_at=NOON)
    session.add(later)
    assert ring.open(later) == "did:plc:b"  # a ring that was read before finds keys added since
    session.delete(session.exec(select(SealedAuthor).where(SealedAuthor.post_id == first.id)).one())
    session.add(
        HeldCopy(
            post_id=first.id, source="s", collected_at=NOON, taken_at=NOON, because="x",
            content={"author": {"key_id": key}},
        )
    )  # fmt: skip
    session.commit()
    assert tend_keys(session, path, now=NOON) == []  # a copy under hold needs it
    session.delete(session.exec(select(HeldCopy)).one())
    session.commit()
    assert tend_keys(session, path, now=NOON) == [key]
    assert key not in ids(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert Keyring.of(path).open(later) == "did:plc:b"


def test_people_who_left_long_ago_lose_their_names_and_stay_in_what_they_decided(session: Session) -> None:
    gone = make_person(name="Ann Example", username="ann", slack_user="U123456", disabled_at=NOON - YEARS)
    there = make_person(name="Tom Example", username="tom", disabled_at=NOON - timedelta(days=9))
    session.add_all([gone, there])
    session.commit()
    assert len(let_staff_go(session, POLICY.of("staff"), now=NOON).ids) == 1
    session.commit()
    session.expire_all()
    names = {each.id: (each.name, each.slack_user) for each in session.exec(select(Person))}
    assert names == {gone.id: ("Former member of staff", None), there.id: ("Tom Example", None)}
    assert let_staff_go(session, POLICY.of("staff"), now=NOON).ids == []


def test_a_case_file_goes_whole_and_then_its_meeting(session: Session) -> None:
    old = NOON - YEARS
    case = make_case(status="closed", opened_at=old, touched_at=old)
    young = make_case(status="closed", touched_at=NOON - timedelta(days=99))
    meeting = Review(meets_at=old, created_at=old)
    session.add_all([case, young, meeting])
    session.flush()
    alert = make_alert(case)
    session.add_all(
        [alert, ReviewItem(case_id=case.id, review_id=meeting.id, because="force", listed_at=old)]
    )
    session.flush()
    session.add(Delivery(alert_id=alert.id, channel="C1", due_at=old))
    session.commit()
    left, gone_id, meeting_id = young.id, case.id, meeting.id
    assert let_meetings_go(session, POLICY.of("meetings"), now=NOON).ids == []
    gone = let_cases_go(session, POLICY.of("cases"), now=NOON)
    assert gone.ids == [str(gone_id)]
    assert {"cases": 1, "alerts": 1, "deliveries": 1, "review_items": 1}.items() <= gone.counts.items()
    assert let_meetings_go(session, POLICY.of("meetings"), now=NOON).ids == [f"reviews:{meeting_id}"]
    session.commit()
    session.expunge_all()
    assert [each.id for each in session.exec(select(Case))] == [left]
    assert session.exec(select(Alert)).all() == []
