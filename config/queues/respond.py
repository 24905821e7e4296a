"""The queue `respond`: deliveries, drafts, and the list of the next review."""

from uuid import UUID

from sqlmodel import Session

from config.packs import means_of
from config.retaining import place_of
from config.reviews import meetings_of
from config.service import House, Task
from config.slack import sender_of
from config.wording import templates_of
from responders.packs.editions import make_edition
from responders.retention.erasing import erase_for_rights
from responders.statements import draft
from triage.review.agenda import USED_FORCE, list_for_review
from triage.review.panels import read_panels


def tasks(house: House) -> dict[str, Task]:
    sender = sender_of(house)
    templates = templates_of(house.settings)
    meetings = meetings_of(house.settings)
    panels = read_panels(house.settings.file("review/panels.toml")).panel

    def deliver(alert: str) -> None:
        sender.deliver(UUID(alert))

    def draft_for(case: str) -> None:
        with Session(house.engine) as session:
            draft(session, UUID(case), templates, now=house.clock())
            session.commit()

    def list_case(case: str, because: str = USED_FORCE) -> None:
        with Session(house.engine) as session:
            list_for_review(session, UUID(case), meetings, because=because, now=house.clock())
            session.commit()

    def make_pack(edition: str) -> None:
        titles = {each.name: each.title for each in panels}
        make_edition(house.engine, UUID(edition), means_of(house.settings), titles, now=house.clock())

    def erase(request: str) -> None:
        erase_for_rights(place_of(house.settings, house.engine), UUID(request), now=house.clock())

    return {
        "deliver": Task(deliver),
        "draft": Task(draft_for),
        "list_for_review": Task(list_case),
        "make_pack": Task(make_pack),
        "erase_for_rights": Task(erase),
    }
