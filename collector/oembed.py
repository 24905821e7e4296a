"""A pasted link: which post it is the address of, and what its platform tells of it in public (https://oembed.com).

The providers are data, `config/oembed.toml`. A link to an account is refused. What cannot be asked, refuses, or asks
for a login is said as such: then the link and what a person saw in it stand alone.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

import msgspec

from collector.entries import web_address
from collector.errors import FetchError, Refused
from collector.http import Http
from collector.interfaces import decoded
from collector.plain import tidy

LONGEST_LINK = 2_000
TRACKING = re.compile(
    r"utm_\w+|fbclid|gclid|igshid?|mibextid|si|ref_src|ref_url|share_id|_r|_t", re.IGNORECASE
)
LOGIN = (401, 403)


class ProvidersError(ValueError):
    """`oembed.toml` is wrong; the message names file, provider, key and reason."""


class NotAPost(ValueError):
    """A link that is not taken; the text is for the person who pasted it."""


class Provider(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A platform people paste links from, as configured; `config/oembed.toml` says what each key means."""

    name: str
    hosts: tuple[str, ...]
    posts: tuple[str, ...]
    address: str = ""
    asked: str = ""
    endpoint: str = ""
    closed: str = ""

    def serves(self, host: str) -> bool:
        return any(host == each or host.endswith(f".{each}") for each in self.hosts)


class Link(NamedTuple):
    """One post on the web. `address` is how it is kept, `asked` how its platform wants to be asked for it."""

    address: str
    asked: str
    provider: Provider | None

    @property
    def platform(self) -> str:
        return self.provider.name if self.provider else (urlsplit(self.address).hostname or "")


class Shown(NamedTuple):
    """What a platform tells of a post in public: no more is kept. `author` goes no further than its digest."""

    title: str | None = None
    author: str | None = None
    picture: str | None = None
    video: bool = False


class Silent(NamedTuple):
    """That a platform told nothing, and why, in words for the person who pasted the link."""

    because: str


class _Answer(msgspec.Struct):
    """What is read of an oEmbed answer; its HTML is not."""

    type: str
    title: Any = None
    author_name: Any = None
    author_url: Any = None
    thumbnail_url: Any = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    provider: list[Provider]


def read_providers(path: Path) -> list[Provider]:
    """The platforms of the file. Raises ProvidersError."""
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File).provider
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ProvidersError(f"{path}: {error}") from error
    for each in found:
        for fault in _faults(each):
            raise ProvidersError(f"{path}: provider {each.name!r}: {fault}")
    return found


def _faults(provider: Provider) -> Iterator[str]:
    if not provider.hosts or not provider.posts:
        yield "key hosts, posts: at least one each"
    if bool(provider.endpoint) == bool(provider.closed):
        yield "key endpoint, closed: exactly one of the two"
    if provider.endpoint and urlsplit(provider.endpoint).scheme not in ("http", "https"):
        yield "key endpoint: is not a web address"
    for pattern in provider.posts:
        try:
            named = dict.fromkeys(re.compile(pattern).groupindex, "")
            provider.address.format(**named), provider.asked.format(**named)
        except (re.error, KeyError, IndexError, ValueError) as error:
            yield f"key posts: {pattern!r} does not go with address and asked ({error})"


def read_link(written: str, providers: Sequence[Provider]) -> Link:
    """The post a pasted link is the address of. Raises NotAPost."""
    found = web_address(written, "") if len(written) <= LONGEST_LINK else None
    if found is None:
        raise NotAPost("Enter the address of one post or video, beginning with https://")
    parts = urlsplit(found)
    host = (parts.hostname or "").rstrip(".")
    if parts.netloc.lower().rstrip(".") != host:
        raise NotAPost("This address names a port or a password. Copy the link of the post itself")
    address = _bare(parts, host)
    ours = [each for each in providers if each.serves(host)]
    for provider in ours:
        known = _known(provider, urlsplit(address))
        if known is not None:
            kept = provider.address.format(**known) or address
            return Link(kept, provider.asked.format(**known) or kept, provider)
    if ours:
        raise NotAPost(
            f"This is not the link of one post or video on {ours[0].name}. "
            "We look at incidents, never at accounts: open the post and copy its own link"
        )
    return Link(address, address, None)


def _known(provider: Provider, parts: SplitResult) -> dict[str, str] | None:
    """The named parts of a post's address; None when it is not the address of a post."""
    asked = f"?{parts.query}" if parts.query else ""
    for pattern in provider.posts:
        fits = re.fullmatch(pattern, parts.path + asked)
        if fits:
            return fits.groupdict()
    return None


def _bare(parts: SplitResult, host: str) -> str:
    """An address without what only tracks whoever shared it."""
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if not TRACKING.fullmatch(name)
    ]
    return SplitResult(parts.scheme, host, parts.path or "/", urlencode(kept), "").geturl()


def look_up(http: Http | None, link: Link, *, now: datetime) -> Shown | Silent:
    """What the platform tells of the post. One request, within the client's limits; nothing is raised."""
    if link.provider is None:
        return Silent(f"{link.platform} is no platform we know how to ask")
    if link.provider.closed:
        return Silent(link.provider.closed)
    if http is None:
        return Silent(f"{link.platform} was not asked: no client is set up")
    query = urlencode({"url": link.asked, "format": "json"})
    try:
        answer = http.get(
            f"{link.provider.endpoint}?{query}", headers={"Accept": "application/json"}, now=now
        )
        told = decoded(answer.body, _Answer, link.provider.endpoint)
    except FetchError as error:
        return Silent(_why(link.platform, error))
    shown = Shown(_text(told.title), _author(told), _picture(told.thumbnail_url), told.type == "video")
    if not (shown.title or shown.author or shown.picture):
        return Silent(f"{link.platform} answered, but told nothing of it")
    return shown


def _why(platform: str, error: FetchError) -> str:
    if isinstance(error, Refused) and error.status in LOGIN:
        return f"{platform} asks for a login, or does not let it be shown elsewhere"
    if isinstance(error, Refused) and error.status in (404, 410):
        return f"{platform} does not know it: it may be deleted, or not public"
    return f"{platform} could not be asked: {error}"


def _text(value: Any) -> str | None:
    return tidy(value)[:500] or None if isinstance(value, str) else None


def _author(told: _Answer) -> str | None:
    return _text(told.author_url) or _text(told.author_name)


def _picture(value: Any) -> str | None:
    return web_address(value, "") if isinstance(value, str) and value.startswith("https://") else None
