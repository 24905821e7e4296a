"""What packs are made by, read from the settings: figures, fields, tactics, templates, rules of the linter."""

from classifier.rarity import Rarity
from collector.linter import Linter
from config.settings import Settings
from responders.packs.full import Ground
from responders.packs.make import Means
from responders.packs.versions import read_versions
from responders.packs.writing import Templates
from responders.tactics import read_tactics
from triage.checking_names import Known, read_place_names
from triage.checking_rules import read_lists
from triage.lifecycle import read_lifecycle
from triage.review.definitions import Definitions, read_definitions
from triage.review.pack_checks import Checks, read_pack_checks
from triage.review.sheets import read_sheet


def definitions_of(settings: Settings) -> Definitions:
    """What each figure means. Raises DefinitionsError."""
    return read_definitions(settings.file("review/figures.toml"))


def ground_of(settings: Settings) -> Ground:
    return Ground(
        fields=read_sheet(settings.file("review/sheet.toml")),
        tactics=read_tactics(settings.file("review/tactics.toml")),
        rarity=Rarity.load(settings.file("matching/rarity.bin")),
        desk_url=settings.address,
        lifecycle=read_lifecycle(settings.file("tracks.toml")),
    )


def templates_of(settings: Settings) -> Templates:
    typ, html = (settings.file(f"review/pack.{each}").read_text(encoding="utf-8") for each in ("typ", "html"))
    return Templates(typ, html)


def checks_of(settings: Settings) -> Checks:
    """The rules of the linter, with what names something else than a person."""
    lists = read_lists(settings.files("statements/checks*.toml"))
    places = read_place_names(settings.files("gazetteer/*.csv"))
    given_names = Linter.of(settings.files("lexicons/refused_terms*.toml")).given_names
    return read_pack_checks(settings.file("review/pack-checks.toml"), Known(lists, places, given_names))


def means_of(settings: Settings) -> Means:
    versions = read_versions(settings.file("review/pack-versions.toml"))
    return Means(
        ground_of(settings), versions, checks_of(settings), templates_of(settings), definitions_of(settings)
    )
