"""An exercise as its page knows it: what the players were told, what was said in Slack, the score. Plain values."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple


class Told(NamedTuple):
    """Something that was said to the players, in the minute of the exercise."""

    minute: int
    sender: str
    title: str
    text: str
    facts: tuple[tuple[str, str], ...] = ()


class Said(NamedTuple):
    """A message as the mock Slack shows it."""

    at: datetime
    channel: str
    text: str
    edits: int
    in_thread: bool


class Marked(NamedTuple):
    """One thing that was scored. `points` is None where there was nothing to do."""

    name: str
    expected: str
    happened: str
    points: int | None
    because: str


class Noted(NamedTuple):
    who: str
    words: str


class Earlier(NamedTuple):
    """A run of the same exercise before this one."""

    played_at: datetime
    points: int
    who: str
    seed: int


class Standing(NamedTuple):
    """How the exercise stands now. `points` is None until it is over."""

    begun: bool
    over: bool
    minute: int
    posts: int
    told: tuple[Told, ...] = ()
    said: tuple[Said, ...] = ()
    points: int | None = None
    marks: tuple[Marked, ...] = ()
    notes: tuple[Noted, ...] = ()
    earlier: tuple[Earlier, ...] = ()


class Exercise(NamedTuple):
    """The exercise that is played on this desk. `rate` is how many seconds of it pass in one on the wall, now."""

    title: str
    brief: str
    minutes: int
    standing: Callable[[], Standing]
    rate: Callable[[], float]
    begin: Callable[[], None]
    keep_note: Callable[[str, str], None]
