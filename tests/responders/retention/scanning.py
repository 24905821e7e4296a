"""Looks for marks everywhere: every column of every table as text, bytes too, and every file of a folder."""

import re
from collections import defaultdict
from pathlib import Path

from sqlalchemy import Engine, text

MARK = "quokka"
WRITTEN = re.compile(rf"{MARK}([0-9]{{6}})x")
IN_HEX = re.compile(rf"{MARK.encode().hex()}((?:3[0-9]){{6}})78")
TABLES = """
SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    AND NOT c.relispartition
"""


def mark(number: int) -> str:
    """A word that stands for one thing."""
    return f"{MARK}{number:06}x"


def found(engine: Engine, *folders: Path) -> dict[int, set[str]]:
    """In which tables and files each mark stands."""
    places: dict[int, set[str]] = defaultdict(set)
    with engine.connect() as connection:
        for table in connection.scalars(text(TABLES)).all():
            rows = connection.scalars(text(f'SELECT CAST(t AS text) FROM "{table}" AS t'))
            for number in marks_in("\n".join(rows)):
                places[number].add(table)
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                for number in marks_in(f"{path.name}\n{path.read_bytes().decode('latin-1')}"):
                    places[number].add("files")
    return places


def marks_in(written: str) -> set[int]:
    plain = {int(each) for each in WRITTEN.findall(written)}
    return plain | {int(bytes.fromhex(each)) for each in IN_HEX.findall(written)}
