"""Publishers of our own on this machine: one that behaves, with validators and a log, and many that do not.

Everything is raw sockets, so that also what no HTTP library would send can be sent.
"""

import gzip
import socketserver
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from functools import cache

import zstandard

ITEM = (
    "<item><title>{title}</title><link>{link}</link><guid>{link}</guid>"
    "<pubDate>{date}</pubDate><description>{text}</description></item>"
)


@dataclass
class Request:
    """One request as it came: the path with its query, and the headers byte for byte, names in lower case."""

    path: str
    headers: dict[str, bytes]
    at: float


@dataclass
class Feed:
    """One well-kept feed. `etag` is sent as it stands; `ignores_conditions` answers 200 all the same."""

    items: list[str] = field(default_factory=list)
    etag: bytes | None = b'W/"0-\xe9"'
    last_modified: bytes | None = b"Tue, 14 Jul 2026 09:00:00 GMT"
    content_type: bytes = b"application/rss+xml; charset=utf-8"
    ignores_conditions: bool = False
    failing: bytes | None = None

    def publish(self, title: str, *, link: str, at: datetime, text: str = "") -> None:
        date = format_datetime(at)
        self.items.insert(0, ITEM.format(title=title, link=link, date=date, text=text))
        self.etag = b'W/"%d-\xe9"' % len(self.items)

    @property
    def body(self) -> bytes:
        return rss("".join(self.items))


def rss(items: str) -> bytes:
    head = '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>Hackney Herald</title>'
    return f"{head}{items}</channel></rss>".encode()


@dataclass
class Publisher:
    """The server: feeds by name under `/feeds/`, misbehaviour by name under `/hostile/`."""

    port: int = 0
    feeds: dict[str, Feed] = field(default_factory=dict)
    log: list[Request] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, name: str) -> str:
        return f"http://{self.authority}/feeds/{name}"

    def hostile(self, name: str) -> str:
        return f"http://{self.authority}/hostile/{name.replace(' ', '-')}"

    def feed(self, name: str) -> Feed:
        return self.feeds.setdefault(name, Feed())


Send = Callable[[bytes], None]


class _Handler(socketserver.StreamRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        with suppress(ConnectionError, TimeoutError, OSError):
            while self._one():
                pass

    def _one(self) -> bool:
        line = self.rfile.readline(65_536)
        if not line:
            return False
        path = line.split(b" ")[1].decode("latin-1")
        headers: dict[str, bytes] = {}
        while (header := self.rfile.readline(65_536)) not in (b"\r\n", b""):
            name, _, value = header.partition(b":")
            headers[name.decode("latin-1").lower()] = value.strip()
        publisher = self.server.publisher
        publisher.log.append(Request(path, headers, time.monotonic()))
        if path.startswith("/hostile/"):
            BEHAVIOURS[path.removeprefix("/hostile/").partition("?")[0].replace("-", " ")](
                self._send, publisher
            )
            return False
        feed = publisher.feeds.get(path.removeprefix("/feeds/").partition("?")[0])
        self._send(answer(b"", status=b"404 Not Found") if feed is None else _answer(feed, headers))
        return True

    def _send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()


def _answer(feed: Feed, headers: dict[str, bytes]) -> bytes:
    validators = [b"Content-Type: " + feed.content_type]
    validators += [b"ETag: " + feed.etag] if feed.etag else []
    validators += [b"Last-Modified: " + feed.last_modified] if feed.last_modified else []
    if feed.failing is not None:
        return feed.failing
    same = feed.etag is not None and headers.get("if-none-match") == feed.etag
    if same and not feed.ignores_conditions:
        return b"HTTP/1.1 304 Not Modified\r\n" + b"\r\n".join(validators) + b"\r\n\r\n"
    return answer(feed.body, *validators)


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = [b"HTTP/1.1 " + status, *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher
        super().__init__(("127.0.0.1", 0), _Handler)


@contextmanager
def publishing() -> Iterator[Publisher]:
    publisher = Publisher()
    server = _Server(publisher)
    publisher.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield publisher
    finally:
        publisher.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()


# Misbehaviour, each named as the tests name it.

Behaviour = Callable[[Send, Publisher], None]
XML = b"Content-Type: application/xml; charset=utf-8"
ZEROS = b"\0" * 1_000_000
ONE = rss(ITEM.format(title="One", link="https://herald.example/1", date="x", text="y"))


def _fixed(data: bytes) -> Behaviour:
    return lambda send, _publisher: send(data)


def _made(make: Callable[[], bytes]) -> Behaviour:
    """What takes a while to make is made once; `make_ready` does so before a clock runs."""
    made = cache(make)
    SLOW.append(made)
    return lambda send, _publisher: send(made())


SLOW: list[Callable[[], bytes]] = []


def make_ready() -> None:
    for make in SLOW:
        make()


def _redirect(location: bytes) -> Behaviour:
    return _fixed(answer(b"", b"Location: " + location, status=b"302 Found"))


def _forever(head: bytes, piece: bytes, every_s: float) -> Behaviour:
    def behave(send: Send, publisher: Publisher) -> None:
        send(head)
        while not publisher.stopping.wait(every_s):
            send(piece)

    return behave


def _stall(head: bytes) -> Behaviour:
    def behave(send: Send, publisher: Publisher) -> None:
        send(head)
        publisher.stopping.wait(60)

    return behave


def _packed(encoding: bytes, body: bytes) -> bytes:
    return answer(body, XML, b"Content-Encoding: " + encoding)


def _squeezed(wbits: int) -> bytes:
    """Two hundred million zeros, packed without ever being held."""
    packer = zlib.compressobj(6, wbits=wbits)
    return b"".join(packer.compress(ZEROS) for _ in range(200)) + packer.flush()


def _squeezed_by_zstd() -> bytes:
    packer = zstandard.ZstdCompressor().compressobj()
    return b"".join(packer.compress(ZEROS) for _ in range(200)) + packer.flush()


def _nested() -> bytes:
    return rss("<item><description>" + "<b>" * 200_000 + "x" + "</b>" * 200_000 + "</description></item>")


def _many() -> bytes:
    return rss("<item><title>Many</title><link>https://herald.example/</link></item>" * 100_000)


def _laughs() -> bytes:
    declared = ['<!ENTITY l0 "ha">']
    declared += [f'<!ENTITY l{number} "{f"&l{number - 1};" * 10}">' for number in range(1, 10)]
    head = f'<?xml version="1.0"?><!DOCTYPE rss [{"".join(declared)}]>'
    return f"{head}<rss><channel><item><title>&l9;</title></item></channel></rss>".encode()


HEAD = b"HTTP/1.1 200 OK\r\n" + XML + b"\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

# These must end in an error that says what is wrong.
HOSTILE: dict[str, Behaviour] = {
    "gzip bomb": _made(lambda: _packed(b"gzip", _squeezed(31))),
    "gzip in gzip bomb": _made(lambda: _packed(b"gzip, gzip", gzip.compress(_squeezed(31)))),
    "deflate bomb": _made(lambda: _packed(b"deflate", _squeezed(15))),
    "zstd bomb": _made(lambda: _packed(b"zstd", _squeezed_by_zstd())),
    "packed four times": _fixed(_packed(b"gzip, gzip, gzip, gzip", b"x")),
    "packed as nothing we offered": _fixed(_packed(b"br", b"\x8b\x03\x80")),
    "packed and cut": _fixed(_packed(b"gzip", gzip.compress(ONE)[:-20])),
    "packed and damaged": _fixed(_packed(b"gzip", b"\x1f\x8b" + b"nonsense" * 10)),
    "drip body": _forever(HEAD + b"Content-Length: 100000\r\n\r\n", b"x", 0.05),
    "drip headers": _forever(b"HTTP/1.1 200 OK\r\n", b"X", 0.05),
    "drip chunks": _forever(CHUNKED, b"1\r\nx\r\n", 0.05),
    "endless chunks": _forever(CHUNKED, b"10000\r\n" + b"x" * 65_536 + b"\r\n", 0),
    "endless continue": _forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.001),
    "stall before headers": _stall(b""),
    "stall in headers": _stall(b"HTTP/1.1 200 OK\r\nContent-"),
    "stall in body": _stall(HEAD + b"Content-Length: 100\r\n\r\n<rss>"),
    "a header of one megabyte": _fixed(HEAD + b"X-Long: " + b"x" * 1_000_000 + b"\r\n\r\n"),
    "a hundred thousand headers": _fixed(HEAD + b"X-Many: x\r\n" * 100_000 + b"\r\n"),
    "a huge chunk extension": _fixed(CHUNKED + b"1;" + b"x" * 1_000_000 + b"\r\nx\r\n0\r\n\r\n"),
    "a chunk size that is none": _fixed(CHUNKED + b"zz\r\nx\r\n0\r\n\r\n"),
    "truncated": _fixed(HEAD + b"Content-Length: 5000\r\n\r\n" + ONE),
    "negative length": _fixed(HEAD + b"Content-Length: -5\r\n\r\n" + ONE),
    "two lengths": _fixed(HEAD + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\n" + ONE),
    "a length that is none": _fixed(HEAD + b"Content-Length: many\r\n\r\n" + ONE),
    "closed at once": _fixed(b""),
    "not http": _fixed(b"SSH-2.0-OpenSSH_9.7\r\n"),
    "status 99999": _fixed(answer(ONE, XML, status=b"99999 Odd")),
    "status 999": _fixed(answer(ONE, XML, status=b"999 Request denied")),
    "status 204": _fixed(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "status 206": _fixed(answer(ONE, XML, status=b"206 Partial Content")),
    "status 401": _fixed(answer(b"", status=b"401 Unauthorized")),
    "status 500": _fixed(answer(b"", status=b"500 Oh")),
    "redirect loop": lambda send, publisher: _redirect(publisher.hostile("redirect loop").encode())(
        send, publisher
    ),
    "redirect to a file": _redirect(b"file:///etc/passwd"),
    "redirect to the metadata service": _redirect(b"http://169.254.169.254/latest/meta-data"),
    "redirect to another port": _redirect(b"http://127.0.0.1:9/"),
    "redirect with a password": _redirect(b"http://who:secret@news.example/"),
    "redirect to nothing": _redirect(b"http://[::"),
    "redirect without a location": _fixed(answer(b"", status=b"302 Found")),
    "a login page": _fixed(
        answer(b"<!DOCTYPE html><html><body><form>Sign in</form></body></html>", b"Content-Type: text/html")
    ),
    "empty": _fixed(answer(b"", XML)),
    "blank": _fixed(answer(b" \r\n\t ", XML)),
    "binary": _fixed(answer(bytes(range(256)) * 40, XML)),
    "an entity bomb": _made(lambda: answer(_laughs(), XML)),
    "nested two hundred thousand deep": _made(lambda: answer(_nested(), XML)),
    "json ten thousand deep": _fixed(
        answer(b'{"version":"https://jsonfeed.org/version/1","items":' + b"[" * 10_000)
    ),
    "a large body": _forever(HEAD + b"Content-Length: 900000000\r\n\r\n", b"x" * 65_536, 0),
}

# These are odd but can be read: what is good in them must come through.
ODD: dict[str, Behaviour] = {
    "a hundred thousand items": _made(lambda: answer(_many(), XML)),
    "no length": _fixed(HEAD + b"Connection: close\r\n\r\n" + ONE),
    "length too short for trailing space": _fixed(
        HEAD + b"Content-Length: %d\r\n\r\n" % len(ONE) + ONE + b"\n" * 9
    ),
    "utf8 said to be ascii": _fixed(answer(ONE, b"Content-Type: text/xml; charset=us-ascii")),
    "no such charset": _fixed(answer(ONE, b"Content-Type: text/xml; charset=klingon")),
    "said to be html": _fixed(answer(ONE, b"Content-Type: text/html")),
    "bare deflate": _fixed(_packed(b"deflate", zlib.compress(ONE)[2:-4])),
    "gzip in two members": _fixed(_packed(b"gzip", gzip.compress(ONE[:50]) + gzip.compress(ONE[50:]))),
    "gzip with a tail": _fixed(_packed(b"gzip", gzip.compress(ONE) + b"\0" * 100)),
    "an external entity": _fixed(
        answer(
            b'<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
            + ONE.partition(b"?>")[2].replace(b"y</", b"y&x;</"),
            XML,
        )
    ),
    "nul bytes": _fixed(answer(ONE.replace(b"One", b"O\0ne"), XML)),
}
BEHAVIOURS = HOSTILE | ODD
