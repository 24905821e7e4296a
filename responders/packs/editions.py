"""The job that makes a version somebody asked for, and leaves it waiting for a second person, or stopped."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import Session

from responders.packs.lint import Leak
from responders.packs.lower import Scope
from responders.packs.make import Means, Wanted, make_version
from triage.review.figures import Period
from triage.review.figuring import figures_as_of
from triage.review.journal import count
from triage.review.pack_records import EditionState, PackEdition
from triage.review.packs import keep_made, keep_stopped
from triage.review.printing import note_printed


def make_edition(
    engine: Engine, edition_id: UUID, means: Means, titles: Mapping[str, str], *, now: datetime
) -> None:
    """`titles` are those of the panels by name. Doing it twice changes nothing."""
    with Session(engine) as session:
        edition = session.get(PackEdition, edition_id, with_for_update=True)
        if edition is None or edition.state != EditionState.ASKED:
            return
        with Session(engine) as counting:  # what is counted is read once it is committed
            count(counting, now=now)
            counting.commit()
        period = Period(edition.since, edition.until)
        figures = figures_as_of(session, period, means.definitions, at=now)
        note_printed(session, figures, into=f"{edition.audience} pack", who=edition.asked_by, now=now)
        try:
            with Session(engine) as looking:  # one that finds no restricted case
                looking.connection(execution_options={"isolation_level": "REPEATABLE READ"})
                made = make_version(looking, _wanted(edition, titles), means, figures)
        except Leak as leak:
            keep_stopped(session, edition, [each._asdict() for each in leak.places], now=now)
        else:
            files = {str(form): content for form, content in made.files.items()}
            keep_made(session, edition, files, made.manifest, made.digest, now=now)
        session.commit()


def _wanted(edition: PackEdition, titles: Mapping[str, str]) -> Wanted:
    scope = None
    if edition.panel:
        scope = Scope(edition.panel, titles.get(edition.panel, edition.panel), edition.bcu, edition.borough)
    return Wanted(Period(edition.since, edition.until), scope, edition.learning)
