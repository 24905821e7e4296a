"""Figures: counted from the journal alone, the same at any time later, and the same as counted by somebody else."""

import json
import os
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from config.settings import HERE, Settings
from tests.config.test_year import UNTIL, fill
from tests.make import NOON, make_alert, make_case, make_post
from tests.recount.recount import recount
from tests.triage.review.deciding import meeting, reviewer
from tests.triage.review.years import fill_out, make_finding
from triage.actions import confirm, dismiss, reopen
from triage.locked import Conflict
from triage.records import Case, Clock, Desk, LogEntry, Membership, Person, Status
from triage.restriction_records import Restriction
from triage.review.counting import LONDON
from triage.review.definitions import Definitions, DefinitionsError, read_definitions
from triage.review.figures import Figures, Period
from triage.review.figures_json import as_plain
from triage.review.figuring import COUNTED, IN_NUMERATOR, NOT_COUNTED, figures_as_of
from triage.review.finding_records import Finding
from triage.review.journal import count, read_journal
from triage.review.measuring import months
from triage.review.pack_records import SheetEntry
from triage.review.printing import note_printed
from triage.statement_records import Statement

FILE = HERE / "review" / "figures.toml"
DEFINED = read_definitions(FILE)


def london(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(), LONDON)


FORTNIGHT = Period(london("2026-07-06"), london("2026-07-20"))


def made(session: Session, *, now: datetime = NOON, period: Period = FORTNIGHT, **given: Any) -> Figures:
    """The figures after counting what changed."""
    count(session, now=now)
    session.commit()
    return figures_as_of(session, period, DEFINED, at=now, **given)


def exported(session: Session) -> list[dict[str, Any]]:
    """The log as its export has it."""
    return [
        json.loads(json.dumps({"seq": e.seq, "at": e.at.isoformat(), "case_id": str(e.case_id) if e.case_id else None,
                               "what": e.what, "detail": e.detail}))
        for e in session.exec(select(LogEntry).order_by(col(LogEntry.seq)))
    ]  # fmt: skip


def compared(found: Figures, again: dict[str, Any]) -> None:
    """Every number of ours against the other count."""
    for ours, theirs in ((found.figures, again["figures"]), (found.before, again["before"])):
        assert {
            each.name: {"n": each.n, "of": each.of, "value": each.value, "low": each.low, "high": each.high}
            for each in ours
        } == theirs
    for table in found.tables:
        words = next(each.lines for each in DEFINED.table if each.name == table.name)
        known = {label: value for value, label in words.items()}
        counted = {
            known.get(each.label, each.label).replace("_", " "): [cell.n for cell in each.cells]
            for each in (*table.lines, table.total)
            if each.cells[0].n
        }
        theirs = {label.replace("_", " "): n for label, n in again["tables"][table.name].items()}
        assert counted == theirs, table.name
    assert {each.name: [point.value for point in each.points] for each in found.charts} == again["charts"]


@pytest.fixture
def year(engine: Engine, settings: Settings) -> Session:
    """A whole year with GOLDENHOUR_TEST_WHOLE_YEAR, else a small one."""
    fill(engine, settings, 1_500 if os.environ.get("GOLDENHOUR_TEST_WHOLE_YEAR") else 120)
    session = Session(engine)
    fill_out(session)
    return session


def test_every_figure_of_a_year_is_the_same_when_somebody_else_counts_it(year: Session) -> None:
    with year as session:
        pack = Period(london("2026-06-03"), london("2026-07-01"))
        found = made(session, now=UNTIL, period=pack)
        assert found.figure("reviewed").n
        assert found.figure("reviewed_concern").of == found.figure("reviewed").n
        lines = exported(session)
        compared(found, recount(lines, *pack, as_of=UNTIL))
        for number in range(1, 4):
            since = london("2026-06-17") - timedelta(days=84 * number)
            period = Period(since, since + timedelta(days=14))
            compared(figures_as_of(session, period, DEFINED, at=UNTIL), recount(lines, *period, as_of=UNTIL))


def _act(session: Session, dice: Random, who: Person, review: UUID, now: datetime) -> None:
    """One thing somebody does, drawn at random; what cannot be done is not done."""
    cases = session.exec(select(Case).order_by(col(Case.number))).all()
    case = dice.choice(cases)
    kind = dice.randrange(7)
    try:
        if kind == 0:
            session.add(make_case(opened_at=now, first_published_at=now - timedelta(hours=dice.randrange(9)),
                                  last_post_at=now, severity=dice.randrange(1, 5), borough="Brent"))  # fmt: skip
        elif kind == 1:
            dismiss(session, case.id, who=who, status=Status.NOISE, why="nothing in it", now=now)
        elif kind == 2:
            confirm(session, case.id, who=who, now=now)
        elif kind == 3:
            reopen(session, case.id, who=who, why="there is more", now=now)
        elif kind == 4:
            session.merge(Clock(id=case.id, case_id=case.id, name="first_line", desk=Desk.COMMS, started_at=now,
                                due_at=now + timedelta(hours=1), stopped_at=now + timedelta(hours=dice.randrange(3))
                                if dice.random() < 0.5 else None))  # fmt: skip
        else:
            before = session.exec(
                select(Finding).where(Finding.case_id == case.id, col(Finding.superseded_at).is_(None))
            ).first()
            if before is not None:
                before.superseded_at = now
                session.flush()
            version = before.version + 1 if before else 1
            session.add(make_finding(case.id, review, dice, at=now, version=version))
        session.flush()
    except Conflict:
        return


@pytest.mark.parametrize("seed", range(3))
def test_figures_of_any_past_moment_are_those_printed_then(session: Session, seed: int) -> None:
    dice = Random(seed)
    who = reviewer(session, roles=["triage", "oversight_reviewer", "duty_officer"])
    review = meeting(session, make_case(), make_case(severity=2)).id
    session.commit()
    printed: list[tuple[datetime, Period, dict[str, Any]]] = []
    now = NOON
    for _ in range(12):
        for _ in range(dice.randrange(1, 5)):
            now += timedelta(hours=dice.randrange(1, 9))
            _act(session, dice, who, review, now)
            session.commit()
        period = dice.choice((FORTNIGHT, Period(FORTNIGHT.until, FORTNIGHT.until + timedelta(days=14))))
        found = made(session, now=now, period=period)
        note_printed(session, found, into="pack", who=who.username, now=now)
        session.commit()
        printed.append((now, period, as_plain(found)))
    lines = exported(session)
    session.execute(text("TRUNCATE cases, reviews, statements CASCADE"))  # whatever became of the rows
    session.commit()
    for at, period, then in printed:
        again = figures_as_of(session, period, DEFINED, at=at)
        assert as_plain(again) == then
        assert as_plain(figures_as_of(session, period, DEFINED, at=at, entry=then["entry"])) == then
        compared(again, recount(lines, *period, as_of=at))


def test_what_did_not_change_is_not_written_again(session: Session) -> None:
    session.add_all([make_case(), make_case()])
    session.commit()
    assert count(session, now=NOON) == 3  # two cases, and the boroughs
    session.commit()
    assert count(session, now=NOON + timedelta(days=1)) == 0


def test_no_words_of_the_public_are_in_the_journal(session: Session) -> None:
    case, post = make_case(title="A secret title", place="Rye Lane"), make_post("secret words of a post")
    session.add_all([case, post])
    session.flush()
    session.add(Membership(post_id=post.id, case_id=case.id, how="first", joined_at=NOON))
    session.add(
        Statement(
            case_id=case.id, template="aware", text="secret line", author="secret-author", drafted_at=NOON
        )
    )
    session.commit()
    made(session)
    assert "secret" not in json.dumps(exported(session))
    assert "Rye Lane" not in json.dumps(exported(session))


def decided(session: Session, *, concern: bool, at: datetime = NOON) -> tuple[Case, Finding]:
    case = make_case()
    review = meeting(session, case, at=at)
    finding = Finding(case_id=case.id, review_id=review.id, code="CONDUCT-DPS" if concern else "PROFESSIONAL",
                      concern=concern, decision="d", why="w", entered_by="tom", entered_at=at)  # fmt: skip
    session.add(finding)
    session.flush()
    return case, finding


def test_reviewed_and_of_concern_are_cases_of_the_meetings_of_the_period(session: Session) -> None:
    decided(session, concern=True)
    twice, _ = decided(session, concern=False, at=NOON - timedelta(hours=1))
    review = meeting(session, at=NOON - timedelta(days=2))
    session.add(make_finding(twice.id, review.id, Random(1), at=NOON))
    decided(session, concern=True, at=NOON - timedelta(days=40))
    session.flush()
    found = made(session, now=NOON + timedelta(minutes=1))
    assert found.figure("reviewed").shown == "2"
    concern = found.figure("reviewed_concern")
    assert (concern.n, concern.of) == (1, 2)
    assert concern.shown.startswith("1 of 2 (50.0%; 95% interval ")
    assert len(concern.denominator) == 2


def test_what_is_entered_or_corrected_behind_a_pack_is_listed_with_what_changed(session: Session) -> None:
    right, finding = decided(session, concern=False)
    first = made(session, now=NOON + timedelta(days=6))
    assert not first.changes
    note_printed(session, first, into="pack", who="tom", now=NOON + timedelta(days=6))
    session.commit()
    finding.superseded_at = NOON + timedelta(days=8)
    session.flush()
    session.add(Finding(case_id=right.id, review_id=finding.review_id, version=2, code="CONDUCT-DPS", concern=True,
                        decision="d", why="w", entered_by="tom", entered_at=NOON + timedelta(days=8)))  # fmt: skip
    late, _ = decided(session, concern=False, at=NOON + timedelta(days=1))
    later = Period(FORTNIGHT.until, FORTNIGHT.until + timedelta(days=14))
    found = made(session, now=NOON + timedelta(days=19), period=later)
    told = {(each.figure, each.row.case, each.was, each.now) for each in found.changes}
    assert ("reviewed_concern", right.number, COUNTED, IN_NUMERATOR) in told
    assert ("reviewed", late.number, NOT_COUNTED, COUNTED) in told
    again = recount(exported(session), *later, as_of=NOON + timedelta(days=19))["changes"]
    assert {(name, int(row.split()[0][3:])) for name, row, *_ in again} == {
        (each.figure, each.row.case) for each in found.changes if each.figure != "reviewed"
    }


def test_a_restricted_case_is_in_no_figure_unless_asked_for(session: Session) -> None:
    hidden, _ = decided(session, concern=True)
    who = reviewer(session)
    session.add(Restriction(case_id=hidden.id, reason="r", why="w", set_by=who.id, set_at=NOON))
    session.flush()
    found = made(session, now=NOON + timedelta(minutes=1))
    assert (found.figure("reviewed").n, found.figure("cases_new").n) == (0, 0)
    whole = figures_as_of(session, FORTNIGHT, DEFINED, at=NOON + timedelta(minutes=1), restricted=True)
    assert (whole.figure("reviewed").n, whole.figure("cases_new").n) == (1, 1)
    assert found.statements[-1] != whole.statements[-1]


def test_of_an_official_record_what_was_done_is_counted_and_never_to_whom(session: Session) -> None:
    case = make_case()
    session.add(case)
    session.flush()
    for name, choices in (("tactics", ["Baton"]), ("ethnicity", ["Mixed"]), ("age_band", ["11 to 17"])):
        session.add(
            SheetEntry(
                case_id=case.id, name=name, choices=choices, source="s", entered_by="tom", entered_at=NOON
            )
        )
    session.flush()
    found = made(session, now=NOON + timedelta(minutes=1))
    assert [line.label for line in found.table("recorded_tactic").lines] == ["Baton"]
    written = json.dumps(exported(session))
    assert "Mixed" not in written
    assert "11 to 17" not in written


def test_a_purged_case_counts_on(session: Session) -> None:
    case = make_case()
    session.add(case)
    session.commit()
    before = made(session, now=NOON + timedelta(minutes=1))
    session.delete(case)
    session.commit()
    after = made(session, now=NOON + timedelta(hours=1))
    assert before.figure("cases_new").numerator == after.figure("cases_new").numerator != ()


def test_a_line_that_moves_to_another_case_counts_once(session: Session) -> None:
    one, other = make_case(), make_case()
    session.add_all([one, other])
    session.flush()
    line = Statement(
        case_id=one.id, template="aware", text="t", drafted_at=NOON, correction=True, issued_at=NOON
    )
    session.add(line)
    made(session, now=NOON + timedelta(minutes=1))
    line.case_id = other.id
    session.add(line)
    found = made(session, now=NOON + timedelta(minutes=2))
    assert [each.case for each in found.figure("corrections_adopted").denominator] == [other.number]


def test_an_alert_is_late_when_its_message_took_over_a_minute(session: Session) -> None:
    case = make_case()
    session.add(case)
    session.flush()
    session.add(make_alert(case))
    found = made(session, now=NOON + timedelta(minutes=1))
    assert found.figure("alerts_delivered").shown == "0 of 1 (0.0%)"
    assert found.figure("alerts_in_time").n == 0


def test_cases_that_people_post_about_are_said_to_be_a_biased_sample(session: Session) -> None:
    assert "biased sample" in made(session).statements[0]
    assert all(
        each.sample for each in DEFINED.figure if each.kind in ("case", "clock", "alert", "reviewed", "claim")
    )


def test_the_year_that_is_charted_is_of_whole_months_in_london() -> None:
    found = months(datetime(2026, 7, 14, tzinfo=UTC))
    assert (len(found), found[0].since, found[-1].until) == (12, london("2025-07-01"), london("2026-07-01"))


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('[[figure]]\nname = "one"', "figure.0.words"),
        ('kind = "officer"', "no rows of kind"),
        ('dated = "birthday"', "no field 'birthday'"),
        ('measure = "share"', "say what the denominator is"),
        ('text = ""', "figure.0.text"),
        ("those = { status = 1 }", "only a share"),
    ],
)
def test_a_figure_without_a_whole_definition_is_refused(tmp_path: Path, written: str, told: str) -> None:
    whole = {
        "name": '"one"', "section": '"Cases"',
        "words": '"One of all"', "kind": '"case"', "measure": '"count"', "numerator": '"Cases."',
        "period": '"All."', "text": '"Said."',
    }  # fmt: skip
    path = tmp_path / "figures.toml"
    if not written.startswith("["):
        name, _, value = written.partition(" = ")
        whole[name] = value
        written = "[[figure]]\n" + "\n".join(f"{name} = {value}" for name, value in whole.items())
    path.write_text(written, encoding="utf-8")
    with pytest.raises(DefinitionsError, match=r"figures\.toml") as refused:
        read_definitions(path)
    assert told in str(refused.value)


def test_two_figures_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="called 'reviewed'"):
        Definitions.model_validate({"figure": [DEFINED.figure[0].model_dump()] * 2})


def test_the_journal_says_nothing_before_it_was_begun(session: Session) -> None:
    session.add(make_case())
    made(session)
    assert read_journal(session, at=NOON - timedelta(hours=1)).things == {}
