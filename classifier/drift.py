"""Drift: how the scores and the words of a day differ from those the model was taken into use with.

Of a day of one version are counted: histograms of its probabilities, the share it would raise, the lengths of the
texts, their languages, and in a random part of them the words never met when the table of rare words was made. The
population stability index (PSI) compares each with the reference; from it is taken what chance alone would show in
so many posts. Under `WATCH` is calm, from `ALARM` on someone must look; the two marks are the usual ones of credit
scoring (Siddiqi 2006, "Credit Risk Scorecards").
"""

import math
import zlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlmodel import Session, col, select

from classifier.fingerprint import fingerprint
from classifier.learning_records import ScoreDay, ScoreReference
from classifier.rarity import SLOTS, Rarity

LONDON = ZoneInfo("Europe/London")
WATCH, ALARM = 0.1, 0.25
FEWEST = 200  # posts that a day must have to be judged
REFERENCE = 500  # posts that a reference is made from, at least
FIRST_DAYS = 7  # of a version's days that its reference is made from, at most
LOOK_BACK = timedelta(days=14)  # what a version said in the shadow
WORDED = 1_000  # texts whose words are counted
EDGES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9)
LENGTHS = (40, 80, 140, 200, 280, 400, 800, 2_000)
SCORES = ("incident_any", "incident", "severity", "claim", "unverified")
LABELS = ("first_hand", "has_video", "official_police_post")
RAISED = 0.5
UNSEEN = "words never met"
IN_WORDS = {
    "incident": "force, stops, deaths and pursuits",
    "incident_any": "any encounter",
    "raised": "share likely an encounter",
    "length": "length of texts",
    "language": "languages",
}

Numbers = dict[str, dict[str, int]]


class State(StrEnum):
    CALM = "calm"
    WATCH = "watch"
    ALARM = "alarm"


class Shift(NamedTuple):
    """How far one measure is from the reference."""

    measure: str
    psi: float
    state: State

    @property
    def said(self) -> str:
        """The measure in words."""
        return IN_WORDS.get(self.measure, self.measure.replace("_", " "))


class Judged(NamedTuple):
    """One day of a version, the gravest shift first; no shifts when it had too few posts or nothing to be compared
    with."""

    day: date
    model: str
    posts: int
    shifts: list[Shift]

    @property
    def state(self) -> State | None:
        return self.shifts[0].state if self.shifts else None


def count_day(session: Session, model: str, day: date, rarity: Rarity) -> ScoreDay | None:
    """Count a day of a version anew; None when it assessed nothing that was collected then. The caller commits."""
    since, until = (datetime.combine(each, time(), LONDON) for each in (day, day + timedelta(days=1)))
    numbers, posts = _count(session, "assessments", model, rarity, since, until)
    if not posts:
        return None
    row = session.get(ScoreDay, (day, model)) or ScoreDay(day=day, model=model, posts=posts)
    row.posts, row.numbers = posts, numbers
    session.add(row)
    session.flush()
    return row


def keep_reference(session: Session, model: str, rarity: Rarity, *, now: datetime) -> bool:
    """Keep what the days of a version are compared with, unless it is kept: from its time in the shadow, else from
    its first days. Whether there is one now. The caller commits."""
    if session.get(ScoreReference, model) is not None:
        return True
    numbers, posts = _count(session, "shadow_assessments", model, rarity, now - LOOK_BACK, now)
    if posts < REFERENCE:
        numbers, posts = _first_days(session, model)
    if posts < REFERENCE:
        return False
    session.add(ScoreReference(model=model, kept_at=now, posts=posts, numbers=numbers))
    session.flush()
    return True


def judge(session: Session, *, days: int) -> list[Judged]:
    """The last so many days that were counted, the newest first."""
    found = session.exec(
        select(ScoreDay).order_by(col(ScoreDay.day).desc(), col(ScoreDay.posts).desc()).limit(days)
    ).all()
    references = {each: session.get(ScoreReference, each) for each in {row.model for row in found}}
    return [Judged(row.day, row.model, row.posts, _shifts(row, references[row.model])) for row in found]


def psi(now: Mapping[str, int], before: Mapping[str, int]) -> float:
    """The population stability index of two histograms, less what chance shows; 0 when nothing differs."""
    here, there = sum(now.values()), sum(before.values())
    if not here or not there:
        return 0.0
    kinds = sorted(now.keys() | before.keys())
    found = 0.0
    for kind in kinds:
        share, was = (
            (each.get(kind, 0) + 0.5) / (whole + 0.5 * len(kinds))
            for each, whole in ((now, here), (before, there))
        )
        found += (share - was) * math.log(share / was)
    return max(0.0, found - (len(kinds) - 1) * (1 / here + 1 / there))


def state_of(index: float) -> State:
    return State.ALARM if index >= ALARM else State.WATCH if index >= WATCH else State.CALM


def _shifts(row: ScoreDay, reference: ScoreReference | None) -> list[Shift]:
    if reference is None or row.posts < FEWEST:
        return []
    found = [
        (measure, psi(row.numbers.get(measure, {}), before)) for measure, before in reference.numbers.items()
    ]
    found.sort(key=lambda each: -each[1])
    return [Shift(measure, round(index, 3), state_of(index)) for measure, index in found]


def _first_days(session: Session, model: str) -> tuple[Numbers, int]:
    rows = session.exec(
        select(ScoreDay).where(ScoreDay.model == model).order_by(col(ScoreDay.day)).limit(FIRST_DAYS)
    ).all()
    whole: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for measure, counts in row.numbers.items():
            whole[measure].update(counts)
    return {measure: dict(counts) for measure, counts in whole.items()}, sum(row.posts for row in rows)


def _count(
    session: Session, table: str, model: str, rarity: Rarity, since: datetime, until: datetime
) -> tuple[Numbers, int]:
    """The numbers of what a version said of posts collected in a stretch of time, and of how many posts."""
    values = {"model": model, "since": since, "until": until}
    numbers: Numbers = defaultdict(dict)
    for row in session.execute(text(_counting(table)), values):
        numbers[row.measure][row.kind] = int(row.posts)
    posts = sum(numbers.get("incident_any", {}).values())
    if posts:
        texts = session.scalars(text(_SOME_TEXTS.format(table=table)), values | {"most": WORDED}).all()
        numbers[UNSEEN] = _words(texts, rarity)
    return dict(numbers), posts


def _words(texts: Sequence[str], rarity: Rarity) -> dict[str, int]:
    """How many words of these texts the table of rare words knows, and does not know."""
    known = unseen = 0
    for each in texts:
        terms = [term for term in fingerprint(each).terms if " " not in term]
        new = sum(not rarity.counts[zlib.crc32(term.encode()) % SLOTS] for term in terms)
        known, unseen = known + len(terms) - new, unseen + new
    return {"known": known, "unseen": unseen}


_OF = """
    FROM posts AS p JOIN {table} AS a ON a.post_id = p.id AND a.model = :model
    WHERE p.collected_at >= :since AND p.collected_at < :until AND p.withdrawn_at IS NULL
"""
_SOME_TEXTS = f"SELECT p.text {_OF} ORDER BY random() LIMIT :most"  # all parts are ours


def _counting(table: str) -> str:
    """One statement over one scan: a row per measure and kind."""
    edges, lengths = (f"ARRAY[{', '.join(map(str, each))}]" for each in (EDGES, LENGTHS))
    measures = {name: f"width_bucket(CAST(a.{name} AS numeric), {edges})" for name in SCORES}
    measures |= {
        name: f"width_bucket(coalesce(CAST(a.labels ->> '{name}' AS numeric), 0), {edges})" for name in LABELS
    }
    measures |= {
        "raised": f"CAST(a.incident_any >= {RAISED} AS int)",
        "length": f"width_bucket(char_length(p.text), {lengths})",
        "language": "coalesce(nullif(split_part(lower(p.lang), '-', 1), ''), 'und')",
    }
    columns = ", ".join(f"{each} AS {name}" for name, each in measures.items())
    counted = " UNION ALL ".join(
        f"SELECT '{name}' AS measure, CAST({name} AS text) AS kind, count(*) AS posts FROM scored GROUP BY {name}"  # noqa: S608
        for name in measures
    )
    return f"WITH scored AS MATERIALIZED (SELECT {columns} {_OF.format(table=table)}) {counted}"
