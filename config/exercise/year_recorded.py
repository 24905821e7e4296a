"""What is recorded of the encounters in a year of synthetic records, as packs show it: the sheet of a case, facts,
clips, prompts, questions, claims with their answers, decisions on video, restrictions. Nothing in it is real."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from sqlmodel import SQLModel

from classifier.records import IncidentType
from collector.records import Media, Post
from config.exercise.year_words import (
    ACCOUNTS,
    ALLEGED,
    ANSWERED,
    ASKED,
    CHOSEN,
    COMPLAINTS,
    CONCERNS,
    CONTACT,
    HEARD_AT,
    HURT,
    NO_FORCE,
    OUTCOME,
    PANEL_WORDS,
    POLICY,
    POWERS,
    PRACTICE,
    QUESTIONS,
    REASONS,
    REFUSED,
    RELEASED,
    STANDS,
    TACTICS,
    UNITS,
    WENT_WELL,
    Told,
)
from triage.claim_records import (
    AnswerState,
    ClaimDecision,
    ClaimResponse,
    ClaimState,
    ClaimType,
    KnownClaim,
    Question,
)
from triage.clocks import LONDON
from triage.learning_records import DropSample, Stage
from triage.lifecycle import CaseFacts, Lifecycle
from triage.records import Case, Severity, Status
from triage.release_records import BwvDecision, ReleaseOutcome
from triage.restriction_records import Restriction
from triage.review.pack_records import SheetEntry
from triage.review.sheets import SheetField
from triage.statement_records import CaseFact
from triage.track_records import BodyWornVideo, Prompt

TABLES = (
    Media, KnownClaim, ClaimDecision, ClaimResponse, Prompt, BodyWornVideo, CaseFact, Question, BwvDecision, SheetEntry,
    Restriction, DropSample,
)  # fmt: skip
ENTERED, NOTED, VERIFIED = "year-oversight", "year-press", "year-lead"
GAPS = 0.06  # how often a record is silent


class Recorded:
    """Makes the rows of one case after another. The same seed makes the same ones."""

    def __init__(
        self, fields: tuple[SheetField, ...], lifecycle: Lifecycle, *, until: datetime, seed: int
    ) -> None:
        self.dice = Random(f"recorded/{seed}")  # noqa: S311  made-up records
        self.fields = {each.name: each for each in fields}
        self.lifecycle, self.until = lifecycle, until
        self.releases = self.claims = 0

    def labels(self, case: Case) -> dict[str, float]:
        """What a post is taken to say of the encounter: what it alleges, which power and tactics it names."""
        known = [*ALLEGED, *(f"power:{each}" for each in POWERS[case.type].said)]
        known += [f"tactic:{each}" for each in TACTICS[case.type].said]
        said = [each for each in known if self.dice.random() < 0.14]
        return {each: round(self.dice.uniform(0.5, 0.95), 2) for each in said}

    def clip(self, post: Post) -> Media:
        """The clip that a post shows."""
        seconds = round(min(180.0, 8 + self.dice.expovariate(1 / 40)), 1)
        return Media(id=self._id(), post_id=post.id, kind="video", url=f"{post.url}.clip", duration_s=seconds)

    def encounter(self, case: Case, at: datetime) -> Iterator[SQLModel]:
        """What a confirmed case holds of what happened, from `at`, when it was confirmed."""
        closed = case.status == Status.CLOSED
        yield self._body_worn(case, at)
        yield from self._facts(case, at)
        yield from self._prompts(case, at, answered=closed)
        yield from self._questions(case, at, answered=closed)
        if self.dice.random() < 0.12:
            yield self._release(case, at + timedelta(hours=self.dice.uniform(2, 40)))

    def sheet(self, case: Case, at: datetime, *, proceedings: bool) -> Iterator[SheetEntry]:
        """The case sheet as the secretary fills it in from the records, in the days after."""
        drawn = self._drawn_of(case, proceedings=proceedings)
        for field in self.fields.values():
            entered = at + timedelta(hours=self.dice.uniform(3, 70))
            told = drawn.get(field.name)
            if told is None or entered >= self.until or self.dice.random() < GAPS:
                continue
            made = SheetEntry(
                id=self._id(), case_id=case.id, name=field.name, source=told.source, entered_by=ENTERED,
                choices=[each for each in field.choices if each in told.choices], words=told.words or None,
                entered_at=entered,
            )  # fmt: skip
            if field.panels == "reworded":
                made.panel_words, made.panel_by, made.panel_at = PANEL_WORDS[field.name], ENTERED, entered
            yield made

    def claim(
        self, case: Case, at: datetime
    ) -> tuple[KnownClaim, *tuple[ClaimDecision | ClaimResponse, ...]]:
        """Something that is said of a case; what people decided of it, if they did, and chose to do about it."""
        self.claims += 1
        state = self.dice.choices(tuple(ClaimState), (4, 2, 3, 2, 2, 1))[0]
        claim = KnownClaim(
            id=self._id(), number=self.claims, case_id=case.id, title=f"Somebody hurt in {case.place}",
            text=f"It is said that somebody was hurt in {case.place}", state=state, noted_at=at, noted_by=NOTED,
            changed_at=at, first_seen_at=at, type=self.dice.choice(list(ClaimType)),
        )  # fmt: skip
        if state == ClaimState.UNVERIFIED:
            return (claim,)
        made = ClaimDecision(
            id=self._id(), claim_id=claim.id, state=state, why="The duty inspector and the hospital were asked",
            evidence=[f"LOG/{case.number}"], first=NOTED, first_role="duty_officer", asked_at=at,
            second=VERIFIED, second_role="approver", in_force_at=at + timedelta(hours=1),
        )  # fmt: skip
        claim.decision_id = made.id
        return claim, made, self._response(claim)

    def _response(self, claim: KnownClaim) -> ClaimResponse:
        false = claim.state in (ClaimState.FALSE, ClaimState.PARTIAL)
        option, title, why, _ = self.dice.choice([each for each in CHOSEN if false or not each[3]])
        views = self.dice.randrange(400, 90_000)
        return ClaimResponse(
            id=self._id(), claim_id=claim.id, option=option, title=title, policy=1, why=why,
            people=self.dice.choice((None, 4_000, 60_000)), reach={"views": views, "posts": views // 900 + 1},
            chosen_by=VERIFIED, role="approver", at=claim.noted_at + timedelta(minutes=self.dice.uniform(70, 400)),
        )  # fmt: skip

    def restricted(self, case: Case, by: UUID, at: datetime) -> Iterator[Restriction]:
        """A case in which somebody may have died, or who works here knows someone, is for a few people alone."""
        died = case.type == IncidentType.DEATH_OR_FIREARMS and case.severity == Severity.SEV1
        if died or self.dice.random() < 0.008:
            yield Restriction(
                id=self._id(), case_id=case.id, reason="death" if died else "known_to_staff",
                why="Somebody may have died" if died else "Somebody who works here knows a person in it",
                roles=["oversight_reviewer", "dps_liaison", "auditor"], set_by=by, set_at=at,
            )  # fmt: skip

    def samples(self) -> Iterator[DropSample]:
        """What was drawn of the posts that were dropped, four times a fortnight, and what somebody said of it."""
        for back in range(0, 364, 4):
            at = self.until - timedelta(days=back + 1)
            for stage in Stage:
                for _ in range(5):
                    missed = self.dice.choices((None, False, True), (10, 86, 4))[0]
                    yield DropSample(
                        id=self._id(), day=at.astimezone(LONDON).date(), stage=stage, post_id=self._id(),
                        source=f"year-{self.dice.randrange(6)}", dropped=self.dice.randrange(700, 1_100), drawn_at=at,
                        missed=missed, answered_at=None if missed is None else at + timedelta(hours=9),
                    )  # fmt: skip

    def _body_worn(self, case: Case, at: datetime) -> BodyWornVideo:
        dice = self.dice
        exists = dice.choices(("yes", "no", "unknown"), (88, 4, 8))[0]
        seen = [("Supervisor", 20), ("Professional standards", 60)][: dice.choice((1, 1, 2))]
        viewings = [
            {"role": role, "at": viewed.isoformat()}
            for role, hours in seen
            if (viewed := at + timedelta(hours=hours * dice.uniform(0.5, 1.5))) < self.until
        ]
        begun = dice.choice(("as officers left the car", "on arrival", "after hands were laid on"))
        heard = dice.choice(("30 seconds after the picture", "the start of the recording"))
        made = BodyWornVideo(
            case_id=case.id, exists=exists, encounter_s=dice.randrange(60, 2_400), changed_at=at
        )
        if exists == "yes":
            made.reference, made.activated, made.audio_from = f"BWV/{case.number}", begun, heard
            made.viewings = viewings
        return made

    def _facts(self, case: Case, at: datetime) -> Iterator[CaseFact]:
        happened = case.first_published_at - timedelta(minutes=self.dice.randrange(20, 600))
        known = {
            "place": case.place or "London",
            "happened_at": f"{happened.astimezone(LONDON):%-d %B %Y, about %H:%M}",
        }
        for name, value in known.items():
            if name == "place" or self.dice.random() > 2 * GAPS:
                yield CaseFact(
                    id=self._id(), case_id=case.id, name=name, value=value, source="Duty inspector", noted_by=NOTED,
                    noted_at=at, verified_by=VERIFIED, verified_at=at + timedelta(minutes=self.dice.randrange(2, 30)),
                )  # fmt: skip

    def _prompts(self, case: Case, at: datetime, *, answered: bool) -> Iterator[Prompt]:
        """What the tool asked, and what people decided elsewhere; never that a case was referred: findings say that."""
        parts = {name: float(n) for name, n in case.severity_parts.items() if isinstance(n, int)}
        labels = {"allegation:discrimination": 0.8} if self.dice.random() < 0.08 else {}
        facts = CaseFacts(case.severity, case.type, False, labels, parts)
        for plan in self.lifecycle.prompt:
            if not plan.fits(facts):
                continue
            last = len(plan.answers) - 1
            chances = (
                (1, 3, 6) if plan.name == "apology" else (0,) * last + (1,)
            )  # the last answer refers nothing
            answer = self.dice.choices(plan.answers, chances)[0]
            then = at + timedelta(hours=self.dice.uniform(2, 30))
            told = answered and then < self.until
            yield Prompt(
                case_id=case.id, name=plan.name, raised_at=at, because=plan.asks,
                answer=answer if told else None, decided_by="BCU commander" if told else None,
                answered_at=then if told else None, entered_by=NOTED if told else None,
                why="By what was known that day" if told else None,
            )  # fmt: skip

    def _questions(self, case: Case, at: datetime, *, answered: bool) -> Iterator[Question]:
        for text in self.dice.sample(QUESTIONS, self.dice.randrange(0, 3)):
            state = (
                self.dice.choice((AnswerState.ANSWERED, AnswerState.CANNOT_SAY))
                if answered
                else AnswerState.NOT_YET
            )
            then = at + timedelta(hours=self.dice.uniform(1, 20)) if answered else None
            yield Question(
                id=self._id(), case_id=case.id, text=text, state=state, answer=ANSWERED.get(state, ""), asked_at=at,
                asked_by=NOTED, answered_at=then, answered_by=NOTED if then else None,
            )  # fmt: skip

    def _release(self, case: Case, asked: datetime) -> BwvDecision:
        dice = self.dice
        self.releases += 1
        outcome = dice.choices(list(ReleaseOutcome), (30, 60, 10))[0]
        refused = outcome == ReleaseOutcome.DO_NOT_RELEASE
        reason, says = dice.choice(REFUSED) if refused else (None, None)
        decided = asked + timedelta(hours=dice.uniform(3, 90))
        return BwvDecision(
            id=self._id(), number=self.releases, case_id=case.id, policy="bwv-2026",
            policy_title="Release where necessary and proportionate", outcome=outcome, necessity=RELEASED.necessity,
            proportionality=RELEASED.proportionality, reason=reason, reason_says=says,
            lawful_basis="Law enforcement purposes, Part 3" if refused else None,
            why=RELEASED.refused if refused else RELEASED.why, viewed_by=["Supervisor"], encounter_s=600,
            clip_s=42.0,
            redactions=["Faces of members of the public", "Number plates"], asked_at=asked, entered_at=asked,
            first=NOTED, first_role="duty_officer", second=VERIFIED, second_role="approver",
            decided_at=decided if decided < self.until else None,
        )  # fmt: skip

    def _drawn_of(self, case: Case, *, proceedings: bool) -> Mapping[str, Told]:
        """What the records say of each field of the sheet."""
        dice, kind = self.dice, case.type
        form = "Use of force form"
        record = "Stop record" if kind == IncidentType.STOP_SEARCH else "Crime report"
        power = dice.choice(POWERS[kind].recorded)
        tactics = dice.sample(TACTICS[kind].recorded, dice.randrange(1, 3))
        forced = NO_FORCE not in tactics
        tactics = tactics if forced else [NO_FORCE]
        hurt, stands, account, complaint = (
            _weighted(dice, each) for each in (HURT, STANDS, ACCOUNTS, COMPLAINTS)
        )
        if proceedings:
            stands, account = "IOPC investigating", "Not asked for: proceedings"
        by_choice = {
            "power_claimed": ((power if power in self.fields["power_claimed"].choices else "None stated",), record),
            "power_recorded": ((power,), record),
            "tactics": (tuple(tactics), form),
            "reasons": (tuple(dice.sample(REASONS, 2)) if forced else (), form),
            "impact_factors": ((dice.choice(self.fields["impact_factors"].choices),) if forced else (), form),
            "outcome": ((dice.choice(OUTCOME),), record),
            "age_band": ((dice.choices(self.fields["age_band"].choices, (1, 14, 44, 22, 8, 2, 9))[0],), record),
            "ethnicity": ((dice.choice(self.fields["ethnicity"].choices),), record),
            "injury": ((hurt,), form),
            "officer_account": ((account,), "Supervisor"),
            "complaint": ((complaint,), "Complaints team"),
            "proceedings": ((stands,), "Professional standards"),
            "talk": (("No force",) if not forced else (dice.choice(("Yes", "No", "Unclear")),), "Secretary"),
        }  # fmt: skip
        in_words = {
            "unit": (dice.choice(UNITS), record),
            "supervisor_account": (dice.choice(PRACTICE), "Supervisor"),
            "community_concern": (dice.choice(CONCERNS), dice.choice(HEARD_AT)),
            "contact": (dice.choice(CONTACT), "BCU engagement lead"),
            "policy_questions": (dice.choice(POLICY), "Secretary"),
            "went_well": (dice.choice(WENT_WELL), "Secretary"),
            "asked": (dice.choice(ASKED), "Secretary"),
        }
        told = {name: Told(choices, "", source) for name, (choices, source) in by_choice.items() if choices}
        return told | {name: Told((), words, source) for name, (words, source) in in_words.items()}

    def _id(self) -> UUID:
        return UUID(int=self.dice.getrandbits(128), version=4)


def _weighted(dice: Random, weights: Mapping[str, int]) -> str:
    return dice.choices(list(weights), list(weights.values()))[0]
