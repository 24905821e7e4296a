"""Which rows train, which are held back. Never at random: by event, by time, and by reader.

Held back for good: two sets by another reader; news of the last months and of every seventh week; the
last half hour of the keyword stream; one protest day in five; one in five of the London stories, minimal
pairs, paired tellings and single posts.
"""

import zlib
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from classifier.training.sets import Row

OTHER_READER = frozenset({"police_tweets_dev", "uk_news_incident_dev"})
PAIRED = "fair_pairs"  # tellings that differ in one thing only: measured, never learnt from (fairness.py)
NEWEST_FEEDBACK = "feedback_newest"  # of what people decided the newest cases (triage/teaching.py)
NEWS_UNTIL = datetime(2022, 12, 16, tzinfo=UTC)
STREAM_FROM = datetime(2021, 2, 22, tzinfo=UTC)
STREAM_UNTIL = datetime(2021, 2, 23, 1, 30, tzinfo=UTC)
FOLDS = 3


def part(group: str, parts: int) -> int:
    """0..parts-1, the same for one group on every machine."""
    return zlib.crc32(group.encode()) % parts


def held_back(row: Row) -> str:
    """The name of the measuring set a row belongs to, or empty when it trains."""
    if row.set in OTHER_READER or row.set in (NEWEST_FEEDBACK, PAIRED):
        return row.set
    if row.set in ("labelled_news_dev", "uk_news_rss") and row.at:
        if row.at >= NEWS_UNTIL:
            return "news_later"
        return "news_other_weeks" if row.at.isocalendar().week % 7 == 3 else ""
    if row.set in ("labelled_posts_dev", "hrf_tweets_weak") and row.at:
        if row.at >= STREAM_FROM:
            return "posts_stream" if row.at >= STREAM_UNTIL else ""
        return "posts_linked" if part(row.group, 5) == 0 else ""
    if row.set == "uk_force_official_tweets_dev":
        return "official_posts" if part(row.group, 5) == 0 else ""
    if row.set in LONDON:
        return f"london_{row.set}" if part(row.set + row.group, 5) == 0 else ""
    if row.set == "pheme_dev":
        return "rumours_unseen_events" if row.group in ("ferguson", "ottawashooting") else ""
    return ""


LONDON = frozenset(
    {
        "witness_posts",
        "near_misses",
        "stories",
        "minimal_pairs",
        "keyword_stream",
        "families",
        "styles",
        "retold",
    }
)


def folds(rows: Sequence[Row]) -> NDArray[np.int64]:
    """A fold for each row, 0..FOLDS-1; all rows of a group are in one. Keyword streams go by ten minutes."""
    return np.array([part(row.set + event(row), FOLDS) for row in rows])


def event(row: Row) -> str:
    """What a row is about: its group; in keyword streams, ten minutes."""
    if row.set in ("labelled_posts_dev", "hrf_tweets_weak") and row.at and row.at >= STREAM_FROM:
        return row.at.strftime("%Y-%m-%d %H") + str(row.at.minute // 10)
    return row.group


def for_tuning(row: Row) -> bool:
    """One group in eight of what trains is kept from the encoder: how both readers count is learnt there."""
    return not held_back(row) and part("tuning" + row.set + event(row), 8) == 0
