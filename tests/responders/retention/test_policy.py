"""The retention policy rules every table and every place in the data folder, once; and what it says is what is done."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from classifier.promotion import SHADOWS_KEPT
from collector import knocks, reservoir
from collector.records import Record
from collector.retention import KeepSettings
from collector.sources import kind_of
from config.files import rules_all
from config.settings import HERE
from responders import notifying
from triage.retention_policy import Period, read_retention_policy, unruled

PATH = HERE / "policy" / "retention.toml"
POLICY = rules_all(PATH)
OPERATING = HERE.parent / "docs" / "operating.md"
TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    AND NOT relispartition
"""


def test_every_table_is_ruled_by_exactly_one_class(engine: Engine) -> None:
    """A new table: name it in config/policy/retention.toml, in a class or in [nothing]"""
    with engine.connect() as connection:
        tables = set(connection.scalars(text(TABLES)))
    assert set(Record.metadata.tables) <= tables
    assert unruled(POLICY, tables) == []
    named = {each for each in POLICY.places() if "/" not in each and "." not in each}
    assert named - tables == {"secret", "vault", "lock", "users", "starting", "parts"}


def test_whoever_disposes_of_rows_knows_their_tables_by_itself() -> None:
    wanted = sorted({table for each in POLICY.classes for table in each.rows})
    asked = (
        "import sys, responders.retention.rows; from collector.records import Record;"
        " sys.exit(str(missing) if (missing := set(sys.argv[1:]) - set(Record.metadata.tables)) else 0)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", asked, *wanted], capture_output=True, text=True, check=False, cwd=HERE.parent
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_every_place_of_the_data_folder_that_the_guide_names_is_ruled() -> None:
    told = (
        OPERATING.read_text(encoding="utf-8")
        .split("## What is where in the data folder")[1]
        .split("\n## ")[0]
    )
    rows = [line.split("|")[1] for line in told.splitlines() if line.startswith("| `")]
    places = {each.split("/")[0] for row in rows for each in re.findall(r"`([^`]+)`", row)}
    ruled = {
        each.split("/")[0] for each in POLICY.places() if "/" in each or each not in Record.metadata.tables
    }
    assert places - ruled == set()


def test_every_place_of_the_data_folder_that_the_code_makes_is_ruled() -> None:
    made = set()
    for path in HERE.rglob("*.py"):
        if "exercise" not in path.parts and "benches" not in path.parts:
            named = re.findall(
                r"(?:\.data|data\.resolve\(\)) / \"([a-z._-]+)\"", path.read_text(encoding="utf-8")
            )
            made |= set(named)
    assert {"media", "audit", "vault", "secret", "models", "retention"} <= made
    assert made <= {each.split("/")[0] for each in POLICY.places()}


def test_columns_that_rows_are_let_go_by_are_there() -> None:
    for each in POLICY.classes:
        for table, column in each.rows.items():
            assert column in Record.metadata.tables[table].c


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("refused", reservoir.KEPT),
        ("shadows", SHADOWS_KEPT),
        ("doors", knocks.KEPT),
        ("notices", notifying.KEPT),
        ("platform", kind_of("youtube").retention),
        ("unseen", timedelta(days=KeepSettings().unseen_days)),
    ],
)
def test_what_other_rooms_let_go_by_themselves_has_the_time_the_policy_says(
    name: str, kept: timedelta
) -> None:
    now = datetime(2026, 7, 14, tzinfo=UTC)
    assert now - POLICY.of(name).period.before(now) == kept


CLASS = 'review = "1y"\ndisposal = "content"'


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ('keep = "72h"', 'keep = "three days"', "no period"),
        ('name = "unflagged"', 'name = "unflaged"', "must be unread"),
        ('"post_words", ', "", "nothing rules post_words"),
        ('covers = ["fetches"]', 'covers = ["fetches", "posts"]', "'posts' is ruled twice"),
        (f'keep = "90d"\n{CLASS}', f'keep = "8y"\n{CLASS}', "must not go before"),
        (
            'keep = "7y"\nreview = "1y"\ndisposal = "log"',
            'keep = "6y"\nreview = "1y"\ndisposal = "log"',
            "custody",
        ),
        ('disposal = "log"', 'disposal = "rows"', "`rows` belong"),
        ("version = 1", "version = 0", "version"),
        ('refused_items = "refused_at"', 'refused_items = "x; DROP"', "names of tables"),
    ],
)
def test_a_wrong_policy_is_refused_with_its_reason(was: str, becomes: str, says: str, tmp_path: Path) -> None:
    words = PATH.read_text(encoding="utf-8")
    assert was in words
    path = tmp_path / "retention.toml"
    path.write_text(words.replace(was, becomes), encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(says)):
        rules_all(path)


def test_the_days_of_settings_stand_in_their_classes() -> None:
    policy = read_retention_policy(PATH).with_settings(KeepSettings(answers_days=3).model_dump())
    assert policy.of("answers").keep == "3d"
    assert str(policy.of("answers").period) == "3 days"


def test_years_are_those_of_the_calendar() -> None:
    assert Period.read("7y").before(datetime(2028, 2, 29, tzinfo=UTC)) == datetime(2021, 2, 28, tzinfo=UTC)
    assert Period.read("2y").after(datetime(2026, 7, 14, tzinfo=UTC)) == datetime(2028, 7, 14, tzinfo=UTC)
