"""Many made-up publishers on this machine: a feed each, over TLS, from a process of its own.

One in five has something new since it was last asked; the others say 304. The certificates are made for the run
by the program `openssl`, and nobody else trusts them.
"""

import asyncio
import shutil
import ssl
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import NamedTuple, cast

from config.benches.network import TALK
from config.benches.posts import AREAS, INCIDENTS, NOTHING, PLACES, TAILS, WHEN, WHO
from config.cli import Complaint

DOMAIN = "publishers.test"
CHANGED = 5  # one feed in so many has something new
ITEMS = 20
CANDIDATES = 0.05
THINKS_S = 0.02  # until an answer
KNOWN = '"as before"'  # the validator of what was read before
KEY = "ec -pkeyopt ec_paramgen_curve:prime256v1"


class Told(NamedTuple):
    """What the publishers saw: connections, how many of them took up an earlier one's session, requests, how many
    were answered 304, and the most that one host had at the same time."""

    connections: int
    resumed: int
    requests: int
    unchanged: int
    at_once: int


class Publishers:
    """The publishers in a process of their own. `port` is where they are; leaving ends them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        _make_certificates(folder)
        context = get_context("spawn")
        self._said, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(folder, theirs), daemon=True)

    def __enter__(self) -> "Publishers":
        self._process.start()
        self.port = int(self._said.recv())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def trusted(self) -> ssl.SSLContext:
        """What a client needs to trust them, and nobody else."""
        return ssl.create_default_context(cafile=self.folder / "ca.pem")

    def told(self) -> Told:
        """What was seen since this was last asked."""
        self._said.send(None)
        told: Told = self._said.recv()
        return told


def _make_certificates(folder: Path) -> None:
    if shutil.which("openssl") is None:
        raise Complaint("this benchmark makes certificates with the program openssl: install it first")
    (folder / "cnf").write_text("[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=bench\n", encoding="ascii")
    _openssl(folder, "ca", "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign")
    names, signed = f"subjectAltName=DNS:*.{DOMAIN}", ("-CA", "ca.pem", "-CAkey", "ca.key")
    _openssl(folder, "cert", "basicConstraints=critical,CA:FALSE", names, *signed)


def _openssl(folder: Path, name: str, constraints: str, extension: str, *signed: str) -> None:
    command = f"openssl req -x509 -config cnf -newkey {KEY} -nodes -days 2 -keyout {name}.key -out {name}.pem"
    extended = ("-addext", constraints, "-addext", extension, *signed)
    subprocess.run([*command.split(), *extended], cwd=folder, check=True, capture_output=True)


def _serve(folder: Path, said: Connection) -> None:
    asyncio.run(_open(folder, said))


async def _open(folder: Path, said: Connection) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "cert.pem", folder / "cert.key")
    loop, counted = asyncio.get_running_loop(), _Counted()
    server = await loop.create_server(lambda: _Conversation(counted), "127.0.0.1", 0, ssl=tls, backlog=256)

    def tell() -> None:
        said.recv()
        said.send(counted.told())
        counted.forget()

    loop.add_reader(said.fileno(), tell)
    said.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


class _Counted:
    """What all conversations have seen since it was last told."""

    def __init__(self) -> None:
        self.busy: Counter[bytes] = Counter()
        self.forget()

    def forget(self) -> None:
        self.connections = self.resumed = self.requests = self.unchanged = self.at_once = 0

    def told(self) -> Told:
        return Told(self.connections, self.resumed, self.requests, self.unchanged, self.at_once)


class _Conversation(asyncio.Protocol):
    """One connection: answers each request a moment after it came."""

    def __init__(self, counted: _Counted) -> None:
        self.counted, self.read = counted, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)
        self.counted.connections += 1
        self.counted.resumed += bool(transport.get_extra_info("ssl_object").session_reused)

    def data_received(self, data: bytes) -> None:
        self.read += data
        while b"\r\n\r\n" in self.read:
            head, _, self.read = self.read.partition(b"\r\n\r\n")
            host = head.lower().partition(b"host: ")[2].partition(b"\r\n")[0]
            counted = self.counted
            counted.requests += 1
            counted.busy[host] += 1
            counted.at_once = max(counted.at_once, counted.busy[host])
            asyncio.get_running_loop().call_later(THINKS_S, self._answer, head, host)

    def _answer(self, head: bytes, host: bytes) -> None:
        self.counted.busy[host] -= 1
        number = int(head.split(b" ", 2)[1].rpartition(b"/")[2])
        if number % CHANGED and KNOWN.encode() in head:
            self.counted.unchanged += 1
            self.transport.write(f"HTTP/1.1 304 Not Modified\r\nETag: {KNOWN}\r\n\r\n".encode())
            return
        body = feed_of(number, now=datetime.now(UTC))
        etag = KNOWN if number % CHANGED else '"new"'
        lines = (
            "200 OK",
            "Content-Type: application/rss+xml",
            f"ETag: {etag}",
            f"Content-Length: {len(body)}",
        )
        self.transport.write("HTTP/1.1 {}\r\n{}\r\n{}\r\n{}\r\n\r\n".format(*lines).encode() + body)


def feed_of(number: int, *, now: datetime) -> bytes:
    """Twenty entries of about a line each, the newest first; one in twenty speaks of police."""
    dice = Random(number)
    items = "".join(
        _item(f"https://{DOMAIN}/{number}/{entry}", dice, now - timedelta(hours=entry + dice.random()))
        for entry in range(ITEMS)
    )
    head = '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>'
    return f"{head}<title>Publisher {number}</title><link>https://{DOMAIN}/</link>{items}</channel></rss>".encode()


def _item(link: str, dice: Random, at: datetime) -> str:
    told = [_sentence(dice) for _ in range(4)]
    return (
        f"<item><title>{told[0][:90]}</title><link>{link}</link><guid>{link}</guid>"
        f"<pubDate>{format_datetime(at)}</pubDate><category>local</category>"
        f"<description>&lt;p&gt;{' '.join(told[1:])}&lt;/p&gt;</description></item>"
    )


def _sentence(dice: Random) -> str:
    shapes = (*INCIDENTS, *NOTHING) if dice.random() < CANDIDATES / 4 else TALK
    return dice.choice(shapes).format(
        number=dice.randrange(2, 90),
        place=dice.choice(PLACES),
        area=dice.choice(AREAS),
        who=dice.choice(WHO),
        when=dice.choice(WHEN),
        tail=dice.choice(TAILS),
    )
