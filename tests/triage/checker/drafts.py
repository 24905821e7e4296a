"""Drafts to try the checker with: clean ones, and ones with one planted fault each, all written for this."""

import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from config.settings import read_settings
from config.wording import checker_of
from tests.make import NOON
from triage.checking_context import Claimed, Context, Finding
from triage.checking_facts import Fact

HERE = Path(__file__).parent
CHECKER = checker_of(read_settings())
FACTS = {
    "place": "Rye Lane, Peckham",
    "happened_at": "18:40 on 14 July",
    "aware_since": "19:10 on 14 July",
    "next_update": "21:00 on 14 July",
    "case": "GH-7",
}
UPDATE = "We will update you by 21:00 on 14 July."
FRAMES = tomllib.loads((HERE / "frames.toml").read_text(encoding="utf-8"))["frame"]


class Planted(NamedTuple):
    """A draft with one fault: where it stands in the text, and the rules of which one must find it."""

    kind: str
    any: tuple[str, ...]
    text: str
    start: int
    end: int
    context: Context

    def fits(self, finding: Finding) -> bool:
        here = self.start == self.end or (finding.start < self.end and finding.end > self.start)
        return finding.rule in self.any and (here or finding.end == 0)


def facts_of(values: dict[str, str]) -> tuple[Fact, ...]:
    return tuple(Fact(name, value, "the record", "bea", NOON) for name, value in values.items())


def planted(name: str) -> Iterator[Planted]:
    number = 0
    for kind, table in tomllib.loads((HERE / name).read_text(encoding="utf-8")).items():
        for said, update, more in _faults(table):
            frame = FRAMES[number % len(FRAMES)]
            before, after = frame["before"], frame["after"]
            text = " ".join(part for part in (before, said, after) if part) + f"\n\n{update}"
            start = len(before) + 1
            flags: dict[str, Any] = dict.fromkeys(table.get("flags", []), True)
            known = Context(now=NOON, facts=facts_of(FACTS), home=("Southwark", "Central South"))
            context = known._replace(**flags, **more)
            if not said:
                start = end = 0
            else:
                end = start + len(said)
            yield Planted(kind, tuple(table["any"]), text, start, end, context)
            number += 1


def _faults(table: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for said in table.get("say", []):
        yield said, UPDATE, {}
    for update in table.get("update", []):
        yield "", update, {}
    for headline in table.get("headline", []):
        yield "", UPDATE, {"headline": headline}
    for pair in table.get("pair", []):
        yield pair["say"], UPDATE, {"earlier": (pair["earlier"],)}
    for claim in table.get("claim", []):
        yield (
            "",
            UPDATE,
            {"headline": claim["headline"], "claims": (Claimed(claim["words"], claim["state"]),)},
        )
    for late in table.get("late", []):
        yield "", UPDATE, {"now": datetime.fromisoformat(late)}


def clean(name: str) -> Iterator[tuple[str, Context]]:
    for draft in tomllib.loads((HERE / name).read_text(encoding="utf-8"))["draft"]:
        flags: dict[str, Any] = dict.fromkeys(draft.get("flags", []), True)
        yield (
            draft["text"].strip(),
            Context(
                facts=facts_of(draft.get("facts", {})),
                variant=draft.get("variant", "long"),
                home=tuple(draft.get("home", [])),
                headline=draft.get("headline", ""),
                earlier=tuple(draft.get("earlier", [])),
                cleared=frozenset(draft.get("cleared", [])),
                **flags,
            ),
        )
