"""A world of numbered posts on this machine: a stream, a Mastodon server and two papers, each behind a wire that
breaks. It knows what it published, when, and what it has forgotten; that is the truth the service is held to.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from html import escape
from random import Random
from typing import NamedTuple

from config.benches.posts import made_up
from tests.doubles.feeds import Feed, Publisher, publishing, rss
from tests.doubles.jetstream import Jetstream, serving
from tests.doubles.mastodon import FIRST_ID, Instance, running_instance
from tests.doubles.wire import FAULTS, Wire, wired

WINDOW = 400  # entries a paper shows
OVERFLOWS = 4
ECHO_BACK = 20  # how far back an event may be told once more
FORGOTTEN = 40  # posts of the stream that are forgotten at a time
SHARES = {"stream": 0.76, "social": 0.14, "paper-0": 0.05, "paper-1": 0.05}
POLLED = ("social", "paper-0", "paper-1")
WRITER = "at://did:plc:writer/app.bsky.feed.post/"

SOURCE = """
[[source]]
name = "{name}"
kind = "{kind}"
url = "{url}"
{more}every = "1s"
grade = "E"
basis = "a double on this machine"
"""


class Published(NamedTuple):
    """One numbered post, by the mark its source gives it: its sequence, its id, its place in the paper."""

    number: int
    mark: int
    at: datetime


@dataclass
class Windowed(Feed):
    """A feed that shows its latest entries only, every tenth of them twice."""

    @property
    def body(self) -> bytes:
        shown = self.items[:WINDOW]
        return rss("".join(each * (1 + (place % 10 == 9)) for place, each in enumerate(shown)))


@dataclass
class World:
    stream: Jetstream
    social: Instance
    papers: dict[str, Publisher]
    wires: dict[str, Wire]
    dice: Random
    texts: list[str]
    published: dict[str, list[Published]] = field(default_factory=lambda: {name: [] for name in SHARES})
    counts: Counter[str] = field(default_factory=Counter)
    echoed: set[int] = field(default_factory=set)  # of the stream, told once more and out of order
    next: int = 0

    @property
    def sources(self) -> str:
        """As sources.toml says it."""
        stream, social = self.wires["stream"].authority, self.wires["social"].authority
        said = [
            SOURCE.format(name="stream", kind="jetstream", url=f"ws://{stream}", more=""),
            SOURCE.format(name="social", kind="mastodon", url=f"http://{social}", more='tag = "london"\n'),
        ]
        for name in self.papers:
            url = f"http://{self.wires[name].authority}/feeds/news"
            said.append(SOURCE.format(name=name, kind="feed", url=url, more=""))
        return "".join(said)

    @property
    def allowed(self) -> str:
        return ",".join(wire.authority for wire in self.wires.values())

    def begin(self) -> None:
        """A first word everywhere: what a source said before it was heard for the first time is nobody's loss.
        Every fault is planned once.
        """
        for place, fault in enumerate(FAULTS):
            self.wires[POLLED[place % len(POLLED)]].plan.append(fault)
        for name in SHARES:
            self.publish_in(name)

    def publish(self, count: int) -> None:
        """The next posts, each somewhere, with noise among them."""
        last = min(self.next + count, len(self.texts))
        while self.next < last:
            name = self.dice.choices(list(SHARES), list(SHARES.values()))[0]
            self.publish_in(name)
            if self.dice.random() < 0.1:
                self.disturb(name)

    def publish_in(self, name: str) -> None:
        """The next post, in one place."""
        number, now = self.next, datetime.now(UTC)
        self.next += 1
        said = self.published[name]
        if name == "stream":
            self.stream.post(self.texts[number], f"3l{number:07}", at=now, createdAt=stamp(now))
            mark = self.stream.first_seq + len(self.stream.events) - 1
        elif name == "social":
            made = self.social.post(
                self.texts[number], uri=f"https://social.example/numbered/{number}", created_at=stamp(now)
            )
            mark = int(made["id"])
        else:
            feed = self.papers[name].feeds["made"]
            text = escape(self.texts[number])
            feed.publish(text[:60], link=f"https://{name}.example/{number}", at=now, text=text)
            mark, now = len(feed.items), now.replace(microsecond=0)
        said.append(Published(number, mark, now))

    def disturb(self, name: str) -> None:
        """Something that is not to be stored: not ours, hidden, malformed, or said before."""
        now = datetime.now(UTC)
        kind = self.dice.choice(("not ours", "malformed", "again"))
        if name == "stream":
            if kind == "not ours":
                self.stream.post("Lovely weather for the allotment", f"3m{self.next:07}", at=now)
            elif kind == "malformed":
                body = {"did": "did:plc:x", "collection": "app.bsky.feed.post", "operation": "create"}
                self.stream.tell("commit", body, at=now)
            else:
                self._tell_again()
        elif name == "social":
            if kind == "not ours":
                self.social.post("Police, for friends only", visibility="unlisted", created_at=stamp(now))
            elif kind == "malformed":
                self.social.post("Police", language=5, created_at=stamp(now))
            else:
                again = self.dice.choice(self.social.statuses[-ECHO_BACK:])
                number = str(FIRST_ID + len(self.social.statuses) * 1_000)
                self.social.statuses.append({**again, "id": number})
        else:
            return  # every tenth entry is listed twice anyhow
        self.counts[f"{name}: {kind}"] += 1

    def _tell_again(self) -> None:
        """An old event of the stream comes once more, out of its order."""
        with self.stream.more:
            old = self.dice.choice(self.stream.events[-ECHO_BACK:])
            self.stream.events.append(replace(old))
            if (key := str(old.body.get("rkey"))).startswith("3l"):
                self.echoed.add(int(key.removeprefix("3l")))
            self.stream.more.notify_all()

    def forget(self) -> None:
        """The stream goes on while nobody hears it, and its server forgets most of that."""
        for _ in range(min(FORGOTTEN, len(self.texts) - self.next)):
            self.publish_in("stream")
        self.stream.floor_seq = self.published["stream"][-5].mark
        self.counts["windows of the stream passed"] += 1

    def overflow(self, name: str) -> None:
        """A paper publishes more at once than it shows; not too often, for its readers' sake."""
        if self.counts["windows of a paper passed"] == OVERFLOWS:
            return
        wanting = max(WINDOW + 30 - (len(self.texts) - self.next), 0)
        self.texts += [f"{each} once more" for each in self.texts[:wanting]]
        feeds = self.papers[name].feeds
        feeds["news"] = replace(feeds["made"], items=[*feeds["made"].items])  # as it was, until all is there
        for _ in range(WINDOW + 30):
            self.publish_in(name)
        feeds["news"] = feeds["made"]
        self.counts["windows of a paper passed"] += 1

    def hurt(self) -> None:
        """The next request somewhere goes wrong, or the stream drops."""
        if self.dice.random() < 0.2:
            self.wires["stream"].drop()
            return
        wire = self.wires[self.dice.choice(list(self.wires))]
        if len(wire.plan) < 3:
            wire.plan.append(self.dice.choice(FAULTS))

    def calm(self) -> None:
        """The rest, and one last word everywhere. What is planned for those that are asked still goes wrong."""
        self.wires["stream"].plan.clear()
        self.publish(len(self.texts))
        for name in SHARES:
            self.texts.append(self.texts[-1] + " last words")
            self.publish_in(name)

    @property
    def fired(self) -> Counter[str]:
        """The faults that happened on the wires."""
        return sum((wire.fired for wire in self.wires.values()), Counter())

    def reached(self, marks: dict[str, int]) -> bool:
        """Whether the cursors stand at the end of all that was said, and all has gone wrong that was to."""
        return not any(wire.plan for wire in self.wires.values()) and all(
            marks.get(name, 0) >= said[-1].mark for name, said in self.published.items()
        )

    def up_to(self, name: str, mark: int) -> list[int]:
        """The numbers a source had published when it gave this mark."""
        said = self.published[name]
        return [each.number for each in said[: bisect_right(said, mark, key=lambda each: each.mark)]]


@contextmanager
def made_world(posts: int, seed: int) -> Iterator[World]:
    """A world with so many posts to publish; the same for the same seed, but for the hour."""
    texts = [item.text for item in made_up(posts, now=datetime.now(UTC), seed=seed)]
    with ExitStack() as stack:
        stream = stack.enter_context(serving(Jetstream(speaks=(2,))))
        social = stack.enter_context(running_instance())
        papers = {name: stack.enter_context(publishing()) for name in ("paper-0", "paper-1")}
        for paper in papers.values():
            paper.feeds["news"] = paper.feeds["made"] = Windowed()
        ports = {"stream": stream.port, "social": social.port} | {
            name: paper.port for name, paper in papers.items()
        }
        wires = {name: stack.enter_context(wired(port)) for name, port in ports.items()}
        yield World(stream, social, papers, wires, Random(seed), texts)


def stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def number_of(external_id: str) -> int:
    """The number of a stored post, by its id at its source."""
    return int(
        external_id.rpartition("3l")[2] if external_id.startswith(WRITER) else external_id.rpartition("/")[2]
    )
