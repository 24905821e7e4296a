"""Rounds: every channel in which something is to be said is worked through, turn after turn, beside the others.

A channel that does not answer is left to its thread and holds up no other, nor does a kind with all its addresses, as
when Slack is away: each kind has threads of its own. One sender goes rounds for alerts, another for notifications.
"""

import time
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta

LOOK_EVERY_S = 0.2  # for channels in which something became due meanwhile
NAP_S = 0.1  # at a channel that rests or is held by another
OF_A_KIND = 5
AT_ONCE = 6 * OF_A_KIND  # there are six kinds


class Rounds:
    """`look` gives the channels with something due before a moment; `step` takes a channel's next turn, if there is
    one, to its end, and says whether there was."""

    def __init__(
        self,
        look: Callable[[datetime], Collection[str]],
        step: Callable[[str], bool],
        *,
        clock: Callable[[], datetime],
        name: str,
        nap_s: float = NAP_S,
    ) -> None:
        self._look, self._step, self._clock, self._nap_s = look, step, clock, nap_s
        self._threads = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix=name)
        self._at_work: dict[str, Future[int]] = {}

    def go(self, *, for_s: float) -> int:
        """Work for at most `for_s` seconds, or until nothing is due within them; how many turns were taken."""
        until, ends_s = self._clock() + timedelta(seconds=for_s), time.monotonic() + for_s
        turns = 0
        while (left_s := ends_s - time.monotonic()) > 0:
            for channel in self._look(until):
                if channel not in self._at_work and self._has_room(channel):
                    self._at_work[channel] = self._threads.submit(self._work, channel, until)
            if not self._at_work:
                break
            wait(self._at_work.values(), timeout=min(LOOK_EVERY_S, left_s))
            ended = [name for name, each in self._at_work.items() if each.done()]
            turns += sum(self._at_work.pop(name).result() for name in ended)
        return turns

    def close(self) -> None:
        """Let calls that are under way end, and take no more."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _has_room(self, channel: str) -> bool:
        kinds = [each.partition(":")[0] for each in self._at_work]
        return kinds.count(channel.partition(":")[0]) < OF_A_KIND

    def _work(self, channel: str, until: datetime) -> int:
        """A channel's turns, until nothing in it is due before the end of the round."""
        turns = 0
        while self._clock() < until:
            if self._step(channel):
                turns += 1
            elif channel not in self._look(until):
                break
            else:
                time.sleep(self._nap_s)
        return turns
