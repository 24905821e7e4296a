"""The policies that work on cases goes by, each read from a file; without one, what it rules is not offered."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session

from collector.vault import Keyring
from triage.accountability.known import Known
from triage.oncall import OnCall
from triage.release_policy import ReleasePolicies
from triage.response_policy import ResponsePolicy
from triage.restricting import RestrictedPolicy
from triage.retention_policy import RetentionPolicy
from triage.reveal import RevealPolicy
from triage.review.cycle import Cycle
from triage.review.definitions import Definitions
from triage.review.finding_codes import FindingCodes
from triage.review.pack_checks import Checks
from triage.review.sheets import SheetField
from triage.shifts import ShiftPolicy
from triage.writing import Writing


class Policies(NamedTuple):
    """`keyring` opens the authors that a reveal shows. `writing` has the kinds of lines and what checks them,
    `known` what the service can say of itself. `permalink_key` makes the digests by which addresses are known again,
    `due` says of each class of retention how many items are due and how many held, `filed` which certificates of
    disposal are kept as files on this machine. `oncall` is who is told and on call, as its files say now."""

    restricted: RestrictedPolicy | None = None
    reveal: RevealPolicy | None = None
    keyring: Keyring | None = None
    shift: ShiftPolicy | None = None
    oncall: Callable[[], OnCall] = OnCall
    writing: Writing | None = None
    release: ReleasePolicies = ReleasePolicies()
    responses: ResponsePolicy | None = None
    retention: RetentionPolicy | None = None
    permalink_key: bytes = b""
    due: Callable[[Session, datetime], Sequence[tuple[str, int | None, int]]] = lambda _session, _now: ()
    filed: Callable[[], Collection[int]] = frozenset
    findings: FindingCodes | None = None
    sheet: tuple[SheetField, ...] = ()
    pack_checks: Checks | None = None
    known: Known | None = None
    cycle: Cycle | None = None
    figures: Definitions | None = None
