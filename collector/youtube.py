"""Reads YouTube Data API v3 answers: searches, videos, comment threads (reference read 2026-08). No network here."""

import re
from datetime import timedelta
from typing import Any

import msgspec

from collector.batch import Attachment, Item
from collector.dates import from_iso
from collector.entries import with_title
from collector.interfaces import counts
from collector.plain import plain, tidy

PLATFORM = "youtube"
COMMENT = "comment:"  # before the id of a comment, so that it is never taken for a video's
VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_LASTS = re.compile(r"P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")


class _Thumbnail(msgspec.Struct):
    url: str = ""


class _Found(msgspec.Struct, rename="camel"):
    video_id: str = ""


class _SearchSnippet(msgspec.Struct, rename="camel"):
    published_at: str = ""


class _Result(msgspec.Struct):
    id: _Found
    snippet: _SearchSnippet = msgspec.field(default_factory=_SearchSnippet)


class Search(msgspec.Struct, rename="camel"):
    """A page of search.list."""

    items: list[_Result] = []
    next_page_token: str | None = None

    def videos(self) -> list[str]:
        """The ids of the videos found, in their order."""
        return [each.id.video_id for each in self.items if VIDEO_ID.fullmatch(each.id.video_id)]


class Page(msgspec.Struct, rename="camel"):
    """A page of videos.list or commentThreads.list; the items are read one by one."""

    items: list[msgspec.Raw] = []
    next_page_token: str | None = None


class _Snippet(msgspec.Struct, rename="camel"):
    published_at: str = ""
    channel_id: str = ""
    title: str = ""
    description: str = ""
    thumbnails: dict[str, _Thumbnail] = {}
    default_audio_language: str | None = None
    default_language: str | None = None


class _Details(msgspec.Struct):
    duration: str = ""


class _Status(msgspec.Struct, rename="camel"):
    privacy_status: str = "public"


class _Video(msgspec.Struct, rename="camel"):
    id: str
    snippet: _Snippet
    statistics: dict[str, Any] = {}
    content_details: _Details = msgspec.field(default_factory=_Details)
    status: _Status = msgspec.field(default_factory=_Status)


class _ChannelId(msgspec.Struct):
    value: str = ""


class _CommentSnippet(msgspec.Struct, rename="camel"):
    video_id: str = ""
    text_display: str = ""
    text_original: str = ""
    published_at: str = ""
    updated_at: str = ""
    like_count: int = 0
    author_channel_id: _ChannelId = msgspec.field(default_factory=_ChannelId)
    author_channel_url: str = ""


class _Comment(msgspec.Struct):
    id: str
    snippet: _CommentSnippet


class _ThreadSnippet(msgspec.Struct, rename="camel"):
    top_level_comment: _Comment


class _Thread(msgspec.Struct):
    id: str
    snippet: _ThreadSnippet


def watch_url(video: str) -> str:
    return f"https://www.youtube.com/watch?v={video}"


def read_video(raw: bytes) -> Item:
    """A video's title, description, counts and thumbnail; the film itself is never fetched. Raises ValueError."""
    video = _decoded(raw, _Video)
    if not VIDEO_ID.fullmatch(video.id):
        raise ValueError("no video id")
    said, seen = video.snippet, video.statistics
    title = tidy(said.title)
    return Item(
        external_id=video.id,
        platform=PLATFORM,
        url=watch_url(video.id),
        title=title or None,
        text=with_title(title, tidy(said.description)),
        published_at=from_iso(said.published_at),
        published_raw=said.published_at[:100] or None,
        lang=said.default_audio_language or said.default_language,
        author=said.channel_id or None,
        media=tuple(_media(video)),
        reach=counts(
            views=seen.get("viewCount"), likes=seen.get("likeCount"), comments=seen.get("commentCount")
        ),
        indexable=video.status.privacy_status == "public",
        payload=raw,
    )


def read_comment(raw: bytes) -> Item:
    """The comment a thread begins with. Raises ValueError."""
    return _comment(_decoded(raw, _Thread).snippet.top_level_comment, raw)


def read_single_comment(raw: bytes) -> Item:
    """A comment as comments.list gives it. Raises ValueError."""
    return _comment(_decoded(raw, _Comment), raw)


def _comment(comment: _Comment, raw: bytes) -> Item:
    said = comment.snippet
    return Item(
        external_id=COMMENT + comment.id,
        platform=PLATFORM,
        url=f"{watch_url(said.video_id)}&lc={comment.id}" if said.video_id else None,
        text=tidy(said.text_original) or plain(said.text_display),
        published_at=from_iso(said.published_at),
        published_raw=said.published_at[:100] or None,
        edited_at=from_iso(said.updated_at) if said.updated_at != said.published_at else None,
        author=said.author_channel_id.value or said.author_channel_url or None,
        reply_to=said.video_id or None,
        reach=counts(likes=said.like_count),
        payload=raw,
    )


def _decoded(raw: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error


def _media(video: _Video) -> list[Attachment]:
    lasts = _seconds(video.content_details.duration)
    found = [Attachment("video", watch_url(video.id), duration_s=lasts)]
    for size in ("maxres", "standard", "high", "medium", "default"):
        thumbnail = video.snippet.thumbnails.get(size)
        if thumbnail and thumbnail.url.startswith("https://"):
            return [*found, Attachment("image", thumbnail.url)]
    return found


def _seconds(duration: str) -> float | None:
    """An ISO 8601 duration such as PT1H2M3S; None for a broadcast that still runs (P0D)."""
    found = _LASTS.fullmatch(duration[:40])
    if not found:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    lasts = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
    return lasts or None
