"""People at the desk, as a benchmark sees them: they read, search and act over HTTP, and each answer is timed."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import islice
from random import Random
from typing import Any, NamedTuple

import httpx

QUEUES = (
    "/queue", "/queue?view=waiting", "/queue?severity=1&severity=2", "/queue?desk=comms&sort=newest", "/queue?page=40",
    "/queue?view=unclaimed&bcu=AS",
)  # fmt: skip
WORDS = ("made-up street", "17 street", "southwark force", "Rye Lane", "nothing like it", "GH-777", "AS")
ACTS = ("claim", "acknowledge", "watch", "undo", "release")
TIMEOUT_S = 60.0


class Seen(NamedTuple):
    """What the readers saw: milliseconds by kind of page, and answers that were errors, by status."""

    took_ms: dict[str, list[float]]
    errors: Counter[str]

    def p95(self, kind: str) -> float:
        """The time within which 95 of 100 answers came; endless when there was none."""
        took = sorted(self.took_ms.get(kind, ()))
        return round(took[min(int(len(took) * 0.95), len(took) - 1)], 1) if took else float("inf")


class Officer:
    """One signed-in person. `ask` times an answer; one that is not what a person expects is an error."""

    def __init__(self, base: str, cookie: str, seen: Seen) -> None:
        self.client = httpx.Client(base_url=base, cookies={"goldenhour": cookie}, timeout=TIMEOUT_S)
        self.seen = seen
        self.token: str = self.client.get("/api/v1/me").json()["csrf_token"]

    def ask(self, kind: str, method: str, path: str, **given: Any) -> int:
        """The status of the answer; 0 when none came."""
        began_s = time.perf_counter()
        headers = {"X-CSRF-Token": self.token, "HX-Request": "true"} if method == "POST" else {}
        try:
            status = self.client.request(method, path, headers=headers, **given).status_code
        except httpx.HTTPError:
            status = 0
        self.seen.took_ms[kind].append((time.perf_counter() - began_s) * 1000)
        if status not in (200, 303, 409):
            self.seen.errors[f"{kind} {status}"] += 1
        return status


def read(
    base: str,
    cookies: Sequence[str],
    *,
    cases: int,
    seconds: float,
    think_s: float,
    most: int = 1_000_000,
    seed: int = 1,
) -> Seen:
    """Everybody reads for that long or that many pages, with a pause of that length in the mean between two."""
    seen = Seen(defaultdict(list), Counter())
    ends_s = time.monotonic() + seconds

    def shift(at: int, officer: Officer) -> None:
        asked = _asked(Random(seed + at), at, len(cookies), cases)
        pauses = Random(f"{seed} {at}")  # everybody pauses in their own time, also before the first page
        time.sleep(min(pauses.expovariate(1 / think_s), seconds) if think_s else 0)
        for kind, method, path, given in islice(asked, most):
            officer.ask(kind, method, path, **given)
            pause_s = pauses.expovariate(1 / think_s) if think_s else 0.0
            if time.monotonic() + pause_s >= ends_s:
                return  # nobody asks once more when all end, or all would ask at once
            time.sleep(pause_s)

    _together(base, cookies, seen, shift)
    return seen


def _asked(dice: Random, at: int, readers: int, cases: int) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """What one person asks for, page after page: mostly the queue and cases, some searches, acts on cases of their
    own, so that nobody else is in their way."""
    acts = 0
    while True:
        kind = dice.choices(("queue", "case", "search", "action"), (8, 7, 2, 3))[0]
        if kind == "queue":
            yield kind, "GET", dice.choice(QUEUES), {}
        elif kind == "case":
            yield kind, "GET", f"/cases/{dice.randrange(1, cases + 1)}", {}
        elif kind == "search":
            yield kind, "GET", "/search", {"params": {"q": dice.choice(WORDS)}}
        else:
            number = (10 * (at + readers * (acts // len(ACTS))) + 5) % cases  # an open one, see desk_scene.py
            form = {"desk": "comms", "to": "/queue"}
            yield kind, "POST", f"/cases/{number}/{ACTS[acts % len(ACTS)]}", {"data": form}
            acts += 1


def _together(base: str, cookies: Sequence[str], seen: Seen, each: Callable[[int, "Officer"], None]) -> None:
    """Everybody signed in, then all at once, one thread a person."""
    with ExitStack() as opened:
        officers = [Officer(base, cookie, seen) for cookie in cookies]
        for officer in officers:
            opened.enter_context(closing(officer.client))
        threads = [threading.Thread(target=each, args=pair) for pair in enumerate(officers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


class Storm(NamedTuple):
    """What came of many people who grab the same cases: who got each, who was told they acknowledged it, and errors."""

    claimed: dict[int, list[int]]
    acknowledged: dict[int, list[int]]
    errors: Counter[str]


def storm(
    base: str, cookies: Sequence[str], numbers: Sequence[int], *, tries: int = 40, seed: int = 1
) -> Storm:
    """Everybody claims and acknowledges cases at once, each in an order of their own: so many each, from a start of
    their own, that every case is wanted by several."""
    seen = Seen(defaultdict(list), Counter())
    claimed: dict[int, list[int]] = defaultdict(list)
    acknowledged: dict[int, list[int]] = defaultdict(list)
    ready = threading.Barrier(len(cookies))

    def grab(at: int, officer: Officer) -> None:
        start = at * len(numbers) // len(cookies)
        mine = [numbers[(start + step) % len(numbers)] for step in range(min(tries, len(numbers)))]
        Random(seed + at).shuffle(mine)
        ready.wait()
        for number in mine:
            if officer.ask("claim", "POST", f"/api/v1/cases/{number}/claim") == 200:
                claimed[number].append(at)
            path = f"/api/v1/cases/{number}/acknowledge"
            if officer.ask("acknowledge", "POST", path, json={"desk": "comms"}) == 200:
                acknowledged[number].append(at)

    _together(base, cookies, seen, grab)
    return Storm(claimed, acknowledged, seen.errors)
