"""The inbox as the settings have it: what the desk needs for tips and pasted links, and the door for partners."""

from fastapi import APIRouter

from collector.http import Http
from collector.oembed import read_providers
from config.queues.collect import author_key
from config.service import House
from triage.web.inbox import Inbox
from triage.web.tips_door import Inside, router


def inbox_of(house: House) -> Inbox:
    settings = house.settings
    return Inbox(
        settings.tips,
        settings.key("tips"),
        author_key(settings),
        read_providers(settings.file("oembed.toml")),
        Http(settings.http),
    )


def partners_doors(house: House) -> list[APIRouter]:
    """The signed address for partners, when there is one."""
    settings = house.settings
    if not settings.tips.partners:
        return []
    return [router(Inside(house.engine, settings.tips, settings.key("tips")), now=house.clock)]
