"""A feed: numbered posts, so many a second, each batch in one transaction with a line of the log that says how far.

`python -m tests.faults.feed DATA RATE`; it goes on where the database says the last one stopped.
"""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from collector.batch import Batch, CursorPosition, Item
from collector.collect import collect
from config.database import DatabaseError, connect
from config.settings import Settings
from triage.log import Line, note

SOURCE = "fed"
EVERY_S = 0.1
UPTO = text("SELECT coalesce(max(CAST(position AS integer)), 0) FROM cursors WHERE source = 'fed'")


class Everything:
    """A prefilter that lets all in."""

    @property
    def sample(self) -> int:
        return 0

    def lets_in(self, texts: Sequence[str]) -> list[str | None]:
        return ["police"] * len(texts)


def item(number: int) -> Item:
    said = f"Post {number}: police stopped somebody on a road, and the writer had a look"
    return Item(
        external_id=str(number),
        platform="bench",
        text=said,
        payload=said.encode() * 5,
        published_at=datetime.now(UTC),
        author=f"writer-{number % 97}",
    )


def feed(engine: Engine, settings: Settings, batch: int) -> None:
    """One batch, its cursor, its jobs, its line of the log: all or nothing."""
    with Session(engine) as session:
        upto = session.execute(UPTO).scalar_one()
        numbers = range(upto + 1, upto + batch + 1)
        found = Batch(
            items=[item(each) for each in numbers], cursor=CursorPosition(position=str(numbers[-1]))
        )
        now = datetime.now(UTC)
        collect(session, SOURCE, found, Everything(), author_key=settings.key("authors"), now=now)
        note(session, [Line("fed", None, None, {"upto": numbers[-1]})], who="feed", now=now)
        session.commit()


def main() -> None:
    settings, rate = Settings(data=Path(sys.argv[1])), int(sys.argv[2])
    while True:
        try:
            engine = connect(settings, pool=1)
            due_s = time.monotonic()
            while True:
                feed(engine, settings, round(rate * EVERY_S))
                due_s += EVERY_S
                time.sleep(max(0.0, due_s - time.monotonic()))
        except (DBAPIError, DatabaseError):
            time.sleep(0.2)


if __name__ == "__main__":
    main()
