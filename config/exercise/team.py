"""A scripted team: acknowledges, claims, drafts, approves and answers rumours, after reaction times that are given.

It plays everything where nobody plays, or only the colleagues of one player: oversight, and whoever approves. What the
service refuses it is counted with the reason, and tried again in the next round.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from sqlmodel import Session, col, select

from collector.records import Post
from config.exercise.play import Play
from config.exercise.script import Rumour
from config.wording import writing_of
from triage import actions
from triage.claim_records import ClaimDecision, ClaimState, KnownClaim
from triage.claim_types import read_guide
from triage.claims import note_claim
from triage.deciding import agree, decide
from triage.lifecycle import read_lifecycle
from triage.locked import Conflict
from triage.people import create_person
from triage.permissions import Denied
from triage.records import OPEN, Alert, AlertState, Case, Desk, Membership, Person, Role, Status
from triage.responding import refusal, respond, responses
from triage.response_policy import read_response_policy

PRESS, APPROVER, SECOND, OVERSIGHT = "press-officer", "bureau-lead", "gold", "oversight"
SEATS = {
    PRESS: ("Press officer", (Role.TRIAGE, Role.DUTY_OFFICER), (Desk.COMMS,)),
    APPROVER: ("Bureau lead", (Role.APPROVER,), (Desk.COMMS,)),
    SECOND: ("Gold", (Role.APPROVER, Role.DUTY_OFFICER), (Desk.COMMS,)),
    OVERSIGHT: ("Oversight reviewer", (Role.OVERSIGHT_REVIEWER,), (Desk.OVERSIGHT,)),
}


class Reactions(NamedTuple):
    """After how many minutes the team does what it does; `update` is how long before it is due."""

    acknowledge: float = 2
    claim: float = 4
    fact: float = 3
    line: float = 4
    approve: float = 2
    issue: float = 2
    note: float = 5
    decide: float = 8
    update: float = 15


class Team:
    """Who plays. `seats` are those that the script plays; others are people's."""

    def __init__(
        self, play: Play, *, seats: frozenset[str] = frozenset(SEATS), reactions: Reactions | None = None
    ) -> None:
        self.play, self.seats, self.react = play, seats, reactions or Reactions()
        settings = play.house.settings
        self.lifecycle = read_lifecycle(settings.file("tracks.toml"))
        self.writing = writing_of(settings)
        self.responses = read_response_policy(settings.file("policy/responses.toml"))
        self.notice = read_guide(settings.file("claims.toml")).notice
        self.people: dict[str, Person] = {}
        self.refused: Counter[str] = Counter()
        self._main: UUID | None = None

    def arrive(self) -> None:
        """Make the accounts of the exercise."""
        with Session(self.play.house.engine, expire_on_commit=False) as session:
            for seat, (name, roles, desks) in SEATS.items():
                self.people[seat] = create_person(
                    session, seat, name, roles=roles, desks=desks, now=self.play.clock()
                )
            session.commit()

    def act(self, now: datetime) -> None:
        """Everything the played seats would have done by this moment, but for lines."""
        self._acknowledge(now)
        self._agree(now)
        if PRESS in self.seats:
            self._take(now)
            self._answer_rumours(now)

    def minute(self, now: datetime) -> float:
        return (now - self.play.clock.start) / timedelta(minutes=1)

    def main_case(self) -> UUID | None:
        """The open case that the team works on: at first the one with most posts of what the script is about."""
        found = self._main_cases()
        if self._main not in found:
            self._main = max(found, key=lambda case: found[case], default=None)
        return self._main

    def _main_cases(self) -> Counter[UUID]:
        """The open cases that hold posts of what the script is about, and how many."""
        asked = (
            select(Membership.case_id, Post.external_id)
            .join(Post, col(Post.id) == col(Membership.post_id))
            .join(Case, col(Case.id) == col(Membership.case_id))
            .where(Membership.sure, col(Case.status).in_(OPEN))
        )
        with Session(self.play.house.engine) as session:
            rows = session.exec(asked).all()
        counted: Counter[UUID] = Counter()
        for case, external_id in rows:
            truth = self.play.held.truth(external_id)
            if truth is not None and truth.about == self.play.script.main:
                counted[case] += 1
        return counted

    def attempt(self, what: str, act: Callable[[Session], object]) -> bool:
        """One act in a transaction of its own; what is refused is counted."""
        with Session(self.play.house.engine, expire_on_commit=False) as session:
            try:
                act(session)
                session.commit()
            except (Conflict, Denied) as error:
                session.rollback()
                self.refused[f"{what}: {error}"] += 1
                return False
        return True

    def _acknowledge(self, now: datetime) -> None:
        since = now - timedelta(minutes=self.react.acknowledge)
        asked = select(Alert.case_id, Alert.desk).where(
            Alert.state == AlertState.OPEN, col(Alert.raised_at) <= since, Alert.manner == "page"
        )
        with Session(self.play.house.engine) as session:
            waiting = session.exec(asked.distinct()).all()
        for case, desk in waiting:
            seat = PRESS if desk == Desk.COMMS else OVERSIGHT
            if seat in self.seats:
                who = self.people[seat]
                self.attempt(
                    "acknowledge", partial(_acknowledge, case=case, desk=Desk(desk), who=who, now=now)
                )

    def _take(self, now: datetime) -> None:
        """Claim and decide what was raised long enough ago, and join what is the same incident."""
        since = now - timedelta(minutes=self.react.claim)
        asked = (
            select(Case.id)
            .join(Alert, col(Alert.case_id) == col(Case.id))
            .where(col(Case.status).in_((Status.DETECTED, Status.TRIAGED)), Alert.manner == "page")
            .where(col(Alert.raised_at) <= since, Alert.desk == Desk.COMMS)
        )
        with Session(self.play.house.engine) as session:
            found = session.exec(asked.distinct()).all()
        for case in found:
            self.attempt("claim", partial(self._claim_and_decide, case=case, now=now))
        main, who = self.main_case(), self.people[PRESS]
        for case in self._main_cases():
            if main is not None and case != main:
                why = "The same incident, told in other words."
                self.attempt(
                    "join", partial(actions.join, case_id=main, other=case, who=who, why=why, now=now)
                )

    def _claim_and_decide(self, session: Session, *, case: UUID, now: datetime) -> None:
        """Take it; confirm what tells of an incident, and close what tells of none."""
        who = self.people[PRESS]
        actions.claim(session, case, who=who, now=now)
        if not self._tells_of_any(session, case):
            actions.dismiss(
                session, case, who=who, status=Status.NOISE, why="It tells of no incident.", now=now
            )
            return
        actions.confirm(session, case, who=self.people[PRESS], now=now, lifecycle=self.lifecycle)

    def _tells_of_any(self, session: Session, case: UUID) -> bool:
        asked = select(Post.external_id).join(Membership, col(Membership.post_id) == col(Post.id))
        told = map(
            self.play.held.truth, session.exec(asked.where(Membership.case_id == case, Membership.sure))
        )
        return any(each.about for each in told if each is not None)

    def _answer_rumours(self, now: datetime) -> None:
        case = self.main_case()
        if case is not None:
            for rumour in self.play.script.rumour:
                self.attempt("rumour", partial(self._answer, case=case, rumour=rumour, now=now))

    def _answer(self, session: Session, *, case: UUID, rumour: Rumour, now: datetime) -> None:
        """Note what is told, decide it once there is evidence, then choose what is done about it."""
        minute, who = self.minute(now), self.people[PRESS]
        asked = select(KnownClaim).where(KnownClaim.case_id == case, KnownClaim.type == rumour.type)
        claim = session.exec(asked.where(~col(KnownClaim.ours))).first()
        if claim is None:
            told = [each.at_s / 60 for each in self.play.held.told if each.rumour == rumour.key]
            if minute >= min(told, default=float(rumour.known_at)) + self.react.note:
                note_claim(session, case, words=rumour.claim, type=rumour.type, who=who, now=now)
            return
        if claim.state != ClaimState.UNVERIFIED and not responses(session, claim):
            correction = self.responses.of("central_correction")
            option = (
                "qa_line" if correction is None or refusal(session, claim, correction) else correction.name
            )
            respond(
                session,
                claim.number or 0,
                option,
                self.responses,
                why="It is being shared as fact",
                who=who,
                now=now,
            )
        ready = claim.state == ClaimState.UNVERIFIED and minute >= rumour.known_at + self.react.decide
        if ready and not _waits(session, claim.id):
            decide(
                session, claim.number or 0, rumour.states[0], self.notice, why=rumour.why,
                evidence=[rumour.evidence], who=who, now=now,
            )  # fmt: skip

    def _agree(self, now: datetime) -> None:
        """As the second person, agree to what was decided with evidence."""
        if APPROVER not in self.seats:
            return
        since = now - timedelta(minutes=self.react.approve)
        asked = select(ClaimDecision.id).where(
            col(ClaimDecision.in_force_at).is_(None),
            col(ClaimDecision.refused_at).is_(None),
            ClaimDecision.first != self.people[APPROVER].username,
            col(ClaimDecision.asked_at) <= since,
        )
        with Session(self.play.house.engine) as session:
            waiting = session.exec(asked).all()
        who = self.people[APPROVER]
        for made in waiting:
            self.attempt("agree", partial(agree, decision=made, notice=self.notice, who=who, now=now))


def _waits(session: Session, claim: UUID) -> bool:
    asked = select(ClaimDecision.id).where(
        ClaimDecision.claim_id == claim,
        col(ClaimDecision.in_force_at).is_(None),
        col(ClaimDecision.refused_at).is_(None),
    )
    return session.exec(asked).first() is not None


def _acknowledge(session: Session, *, case: UUID, desk: Desk, who: Person, now: datetime) -> None:
    actions.acknowledge(session, case, who=who, desk=desk, now=now)
