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
from websockets.protocol import Event, State
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
PING_AFTER_S = 20.0
DEAD_AFTER_S = 60.0
CLOSES_WITHIN_S = 1.0


class WebSocket:
    """An open connection. Not safe to use from several threads."""

    def __init__(self, sock: socket.socket, protocol: ClientProtocol, early: list[Event]) -> None:
        """`early` is what came in the same breath as the answer to the handshake."""
        self._sock = sock
        self._protocol = protocol
        self._early = early
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
        events, self._early = self._early, []
        if not events:
            if self._protocol.state is not State.OPEN:
                raise self._ended()
            data = self._receive(timeout_s)
            if not data:
                return []
            self._protocol.receive_data(data)
            events = self._protocol.events_received()
        found: list[bytes] = []
        for event in events:
            if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                if event.fin and not self._parts:
                    found.append(bytes(event.data))
                else:
                    self._join(event, found)
        self._send()
        if not found and self._protocol.state is not State.OPEN:
            raise self._ended()
        return found

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
        try:
            for data in self._protocol.data_to_send():
                if data:
                    self._sock.sendall(data)
        except OSError as error:
            raise Closed(f"the connection broke off ({error})") from error

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
) -> list[Event]:
    request = protocol.connect()
    request.headers["User-Agent"] = f"goldenhour/{version('goldenhour')} (+{settings.contact})"
    protocol.send_request(request)
    sock.sendall(b"".join(protocol.data_to_send()))
    while protocol.state is State.CONNECTING and protocol.handshake_exc is None:
        sock.settimeout(max(0.1, until - time.monotonic()))
        data = sock.recv(GULP)
        if time.monotonic() > until:
            raise TooSlow(f"{_shown(url)}: the handshake did not end in time")
        if data:
            protocol.receive_data(data)
        else:
            protocol.receive_eof()
    events = protocol.events_received()
    answered = [event for event in events if isinstance(event, Response)]
    if protocol.handshake_exc is not None:
        raise _refusal(protocol.handshake_exc, answered, url)
    return [event for event in events if not isinstance(event, Response)]


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
