"""Files that go when they were last written long enough ago: exports, recordings, notes of exercises."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from triage.retention_policy import RetentionClass


def files_over(data: Path, rule: RetentionClass, *, now: datetime) -> Iterator[Path]:
    """The files of a class whose time is over, in its folders under the data folder."""
    before = rule.period.before(now)
    for folder in rule.covers:
        for path in sorted((data / folder).rglob("*")):
            if path.is_file() and datetime.fromtimestamp(path.stat().st_mtime, UTC) <= before:
                yield path


def let_files_go(data: Path, rule: RetentionClass, *, now: datetime) -> list[str]:
    """Delete them, and folders left empty. Returns a digest of each name, which may say what was in it."""
    gone = []
    for path in list(files_over(data, rule, now=now)):
        path.unlink(missing_ok=True)
        gone.append(hashlib.sha256(str(path.relative_to(data)).encode()).hexdigest())
        for parent in path.parents:
            if parent == data or parent in {data / folder for folder in rule.covers}:
                break
            if any(parent.iterdir()):
                break
            parent.rmdir()
    return gone


def strays(data: Path, ruled: set[str]) -> list[str]:
    """What lies in the data folder although no class rules it: nobody would ever let it go."""
    if not data.is_dir():
        return []
    names = {f"{each.name}/" if each.is_dir() else each.name for each in data.iterdir()}
    tops = {f"{place.split('/')[0]}/" if "/" in place else place for place in ruled}
    return sorted(names - tops)
