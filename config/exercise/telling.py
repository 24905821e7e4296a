"""What a script says, told: every post with its minute, the same for the same seed."""

from collections.abc import Iterator
from datetime import datetime
from math import sqrt
from random import Random
from typing import NamedTuple

from collector.batch import Attachment, Item
from config.exercise.script import Family, Phase, Script, ScriptError, Single, slots_in

PLATFORMS = {"bluesky": 5, "mastodon": 3, "reddit": 2, "youtube": 1}
TRIES = 60
TAGS = ("truth", "london", "share", "wakeup", "justice")


class Told(NamedTuple):
    """One post. `quotes` is the number of the post it quotes; `about` and `rumour` are the truth, for the score."""

    number: int
    at_s: float
    text: str
    family: str
    about: str
    rumour: str
    platform: str
    author: str
    clip_s: float | None
    quotes: int | None


def tell(script: Script, *, seed: int, size: float = 1.0) -> list[Told]:
    """All posts in the order of time. `size` below 1 tells as much less of each family. No two say the same.

    Raises ScriptError when a family has too few wordings.
    """
    dice = Random(f"{script.name}/{seed}")  # noqa: S311  made-up posts
    drafts: list[tuple[float, Family | Single]] = [*_planned(script, size, dice), *_singles(script)]
    drafts.sort(key=lambda each: each[0])
    writer = _Writer(script, dice)
    return [writer.write(number, at_s, what) for number, (at_s, what) in enumerate(drafts)]


def item_of(told: Told, run: str, published_at: datetime) -> Item:
    """A post as a source brings it, with its moment by the exercise's clock."""
    from_url = f"https://posts.example/{run}/{told.number}"
    media: tuple[Attachment, ...] = ()
    if told.clip_s is not None:
        media = (Attachment(kind="video", url=f"{from_url}/clip", duration_s=told.clip_s),)
    return Item(
        external_id=f"{run}/{told.number}",
        platform=told.platform,
        text=told.text,
        payload=told.text.encode(),
        url=from_url,
        published_at=published_at,
        author=told.author,
        lang="en",
        quote_of=f"https://posts.example/{run}/{told.quotes}" if told.quotes is not None else None,
        media=media,
    )


def _planned(script: Script, size: float, dice: Random) -> Iterator[tuple[float, Family]]:
    for phase in script.phase:
        for name, count in phase.posts.items():
            family = script.family_of(name)
            for _ in range(max(1, round(count * size))):
                yield _moment(phase, dice), family


def _singles(script: Script) -> Iterator[tuple[float, Single]]:
    for each in script.single:
        yield each.at * 60.0, each


def _moment(phase: Phase, dice: Random) -> float:
    lot = dice.random()
    share = {"even": lot, "rising": sqrt(lot), "falling": 1 - sqrt(1 - lot)}[phase.shape]
    return 60.0 * (phase.begins + share * (phase.ends - phase.begins))


class _Writer:
    """Words for one post after the other, none of them twice."""

    def __init__(self, script: Script, dice: Random) -> None:
        self.script, self.dice = script, dice
        self.written: set[str] = set()
        self.of_family: dict[str, list[int]] = {}

    def write(self, number: int, at_s: float, what: Family | Single) -> Told:
        if isinstance(what, Single):
            self.written.add(what.text)
            return Told(
                number, at_s, what.text, "single", what.about, what.rumour, what.platform,
                f"{what.platform}-desk", what.clip_s, None,
            )  # fmt: skip
        earlier = self.of_family.setdefault(what.name, [])
        text = self._worded(what)
        quoted = self.of_family.get(what.quotes, [])
        quotes = self.dice.choice(quoted) if quoted and self.dice.random() < what.share else None
        earlier.append(number)
        platform = self.dice.choices(list(PLATFORMS), list(PLATFORMS.values()))[0]
        account = f"{what.name}-{self.dice.randrange(what.accounts or 1_000_000)}"
        return Told(
            number, at_s, text, what.name, what.about, what.rumour, platform, account, what.clip_s, quotes
        )

    def _worded(self, family: Family) -> str:
        for _ in range(TRIES):
            said = self._filled(self.dice.choice(family.texts), family)
            if self.dice.random() < family.copied:
                said += f" #{self.dice.choice(TAGS)}{self.dice.randrange(10_000)}"
            elif family.dressed:
                said = self._dressed(said)
            if said not in self.written:
                self.written.add(said)
                return said
        raise ScriptError(
            f"exercise {self.script.name}, family {family.name}: too few different wordings; "
            "write more texts, or more words for its slots"
        )

    def _filled(self, text: str, family: Family) -> str:
        known = {**self.script.slots, **family.slots}
        chosen = {slot: self.dice.choice(known[slot]) for slot in slots_in(text)}
        return text.format_map(chosen)

    def _dressed(self, said: str) -> str:
        said, how = said[0].upper() + said[1:], self.dice.random()
        if how < 0.12:
            said = said.lower()
        elif how < 0.16:
            said = said.upper()
        elif how < 0.26:
            said = said.rstrip(".")
        return f"{self.dice.choice(self.script.before)}{said}{self.dice.choice(self.script.after)}"
