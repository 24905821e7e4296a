"""The inbox: what the pages need that take in tips from the public and links from staff."""

import secrets
from collections.abc import Sequence
from typing import NamedTuple, Self

from collector.http import Http
from collector.oembed import Provider
from collector.settings import TipSettings


class Inbox(NamedTuple):
    """`tips_key` seals forms and counts callers, `author_key` digests authors. Without `http` no platform is asked."""

    tips: TipSettings
    tips_key: bytes
    author_key: bytes
    providers: Sequence[Provider] = ()
    http: Http | None = None

    @classmethod
    def alone(cls) -> Self:
        """For a desk by itself: keys that last as long as it does."""
        return cls(TipSettings(), secrets.token_bytes(32), secrets.token_bytes(32))
