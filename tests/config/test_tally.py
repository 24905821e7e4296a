"""The sum of the test reports: a run that broke off, or a skip where nothing may be skipped, is a failure."""

from pathlib import Path

from tests.tally import tally

GOOD = '<testsuites><testsuite><testcase classname="a" name="b"/></testsuite></testsuites>'
SKIPPED = GOOD.replace("/></testsuite>", '><skipped message="no browser"/></testcase></testsuite>')
FAILED = GOOD.replace("/></testsuite>", '><failure message="no"/></testcase></testsuite>')


def report(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_reports_are_added_up(tmp_path: Path) -> None:
    both = [report(tmp_path, "1.xml", GOOD), report(tmp_path, "2.xml", GOOD)]
    assert tally(both, skips_allowed=False) == (["2 passed, 0 failed"], True)


def test_a_failure_fails(tmp_path: Path) -> None:
    lines, well = tally([report(tmp_path, "1.xml", FAILED)], skips_allowed=True)
    assert (lines, well) == (["0 passed, 1 failed"], False)


def test_a_skip_is_named_and_fails_where_nothing_may_be_skipped(tmp_path: Path) -> None:
    one = [report(tmp_path, "1.xml", SKIPPED)]
    lines, well = tally(one, skips_allowed=True)
    assert lines == ["skipped: a.b: no browser", "0 passed, 0 failed, 1 skipped"]
    assert well
    lines, well = tally(one, skips_allowed=False)
    assert lines[-1] == "0 passed, 1 failed"
    assert not well


def test_a_run_that_broke_off_or_ran_nothing_fails(tmp_path: Path) -> None:
    assert not tally([tmp_path / "missing.xml"], skips_allowed=True)[1]
    assert not tally([report(tmp_path, "half.xml", GOOD[:20])], skips_allowed=True)[1]
    assert not tally([report(tmp_path, "none.xml", "<testsuites/>")], skips_allowed=True)[1]
