"""Publishers that misbehave on purpose, each way with its name, and what must be said of it.

`HOSTILE` must end in an error, `ODD` can be read all the same: what is good in it must come through. `TLS` are ports
that speak no good TLS.
"""

import gzip
import zlib
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import zstandard

from tests.doubles.feeds import ITEM, Behaviour, Hangs, Publisher, Send, answer, rss

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


def _then_resets(head: bytes) -> Behaviour:
    def behave(send: Send, _publisher: Publisher) -> None:
        send(head)
        raise Hangs

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


def _filled(inside: bytes, of_bytes: int) -> bytes:
    """A feed of one entry, filled with this."""
    return rss("<item><title>x</title>%s</item>").replace(b"%s", inside * (of_bytes // len(inside)))


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
LOGIN = b"<!DOCTYPE html><html><body><form>Sign in <input type='password'></form></body></html>"

# How remedies begin.
WAIT = "Nothing to do"
SMALLER = "Look for a smaller feed"
LOOK = "Open the address in a browser"
PUBLIC = "Use a public http or https address"
OFF = "Disable the source"
MOVED = "Look for the new address"
TELL = "Tell the publisher"


class Wrong(NamedTuple):
    """A misbehaviour, what the error must say, and how what a person can do begins."""

    behave: Behaviour
    said: str
    remedy: str


def _refuses(status: bytes, remedy: str, *headers: bytes) -> Wrong:
    return Wrong(_fixed(answer(b"", *headers, status=status)), f"answered {status[:3].decode()}", remedy)


def _busy(retry_after: bytes, status: bytes = b"429 Too Many Requests") -> Wrong:
    return _refuses(
        status, "We are asked" if status.startswith(b"429") else "Wait", b"Retry-After: " + retry_after
    )


def _to_itself(name: str, *headers: bytes) -> Behaviour:
    def behave(send: Send, publisher: Publisher) -> None:
        there = b"Location: " + publisher.hostile(name).encode()
        send(answer(b"", there, *headers, status=b"302 Found"))

    return behave


HOSTILE: dict[str, Wrong] = {
    # packed
    "gzip bomb": Wrong(_made(lambda: _packed(b"gzip", _squeezed(31))), "more than 15 MB", SMALLER),
    "gzip in gzip bomb": Wrong(
        _made(lambda: _packed(b"gzip, gzip", gzip.compress(_squeezed(31)))), "more than 15 MB", SMALLER
    ),
    "deflate bomb": Wrong(_made(lambda: _packed(b"deflate", _squeezed(15))), "more than 15 MB", SMALLER),
    "zstd bomb": Wrong(_made(lambda: _packed(b"zstd", _squeezed_by_zstd())), "more than 15 MB", SMALLER),
    "zstd in gzip bomb": Wrong(
        _made(lambda: _packed(b"zstd, gzip", gzip.compress(_squeezed_by_zstd()))), "more than 15 MB", SMALLER
    ),
    "packed four times": Wrong(_fixed(_packed(b"gzip, gzip, gzip, gzip", b"x")), "packed 4 times", TELL),
    "packed as nothing we offered": Wrong(_fixed(_packed(b"br", b"\x8b\x03\x80")), "not offered", TELL),
    "packed and cut": Wrong(_fixed(_packed(b"gzip", gzip.compress(ONE)[:-20])), "damaged", WAIT),
    "packed and damaged": Wrong(_fixed(_packed(b"gzip", b"\x1f\x8b" + b"nonsense" * 10)), "damaged", WAIT),
    # slow and endless
    "drip body": Wrong(_forever(HEAD + b"Content-Length: 100000\r\n\r\n", b"x", 0.05), "in time", WAIT),
    "a byte a minute": Wrong(_forever(HEAD + b"Content-Length: 100000\r\n\r\n<", b"x", 60), "in time", WAIT),
    "drip headers": Wrong(_forever(b"HTTP/1.1 200 OK\r\n", b"X", 0.05), "in time", WAIT),
    "drip chunks": Wrong(_forever(CHUNKED, b"1\r\nx\r\n", 0.05), "in time", WAIT),
    "endless chunks": Wrong(_forever(CHUNKED, b"10000\r\n" + b"x" * 65_536 + b"\r\n", 0), "15 MB", SMALLER),
    "endless trailers": Wrong(_forever(CHUNKED + b"0\r\n", b"X-More: x\r\n", 0.001), "", WAIT),
    "endless continue": Wrong(_forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.001), "in time", WAIT),
    "stall before headers": Wrong(_stall(b""), "in time", WAIT),
    "stall in headers": Wrong(_stall(b"HTTP/1.1 200 OK\r\nContent-"), "in time", WAIT),
    "stall in body": Wrong(_stall(HEAD + b"Content-Length: 100\r\n\r\n<rss>"), "in time", WAIT),
    "a large body": Wrong(
        _forever(HEAD + b"Content-Length: 900000000\r\n\r\n", b"x" * 65_536, 0), "15 MB", SMALLER
    ),
    "fifty megabytes in one line": Wrong(
        _forever(HEAD + b"Content-Length: 50000000\r\n\r\n<rss>", b"x" * 65_536, 0), "15 MB", SMALLER
    ),
    # not quite HTTP
    "a header of one megabyte": Wrong(
        _fixed(HEAD + b"X-Long: " + b"x" * 1_000_000 + b"\r\n\r\n"), "HTTP", WAIT
    ),
    "a million headers": Wrong(_made(lambda: HEAD + b"X: x\r\n" * 1_000_000 + b"\r\n"), "HTTP", WAIT),
    "a huge chunk extension": Wrong(
        _fixed(CHUNKED + b"1;" + b"x" * 1_000_000 + b"\r\nx\r\n0\r\n\r\n"), "HTTP", WAIT
    ),
    "a chunk size that is none": Wrong(_fixed(CHUNKED + b"zz\r\nx\r\n0\r\n\r\n"), "HTTP", WAIT),
    "a chunk without end": Wrong(_fixed(CHUNKED + b"F" * 40 + b"\r\nx\r\n"), "HTTP", WAIT),
    "chunks that break off": Wrong(_fixed(CHUNKED + b"ff\r\nx"), "broke off", WAIT),
    "truncated": Wrong(_fixed(HEAD + b"Content-Length: 5000\r\n\r\n" + ONE), "broke off", WAIT),
    "negative length": Wrong(_fixed(HEAD + b"Content-Length: -5\r\n\r\n" + ONE), "HTTP", WAIT),
    "two lengths": Wrong(
        _fixed(HEAD + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\n" + ONE), "HTTP", WAIT
    ),
    "a length that is none": Wrong(_fixed(HEAD + b"Content-Length: many\r\n\r\n" + ONE), "HTTP", WAIT),
    "a length beyond all numbers": Wrong(
        _fixed(HEAD + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n" + ONE), "HTTP", WAIT
    ),
    "a transfer coding nobody knows": Wrong(
        _fixed(HEAD + b"Transfer-Encoding: sung\r\n\r\n" + ONE), "HTTP", WAIT
    ),
    "a header with a null byte": Wrong(_fixed(HEAD + b"X: a\0b\r\n\r\n" + ONE), "HTTP", WAIT),
    "http 0.9": Wrong(_fixed(ONE), "HTTP", WAIT),
    "not http": Wrong(_fixed(b"SSH-2.0-OpenSSH_9.7\r\n"), "HTTP", WAIT),
    "closed at once": Wrong(_fixed(b""), "broke off", WAIT),
    "reset at once": Wrong(_then_resets(b""), "broke off", WAIT),
    "reset in headers": Wrong(_then_resets(b"HTTP/1.1 200 OK\r\nContent-"), "broke off", WAIT),
    "reset in body": Wrong(_then_resets(HEAD + b"Content-Length: 100\r\n\r\n<rss>"), "broke off", WAIT),
    # refusals
    "status 99999": Wrong(_fixed(answer(ONE, XML, status=b"99999 Odd")), "HTTP", WAIT),
    "status 999": Wrong(_fixed(answer(ONE, XML, status=b"999 Request denied")), "999", "Wait"),
    "status 101": Wrong(_fixed(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"), "", WAIT),
    "status 204": Wrong(_fixed(b"HTTP/1.1 204 No Content\r\n\r\n"), "204", WAIT),
    "status 206": Wrong(_fixed(answer(ONE, XML, status=b"206 Partial Content")), "206", WAIT),
    "unchanged from the start": Wrong(_fixed(b"HTTP/1.1 304 Not Modified\r\n\r\n"), "304", WAIT),
    "status 400": _refuses(b"400 Bad Request", WAIT),
    "status 401": _refuses(b"401 Unauthorized", "It asks for a login"),
    "status 403": _refuses(b"403 Forbidden", "It refuses us"),
    "status 404": _refuses(b"404 Not Found", MOVED),
    "status 410": _refuses(b"410 Gone", "It is gone for good"),
    "status 451": _refuses(b"451 Unavailable For Legal Reasons", "It may not be read from here"),
    "status 500": _refuses(b"500 Oh", "Wait"),
    "busy for a while": _busy(b"120"),
    "busy until a date": _busy(b"Tue, 14 Jul 2099 11:00:00 GMT"),
    "busy less than nothing": _busy(b"-7"),
    "busy for ever": _busy(b"99999999999999999999"),
    "busy as it likes": _busy(b"soon; maybe"),
    "away for a while": _busy(b"120", b"503 Service Unavailable"),
    "away until a date": _busy(b"Tue, 14 Jul 2099 11:00:00 GMT", b"503 Service Unavailable"),
    "away for no number": _busy(b"nan", b"503 Service Unavailable"),
    # redirects
    "redirect loop": Wrong(_to_itself("redirect loop"), "more than 5 times", LOOK),
    "a cookie wall": Wrong(_to_itself("a cookie wall", b"Set-Cookie: agreed=1"), "more than 5 times", LOOK),
    "six redirects": Wrong(_to_itself("hop 1"), "more than 5 times", LOOK),
    "redirect to a file": Wrong(_redirect(b"file:///etc/passwd"), "http and https", PUBLIC),
    "redirect to the metadata service": Wrong(_redirect(b"http://169.254.169.254/latest"), "public", PUBLIC),
    "redirect to another port": Wrong(_redirect(b"http://127.0.0.1:9/"), "80 and 443", PUBLIC),
    "redirect with a password": Wrong(_redirect(b"http://who:secret@news.example/"), "password", PUBLIC),
    "redirect to nothing": Wrong(_redirect(b"http://[::"), "location", WAIT),
    "redirect without a location": Wrong(_fixed(answer(b"", status=b"302 Found")), "302", WAIT),
    # something else than a feed
    "a login page": Wrong(_fixed(answer(LOGIN, b"Content-Type: text/html")), "login", LOOK),
    "a page": Wrong(
        _fixed(answer(b"<html><body>Moved</body></html>", b"Content-Type: text/html")), "web page", LOOK
    ),
    "an excuse in json": Wrong(_fixed(answer(b'{"error":"login required"}', XML)), "no JSON Feed", LOOK),
    "empty": Wrong(_fixed(answer(b"", XML)), "empty", "Wait"),
    "blank": Wrong(_fixed(answer(b" \r\n\t ", XML)), "empty", "Wait"),
    "binary": Wrong(_fixed(answer(bytes(range(256)) * 40, XML)), "not a feed", LOOK),
    "only null bytes": Wrong(_fixed(answer(b"\0" * 10_000, XML)), "not a feed", LOOK),
    # made to exhaust a reader
    "an entity bomb": Wrong(_made(lambda: answer(_laughs(), XML)), "entities", OFF),
    "nested two hundred thousand deep": Wrong(_made(lambda: answer(_nested(), XML)), "nests", OFF),
    "json ten thousand deep": Wrong(
        _fixed(answer(b'{"version":"https://jsonfeed.org/version/1","items":' + b"[" * 10_000)), "JSON", LOOK
    ),
    "one entry of ten megabytes": Wrong(
        _made(lambda: answer(_filled(b"x", 10_000_000), XML)), "single entry", SMALLER
    ),
    "tags that never end": Wrong(
        _made(lambda: answer(_filled(b"<a ", 2_000_000), XML)), "the feed takes", OFF
    ),
    "declarations that never end": Wrong(
        _made(lambda: answer(_filled(b"<!", 2_500_000), XML)), "the feed takes", OFF
    ),
}

ODD: dict[str, Behaviour] = {
    "a hundred thousand items": _made(lambda: answer(_many(), XML)),
    "no length": _fixed(HEAD + b"Connection: close\r\n\r\n" + ONE),
    "length too short for trailing space": _fixed(
        HEAD + b"Content-Length: %d\r\n\r\n" % len(ONE) + ONE + b"\n" * 9
    ),
    "utf8 said to be ascii": _fixed(answer(ONE, b"Content-Type: text/xml; charset=us-ascii")),
    "no such charset": _fixed(answer(ONE, b"Content-Type: text/xml; charset=klingon")),
    "said to be html": _fixed(answer(ONE, b"Content-Type: text/html")),
    "two byte order marks": _fixed(answer(b"\xef\xbb\xbf" * 2 + ONE, XML)),
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
    "an entity said very often": _made(
        lambda: answer(
            b'<!DOCTYPE rss [<!ENTITY a "'
            + b"a" * 50_000
            + b'">]>'
            + _filled(b"&a;", 60_000).partition(b"?>")[2],
            XML,
        )
    ),
    "nul bytes": _fixed(answer(ONE.replace(b"One", b"O\0ne"), XML)),
    "half characters": _fixed(
        answer(
            b'{"version":"https://jsonfeed.org/version/1","items":[{"id":"1","title":"a\\ud800b"},'
            b'{"id":"2","title":"good"},{"id":%s,"title":"long"}]}' % (b"9" * 5_000)
        )
    ),
    "five redirects": _to_itself("hop 2"),
}
HOPS = {f"hop {number}": _to_itself(f"hop {number + 1}") for number in range(1, 6)} | {
    "hop 6": _fixed(answer(ONE, XML))
}
BEHAVIOURS: dict[str, Behaviour] = {name: wrong.behave for name, wrong in HOSTILE.items()} | ODD | HOPS
