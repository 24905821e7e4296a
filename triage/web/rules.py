"""The rules: which decide now, in plain words; what is proposed, with its rehearsal; two people change them."""

from collections.abc import Callable, Sequence
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session, col, select

from triage import rule_changes
from triage.hidden import hidden_cases
from triage.rehearsal_report import Ref, Rehearsed, read_kept
from triage.rule_records import RulesChange
from triage.rule_words import Difference, differences, summary, then, when
from triage.rules import Rule, Rules, RulesError, in_brief
from triage.web.visit import Visit, Visiting

router = APIRouter()

PAST, REFS = 10, 40


class Proposed(NamedTuple):
    """What waits for a second person. `wrong` says why it cannot be agreed to, if it cannot be read."""

    change: RulesChange
    differences: list[Difference]
    found: Rehearsed | None
    said: list[str]
    gained: list[Ref]
    lost: list[Ref]
    wrong: str


@router.get("/rules")
def rules(visit: Visiting) -> HTMLResponse:
    """Everything about them on one page; the acts only for those who may."""
    session = visit.session
    live = rule_changes.stack(session)
    in_force, wrong = _read(session, live[-1]) if live else (None, "")
    on_disk = visit.room.rules_on_disk()
    return visit.page(
        "rules.html",
        live=in_brief(live[-1]) if live else None,
        before=in_brief(live[-2]) if len(live) > 1 else None,
        since=_since(session),
        table=_table(in_force) if in_force else [],
        fresh_for=in_force.fresh_for if in_force else None,
        wrong=wrong,
        proposed=_proposed(session, in_force),
        other_on_disk=in_brief(on_disk)
        if on_disk and live and not rule_changes.agreed_to(session, on_disk)
        else None,
        past=_past(session),
        in_brief=in_brief,
    )


@router.post("/rules/back")
def back(visit: Visiting, why: Annotated[str, Form(max_length=500)] = "") -> Response:
    """Go back to the rules before, at once."""
    return _act(
        visit,
        "rules-back",
        lambda: rule_changes.roll_back(visit.session, who=visit.person, why=why, now=visit.now),
    )


@router.post("/rules/{asked}/agree")
def agree(visit: Visiting, asked: UUID, digest: Annotated[str, Form(max_length=64)] = "") -> Response:
    """`digest` is that of the rules the page showed."""
    return _act(
        visit,
        "rules-agreed",
        lambda: rule_changes.agree(visit.session, asked, digest, who=visit.person, now=visit.now),
    )


@router.post("/rules/{asked}/refuse")
def refuse(visit: Visiting, asked: UUID) -> Response:
    return _act(
        visit,
        "rules-refused",
        lambda: rule_changes.refuse(visit.session, asked, who=visit.person, now=visit.now),
    )


def _act(visit: Visit, said: str, change: Callable[[], object]) -> Response:
    return visit.attempt(change, "/rules") or visit.back(said, "/rules")


def _read(session: Session, digest: str) -> tuple[Rules | None, str]:
    try:
        return rule_changes.rules_of(session, digest), ""
    except (RulesError, rule_changes.NotWhatWasAgreed) as error:
        return None, str(error)


def _table(rules: Rules) -> list[tuple[Rule, list[str], str, list[str]]]:
    """Each rule with its conditions, what follows, and whom else it is for."""
    return [
        (rule, when(rule), then(rule), [rules.others[name] for name in rule.also]) for rule in rules.rules
    ]


def _proposed(session: Session, in_force: Rules | None) -> Proposed | None:
    change = rule_changes.waiting(session)
    if change is None:
        return None
    changed, wrong = _read(session, change.digest)
    found = read_kept(change.rehearsal)
    return Proposed(
        change=change,
        differences=differences(in_force, changed) if in_force and changed else [],
        found=found,
        said=summary(found) if found else [],
        gained=_shown(session, found.gained) if found else [],
        lost=_shown(session, found.lost) if found else [],
        wrong=wrong,
    )


def _shown(session: Session, refs: Sequence[Ref]) -> list[Ref]:
    """Those of cases that are not hidden from whoever looks."""
    hidden = set(hidden_cases(session))
    return [each for each in refs if each.case not in hidden][:REFS]


def _since(session: Session) -> RulesChange | None:
    lived = select(RulesChange).where(col(RulesChange.since).is_not(None))
    return session.exec(lived.order_by(col(RulesChange.since).desc())).first()


def _past(session: Session) -> list[RulesChange]:
    lived = select(RulesChange).where(col(RulesChange.since).is_not(None))
    return list(session.exec(lived.order_by(col(RulesChange.since).desc()).limit(PAST)))
