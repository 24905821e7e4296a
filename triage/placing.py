"""Where posts go: the rule that decides for each, and the case it joins or opens.

Routing and a rehearsal both place posts here. Nothing is read or written; the memory learns what was placed.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID, uuid4

from triage.answering import Home, Homes, follow
from triage.arrivals import Arrival
from triage.casework import CaseFile, Placed, add, open_file, reopen_file
from triage.matching import Doubt, How, Match
from triage.memory import Known, Memory
from triage.records import OPEN, Case, Severity
from triage.rules import Outcome, Rule, Rules

WITHDRAWN = Rule(name="withdrawn", because="withdrawn by its author", outcome=Outcome.DROP)


def place(arrivals: Iterable[Arrival], rules: Rules, memory: Memory, homes: Homes) -> list[Placed]:
    """Each post with its rule and its case, one after the other, in order. `homes` are the cases of posts that these
    refer to, and learn those of these.
    """
    return [_place(arrival, _rule_for(arrival, rules), memory, homes) for arrival in arrivals]


def by_case(placed: Iterable[Placed]) -> dict[UUID, list[Placed]]:
    """The posts that go to a case, by case."""
    found: dict[UUID, list[Placed]] = defaultdict(list)
    for each in placed:
        if each.case is not None:
            found[each.case].append(each)
    return found


def files_of(placed: Sequence[Placed], there: Iterable[Case], *, now: datetime) -> list[CaseFile]:
    """The cases of these posts with the posts brought in. `there` are those that were there before; without those
    in which a post merely turned out to be less than it seemed."""
    posts = by_case(each for each in placed if not each.stands or each.rule.opens)
    new = [each for each in placed if each.case is not None and each.new]
    files = [reopen_file(case) for case in there]
    files += [open_file(each.case, each, now=now) for each in new if each.case is not None]
    files = [file for file in files if posts[file.case.id]]
    for file in files:
        add(file, posts[file.case.id], now=now)
    return files


def known(case: Case) -> Known:
    """What the memory keeps of a case."""
    return Known(case.version, Severity(case.severity), case.status in OPEN)


def _rule_for(arrival: Arrival, rules: Rules) -> Rule:
    return WITHDRAWN if arrival.withdrawn else rules.first_fit(arrival.facts)


def _place(arrival: Arrival, rule: Rule, memory: Memory, homes: Homes) -> Placed:
    """Which case a post goes to. What a rule only counts may join a case, but never opens one; a post that is in one
    stays there, whatever is now known of it."""
    if arrival.stands is not None:
        return Placed(arrival, rule, Match(None), case=arrival.stands)
    if rule.outcome is Outcome.DROP:
        return Placed(arrival, rule, Match(None))
    post = memory.matcher.subject(
        arrival.text, arrival.published_at, known=arrival.known, points=arrival.points, deeds=arrival.deeds
    )
    match = follow(post, arrival.answers, memory.matcher.find(post), memory.matcher, homes)
    case = _as_id(match.case)
    if match.sure and case is not None:
        memory.matcher.put(case, post, match.how)
        homes[arrival.id] = Home(case, False, arrival.published_at)
        return Placed(arrival, rule, match, case=case)
    if not rule.opens:
        return Placed(arrival, rule, match)
    if case is not None and _only_suggested(arrival, match, memory.known.get(case)):
        return Placed(arrival, rule, match, maybe=case)
    new = uuid4()
    memory.matcher.put(new, post, How.NEW)
    homes[arrival.id] = Home(new, True, arrival.published_at)
    # later posts of this batch compare themselves with it
    memory.known[new] = Known(0, Severity(rule.no_worse_than or arrival.facts.severity), open=True)
    return Placed(arrival, rule, match, case=new, new=True, maybe=case)


def _only_suggested(arrival: Arrival, match: Match, known: Known | None) -> bool:
    """Whether a post waits at the case it is suggested for, without a case of its own.

    Only a short one does, at an open case that is as grave: everything else is seen by itself, so that no
    incident hides behind another.
    """
    return (
        match.doubt is Doubt.SHORT
        and known is not None
        and known.open
        and known.severity <= arrival.facts.severity
    )


def _as_id(case: object) -> UUID | None:
    return case if isinstance(case, UUID) else None
