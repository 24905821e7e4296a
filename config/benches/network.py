"""A made-up network: events as Jetstream version 2 tells them, from a process of its own, over a real WebSocket.

Most are likes and follows, one in seven is a post, about one event in a hundred speaks of police.
"""

import base64
import hashlib
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from random import Random
from typing import NamedTuple

from config.benches.posts import AREAS, INCIDENTS, NOTHING, PLACES, TAILS, WHEN, WHO

POSTS, DELETES, ACCOUNTS, CANDIDATES = 0.13, 0.01, 0.002, 0.01
HELD = 400_000  # events that are made before the first is sent; beyond, each is made when its turn comes
A_WRITE = 131_072  # bytes: many frames in one write, as a busy server does
ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3

TALK = (
    "Anyone else watching the cricket {when}? {number} for 4 already, {tail}",
    "Made a loaf of sourdough {when} and it came out flat again. Attempt {number}. {tail}",
    "My cat has decided that box number {number} is her home now, {tail}",
    "Listening to that album for the {number}th time {when}, {tail} 🎶",
    "Finally finished the book everyone keeps on about, all {number} chapters, {tail}",
    "New sketch of a heron, about {number} minutes of work {when}. Prints soon, {tail}",
    "Is it just me or is the coffee at {place} worse than it used to be? £{number} for that, {tail}",
    "Good morning to everyone but the person who invented meetings before {number}, {tail} ☕",
    "日本の朝ごはんはおいしい {number}",
    "Hoje o café estava ótimo, já são {number} xícaras, é isso",
)


class Network(NamedTuple):
    """How many events, at how many a second (0: as fast as they are taken), and from which moment on."""

    events: int
    rate: int
    start: datetime
    seed: int = 7


def frames(network: Network) -> Iterator[bytes]:
    """The payloads of all frames, in order; the same for the same network."""
    dice = Random(network.seed)
    for number in range(1, network.events + 1):
        at = network.start + timedelta(microseconds=500 * number)
        yield _event(dice, number, at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


def _event(dice: Random, seq: int, time_said: str) -> bytes:
    did = f"did:plc:{dice.getrandbits(120):024x}"
    kind = dice.random()
    head = f'"seq":{seq},"did":"{did}","time":"{time_said}"'
    if kind < ACCOUNTS:
        account = f'"account":{{"active":true,"did":"{did}","seq":{seq},"time":"{time_said}"}}'
        return message("account", f"{head},{account}")
    head += f',"rev":"3l{seq:011x}"'
    key = f'"rkey":"3l{seq:011x}"'
    if kind < ACCOUNTS + DELETES:
        return message("commit", f'{head},"operation":"delete","collection":"app.bsky.feed.post",{key}')
    cid = f'"cid":"bafyrei{dice.getrandbits(256):052x}"'
    if kind < ACCOUNTS + DELETES + POSTS:
        record = _post(dice, time_said)
        body = f'"operation":"create","collection":"app.bsky.feed.post",{key},"record":{record},{cid}'
        return message("commit", f"{head},{body}")
    collection = dice.choice(("app.bsky.feed.like", "app.bsky.feed.repost", "app.bsky.graph.follow"))
    subject = (
        f'{{"cid":"bafyrei{dice.getrandbits(256):052x}","uri":"at://{did}/app.bsky.feed.post/3l{seq:011x}"}}'
    )
    record = f'{{"$type":"{collection}","createdAt":"{time_said}","subject":{subject}}}'
    body = f'"operation":"create","collection":"{collection}",{key},"record":{record},{cid}'
    return message("commit", f"{head},{body}")


def _post(dice: Random, time_said: str) -> str:
    ours = dice.random() < CANDIDATES / POSTS
    shapes = (*INCIDENTS, *NOTHING) if ours else TALK
    text = dice.choice(shapes).format(
        number=dice.randrange(2, 90),
        place=dice.choice(PLACES),
        area=dice.choice(AREAS),
        who=dice.choice(WHO),
        when=dice.choice(WHEN),
        tail=dice.choice(TAILS),
    )
    reply = ""
    if dice.random() < 0.4:
        parent = (
            f'{{"cid":"bafyrei{dice.getrandbits(256):052x}","uri":"at://did:plc:a/app.bsky.feed.post/3lb"}}'
        )
        reply = f'"reply":{{"parent":{parent},"root":{parent}}},'
    embed = ""
    if dice.random() < 0.2:
        link = f'{{"$link":"bafkrei{dice.getrandbits(256):052x}"}}'
        blob = f'{{"$type":"blob","ref":{link},"mimeType":"image/jpeg","size":9}}'
        embed = f'"embed":{{"$type":"app.bsky.embed.images","images":[{{"alt":"a view","image":{blob}}}]}},'
    said = f'"createdAt":"{time_said}",{embed}"langs":["en"],{reply}"text":"{text}"'
    return f'{{"$type":"app.bsky.feed.post",{said}}}'


def message(kind: str, payload: str) -> bytes:
    inner = f'"$type":"network.bsky.jetstream.subscribeEvents#{kind}",{payload}'
    return f'{{"$type":"message","payload":{{{inner}}}}}'.encode()


class Server:
    """The network in a process of its own. `port` is where it is; leaving ends it."""

    def __init__(self, network: Network) -> None:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        self._said = ours
        self._process = context.Process(target=_serve, args=(network, theirs), daemon=True)

    def __enter__(self) -> "Server":
        self._process.start()
        self.port = int(self._said.recv())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()


def _serve(network: Network, said: Connection) -> None:
    made: Iterable[bytes] = map(framed, frames(network))
    if network.events <= HELD and not network.rate:
        made = list(made)
    with socket.create_server(("127.0.0.1", 0)) as server:
        said.send(server.getsockname()[1])
        while True:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                shake_hands(connection)
                if network.rate:
                    _send_paced(connection, network)
                else:
                    _send_all(connection, made)
                connection.recv(1)  # until the client hangs up


def shake_hands(connection: socket.socket) -> bool:
    """Open the WebSocket; False for a request that asks for none, which gets 404."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(4_096)
    lines = [line.partition(b": ") for line in request.split(b"\r\n")]
    key = next((value for name, _, value in lines if name.lower() == b"sec-websocket-key"), None)
    if key is None:
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        return False
    accept = base64.b64encode(hashlib.sha1(key + ACCEPT, usedforsecurity=False).digest())
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    return True


def _send_all(connection: socket.socket, made: Iterable[bytes]) -> None:
    write = bytearray()
    for frame in made:
        write += frame
        if len(write) >= A_WRITE:
            connection.sendall(write)
            write.clear()
    connection.sendall(write)


def _send_paced(connection: socket.socket, network: Network) -> None:
    """Each event at its moment, dated with the moment it is sent."""
    dice = Random(network.seed)
    began_s = time.monotonic()
    for number in range(1, network.events + 1):
        early_s = began_s + number / network.rate - time.monotonic()
        if early_s > 0.0005:
            time.sleep(early_s)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        connection.sendall(framed(_event(dice, number, now)))


def framed(payload: bytes) -> bytes:
    """One unmasked text frame, as servers send (RFC 6455, 5.2)."""
    size = len(payload)
    head = struct.pack(">BB", 0x81, size) if size < 126 else struct.pack(">BBH", 0x81, 126, size)
    return head + payload
