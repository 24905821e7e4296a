"""The labelled sets under a folder, as rows of one shape. Texts stay where they are; nothing here copies them."""

import csv
import json
import lzma
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

csv.field_size_limit(1 << 24)

TYPES = {
    "S": "stop_search",
    "F": "use_of_force",
    "D": "death_or_firearms",
    "P": "pursuit_collision",
    "A": "arrest_detention",
    "E": "other_encounter",
    "K": "officer_harmed",
    "C": "officer_conduct",
    "N": "none",
}
CORE = frozenset({"stop_search", "use_of_force", "death_or_firearms", "pursuit_collision"})
ANY = CORE | {"arrest_detention", "other_encounter", "officer_harmed"}
SNOWFLAKE_EPOCH_MS = 1288834974657  # a post id of X holds its time, in ms after this


class Row(NamedTuple):
    """One labelled text. `truth` holds 0/1 per label that is known of it; `group` never spans two splits."""

    id: str
    set: str
    text: str
    type: str | None
    group: str
    truth: dict[str, int]
    weight: float = 1.0
    strict: bool = True  # False: a comment on an incident, left out of strict scores
    style: str = ""
    at: datetime | None = None
    platform: str = ""
    borough: str = ""
    topic: str = ""


def incident_truth(kind: str) -> dict[str, int]:
    return {"incident": int(kind in CORE), "incident_any": int(kind in ANY)}


def read_sets(folder: Path) -> dict[str, list[Row]]:
    """Every set found under a folder laid out as data/README.md says; a missing file is no set.

    A file is one set: read as its place under such a folder says, or else by its fields.
    """
    if folder.is_file():
        rows = [row for row in _reader_of(folder)(folder) if row.text.strip()]
        return {rows[0].set: rows} if rows else {}
    found: dict[str, list[Row]] = {}
    for pattern, reader in READERS.items():
        for path in sorted(folder.glob(pattern)):
            rows = [row for row in reader(path) if row.text.strip()]
            if rows:
                found.setdefault(rows[0].set, []).extend(rows)
    return found


def _reader_of(path: Path) -> Callable[[Path], Iterator[Row]]:
    for pattern, reader in READERS.items():
        if path.match(pattern):
            return reader
    return _plain


def _plain(path: Path) -> Iterator[Row]:
    """A file of anyone's: CSV or JSON lines with a text (or title and description) and a type, as letter or word."""
    rows: Iterator[dict[str, Any]]
    if path.suffix == ".csv":
        rows = iter(list(_csv(path)))
    else:
        rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    for number, row in enumerate(rows):
        code = str(row.get("code") or row.get("type") or "")
        kind = code if code in TYPES.values() else TYPES.get(code[:1])
        if kind is None:
            raise ValueError(
                f"{path}, row {number + 1}: type is {code!r}; it must be one of {', '.join(TYPES)}"
            )
        text = row.get("text") or " — ".join(filter(None, (row.get("title"), row.get("description"))))
        flags = code[1:] if code not in TYPES.values() else ""
        flags += str(row.get("flags") or "")
        yield Row(
            id=str(row.get("id") or number),
            set=path.stem,
            text=str(text or ""),
            type=kind,
            group=str(row.get("group") or number),
            truth=incident_truth(kind) | {"reaction": int("r" in flags), "followup": int("o" in flags)},
            strict="r" not in flags and str(row.get("reaction") or 0) != "1",
            style=str(row.get("style") or ""),
            platform=str(row.get("platform") or ""),
            borough=str(row.get("borough") or ""),
            topic=str(row.get("topic") or ""),
        )


def _csv(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _labelled(path: Path) -> Iterator[Row]:
    """Posts and news labelled by the guide: `code`, `type`, `reaction` and a text, or a title and description."""
    for row in _csv(path):
        name = row.get("id") or row.get("gold_id") or ""
        text = row.get("text") or " — ".join(filter(None, (row.get("title"), row.get("description"))))
        at = _time(row.get("published") or "") or _snowflake(row.get("tweet_id") or name.lstrip("t"))
        reaction = row.get("reaction") == "1"
        truth = incident_truth(row["type"]) | {
            "reaction": int(reaction),
            "followup": int(row["followup"] or 0),
        }
        truth["news"] = int("news" in path.stem)
        yield Row(
            id=name,
            set=path.stem,
            text=text,
            type=row["type"],
            group=row.get("cluster") or (at.strftime("%Y-%m-%d") if at else name),
            truth=truth,
            strict=not reaction,
            at=at,
        )


def _london(path: Path) -> Iterator[Row]:
    for line in path.read_text(encoding="utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        kind = TYPES[row["type"]]
        noise, misinfo = row.get("noise") or "none", row.get("misinfo") or "none"
        truth = incident_truth(kind) | {
            "reaction": int("r" in row["flags"]),
            "followup": int("o" in row["flags"]),
            "news": 0,
            "first_hand": int(row["first_hand"]),
            "has_video": int(row["has_video"]),
            "urgent": int(row["urgent"]),
            "praise": int(noise == "praise"),
            "complaint_not_force": int(noise == "complaint_not_force"),
            "witness_offer": int(noise == "witness_offer"),
            "official_police_post": int(noise == "official_police_post"),
            "overseas": int(row["force"] == "overseas" or "x" in row["flags"]),
        }
        if row["claims"] is not None:
            truth["claim"] = int(bool(row["claims"]))
            truth["unverified"] = int(misinfo not in ("none", "old_as_new"))
            truth["public_event"] = 0
        yield Row(
            id=row["id"],
            set=path.stem,
            text=row["text"],
            type=kind,
            group=str(row.get("contrast") or row.get("story") or row.get("pair") or row["id"]),
            truth=truth,
            strict="r" not in row["flags"],
            style=row.get("style") or "",
            platform=row.get("platform") or "",
            borough=row.get("borough") or "",
            topic=row.get("topic") or "",
        )


def _official(path: Path) -> Iterator[Row]:
    """Police forces' own posts. Some announce arrests, so nothing is said of incident_any when they may."""
    arrest = re.compile(r"\b(arrest|detain|custody|pursuit|chase|stopped|raid|warrant|seized)", re.IGNORECASE)
    for number, row in enumerate(_csv(path)):
        truth = {"incident": 0, "official_police_post": 1, "news": 0}
        if not arrest.search(row["base_text"]):
            truth["incident_any"] = 0
        yield Row(
            f"o{number}",
            path.stem,
            row["base_text"],
            None,
            f"o{number // 200}",
            truth,
        )


def _ranked(path: Path) -> Iterator[Row]:
    for row in _csv(path):
        rank = int(row["labels"])
        truth = {"incident_any": int(rank >= 2)} if rank != 1 else {}
        if rank in (0, 3, 4, 5):
            truth["incident"] = int(rank >= 3)
        yield Row(f"h{row['id']}", path.stem, row["tweets"], None, f"h{row['id']}", truth, 0.15)


def _linked(path: Path) -> Iterator[Row]:
    """Keyword streams without labels but for a link to a documented protest incident."""
    for row in _csv(path):
        linked = row["linked_from_2020pb"] == "1"
        at = _snowflake(row["ids"])
        truth = {"incident_any": 1, "incident": 1} if linked else {}
        day = at.strftime("%Y-%m-%d") if at else row["ids"]
        yield Row(f"w{row['ids']}", path.stem, row["text"], None, day, truth, 0.3, at=at)


def _described(path: Path) -> Iterator[Row]:
    for row in _csv(path):
        force = row["force_rank"].startswith(("Rank 2", "Rank 3", "Rank 4", "Rank 5"))
        truth = {"incident_any": 1} | ({"incident": 1} if force else {})
        text = " — ".join(filter(None, (row["title"], row["description"][:400])))
        yield Row(f"d{row['case_id']}", path.stem, text, None, f"d{row['city']}", truth, 0.3)


def _sentences(path: Path) -> Iterator[Row]:
    for row in _csv(path):
        killed, force, arrest = (row[name] == "1" for name in ("KILL", "FORCE", "ARREST"))
        truth = {"incident_any": int(killed or force or arrest), "incident": int(killed or force)}
        group = f"i{row['doc_id']}"
        yield Row(f"{group}-{row['sent_id']}", path.stem, row["sent_text"], None, group, truth, 0.15)


def _rumours(path: Path) -> Iterator[Row]:
    """Posts about events in the news. Some lost their links and the signs of accounts and tags: now all do."""
    signs = re.compile(r"https?:\S*|[@#]")
    for row in _csv(path):
        text = " ".join(signs.sub("", row["text"]).split())
        truth = {"rumour": int(row["rumour"]), "public_event": 1}
        yield Row(f"r{row['id']}", path.stem, text, None, row["event"], truth, 0.5)


def _claims(path: Path) -> Iterator[Row]:
    name = "claim"
    for row in _csv(path):
        text, label = row["tweet_text"], int(float(row["class_label"]))
        yield Row(f"c{row['tweet_id']}", path.stem, text, None, text[:40], {name: label}, 0.5)


def _items(path: Path) -> Iterator[Row]:
    """A stream of UK news items; without labels but those of our own readers."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            item = json.loads(line)
            text = " — ".join(filter(None, (item.get("title"), item.get("description"))))
            at = _time(item["published"])
            group = at.strftime("%Y-%m-%d") if at else str(item["id"])
            yield Row(f"n{item['id']}", "uk_news_rss", text, None, group, {}, at=at)


def _everyday(path: Path) -> Iterator[Row]:
    """Everyday posts, one a line; without labels but those of our own readers. An id is task, part and line."""
    part = f"{path.parent.name}{path.name.split('_')[0]}"
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines()):
        yield Row(f"e{part}{number}", "tweeteval", text, None, f"{part}{number // 50}", {})


def _crisis(path: Path) -> Iterator[Row]:
    """Posts during disasters; without labels but those of our own readers."""
    for row in _csv(path):
        number, text = row["Tweet ID"].strip("\"' "), row[" Tweet Text"]
        yield Row(f"k{number}", "crisislex", text, None, path.parent.name, {}, at=_snowflake(number))


def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _snowflake(number: str) -> datetime | None:
    if not number.isdigit() or len(number) < 15:
        return None
    return datetime.fromtimestamp(((int(number) >> 22) + SNOWFLAKE_EPOCH_MS) / 1000, UTC)


READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    "incident/labelled_*.csv": _labelled,
    "incident/police_tweets_*.csv": _labelled,
    "incident/uk_news_incident_*.csv": _labelled,
    "london/*.jsonl": _london,
    "incident/uk_force_official_tweets*.csv": _official,
    "incident/hrf_labs36_*.csv": _ranked,
    "incident/hrf_tweets_weak*.csv": _linked,
    "incident/pb2020_*.csv": _described,
    "incident/india_police_events_sents*.csv": _sentences,
    "rumour/pheme_*.csv": _rumours,
    "rumour/ct22_1B_*.csv": _claims,
    "uk_news_rss_*.jsonl.xz": _items,
    "general/tweeteval/*/*_text.txt": _everyday,
    "general/crisislex/CrisisLexT26/*/*_labeled.csv": _crisis,
}


def without_repeats(rows: Sequence[Row]) -> list[Row]:
    """The first of each text, compared without links, accounts and case."""
    seen: set[str] = set()
    kept = []
    for row in rows:
        key = re.sub(r"https?:\S+|@\w+|\W+", " ", row.text.lower()).strip()
        if key and key not in seen:
            seen.add(key)
            kept.append(row)
    return kept
