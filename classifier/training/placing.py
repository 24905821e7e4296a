"""Measuring places: the names found in posts, and the borough of a place in London."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from classifier.evaluate import interval
from classifier.gazetteer import Place
from classifier.model import Model
from classifier.training.splits import LONDON, part

Span = tuple[int, int]
ROUNDS = 400


class Post(NamedTuple):
    """A post with the places people marked in it."""

    text: str
    spans: list[Span]
    borough: str = ""


def measure_places(model: Model, data: Path) -> dict[str, Any]:
    """London posts held back, which name one place each; and posts from anywhere, in which any place is marked.

    Of the latter only names that the gazetteer holds can be found, so recall is also told of those alone.
    """
    report: dict[str, Any] = {}
    model.read_twice(0.0)  # places do not hang on the encoder
    for name, posts in (("london", list(_london(data))), ("anywhere", list(_anywhere(data)))):
        if posts:
            found = [each.places for each in model.assess([post.text for post in posts])]
            report[name] = figures(posts, found)
            if name == "anywhere":
                report[name] |= _known(model, posts, found)
    model.read_twice(1.0)
    return report


def figures(posts: Sequence[Post], found: Sequence[Sequence[Place]]) -> dict[str, Any]:
    """Spans that are the same, spans that overlap, and boroughs, with intervals of posts drawn again."""
    table = np.array([_counts(post, said) for post, said in zip(posts, found, strict=True)], dtype=np.int64)
    chance = np.random.default_rng(0)
    drawn = [table[chance.integers(0, len(table), len(table))].sum(0) for _ in range(ROUNDS)]
    gold, said, same, overlap, right = table.sum(0).tolist()
    report = {"posts": len(posts), "named": gold, "found": said}
    for name, column, hits in (("exact", 2, same), ("overlap", 3, overlap)):
        scores = [2 * each[column] / max(1, each[0] + each[1]) for each in drawn]
        report |= {
            f"{name}_f1": round(2 * hits / max(1, gold + said), 4),
            f"{name}_f1_interval": tuple(round(float(at), 4) for at in np.quantile(scores, [0.025, 0.975])),
            f"{name}_precision": round(hits / max(1, said), 4),
            f"{name}_recall": round(hits / max(1, gold), 4),
        }
    if known := [bool(row[4]) for row, post in zip(table, posts, strict=True) if post.borough]:
        report |= {"boroughs": len(known), "borough_right": round(right / len(known), 4)}
        report["borough_right_interval"] = interval(known)
    return report


def _counts(post: Post, found: Sequence[Place]) -> tuple[int, ...]:
    """Named, found, found exactly, found at least in part, and whether the likeliest borough is the right one."""
    spans = {(each.start, each.end) for each in found}
    touched = sum(any(_meet(gold, span) for span in spans) for gold in post.spans)
    likeliest = max((each for each in found if each.borough), key=lambda each: each.p, default=None)
    right = bool(post.borough and likeliest and likeliest.borough == post.borough)
    return len(post.spans), len(spans), len(spans & set(post.spans)), touched, int(right)


def _meet(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _known(model: Model, posts: Sequence[Post], found: Sequence[Sequence[Place]]) -> dict[str, Any]:
    """How many of the marked names that the gazetteer holds are found."""
    hits = [
        any(_meet(span, (each.start, each.end)) for each in said)
        for post, said in zip(posts, found, strict=True)
        for span in post.spans
        if model.gazetteer.holds(post.text[slice(*span)])
    ]
    right = round(float(np.mean(hits)), 4) if hits else None
    return {"held": len(hits), "held_recall": right, "held_recall_interval": interval(hits)}


def _london(data: Path) -> Iterator[Post]:
    """The posts of London that nothing was learnt from: the same that `splits.held_back` keeps."""
    for path in sorted((data / "london").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            group = str(row.get("contrast") or row.get("story") or row.get("pair") or row["id"])
            if path.stem in LONDON and part(path.stem + group, 5) == 0:
                at = row["text"].find(row["place"]) if row["place"] else -1
                spans = [(at, at + len(row["place"]))] if at >= 0 else []
                yield Post(row["text"], spans, (row["borough"] or "") if spans else "")


def _anywhere(data: Path) -> Iterator[Post]:
    """Words and their marks, one a line, a blank line after each post."""
    for path in (data / "location" / "btc.dev", data / "location" / "btc.train"):
        if path.exists():
            for block in path.read_text(encoding="utf-8").split("\n\n"):
                if rows := [line.rsplit("\t", 1) for line in block.splitlines() if "\t" in line]:
                    yield _marked(rows)


def _marked(rows: Sequence[Sequence[str]]) -> Post:
    text, spans = "", []
    for word, mark in rows:
        start = len(text)
        text += word + " "
        if mark == "B-LOC":
            spans.append((start, start + len(word)))
        elif mark == "I-LOC" and spans:
            spans[-1] = (spans[-1][0], start + len(word))
    return Post(text, spans)
