"""Trying every channel at once, and waiting to hear what became of each: `goldenhour alerts --test`."""

from datetime import timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from config.channels import courier_of, places_of
from config.service import House
from responders.alarms import leave_tests
from responders.notifying import UNSETTLED
from triage.notification_records import Notification

SWEEP_S = 2.0


def try_all(house: House, *, who: str, for_s: float) -> list[Notification]:
    """Leave a test for every address and carry them, beside a running service too; what is not known after so many
    seconds is returned as it stands."""
    now = house.clock()
    with Session(house.engine) as session:
        named = f"by hand {now.isoformat()}"
        places = places_of(house)
        made = leave_tests(session, places, named, who=who, desk_url=house.settings.address, now=now)
        ids = [each.id for each in made]
        session.commit()
    courier = courier_of(house)
    until = now + timedelta(seconds=for_s)
    try:
        while (
            (found := _read(house, ids))
            and any(each.state in UNSETTLED for each in found)
            and house.clock() < until
        ):
            courier.sweep(for_s=SWEEP_S)
    finally:
        courier.close()
    return _read(house, ids)


def _read(house: House, ids: list[UUID]) -> list[Notification]:
    with Session(house.engine) as session:
        order = col(Notification.channel_kind), col(Notification.address)
        found = list(session.exec(select(Notification).where(col(Notification.id).in_(ids)).order_by(*order)))
        session.expunge_all()
        return found
