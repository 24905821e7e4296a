"""Mail: read once each, never marked, attachments set aside unopened, a rebuilt mailbox read anew."""

import hashlib
import json
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

import collector.sources.mail as mail
from collector.batch import Batch, CursorPosition
from collector.errors import FetchError, Forbidden, NoKey, TooSlow, Unreachable, Unreadable
from collector.http import Http
from collector.mail import read_mail
from collector.settings import HttpSettings
from collector.sources.base import Place
from tests.conftest import NOON
from tests.doubles.imap import Mailbox, running_mailbox

KEYS = {"mail": "open sesame", "mail_user": "tips"}


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with running_mailbox() as made:
        yield made


def letter(number: int, **headers: str) -> bytes:
    message = EmailMessage()
    given = {
        "Subject": f"Stop on the high road {number}",
        "From": "A Neighbour <neighbour@letters.example>",
        "Date": "Tue, 14 Jul 2026 12:00:00 +0100",
        "Message-ID": f"<{number}@letters.example>",
        **headers,
    }
    for name, value in given.items():
        message[name] = value
    message.set_content("Police stopped my neighbour.\nI filmed it.")
    return message.as_bytes()


def fetch(mailbox: Mailbox, position: str | None = None, **given: Any) -> Batch:
    place = Place("tips", given.pop("url", mailbox.url), keys=given.pop("keys", KEYS), **given)
    with Http(HttpSettings(allow=(mailbox.authority,), read_s=2)) as http:
        return mail.Mail(place).fetch(http, CursorPosition(position), now=NOON)


def test_messages_are_read_once_and_never_marked(mailbox: Mailbox) -> None:
    mailbox.messages = {4: letter(4), 7: letter(7)}
    batch = fetch(mailbox)
    assert [item.external_id for item in batch.items] == ["4@letters.example", "7@letters.example"]
    item = batch.items[0]
    assert item.text == "Stop on the high road 4\nPolice stopped my neighbour.\nI filmed it."
    assert (item.platform, item.author) == ("mail", "neighbour@letters.example")
    assert item.published_at is not None
    assert item.published_at.isoformat() == "2026-07-14T12:00:00+01:00"
    assert item.payload == letter(4)
    assert batch.cursor == CursorPosition(position="1 7")
    mailbox.messages[9] = letter(9)
    assert [item.external_id for item in fetch(mailbox, "1 7").items] == ["9@letters.example"]
    assert fetch(mailbox, "1 9").items == []
    assert not any(line.startswith(("SELECT", "UID STORE")) for line in mailbox.log)


def test_a_rebuilt_mailbox_is_read_from_its_beginning(mailbox: Mailbox) -> None:
    mailbox.messages, mailbox.validity = {1: letter(1)}, 2
    batch = fetch(mailbox, "1 70")
    assert len(batch.items) == 1
    assert batch.cursor == CursorPosition(position="2 1")


def test_a_full_mailbox_is_read_in_parts(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "AT_ONCE", 3)  # for a test of 5 messages instead of 51
    mailbox.messages = {number: letter(number) for number in range(1, 6)}
    first = fetch(mailbox)
    assert (len(first.items), first.more) == (3, True)
    assert first.cursor is not None
    rest = fetch(mailbox, first.cursor.position)
    assert (len(rest.items), rest.more) == (2, False)


def test_attachments_are_set_aside_under_their_digest(mailbox: Mailbox, tmp_path: Path) -> None:
    message = EmailMessage()
    message["Message-ID"] = "<film@letters.example>"
    message.set_content("Police, see the film")
    film = b"\x00\x00film"
    message.add_attachment(film, maintype="video", subtype="mp4", filename="../../film.mp4")
    mailbox.messages = {1: message.as_bytes()}
    folder = tmp_path / "quarantine"
    (item,) = fetch(mailbox, quarantine=str(folder)).items
    digest = hashlib.sha256(film).hexdigest()
    assert [(each.kind, each.url) for each in item.media] == [("video", f"sha256:{digest}")]
    assert (folder / digest).read_bytes() == film
    assert (folder / digest).stat().st_mode & 0o777 == 0o400
    assert json.loads((folder / f"{digest}.json").read_text()) == {
        "name": "../../film.mp4",
        "mime": "video/mp4",
    }
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [digest, f"{digest}.json"]


def test_bad_large_and_vanished_messages_stop_nothing(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "LARGEST", 1_000)
    mailbox.messages = {1: b"\r\n", 2: letter(2) + b"x" * 2_000, 3: None, 4: letter(4)}
    batch = fetch(mailbox)
    assert [item.external_id for item in batch.items] == ["4@letters.example"]
    assert [each.which for each in batch.malformed] == ["message 1", "message 2"]


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"keys": {**KEYS, "mail": "wrong"}}, Unreadable, "refuses our login"),
        ({"keys": {}}, NoKey, "no"),
        ({"url": "imap://127.0.0.1:1/INBOX"}, Forbidden, "TLS only"),
        ({"url": "imaps://127.0.0.1:993/INBOX"}, Forbidden, "public"),
        ({"url": "imaps://127.0.0.1:25/INBOX"}, Forbidden, "only ports 993"),
    ],
)
def test_what_is_wrong_is_said(
    given: dict[str, Any], kind: type[FetchError], said: str, mailbox: Mailbox
) -> None:
    with pytest.raises(kind, match=said) as raised:
        fetch(mailbox, **given)
    assert "sesame" not in str(raised.value)


def test_a_server_that_says_nothing_ends_in_time(mailbox: Mailbox) -> None:
    mailbox.hangs = True
    with pytest.raises((TooSlow, Unreachable, Unreadable)):
        fetch(mailbox)


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-replied"},
        {"Auto-Submitted": "auto-generated (failure)"},
        {"Return-Path": "<>"},
    ],
)
def test_what_machines_send_is_counted_and_left_out(headers: dict[str, str], mailbox: Mailbox) -> None:
    mailbox.messages = {1: letter(1, **headers), 2: letter(2, **{"Auto-Submitted": "no"})}
    batch = fetch(mailbox)
    assert [item.external_id for item in batch.items] == ["2@letters.example"]
    assert (batch.dropped, batch.malformed) == (1, [])
    assert batch.cursor == CursorPosition(position="1 2")


def test_a_message_larger_than_said_is_cut_by_the_server(mailbox: Mailbox) -> None:
    mailbox.messages = {1: letter(1)}
    fetch(mailbox)
    assert any(f"BODY.PEEK[]<0.{mail.LARGEST}>" in line for line in mailbox.log)


HOSTILE = (
    b"<html><head><style>p{}</style></head><body onload=x()><p style='display:none'>Police</p>"
    b"<a href='javascript:x()'>here</a><form action=http://t.example><input></form>&lt;b&gt;</body>"
)


def test_of_html_only_its_words_are_left() -> None:
    item, attached = read_mail(b"Subject: x\r\nContent-Type: text/html\r\n\r\n" + HOSTILE, "1")
    assert item.text == "x\nPolice\nhere<b>"
    assert attached == []
    assert item.media == ()


def test_a_message_nested_without_end_is_refused() -> None:
    deep = b"Police"
    for number in range(2_000):
        mark = str(number).encode()
        head = b'Content-Type: multipart/mixed; boundary="' + mark + b'"\r\n\r\n--' + mark + b"\r\n"
        deep = head + deep + b"\r\n--" + mark + b"--"
    with pytest.raises(ValueError, match="RecursionError"):
        read_mail(b"Subject: x\r\n" + deep, "1")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"Content-Type: text/plain; charset=undefined\r\n\r\nPolice",
        b"Content-Type: text/plain; charset=idna\r\n\r\n\xff\xfePolice",
        b"Content-Type: text/plain; charset=utf-7\r\n\r\n+AAA-Police",
        b"Content-Transfer-Encoding: base64\r\n\r\nPolice!!!",
        b"Subject: " + b"=?utf-8?b?" + b"A" * 50_000 + b"?=\r\n\r\nPolice",
        b'Content-Type: text/plain; charset="' + b"x" * 5_000 + b"\r\n\r\nPolice",
        b"\x00" * 100,
        b"Subject: =?nope?q?x?=\r\n\r\nPolice",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
        b"Content-Type: text/plain; charset=klingon\r\n\r\nPolice",
        b"From: <<<>>>\r\nDate: never\r\n\r\nPolice",
        b"Content-Type: text/html\r\n\r\n<p>Police <script>x()</script><img src=http://t.example/1.gif></p>",
    ],
)
def test_broken_messages_are_read_or_refused_and_never_crash(raw: bytes) -> None:
    try:
        item, _ = read_mail(raw, "1")
    except ValueError:
        return
    assert "x()" not in item.text
    assert item.external_id == "1"
