"""A training step: which labels of people a model may learn from, and which of them it is measured on.

Where people disagree about a post, it takes two who agree, and more of them than of the others. No person gives
more than a fifth of a step; a person's labels beyond that wait. Cases whose labels are newest are held back.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from classifier.records import IncidentType
from classifier.training.sets import ANY, Row, incident_truth
from classifier.training.splits import NEWEST_FEEDBACK
from triage.arrivals import text_of
from triage.learning_records import Label, Says

SHARE = 0.2  # of a step, at most, from one person
HELD_BACK = 0.2  # of the cases, the newest
TRAINS, NEWEST = "feedback", NEWEST_FEEDBACK
NOTHING = (Says.NOISE, Says.OPINION, Says.RIGHTLY_DROPPED)
FEWEST_PEOPLE = round(1 / SHARE)

_TEXTS = text(
    "SELECT id, title, text FROM posts WHERE id = ANY(:ids) AND withdrawn_at IS NULL AND text <> ''"
)


class Lesson(NamedTuple):
    """What is learnt of one post. `by` is the person who said it first."""

    post_id: UUID
    group: UUID
    incident: bool
    type: IncidentType | None
    opinion: bool
    by: bytes
    at: datetime


class Step(NamedTuple):
    """The lessons of one step. What is left out is counted: `disputed` posts by id, posts whose words are `gone`,
    labels that say nothing of an incident, and lessons beyond one person's share (`waiting`).
    """

    lessons: list[Lesson]
    newest: list[Lesson]
    disputed: list[UUID]
    gone: int
    silent: int
    waiting: int
    people: int


def step(session: Session) -> Step:
    """The labels of now as lessons."""
    asked = select(Label).where(col(Label.taken_back_at).is_(None)).order_by(col(Label.seq))
    labels = session.exec(asked).all()
    by_post: dict[UUID, list[Label]] = defaultdict(list)
    for label in labels:
        if stance(label) is not None:
            by_post[label.post_id].append(label)
    learnt = {post: agreed(said) for post, said in by_post.items()}
    found = [each for each in learnt.values() if each is not None]
    there = _there(session, [each.post_id for each in found])
    kept = [each for each in found if each.post_id in there]
    fair = fairly(kept)
    trains, newest = apart(fair)
    return Step(
        trains,
        newest,
        disputed=sorted(post for post, each in learnt.items() if each is None),
        gone=len(found) - len(kept),
        silent=sum(stance(label) is None for label in labels),
        waiting=len(kept) - len(fair),
        people=len({each.by for each in kept}),
    )


def rows(session: Session, made: Step) -> list[Row]:
    """The lessons with the words of their posts, read now; for training on this machine, never to be written out."""
    texts = _there(session, [each.post_id for each in (*made.lessons, *made.newest)])
    return [
        _row(each, texts[each.post_id], name)
        for name, lessons in ((TRAINS, made.lessons), (NEWEST, made.newest))
        for each in lessons
        if each.post_id in texts
    ]


def stance(label: Label) -> bool | None:
    """Whether a label says that the post reports an encounter; None when it does not say."""
    if label.says in NOTHING:
        return False
    if label.says == Says.NOT_OURS:
        return None
    if label.type is not None:
        return str(label.type) in ANY
    return True


def agreed(labels: Sequence[Label]) -> Lesson | None:
    """What people agree on about one post; None while they do not. Of each person the last word counts."""
    last: dict[bytes, Label] = {label.person_key: label for label in labels}
    said = Counter(bool(stance(label)) for label in last.values())
    if len(said) > 1 and (max(said.values()) < 2 or said[True] == said[False]):
        return None
    incident = said.most_common(1)[0][0]
    winning = [label for label in last.values() if bool(stance(label)) == incident]
    kinds = [label.type for label in winning if label.type is not None]
    if len(set(kinds)) > 1:
        most = Counter(kinds).most_common(2)
        kinds = [most[0][0]] if most[0][1] > max(1, most[1][1]) else []
    return Lesson(
        labels[0].post_id,
        winning[0].case_id or labels[0].post_id,
        incident,
        IncidentType(kinds[0]) if kinds else None,
        all(label.says == Says.OPINION for label in winning),
        winning[0].person_key,
        max(label.at for label in winning),
    )


def fairly(lessons: Sequence[Lesson]) -> list[Lesson]:
    """As many lessons as leave nobody more than a fifth. With fewer than five people that is none."""
    by_person = Counter(each.by for each in lessons)
    most = max(by_person.values(), default=0)
    while most and most > SHARE * sum(min(most, number) for number in by_person.values()):
        most -= 1
    taken: Counter[bytes] = Counter()
    kept = []
    for each in sorted(lessons, key=lambda lesson: lesson.post_id):  # no one's newest or oldest alone
        if taken[each.by] < most:
            taken[each.by] += 1
            kept.append(each)
    return kept


def apart(lessons: Sequence[Lesson]) -> tuple[list[Lesson], list[Lesson]]:
    """Those that train, and those of the newest cases. A case is never in both."""
    begun: dict[UUID, datetime] = {}
    for each in lessons:
        begun[each.group] = min(begun.get(each.group, each.at), each.at)
    groups = sorted(begun, key=lambda group: (begun[group], group))
    held = set(groups[len(groups) - round(HELD_BACK * len(groups)) :])
    return [each for each in lessons if each.group not in held], [
        each for each in lessons if each.group in held
    ]


def as_lines(made: Step) -> Iterable[dict[str, Any]]:
    """The lessons by id, without a word of any post."""
    for name, lessons in ((TRAINS, made.lessons), (NEWEST, made.newest)):
        for each in lessons:
            kind = str(each.type) if each.type else None
            yield {
                "id": str(each.post_id),
                "set": name,
                "group": str(each.group),
                "incident_any": each.incident,
            } | ({"type": kind} if kind else {})


def _there(session: Session, posts: Sequence[UUID]) -> Mapping[UUID, str]:
    found = session.execute(_TEXTS, {"ids": list(posts)})
    return {each.id: text_of(each.title, each.text) for each in found}


def _row(lesson: Lesson, words: str, name: str) -> Row:
    kind = str(lesson.type) if lesson.type else None if lesson.incident else str(IncidentType.NONE)
    truth = incident_truth(kind) if kind else {"incident_any": 1}
    return Row(
        id=str(lesson.post_id),
        set=name,
        text=words,
        type=kind,
        group=str(lesson.group),
        truth=truth | ({"reaction": 1} if lesson.opinion else {}),
        at=lesson.at,
    )
