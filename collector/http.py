"""The one HTTP client: everything the service fetches goes through here, within limits and to public addresses only."""

import contextlib
import select
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from typing import IO, Any, NamedTuple, Self

import httpcore
import httpx

from collector.addresses import Resolve, connect_checked
from collector.dates import from_iso
from collector.errors import Forbidden, Refused, TooSlow, Unreachable, Unreadable
from collector.settings import HttpSettings
from collector.unpacking import OFFERED, read_body, unpack

CONNECTIONS = 10  # httpx 0.28 slows down ten-fold beyond this in one client
LONGEST_WAIT = timedelta(hours=24)
LONGEST_ADDRESS = 8_000
_PRIVATE = {"authorization", "cookie", "proxy-authorization"}

_deadline: ContextVar[float] = ContextVar("deadline")
_witness: ContextVar["list[Answer] | None"] = ContextVar("witness", default=None)


class Answer(NamedTuple):
    """What a server answered: 200 with a body, or 304 without. `url` is where the redirects ended."""

    status: int
    url: str
    headers: httpx.Headers
    body: bytes


class Http:
    """A guarded client for one process; safe to share between a few threads.

    Only http and https, to public addresses at ports 80 and 443 or to what `settings.allow` names;
    checked again at every redirect. No proxy variables, no cookies kept. `tls` replaces the usual
    certificate authorities, `resolve` the system's resolver.
    """

    def __init__(
        self, settings: HttpSettings, *, tls: ssl.SSLContext | None = None, resolve: Resolve | None = None
    ) -> None:
        self.settings = settings
        jar = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
        self._client = httpx.Client(
            transport=_Transport(settings.allow, tls or httpx.create_ssl_context(), resolve),
            timeout=httpx.Timeout(settings.read_s, connect=settings.connect_s, pool=settings.total_s),
            follow_redirects=False,
            trust_env=False,
            cookies=jar,
            headers={
                "User-Agent": f"goldenhour/{version('goldenhour')} (+{settings.contact})",
                "Accept-Encoding": OFFERED,
            },
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, url: str, *, headers: Mapping[str, str | bytes] | None = None, now: datetime) -> Answer:
        """Fetch an address, with all redirects, within `settings.total_s`. Raises FetchError for anything
        but a complete 200, or a 304 to a conditional request.

        `now` is only used to read a Retry-After that is given as a date.
        """
        token = _deadline.set(time.monotonic() + self.settings.total_s)
        try:
            return self._follow(url, dict(headers or {}), now)
        finally:
            _deadline.reset(token)

    def get_file(self, url: str, into: IO[bytes], *, now: datetime) -> Answer:
        """Fetch a file of media, within `settings.file_s` and `settings.largest_file_bytes`, straight to where it is
        kept. The answer comes without its body. Raises FetchError.
        """
        token = _deadline.set(time.monotonic() + self.settings.file_s)
        try:
            return self._follow(url, {}, now, into)
        finally:
            _deadline.reset(token)

    def post(
        self, url: str, body: bytes, *, headers: Mapping[str, str | bytes] | None = None, now: datetime
    ) -> Answer:
        """Send a body and take the answer, within `settings.total_s`; never on to where a redirect leads.

        Raises FetchError for anything but a complete 200.
        """
        token = _deadline.set(time.monotonic() + self.settings.total_s)
        try:
            found = self._once(_checked(url), dict(headers or {}), now, body)
        finally:
            _deadline.reset(token)
        if not isinstance(found, Answer) or found.status != 200:
            raise Unreadable(f"{_shown(url)}: redirected, where an answer was expected")
        return found

    def _follow(
        self, url: str, headers: dict[str, str | bytes], now: datetime, into: IO[bytes] | None = None
    ) -> Answer:
        target = _checked(url)
        for _ in range(self.settings.redirects + 1):
            found = self._once(target, headers, now, into=into)
            if isinstance(found, Answer):
                return found
            if found.host != target.host:
                headers = {name: value for name, value in headers.items() if name.lower() not in _PRIVATE}
            target = found
        raise Unreadable(f"{_shown(url)}: redirected more than {self.settings.redirects} times")

    def _once(
        self,
        target: httpx.URL,
        headers: dict[str, str | bytes],
        now: datetime,
        sent: bytes | None = None,
        into: IO[bytes] | None = None,
    ) -> Answer | httpx.URL:
        """One request, a POST when something is sent: the answer, or the address it redirects to."""
        where, how = _shown(str(target)), "GET" if sent is None else "POST"
        asked = self._client.stream(how, target, headers=_raw(headers), content=sent)
        with _said_plainly(where), asked as response:
            status = response.status_code
            if status in (301, 302, 303, 307, 308) and response.headers.get("location"):
                return _checked(_joined(target, response.headers["location"]))
            if status == 304:
                return Answer(304, str(target), response.headers, b"")
            if status != 200:
                raise refusal(where, status, response.headers, now)
            body = self._body(response, into, where)
            answer = Answer(200, str(target), response.headers, body)
        seen = _witness.get()
        if seen is not None:
            seen.append(answer)
        return answer

    def _body(self, response: httpx.Response, into: IO[bytes] | None, where: str) -> bytes:
        chunks, packed = _in_time(response.iter_raw(), where), response.headers.get("content-encoding", "")
        if into is None:
            return read_body(chunks, packed, largest=self.settings.largest_bytes, where=where)
        into.writelines(unpack(chunks, packed, largest=self.settings.largest_file_bytes, where=where))
        return b""


@contextlib.contextmanager
def witnessed() -> Iterator[list[Answer]]:
    """All complete answers that come while it lasts, in this thread: kept as evidence beside what was read of them."""
    seen: list[Answer] = []
    token = _witness.set(seen)
    try:
        yield seen
    finally:
        _witness.reset(token)


def refusal(where: str, status: int, headers: Mapping[str, str], now: datetime) -> Refused:
    """What a status that is not success means, and how long the server asked us to stay away."""
    remedy = _REMEDIES.get(status) or ("Wait: the fault is theirs" if status >= 500 else None)
    wait = asked_wait(headers.get("retry-after"), now)
    reset = from_iso(headers.get("x-ratelimit-reset"))  # Mastodon says it so
    if wait is None and status == 429 and reset is not None:
        wait = max(timedelta(0), min(reset - now, LONGEST_WAIT))
    return Refused(f"{where}: answered {status}", status=status, remedy=remedy, retry_after=wait)


def asked_wait(value: str | None, now: datetime) -> timedelta | None:
    """A Retry-After as a wait of 0 to 24 hours: whole or decimal seconds, or a date. None for anything else."""
    if not value:
        return None
    try:
        wait = timedelta(seconds=float(value))
    except (ValueError, OverflowError):
        try:
            until = parsedate_to_datetime(value)
        except (ValueError, TypeError, OverflowError):
            return None
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        wait = until - now
    return max(timedelta(0), min(wait, LONGEST_WAIT))


_REMEDIES = {
    401: "It asks for a login: use the publisher's public feed, or disable the source",
    403: "It refuses us: read its terms, then ask for access or disable the source",
    404: "Look for the new address on the publisher's site and put it into sources.toml",
    406: "Look for another feed of the same source",
    410: "It is gone for good: remove the source from sources.toml",
    429: "We are asked to come less often; set a longer `every` if this repeats",
    451: "It may not be read from here, for legal reasons: disable the source",
}


def _checked(url: str | httpx.URL) -> httpx.URL:
    """An address whose form is allowed; where it leads is judged when it is connected to."""
    try:
        target = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, UnicodeError) as error:
        raise Forbidden(f"{_shown(str(url))}: not an address ({error})") from error
    if target.scheme not in ("http", "https"):
        raise Forbidden(f"{_shown(str(url))}: only http and https are fetched")
    if not target.host:
        raise Forbidden(f"{_shown(str(url))}: no host in the address")
    if target.userinfo:
        raise Forbidden(f"{_shown(str(target.copy_with(userinfo=b'')))}: an address must not hold a password")
    if len(str(target)) > LONGEST_ADDRESS:
        raise Forbidden(f"{_shown(str(url))}: the address is too long")
    return target


def _raw(headers: Mapping[str, str | bytes]) -> list[tuple[bytes, bytes]]:
    """Headers as bytes, so that a validator goes back as it came."""
    return [
        (name.encode(), value if isinstance(value, bytes) else value.encode())
        for name, value in headers.items()
    ]


def _joined(target: httpx.URL, location: str) -> httpx.URL:
    try:
        return target.join(location)
    except (httpx.InvalidURL, ValueError, UnicodeError) as error:
        raise Forbidden(f"{_shown(str(target))}: redirects to what is not an address ({error})") from error


def _shown(url: str) -> str:
    """An address for a message: short, and without a query, where keys like to be."""
    return url.partition("?")[0][:200]


def _in_time(chunks: Iterable[bytes], where: str) -> Iterator[bytes]:
    for chunk in chunks:
        if time.monotonic() > _deadline.get():
            raise TooSlow(f"{where}: the body did not end in time")
        yield chunk


@contextlib.contextmanager
def _said_plainly(where: str) -> Iterator[None]:
    """The client's own errors as ours."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise TooSlow(f"{where}: no complete answer in time") from error
    except httpx.ConnectError as error:
        raise Unreachable(f"{where}: {error}") from error
    except httpx.LocalProtocolError as error:
        raise Forbidden(f"{where}: not an address one can ask for ({error})") from error
    except httpx.HTTPError as error:
        raise Unreadable(f"{where}: the answer broke off or is not HTTP ({error})") from error
    except (ValueError, UnicodeError, httpx.InvalidURL) as error:
        raise Unreadable(f"{where}: the answer is not HTTP ({error})") from error


class _Transport(httpx.HTTPTransport):
    """httpx's own transport over connections that we make and time ourselves."""

    def __init__(self, allow: tuple[str, ...], tls: ssl.SSLContext, resolve: Resolve | None) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS,
            keepalive_expiry=5.0,
            network_backend=_Network(allow, resolve),
        )


class _Network(httpcore.NetworkBackend):
    def __init__(self, allow: tuple[str, ...], resolve: Resolve | None) -> None:
        self._allow, self._resolve = allow, resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002  # the names are httpcore's
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        sock = connect_checked(host, port, allow=self._allow, timeout=_left(timeout), resolve=self._resolve)
        return _Stream(sock)


class _Stream(httpcore.NetworkStream):
    """A connection on which no single read or write outlives the request's deadline."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _mapped(httpcore.ReadTimeout, httpcore.ReadError):
            self._sock.settimeout(_left(timeout))
            return self._sock.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with _mapped(httpcore.WriteTimeout, httpcore.WriteError):
            self._sock.settimeout(_left(timeout))
            self._sock.sendall(buffer)

    def close(self) -> None:
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            with _mapped(httpcore.ConnectTimeout, httpcore.ConnectError):
                self._sock.settimeout(_left(timeout))
                return _Stream(ssl_context.wrap_socket(self._sock, server_hostname=server_hostname))
        except (httpcore.NetworkError, httpcore.TimeoutException):
            self.close()
            raise

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # a connection kept for later that the server has closed
            return bool(select.select([self._sock], [], [], 0)[0])
        return self._sock if info == "socket" else None


@contextlib.contextmanager
def _mapped(late: type[httpcore.TimeoutException], broken: type[httpcore.NetworkError]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except OSError as error:
        raise broken(str(error)) from error


def _left(timeout: float | None) -> float:
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("out of time")
    return left if timeout is None else min(timeout, left)
