"""What can go wrong at the edge: every failed fetch is one of these, with its cause and what to do.

FetchError
├── NoKey          a credential of ours is not set
├── Forbidden      an address we may not reach: not public, wrong scheme, wrong port
├── Unreachable    no such name, no connection, no valid certificate
├── TooSlow        a deadline passed
├── TooLarge       more bytes than we take
├── Refused        the server answered with a status that is not success
├── Closed         a stream that was open has ended
└── Unreadable     the server answered, with something that is not what the source promises
"""

from datetime import timedelta

BROKEN = (
    "Nothing to do: it is tried again by itself. If it stays, tell the publisher that their server breaks off"
)
PACKED = "Tell the publisher: their server packs its answers in a way that nobody asked for"
SMALLER = "Look for a smaller feed of the same source"


class FetchError(Exception):
    """A source could not be fetched. The text says what happened and where; `remedy` what a person can do.

    `retry_after` is the time the server asked us to stay away, None when it did not ask.
    """

    remedy = "Nothing to do: it is tried again by itself. If it stays, open the address in a browser"

    def __init__(
        self, cause: str, *, remedy: str | None = None, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy or type(self).remedy
        self.retry_after = retry_after


class NoKey(FetchError):
    """A credential of ours is not set; `variable` names it."""

    def __init__(self, what: str, *variables: str) -> None:
        named = " and ".join(f"GOLDENHOUR_COLLECT__{variable}" for variable in variables)
        super().__init__(f"{what} is asked with a key of ours, and there is none", remedy=f"Set {named}")


class Forbidden(FetchError):
    """The address is not one we may reach."""

    remedy = (
        "Use a public http or https address. An internal feed is named host:port in GOLDENHOUR_HTTP__ALLOW"
    )


class Unreachable(FetchError):
    """No such name, no connection, or no valid certificate."""

    remedy = (
        "Check that the address in sources.toml is still right, and that this machine reaches the internet"
    )


class TooSlow(FetchError):
    """A deadline passed."""


class TooLarge(FetchError):
    """More bytes than we take, counted after decompression."""

    remedy = "Look for a smaller feed of the same source; the limit is GOLDENHOUR_HTTP__LARGEST_BYTES"


class Refused(FetchError):
    """The server answered with a status that is not success.

    `whole_host` is true when the wait it asked for is meant for every source on that host (429).
    """

    def __init__(
        self, cause: str, *, status: int, remedy: str | None = None, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(cause, remedy=remedy, retry_after=retry_after)
        self.status = status
        self.whole_host = status == 429


class Closed(FetchError):
    """A stream that was open has ended, by the server or on the way."""

    remedy = "Nothing to do: it is opened again by itself, from where it ended"


class Unreadable(FetchError):
    """The server answered, with something that is not what the source promises."""

    remedy = "Open the address in a browser: it may have moved, or ask for a login"
