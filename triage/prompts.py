"""A prompt: the tool asks whether a decision is due and times it. People decide, elsewhere, and enter it here.

Nothing is declared and nothing is referred from here.
"""

from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from classifier.records import Assessment, IncidentType
from triage.lifecycle import CaseFacts, Due, Lifecycle, PromptPlan
from triage.locked import Conflict, touch
from triage.log import MACHINE, Line, note
from triage.records import Case, Clock, Desk, Membership, Person
from triage.track_records import Prompt
from triage.tracks import hold_track, start_by


def raise_prompts(session: Session, case: Case, lifecycle: Lifecycle, *, now: datetime) -> list[str]:
    """Ask what fits a case that the caller has locked and was not asked before. Returns the names."""
    asked = set(session.scalars(select(Prompt.name).where(Prompt.case_id == case.id)))
    new = [each for each in lifecycle.prompt if each.name not in asked]
    if not new:
        return []
    facts = _facts(session, case, labels=any(each.labels for each in new))
    fitting = [each for each in new if each.fits(facts)]
    for each in fitting:
        _raise(session, case, each, _because(each, facts), lifecycle, now=now)
        note(session, [Line("asked", case.id, each.title, {"prompt": each.name})], who=MACHINE, now=now)
    return [each.name for each in fitting]


def raise_prompt(
    session: Session, case_id: UUID, name: str, lifecycle: Lifecycle, *, who: Person, why: str, now: datetime
) -> None:
    """Ask by hand: someone sees that a decision is due. Its time counts from now."""
    plan = _plan(lifecycle, name)
    case, _ = hold_track(session, case_id, plan.track, who=who)
    if session.get(Prompt, (case_id, name)) is not None:
        raise Conflict(f"“{plan.title}” stands on this case already.")
    if not why.strip():
        raise Conflict("Say why it is to be decided.")
    _raise(session, case, plan, why.strip(), lifecycle, now=now)
    touch(session, case, "asked", who=who, now=now, why=why.strip(), detail={"prompt": name})


def answer_prompt(
    session: Session,
    case_id: UUID,
    name: str,
    answer: str,
    lifecycle: Lifecycle,
    *,
    decided_by: str,
    why: str,
    who: Person,
    now: datetime,
) -> Prompt:
    """Enter what someone decided elsewhere: their post, not their name. A later answer replaces it; the log keeps
    both."""
    plan = _plan(lifecycle, name)
    case, track = hold_track(session, case_id, plan.track, who=who)
    prompt = session.get(Prompt, (case_id, name), populate_existing=True)
    if prompt is None:
        raise Conflict(f"“{plan.title}” was not asked on this case.")
    if answer not in plan.answers:
        raise Conflict(f"Choose what was decided: {' or '.join(plan.answers)}.")
    if decided_by not in lifecycle.roles:
        raise Conflict("Choose the post that decided. Names are not entered here.")
    if not why.strip():
        raise Conflict("Say why it was decided so: the review meeting reads the reason.")
    prompt.answer, prompt.decided_by, prompt.why = answer, decided_by, why.strip()
    prompt.answered_at, prompt.entered_by = now, who.username
    track.version += 1
    session.flush()
    _stop_clock(session, case, plan, lifecycle, by=who.username, now=now)
    detail = {"prompt": name, "answer": answer, "decided_by": decided_by}
    touch(session, case, "decision entered", who=who, now=now, why=why.strip(), detail=detail)
    return prompt


def _raise(
    session: Session, case: Case, plan: PromptPlan, because: str, lifecycle: Lifecycle, *, now: datetime
) -> None:
    session.add(Prompt(case_id=case.id, name=plan.name, raised_at=now, because=because))
    session.flush()
    track = lifecycle.track_of(plan.clock) if plan.clock else None
    if plan.clock and plan.by and track:
        desk: Desk = lifecycle.plan(track).desk
        due = Due(plan.clock, desk, lifecycle.when(plan.by, now))
        start_by(session, case, [due], lifecycle, now=now)


def _stop_clock(
    session: Session, case: Case, plan: PromptPlan, lifecycle: Lifecycle, *, by: str, now: datetime
) -> None:
    """Stop the prompt's clock once no other prompt with it waits."""
    sharing = [each.name for each in lifecycle.prompt if each.clock == plan.clock]
    waiting = select(Prompt.name).where(
        Prompt.case_id == case.id, col(Prompt.name).in_(sharing), col(Prompt.answer).is_(None)
    )
    if plan.clock is None or session.scalars(waiting).first() is not None:
        return
    running = select(Clock).where(
        Clock.case_id == case.id, Clock.name == plan.clock, col(Clock.stopped_at).is_(None)
    )
    for clock in session.scalars(running):
        clock.stopped_at, clock.stopped_by = now, by
        clock.paused_at = clock.paused_because = None


def _facts(session: Session, case: Case, *, labels: bool) -> CaseFacts:
    parts = case.severity_parts
    surest: dict[str, float] = {}
    if labels:
        told = select(Assessment.labels).join(Membership, col(Membership.post_id) == col(Assessment.post_id))
        for each in session.scalars(told.where(Membership.case_id == case.id, col(Membership.sure))):
            surest |= {name: max(p, surest.get(name, 0.0)) for name, p in each.items()}
    points = {name: float(value) for name, value in parts.items() if isinstance(value, int | float)}
    return CaseFacts(case.severity, IncidentType(case.type), bool(parts.get("triggers")), surest, points)


def _because(plan: PromptPlan, facts: CaseFacts) -> str:
    """Which conditions held, in words; none of a post's."""
    said = [f"SEV{facts.severity}"] if plan.severity else []
    said += [facts.type.value.replace("_", " ")] if plan.types else []
    said += ["a hard trigger was found"] if plan.trigger else []
    said += [f"{name.partition(':')[2] or name} alleged".replace("_", " ") for name in plan.labels
             if facts.labels.get(name, 0.0) >= plan.labels[name]]  # fmt: skip
    said += [f"{name.replace('_', ' ')} {facts.parts[name]:g}" for name in plan.parts]
    return ", ".join(said) or "always asked"


def _plan(lifecycle: Lifecycle, name: str) -> PromptPlan:
    for each in lifecycle.prompt:
        if each.name == name:
            return each
    raise Conflict("There is no such prompt.")
