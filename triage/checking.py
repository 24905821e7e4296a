"""The checker: what in a draft must not be said, cannot be known yet or is missing, with the reason and its source.

It reads a text and what is known beside it (triage/checking_context.py) and changes nothing; it is quick enough to run
while somebody writes. The rules are `config/statements/checks*.toml` (triage/checking_rules.py); each has one of the
kinds below. It finds what such words usually mean, so it never proves that a line is safe: people approve lines.

    checker = Checker(read_checks(paths), places=read_place_names(gazetteer))
    findings = checker.check(text, Context(now=now, facts=facts, active_proceedings=True))
    blocked = any(finding.blocks for finding in findings)
"""

from collections.abc import Iterable, Iterator, Mapping

from triage.checking_context import Context, Finding
from triage.checking_form import read_as
from triage.checking_kinds import HELD, KINDS, Ground, held
from triage.checking_rules import Check, Checks
from triage.checking_sense import Sense

DOUBTED = -0.45  # a sentence heard as less of a fault than this only warns, whatever single words it has
UNTOLD = -0.2  # so little of a fault is one heard as what lines may always say


class Checker:
    """All rules, ready to be asked."""

    def __init__(
        self,
        checks: Checks,
        *,
        places: Iterable[str] = (),
        given_names: Iterable[str] = (),
        units: Mapping[str, str] | None = None,
        sense: Sense | None = None,
    ) -> None:
        """`places` are names of places, which are no names of people; `given_names` are such names mostly.

        `units` say which command unit a borough belongs to: who speaks for one speaks for all of it.
        """
        self.checks = checks
        self._units = units or {}
        self._ground = Ground.of(checks.lists, places, given_names, sense)

    def check(self, text: str, context: Context) -> tuple[Finding, ...]:
        """What the rules find: what blocks first, then in the order of the text."""
        context = read_as(text, context)._replace(home=self._whole_unit(context.home))
        found: dict[tuple[str, int, int], Finding] = {}
        for finding in self._findings(text, context):
            same = (finding.rule, finding.start, finding.end)
            if finding.blocks or same not in found:
                found[same] = finding
        return tuple(
            sorted(found.values(), key=lambda each: (not each.blocks, each.start, each.end, each.rule))
        )

    def _findings(self, text: str, context: Context) -> Iterator[Finding]:
        for rule in self.checks.check:
            if rule.applies(context):
                for finding in KINDS[rule.kind](rule, text, context, self._ground):
                    yield self._weighed(rule, finding, text, context)

    def _weighed(self, rule: Check, finding: Finding, text: str, context: Context) -> Finding:
        """Words found by their form only warn where they are meant harmlessly, or verified facts bear them out."""
        sense = self._ground.sense
        if not (sense and rule.weighed and finding.blocks and finding.end):
            return finding
        around = [
            each
            for each in sense.heard(text, self._ground.known)
            if each.start < finding.end and finding.start < each.end
        ]
        if not around:
            return finding
        least = min(around, key=lambda each: each.end - each.start)
        worst = max(each.fault for each in around)
        doubted = worst < (rule.blocks_from or DOUBTED)
        harmless = doubted if rule.weighed == "fault" else least.act == "safe" and worst < UNTOLD
        borne_out = rule.borne_out and held(text[least.start : least.end], context) >= HELD
        return finding._replace(blocks=not (harmless or borne_out))

    def _whole_unit(self, home: tuple[str, ...]) -> tuple[str, ...]:
        ours = {self._units[place] for place in home if place in self._units} | set(home)
        return (*home, *(borough for borough, unit in self._units.items() if unit in ours))
