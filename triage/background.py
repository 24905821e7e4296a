"""Background: which explainers are offered with the lines of a case."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlmodel import Session

from triage.records import Case
from triage.writing import Explainer

PROBABLE = 0.5
NEWEST = 200  # posts that are asked what they speak of: in a flood all say the same

_SPOKEN = text("""
    SELECT DISTINCT l.name
    FROM (SELECT post_id FROM memberships WHERE case_id = :case AND sure ORDER BY joined_at DESC LIMIT :newest) AS m
    JOIN assessments AS a ON a.post_id = m.post_id CROSS JOIN LATERAL jsonb_each(a.labels) AS l (name, p)
    WHERE l.p::float >= :probable AND split_part(l.name, ':', 1) IN ('tactic', 'power')
""")


def offered(session: Session, case: Case, explainers: Sequence[Explainer]) -> list[Explainer]:
    """Those on the tactics and powers that the case's posts speak of; when they name none that is explained, those for
    its type. That posts speak of a tactic does not mean that it was used."""
    asked = {"case": case.id, "newest": NEWEST, "probable": PROBABLE}
    spoken = set(session.scalars(_SPOKEN, asked))
    named = [each for each in explainers if spoken & set(each.labels)]
    return named or [each for each in explainers if not each.types or case.type in each.types]
