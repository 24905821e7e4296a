"""Evidence: custody cannot be rewritten, a changed payload raises an alarm, a time stamp is about our digest."""

import hashlib
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import which
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select
from structlog.testing import capture_logs

from collector.der import (
    BOOLEAN,
    INSIDE,
    NULL,
    OCTETS,
    OID,
    SEQUENCE,
    SET,
    TIME,
    child,
    read_all,
    write,
    write_integer,
)
from collector.errors import Forbidden, Refused, Unreadable
from collector.evidence import LOGGED, check_evidence, note_custody
from collector.evidence_records import CustodyEntry, PostVersion
from collector.footage_records import Look
from collector.http import Http
from collector.records import Failure, PostKey
from collector.settings import HttpSettings
from collector.timestamps import SHA256, SIGNED_DATA, TST_INFO, read_reply, request, stamp, unstamped
from collector.video.files import Files
from tests.conftest import NOON
from tests.doubles.interface import Asked, Interface, Said, running_interface
from tests.make import make_case, make_post
from triage.custody import take_into_custody
from triage.records import Membership

DIGEST = hashlib.sha256(b"a post").digest()


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "media")


def kept(session: Session, words: str = "Police stopped a man") -> UUID:
    post = make_post(words)
    session.add(post)
    session.add(PostKey(id=post.id, collected_at=post.collected_at))
    session.commit()
    return post.id


def test_the_custody_log_refuses_to_be_changed(session: Session) -> None:
    post = kept(session)
    assert note_custody(session, [post], "viewed", who="A Reviewer", now=NOON, note="for the meeting") == 1
    session.commit()
    entry = session.exec(select(CustodyEntry)).one()
    assert (entry.who, entry.act, entry.note) == ("A Reviewer", "viewed", "for the meeting")
    assert entry.sha256 == hashlib.sha256(b"Police stopped a man").digest()
    for change in (
        "UPDATE custody_entries SET who = 'x'",
        "DELETE FROM custody_entries",
        "TRUNCATE custody_entries",
    ):
        with pytest.raises(DBAPIError, match="append-only"):
            session.execute(text(change))
        session.rollback()


def test_an_act_that_is_none_is_refused(session: Session) -> None:
    with pytest.raises(ValueError, match="burnt"):
        note_custody(session, [], "burnt", who="x", now=NOON)


def test_posts_of_cases_are_taken_into_custody_once(session: Session) -> None:
    case = make_case()
    session.add(case)
    ours = kept(session)
    kept(session, "another post")
    session.flush()
    session.add(Membership(post_id=ours, case_id=case.id, sure=True, score=1.0, how="new", joined_at=NOON))
    session.commit()
    assert take_into_custody(session, now=NOON) == 1
    assert take_into_custody(session, now=NOON) == 0
    session.commit()
    assert session.exec(select(CustodyEntry.act)).all() == ["collected"]
    assert unstamped(session) == [hashlib.sha256(b"Police stopped a man").digest()]


def test_a_changed_payload_is_found_and_named(session: Session, files: Files) -> None:
    post = kept(session)
    session.add(
        PostVersion(
            post_id=post, number=1, taken_at=NOON, source="s", text="x", payload=b"x", payload_sha256=DIGEST
        )
    )
    session.commit()
    assert len(check_evidence(session, files, now=NOON)) == 1
    session.execute(text("UPDATE posts SET payload = 'forged'"))
    assert len(check_evidence(session, files, now=NOON)) == 2
    session.commit()
    failures = session.exec(select(Failure)).all()
    assert {each.stage for each in failures} == {"evidence"}
    assert {each.subject for each in failures} == {str(post)}
    assert len(failures) == 2


def test_of_many_changed_payloads_the_log_names_the_first_and_counts_all(
    session: Session, files: Files
) -> None:
    for _ in range(LOGGED + 3):
        kept(session)
    session.execute(text("UPDATE posts SET payload = 'forged'"))
    with capture_logs() as lines:
        assert len(check_evidence(session, files, now=NOON)) == LOGGED + 3
    session.commit()
    assert len(lines) == LOGGED + 1
    assert lines[-1]["pieces"] == LOGGED + 3
    assert len(session.exec(select(Failure)).all()) == LOGGED + 3


def test_sound_payloads_raise_no_alarm(session: Session, files: Files) -> None:
    kept(session)
    assert check_evidence(session, files, now=NOON) == []


def sealed(session: Session, files: Files, body: bytes = b"a clip") -> Look:
    """A file that was looked at, as evidence."""
    digest = hashlib.sha256(body).digest()
    with files.incoming() as path:
        path.write_bytes(body)
        files.seal(path, digest)
    look = Look(media_id=uuid4(), post_id=uuid4(), at=NOON, done_at=NOON, file_at=NOON, sha256=digest)
    session.add(look)
    session.commit()
    return look


def test_a_file_that_is_changed_or_missing_is_found_until_it_is_right_again(
    session: Session, files: Files
) -> None:
    look = sealed(session, files)
    assert look.sha256 is not None
    assert check_evidence(session, files, now=NOON) == []
    place = files.place(look.sha256)
    place.chmod(0o600)
    place.write_bytes(b"b clip")
    [changed] = check_evidence(session, files, now=NOON)
    assert (changed.subject, changed.place) == (str(look.media_id), "media")
    place.unlink()
    assert "missing" in check_evidence(session, files, now=NOON)[0].what
    session.commit()
    failure = session.exec(select(Failure)).one()
    assert (failure.stage, failure.mended_at) == ("evidence", None)
    place.write_bytes(b"a clip")
    assert check_evidence(session, files, now=NOON) == []
    session.commit()
    session.refresh(failure)
    assert failure.mended_at == NOON


@given(st.binary(max_size=300), st.integers(0, 2**80))
def test_der_is_read_as_it_was_written(content: bytes, number: int) -> None:
    (value,) = read_all(write(SEQUENCE, write(OCTETS, content), write_integer(number)))
    assert child(value, 0).content == content
    assert int.from_bytes(child(value, 1).content, "big") == number
    assert child(value, 1).content[0] < 0x80


@given(st.binary(max_size=200))
def test_any_bytes_are_der_or_refused(body: bytes) -> None:
    try:
        list(read_all(body))
    except ValueError:
        return


def reply(
    digest: bytes = DIGEST,
    nonce: int = 0,
    *,
    status: int = 0,
    content: bytes = TST_INFO,
    at: bytes = b"20260714120000Z",
) -> bytes:
    """A TimeStampResp as an authority writes it, with an empty signature."""
    imprint = write(SEQUENCE, write(SEQUENCE, write(OID, SHA256), write(NULL)), write(OCTETS, digest))
    accuracy = write(SEQUENCE, write_integer(1))
    info = write(
        SEQUENCE,
        write_integer(1),
        write(OID, b"\x2a\x03"),
        imprint,
        write_integer(0xABC),
        write(TIME, at),
        accuracy,
        write(BOOLEAN, b"\xff"),
        write_integer(nonce),
    )
    inner = write(SEQUENCE, write(OID, content), write(INSIDE, write(OCTETS, info)))
    signed = write(SEQUENCE, write_integer(3), write(SET), inner, write(SET))
    token = write(SEQUENCE, write(OID, SIGNED_DATA), write(INSIDE, signed))
    return write(SEQUENCE, write(SEQUENCE, write_integer(status)), token)


@pytest.fixture
def authority() -> Iterator[Interface]:
    with running_interface() as made:
        yield made


def asked_for(asked: Asked) -> tuple[bytes, int]:
    (query,) = read_all(asked.body)
    return child(query, 1, 1).content, int.from_bytes(child(query, 2).content, "big")


def stamped(authority: Interface, answer: Callable[[bytes, int], bytes]) -> tuple[datetime, str]:
    authority.answers["/tsa"] = lambda asked: Said(answer(*asked_for(asked)))
    with Http(HttpSettings(allow=(authority.authority,))) as http:
        found = stamp(http, f"{authority.url}/tsa", DIGEST, now=NOON)
    assert found.token.startswith(b"\x30")
    return found.stamped_at, found.serial


def test_a_stamp_about_our_digest_and_question_is_kept(authority: Interface) -> None:
    at, serial = stamped(authority, lambda digest, nonce: reply(digest, nonce, at=b"20260714120000.25Z"))
    assert (at, serial) == (datetime(2026, 7, 14, 12, 0, 0, 250_000, tzinfo=UTC), "abc")
    assert authority.log[0].headers["content-type"] == "application/timestamp-query"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda _d, n: reply(b"\0" * 32, n), "another digest"),
        (lambda d, n: reply(d, n ^ 1), "another question"),
        (lambda d, n: reply(d, n, status=2), "status 2"),
        (lambda d, n: reply(d, n, content=SHA256), "something else"),
        (lambda d, n: reply(d, n, at=b"yesterday"), "no time"),
        (lambda d, n: reply(d, n)[:80], "breaks off"),
        (lambda _d, _n: b"", "no answer"),
        (lambda _d, _n: b"<html>", "be used"),
    ],
)
def test_a_stamp_about_anything_else_is_refused(
    answer: Callable[[bytes, int], bytes], said: str, authority: Interface
) -> None:
    with pytest.raises(Unreadable, match=said):
        stamped(authority, answer)


TSA = """[tsa]
default_tsa = t
[t]
serial = {0}/serial
signer_cert = {0}/cert.pem
signer_key = {0}/key.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = yes
"""
OPENSSL = which("openssl") or ""


def test_a_stamp_of_another_make_is_read_and_its_token_verifies(tmp_path: Path) -> None:
    assert OPENSSL, "this test needs the program openssl: install the package of that name"

    def openssl(*arguments: str) -> None:
        subprocess.run([OPENSSL, *arguments], cwd=tmp_path, check=True, capture_output=True)

    key = [
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
        "-subj",
        "/CN=Test",
    ]
    openssl("req", *key, "-addext", "extendedKeyUsage=critical,timeStamping")
    (tmp_path / "serial").write_text("01")
    (tmp_path / "tsa.cnf").write_text(TSA.format(tmp_path))
    (tmp_path / "query").write_bytes(request(DIGEST, 2**63 + 5))
    openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply")
    found = read_reply((tmp_path / "reply").read_bytes(), DIGEST, 2**63 + 5)
    assert abs(found.at - datetime.now(UTC)) < timedelta(minutes=5)
    (tmp_path / "token").write_bytes(found.token)
    openssl("ts", "-verify", "-digest", DIGEST.hex(), "-in", "token", "-token_in", "-CAfile", "cert.pem")


def test_an_authority_that_redirects_or_refuses_is_not_followed(authority: Interface) -> None:
    authority.refusing = Said(b"", 307, {"Location": f"{authority.url}/elsewhere"})
    with pytest.raises(Unreadable, match="redirected"):
        stamped(authority, reply)
    authority.refusing = Said(b"", 503, {"Retry-After": "60"})
    with pytest.raises(Refused) as raised:
        stamped(authority, reply)
    with Http(HttpSettings()) as http, pytest.raises(Forbidden):
        stamp(http, f"{authority.url}/tsa", DIGEST, now=NOON)
    assert raised.value.retry_after == timedelta(seconds=60)
    assert {asked.path for asked in authority.log} == {"/tsa"}


def test_the_question_holds_the_digest_and_nothing_of_the_post() -> None:
    (query,) = read_all(request(DIGEST, 2**63))
    assert child(query, 1, 1).content == DIGEST
    assert int.from_bytes(child(query, 2).content, "big") == 2**63
    assert len(request(DIGEST, 2**63)) < 80
