"""A reminder: words for whoever must do something by a day, and whom they are for."""

from typing import NamedTuple
from uuid import UUID


class Reminder(NamedTuple):
    """`name` makes it be written once for each recipient. It is for whoever is on call for the oversight `desk`, for
    the `owner_post` where the roster has it, and for `people` by their accounts."""

    name: str
    subject: str
    text: str
    owner_post: str = ""
    people: tuple[UUID, ...] = ()
    desk: bool = True
