"""Who is told and who is on call, read from the files and held against each other."""

from config.settings import Settings
from triage.escalation_ladder import LadderError, read_ladders
from triage.lifecycle import read_lifecycle
from triage.oncall import OnCall
from triage.oncall_roster import read_roster


def read_oncall(settings: Settings) -> OnCall:
    """Ladders and roster. Raises ValueError with file, key and reason, also where a ladder names who is not there."""
    path = settings.file("escalation.toml")
    ladders, roster = read_ladders(path), read_roster(settings.file("rota.toml"))
    known = {f"rota:{each.name}" for each in roster.rota} | {f"post:{each.name}" for each in roster.post}
    for number, ladder in enumerate(ladders.ladder):
        for place, step in enumerate(ladder.step):
            if missing := [party for party in step.who if party not in known]:
                raise LadderError(
                    f"{path}: key ladder.{number}.step.{place}.who: rota.toml has no {missing[0]!r}"
                )
        for party in ladder.each:
            post = roster.post_of(party.removeprefix("post:"))
            if party.startswith("post:") and post is not None and not post.people:
                raise LadderError(
                    f"{path}: key ladder.{number}.each: {party!r} has no people in rota.toml who could acknowledge"
                )
    holidays = read_lifecycle(settings.file("tracks.toml")).bank_holidays
    return OnCall(ladders, roster, holidays, settings.address)
