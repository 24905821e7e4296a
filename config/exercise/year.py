"""A year of synthetic records, for tests and benches of what reads a whole year: review packs, figures, retention.

Made of the same families of posts as the exercises, written table by table. The same seed makes the same year. Nothing
in it is real.
"""

import csv
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Engine, insert, text
from sqlmodel import Session, SQLModel, select

from classifier.records import Assessment, IncidentType
from collector.months import make_months
from collector.records import Grade, Post, PostKey, Sighting, SourceRow
from config.exercise.script import Family, Script, slots_in
from config.exercise.year_decided import TABLES, Decisions
from config.exercise.year_meetings import OBSERVER, YearOfMeetings, meetings_of_year
from config.exercise.year_recorded import TABLES as RECORDED
from config.exercise.year_recorded import Recorded
from config.settings import HERE
from triage.claim_records import KnownClaim
from triage.lifecycle import Lifecycle, TrackName
from triage.log import MACHINE, Line, note
from triage.records import (
    OPEN,
    Alert,
    AlertState,
    Case,
    Clock,
    Delivery,
    DeliveryState,
    Desk,
    Membership,
    Person,
    Role,
    Routing,
    Severity,
    Status,
)
from triage.restriction_records import Tie
from triage.review.finding_codes import read_finding_codes
from triage.review.finding_records import Finding
from triage.review.group import read_group
from triage.review.meeting_records import (
    CommunityRequest,
    Declaration,
    LockedAgenda,
    Review,
    ReviewItem,
    Seat,
)
from triage.review.meetings import Meetings
from triage.review.sheets import read_sheet
from triage.statement_records import Statement, StatementApproval, StatementIssue, StatementState
from triage.statement_records import StatementVersion as Wording
from triage.track_records import Track

YEAR = timedelta(days=364)
DEFERRED = "DEFERRED"
AT_ONCE = 2_000
KINDS = {
    IncidentType.STOP_SEARCH: 35, IncidentType.USE_OF_FORCE: 30, IncidentType.ARREST_DETENTION: 14,
    IncidentType.OTHER_ENCOUNTER: 10, IncidentType.PURSUIT_COLLISION: 6, IncidentType.DEATH_OR_FIREARMS: 5,
}  # fmt: skip
FORCE_USED = (IncidentType.USE_OF_FORCE, IncidentType.DEATH_OR_FIREARMS, IncidentType.STOP_SEARCH)
ENDED = {
    Status.CLOSED: 62, Status.NOISE: 12, Status.OPINION: 10, Status.NOT_OURS: 6, Status.CONFIRMED: 7, Status.WATCH: 3,
}  # fmt: skip
FOLLOWING = "SELECT setval(pg_get_serial_sequence('{0}', 'number'), max(number)) FROM {0} HAVING count(*) > 0"
RECENT = timedelta(days=14)
WHO = ("year-press", "year-lead", "year-oversight", OBSERVER)
ROLES = (Role.DUTY_OFFICER, Role.APPROVER, Role.OVERSIGHT_REVIEWER, Role.DPS_LIAISON)
SEEN_FROM = (
    ("Barnet", "Brent", "Camden", "Enfield", "Harrow"), ("Hackney", "Tower Hamlets", "Newham", "Islington"),
    ("Lambeth", "Southwark", "Lewisham"), ("Croydon", "Sutton", "Bromley"), ("Ealing", "Hounslow", "Westminster"),
    ("London",),
)  # fmt: skip
SHOWS_CLIP = 5  # every so many posts
LINE = (
    "We are aware of posts about an encounter with police, said to be in {place}. We understand that they cause "
    "concern. We are checking what happened. Our next update is by {next}."
)


class Filled(NamedTuple):
    """How many rows the year has."""

    cases: int
    posts: int
    meetings: int
    lines: int
    claims: int


def fill_year(
    engine: Engine,
    scripts: Sequence[Script],
    lifecycle: Lifecycle,
    meetings: Meetings,
    boroughs: Path,
    *,
    until: datetime,
    cases: int = 1_500,
    posts_a_case: int = 8,
    seed: int = 1,
) -> Filled:
    """Fill a migrated, empty database with the year before `until`. `boroughs` is the gazetteer's file of them."""
    year = _Year(scripts, lifecycle, meetings, boroughs, until, seed)
    year.people_and_meetings()
    for number in range(1, cases + 1):
        year.case(number, year.start + (until - year.start) * number / (cases + 1), posts_a_case)
    year.held()
    with Session(engine) as session:
        for month in range(14):
            make_months(session, now=year.start + month * timedelta(days=30))
        for table, rows in year.rows.items():
            for start in range(0, len(rows), AT_ONCE):
                session.execute(insert(table), rows[start : start + AT_ONCE])
        for name in ("cases", "statements", "known_claims", "actions", "bwv_decisions"):
            session.execute(text(FOLLOWING.format(name)))
        year.decisions.minutes(session, year.reviews)
        for at, who, line in sorted(year.log, key=lambda each: each[0]):
            note(session, [line], who=who, now=at)
        session.commit()
        counted = len(session.exec(select(Review.id)).all())
    return Filled(cases, len(year.rows[Post]), counted, len(year.rows[Statement]), len(year.rows[KnownClaim]))


class _Year:
    """The rows of the year by table, in the order in which they are written."""

    def __init__(
        self, scripts: Sequence[Script], lifecycle: Lifecycle, meetings: Meetings, boroughs: Path, until: datetime,
        seed: int,
    ) -> None:  # fmt: skip
        self.dice = Random(f"year/{seed}")  # noqa: S311  made-up records
        self.lifecycle, self.until, self.start = lifecycle, until, until - YEAR
        self.families = [(each, script) for script in scripts for each in script.family if each.about]
        with boroughs.open(encoding="utf-8", newline="") as file:
            named = [row for row in csv.DictReader(file) if row["name"] == row["borough"]]
        self.places = [(row["borough"], row["code"]) for row in named if row["code"]]
        order = (
            SourceRow, Person, Review, PostKey, Post, Assessment, Case, Membership, Routing, Sighting, Alert, Delivery,
            Clock, Track, Statement, Wording, StatementApproval, StatementIssue, *RECORDED,
            ReviewItem, LockedAgenda, Seat, Tie, Declaration, CommunityRequest, *TABLES,
        )  # fmt: skip
        self.rows: dict[type[SQLModel], list[dict[str, Any]]] = {table: [] for table in order}
        self.log: list[tuple[datetime, str, Line]] = []
        self.reviews = meetings_of_year(meetings, until=until, made_at=self.start, new_id=self._id)
        codes, group = (
            read_finding_codes(HERE / "review/findings.toml"),
            read_group(HERE / "review/group.toml"),
        )
        self.decisions = Decisions(codes, group, lifecycle, until=until, seed=seed)
        fields = read_sheet(HERE / "review/sheet.toml")
        self.recorded = Recorded(fields, lifecycle, until=until, seed=seed)
        self.people = {name: self._id() for name in WHO}
        self.meetings = YearOfMeetings(self.reviews, seed, observer=self.people[OBSERVER])

    def people_and_meetings(self) -> None:
        for name, role in zip(WHO, ROLES, strict=True):
            self._add(
                Person(
                    id=self.people[name], username=name, name=name.title(), roles=[role], desks=list(Desk),
                    created_at=self.start,
                )
            )  # fmt: skip
        for number in range(6):
            self._add(
                SourceRow(
                    name=f"year-{number}", kind="feed", url=f"https://year.example/{number}", every_s=600,
                    grade=Grade.C, boroughs=list(SEEN_FROM[number]), basis="a synthetic year", due_at=self.until,
                    last_success_at=self.until,
                )
            )  # fmt: skip
        self._add(*self.recorded.samples())
        for review in self.reviews:
            self._add(review, *self.decisions.meeting(review))

    def held(self) -> None:
        """What stands around the meetings, once every case is there."""
        self._add(*self.meetings.held(self.until))
        self.log += self.meetings.log

    def case(self, number: int, opened: datetime, posts: int) -> None:
        """One case with all that stands behind it."""
        dice = self.dice
        borough, bcu = dice.choice(self.places)
        type_ = _drawn(dice, KINDS)
        severity = dice.choices((1, 2, 3, 4), (4, 16, 50, 30))[0]
        severity = min(severity, 2) if type_ == IncidentType.DEATH_OR_FIREARMS else severity
        status = _drawn(dice, ENDED)
        if self.until - opened < RECENT and status == Status.CLOSED:
            status = dice.choice((Status.CONFIRMED, Status.TRIAGED, Status.DETECTED))
        told = max(1, round(dice.expovariate(1 / posts))) if severity > 1 else posts * 6
        place = f"{borough} High Street"
        last = min(self.until, opened + timedelta(hours=dice.uniform(1, 60)))
        desks = ["comms", "oversight"] if type_ in FORCE_USED else ["comms"]
        case = Case(
            id=self._id(), number=number, title=f"{type_.value.replace('_', ' ').capitalize()} · {place}",
            status=status, severity=severity, incident=0.8, type=type_, borough=borough, bcu=bcu, place=place,
            desks=desks,
            severity_parts={
                "harm": 4 - severity, "conduct": dice.randrange(4), "community": dice.randrange(4), "triggers": [],
            },
            opened_at=opened, first_published_at=opened - timedelta(minutes=dice.uniform(1, 40)), last_post_at=last,
            post_count=told, source_count=min(told, 6), sources=[f"year-{n}" for n in range(min(told, 6))],
            touched_at=last, dismissed_because="made up" if status in (Status.NOISE, Status.OPINION) else None,
        )  # fmt: skip
        self._add(case)
        self._say(opened, MACHINE, "case opened", case)
        self._posts(case, told, last)
        self._answers(case)
        if status in (Status.CONFIRMED, Status.CLOSED):
            self._confirmed(case)
        elif status not in OPEN:
            self._say(
                opened + timedelta(minutes=dice.uniform(4, 200)), WHO[0], "dismissed", case, why="made up"
            )

    def _posts(self, case: Case, told: int, last: datetime) -> None:
        for number in range(told):
            at = case.opened_at + (last - case.opened_at) * number / told
            source = f"year-{number % 6}"
            external = f"year/{case.number}/{number}"
            words = self._worded(case)
            post = Post(
                id=self._id(), collected_at=at, source=source, platform="feed", external_id=external, text=words,
                url=f"https://year.example/{external}", lang="en", published_at=at - timedelta(seconds=40),
                author_key=self.dice.randbytes(16), has_video=number % SHOWS_CLIP == 0, payload=words.encode(),
                payload_sha256=self.dice.randbytes(32), let_in_by="year",
            )  # fmt: skip
            assessment = Assessment(
                post_id=post.id, model="year", at=at, incident=0.8, incident_any=0.9, type=case.type,
                severity=1 - case.severity / 5, claim=0.3, unverified=self.dice.random() / 2,
                signals=self.decisions.signals(case), labels=self.recorded.labels(case),
            )  # fmt: skip
            self._add(PostKey(id=post.id, collected_at=at), post, assessment)
            if post.has_video:
                self._add(self.recorded.clip(post))
            how = "first" if number == 0 else "words"
            self._add(
                Membership(post_id=post.id, case_id=case.id, how=how, joined_at=at),
                Routing(
                    post_id=post.id, at=at, model="year", rule="force reported", outcome="raise", because="made up",
                    case_id=case.id, desks=case.desks, priority="high",
                ),
                Sighting(seen_at=at, post_id=post.id, source=source, reach={"views": self.dice.randrange(20_000)}),
            )  # fmt: skip

    def _worded(self, case: Case) -> str:
        family, script = self.dice.choice(self.families)
        return _told(family, script, case.place or "", self.dice)

    def _answers(self, case: Case) -> None:
        """Alerts with their deliveries, and the clocks of the severity; most of them kept."""
        opened = case.opened_at
        answered = opened + timedelta(minutes=self.dice.lognormvariate(1.2, 0.8))
        for desk in case.desks:
            alert = Alert(
                id=self._id(), case_id=case.id, desk=Desk(desk), priority="high", rule="force reported",
                raised_at=opened, state=AlertState.ACKNOWLEDGED if case.status != Status.DETECTED else AlertState.OPEN,
                acknowledged_at=answered if case.status != Status.DETECTED else None, acknowledged_through="desk",
                acknowledged_by=self.people[WHO[0]] if case.status != Status.DETECTED else None,
            )  # fmt: skip
            sent = opened + timedelta(seconds=self.dice.uniform(0.3, 4))
            self._add(
                alert,
                Delivery(
                    id=self._id(), alert_id=alert.id, channel=f"slack:year-{desk}", state=DeliveryState.DELIVERED,
                    due_at=opened, delivered_at=sent, attempts=1, revision=1, receipt=f"C{desk}:{case.number}",
                ),
            )  # fmt: skip
            if alert.acknowledged_at:
                self._say(answered, WHO[0], "acknowledged", case, desk=desk)
        force = case.type in FORCE_USED
        for due in self.lifecycle.raised(Severity(case.severity), paged=True, force=force, now=opened):
            took = (due.at - opened) * self.dice.lognormvariate(-0.9, 0.6)
            stopped = opened + took if case.status != Status.DETECTED else None
            late = due.at if (stopped is None or stopped > due.at) and due.at < self.until else None
            self._add(
                Clock(
                    id=self._id(), case_id=case.id, name=due.name, desk=due.desk, started_at=opened, due_at=due.at,
                    stopped_at=stopped, stopped_by=WHO[0] if stopped else None, breached_at=late,
                )
            )  # fmt: skip

    def _confirmed(self, case: Case) -> None:
        """Tracks, what is known, lines, claims, and the list of the next meeting."""
        at, dice = case.opened_at + timedelta(minutes=_minutes(self.dice)), self.dice
        self._say(at, WHO[0], "confirmed", case)
        closed = case.status == Status.CLOSED
        for plan in self.lifecycle.track:
            ends = [name for name, state in plan.states.items() if state.end]
            state = (ends[-2] if len(ends) > 1 else ends[0]) if closed else plan.first
            over = at + timedelta(days=dice.uniform(1, 12)) if closed else None
            self._add(
                Track(
                    case_id=case.id, name=plan.name.value, state=state, version=2, opened_at=at, state_since=over or at,
                    closed_at=over,
                )
            )  # fmt: skip
        self._add(*self.recorded.encounter(case, at))
        if case.severity <= Severity.SEV3:
            self._line(case, at)
        if dice.random() < 0.4:
            claim, *rest = self.recorded.claim(case, at)
            self._add(claim, *rest)
            if rest:
                self._say(at, WHO[0], "claim decided", case, state=claim.state.value)
        self._add(*self.recorded.restricted(case, self.people[WHO[1]], at))
        if case.type in FORCE_USED:
            self._reviewed(case, at)

    def _reviewed(self, case: Case, at: datetime) -> None:
        """The meetings that a case came before: more than one where it was not reached, or was deferred."""
        review, deferred = self.meetings.list_case(case.id, at, grave=case.severity == 1), False
        while review is not None:
            made = list(self.decisions.case(case, review))
            self._add(*made)
            deferred = any(isinstance(each, Finding) and each.code == DEFERRED for each in made)
            review = self.meetings.list_again(case.id, review, until=self.until) if deferred else None
        if deferred:
            self._under_investigation()
        self._add(*self.recorded.sheet(case, at, proceedings=deferred))

    def _under_investigation(self) -> None:
        """A case that was deferred and not found on since: the IOPC leads, so the case is open."""
        tracks = self.rows[Track][-len(self.lifecycle.track) :]
        conduct = next(each for each in tracks if each["name"] == TrackName.CONDUCT)
        conduct.update(state="iopc", closed_at=None)
        self.rows[Case][-1].update(status=Status.CONFIRMED)

    def _line(self, case: Case, at: datetime) -> None:
        issued = at + timedelta(minutes=self.dice.lognormvariate(3.2, 0.6))
        number = len(self.rows[Statement]) + 1
        words = LINE.format(place=case.place, next=f"{issued + timedelta(hours=2):%H:%M}")
        line = Statement(
            id=self._id(), number=number, case_id=case.id, template="aware", title="H1 Aware", text=words,
            author=WHO[0], state=StatementState.ISSUED, drafted_at=at, approved_at=issued, issued_at=issued,
        )  # fmt: skip
        self._add(
            line,
            Wording(
                statement_id=line.id, number=1, case_id=case.id, texts={"long": words}, written_by=WHO[0], written_at=at
            ),
            StatementApproval(
                id=self._id(), statement_id=line.id, case_id=case.id, version=1, who=WHO[1], at=issued
            ),
            StatementIssue(
                id=self._id(), statement_id=line.id, case_id=case.id, version=1, variant="long", place="X", at=issued,
                entered_by=WHO[0], entered_at=issued,
            ),
        )  # fmt: skip
        self._say(issued, WHO[0], "line issued", case, line=f"S-{number}")

    def _add(self, *rows: SQLModel) -> None:
        for row in rows:
            kept = row.model_dump()
            if isinstance(row, Sighting):
                del kept["id"]
            if isinstance(row, CommunityRequest):
                del kept["number"]  # the database's own, too
            if isinstance(row, Assessment):
                del kept["boroughs"]  # the database's own
            self.rows[type(row)].append(kept)

    def _say(
        self, at: datetime, who: str, what: str, case: Case, why: str | None = None, **detail: str
    ) -> None:
        self.log.append((at, who, Line(what, case.id, why, dict(detail))))

    def _id(self) -> UUID:
        return UUID(int=self.dice.getrandbits(128), version=4)


def _minutes(dice: Random) -> float:
    """How long until somebody confirms a case: most within the hour."""
    return dice.lognormvariate(2.8, 0.7)


def _drawn(dice: Random, weighted: dict[Any, int]) -> Any:
    return dice.choices(list(weighted), list(weighted.values()))[0]


def _told(family: Family, script: Script, place: str, dice: Random) -> str:
    """One of a family's wordings, set in another place."""
    chosen = dice.choice(family.texts)
    known = {**script.slots, **family.slots, **dict.fromkeys(("street", "area", "road", "place"), (place,))}
    return chosen.format_map({slot: dice.choice(known[slot]) for slot in slots_in(chosen)})
