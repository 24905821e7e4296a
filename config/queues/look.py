"""The queue `look`: files attached to posts, or uploaded. A process of its own works it: nothing waits for it."""

from uuid import UUID

from sqlmodel import Session

from classifier.footage import Shelf
from classifier.looking import Parts, look
from collector.http import Http
from collector.looks import crowded
from collector.video.files import Files
from config.service import House, Task


def tasks(house: House) -> dict[str, Task]:
    settings = house.settings
    parts = Parts(Http(settings.http), Files(settings.media), Shelf(), settings.collect.read_captions)

    def work(media: str) -> None:
        with Session(house.engine) as session:
            captions = parts.captions and not crowded(session)  # ten seconds each: not while others wait
        look(house.engine, UUID(media), parts._replace(captions=captions), clock=house.clock)

    return {"look": Task(work)}
