"""Statements on the command line: a draft is checked without a database, and what is given beside it counts."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from config.cli import Complaint
from config.commands.stating import app

CLEAN = "We know about posts from Peckham. We understand the concern. We will update you by 17:00 on 3 May.\n"
FAULTY = CLEAN.replace("We understand", "Our officers acted professionally. We understand")
FACTS = {"facts": {"place": "Rye Lane, Peckham", "next_update": "17:00 on 3 May"}}


def run(*words: str, stdin: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["statements", "check", *words], input=stdin)
    if isinstance(result.exception, Complaint):
        raise result.exception
    return result.exit_code, result.stdout


def test_a_draft_is_checked_from_a_file_and_from_stdin(tmp_path: Path) -> None:
    file = tmp_path / "draft.txt"
    file.write_text(FAULTY, encoding="utf-8")
    for code, out in (run(str(file)), run(stdin=FAULTY)):
        assert code == 1
        assert "blocks  prejudgement" in out


def test_what_is_known_beside_a_draft_counts(tmp_path: Path) -> None:
    about = tmp_path / "about.json"
    about.write_text(json.dumps(FACTS), encoding="utf-8")
    assert run("--about", str(about), stdin=CLEAN) == (0, "nothing found; a person still approves it\n")
    about.write_text(json.dumps({"facts": {}}), encoding="utf-8")
    _, out = run("--about", str(about), "--json", stdin=CLEAN)
    assert [each["words"] for each in json.loads(out)["findings"]] == ["Peckham"]


def test_many_drafts_are_checked_a_line_each() -> None:
    lines = [{"id": 1, "text": CLEAN, **FACTS}, {"id": 2, "text": FAULTY, **FACTS}]
    code, out = run("--lines", stdin="\n".join(map(json.dumps, lines)))
    assert code == 1
    assert [(each["id"], each["blocked"]) for each in map(json.loads, out.splitlines())] == [
        (1, False),
        (2, True),
    ]


@pytest.mark.parametrize(
    ("about", "told"),
    [
        ('{"flags": ["busy"]}', "'busy' is none of"),
        ('{"variant": "loud"}', "'loud' is none of"),
        ('{"fact": {}}', "it is a JSON object"),
        ("{", "it is a JSON object"),
    ],
)
def test_what_is_wrong_beside_a_draft_is_said(tmp_path: Path, about: str, told: str) -> None:
    path = tmp_path / "about.json"
    path.write_text(about, encoding="utf-8")
    with pytest.raises(Complaint, match=told):
        run("--about", str(path), stdin=CLEAN)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Complaint, match=r"none\.txt"):
        run(str(tmp_path / "none.txt"))
