"""Each channel against a double that speaks its protocol: what is said, what each answer means, what stays secret."""

import base64
import hashlib
import hmac
import json
import socket
import ssl
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr, ValidationError

from responders.channels.channel import ChannelError, Letter, Refused, Sent, Unknown, UnreadableError, Wait
from responders.channels.settings import Hook, MailSettings, NotifySettings
from responders.channels.teams import Teams
from responders.channels.webhook import key_of
from tests.doubles.certificates import Authority
from tests.doubles.receivers import receivers
from tests.doubles.slack import Faults
from tests.doubles.smtp import PASSWORD, USER, mail_server
from tests.make import NOON
from tests.responders.carrying import (
    OLD_SECRET,
    SECRET,
    TEXT,
    make_http,
    make_mail,
    make_notify,
    make_webhook,
)

KEY = UUID("0a1b2c3d-0000-4000-8000-000000000001")
LETTER = Letter(KEY, "page", "GH-7 waits for the press bureau", TEXT)
PHONE, MAILBOX = "+44 7700 900123", "press-desk@force.example"


def right_now() -> datetime:
    return datetime.now(UTC)


def test_a_mail_is_plain_text_that_names_its_case_and_keeps_its_id() -> None:
    with mail_server() as server:
        first = make_mail(server.port).send(LETTER, MAILBOX, now=NOON)
        again = make_mail(server.port).send(LETTER._replace(possible_repeat=True), MAILBOX, now=NOON)
    one, two = server.mails
    assert first == again == Sent(f"<{KEY}@force.example>")
    assert one["Message-ID"] == two["Message-ID"]
    assert (one["Subject"], two["Subject"]) == (LETTER.subject, f"Possible repeat: {LETTER.subject}")
    assert one.get_content_type() == "text/plain"
    assert TEXT in one.get_content()
    assert one["Auto-Submitted"] == "auto-generated"


def test_a_mail_goes_over_tls_to_a_server_whose_certificate_is_good(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ours")
    trusted = ssl.create_default_context(cafile=str(authority.file))
    with mail_server(tls=authority.door("127.0.0.1")) as server:
        mail = make_mail(
            server.port, tls=trusted, security="starttls", user=USER, password=SecretStr(PASSWORD)
        )
        assert isinstance(mail.send(LETTER, MAILBOX, now=NOON), Sent)
        assert (server.secured, server.signed_in) == (1, 1)
        stranger = make_mail(server.port, security="starttls")
        assert stranger.send(LETTER, MAILBOX, now=NOON) == Wait("SSLCertVerificationError")
    assert len(server.mails) == 1


def test_without_tls_mail_stays_on_this_machine() -> None:
    with pytest.raises(ValidationError, match="readable by anybody"):
        MailSettings(host="mail.force.example", security="none", sender=MAILBOX)
    with pytest.raises(ValidationError, match="sender"):
        MailSettings(host="mail.force.example")


@pytest.mark.parametrize("kind", ["reply dropped", "hang after", "hang"])
def test_a_mail_whose_end_was_sent_may_have_arrived(kind: str) -> None:
    with mail_server(Faults(1, rate=1.0, kinds=[kind], hang_s=0.5)) as server:
        assert isinstance(make_mail(server.port, timeout_s=0.3).send(LETTER, MAILBOX, now=NOON), Unknown)


@pytest.mark.parametrize("kind", ["451", "dropped before"])
def test_a_mail_that_was_not_taken_waits(kind: str) -> None:
    with mail_server(Faults(1, rate=1.0, kinds=[kind])) as server:
        outcome = make_mail(server.port).send(LETTER, MAILBOX, now=NOON)
    # the connection may break while the text is asked for: then nobody knows
    assert isinstance(outcome, Wait if kind == "451" else Unknown)
    assert server.mails == []


def test_a_mail_server_that_is_away_or_silent_is_waited_for() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        away = make_mail(taken.getsockname()[1])
        assert away.send(LETTER, MAILBOX, now=NOON) == Wait("ConnectionRefusedError")
    with mail_server(Faults(1, rate=0, hang_s=0.5)) as server:
        server.hangs = True
        begun_s = time.monotonic()
        assert isinstance(make_mail(server.port, timeout_s=0.2).send(LETTER, MAILBOX, now=NOON), Wait)
        assert time.monotonic() - begun_s < 5


def test_an_address_nobody_has_is_refused_for_good() -> None:
    with mail_server() as server:
        server.refused.add(MAILBOX)
        assert make_mail(server.port).send(LETTER, MAILBOX, now=NOON) == Refused("smtp 550")
        for wrong in ("nobody", "a@b\r\nBcc: everybody@force.example", ""):
            assert make_mail(server.port).send(LETTER, wrong, now=NOON) == Refused("not an e-mail address")
    assert server.mails == []


def test_a_wrong_mail_password_is_refused_and_not_told() -> None:
    with mail_server() as server:
        mail = make_mail(server.port, user=USER, password=SecretStr("guess what"))
        outcome = mail.send(LETTER, MAILBOX, now=NOON)
        with pytest.raises(ChannelError, match="GOLDENHOUR_MAIL__PASSWORD") as told:
            mail.greet(now=NOON)
        assert "takes mail" in make_mail(server.port).greet(now=NOON)
    assert isinstance(outcome, Refused)
    assert "guess" not in f"{outcome} {told.value}"


def test_notify_takes_a_text_message_and_finds_it_again_by_our_reference() -> None:
    with receivers() as them:
        notify = make_notify(them.port)
        outcome = notify.send(LETTER, PHONE, now=right_now())
        found = notify.find(LETTER, PHONE, since=NOON, now=right_now())
        absent = notify.find(LETTER._replace(key=UUID(int=5)), PHONE, since=NOON, now=right_now())
    [taken] = them.by("notify")
    assert isinstance(outcome, Sent)
    assert isinstance(found, Sent)
    assert absent is None
    assert (taken.to, taken.key) == ("+447700900123", str(KEY))
    assert taken.sent["personalisation"]["text"].endswith("/cases/7")


def test_notify_by_e_mail_uses_its_own_template() -> None:
    with receivers() as them:
        assert isinstance(make_notify(them.port, "email").send(LETTER, MAILBOX, now=right_now()), Sent)
    assert them.by("notify")[0].sent["email_address"] == MAILBOX


def test_a_long_text_message_is_cut_but_keeps_its_link() -> None:
    long = LETTER._replace(text="word " * 500 + "\nhttp://desk.example/cases/7")
    with receivers() as them:
        assert isinstance(make_notify(them.port).send(long, PHONE, now=right_now()), Sent)
    told = them.by("notify")[0].sent["personalisation"]["text"]
    assert len(told) <= 600
    assert told.endswith("/cases/7")


@pytest.mark.parametrize(
    ("status", "kind"), [(400, Refused), (403, Refused), (429, Wait), (500, Unknown), (503, Unknown)]
)
def test_what_a_status_means(status: int, kind: type) -> None:
    with receivers() as them:
        them.status = status
        assert isinstance(make_notify(them.port).send(LETTER, PHONE, now=right_now()), kind)
        assert isinstance(make_webhook(them.port).send(LETTER, "cad", now=NOON), kind)


def test_a_clock_that_is_wrong_or_a_wrong_key_is_told_plainly() -> None:
    with receivers() as them:
        assert make_notify(them.port).send(LETTER, PHONE, now=NOON) == Refused("http 403")
        wrong = make_notify(them.port, key=f"x-{UUID(int=1)}-{UUID(int=2)}")
        with pytest.raises(ChannelError, match=r"GOLDENHOUR_NOTIFY__KEY.*clock"):
            wrong.greet(now=right_now())
        with pytest.raises(ChannelError, match="SMS_TEMPLATE"):
            make_notify(them.port, template="nothing").greet(now=right_now())
        assert "has the template" in make_notify(them.port).greet(now=right_now())
    with pytest.raises(ValidationError, match="whole key"):
        NotifySettings(key=SecretStr("short"))


def test_a_list_of_notify_that_cannot_be_read_says_so() -> None:
    with receivers() as them:
        them.list_down = True
        with pytest.raises(UnreadableError, match="500"):
            make_notify(them.port).find(LETTER, PHONE, since=NOON, now=right_now())


def test_a_phone_number_that_is_none_is_refused_here() -> None:
    with receivers() as them:
        assert make_notify(them.port).send(LETTER, "ask Mo", now=right_now()) == Refused("not a phone number")
    assert them.taken == []


def test_a_card_of_teams_shows_text_as_it_stands_within_its_size() -> None:
    marked = LETTER._replace(subject="**GH-7** [x](http://evil.example)", text="é😀 " * 9_000 + "\n" + TEXT)
    with receivers() as them:
        teams = Teams({"comms": f"{them.url}/teams/comms?sig=secret-of-ours"}, make_http(them.port))
        assert teams.send(LETTER, "comms", now=NOON) == Sent("")
        assert teams.send(marked, "comms", now=NOON) == Sent("")
        assert teams.send(LETTER, "nobody", now=NOON) == Refused("no workflow of this name is set")
    first, second = (each.sent["attachments"][0]["content"] for each in them.by("teams"))
    assert first["actions"][0]["url"] == "http://desk.example:8000/cases/7"
    assert {block["type"] for block in second["body"]} == {"RichTextBlock"}
    assert max(len(each.body) for each in them.taken) <= 28_000


def test_a_webhook_is_signed_by_every_key_in_use_and_keeps_its_id() -> None:
    with receivers() as them:
        make_webhook(them.port, old=True).send(LETTER, "cad", now=NOON)
        make_webhook(them.port).send(LETTER._replace(possible_repeat=True), "cad", now=NOON)
    first, again = them.by("webhook")
    assert first.key == again.key == str(KEY)
    at = first.headers["webhook-timestamp"]
    assert int(at) == int(NOON.timestamp())
    signatures = first.headers["webhook-signature"].split()
    content = f"{KEY}.{at}.".encode() + first.body
    assert signatures == [
        "v1," + base64.b64encode(hmac.digest(key_of(secret), content, hashlib.sha256)).decode()
        for secret in (SECRET, OLD_SECRET)
    ]
    assert json.loads(again.body)["data"]["possible_repeat"] is True


def test_a_weak_or_broken_secret_of_a_webhook_is_refused() -> None:
    for wrong in ("whsec_!!", "whsec_c2hvcnQ="):
        with pytest.raises(ValidationError, match="secret"):
            Hook(url=SecretStr("https://cad.example"), secret=SecretStr(wrong))


@pytest.mark.parametrize("kind", ["reply dropped", "500 after", "hang after"])
def test_a_call_without_an_answer_may_have_arrived_and_cannot_be_looked_for(kind: str) -> None:
    with receivers(Faults(1, rate=1.0, kinds=[kind], hang_s=1.0)) as them:
        webhook = make_webhook(them.port)
        assert isinstance(webhook.send(LETTER, "cad", now=NOON), Unknown)
        with pytest.raises(UnreadableError):
            webhook.find(LETTER, "cad", since=NOON, now=NOON)


def test_an_address_that_is_not_public_is_never_called() -> None:
    teams = Teams({"comms": "http://169.254.169.254/latest"}, make_http(1))
    outcome = teams.send(LETTER, "comms", now=NOON)
    assert isinstance(outcome, Refused)
    assert "169.254" not in outcome.code
