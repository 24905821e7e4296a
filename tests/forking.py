"""A program that forks: each fork runs one command of ours. `tests.commands` asks it."""

import gc
import importlib
import json
import os
import runpy
import sys
import warnings

# what commands of ours load of others, most of it by nearly every one
LIBRARIES = (
    "alembic.command",
    "cryptography.fernet",
    "docx",
    "fastapi",
    "httpx",
    "icalendar",
    "jinja2",
    "msgspec",
    "numpy",
    "procrastinate",
    "procrastinate.psycopg_connector",
    "psycopg",
    "pydantic_settings",
    "pypdf",
    "rich.console",
    "slack_sdk",
    "spacy",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlmodel",
    "structlog",
    "structlog.dev",
    "typer.main",
    "uvicorn",
)


def main() -> None:
    for name in LIBRARIES:
        with warnings.catch_warnings(action="ignore"):
            importlib.import_module(name)
    gc.freeze()  # what is never freed need not be copied by every fork that looks for garbage
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            become(asked["arguments"], asked["environment"], asked["files"])
            return
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def become(arguments: list[str], environment: dict[str, str], files: list[str]) -> None:
    """Be `goldenhour` with these arguments, this environment and these files to write to."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for path, number in ((None, 0), (files[0], 1), (files[1], 2)):
        os.dup2(os.open(path, os.O_WRONLY) if path else nothing, number)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["goldenhour", *arguments]
    runpy.run_module("config.cli", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
