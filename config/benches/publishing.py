"""A made-up network that publishes posts at their moments, dated with them, over a real WebSocket: chatter in which
police are spoken of, incidents at a steady beat, and a flood about one of them."""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count, product
from multiprocessing import get_context
from multiprocessing.connection import Connection
from random import Random
from typing import NamedTuple

from config.benches.flooding import copy
from config.benches.network import framed, message, shake_hands
from config.benches.posts import AREAS, PLACES
from config.benches.stream import tell

SHAPES = (
    "Police officer tasered a man on {place} in {area} just now, he fell onto the kerb and is not moving",
    "Officers on {place}, {area} have a woman in a headlock, she keeps saying she cannot breathe",
    "Police car chasing a moped hit a cyclist on {place} in {area}, ambulance is here",
    "Two police officers punched a boy in handcuffs on {place} in {area}, everyone saw it",
    "Police dog bit a man who was lying down on {place} in {area}, blood all over the pavement",
)
OPENS_WITHIN_S = 60.0


class Stretch(NamedTuple):
    """For so many seconds: chatter and copies of one report at so many a second, and an incident every so often."""

    seconds: float
    chatter: int
    copies: int = 0
    incident_every: float = 0.0


class Said(NamedTuple):
    """One post: when it is due, counted from the start, its key and its words."""

    at_s: float
    key: str
    text: str


class Publisher:
    """The network in a process of its own. `port` is where it is; leaving ends it."""

    def __init__(self, stretches: list[Stretch], seed: int) -> None:
        context = get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(stretches, seed, theirs), daemon=True)

    def __enter__(self) -> "Publisher":
        self._process.start()
        self.port = int(self._ours.recv())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    def begin(self) -> float:
        """Publish from now on, to whoever listens."""
        self._ours.send("begin")
        return time.time()

    def ended(self, within_s: float) -> int:
        """How many posts were published, once all are; 0 when they were not within the time."""
        return int(self._ours.recv()) if self._ours.poll(within_s) else 0


def posts(stretches: list[Stretch], seed: int) -> Iterator[Said]:
    """All posts in the order of their moments, the same for the same seed. Keys of incidents begin with "inc"."""
    dice = Random(seed)
    talk = (text for text, ours in tell(dice) if not ours)
    incidents = _incidents(dice)
    number, began_s = count(), 0.0
    for stretch in stretches:
        due = [
            *(("chat", at / stretch.chatter) for at in range(round(stretch.seconds * stretch.chatter))),
            *(("copy", at / stretch.copies) for at in range(round(stretch.seconds * stretch.copies))),
        ]
        if stretch.incident_every:
            beats = int(stretch.seconds / stretch.incident_every)
            due += [("inc", (at + 0.5) * stretch.incident_every) for at in range(beats)]
        for kind, at_s in sorted(due, key=lambda each: each[1]):
            text = copy(dice) if kind == "copy" else next(incidents if kind == "inc" else talk)
            yield Said(began_s + at_s, f"{kind}{next(number):07d}", text)
        began_s += stretch.seconds


def _incidents(dice: Random) -> Iterator[str]:
    """Each in another place, and of another kind than the one before."""
    spots = list(product(PLACES, AREAS))
    dice.shuffle(spots)
    for nth in count():
        place, area = spots[nth % len(spots)]
        yield SHAPES[nth % len(SHAPES)].format(place=place, area=area)


def _serve(stretches: list[Stretch], seed: int, told: Connection) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        told.send(server.getsockname()[1])
        waiting = posts(stretches, seed)
        began_s, sent = 0.0, 0
        post = next(waiting, None)
        while post is not None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                if not shake_hands(connection):
                    continue
                if not began_s:
                    told.recv()
                    began_s = time.time()
                while post is not None:
                    time.sleep(max(0.0, began_s + post.at_s - time.time()))
                    connection.sendall(framed(_event(sent + 1, post)))
                    sent, post = sent + 1, next(waiting, None)
                told.send(sent)
                connection.recv(1)  # until the client hangs up


def _event(seq: int, post: Said) -> bytes:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    did = f"did:plc:{Random(post.key).getrandbits(120):024x}"
    text = post.text.replace("\\", "").replace('"', "'")
    record = f'{{"$type":"app.bsky.feed.post","createdAt":"{now}","langs":["en"],"text":"{text}"}}'
    head = f'"seq":{seq},"did":"{did}","time":"{now}","rev":"3l{seq:011x}","operation":"create"'
    key = f'"collection":"app.bsky.feed.post","rkey":"{post.key}","record":{record}'
    return message("commit", f'{head},{key},"cid":"bafyrei{seq:052x}"')
