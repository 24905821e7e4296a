"""A mail server of our own on this machine: the part of SMTP (RFC 5321, 3207, 4954) that handing over a mail needs.

What it holds in `mails` is the truth about lost and doubled.
"""

import base64
import email
import email.policy
import socketserver
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from tests.doubles.serving import serving
from tests.doubles.slack import Faults

USER, PASSWORD = "golden-hour", "open sesame"
KINDS = ("451", "reply dropped", "dropped before", "hang", "hang after")


@dataclass
class MailServer:
    """`refused` are addresses nobody has; `tls` makes STARTTLS possible, `hangs` silences everything."""

    port: int = 0
    faults: Faults | None = None
    tls: ssl.SSLContext | None = None
    hangs: bool = False
    refused: set[str] = field(default_factory=set)
    mails: list[EmailMessage] = field(default_factory=list)
    secured: int = 0
    signed_in: int = 0
    fired: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    mail: MailServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers that are killed hang up; that is what these tests are about."""


class _Door(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.mail = self.server.mail
        if self.mail.hangs:
            time.sleep(self.mail.faults.hang_s if self.mail.faults else 3.0)
            return
        self._say("220 ready")
        while line := self.rfile.readline().decode().strip():
            verb = line.partition(" ")[0].upper()
            if not getattr(self, f"_{verb.lower()}", self._other)(line):
                return

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def _ehlo(self, _line: str) -> bool:
        offers = ["mail.example", *(["STARTTLS"] if self.mail.tls else []), "AUTH PLAIN"]
        return self._say(*(f"250-{each}" for each in offers[:-1]), f"250 {offers[-1]}")

    def _starttls(self, _line: str) -> bool:
        assert self.mail.tls is not None
        self._say("220 go on")
        self.connection = self.mail.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        self.mail.secured += 1
        return True

    def _auth(self, line: str) -> bool:
        _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
        if (user, password) != (USER, PASSWORD):
            return self._say("535 no")
        self.mail.signed_in += 1
        return self._say("235 welcome")

    def _rcpt(self, line: str) -> bool:
        return self._say("550 nobody" if any(each in line for each in self.mail.refused) else "250 ok")

    def _data(self, _line: str) -> bool:
        mail = self.mail
        with mail.lock:
            fault = mail.faults.next() if mail.faults else None
            if fault:
                mail.fired[fault] += 1
        if fault == "dropped before":
            return False
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        if fault == "451":
            return self._say("451 later")
        if fault == "hang":
            return self._hang()
        with mail.lock:
            policy = email.policy.default
            mail.mails.append(email.message_from_bytes(b"".join(lines), policy=policy))
        if fault == "reply dropped":
            return False
        return self._hang() if fault == "hang after" else self._say("250 taken")

    def _quit(self, _line: str) -> bool:
        self._say("221 bye")
        return False

    def _other(self, _line: str) -> bool:
        return self._say("250 ok")

    def _hang(self) -> bool:
        time.sleep(self.mail.faults.hang_s if self.mail.faults else 1.0)
        return False

    def _say(self, *lines: str) -> bool:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())
        return True


@contextmanager
def mail_server(faults: Faults | None = None, tls: ssl.SSLContext | None = None) -> Iterator[MailServer]:
    mail = MailServer(faults=faults, tls=tls)
    server = _Server(("127.0.0.1", 0), _Door)
    server.mail = mail
    mail.port = server.server_address[1]
    with serving(server):
        yield mail
