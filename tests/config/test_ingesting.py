"""`goldenhour ingest` as people run it: from a pipe, killed half-way, run again."""

import json
import os
import signal
import subprocess
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from collector.batch import Batch, Item
from collector.recording import Recorder
from config.supervise import goldenhour
from tests.collector.test_collect import KEY, Police
from tests.conftest import NOON


def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("GOLDENHOUR_")}
    return {
        **known,
        "GOLDENHOUR_DATABASE_URL": database_url,
        "GOLDENHOUR_DATA": str(tmp_path / "var"),
        "OMP_NUM_THREADS": "1",
    }


def rows(count: int) -> bytes:
    made = (
        {
            "id": number,
            "title": f"Police stop a man on the high street, {number}"
            if number % 3 == 0
            else "Bread wins prize",
            "description": "It was raining.",
            "outlet": "herald",
            "published": "2026-07-14 11:00:00+00:00",
        }
        for number in range(count)
    )
    return b"".join(json.dumps(row).encode() + b"\n" for row in made)


def ingested(env: dict[str, str], body: bytes, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [*goldenhour("ingest"), "-", "--no-work", *arguments],
        input=body,
        capture_output=True,
        env=env,
        check=False,
    )


def counts(run: "subprocess.CompletedProcess[bytes]") -> Any:
    assert run.returncode == 0, run.stderr.decode()
    return json.loads(run.stdout)


def test_a_run_killed_half_way_and_run_again_takes_each_post_once(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    env, body = environment(database_url, tmp_path), rows(30_000)
    first = subprocess.Popen(
        [*goldenhour("ingest"), "-", "--no-work"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=env,
    )
    assert first.stdin is not None
    first.stdin.write(body[: len(body) // 2])
    first.stdin.flush()
    until = time.monotonic() + 60
    stored = 0
    while stored < 2_000:
        assert time.monotonic() < until, "nothing was stored"
        with engine.connect() as connection:
            stored = connection.execute(text("SELECT count(*) FROM posts")).scalar_one()
    first.send_signal(signal.SIGKILL)
    first.wait()
    first.stdin.close()
    again = counts(ingested(env, body, "--json"))
    assert again["already"] > 0
    assert again["seen"] == 30_000 == again["already"] + again["stored"] + again["known"] + again["dropped"]
    with engine.connect() as connection:
        total, distinct, jobs = connection.execute(
            text(
                "SELECT count(*), count(DISTINCT external_id), (SELECT sum(jsonb_array_length(args->'posts'))"
                " FROM procrastinate_jobs WHERE task_name = 'assess') FROM posts"
            )
        ).one()
    assert total == distinct == jobs == 10_000
    third = counts(ingested(env, body, "--json"))
    assert (third["already"], third["stored"], third["waiting"]) == (30_000, 0, 10_000)


def test_what_is_malformed_is_named_and_the_rest_is_taken(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    env = environment(database_url, tmp_path)
    run = ingested(env, rows(3) + b'{"id": \n' * 25 + rows(3))
    assert run.returncode == 0
    said = run.stderr.decode()
    assert "stdin, line 4: left out: not JSON" in said
    assert "5 more malformed items" in said
    assert (
        "seen             31 = 1 stored + 1 known + 4 dropped by the prefilter + 25 malformed"
        in run.stdout.decode()
    )


def test_what_cannot_be_read_at_all_is_said_in_one_line(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    env = environment(database_url, tmp_path)
    run = ingested(env, b"neither this\nnor that\n")
    assert run.returncode == 1
    assert run.stderr.decode().startswith(
        "goldenhour: stdin: the format is not recognised; name it with --format"
    )
    assert ingested(env, b"", "--format", "xml").returncode == 2


def test_a_replay_walks_the_whole_way_while_it_plays(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    recorder = Recorder(tmp_path / "r", Police(), KEY)
    words = "Police officers tasered a man on Mare Street, Hackney"
    for number, minutes in enumerate(
        (0, 60)
    ):  # the second comes an hour later: the first must not wait for it
        item = Item(external_id=str(number), platform="feed", text=words, payload=b"{}", published_at=NOON)
        recorder.keep("herald", Batch(items=[item]), NOON + timedelta(minutes=minutes))
    recorder.close()
    env = environment(database_url, tmp_path) | {"GOLDENHOUR_WORKERS": "1"}
    playing = subprocess.Popen(
        [*goldenhour("ingest"), "--replay", str(tmp_path / "r")], stderr=subprocess.PIPE, env=env
    )
    until, routed = time.monotonic() + 120, 0
    while not routed:
        assert time.monotonic() < until, "nothing was routed"
        assert playing.poll() is None
        with engine.connect() as connection:
            routed = connection.execute(text("SELECT count(*) FROM routings")).scalar_one()
        time.sleep(0.1)
    playing.send_signal(signal.SIGINT)
    assert playing.wait(30) != 0
    assert playing.stderr is not None
    playing.stderr.close()
