"""The checker: what in a draft must not be said, cannot be known yet or is missing, with the reason and its source.

It reads a text and what is known beside it (triage/checking_context.py) and changes nothing; it is quick enough to run
while somebody writes. The rules are `config/statements/checks*.toml` (triage/checking_rules.py); each has one of the
kinds below. It finds what such words usually mean, so it never proves that a line is safe: people approve lines.

    checker = Checker(read_checks(paths), places=read_place_names(gazetteer))
    findings = checker.check(text, Context(now=now, facts=facts, active_proceedings=True))
    blocked = any(finding.blocks for finding in findings)
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from triage.checking_context import Context, Finding
from triage.checking_form import read_as
from triage.checking_kinds import HELD, KINDS, Ground, excuses, held
from triage.checking_kinds import found as finding_of
from triage.checking_proof import Promises, Proof, facts_read
from triage.checking_rules import Check, Checks
from triage.checking_sense import Floats, Sense
from triage.checking_trust import Found, Told, Trust, judged, tells, told

STOPS, WARNS = 0.7, 0.1  # from which likelihood of a fault on a sentence stops a draft, or is told
FEW = 4  # with fewer facts a case is unlike those that taught how likely faults are,
SURE, SUREST = 0.95, 0.98  # so what stops there is surer, and surest where facts might have borne it out
BORNE = ("unverified", "blame")
HEEDED = 0.05  # from which a rule that would stop is told
# kinds of rules that hold a draft against something: what they find is told always, and stops from so likely a fault
# on; a name where one is hardly likely, as it does the most harm
COMPARED = {"facts": 0.1, "conflict": 0.05, "names": 0.02}
DISMISSED = 0.03  # below which what names, deeds on file or denials in facts only warn of is not told
WARNING = ("names", "stated", "conflict")  # kinds of rules that are heeded down to there


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
        proof: Proof | None = None,
        promises: Promises | None = None,
        trust: Trust | None = None,
    ) -> None:
        """`places` are names of places, which are no names of people; `given_names` are such names mostly.

        `units` say which command unit a borough belongs to: who speaks for one speaks for all of it. Without `sense`,
        `proof` and `trust` every rule is believed alone; without `promises` patterns tell when the next update comes.
        """
        self.checks = checks
        self._units = units or {}
        self._proof, self._trust = proof, trust
        self._ground = Ground.of(checks.lists, places, given_names, sense, promises)

    def check(self, text: str, context: Context) -> tuple[Finding, ...]:
        """What the rules find: what blocks first, then in the order of the text."""
        context = self.read(text, context)
        made = [pair for rule in self.checks.check for pair in self._made(rule, text, context)]
        sense, proof, trust = self._ground.sense, self._proof, self._trust
        if sense and proof and trust:
            heard = sense.heard(text, self._ground.known)
            rows = list(told(text, context, made, heard, sense.acts, proof, trust.rules))
            likely = trust.likely([row for _, row in rows])
            made = list(self.believed(made, [each for each, _ in rows], likely, text, context))
        found: dict[tuple[str, int, int], Finding] = {}
        for _, finding in made:
            same = (finding.rule, finding.start, finding.end)
            if finding.blocks or same not in found:
                found[same] = finding
        return tuple(
            sorted(found.values(), key=lambda each: (not each.blocks, each.start, each.end, each.rule))
        )

    def read(self, text: str, context: Context) -> Context:
        """The context as a draft is read in it."""
        context = read_as(text, context)
        return context._replace(home=self._whole_unit(context.home))

    def told(
        self, text: str, context: Context, sense: Sense, proof: Proof, rules: Sequence[str]
    ) -> list[tuple[Told, Floats]]:
        """Each sentence with what the rules that tell, and `sense`, say of it: what trust is learnt from."""
        context = self.read(text, context)
        made = [pair for rule in self.checks.check if tells(rule) for pair in self._made(rule, text, context)]
        return list(
            told(text, context, made, sense.heard(text, self._ground.known), sense.acts, proof, rules)
        )

    def _made(self, rule: Check, text: str, context: Context) -> Iterator[tuple[Check, Finding]]:
        if rule.applies(context):
            for finding in KINDS[rule.kind](rule, text, context, self._ground):
                yield rule, finding

    def believed(
        self, made: Found, told: Sequence[Told], likely: Sequence[float], text: str, context: Context
    ) -> Iterator[tuple[Check, Finding]]:
        """What is found in a sentence counts as far as a fault is likely in it; what is not of one sentence, always."""
        few = len(facts_read(context)) < FEW
        sure = [(each, share, _stops(each, few)) for each, share in zip(told, likely, strict=True)]
        stopped: set[int] = set()
        warned: set[int] = set()
        for rule, finding in made:
            here = [row for row in sure if finding.start < row[0].end and row[0].start < finding.end]
            _, most, stops = max(here, key=lambda row: row[1], default=(None, 1.0, STOPS))
            judge = judged(rule) or (rule.kind == "headline" and not context.claims)
            weighed = judge or (rule.kind in COMPARED and finding.blocks)
            if not weighed or not finding.end:
                if finding.blocks or rule.always or rule.kind not in WARNING or most >= DISMISSED:
                    yield rule, finding
                continue
            always = rule.always or rule.kind in COMPARED
            if not always and most < (HEEDED if finding.blocks else WARNS):
                continue
            sure_of = finding.blocks or (rule.kind == "heard" and rule.blocks)
            blocks = sure_of and most >= COMPARED.get(rule.kind, stops)
            yield rule, finding._replace(blocks=blocks)
            (stopped if blocks else warned).update(each.start for each, *_ in here)
        if context.variant == "answer":  # background says nothing of the case
            return
        for each, share, stops in sure:
            if each.start in stopped or share < WARNS or (share < stops and each.start in warned):
                continue
            yield from self._unfound(each, share, stops, text, context)

    def _unfound(
        self, each: Told, share: float, stops: float, text: str, context: Context
    ) -> Iterator[tuple[Check, Finding]]:
        """A likely fault that no rule found in its sentence, told by the rule of what it reads as; not where verified
        facts bear it out. Where that rule lets it pass otherwise, what was learnt is told all the same, and stops when
        it is sure."""
        plain = each.wrong == "unverified"
        borne_out = held(text[each.start : each.end], context) >= HELD
        for rule in self.checks.check:
            fits = rule.kind == "untold" if plain else rule.kind == "heard" and each.wrong in rule.heard
            if fits and rule.applies(context):
                unknown = plain and context.facts is None
                if not unknown and not (borne_out and (plain or rule.supported)):
                    passes = excuses(rule, text, each.start, each.end, context)
                    blocks = share >= (max(stops, SURE) if passes else stops) and (rule.blocks or plain)
                    yield rule, finding_of(rule, text, each.start, each.end)._replace(blocks=blocks)
                return

    def _whole_unit(self, home: tuple[str, ...]) -> tuple[str, ...]:
        ours = {self._units[place] for place in home if place in self._units} | set(home)
        return (*home, *(borough for borough, unit in self._units.items() if unit in ours))


def _stops(said: Told, few: bool) -> float:
    """From which likelihood a fault on a sentence stops, where `few` facts are verified or enough."""
    if not few:
        return STOPS
    return SUREST if said.wrong in BORNE else SURE
