"""The queue `look`: files attached to posts, or uploaded. A process of its own works it: nothing waits for it."""

from uuid import UUID

from classifier.footage import Shelf
from classifier.looking import Parts, look
from collector.http import Http
from collector.video.files import Files
from config.service import House, Task


def tasks(house: House) -> dict[str, Task]:
    settings = house.settings
    parts = Parts(Http(settings.http), Files(settings.media), Shelf(), settings.collect.read_captions)

    def work(media: str) -> None:
        look(house.engine, UUID(media), parts, clock=house.clock)

    return {"look": Task(work)}
