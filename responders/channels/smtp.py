"""E-mail over SMTP (RFC 5321), one connection a message, never without TLS beyond this machine.

A mail that is sent again keeps its Message-ID, by which many mail systems show it once. SMTP keeps no list to look
into, so a mail in doubt is sent again at its deadline, and says so.
"""

import smtplib
import ssl
import time
from contextlib import suppress
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from responders.channels.channel import (
    ChannelError,
    Letter,
    Outcome,
    Refused,
    Sent,
    Unknown,
    Wait,
    keeps_no_list,
)
from responders.channels.settings import MailSettings

LONGEST_SUBJECT = 150


class Mail:
    """A mail server, as one sender."""

    def __init__(
        self, settings: MailSettings, timeout_s: float, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._tls = tls or ssl.create_default_context()

    def send(self, letter: Letter, address: str, *, now: datetime) -> Outcome:
        try:
            mail = self._mail(letter, address, now)
        except (ValueError, IndexError):
            return Refused("not an e-mail address")
        until_s = time.monotonic() + self._timeout_s
        try:
            server = self._open(until_s)
        except smtplib.SMTPAuthenticationError as error:
            return Refused(f"smtp {error.smtp_code}: the server refuses our name or password")
        except (OSError, smtplib.SMTPException) as error:
            return Wait(_why(error))
        try:
            return self._hand_over(server, mail, address, until_s)
        finally:
            with suppress(OSError, smtplib.SMTPException):
                server.close()

    def find(self, letter: Letter, address: str, *, since: datetime, now: datetime) -> Sent | None:  # noqa: ARG002
        raise keeps_no_list()

    def greet(self, *, now: datetime) -> str:  # noqa: ARG002  all channels are asked alike
        where = f"{self._settings.host}:{self._settings.port}"
        try:
            server = self._open(time.monotonic() + self._timeout_s)
        except smtplib.SMTPAuthenticationError as error:
            raise ChannelError(
                f"{where} refuses our name or password; set GOLDENHOUR_MAIL__USER and GOLDENHOUR_MAIL__PASSWORD"
            ) from error
        except (OSError, smtplib.SMTPException) as error:
            raise ChannelError(
                f"{where} is not reached: {_why(error)}; check GOLDENHOUR_MAIL__HOST"
            ) from error
        with suppress(OSError, smtplib.SMTPException):
            server.quit()
        return f"{where} takes mail from {self._settings.sender}"

    def _mail(self, letter: Letter, address: str, now: datetime) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = Address(addr_spec=self._settings.sender, display_name="Golden Hour")
        mail["To"] = Address(addr_spec=address)
        mail["Subject"] = " ".join(letter.headline.split())[:LONGEST_SUBJECT]
        mail["Date"] = format_datetime(now)
        mail["Message-ID"] = f"<{letter.key}@{self._settings.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(f"{letter.headline}\n\n{letter.text}\n")
        return mail

    def _open(self, until_s: float) -> smtplib.SMTP:
        chosen = self._settings
        server: smtplib.SMTP
        if chosen.security == "tls":
            server = smtplib.SMTP_SSL(chosen.host, chosen.port, timeout=self._timeout_s, context=self._tls)
        else:
            server = smtplib.SMTP(chosen.host, chosen.port, timeout=self._timeout_s)
        try:
            if chosen.security == "starttls":
                _within(server, until_s).starttls(context=self._tls)
            if chosen.user and chosen.password is not None:
                _within(server, until_s).login(chosen.user, chosen.password.get_secret_value())
            _within(server, until_s).ehlo_or_helo_if_needed()
        except BaseException:
            server.close()
            raise
        return server

    def _hand_over(self, server: smtplib.SMTP, mail: EmailMessage, address: str, until_s: float) -> Outcome:
        """Until the server is asked for the text, nothing can have been sent."""
        try:
            for code, _said in (
                _within(server, until_s).mail(self._settings.sender),
                _within(server, until_s).rcpt(address),
            ):
                if code >= 500:
                    return Refused(f"smtp {code}")
                if code >= 400:
                    return Wait(f"smtp {code}")
        except (OSError, smtplib.SMTPException) as error:
            return Wait(_why(error))
        try:
            code, _said = _within(server, until_s).data(mail.as_bytes())
        except smtplib.SMTPDataError as error:
            code = error.smtp_code
        except (OSError, smtplib.SMTPException) as error:
            return Unknown(_why(error))
        if code == 250:
            return Sent(mail["Message-ID"])
        return Refused(f"smtp {code}") if code >= 500 else Wait(f"smtp {code}")


def _within(server: smtplib.SMTP, until_s: float) -> smtplib.SMTP:
    """The connection, with what is left of its time for the next step. Raises TimeoutError when nothing is."""
    left_s = until_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    if server.sock is not None:
        server.sock.settimeout(left_s)
    return server


def _why(error: Exception) -> str:
    """The kind of failure only: what a server says may quote an address."""
    code = getattr(error, "smtp_code", None)
    return f"smtp {code}" if code else type(error).__name__
