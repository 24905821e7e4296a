"""What packs are made by, read from the settings: fields, tactics, templates, rules of the linter."""

from classifier.rarity import Rarity
from config.settings import Settings
from responders.packs.full import Ground
from responders.packs.writing import Templates
from responders.tactics import read_tactics
from triage.review.sheets import read_sheet


def ground_of(settings: Settings) -> Ground:
    return Ground(
        fields=read_sheet(settings.file("review/sheet.toml")),
        tactics=read_tactics(settings.file("review/tactics.toml")),
        rarity=Rarity.load(settings.file("matching/rarity.bin")),
        desk_url=settings.address,
    )


def templates_of(settings: Settings) -> Templates:
    typ, html = (settings.file(f"review/pack.{each}").read_text(encoding="utf-8") for each in ("typ", "html"))
    return Templates(typ, html)
