"""Recounts the figures of an oversight pack from an exported log, and from nothing else.

    python recount.py LOG.jsonl --since 2026-07-06 --until 2026-07-20 [--as-of 2026-07-18T12:00:00+00:00]

LOG.jsonl is what `goldenhour audit export` wrote. Days are London's, both included. It shares no code with Golden Hour:
each number is counted here by hand from the lines "counted", so that a wrong one in a pack is found.
"""

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

Fields = dict[str, Any]
Lines = list[Fields]

LONDON = ZoneInfo("Europe/London")
OVER = ("noise", "not_ours", "opinion")
CLOCKS = {
    "acknowledged_in_time": ("acknowledge", "chair_told"),
    "first_line_in_time": ("first_line",),
    "updates_in_time": ("next_update",),
    "supervisor_in_time": ("supervisor_account",),
    "referral_decided_in_time": ("referral_decision",),
    "family_contact_in_time": ("family_contact",),
}
CHARTED = (
    "reviewed", "reviewed_concern", "cases_new", "false_alarms", "missed_by_rules", "acknowledged_in_time",
    "first_line_in_time", "supervisor_in_time", "silence", "alerts_in_time",
)  # fmt: skip


def when(written: Any) -> Any:
    return datetime.fromisoformat(written) if written else None


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=LONDON)


def day_of(moment: datetime) -> date:
    return moment.astimezone(LONDON).date()


class Log:
    """What the lines up to a moment say. Of what moves between cases the last word counts, wherever it stands."""

    def __init__(self, lines: Lines, as_of: datetime, entry: int | None = None) -> None:
        self.said: dict[str, dict[Any, tuple[Any, Fields]]] = defaultdict(dict)
        self.printed: list[Fields] = []
        for line in lines:
            if when(line["at"]) > as_of or (entry is not None and line["seq"] > entry):
                continue
            if line["what"] == "figures printed":
                self.printed.append(line["detail"])
            if line["what"] != "counted":
                continue
            for kind, things in line["detail"].items():
                for key, fields in things.items():
                    owner = None if kind in ("line", "claim", "release", "action") else line["case_id"]
                    if fields.get("moved"):
                        self.said[kind].pop((owner, key), None)
                    else:
                        self.said[kind][owner, key] = (line["case_id"], fields)
        self.cases = {
            case: fields for case, fields in self.said["case"].values() if not fields.get("restricted")
        }

    def each(self, kind: str) -> Iterator[tuple[str, Fields, Any]]:
        """Key, fields and the case of everything of a kind that may be counted."""
        for (_, key), (case, fields) in self.said[kind].items():
            if case is None or case in self.cases:
                yield key, fields, case

    def number(self, case: Any) -> int:
        return int(self.cases[case]["number"])


def wilson(n: int, of: int, z: float = 1.959964) -> tuple[float | None, float | None]:
    if not of:
        return None, None
    share = n / of
    middle = share + z * z / (2 * of)
    reach = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    whole = 1 + z * z / of
    return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)


def share(n: int, of: int, interval: bool = False) -> Fields:
    low, high = wilson(n, of) if interval else (None, None)
    return {"n": n, "of": of, "value": n / of if of else None, "low": low, "high": high}


def plainly(n: int) -> Fields:
    return {"n": n, "of": None, "value": n, "low": None, "high": None}


def middle(lengths: list[float], of: int) -> Fields:
    value = median(lengths) if lengths else None
    return {"n": len(lengths), "of": of, "value": value, "low": None, "high": None}


def reviewed(log: Log, since: datetime, until: datetime) -> dict[Any, list[Fields]]:
    """Of each case reviewed in a time: the findings, and whether one of them is of concern."""
    referred = {
        case
        for _, fields, case in log.each("referral")
        if fields["body"] == "iopc" and "superseded" not in fields
    }
    found: dict[Any, list[Fields]] = defaultdict(list)
    for _, fields, case in log.each("finding"):
        if "superseded" not in fields and fields.get("reviewed") and since <= when(fields["meets"]) < until:
            found[case].append({**fields, "concern": bool(fields.get("concern")) or case in referred})
    return found


def opened(log: Log, since: datetime, until: datetime) -> dict[Any, Fields]:
    return {case: each for case, each in log.cases.items() if since <= when(each["opened"]) < until}


def on_time(log: Log, since: datetime, until: datetime, names: tuple[str, ...]) -> Fields:
    n = of = 0
    for name, clock, _ in log.each("clock"):
        due, ended = when(clock["due"]), when(clock.get("stopped") or clock.get("paused"))
        if name in names and not clock.get("void") and since <= due < until:
            of += 1
            n += ended is not None and ended <= due
    return share(n, of)


def paged(log: Log, since: datetime, until: datetime) -> list[float | None]:
    """How long each alert that pages took to arrive, in minutes; None for one that did not."""
    waits: list[float | None] = []
    for _, alert, _ in log.each("alert"):
        if alert["manner"] == "page" and since <= when(alert["raised"]) < until:
            arrived, begun = when(alert.get("delivered")), when(alert.get("told") or alert["raised"])
            waits.append(max((arrived - begun).total_seconds(), 0.0) / 60 if arrived else None)
    return waits


def sampled(log: Log, stage: str, since: datetime, until: datetime) -> Fields:
    days = [
        each for _, each, _ in log.each("sample")
        if each["stage"] == stage and since <= midnight(date.fromisoformat(each["day"])) < until
    ]  # fmt: skip
    return share(sum(each["missed"] for each in days), sum(each["looked_at"] for each in days), interval=True)


def silences(log: Log, since: datetime, until: datetime) -> Fields:
    first: dict[Any, datetime] = {}
    for _, line, case in log.each("line"):
        if "issued" in line:
            first[case] = min(when(line["issued"]), first.get(case, when(line["issued"])))
    due = {case for name, clock, case in log.each("clock") if name == "line_issued" and not clock.get("void")}
    waiting = [case for case in opened(log, since, until) if case in due]
    lengths = [
        (first[case] - when(log.cases[case]["first_seen"])).total_seconds() / 60
        for case in waiting
        if case in first
    ]
    return middle(lengths, len(waiting))


def open_actions(log: Log, until: datetime) -> Iterator[int]:
    today = day_of(until - timedelta(microseconds=1))
    for _, action, _ in log.each("action"):
        closed = when(action.get("closed"))
        standing = when(action["opened"]) < until and (closed is None or closed >= until)
        if standing and not ("completed" in action and when(action["completed"]) < until):
            yield (today - date.fromisoformat(action["due"])).days


def figures(log: Log, since: datetime, until: datetime) -> dict[str, Fields]:
    found = reviewed(log, since, until)
    asked = {
        case: [each["talk"] for each in every if each.get("talk") in ("yes", "no", "unclear")]
        for case, every in found.items()
    }
    asked = {case: answers for case, answers in asked.items() if answers}
    cases = opened(log, since, until)
    decided = [
        each["status"] for each in cases.values()
        if each["status"] in (*OVER, "closed", "confirmed") and not each.get("joined")
    ]  # fmt: skip
    alerts = [each for _, each, _ in log.each("alert") if since <= when(each["raised"]) < until]
    waits = paged(log, since, until)
    boroughs = [each["sight"] for _, each, _ in log.each("borough") if each["sight"] != "neighbour"]
    claims = [
        each["state"] for _, each, _ in log.each("claim")
        if since <= when(each["noted"]) < until and not each.get("ours") and not each.get("merged")
    ]  # fmt: skip
    corrections = [
        bool(each.get("carried")) for _, each, _ in log.each("line")
        if each.get("correction") and "issued" in each and since <= when(each["issued"]) < until
    ]  # fmt: skip
    sorry = answers(log, since, until)
    releases = [
        each["outcome"] for _, each, _ in log.each("release")
        if "decided" in each and since <= when(each["decided"]) < until
    ]  # fmt: skip
    feedback = [
        "sent" in each and when(each["sent"]) <= when(each["due"]) for _, each, _ in log.each("feedback")
        if since <= when(each["due"]) < until
    ]  # fmt: skip
    lates = list(open_actions(log, until))
    closed = [
        each["outcome"] for _, each, _ in log.each("action") if within(each.get("closed"), since, until)
    ]
    return {
        "reviewed": plainly(len(found)),
        "reviewed_concern": share(
            sum(any(f["concern"] for f in e) for e in found.values()), len(found), True
        ),
        "meetings": plainly(
            sum("cancelled" not in m and since <= when(m["meets"]) < until for _, m, _ in log.each("meeting"))
        ),
        "communication_instead": share(sum("yes" in each for each in asked.values()), len(asked)),
        "cases_new": plainly(len(cases)),
        "cases_ended": plainly(sum(within(each.get("ended"), since, until) for each in log.cases.values())),
        "cases_open": plainly(
            sum(
                when(each["opened"]) < until and ("ended" not in each or when(each["ended"]) >= until)
                for each in log.cases.values()
            )
        ),
        "false_alarms": share(sum(each in OVER for each in decided), len(decided), True),
        "missed_by_rules": sampled(log, "rules", since, until),
        "missed_by_prefilter": sampled(log, "prefilter", since, until),
        **{name: on_time(log, since, until, names) for name, names in CLOCKS.items()},
        "feedback_in_time": share(sum(feedback), len(feedback)),
        "silence": silences(log, since, until),
        "alerts_delivered": share(sum(each.get("state") == "delivered" for each in alerts), len(alerts)),
        "alerts_in_time": share(sum(each is not None and each <= 1 for each in waits), len(waits)),
        "alert_wait": middle([each for each in waits if each is not None], len(waits)),
        "boroughs_seen": share(sum(each in ("seen", "partly") for each in boroughs), len(boroughs)),
        "claims_decided": share(sum(each != "unverified" for each in claims), len(claims)),
        "corrections_adopted": share(sum(corrections), len(corrections)),
        "apologies_given": share(sorry.count("Given"), len(sorry)),
        "video_released": share(releases.count("release"), len(releases)),
        "actions_open": share(sum(each >= 1 for each in lates), len(lates)),
        "actions_worked": share(closed.count("worked"), len(closed)),
    }


def within(written: str | None, since: datetime, until: datetime) -> bool:
    return written is not None and since <= when(written) < until


def answers(log: Log, since: datetime, until: datetime) -> list[str]:
    return [
        each["answer"] for name, each, _ in log.each("prompt")
        if name == "apology" and within(each.get("answered"), since, until)
    ]  # fmt: skip


def lines(
    pairs: Iterable[tuple[Any, Any]], columns: Iterable[Callable[[Any], Any]] = ()
) -> dict[str, list[int]]:
    """How many different things stand at each label, and in all; beside it, how many of them are in each column."""
    found: dict[str, set[Any]] = defaultdict(set)
    for thing, labels in pairs:
        for label in labels or ["not known"]:
            found[label].add(thing)
            found["All"].add(thing)
    return {
        label: [len(things), *(sum(bool(fits(thing)) for thing in things) for fits in columns)]
        for label, things in found.items()
    }


def tables(log: Log, since: datetime, until: datetime) -> dict[str, dict[str, list[int]]]:
    cases = opened(log, since, until)
    real = {case: each for case, each in cases.items() if each["status"] not in OVER}
    themes = {case: fields for _, fields, case in log.each("themes")}
    recorded = {(case, key): fields.get("choices") for key, fields, case in log.each("recorded")}
    found = reviewed(log, since, until)
    today = day_of(until - timedelta(microseconds=1))

    def age(action: Fields) -> str:
        late = (today - date.fromisoformat(action["due"])).days
        for least, words in ((42, "overdue for six weeks"), (14, "overdue for two weeks"), (1, "overdue")):
            if late >= least:
                return words
        return "due within a week" if late >= -7 else "not due yet"

    def hours(case: Fields) -> str:
        begins = when(case["first_seen"]).astimezone(LONDON).hour // 6 * 6
        return f"{begins:02}:00 to {begins + 6:02}:00"

    standing = {
        key: each for key, each, _ in log.each("action")
        if when(each["opened"]) < until and not ("completed" in each and when(each["completed"]) < until)
        and ("closed" not in each or when(each["closed"]) >= until)
    }  # fmt: skip
    one: dict[str, list[tuple[Any, Any]]] = {
        "severity_mix": [(case, [str(each["severity"])]) for case, each in cases.items()],
        "theme_type": [(case, [each["type"]]) for case, each in real.items()],
        "theme_borough": [(case, [each.get("borough", "not known")]) for case, each in real.items()],
        "theme_unit": [(case, [each.get("bcu", "not known")]) for case, each in real.items()],
        "theme_hour": [(case, [hours(each)]) for case, each in real.items()],
        "searched_hour": [(case, [hours(each)]) for case, each in real.items() if each["type"] == "stop_search"],
        "searched_borough": [
            (case, [each.get("borough", "not known")]) for case, each in real.items() if each["type"] == "stop_search"
        ],
        "theme_source": [(case, each.get("sources")) for case, each in real.items()],
        **{
            f"recorded_{name}": [(case, recorded.get((case, key))) for case in real]
            for name, key in (("tactic", "tactics"), ("power", "power_recorded"))
        },
        **{
            f"theme_{name}": [(case, themes.get(case, {}).get(many)) for case in real]
            for name, many in (("tactic", "tactics"), ("power", "powers"), ("allegation", "allegations"))
        },
        "findings": [
            (case, [each["code"], *each.get("secondary", [])]) for case, every in found.items() for each in every
        ],
        "charter": [(case, finding.get("charter")) for case, every in found.items() for finding in every],
        "claims": [
            (key, [each["state"]]) for key, each, _ in log.each("claim")
            if within(each["noted"], since, until) and not each.get("ours") and not each.get("merged")
        ],
        "apologies": list(enumerate([answer] for answer in answers(log, since, until))),
        "releases": [
            (key, [each["outcome"]]) for key, each, _ in log.each("release")
            if within(each.get("decided"), since, until)
        ],
        "actions_ageing": [(key, [age(each)]) for key, each in standing.items()],
        "actions_outcome": [
            (key, [each["outcome"]]) for key, each, _ in log.each("action")
            if within(each.get("closed"), since, until)
        ],
        "coverage": [(key, [each["sight"]]) for key, each, _ in log.each("borough") if each["sight"] != "neighbour"],
    }  # fmt: skip
    claims = {key: each for key, each, _ in log.each("claim")}
    actions = {key: each for key, each, _ in log.each("action")}

    def grave(case: Any) -> bool:
        return cases[case]["severity"] in (1, 2)

    def done_in_time(key: str) -> bool:
        done = when(actions[key].get("completed") or actions[key]["closed"])
        return bool(done <= midnight(date.fromisoformat(actions[key]["due"]) + timedelta(days=1)))

    columns: dict[str, list[Callable[[Any], Any]]] = {
        "severity_mix": [
            lambda case: cases[case]["status"] in ("confirmed", "closed"),
            lambda case: cases[case]["status"] in OVER,
        ],
        "theme_type": [grave],
        "theme_tactic": [grave],
        "recorded_tactic": [grave],
        "claims": [lambda key: claims[key].get("met_wrong")],
        "actions_outcome": [done_in_time],
    }
    return {name: lines(pairs, columns.get(name, ())) for name, pairs in one.items()}


def months(until: datetime) -> list[tuple[datetime, datetime]]:
    """The twelve whole months of London before a moment."""
    last = day_of(until).replace(day=1)
    starts = [last]
    for _ in range(12):
        starts.append((starts[-1] - timedelta(days=1)).replace(day=1))
    starts.reverse()
    return list(zip(map(midnight, starts), map(midnight, starts[1:]), strict=False))


def charts(log: Log, until: datetime) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {name: [] for name in CHARTED}
    for since, end in months(until):
        month = figures(log, since, end)
        for name in CHARTED:
            found[name].append(month[name]["value"])
    return found


def changes(log: Log, lines_: Lines, since: datetime, as_of: datetime) -> list[list[str]]:
    """Which cases count otherwise, of the time before a period, than when the last pack of that time was printed."""
    before = [each for each in log.printed if when(each["until"]) <= since]
    if not before:
        return []
    then = Log(lines_, when(before[-1]["as_of"]), before[-1]["entry"])
    ends = min(since, when(before[-1]["as_of"])), min(since, as_of)
    ever = datetime(2000, 1, 1, tzinfo=LONDON)

    def standing(each: Log, until: datetime) -> tuple[dict[str, str], dict[str, str]]:
        found: dict[str, str] = {}
        alarms: dict[str, str] = {}
        for case, every in reviewed(each, ever, until).items():
            for finding in every:
                name = f"GH-{each.number(case)} {day_of(when(finding['meets'])):%Y-%m-%d}"
                found[name] = "counted, in the numerator" if finding["concern"] else "counted"
        for one in opened(each, ever, until).values():
            if one["status"] in (*OVER, "closed", "confirmed") and not one.get("joined"):
                alarms[f"GH-{one['number']}"] = (
                    "counted, in the numerator" if one["status"] in OVER else "counted"
                )
        return found, alarms

    pairs = zip(
        ("reviewed_concern", "false_alarms"), standing(then, ends[0]), standing(log, ends[1]), strict=True
    )
    return sorted(
        [name, row, old.get(row, "not counted"), new.get(row, "not counted")]
        for name, old, new in pairs
        for row in {*old, *new}
        if old.get(row) != new.get(row)
    )


def recount(lines_: Lines, since: datetime, until: datetime, as_of: datetime) -> dict[str, Any]:
    """All numbers of a period as they stood at a moment."""
    log = Log(lines_, as_of)
    ends = min(until, as_of)
    return {
        "figures": figures(log, since, ends),
        "before": figures(log, since - (until - since), min(since, as_of)),
        "tables": tables(log, since, ends),
        "charts": charts(log, ends),
        "changes": changes(log, lines_, since, as_of),
    }


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("log")
    asked.add_argument("--since", required=True, type=date.fromisoformat)
    asked.add_argument("--until", required=True, type=date.fromisoformat)
    asked.add_argument("--as-of", type=datetime.fromisoformat, default=None)
    given = asked.parse_args()
    with open(given.log, encoding="utf-8") as file:
        read = [json.loads(line) for line in file]
    since, until = midnight(given.since), midnight(given.until + timedelta(days=1))
    as_of = given.as_of or max(when(line["at"]) for line in read)
    print(json.dumps(recount(read, since, until, as_of), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
