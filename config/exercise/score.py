"""A score: what was expected of the team, what happened, and points with the reason, read from the records alone.

Times are minutes from the first post of the incident the script is about. Each mark gives up to ten points.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlmodel import Session, col, select

from collector.records import Post
from config.exercise.play import Held
from config.exercise.script import Happening, Rumour, Script
from triage.actions import DISMISSALS
from triage.claim_records import ClaimDecision, ClaimResponse, KnownClaim
from triage.clocks import ANSWERED_BY
from triage.records import Alert, Case, Clock, Delivery, DeliveryState, LogEntry, Membership, Status
from triage.statement_records import Statement, StatementApproval

FULL = 10
STOPS = 1  # lines sent back that cost nothing


class Mark(NamedTuple):
    """One thing that is scored. `points` is None where there was nothing to do."""

    name: str
    expected: str
    happened: str
    points: int | None
    because: str


class Score(NamedTuple):
    """All marks, and the points of those that count, of a hundred."""

    marks: tuple[Mark, ...]
    points: int

    def as_json(self) -> dict[str, Any]:
        return {"points": self.points, "marks": [each._asdict() for each in self.marks]}


class Scorer:
    """Reads one exercise's records. `until` is the last moment that counts."""

    def __init__(
        self, session: Session, script: Script, held: Held, start: datetime, until: datetime
    ) -> None:
        self.session, self.script, self.held = session, script, held
        self.start, self.until = start, until
        self.posts = self._placed()
        self.cases = {each.id: each for each in session.exec(select(Case))}
        self.main = self.case_of(script.main)
        self.first = min(each.at_s / 60 for each in held.told if each.about == script.main)

    def score(self) -> Score:
        parts: tuple[Callable[[], Iterator[Mark]], ...] = (
            self._found, self._answered, self._spoke, self._kept, self._rumours, self._sorted, self._lines,
        )  # fmt: skip
        marks = tuple(mark for part in parts for mark in part())
        counted = [each.points for each in marks if each.points is not None]
        return Score(marks, round(100 * sum(counted) / (FULL * len(counted))) if counted else 0)

    def case_of(self, key: str) -> Case | None:
        """The case that holds most posts of an incident."""
        counted = Counter(
            case for case, told in ((c, t) for c, all_ in self.posts.items() for t in all_) if told == key
        )
        return self.cases[counted.most_common(1)[0][0]] if counted else None

    def _placed(self) -> dict[UUID, list[str]]:
        """Of each case, what its sure posts are about: the key of an incident, or nothing."""
        asked = (
            select(Membership.case_id, Post.external_id)
            .join(Post, col(Post.id) == col(Membership.post_id))
            .where(Membership.sure)
        )
        placed: dict[UUID, list[str]] = defaultdict(list)
        for case, external_id in self.session.exec(asked):
            told = self.held.truth(external_id)
            placed[case].append(told.about if told else "")
        return placed

    def _minutes(self, at: datetime | None) -> float | None:
        """Minutes from the first post; None for what did not happen in time to count."""
        if at is None or at > self.until:
            return None
        return (at - self.start) / timedelta(minutes=1) - self.first

    def _found(self) -> Iterator[Mark]:
        expect, case = self.script.expect, self.main
        yield _timed(
            "Detected", expect.detect, self._minutes(case.opened_at if case else None), "no case was opened"
        )
        told = self._first_delivery(case) if case else None
        after = self._minutes(told)
        opened = self._minutes(case.opened_at if case else None)
        waited = after - opened if after is not None and opened is not None else None
        yield _timed(
            "Alerted", expect.alert, waited, "no message reached the desk", since="the opening of the case"
        )
        claimed = self._first_act(case, "claimed") if case else None
        yield _timed("Claimed", expect.claim, self._minutes(claimed), "nobody took the case")

    def _answered(self) -> Iterator[Mark]:
        for desk, clock in ANSWERED_BY.items():
            yield self._clock(f"Acknowledged, {desk.value}", clock)

    def _clock(self, name: str, clock: str) -> Mark:
        """A clock of tracks.toml, as the case ran it."""
        asked = select(Clock).where(Clock.case_id == self.main.id, Clock.name == clock) if self.main else None
        found = self.session.exec(asked).first() if asked is not None else None
        if found is None:
            return Mark(name, "no clock ran", "no clock ran", None, "nothing of this severity was waiting")
        given = found.due_at - found.started_at
        expected = f"within {_spell(given / timedelta(minutes=1))} of the alert"
        stopped = found.stopped_at if found.stopped_at and found.stopped_at <= self.until else None
        if stopped is None:
            late = found.due_at <= self.until
            points = 0 if late else None
            return Mark(name, expected, "not done", points, "nobody did" if late else "it is not due yet")
        took = (stopped - found.started_at) / timedelta(minutes=1)
        return _timed(name, given / timedelta(minutes=1), max(took, 0), since="the alert")

    def _spoke(self) -> Iterator[Mark]:
        yield self._clock("First line decided", "first_line")
        issued = self._issued()
        first = self._minutes(issued[0].issued_at) if issued else None
        yield _timed("Silence ended", self.script.expect.silence, first, "no line was issued")
        fits = [each.template for each in issued if each.template in self.script.expect.templates]
        wanted = ", ".join(self.script.expect.templates)
        if not issued:
            yield Mark("Lines that fit", f"one of {wanted}", "no line", 0, "nothing was said")
        else:
            share = len(fits) / len(issued)
            used = ", ".join(dict.fromkeys(each.template for each in issued))
            yield Mark(
                "Lines that fit",
                f"one of {wanted}",
                used,
                round(FULL * share),
                f"{len(fits)} of {len(issued)} fit",
            )

    def _kept(self) -> Iterator[Mark]:
        """Promised updates: each line that promised one by a moment that has passed was followed by then."""
        issued = self._issued()
        due = [each for each in issued if each.next_update_at and each.next_update_at <= self.until]
        kept = [each for each in due if any(_follows(other, each) for other in issued)]
        if not due:
            yield Mark(
                "Updates kept",
                "every promised update in time",
                "none was due",
                None,
                "nothing promised fell due",
            )
            return
        words = f"{len(kept)} of {len(due)} in time"
        yield Mark(
            "Updates kept", "every promised update in time", words, round(FULL * len(kept) / len(due)), words
        )

    def _rumours(self) -> Iterator[Mark]:
        for rumour in self.script.rumour:
            noted = self._noted(rumour)
            yield self._decided(rumour, noted)
            yield self._replied(rumour, noted)

    def _noted(self, rumour: Rumour) -> list[KnownClaim]:
        return [
            each
            for each in self.session.exec(select(KnownClaim).where(~col(KnownClaim.ours)))
            if any(sign in f"{each.title} {each.text}".lower() for sign in rumour.signs)
            and each.noted_at <= self.until
        ]

    def _replied(self, rumour: Rumour, noted: list[KnownClaim]) -> Mark:
        """What was done about a rumour: a response chosen from the ladder, or a line that answers it."""
        name = f"Rumour answered: {rumour.claim}"
        expected = f"a response chosen or a line that answers it, within {rumour.within} min of the evidence"
        known = [each.id for each in noted]
        chosen = select(ClaimResponse.at).where(
            col(ClaimResponse.claim_id).in_(known), col(ClaimResponse.at) <= self.until
        )
        lines = select(Statement).where(col(Statement.issued_at) <= self.until)
        said = [
            each.issued_at
            for each in self.session.exec(lines)
            if each.issued_at and {str(claim) for claim in known} & set(each.answers)
        ]
        at = min([*self.session.exec(chosen), *said], default=None)
        if at is None:
            return Mark(name, expected, "not answered", 0, "nothing was chosen and no line answers it")
        after = (at - self.start) / timedelta(minutes=1) - rumour.known_at
        happened = f"{_spell(abs(after))} {'before' if after < 0 else 'after'} the evidence"
        late = max(after, 0)
        return Mark(name, expected, happened, _points(late, rumour.within), _why(late, rumour.within))

    def _decided(self, rumour: Rumour, noted: list[KnownClaim]) -> Mark:
        name = f"Rumour decided: {rumour.claim}"
        allowed = " or ".join(each.value for each in rumour.states)
        expected = f"{allowed}, with evidence, within {rumour.within} min of the evidence"
        if not noted:
            return Mark(name, expected, "not noted", 0, "nobody noted the claim")
        asked = select(ClaimDecision).where(
            col(ClaimDecision.claim_id).in_([each.id for each in noted]),
            col(ClaimDecision.in_force_at) <= self.until,
            col(ClaimDecision.undone_at).is_(None),
        )
        decided = self.session.exec(asked.order_by(col(ClaimDecision.in_force_at))).all()
        if not decided:
            return Mark(name, expected, "noted, not decided", 2, "it was seen, and left open")
        right = [each for each in decided if each.state in rumour.states and each.evidence]
        if not right:
            wrong = decided[-1]
            return Mark(name, expected, f"called {wrong.state}", 0, f"the evidence says {allowed}")
        at = right[0].in_force_at or self.until
        after = (at - self.start) / timedelta(minutes=1) - rumour.known_at
        early = after < 0
        happened = f"{right[0].state}, {_spell(abs(after))} {'before' if early else 'after'} the evidence"
        if early:
            return Mark(name, expected, happened, 3, "decided before there was evidence for it")
        return Mark(name, expected, happened, _points(after, rumour.within), _why(after, rumour.within))

    def _sorted(self) -> Iterator[Mark]:
        """Posts in the wrong case, incidents that were missed, alerts about nothing."""
        allowed = self.script.expect.wrong_joins
        held = self.posts.get(self.main.id, []) if self.main else []
        wrong = sum(each != self.script.main for each in held)
        share = wrong / len(held) if held else 0.0
        points = None if not held else FULL if share <= allowed else max(0, round(FULL * (1 - share / 0.2)))
        elsewhere = sum(told.count(self.script.main) for told in self.posts.values()) - (len(held) - wrong)
        happened = f"{wrong} of {len(held)} are of others; {elsewhere} of its own are in other cases"
        yield Mark(
            "Posts in the right case", f"at most {allowed:.0%} of others", happened,
            points, "in bounds" if points == FULL else "posts of other incidents or of none in the case",
        )  # fmt: skip
        for each in self.script.incident:
            if each.key != self.script.main and each.raised:
                yield self._other(each)
        nothing = [
            case
            for case in self._alerted()
            if (told := self.posts.get(case.id)) and not any(told) and case.status not in DISMISSALS
        ]
        most = self.script.expect.false_alarms
        yield Mark(
            "False alarms", f"at most {most} left standing", f"{len(nothing)} standing",
            FULL if len(nothing) <= most else max(0, FULL - 3 * (len(nothing) - most)),
            "in bounds" if len(nothing) <= most
            else "cases that a desk was paged for, that hold no incident, and that nobody closed",
        )  # fmt: skip

    def _other(self, happening: Happening) -> Mark:
        told = min((each.at_s / 60 for each in self.held.told if each.about == happening.key), default=None)
        name, expected = f"Not missed: {happening.title}", f"a case of its own within {happening.within} min"
        if told is None:
            return Mark(name, expected, "not told", None, "the script did not get there")
        case = self.case_of(happening.key)
        if case is None:
            return Mark(name, expected, "no case", 0, "missed")
        if self.main is not None and case.id == self.main.id:
            return Mark(name, expected, "in the main case", 0, "it disappeared in the other incident")
        after = (case.opened_at - self.start) / timedelta(minutes=1) - told
        seen = case.status in (Status.CONFIRMED, Status.WATCH, Status.CLOSED) or case.claimed_by is not None
        happened = f"GH-{case.number} after {_spell(max(after, 0))}, {case.status}"
        if case.status in DISMISSALS:
            return Mark(name, expected, happened, 0, "closed without action, and it was real")
        points = _points(after, happening.within)
        return Mark(
            name,
            expected,
            happened,
            points if seen else points // 2,
            "taken up" if seen else "nobody took it up",
        )

    def _alerted(self) -> list[Case]:
        asked = select(Alert.case_id).where(Alert.manner == "page", col(Alert.raised_at) <= self.until)
        return [self.cases[each] for each in set(self.session.exec(asked))]

    def _lines(self) -> Iterator[Mark]:
        """Lines that were sent back, as when the checker stopped them; what it stops cannot be approved."""
        asked = select(LogEntry).where(LogEntry.what == "line sent back", col(LogEntry.at) <= self.until)
        back = len(self.session.exec(asked).all())
        signed = self.session.exec(select(StatementApproval)).all()
        accepted = sum(len(each.accepted) for each in signed)
        points = None if not (back or signed) else max(0, FULL - 3 * max(0, back - STOPS))
        yield Mark(
            "Lines stopped", f"at most {STOPS} sent back", f"{back} sent back, warnings accepted: {accepted}",
            points, "names, verdicts, unverified facts and the checker's other rules, and what approvers asked for",
        )  # fmt: skip

    def _issued(self) -> Sequence[Statement]:
        """The lines of the main case that went out, the first first."""
        if self.main is None:
            return []
        asked = select(Statement).where(
            Statement.case_id == self.main.id, col(Statement.issued_at) <= self.until
        )
        return self.session.exec(asked.order_by(col(Statement.issued_at))).all()

    def _first_delivery(self, case: Case) -> datetime | None:
        asked = (
            select(Delivery.delivered_at)
            .join(Alert, col(Alert.id) == col(Delivery.alert_id))
            .where(Alert.case_id == case.id, Delivery.state == DeliveryState.DELIVERED)
        )
        return min((each for each in self.session.exec(asked) if each is not None), default=None)

    def _first_act(self, case: Case, what: str) -> datetime | None:
        asked = select(LogEntry.at).where(LogEntry.case_id == case.id, LogEntry.what == what)
        return self.session.exec(asked.order_by(col(LogEntry.seq))).first()


def _follows(other: Statement, line: Statement) -> bool:
    """Whether the public heard again between a line and the moment it promised."""
    return bool(
        other.issued_at and line.issued_at and line.next_update_at
        and line.issued_at < other.issued_at <= line.next_update_at
    )  # fmt: skip


def _timed(
    name: str, within: float, took: float | None, missing: str = "", *, since: str = "the first post"
) -> Mark:
    expected = f"within {_spell(within)} of {since}"
    if took is None:
        return Mark(name, expected, "did not happen", 0, missing)
    return Mark(name, expected, f"after {_spell(took)}", _points(took, within), _why(took, within))


def _points(took: float, within: float) -> int:
    """Ten in time, five at twice the time, none from three times on."""
    over = max(0.0, took / within - 1)
    return max(0, round(FULL - over * FULL / 2))


def _why(took: float, within: float) -> str:
    return "in time" if took <= within else f"{_spell(took - within)} late"


def _spell(minutes: float) -> str:
    whole = round(minutes)
    if whole < 1:
        return "less than a minute" if minutes > 0 else "0 min"
    return f"{whole} min" if whole < 120 else f"{whole // 60} h {whole % 60} min"
