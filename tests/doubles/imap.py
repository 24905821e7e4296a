"""A mailbox of our own on this machine: the part of IMAP (RFC 3501) that reading by UID needs."""

import re
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.doubles.serving import serving


@dataclass
class Mailbox:
    """`messages` by UID; a message of None is one that was deleted between search and fetch."""

    port: int = 0
    validity: int = 1
    password: str = "open sesame"
    messages: dict[int, bytes | None] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    hangs: bool = False

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"imap://{self.authority}/INBOX"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    mailbox: Mailbox


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        box = self.server.mailbox
        if box.hangs:
            self.rfile.readline()
            return
        self._say("* OK ready")
        while line := self.rfile.readline().decode().strip():
            tag, _, command = line.partition(" ")
            box.log.append(re.sub(r"^(LOGIN) .*", r"\1", command))
            if not self._answer(tag, command, box):
                return

    def _answer(self, tag: str, command: str, box: Mailbox) -> bool:
        name, _, rest = command.partition(" ")
        if name == "CAPABILITY":
            self._say("* CAPABILITY IMAP4rev1")
        elif name == "LOGIN" and box.password not in rest:
            self._say(f"{tag} NO [AUTHENTICATIONFAILED] wrong")
            return True
        elif name == "EXAMINE":
            self._say(f"* {len(box.messages)} EXISTS", f"* OK [UIDVALIDITY {box.validity}] valid")
        elif command.startswith("UID SEARCH"):
            after = int(re.findall(r"UID (\d+):\*", command)[0])
            found = [uid for uid in box.messages if uid >= after] or list(box.messages)[-1:]
            self._say("* SEARCH " + " ".join(map(str, found)))
        elif command.startswith("UID FETCH"):
            self._fetch(int(command.split()[2]), command, box)
        elif name == "LOGOUT":
            self._say("* BYE", f"{tag} OK")
            return False
        self._say(f"{tag} OK done")
        return True

    def _fetch(self, uid: int, command: str, box: Mailbox) -> None:
        message = box.messages.get(uid)
        if message is None:
            return
        if "RFC822.SIZE" in command:
            self._say(f"* 1 FETCH (UID {uid} RFC822.SIZE {len(message)})")
        else:
            head = f"* 1 FETCH (UID {uid} BODY[] {{{len(message)}}}\r\n".encode()
            self.wfile.write(head + message + b")\r\n")

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


@contextmanager
def running_mailbox() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    server = _Server(("127.0.0.1", 0), _Handler)
    server.mailbox = mailbox
    mailbox.port = server.server_address[1]
    with serving(server):
        yield mailbox
