"""The log says what happened and where, and never what a post says."""

import json
import logging
import os
from contextlib import suppress

import pytest
import structlog

from config.log import set_up

SECRET = "words of a post"


def test_a_line_is_json_with_the_part_it_is_from(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", "work-1")
    structlog.get_logger().info("source collected", source="hackney-herald", new=3)
    told = json.loads(capsys.readouterr().err)
    assert told["event"] == "source collected"
    assert (told["part"], told["source"], told["new"], told["level"]) == (
        "work-1",
        "hackney-herald",
        3,
        "info",
    )


def test_an_exception_is_told_by_kind_and_place_not_by_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", "work-1")
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise ValueError(SECRET) from error
    except ValueError:
        structlog.get_logger().exception("job failed")
    told = capsys.readouterr().err
    assert SECRET not in told
    assert "builtins.KeyError" in told
    assert "builtins.ValueError" in told
    assert "test_log.py" in told


def test_what_the_engine_says_is_cut_to_its_first_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", "work-1")
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("apscheduler.job").exception("Job ended\nDETAIL: %s", SECRET)
    told = capsys.readouterr().err
    assert SECRET not in told
    assert "Job ended ValueError" in told


def test_the_programs_own_chatter_stays_out(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", "work-1")
    logging.getLogger("httpx").info("GET /")
    structlog.get_logger().debug("too fine")
    assert capsys.readouterr().err == ""


def test_a_reader_of_the_log_who_has_gone_does_not_stop_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as gone:
        monkeypatch.setattr("sys.stderr", gone)
        os.close(reading)
        set_up("info", "work-1")
        structlog.get_logger().warning("nobody hears this")
        logging.getLogger("apscheduler").error("nor this")
        with suppress(BrokenPipeError):
            gone.close()
