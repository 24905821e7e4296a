"""What the oversight group decides in a year of synthetic records: who came, findings, referrals, actions, feedback,
panels' forms. About as many as reviews of such cases brought. Nothing in it is real."""

import hashlib
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlmodel import Session, SQLModel

from config.exercise.year_words import FORCE_SAID
from triage.clocks import LONDON, after_working_days
from triage.lifecycle import Lifecycle
from triage.records import Case
from triage.review.feedback import drafted
from triage.review.finding_codes import Code, FindingCodes
from triage.review.finding_records import (
    Action,
    ActionNote,
    ActionOutcome,
    ActionTarget,
    Feedback,
    Finding,
    Minutes,
    PanelForm,
    Referral,
    ReferralBody,
    Talk,
    YouSaid,
)
from triage.review.group import Group
from triage.review.meeting_records import Attendance, Review
from triage.review.minutes_draft import drafted_parts

TABLES = (Attendance, Finding, Referral, Action, ActionNote, Feedback, PanelForm, YouSaid)
WHO, CHAIR = "year-oversight", "year-lead"
WEIGHTS = {
    "EXEMPLARY": 6, "PROFESSIONAL": 36, "LEARNING-INDIVIDUAL": 12, "LEARNING-TEAM/UNIT": 6, "POOR-COMMUNICATION": 12,
    "IMPATIENCE": 4, "LACK-OF-DE-ESCALATION": 5, "TACTICAL/SAFETY-DECISION": 3, "FORCE-AVOIDABLE": 4,
    "FORCE-DISPROPORTIONATE?": 2, "RECORDING/BWV-GAP": 4, "SUPERVISION-GAP": 3, "POLICY-GAP": 2, "CONDUCT-DPS": 3,
    "REFERRED-IOPC": 2, "NOT-MET": 1, "INSUFFICIENT-INFO": 2, "DEFERRED": 5,
}  # fmt: skip
OUTCOMES = {
    ActionOutcome.WORKED: 50, ActionOutcome.PARTLY: 20, ActionOutcome.DID_NOT_WORK: 12, ActionOutcome.NOT_KNOWN: 10,
    ActionOutcome.NOT_DONE: 8,
}  # fmt: skip
ASKS = {
    ActionTarget.OFFICER: ("Talk it through with the officer", "Supervisor"),
    ActionTarget.BCU: ("Brief the response teams on explaining a search", "BCU commander"),
    ActionTarget.UNIT: ("Look at how the unit records its stops", "Unit inspector"),
    ActionTarget.TRAINING: ("Add the encounter to safety training", "Officer safety training"),
    ActionTarget.POLICY: ("Say in guidance what holds at a bus stop", "Policy lead"),
    ActionTarget.COMMS: ("Write down why spit guards are used", "Press bureau"),
    ActionTarget.COMMUNITY: ("Meet the local panel", "BCU commander"),
}
AGREED, LED_ELSEWHERE = "Both accounts and the recordings agree", "The IOPC leads until its decision is known"
NAMES_FORCE = "names force: "
SIGNALS = {
    "force": (NAMES_FORCE, 0.2), "harm": ("names harm: hurt", 0.08), "witness": ("I saw", 0.12),
    "media": ("names a video: clip", 0.15), "vulnerability": ("names somebody vulnerable: child", 0.04),
}  # fmt: skip
SECOND, CORRECTED, DISSENT, TELLS = 0.3, 0.04, 0.08, 0.9


class Decisions:
    """Makes the rows, in the order of cases and meetings. The same seed makes the same ones."""

    def __init__(
        self, codes: FindingCodes, group: Group, lifecycle: Lifecycle, *, until: datetime, seed: int
    ) -> None:
        self.dice = Random(f"decided/{seed}")  # noqa: S311  made-up records
        self.codes, self.group, self.lifecycle, self.until = codes, group, lifecycle, until
        self.actions = 0

    def signals(self, case: Case) -> list[dict[str, Any]]:
        """What a post about a case is found to say: the graver the case, the more."""
        return [
            {"name": name, "score": 0.8, "start": 0, "end": 1, "because": self._said(because)}
            for name, (because, share) in SIGNALS.items()
            if self.dice.random() < share * (5 - case.severity)
        ]

    def meeting(self, review: Review) -> Iterator[SQLModel]:
        """Who came to a meeting that was held, and what panels sent before it."""
        if review.meets_at >= self.until:
            return
        for part in self.group.quorum:
            for number in range(part.least + self.dice.randrange(2)):
                post = part.any_of[number % len(part.any_of)]
                came = None if number >= part.least and self.dice.random() < 0.5 else review.meets_at
                yield Attendance(
                    id=self._id(), review_id=review.id, post=post, name=f"Synthetic {post} {number}",
                    came_at=came, apologies_at=None if came else review.meets_at, noted_by=WHO,
                )  # fmt: skip
        for number in range(self.dice.randrange(1, 4)):
            yield self._form(review, number)

    def case(self, case: Case, review: Review) -> Iterator[SQLModel]:
        """What was found of one case, and what followed."""
        if review.meets_at >= self.until:
            return
        code = self._drawn({each: WEIGHTS.get(each.name, 1) for each in self.codes.code})
        found = self._finding(case, review, code)
        if self.dice.random() < CORRECTED and not code.alone:
            later = review.meets_at + timedelta(days=self.dice.randrange(1, 40))
            if later < self.until:
                found.superseded_at = later
                yield found
                found = self._corrected(found, later)
        yield found
        if code.referral:
            yield Referral(
                id=self._id(), case_id=case.id, review_id=review.id, body=ReferralBody(code.referral),
                kind=self.dice.choice(("voluntary", "mandatory")), by_post="DPS duty officer",
                made_on=review.meets_at.date(), reference=f"REF/{case.number}", entered_by=WHO,
                entered_at=found.entered_at,
            )  # fmt: skip
        if code.reviewed:
            yield self._feedback(case, review, found)
            if not code.good and self.dice.random() < 0.6:
                yield from self._action(case, review)

    def minutes(self, session: Session, reviews: list[Review]) -> None:
        """The minutes of the meetings that were held, each but the last approved at the next."""
        held = [each for each in reviews if each.meets_at < self.until]
        for review, following in zip(held, [*held[1:], None], strict=True):
            at = review.meets_at + timedelta(days=1)
            made = Minutes(
                id=self._id(), review_id=review.id, parts=drafted_parts(session, review, self.group), author=WHO,
                drafted_at=at, changed_at=at,
            )  # fmt: skip
            if following is not None:
                made.approved_by, made.approved_at = CHAIR, following.meets_at
                made.approved_in = following.id
            session.add(made)
            session.flush()

    def _finding(self, case: Case, review: Review, code: Code) -> Finding:
        dice = self.dice
        at = review.meets_at + timedelta(minutes=dice.randrange(5, 150))
        others = [each for each in self.codes.code if not (each.alone or each.good or each.concern)]
        second = [dice.choice(others)] if dice.random() < SECOND and not (code.alone or code.good) else []
        codes = [code, *(each for each in second if each != code)]
        return Finding(
            id=self._id(), case_id=case.id, review_id=review.id, code=code.name,
            secondary=[each.name for each in codes[1:]], says={each.name: each.title for each in codes},
            themes=list(dict.fromkeys(theme for each in codes for theme in each.themes)),
            reviewed=code.reviewed, concern=any(each.concern for each in codes),
            talk=dice.choice((Talk.YES, Talk.NO, Talk.UNCLEAR)) if code.reviewed else None,
            communication=self._scored(code) if code.reviewed and not code.alone else None,
            legality="for_others" if code.concern else "no_question" if code.reviewed else "not_discussed",
            went_well="Bystanders were spoken to calmly" if code.good or dice.random() < 0.4 else None,
            decision=f"{code.title}: as the group discussed it" if code.reviewed else "Listed, not discussed",
            why=AGREED if code.reviewed else LED_ELSEWHERE,
            steps=[{"step": each.name, "asks": each.asks, "words": "As discussed"} for each in self.codes.step[1:3]],
            dissent=[{"post": "Community member", "words": "It should have ended sooner"}]
            if dice.random() < DISSENT else [],
            entered_by=WHO, entered_at=at,
        )  # fmt: skip

    def _scored(self, code: Code) -> int:
        low, high = (3, 5) if code.good else (1, 4)
        return self.dice.randint(low, high)

    def _corrected(self, before: Finding, at: datetime) -> Finding:
        told = before.model_dump() | {
            "id": self._id(), "version": 2, "entered_at": at, "superseded_at": None,
            "correction_why": "Another recording was found", "communication": 3 if before.communication else None,
        }  # fmt: skip
        return Finding(**told)

    def _feedback(self, case: Case, review: Review, found: Finding) -> Feedback:
        due = after_working_days(
            review.meets_at, self.codes.feedback_working_days, self.lifecycle.bank_holidays
        )
        sent = review.meets_at + timedelta(hours=self.dice.lognormvariate(4.2, 0.45))
        told = sent + timedelta(days=self.dice.uniform(1, 12))
        is_sent, is_told = sent < self.until, told < self.until and self.dice.random() < TELLS
        late = due if (due < self.until and (sent > due or not is_sent)) else None
        return Feedback(
            id=self._id(), case_id=case.id, review_id=review.id, bcu=case.bcu or "",
            words=drafted(case, review, found), begun_at=found.entered_at, due_at=due, breached_at=late,
            sent_at=max(sent, found.entered_at) if is_sent else None, sent_by=WHO if is_sent else None,
            sent_to="BCU commander" if is_sent else None, confirmed_at=told if is_sent and is_told else None,
            confirmed_by="Supervisor" if is_sent and is_told else None,
            confirmed_entered_by=WHO if is_sent and is_told else None,
        )  # fmt: skip

    def _action(self, case: Case, review: Review) -> Iterator[SQLModel]:
        dice = self.dice
        self.actions += 1
        target = dice.choice(list(ASKS))
        words, owner = ASKS[target]
        opened = review.meets_at + timedelta(minutes=150)
        due = opened.date() + timedelta(days=dice.choice((14, 28, 42, 56)))
        done = datetime.combine(due, opened.timetz()) + timedelta(days=dice.gauss(-2, 9))
        done = max(done, opened + timedelta(days=1))
        closed = done + timedelta(days=dice.randrange(7, 28))
        ended = closed < self.until and dice.random() < 0.92
        made = Action(
            id=self._id(), number=self.actions, review_id=review.id, case_id=case.id, target=target, words=words,
            theme=dice.choice([each.name for each in self.codes.theme]), owner_post=owner, due_on=due, first_due_on=due,
            opened_by=WHO, opened_at=opened,
        )  # fmt: skip
        notes = [("progress", "It is being arranged", opened + timedelta(days=1))]
        if done < self.until and dice.random() < 0.9:
            made.completed_at, made.evidence = done, f"Record REC/{self.actions}"
            notes.append(("evidence", made.evidence, done))
        if ended:
            outcome = self._drawn(OUTCOMES) if made.completed_at else ActionOutcome.NOT_DONE
            made.outcome, made.outcome_words = outcome, "As the owner told the group"
            made.closed_at, made.closed_by = closed, WHO
            notes.append(("closed", outcome.value.replace("_", " "), closed))
        yield made
        for what, said, at in notes:
            if at < self.until:
                yield ActionNote(
                    id=self._id(), action_id=made.id, case_id=case.id, what=what, words=said, entered_by=WHO,
                    entered_at=at,
                )  # fmt: skip
        if made.outcome == ActionOutcome.WORKED and target == ActionTarget.COMMUNITY:
            yield YouSaid(
                id=self._id(), panel=f"{case.borough} panel", case_id=case.id, review_id=review.id, action_id=made.id,
                said="Nobody explained the stop to us", did=words, written_by=WHO, written_at=closed,
                told_at=closed, told_by=WHO,
            )  # fmt: skip

    def _form(self, review: Review, number: int) -> PanelForm:
        met: date = review.meets_at.astimezone(LONDON).date() - timedelta(days=3)
        scores = {each.name: self.dice.randint(2, 5) for each in self.codes.panel_question}
        digest = hashlib.sha256(f"{review.id}/{number}".encode()).hexdigest()
        return PanelForm(
            id=self._id(), digest=digest, panel=f"Panel {number + 1}", met_on=met, scores=scores, comments=None,
            imported_by=WHO, imported_at=review.meets_at - timedelta(days=1),
        )  # fmt: skip

    def _said(self, because: str) -> str:
        return because + self.dice.choice(FORCE_SAID) if because == NAMES_FORCE else because

    def _drawn(self, weighted: dict[Any, int]) -> Any:
        return self.dice.choices(list(weighted), list(weighted.values()))[0]

    def _id(self) -> UUID:
        return UUID(int=self.dice.getrandbits(128), version=4)
