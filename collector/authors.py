"""An author: the account that published a post, as its platform knows it. Read from the payload, where it stays."""

from collections.abc import Callable, Mapping

import msgspec

from collector.mail import read_mail
from collector.sources.jetstream import read_frame
from collector.sources.reddit import Link
from collector.sources.threads import Thread
from collector.sources.x import Tweet
from collector.statuses import read_status
from collector.youtube import read_comment, read_single_comment, read_video


def author_in(platform: str, payload: bytes) -> str | None:
    """Who wrote the post of this payload; None when it does not say, or is in no form of this platform.

    Feeds have none: their bylines are a publisher's.
    """
    for read in READERS.get(platform, ()):
        try:
            found = read(payload)
        except (ValueError, RecursionError, msgspec.DecodeError):
            continue
        if found:
            return found
    return None


Reader = Callable[[bytes], str | None]

READERS: Mapping[str, tuple[Reader, ...]] = {
    "bluesky": (lambda raw: read_frame(raw).did,),
    "mastodon": (lambda raw: read_status(raw, "unknown.invalid").author,),
    "youtube": (
        lambda raw: read_video(raw).author,
        lambda raw: read_comment(raw).author,
        lambda raw: read_single_comment(raw).author,
    ),
    "reddit": (lambda raw: msgspec.json.decode(raw, type=Link).author,),
    "x": (lambda raw: msgspec.json.decode(raw, type=Tweet).author_id,),
    "threads": (lambda raw: msgspec.json.decode(raw, type=Thread).username,),
    "mail": (lambda raw: read_mail(raw, "")[0].author,),
}
