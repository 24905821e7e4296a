"""Evidence from the terminal: export a case's, verify an archive, compute all digests anew."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated
from uuid import UUID

import typer
from sqlmodel import Session, select

from collector.evidence import check_evidence
from collector.video.files import Files
from config import log as logs
from config.cli import Complaint
from config.database import open_database
from config.settings import read_settings
from triage.exporting import export_case, verify_export
from triage.hidden import sees
from triage.locked import Conflict
from triage.log import Line, note
from triage.permissions import Denied
from triage.queue import find_case
from triage.records import Person

app = typer.Typer()
evidence = typer.Typer(help="Verify an exported archive; compute the digests of what is stored anew.")
app.add_typer(evidence, name="evidence")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("export")
def export(
    reference: Annotated[str, typer.Argument(metavar="CASE", help="GH-12, 12, or the id.")],
    out: Annotated[Path, typer.Option(help="The archive to write; it must not exist.")],
    why: Annotated[str, typer.Option(help="Why it is exported; it stands in the log.")],
    by: Annotated[str, typer.Option(help="Whose account exports; it needs the role.")],
    whole: Annotated[bool, typer.Option("--whole", help="With payloads, addresses and files.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the evidence of a case as one archive that proves itself. Without --whole it names nobody."""
    settings, now = read_settings(), datetime.now(UTC)
    logs.set_up("error", "export")
    with open_database(settings) as engine, Session(engine) as session:
        case = find_case(session, reference)
        who = session.exec(select(Person).where(Person.username == by)).first()
        if who is None:
            raise Complaint(f"there is no account {by!r}; `goldenhour people list` names them")
        if case is not None and not sees(session, who, case.id):
            _note_denial(session, case.id, by, now)
            case = None
        if case is None:
            raise Complaint(f"there is no case {reference!r}; `goldenhour cases` lists them")
        files, taken = Files(settings.media), f"GH-{case.number}"
        with _written(out) as file:
            try:
                done = export_case(session, case, file, files, who=who, why=why, whole=whole, now=now)
            except (Conflict, Denied) as error:
                raise Complaint(str(error)) from error
            session.commit()  # before the archive is there: one that nobody entered must not exist
    if as_json:
        print(json.dumps({"case": taken, "file": str(out), **done._asdict()}))
    else:
        print(f"{taken}: {done.posts} posts, {done.files} files in {out}. Manifest SHA-256 {done.manifest}")


def _note_denial(session: Session, case_id: UUID, by: str, now: datetime) -> None:
    """To the person a hidden case is none; the log knows better."""
    detail = {"needs": "a name on its restriction", "route": "goldenhour export"}
    note(session, [Line("denied", case_id, None, detail)], who=by, now=now)
    session.commit()


@contextmanager
def _written(out: Path) -> Iterator[IO[bytes]]:
    """A new file, there in whole or not at all."""
    if out.exists():
        raise Complaint(f"{out} is there already; name another file")
    if not out.parent.is_dir():
        raise Complaint(f"there is no folder {out.parent}")
    half = out.with_name(f".{out.name}.half")
    try:
        with half.open("wb") as file:
            half.chmod(0o600)
            yield file
        half.replace(out)
    finally:
        half.unlink(missing_ok=True)


@evidence.command("verify")
def verify(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="An archive that was exported.")],
    as_json: AsJson = False,
) -> None:
    """Compute every digest of an archive anew. Needs no database.

    Compare the manifest's SHA-256 with the one in the case's log: then nothing was put into its place either.
    """
    try:
        found = verify_export(archive)
    except (ValueError, OSError) as error:
        raise Complaint(f"{archive}: {error}") from error
    if as_json:
        print(json.dumps({"ok": not found.wrong, **found._asdict()}))
    else:
        said = f"{found.case}: {found.parts} parts, all as exported. Manifest SHA-256 {found.manifest}"
        print("\n".join(found.wrong) or said)
    if found.wrong:
        raise Complaint(f"{archive} is not as it was exported, in {len(found.wrong)} places")


@evidence.command("check")
def check(as_json: AsJson = False) -> None:
    """Compute the digests of all stored payloads and files anew, as every night; what fits again is mended."""
    settings = read_settings()
    logs.set_up("critical", "evidence")
    with open_database(settings) as engine, Session(engine) as session:
        changed = check_evidence(session, Files(settings.media), now=datetime.now(UTC))
        session.commit()
    if as_json:
        print(json.dumps({"ok": not changed, "changed": [each._asdict() for each in changed]}))
    else:
        print(
            "\n".join(f"{each.subject}: {each.what}" for each in changed) or "All evidence is as collected."
        )
    if changed:
        raise Complaint(f"{len(changed)} pieces of evidence are not what was collected; do not rely on them")
