"""A permission: one thing a person may do here. Roles carry them; what no role of a person carries is denied.

The roles and what each may see are those of the force's policy (docs/operating.md, people and roles). Holding
several adds them up. `admin` looks after accounts and configuration and reads no case.
"""

from collections.abc import Mapping
from enum import StrEnum

from triage.records import Person, Role


class Permission(StrEnum):
    """`OWN_ACCOUNT` is everybody's."""

    OWN_ACCOUNT = "own_account"
    SEE_COUNTS = "see_counts"
    READ_CASES = "read_cases"
    TRIAGE = "triage"
    ACKNOWLEDGE = "acknowledge"
    BREAK_CLAIM = "break_claim"
    READ_REVIEWS = "read_reviews"
    RUN_REVIEWS = "run_reviews"
    SEAT_PEOPLE = "seat_people"
    READ_PANEL = "read_panel"
    READ_SOURCES = "read_sources"
    TEND_SOURCES = "tend_sources"
    READ_LOG = "read_log"
    REVEAL = "reveal"
    ADD_FOOTAGE = "add_footage"
    EXPORT = "export"
    EXPORT_WHOLE = "export_whole"
    CHECK_DROPPED = "check_dropped"
    READ_MODEL = "read_model"
    CHANGE_MODEL = "change_model"
    READ_RULES = "read_rules"
    CHANGE_RULES = "change_rules"
    DECIDE_CLAIM = "decide_claim"
    WORK_TRACKS = "work_tracks"
    WORK_COMMS = "work_comms"
    WORK_CONDUCT = "work_conduct"
    WORK_OVERSIGHT = "work_oversight"
    WORK_COMMUNITY = "work_community"
    SET_SEVERITY = "set_severity"
    RESTRICT = "restrict"
    SUPERVISE = "supervise"
    READ_REVEALS = "read_reveals"
    UNLOCK_REVEALS = "unlock_reveals"
    NOTE_FACT = "note_fact"
    VERIFY_FACT = "verify_fact"
    APPROVE_LINE = "approve_line"
    DECIDE_RELEASE = "decide_release"
    MAKE_PACKS = "make_packs"
    RELEASE_PACKS = "release_packs"
    READ_PACKS = "read_packs"
    DECIDE_FINDING = "decide_finding"
    READ_ACCOUNTABILITY = "read_accountability"
    REVIEW_ACCESS = "review_access"
    SWITCH = "switch"
    READ_ERRORS = "read_errors"
    READ_RETENTION = "read_retention"
    READ_HOLDS = "read_holds"
    SET_HOLD = "set_hold"
    SIGN_HOLD = "sign_hold"
    ANSWER_RIGHTS = "answer_rights"


P = Permission
READING = frozenset({P.SEE_COUNTS, P.READ_CASES, P.READ_SOURCES, P.READ_RULES})
TELLING = frozenset({P.WORK_TRACKS, P.WORK_COMMS})  # what the public and the community hear
TELLING_PEOPLE = TELLING | {P.WORK_COMMUNITY}
REVIEWING = frozenset({P.WORK_TRACKS, P.WORK_CONDUCT, P.WORK_OVERSIGHT, P.WORK_COMMUNITY})

GRANTS: Mapping[str, frozenset[Permission]] = {
    Role.VIEWER: frozenset({P.SEE_COUNTS}),
    Role.TRIAGE: READING | TELLING_PEOPLE | {P.TRIAGE, P.ADD_FOOTAGE, P.NOTE_FACT},
    Role.DUTY_OFFICER: READING
    | TELLING_PEOPLE
    | REVIEWING
    | {P.SET_SEVERITY, P.CHANGE_RULES}
    | {P.REVEAL, P.TRIAGE, P.ADD_FOOTAGE, P.ACKNOWLEDGE, P.BREAK_CLAIM, P.TEND_SOURCES}
    | {P.CHECK_DROPPED, P.READ_MODEL, P.DECIDE_CLAIM, P.RESTRICT, P.SUPERVISE}
    | {P.NOTE_FACT, P.VERIFY_FACT, P.SWITCH, P.READ_ERRORS},
    Role.APPROVER: READING
    | TELLING
    | {P.DECIDE_CLAIM, P.NOTE_FACT, P.VERIFY_FACT, P.APPROVE_LINE, P.DECIDE_RELEASE},
    Role.OVERSIGHT_REVIEWER: READING
    | REVIEWING
    | {P.SET_SEVERITY, P.CHANGE_RULES}
    | {P.TRIAGE, P.ADD_FOOTAGE, P.EXPORT, P.ACKNOWLEDGE, P.READ_REVIEWS}
    | {P.RUN_REVIEWS, P.SEAT_PEOPLE, P.READ_PANEL}
    | {P.CHECK_DROPPED, P.READ_MODEL, P.CHANGE_MODEL, P.DECIDE_CLAIM, P.RESTRICT, P.READ_REVEALS}
    | {P.NOTE_FACT, P.VERIFY_FACT, P.DECIDE_RELEASE, P.DECIDE_FINDING, P.READ_ACCOUNTABILITY}
    | {P.SWITCH, P.READ_ERRORS, P.MAKE_PACKS, P.RELEASE_PACKS, P.READ_PACKS},
    Role.PANEL_VIEWER: frozenset({P.READ_PANEL, P.READ_PACKS}),
    Role.DPS_LIAISON: frozenset({P.REVEAL, P.SEE_COUNTS, P.READ_CASES, P.EXPORT, P.EXPORT_WHOLE})
    | {P.WORK_TRACKS, P.WORK_CONDUCT, P.RESTRICT, P.READ_HOLDS, P.SET_HOLD},
    Role.DATA_STEWARD: frozenset(
        {P.SEE_COUNTS, P.READ_SOURCES, P.TEND_SOURCES, P.READ_LOG, P.READ_MODEL, P.CHANGE_MODEL}
    )
    | {P.READ_REVEALS, P.UNLOCK_REVEALS, P.READ_ACCOUNTABILITY, P.REVIEW_ACCESS, P.SWITCH, P.READ_ERRORS}
    | {P.READ_RETENTION, P.READ_HOLDS, P.SIGN_HOLD, P.ANSWER_RIGHTS, P.RELEASE_PACKS, P.READ_PACKS},
    Role.ADMIN: frozenset({P.SEE_COUNTS, P.READ_SOURCES, P.TEND_SOURCES, P.READ_MODEL, P.CHANGE_MODEL})
    | {P.READ_RULES, P.CHANGE_RULES, P.READ_ACCOUNTABILITY, P.SWITCH, P.READ_ERRORS, P.SEAT_PEOPLE},
    Role.AUDITOR: frozenset({P.READ_LOG, P.READ_ACCOUNTABILITY, P.READ_RETENTION, P.READ_ERRORS}),
}
SMALL_TEAM = (Role.TRIAGE, Role.DUTY_OFFICER, Role.APPROVER, Role.OVERSIGHT_REVIEWER, Role.ADMIN)


class Denied(Exception):
    """None of a person's roles allows this; the text is shown as it stands."""

    def __init__(self, permission: Permission) -> None:
        super().__init__("Your roles do not allow this. Whoever looks after the accounts can change them.")
        self.permission = permission


def may(person: Person, permission: Permission) -> bool:
    """Whether one of the person's roles carries the permission."""
    if person.disabled_at is not None:
        return False
    if permission == Permission.OWN_ACCOUNT:
        return True
    return any(permission in GRANTS.get(role, ()) for role in person.roles)


def need(person: Person, permission: Permission) -> None:
    """Raises Denied."""
    if not may(person, permission):
        raise Denied(permission)
