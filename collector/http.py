"""The one HTTP client: everything the service fetches goes through here, within limits and to public addresses only."""

import contextlib
import math
import ssl
import tempfile
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from typing import IO, NamedTuple, Self

import httpx

from collector.addresses import Resolve
from collector.connections import Transport
from collector.dates import from_iso
from collector.errors import BROKEN, Forbidden, Refused, TooSlow, Unreachable, Unreadable
from collector.patience import left_s, within
from collector.settings import HttpSettings
from collector.unpacking import OFFERED, unpack

LONGEST_WAIT = timedelta(hours=24)
LONGEST_ADDRESS = 8_000
SMALL = 256_000  # bytes; a larger body waits on disk until it has all come and there is room for it
_PRIVATE = {"authorization", "cookie", "proxy-authorization"}

_witness: ContextVar["_Witness | None"] = ContextVar("witness", default=None)


class Answer(NamedTuple):
    """What a server answered: success with a body, or 304 without. `url` is where the redirects ended."""

    status: int
    url: str
    headers: httpx.Headers
    body: bytes


class _Witness:
    """All that came during a visit. `room` is given back at its end."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.room: threading.Lock | None = None


class Http:
    """A guarded client for one process; safe to share between threads.

    Only http and https, to public addresses at ports 80 and 443 or to what `settings.allow` names;
    checked again at every redirect. No proxy variables, no cookies kept. `tls` replaces the usual
    certificate authorities, `resolve` the system's resolver.
    """

    def __init__(
        self, settings: HttpSettings, *, tls: ssl.SSLContext | None = None, resolve: Resolve | None = None
    ) -> None:
        self.settings = settings
        self._tls, self._resolve = tls or httpx.create_ssl_context(), resolve
        self._idle: list[httpx.Client] = []
        self._room = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._idle:
            self._idle.pop().close()

    def get(self, url: str, *, headers: Mapping[str, str | bytes] | None = None, now: datetime) -> Answer:
        """Fetch an address, with all redirects, within `settings.total_s`. Raises FetchError for anything
        but a complete 200, or a 304 to a conditional request.

        `now` is only used to read a Retry-After that is given as a date.
        """
        with within(self.settings.total_s):
            return self._follow(url, dict(headers or {}), now)

    def get_file(self, url: str, into: IO[bytes], *, now: datetime) -> Answer:
        """Fetch a file of media, within `settings.file_s` and `settings.largest_file_bytes`, straight to where it is
        kept. The answer comes without its body. Raises FetchError.
        """
        with within(self.settings.file_s):
            return self._follow(url, {}, now, into)

    def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str | bytes] | None = None,
        success: Collection[int] = (200,),
        now: datetime,
    ) -> Answer:
        """Send a body and take the answer, within `settings.total_s`; never on to where a redirect leads.

        Raises FetchError for anything but a complete answer whose status is in `success`.
        """
        with within(self.settings.total_s):
            found = self._once(_checked(url), dict(headers or {}), now, body, success=success)
        if not isinstance(found, Answer) or found.status not in success:
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
        success: Collection[int] = (200,),
    ) -> Answer | httpx.URL:
        """One request, a POST when something is sent: the answer, or the address it redirects to."""
        where, how = _shown(str(target)), "GET" if sent is None else "POST"
        with (
            _said_plainly(where),
            self._client() as client,
            client.stream(how, target, headers=_raw(headers), content=sent) as response,
        ):
            status = response.status_code
            if status in (301, 302, 303, 307, 308) and response.headers.get("location"):
                return _checked(_joined(target, response.headers["location"]))
            if status == 304:
                return Answer(304, str(target), response.headers, b"")
            if status not in success:
                raise refusal(where, status, response.headers, now)
            body = self._body(response, into, where)
            answer = Answer(status, str(target), response.headers, body)
        witness = _witness.get()
        if witness is not None:
            witness.answers.append(answer)
        return answer

    def _body(self, response: httpx.Response, into: IO[bytes] | None, where: str) -> bytes:
        chunks, packed = _in_time(response.iter_raw(), where), response.headers.get("content-encoding", "")
        if into is not None:
            into.writelines(unpack(chunks, packed, largest=self.settings.largest_file_bytes, where=where))
            return b""
        with tempfile.SpooledTemporaryFile(max_size=SMALL) as kept:
            for piece in unpack(chunks, packed, largest=self.settings.largest_bytes, where=where):
                kept.write(piece)
            if kept.tell() > SMALL:
                self._take_room(where)
            kept.seek(0)
            return kept.read()

    def _take_room(self, where: str) -> None:
        """Of the visits, one at a time holds what is large: many at once would fill the memory."""
        witness = _witness.get()
        if witness is None or witness.room is not None:
            return
        if not self._room.acquire(timeout=left_s(self.settings.total_s)):
            raise TooSlow(f"{where}: other large answers were read all the while")
        witness.room = self._room

    @contextlib.contextmanager
    def _client(self) -> Iterator[httpx.Client]:
        """A client that nobody else uses now: one that waits for a connection must not hold up another thread."""
        try:
            client = self._idle.pop()
        except IndexError:
            client = self._new_client()
        try:
            yield client
        finally:
            self._idle.append(client)

    def _new_client(self) -> httpx.Client:
        return httpx.Client(
            transport=Transport(self.settings.allow, self._tls, self._resolve),
            timeout=httpx.Timeout(self.settings.read_s, connect=self.settings.connect_s),
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
            headers={
                "User-Agent": f"goldenhour/{version('goldenhour')} (+{self.settings.contact})",
                "Accept-Encoding": OFFERED,
            },
        )


@contextlib.contextmanager
def witnessed() -> Iterator[list[Answer]]:
    """All complete answers that come while it lasts, in this thread: kept as evidence beside what was read of them."""
    witness = _Witness()
    token = _witness.set(witness)
    try:
        yield witness.answers
    finally:
        _witness.reset(token)
        if witness.room is not None:
            witness.room.release()


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
        if left_s(math.inf) <= 0:
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
        raise _unreachable(where, error) from error
    except httpx.LocalProtocolError as error:
        raise Forbidden(f"{where}: not an address one can ask for ({error})") from error
    except httpx.HTTPError as error:
        raise Unreadable(f"{where}: the answer broke off or is not HTTP ({error})", remedy=BROKEN) from error
    except (ValueError, UnicodeError, httpx.InvalidURL) as error:
        raise Unreadable(f"{where}: the answer is not HTTP ({error})", remedy=BROKEN) from error


def _unreachable(where: str, error: httpx.ConnectError) -> Unreachable:
    """Why no connection came about, and whose fault that is as far as TLS tells."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return Unreachable(f"{where}: {error}")
    if isinstance(cause, ssl.SSLCertVerificationError):
        remedy = _CERTIFICATES.get(cause.verify_code, _UNTRUSTED)
        return Unreachable(f"{where}: its certificate is not valid ({cause.verify_message})", remedy=remedy)
    return Unreachable(f"{where}: no secure connection ({cause.reason or 'no TLS spoken'})", remedy=_NO_TLS)


_NO_TLS = "Open the address in a browser: it may be served without encryption, then it begins with http://"
_UNTRUSTED = "Tell the publisher that nobody vouches for their certificate; it is tried again by itself"
_CERTIFICATES = {  # X509_V_ERR_*, openssl/x509_vfy.h
    9: "Check this machine's clock; if it is right, tell the publisher that their certificate is not valid yet",
    10: "Tell the publisher that their certificate has expired; it is tried again by itself",
    62: "Look for the right address: the server there has a certificate of another name",
    64: "Use the publisher's name in the address, not a number: its certificate is for a name",
}
