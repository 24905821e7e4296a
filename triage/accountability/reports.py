"""The reports on how people use the service, each as a sheet: judgement, alarm load, access."""

from datetime import datetime, timedelta

from sqlmodel import Session

from triage.accountability.access import UNUSED, AccessReview, read_access
from triage.accountability.alarm_load import alarm_load
from triage.accountability.judgement import ENOUGH, QUICK_S, Judged, judgement
from triage.accountability.sheet import Section, Sheet, Table

DAYS = 30


def of_judgement(session: Session, *, now: datetime) -> Sheet:
    """How often and how fast people overrule what is proposed."""
    found = judgement(session, now - timedelta(days=DAYS), now)
    doubts = [(each.says, each.doubt) for each in found if each.doubt]
    return Sheet(
        "judgement",
        "Overruling and time taken",
        f"How often people overrule the machine and one another in {DAYS} days, and how long they take. By kind of "
        "decision, never by person.",
        now,
        "the log",
        [
            Section(
                "Ask about",
                doubts or [("Nothing stands out", f"of what was decided at least {ENOUGH} times")],
            ),
            Section("Decisions", tables=[_decisions(found)]),
        ],
    )


def _decisions(found: list[Judged]) -> Table:
    return Table(
        f"Each kind of decision in {DAYS} days; time is from opening the case within the hour before",
        ("Decision", "As proposed", "Overruled", "Share overruled (95%)", "People", "Median time", f"Under {QUICK_S} s",
         "Without opening the case"),
        [
            (
                each.says,
                f"{each.along:,}",
                f"{each.against:,}",
                "{:.0%} ({:.0%} to {:.0%})".format(*each.overruled) if each.overruled else "not told",
                f"{each.people}",
                "not known" if each.median_s is None else _length(each.median_s),
                f"{each.quick:,} of {each.timed:,}",
                f"{each.unseen:,}",
            )
            for each in found
        ],
    )  # fmt: skip


def _length(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def of_alarms(session: Session, *, now: datetime) -> Sheet:
    """What the duty desk has to bear."""
    load = alarm_load(session, now - timedelta(days=DAYS), now)
    judged = {True: "yes", False: "no", None: "not told"}
    return Sheet(
        "alarm-load",
        "Alarm load",
        f"How often the duty desk was interrupted in {DAYS} days, beside what EEMUA 191 and ISA 18.2 call bearable for "
        "one person. What came for one case in one minute is one alarm.",
        now,
        "the log and the table alerts",
        [
            Section(
                "Load",
                tables=[
                    Table(
                        f"{load.alarms:,} alarms",
                        ("Measure", "Seen", "Bearable", "Within it"),
                        [(each.says, each.seen, each.bearable, judged[each.well]) for each in load.measures],
                    )
                ],
            ),
            Section(
                "What alarms",
                tables=[
                    Table("Most often", ("Rule or reason", "Alarms"), [(why, f"{n:,}") for why, n in load.often]),
                    Table(
                        "Alerts that page, by severity of the case",
                        ("Severity", "Alerts"),
                        [(f"SEV{level}", f"{count:,}") for level, count in load.levels],
                    ),
                ],
            ),
        ],
    )  # fmt: skip


def of_access(session: Session, *, now: datetime) -> Sheet:
    """Who may do what, and what to ask."""
    found = read_access(session, now=now)
    return Sheet(
        "access",
        "Access review",
        "Who may do what, when they last came, and what to ask. A data steward goes through it every quarter.",
        now,
        "the tables people and log_entries, and triage/permissions.py",
        [
            Section("State", _state(found, now)),
            Section("Accounts", tables=[_accounts(found)]),
        ],
    )  # fmt: skip


def _state(found: AccessReview, now: datetime) -> list[tuple[str, str]]:
    last = f"{found.reviewed_at:%-d %B %Y} by {found.reviewed_by}" if found.reviewed_at else "never"
    due = f"{found.due_at:%-d %B %Y}" + (", overdue" if found.due_at <= now else "")
    return [
        ("Last gone through", last),
        ("Due", due),
        ("Accounts that can sign in", f"{len(found.held)}"),
        ("To ask about", f"{found.to_ask}"),
        ("Closed accounts", f"{found.disabled}"),
    ]


def _accounts(found: AccessReview) -> Table:
    return Table(
        f"Every account that can sign in; unused is {UNUSED.days} days",
        ("Account", "Roles", "Desks", "Last signed in", "Ask"),
        [
            (
                each.person.username,
                ", ".join(role.replace("_", " ") for role in each.person.roles) or "none",
                ", ".join(each.person.desks) or "none",
                f"{each.last_came_at:%-d %B %Y}" if each.last_came_at else "never",
                "; ".join(each.asks) or "-",
            )
            for each in found.held
        ],
        none="There is no account.",
    )
