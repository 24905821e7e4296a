"""Several machines on one database: one leads, another takes over in time, and nothing is done twice."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, create_engine

from collector.records import Grade, SourceRow
from tests.databases import Databases
from tests.doubles.interface import Asked, Interface, Said, running_interface
from tests.doubles.jetstream import Jetstream, serving
from tests.doubles.wire import Wire, wired
from tests.faults.machines import Machine
from tests.faults.service import wait_until

pytestmark = pytest.mark.faults

PROMISED = timedelta(seconds=10)
TEXT = "Police on top of a man outside the station, number {}"
EVERY_S = 1


class Fetches:
    """A feed that counts how it is fetched: when, and how many at a time."""

    def __init__(self, interface: Interface) -> None:
        self.at_s: list[float] = []
        self.now = self.most = 0
        self.guard = threading.Lock()
        interface.answers["/feed"] = self.answer

    def answer(self, _asked: Asked) -> Said:
        with self.guard:
            self.at_s.append(time.monotonic())
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.2)  # so that a second fetch of the same moment would overlap
        with self.guard:
            self.now -= 1
        return Said(b"<rss version='2.0'><channel><title>quiet</title></channel></rss>")

    def go_on(self) -> None:
        """Wait for the next fetch."""
        before = len(self.at_s)
        wait_until(lambda: len(self.at_s) > before, 20)

    @property
    def shortest_s(self) -> float:
        return min(later - earlier for earlier, later in pairwise(self.at_s))


class Site:
    """Two machines that could lead, each on a wire of its own to the database; one that works; a feed, a stream."""

    def __init__(
        self, engine: Engine, stream: Jetstream, fetches: Fetches, wires: dict[Machine, Wire]
    ) -> None:
        self.engine, self.stream, self.fetches, self.wires = engine, stream, fetches, wires
        self.leader, self.standby = wires
        self.published = 0

    def begin(self) -> None:
        self.leader.start()
        wait_until(lambda: bool(self.leader.said("leading")) and self.stream.open_now == 1, 60)
        self.bring_back(self.standby)

    def bring_back(self, machine: Machine) -> None:
        """Start a machine again, as its keeper would, until it stands by."""
        stood = len(machine.said("standing by"))
        if machine.ended:
            machine.start()
        wait_until(lambda: len(machine.said("standing by")) > stood, 60)

    @contextmanager
    def taking_over(self) -> Iterator[None]:
        """What is done in the block must make the other machine lead and hear the stream within the promise."""
        opened, led, began = len(self.stream.opened), len(self.standby.said("leading")), datetime.now(UTC)
        yield
        wait_until(lambda: len(self.standby.said("leading")) > led, 30)
        wait_until(lambda: len(self.stream.opened) > opened, 30)
        heard = datetime.now(UTC) - began
        print(f"led after {self.standby.said('leading')[-1] - began}, heard after {heard}")
        assert self.standby.said("leading")[-1] - began < PROMISED
        assert heard < PROMISED
        self.leader, self.standby = self.standby, self.leader

    def publish(self, count: int = 20) -> None:
        for _ in range(count):
            self.published += 1
            self.stream.post(TEXT.format(self.published), f"3l{self.published:06}", at=datetime.now(UTC))

    def stand(self) -> None:
        """All goes on: one hears the stream, the feed is fetched; each post came once, none was missed."""
        self.publish()
        wait_until(lambda: self.count("SELECT count(*) FROM posts") == self.published, 20)
        wait_until(lambda: self.stream.open_now == 1, 20)
        self.fetches.go_on()
        self.fetches.go_on()
        assert self.count("SELECT sum(stored) FROM tallies") == self.published
        # who opens the stream is told the last event once more; who acts without leading would bring many
        assert self.count("SELECT sum(known) FROM tallies") < len(self.stream.opened)
        assert self.count("SELECT count(*) FROM gaps") == 0
        assert self.fetches.most == 1
        assert self.fetches.shortest_s > 0.95 * EVERY_S

    def led(self) -> int:
        """How often any machine has begun to lead."""
        return sum(len(each.said("leading")) for each in self.wires)

    def count(self, asked: str) -> int:
        with self.engine.connect() as connection:
            return int(connection.execute(text(asked)).scalar_one())


@pytest.fixture(scope="module")
def site(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        url = stack.enter_context(databases.one())
        stream = stack.enter_context(serving(Jetstream(speaks=(2,))))
        interface = stack.enter_context(running_interface())
        engine = create_engine(url)
        stack.callback(engine.dispose)
        watch(engine, stream.url, f"{interface.url}/feed")
        allow = f"127.0.0.1:{stream.port},{interface.authority}"
        wires: dict[Machine, Wire] = {}
        for name in ("one", "other"):
            wire = stack.enter_context(wired(int(url.rpartition(":")[2].partition("/")[0])))
            theirs = url.replace(f":{wire.behind}/", f":{wire.port}/")
            machine = Machine(folder / name, theirs, "schedule", allow=allow)
            stack.callback(machine.end)
            wires[machine] = wire
        worker = Machine(folder / "worker", url, "work", "--queue", "collect", allow=allow)
        stack.callback(worker.end)
        worker.start()
        made = Site(engine, stream, Fetches(interface), wires)
        made.begin()
        yield made


def watch(engine: Engine, stream: str, feed: str) -> None:
    """What both machines have in their sources.toml."""
    now = datetime.now(UTC)
    with Session(engine) as session:
        for name, kind, url in (("stream", "jetstream", stream), ("paper", "feed", feed)):
            session.add(
                SourceRow(
                    name=name,
                    kind=kind,
                    url=url,
                    every_s=EVERY_S,
                    grade=Grade.E,
                    basis="a double",
                    due_at=now,
                )
            )
        session.commit()


def test_when_the_leader_is_killed_the_other_takes_over(site: Site) -> None:
    site.stand()
    with site.taking_over():
        site.leader.kill()
        site.publish()
    site.stand()
    site.bring_back(site.standby)


def test_a_frozen_leader_is_passed_over_and_does_nothing_when_it_thaws(site: Site) -> None:
    frozen = site.leader
    with site.taking_over():
        frozen.signal(signal.SIGSTOP)
        site.publish()  # stands in the frozen machine's connection, to be found when it thaws
    wait_until(lambda: site.count("SELECT count(*) FROM posts") == site.published, 20)
    done = len(frozen.said("no longer leading"))
    frozen.signal(signal.SIGCONT)
    wait_until(lambda: len(frozen.said("no longer leading")) > done, 20)
    site.stand()


def test_a_leader_whose_wire_is_cut_is_passed_over_and_stands_down(site: Site) -> None:
    cut_off, wire = site.leader, site.wires[site.leader]
    done = len(cut_off.said("no longer leading"))
    with site.taking_over():
        wire.freeze()
        site.publish()
    wait_until(lambda: len(cut_off.said("no longer leading")) > done, 20)
    wait_until(lambda: site.stream.open_now == 1, 20)
    wire.thaw()
    site.stand()
    if cut_off.ended:  # what hung on the wire could not be ended in time
        site.bring_back(cut_off)


def test_a_leader_whose_connections_break_leads_again_or_another_does(site: Site) -> None:
    wire, led = site.wires[site.leader], site.led()
    wire.drop()
    wait_until(lambda: site.led() > led, 20)
    assert wire.fired["dropped"] >= 2
    site.stand()
