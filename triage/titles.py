"""What a case is called: the kind of encounter and the place, in neutral words; never a name, never a quote."""

from classifier.records import IncidentType

KIND = {
    IncidentType.DEATH_OR_FIREARMS: "Death or firearms",
    IncidentType.USE_OF_FORCE: "Use of force",
    IncidentType.PURSUIT_COLLISION: "Pursuit or collision",
    IncidentType.STOP_SEARCH: "Stop and search",
    IncidentType.OFFICER_HARMED: "Officer harmed",
    IncidentType.ARREST_DETENTION: "Arrest or detention",
    IncidentType.OTHER_ENCOUNTER: "Encounter",
    IncidentType.OFFICER_CONDUCT: "Officer conduct",
    IncidentType.NONE: "Possible encounter",
}


LANES = {"good_news": "Praise"}


def title_of(kind: IncidentType, place: str | None, borough: str | None, *, lane: str | None = None) -> str:
    """Such as `Use of force · Walthamstow · Waltham Forest`. `place` is a gazetteer's name, not a post's."""
    first = LANES.get(lane or "", KIND[kind])
    return " · ".join(dict.fromkeys(part for part in (first, place, borough) if part))
