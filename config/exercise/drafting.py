"""The part of a scripted team that writes: facts noted and verified, lines asked for, approved, recorded as issued."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlmodel import Session, col, select

from config.exercise.play import Play
from config.exercise.script import Inject
from config.exercise.team import APPROVER, PRESS, SEATS, SECOND, Team
from responders.statements import day, spoken
from triage.approving import approve_line, lacks_second, send_back
from triage.case_facts import facts_of, note_fact, verify_fact
from triage.issuing import Issued, record_issue
from triage.promised import promised
from triage.records import Case, Severity
from triage.statement_records import Statement, StatementState
from triage.statements import approvals, ask_line, set_aside, submit_line
from triage.tracks import NEXT_UPDATE
from triage.writing import blocking, check_line, ours, warned, wordings

PLACE = "News desk, by e-mail"
TRIES = 4
AGAIN = timedelta(minutes=5)


class Pen:
    """Writes for a team's press officer, and approves for its others."""

    def __init__(self, team: Team) -> None:
        self.team, self.play, self.react = team, team.play, team.react
        self.seen: dict[tuple[int, int], datetime] = {}
        self.asked: set[int] = set()
        self.begun: int | None = None
        self.tries: Counter[int] = Counter()
        self.not_before = team.play.clock.start

    def act(self, now: datetime) -> None:
        """Every line that wants approval looked at by whoever approves; then one step on with the line in hand."""
        for line in self._lines(StatementState.IN_REVIEW, StatementState.APPROVED):
            since = self.seen.setdefault((line.number or 0, line.version), now)
            if now - since >= timedelta(minutes=self.react.approve):
                self._approve(line, now)
        if PRESS in self.team.seats:
            for line in self._lines(StatementState.APPROVED):
                if now - (line.approved_at or now) >= timedelta(minutes=self.react.issue):
                    self.team.attempt("issue", partial(self._issue, line=line, now=now))
            case = self.team.main_case()
            if case is not None:
                self._note_facts(case, now)
                self._write(case, now)

    def _lines(self, *states: StatementState, case: UUID | None = None) -> Sequence[Statement]:
        asked = select(Statement).where(col(Statement.state).in_(states)).order_by(col(Statement.drafted_at))
        if case is not None:
            asked = asked.where(Statement.case_id == case)
        with Session(self.play.house.engine, expire_on_commit=False) as session:
            return session.exec(asked).all()

    def _approve(self, line: Statement, now: datetime) -> None:
        for seat in (APPROVER, SECOND):
            if seat in self.team.seats:
                self.team.attempt("approve", partial(self._sign, line=line, seat=seat, now=now))

    def _sign(self, session: Session, *, line: Statement, seat: str, now: datetime) -> None:
        """Approve, or send back with what the checker stops."""
        who, held = self.team.people[seat], session.get_one(Statement, line.id)
        case = session.get_one(Case, held.case_id)
        approved = held.state == StatementState.APPROVED
        done = approved and not lacks_second(session, held, case, self.team.writing)
        if done or who.username in {each.who for each in approvals(session, held)}:
            return
        if held.state not in (StatementState.IN_REVIEW, StatementState.APPROVED):
            return
        found = check_line(
            self.team.writing, ours(session, case, held), wordings(held),
            corrects=session.get(Statement, held.follows) if held.follows and held.correction else None, now=now,
        )  # fmt: skip
        number, version = held.number or 0, held.version
        if stopping := blocking(found):
            words = f"The checker stops it: {stopping[0].why}"
            send_back(session, number, words=words, version=version, who=who, now=now)
            return
        accepted = {each.rule: "Looked at in this exercise: it may stand." for each in warned(found)}
        approve_line(
            session, number, self.team.writing, self.team.lifecycle, post=SEATS[seat][0], accepted=accepted,
            version=version, who=who, now=now,
        )  # fmt: skip

    def _issue(self, session: Session, *, line: Statement, now: datetime) -> None:
        case = session.get_one(Case, line.case_id)
        plan = next(each for each in self.team.lifecycle.clock if each.name == NEXT_UPDATE)
        longest = plan.due.get(Severity(case.severity), "2h")
        latest, told = self.team.lifecycle.when(longest, now), promised(line.text, now)
        next_at = told if told is not None and now < told < latest else latest
        made = Issued(place=PLACE, at=now, next_at=None if "final" in line.flags else next_at)
        record_issue(
            session, line.number or 0, made, self.team.writing, self.team.lifecycle, who=self.team.people[PRESS],
            now=now,
        )  # fmt: skip

    def _note_facts(self, case: UUID, now: datetime) -> None:
        """Note what became known, and verify it as somebody else."""
        with Session(self.play.house.engine) as session:
            known = {each.name for each in facts_of(session, case)}
        for inject in self._told(now, self.react.fact):
            for name in inject.facts.keys() - known:
                self.team.attempt(
                    f"fact {name}", partial(self._note, case=case, name=name, inject=inject, now=now)
                )

    def _note(self, session: Session, *, case: UUID, name: str, inject: Inject, now: datetime) -> None:
        fact = note_fact(
            session, case, name, dict(spoken_facts(self.play, inject))[name], inject.sender, self.team.writing.facts,
            who=self.team.people[PRESS], now=now,
        )  # fmt: skip
        verify_fact(session, fact.id, who=self.team.people[APPROVER], now=now)

    def _told(self, now: datetime, after: float) -> list[Inject]:
        """What was said to the team long enough ago, the first first."""
        return self.play.injects(self.team.minute(now) - after)[::-1]

    def _write(self, case: UUID, now: datetime) -> None:
        """Hand the line in hand to review; or begin the next, when one fits or an update is owed."""
        if self._lines(StatementState.IN_REVIEW, StatementState.APPROVED, case=case):
            return
        drafts = self._lines(StatementState.DRAFTED, case=case)
        issued = self._lines(StatementState.ISSUED, case=case)
        who = self.team.people[PRESS]
        for line in drafts:
            if line.author == who.username:
                if line.version:
                    self._hand_in(line, now)
                return
        if now < self.not_before:
            return
        last = issued[-1] if issued else None
        wanted = self._fitting(now)
        template = wanted.template if wanted else self._owed(last, now)
        if template is None:
            return
        begun = next((each for each in drafts if each.template == template and not each.missing), None)
        if begun is not None and last is None:
            done = self._submit(begun, now)
        else:
            done = self.team.attempt(
                "begin a line",
                partial(
                    ask_line, case_id=case, template=template, title=self.team.writing.kind(template).title,
                    follows=last.id if last else None, who=who, now=now,
                ),
            )  # fmt: skip
        if done:
            self.begun = wanted.at if wanted else None
            if wanted:
                self.asked.add(wanted.at)
                self.tries[wanted.at] += 1

    def _hand_in(self, line: Statement, now: datetime) -> None:
        """To review, or set aside where it cannot pass: facts are missing, or it was sent back. It is begun again."""
        if not line.missing and (line.number or 0, line.version) not in self.seen:
            self._submit(line, now)
            return
        why = f"Not known yet: {', '.join(line.missing)}" if line.missing else "The checker stopped it"
        who = self.team.people[PRESS]
        self.team.attempt("set aside", partial(set_aside, number=line.number or 0, why=why, who=who, now=now))
        self.not_before = now + AGAIN
        if self.begun is not None and self.tries[self.begun] < TRIES:
            self.asked.discard(self.begun)

    def _fitting(self, now: datetime) -> Inject | None:
        told = self._told(now, self.react.line)
        return next((each for each in told if each.template and each.at not in self.asked), None)

    def _owed(self, last: Statement | None, now: datetime) -> str | None:
        """The template of the update that was promised, when it is nearly due."""
        if last is None or last.next_update_at is None:
            return None
        ends = self.play.clock.start + timedelta(minutes=self.play.script.minutes)
        soon = last.next_update_at - now <= timedelta(minutes=self.react.update)
        return last.template if soon and last.next_update_at <= ends else None

    def _submit(self, line: Statement, now: datetime) -> bool:
        return self.team.attempt(
            "hand to review",
            partial(
                submit_line,
                number=line.number or 0,
                version=line.version,
                who=self.team.people[PRESS],
                now=now,
            ),
        )


def spoken_facts(play: Play, inject: Inject) -> tuple[tuple[str, str], ...]:
    """The facts of an inject as they are noted: `@-20` is a time by minutes from the beginning, `@date` the day."""
    return tuple((name, _spoken(play, value)) for name, value in inject.facts.items())


def _spoken(play: Play, value: str) -> str:
    if value == "@date":
        return day(play.clock.start)
    if value.startswith("@"):
        return spoken(play.clock.start + timedelta(minutes=int(value[1:])))
    return value
