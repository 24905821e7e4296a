"""A thousand signed clicks, each sent three times in any order: answered every time, and done once."""

import json
import os
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import quote_plus

import pytest
from sqlalchemy import select
from sqlmodel import Session, col

from tests.responders.sending import raise_alerts
from tests.responders.signing import press_of, signed
from tests.responders.test_slack_door import Running, door
from triage.records import Alert, AlertState, Desk, LogEntry

__all__ = ["door"]

SEED = int(os.environ.get("GOLDENHOUR_TEST_SEED", "20261120"))
CLICKS = 1_000


@pytest.mark.faults
def test_a_thousand_clicks_replayed_three_times_are_done_once(door: Running) -> None:
    alerts = raise_alerts(door.engine, CLICKS, at=datetime.now(UTC), desks=[Desk.COMMS])
    requests = []
    for alert in alerts:
        body = b"payload=" + quote_plus(json.dumps(press_of(alert))).encode()
        requests += [(body, signed(body))] * 3
    random.Random(SEED).shuffle(requests)
    with ThreadPoolExecutor(8) as pool:
        statuses = Counter(pool.map(lambda each: door.send(*each), requests))
    assert statuses == {200: CLICKS, 401: 2 * CLICKS}, f"seed {SEED}"
    ours = col(Alert.id).in_([alert.id for alert in alerts])
    with Session(door.engine) as session:
        states = Counter((row.state, row.revision) for row in session.scalars(select(Alert).where(ours)))
        said = session.scalars(select(LogEntry).where(col(LogEntry.what) == "acknowledged")).all()
    assert states == {(AlertState.ACKNOWLEDGED, 2): CLICKS}
    assert len(said) == CLICKS
