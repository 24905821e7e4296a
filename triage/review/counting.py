"""What is counted: the journal's things as rows with plain fields, and what can be worked out of them.

Cases that were restricted, as far as the journal knew, are left out, unless they are asked for. `FIELDS` names what
each kind of row has, for the definitions; times are UTC, minutes are lengths.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from triage.review.actions import age_of
from triage.review.figures import Row
from triage.review.journal import Entry, Journal

LONDON = ZoneInfo("Europe/London")
FALSE_ALARM = ("noise", "not_ours", "opinion")
DECIDED = (*FALSE_ALARM, "closed", "confirmed")
WATCHED = ("seen", "partly")
AGEING = ("action",)  # kinds whose fields say how long something has been due
JUST_BEFORE = timedelta(microseconds=1)

_CASE = ("severity", "type", "borough", "bcu", "lane", "status")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "case": (
        *_CASE, "opened", "first_seen", "ended", "hour", "sources", "allegations", "powers", "tactics",
        "recorded_tactics", "recorded_powers", "decided",
        "false_alarm", "joined", "line_due", "spoke", "silence",
    ),
    "clock": (*_CASE, "name", "started", "due", "stopped", "in_time", "void"),
    "alert": (*_CASE, "desk", "manner", "raised", "state", "delivered", "wait", "in_time", "repeated"),
    "line": (*_CASE, "template", "state", "drafted", "issued", "correction", "carried"),
    "claim": (*_CASE, "noted", "decided", "decided_any", "state", "met_wrong", "ours", "merged"),
    "prompt": (*_CASE, "name", "raised", "answered", "answer"),
    "release": (*_CASE, "outcome", "decided", "asked", "took", "reason"),
    "listing": (*_CASE, "meets", "listed", "late", "taken_off"),
    "meeting": ("meets", "cancelled"),
    "reviewed": (
        *_CASE, "meets", "entered", "code", "codes", "charter", "talk", "communication", "legality", "concern",
    ),
    "action": (
        "target", "charter", "due", "opened", "completed", "closed", "outcome", "age", "overdue",
        "completed_any", "in_time",
    ),
    "feedback": (*_CASE, "begun", "due", "sent", "confirmed", "in_time"),
    "sample": ("day", "stage", "drawn", "looked_at", "missed", "dropped"),
    "borough": ("name", "sight", "sources", "blind", "watched", "met"),
}  # fmt: skip
TIMES = frozenset((
    "opened", "first_seen", "ended", "spoke", "started", "due", "stopped", "paused", "raised", "delivered", "told",
    "noted", "decided", "answered", "meets", "listed", "entered", "asked", "drafted", "issued", "completed", "closed",
    "begun", "sent", "confirmed", "superseded", "cancelled", "taken_off",
))  # fmt: skip


class Counted(NamedTuple):
    """One row with its fields, and when the journal last changed what it says."""

    row: Row
    fields: Mapping[str, Any]
    at: datetime


class Rows:
    """The rows of a journal by kind, each kind made when it is first asked for. `at` is what counts as now."""

    def __init__(self, journal: Journal, at: datetime, *, within_s: int, restricted: bool = False) -> None:
        self.journal, self.at = journal, at
        self.within = timedelta(seconds=within_s)
        self.restricted = restricted
        self._made: dict[tuple[str, datetime | None], list[Counted]] = {}
        self._cases: dict[UUID, dict[str, Any]] | None = None

    def of(self, kind: str) -> list[Counted]:
        """The rows of one kind in the order of their ids."""
        place = (kind, self.at if kind in AGEING else None)
        if place not in self._made:
            made = list(_MADE[kind](self))
            self._made[place] = sorted(made, key=lambda each: (each.row.case or 0, each.row.id))
        return self._made[place]

    def until(self, moment: datetime) -> "Rows":
        """The same rows as they counted at an earlier moment; what is made of either serves both."""
        self.cases()
        other = copy(self)
        other.at = min(self.at, moment)
        return other

    def things(self, kind: str) -> Iterator[tuple[str, Entry, dict[str, Any], dict[str, Any]]]:
        """Each thing of a kind whose case may be counted: key, entry, its fields, those of its case."""
        cases = self.cases()
        for key, entry in self.journal.of(kind):
            if entry.case_id is None:
                yield key, entry, _timed(entry.fields), {}
            elif (case := cases.get(entry.case_id)) is not None:
                yield key, entry, _timed(entry.fields), case

    def cases(self) -> dict[UUID, dict[str, Any]]:
        """The cases that may be counted, with their fields."""
        if self._cases is None:
            self._cases = {
                entry.case_id: _timed(entry.fields)
                for _, entry in self.journal.of("case")
                if entry.case_id is not None and (self.restricted or not entry.fields.get("restricted"))
            }
        return self._cases


def _timed(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _moment(value) if name in TIMES and isinstance(value, str) else value
        for name, value in fields.items()
    }


def _moment(written: str) -> datetime:
    """A moment; of a day, its end in London, by which something is due that day."""
    if len(written) == len("2026-01-01"):
        following = date.fromisoformat(written) + timedelta(days=1)
        return datetime.combine(following, time(), LONDON).astimezone(UTC)
    return datetime.fromisoformat(written)


def _made_of(
    rows: Rows, kind: str, say: str, more: Callable[[dict[str, Any]], dict[str, Any]]
) -> Iterator[Counted]:
    for key, entry, fields, case in rows.things(kind):
        about = {name: case[name] for name in _CASE if name in case}
        met = fields.get("meets") or fields.get("begun")
        said = say.format(key=key, day=_day(met) if met else "")
        row = Row(f"GH-{case['number']} {said}" if case else said, case.get("number"))
        yield Counted(row, {**about, **fields, **more(fields)}, entry.at)


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(LONDON):%-d %B %Y}"


def _case_rows(rows: Rows) -> Iterator[Counted]:
    themes = {entry.case_id: fields for _, entry, fields, _ in rows.things("themes")}
    recorded = {
        (entry.case_id, key): fields.get("choices") for key, entry, fields, _ in rows.things("recorded")
    }
    spoke: dict[UUID | None, datetime] = {}
    for _, entry, fields, _case in rows.things("line"):
        if issued := fields.get("issued"):
            spoke[entry.case_id] = min(issued, spoke.get(entry.case_id, issued))
    due = {
        entry.case_id
        for key, entry, fields, _ in rows.things("clock")
        if key == "line_issued" and not fields.get("void")
    }
    for _, entry, fields, _case in rows.things("case"):
        first, said = fields["first_seen"], spoke.get(entry.case_id)
        yield Counted(
            Row(f"GH-{fields['number']}", fields["number"]),
            {
                **fields,
                **themes.get(entry.case_id, {}),
                "recorded_tactics": recorded.get((entry.case_id, "tactics")),
                "recorded_powers": recorded.get((entry.case_id, "power_recorded")),
                "hour": hours_of(first),
                "decided": fields["status"] in DECIDED and not fields.get("joined"),
                "false_alarm": fields["status"] in FALSE_ALARM,
                "line_due": entry.case_id in due,
                "spoke": said,
                "silence": (said - first).total_seconds() / 60 if said else None,
            },
            entry.at,
        )  # fmt: skip


def hours_of(moment: datetime) -> str:
    """Which quarter of the day it was in London."""
    begins = moment.astimezone(LONDON).hour // 6 * 6
    return f"{begins:02}:00 to {begins + 6:02}:00"


def _clock_rows(rows: Rows) -> Iterator[Counted]:
    for key, entry, fields, case in rows.things("clock"):
        ended = fields.get("stopped") or fields.get("paused")
        about = {name: case.get(name) for name in _CASE}
        found = {
            "name": key,
            "void": bool(fields.get("void")),
            "in_time": ended is not None and ended <= fields["due"],
        }
        row = Row(f"GH-{case['number']} {key}", case["number"])
        yield Counted(row, {**about, **fields, **found}, entry.at)


def _alert_rows(rows: Rows) -> Iterator[Counted]:
    def more(fields: dict[str, Any]) -> dict[str, Any]:
        delivered, begun = fields.get("delivered"), fields.get("told") or fields["raised"]
        wait = max(delivered - begun, timedelta(0)) if delivered else None
        return {
            "state": fields.get("state", "waiting"),
            "wait": wait.total_seconds() / 60 if wait is not None else None,
            "in_time": wait is not None and wait <= rows.within,
        }

    return _made_of(rows, "alert", "alert {key}", more)


def _reviewed_rows(rows: Rows) -> Iterator[Counted]:
    """One for each finding that stands and says that the case was reviewed."""
    referred: dict[UUID | None, list[datetime]] = defaultdict(list)
    for _, entry, fields, _case in rows.things("referral"):
        if fields.get("body") == "iopc" and not fields.get("superseded"):
            referred[entry.case_id].append(fields["entered"])
    for _, entry, fields, case in rows.things("finding"):
        if fields.get("superseded") or not fields.get("reviewed"):
            continue
        about = {name: case.get(name) for name in _CASE}
        more = {
            "concern": bool(fields.get("concern")) or bool(referred.get(entry.case_id)),
            "codes": [fields["code"], *fields.get("secondary", [])],
        }
        row = Row(f"GH-{case['number']} finding of {_day(fields['meets'])}", case["number"])
        yield Counted(row, {**about, **fields, **more}, entry.at)


def _action_rows(rows: Rows) -> Iterator[Counted]:
    today = _date(rows.at)

    def more(fields: dict[str, Any]) -> dict[str, Any]:
        ended = fields.get("completed") or fields.get("closed")
        late = (today - _date(fields["due"])).days
        return {
            "age": age_of(late),
            "overdue": late >= 1,
            "completed_any": fields.get("completed", rows.at) < rows.at,
            "in_time": ended is not None and ended <= fields["due"],
            "outcome": fields.get("outcome", "open"),
        }

    return _made_of(rows, "action", "{key}", more)


def _date(ends: datetime) -> date:
    """The London day that ends at a moment, or in which it lies."""
    return (ends - JUST_BEFORE).astimezone(LONDON).date()


def _feedback_rows(rows: Rows) -> Iterator[Counted]:
    def more(fields: dict[str, Any]) -> dict[str, Any]:
        return {"in_time": fields.get("sent") is not None and fields["sent"] <= fields["due"]}

    return _made_of(rows, "feedback", "feedback of {day}", more)


def _claim_rows(rows: Rows) -> Iterator[Counted]:
    return _made_of(rows, "claim", "{key}", lambda fields: {"decided_any": fields["state"] != "unverified"})


def _release_rows(rows: Rows) -> Iterator[Counted]:
    def more(fields: dict[str, Any]) -> dict[str, Any]:
        decided = fields.get("decided")
        return {"took": (decided - fields["asked"]).total_seconds() / 60 if decided else None}

    return _made_of(rows, "release", "{key}", more)


def _sample_rows(rows: Rows) -> Iterator[Counted]:
    for key, entry, fields, _case in rows.things("sample"):
        begins = datetime.combine(date.fromisoformat(fields["day"]), time(), LONDON)
        yield Counted(Row(f"sample of {key}", None), {**fields, "day": begins.astimezone(UTC)}, entry.at)


def _borough_rows(rows: Rows) -> Iterator[Counted]:
    for key, entry, fields, _case in rows.things("borough"):
        more = {"name": key, "watched": fields["sight"] in WATCHED, "met": fields["sight"] != "neighbour"}
        yield Counted(Row(key, None), {**fields, **more}, entry.at)


def _as_it_is(kind: str, say: str) -> Callable[[Rows], Iterator[Counted]]:
    return lambda rows: _made_of(rows, kind, say, lambda _fields: {})


def _named(kind: str, say: str) -> Callable[[Rows], Iterator[Counted]]:
    def made(rows: Rows) -> Iterator[Counted]:
        for key, entry, fields, case in rows.things(kind):
            about = {name: case.get(name) for name in _CASE}
            row = Row(f"GH-{case['number']} {say} {key}", case["number"])
            yield Counted(row, {**about, **fields, "name": key}, entry.at)

    return made


_MADE: Mapping[str, Callable[[Rows], Iterator[Counted]]] = {
    "case": _case_rows,
    "clock": _clock_rows,
    "alert": _alert_rows,
    "line": _as_it_is("line", "{key}"),
    "claim": _claim_rows,
    "prompt": _named("prompt", "asked:"),
    "release": _release_rows,
    "listing": _as_it_is("listing", "listed for {day}"),
    "reviewed": _reviewed_rows,
    "meeting": _as_it_is("meeting", "meeting of {day}"),
    "action": _action_rows,
    "feedback": _feedback_rows,
    "sample": _sample_rows,
    "borough": _borough_rows,
}
