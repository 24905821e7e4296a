"""Runs the migrations on the connection `config.database.migrate` passes in."""

from typing import Any

from alembic import context

import classifier.learning_records
import classifier.records
import collector.door_records
import collector.evidence_records
import collector.footage_records
import collector.hold_records
import collector.records
import collector.refused_records
import triage.backup_records
import triage.claim_records
import triage.escalation_records
import triage.growth_records
import triage.hold_records
import triage.learning_records
import triage.notification_records
import triage.oncall_records
import triage.records
import triage.release_records
import triage.restriction_records
import triage.retention_records
import triage.reveal_records
import triage.review.finding_records
import triage.review.meeting_records
import triage.review.pack_records
import triage.rights_records
import triage.rule_records
import triage.search_records
import triage.shift_records
import triage.sign_in_records
import triage.slip_records
import triage.statement_records
import triage.switch_records
import triage.track_records

__all__ = ["classifier", "collector", "triage"]


def is_ours(thing: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
    """Leave out the engine's tables, and the months that PostgreSQL lists beside their table."""
    if kind != "table" or name is None:
        return True
    return not name.startswith("procrastinate_") and thing.info.get("ours", name in OURS)


OURS = set(collector.records.Record.metadata.tables)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=collector.records.Record.metadata,
    include_object=is_ours,
    transaction_per_migration=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
