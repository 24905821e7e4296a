"""Certificates of disposal as files, outside their database: `certificates/D-<number>.json` beside the ledger.

Each has its seal, so it is verified by whoever has the key of the log, also when the database was lost or restored from
a backup that does not know it. A file goes when its certificate's own time is over.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError
from sqlmodel import Session, col, func, select

from responders.retention.ledger import put
from triage.certificates import Broken, as_told, broken_among
from triage.retention_records import DisposalCertificate

FOLDER = "certificates"
NAMED = re.compile(r"D-([0-9]{1,18})\.json")


def write_certificates(session: Session, ledger: Path) -> int:
    """Write those that have no file yet, and take away the files of those whose time was over. Returns how many were
    written. Safe to repeat."""
    folder, known = ledger / FOLDER, filed(ledger)
    sealed = select(DisposalCertificate).where(col(DisposalCertificate.seal).is_not(None))
    new = session.exec(
        sealed.where(col(DisposalCertificate.number).not_in(known)).order_by(col(DisposalCertificate.number))
    ).all()
    if new:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for each in new:
        put(folder / f"D-{each.number}.json", json.dumps(as_told(each), indent=1, ensure_ascii=False) + "\n")
    oldest = session.exec(
        select(func.min(DisposalCertificate.number)).where(col(DisposalCertificate.seal).is_not(None))
    ).one()
    for number in known:
        if oldest is not None and number < oldest:
            (folder / f"D-{number}.json").unlink(missing_ok=True)
    return len(new)


def filed(ledger: Path) -> frozenset[int]:
    """The numbers of the certificates that are kept as files here."""
    folder = ledger / FOLDER
    names = (NAMED.fullmatch(each.name) for each in folder.iterdir()) if folder.is_dir() else ()
    return frozenset(int(each[1]) for each in names if each)


def verify_files(session: Session, ledger: Path, key: bytes) -> list[Broken]:
    """What is wrong with the files: one says otherwise than its certificate, or is not as it was sealed. One that the
    database does not know is right when its own seal is: a backup that was restored may be older than it."""
    return list(_wrong(session, ledger, key))


def _wrong(session: Session, ledger: Path, key: bytes) -> Iterator[Broken]:
    sealed = select(DisposalCertificate).where(col(DisposalCertificate.seal).is_not(None))
    rows = {each.number or 0: each for each in session.exec(sealed)}
    unknown = []
    for number in sorted(filed(ledger)):
        path = ledger / FOLDER / f"D-{number}.json"
        try:
            read = _read(path)
        except (OSError, ValueError, KeyError, ValidationError):
            yield Broken(number, f"its file {path} cannot be read: compare with a backup")
            continue
        if read.number != number or (number in rows and as_told(read) != as_told(rows[number])):
            yield Broken(number, f"its file {path} says otherwise")
        elif number not in rows:
            unknown.append(read)
    followed = {each.number for each in unknown}
    for wrong in broken_among([*rows.values(), *unknown], key) if unknown else ():
        if wrong.number in followed and "as it was sealed" in wrong.what:
            yield Broken(wrong.number, "its file is not as it was sealed")


def _read(path: Path) -> DisposalCertificate:
    told = json.loads(path.read_text(encoding="utf-8"))
    seals = {name: bytes.fromhex(told[name]) for name in ("digest", "seal")}
    del told["format"]
    return DisposalCertificate.model_validate({**told, **seals})
