"""`bench firehose`: a made-up network through the real listener into a real database.

Three ways: catching up from memory to the last commit, the same over a local WebSocket, and live at a given rate,
where the time from an event to the commit that holds it is measured. The reference is the plain stack, in the same
run: json.loads, one regular expression of the same words, spaCy's tokenizer one post at a time for what it finds,
session.add, and a commit for every hundred rows.
"""

import json
import re
import tempfile
import time
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import spacy
from sqlalchemy import Engine
from sqlmodel import Session

from collector.months import make_months
from collector.records import Post
from config.benches.goals import Goal, at_least, at_most, report
from config.benches.listening import Listened, Memory, listened
from config.benches.network import HELD, Network, Server, frames
from config.database import open_database
from config.settings import Settings

REFERENCE_EVENTS = 20_000
COMMIT_EVERY = 100
POOL = 10  # connections, as each part of the service has
PLAIN = "json.loads, re, spaCy one by one, session.add"


def run(
    settings: Settings, *, events: int = HELD, live: int = 2_000, seconds: int = 20, **_other: Any
) -> dict[str, Any]:
    """Rates from the first event to the last commit, what they cost, memory, and how late live events were committed.

    Of more than 400,000 events only so many come from memory, and the WebSocket's server makes the others as it sends
    them: such a run shows whether our memory stays as it is, and not how fast they could come.
    """
    past = datetime.now(UTC) - timedelta(hours=1)
    remembered = Network(min(events, HELD), 0, past, seed=1)
    with tempfile.TemporaryDirectory(prefix="goldenhour-bench-") as folder:
        own = settings.model_copy(
            update={"data": Path(folder) / "var", "database_url": None, "secret_file": None}
        )
        with open_database(own, pool=POOL) as engine:
            with Session(engine) as session:
                make_months(session, now=datetime.now(UTC))
                session.commit()
            made = list(frames(remembered))
            plain = plain_rate(made[:REFERENCE_EVENTS], own, engine)
            memory = listened(own, engine, "memory", len(made), memory=Memory(made))
            del made
            with Server(Network(events, 0, past, seed=2)) as server:
                socket = listened(own, engine, "socket", events, port=server.port)
            paced = None
            if live:
                with Server(Network(live * seconds, live, past, seed=3)) as server:
                    paced = listened(own, engine, "live", live * seconds, port=server.port)
    per_cpu_s = remembered.events / memory.cpu_s
    ratio = round(per_cpu_s / plain, 1)
    rates = {"memory": round(remembered.events / memory.took_s), "socket": round(events / socket.took_s)}
    return report(
        "firehose",
        [
            at_least("catch-up from memory", 250_000, round(per_cpu_s), "events/s per core"),
            at_least("catch-up from memory, by the clock", 250_000, rates["memory"], "events/s"),
            at_least("the same to the plain stack", 15, ratio, "times", reference=PLAIN, ratio=ratio),
            *_of_socket(events, rates["socket"], socket),
            *(_of_live(live, paced) if paced else []),
        ],
        events=events,
        memory_per_s=rates["memory"],
        memory_per_cpu_s=round(per_cpu_s),
        events_per_s=rates["socket"],
        events_per_cpu_s=round(events / socket.cpu_s),
        grew_mb=round(socket.grew_mb, 1),
        **socket.counts,
        **_figures(live, paced),
        reference=PLAIN,
        reference_events_per_cpu_s=round(plain),
        ratio=ratio,
    )


def _of_socket(events: int, rate: int, heard: Listened) -> list[Goal]:
    if events <= HELD:
        return [at_least("over a local WebSocket", 100_000, rate, "events/s")]
    return [at_most("memory grown since the first tenth", 16, round(heard.grew_mb, 1), "MB")]


def _of_live(live: int, heard: Listened) -> list[Goal]:
    return [
        at_most(
            f"a core's share live at {live:,}/s", 0.15, round(heard.cpu_s / heard.took_s, 3), "of a core"
        ),
        at_most("from the source to the commit, p99", 150, heard.late(0.99), "ms"),
    ]


def _figures(live: int, heard: Listened | None) -> dict[str, Any]:
    if heard is None:
        return {}
    return {
        "live_per_s": live,
        "live_cpu_share": round(heard.cpu_s / heard.took_s, 3),
        "live_stored": heard.counts["stored"],
        "p50_ms": heard.late(0.5),
        "p99_ms": heard.late(0.99),
    }


def plain_rate(made: Sequence[bytes], settings: Settings, engine: Engine) -> float:
    """Events a CPU-second of the plain stack."""
    words: set[str] = set()
    for path in settings.files("lexicons/prefilter*.toml"):
        for rule in tomllib.loads(path.read_text(encoding="utf-8")).get("rule", []):
            words.update(re.escape(word.strip("*")) for word in rule["words"])
    ours = re.compile(rf"\b(?:{'|'.join(sorted(words, key=len, reverse=True))})\b", re.IGNORECASE)
    nlp = spacy.blank("en")
    began_s = time.process_time()
    with Session(engine) as session:
        for number, frame in enumerate(made):
            payload = json.loads(frame)["payload"]
            said = payload.get("record", {}).get("text")
            if said and ours.search(said):
                nlp(said)
                session.add(_row(payload, said, frame))
            if number % COMMIT_EVERY == 0:
                session.commit()
        session.commit()
    return len(made) / (time.process_time() - began_s)


def _row(payload: dict[str, Any], said: str, frame: bytes) -> Post:
    return Post(
        id=uuid4(),
        collected_at=datetime.now(UTC),
        source="plain",
        platform="bluesky",
        external_id=f"at://{payload['did']}/{payload['collection']}/{payload['rkey']}",
        text=said,
        published_at=datetime.fromisoformat(payload["time"]),
        payload=frame,
        payload_sha256=sha256(frame).digest(),
        let_in_by="plain",
    )
