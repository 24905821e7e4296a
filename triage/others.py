"""Whom else a case is for, beside our desks: as the rules in force say of its posts. A person tells them."""

from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from triage.rule_changes import in_force
from triage.rule_records import RulesVersion
from triage.rules import Rules, RulesError, parse_rules

_RULES = text("SELECT DISTINCT rule FROM routings WHERE case_id = :case")


class Other(NamedTuple):
    """Somebody no desk stands for, and why they should hear."""

    title: str
    because: str


def others_of(session: Session, case_id: UUID) -> list[Other]:
    """In the order of the rules, each once."""
    digest = in_force(session)
    kept = session.get(RulesVersion, digest) if digest else None
    rules = _read(kept.words) if kept else None
    if rules is None:
        return []
    decided = set(session.scalars(_RULES, {"case": case_id}))
    found: dict[str, str] = {}
    for rule in rules.rules:
        if rule.name in decided:
            for name in rule.also:
                found.setdefault(rules.others[name], rule.because)
    return [Other(title, because) for title, because in found.items()]


@lru_cache(maxsize=4)
def _read(words: str) -> Rules | None:
    try:
        return parse_rules(words, "rules")
    except RulesError:
        return None
