"""A WebSocket to one server, over a connection to a checked address; read in gulps, as many messages as there are."""

import contextlib
import socket
import ssl
import time
from importlib.metadata import version
from typing import Self

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI, PayloadTooBig
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from collector.addresses import connect_checked
from collector.errors import (
    Closed,
    FetchError,
    Forbidden,
    Refused,
    TooLarge,
    TooSlow,
    Unreachable,
    Unreadable,
)
from collector.settings import HttpSettings

GULP = 262_144  # bytes read at a time
LARGEST_MESSAGE = 8_000_000
LARGEST_ANSWER = 65_536
PING_AFTER_S = 20.0
DEAD_AFTER_S = 60.0
CLOSES_WITHIN_S = 1.0
WHOLE = b"\x81\x82"  # the first byte of a text and of a binary message in one frame


class WebSocket:
    """An open connection. Not safe to use from several threads.

    Whole messages are cut out of what was read here; all else (control frames, fragments) goes through the
    protocol of the library, frame by frame, which knows what to answer.
    """

    def __init__(self, sock: socket.socket, protocol: ClientProtocol, early: bytes) -> None:
        """`early` is what came in the same breath as the answer to the handshake."""
        self._sock = sock
        self._protocol = protocol
        self._rest = early
        self._fresh = bool(early)
        self._parts: list[bytes] = []
        self._heard = self._asked = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def messages(self, timeout_s: float) -> list[bytes]:
        """The messages that have come, in order; none when nothing comes within `timeout_s`.

        Raises Closed when the server has ended it, TooSlow when the server has been silent for a minute
        in spite of being asked.
        """
        if self._protocol.state is not State.OPEN:
            raise self._ended()
        if self._fresh:
            self._fresh = False
            return self._cut(self._rest)
        data = self._receive(timeout_s)
        return self._cut(self._rest + data) if data else []

    def _cut(self, data: bytes) -> list[bytes]:
        """Frames are two bytes, a longer size where needed, and the payload (RFC 6455, 5.2)."""
        found: list[bytes] = []
        at, end = 0, len(data)
        while end - at >= 2:
            size, start = data[at + 1], at + 2
            if size >= 128:
                raise Unreadable("not a WebSocket any more (servers do not mask)")
            if size == 126:
                size, start = int.from_bytes(data[start : start + 2], "big"), start + 2
            elif size == 127:
                size, start = int.from_bytes(data[start : start + 8], "big"), start + 8
            if size > LARGEST_MESSAGE and start <= end:
                raise TooLarge(f"a message of {size / 1e6:.0f} MB")
            stop = start + size
            if stop > end:
                break
            if data[at] in WHOLE and not self._parts:
                found.append(data[start:stop])
            else:
                self._pass_on(data[at:stop], found)
            at = stop
        self._rest = data[at:]
        if not found and self._protocol.state is not State.OPEN:
            raise self._ended()
        return found

    def _pass_on(self, frame: bytes, found: list[bytes]) -> None:
        self._protocol.receive_data(frame)
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._join(event, found)
        self._send()

    def close(self) -> None:
        """Say goodbye when the server still listens, and let go of the connection."""
        with contextlib.suppress(OSError, ValueError):
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(1000)
                self._sock.settimeout(CLOSES_WITHIN_S)
                self._send()
        self._sock.close()

    def _receive(self, timeout_s: float) -> bytes:
        try:
            self._sock.settimeout(timeout_s)
            data = self._sock.recv(GULP)
        except (TimeoutError, ssl.SSLWantReadError):
            self._ask_when_silent()
            return b""
        except OSError as error:
            raise Closed(f"the connection broke off ({error})") from error
        if not data:
            self._protocol.receive_eof()
            raise self._ended()
        self._heard = time.monotonic()
        return data

    def _ask_when_silent(self) -> None:
        silent_s = time.monotonic() - self._heard
        if silent_s > DEAD_AFTER_S:
            raise TooSlow(f"the server has said nothing for {silent_s:.0f} s")
        if silent_s > PING_AFTER_S and time.monotonic() - self._asked > PING_AFTER_S:
            self._asked = time.monotonic()
            self._protocol.send_ping(b"")
            self._send()

    def _join(self, part: Frame, found: list[bytes]) -> None:
        self._parts.append(bytes(part.data))
        if part.fin:
            found.append(b"".join(self._parts))
            self._parts.clear()

    def _send(self) -> None:
        """Answer what is to be answered. Where that fails, the next read says why; what came is not lost."""
        with contextlib.suppress(OSError):
            for data in self._protocol.data_to_send():
                if data:
                    self._sock.sendall(data)

    def _ended(self) -> FetchError:
        broken = self._protocol.parser_exc
        if isinstance(broken, PayloadTooBig):
            return TooLarge(f"a message of more than {LARGEST_MESSAGE / 1e6:.0f} MB")
        if broken is not None and not isinstance(broken, EOFError):
            return Unreadable(f"not a WebSocket any more ({type(broken).__name__})")
        said = self._protocol.close_rcvd
        return Closed(
            f"the server ended it ({said.code} {said.reason[:80]})" if said else "the server hung up"
        )


def open_websocket(url: str, settings: HttpSettings, *, tls: ssl.SSLContext | None = None) -> WebSocket:
    """A connection to a ws or wss address, within `settings.connect_s`. Raises FetchError.

    Refused carries the status, and in its text the first words of what the server answered instead.
    """
    try:
        protocol = ClientProtocol(parse_uri(url), max_size=LARGEST_MESSAGE)
    except InvalidURI as error:
        raise Forbidden(f"{_shown(url)}: not a WebSocket address") from error
    target = protocol.uri
    until = time.monotonic() + settings.connect_s
    sock = connect_checked(target.host, target.port, allow=settings.allow, timeout=settings.connect_s)
    try:
        if target.secure:
            sock = _wrapped(sock, target.host, tls or ssl.create_default_context(), until)
        early = _shake_hands(sock, protocol, settings, url, until)
    except (OSError, FetchError) as error:
        sock.close()
        raise _said_plainly(error, url) from error
    return WebSocket(sock, protocol, early)


def _wrapped(sock: socket.socket, host: str, tls: ssl.SSLContext, until: float) -> socket.socket:
    sock.settimeout(max(0.1, until - time.monotonic()))
    return tls.wrap_socket(sock, server_hostname=host)


def _shake_hands(
    sock: socket.socket, protocol: ClientProtocol, settings: HttpSettings, url: str, until: float
) -> bytes:
    """Become a WebSocket; what came already behind the answer. Raises FetchError when refused."""
    request = protocol.connect()
    request.headers["User-Agent"] = f"goldenhour/{version('goldenhour')} (+{settings.contact})"
    protocol.send_request(request)
    sock.sendall(b"".join(protocol.data_to_send()))
    data = b""
    while b"\r\n\r\n" not in data:
        more = _read_in_time(sock, url, until)
        data += more
        if not more or len(data) > LARGEST_ANSWER:
            break
    head, end, early = data.partition(b"\r\n\r\n")
    if head.split(b" ", 2)[1:2] != [b"101"]:
        end, early = end + early, b""
    protocol.receive_data(head + end)
    while protocol.state is State.CONNECTING and protocol.handshake_exc is None:
        more = _read_in_time(sock, url, until)
        if more:
            protocol.receive_data(more)
        else:
            protocol.receive_eof()
    if protocol.handshake_exc is not None:
        answered = [event for event in protocol.events_received() if isinstance(event, Response)]
        raise _refusal(protocol.handshake_exc, answered, url)
    protocol.events_received()
    return early


def _read_in_time(sock: socket.socket, url: str, until: float) -> bytes:
    left = until - time.monotonic()
    if left <= 0:
        raise TooSlow(f"{_shown(url)}: the handshake did not end in time")
    sock.settimeout(left)
    return sock.recv(GULP)


def _refusal(error: Exception, answered: list[Response], url: str) -> FetchError:
    if isinstance(error, InvalidStatus):
        words = bytes(answered[0].body or b"")[:500].decode("utf-8", "replace") if answered else ""
        return Refused(
            f"{_shown(url)}: answered {error.response.status_code} {words}".strip(),
            status=error.response.status_code,
        )
    if isinstance(error, InvalidHandshake | EOFError):
        return Unreadable(f"{_shown(url)}: no WebSocket there ({type(error).__name__})")
    return Unreadable(f"{_shown(url)}: the handshake failed ({type(error).__name__})")


def _said_plainly(error: OSError | FetchError, url: str) -> FetchError:
    if isinstance(error, FetchError):
        return error
    if isinstance(error, TimeoutError):
        return TooSlow(f"{_shown(url)}: no complete answer in time")
    return Unreachable(f"{_shown(url)}: {error}")


def _shown(url: str) -> str:
    return url.partition("?")[0][:200]
