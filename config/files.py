"""Every file staff may edit, and who reads it. What reads them all finds what is wrong before the service starts."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from classifier.gazetteer import read_gazetteer
from classifier.lexicons import read_lexicons
from classifier.rarity import Rarity
from collector.agreements import read_agreements
from collector.catalogue import read_sources
from collector.linter import Linter
from collector.oembed import read_providers
from collector.prefilter import Prefilter
from collector.retention import KeepSettings
from config.drafts import read_lessons
from config.exercise.script import PATTERN, read_scripts, scripts_of
from config.oncall import read_oncall
from config.settings import HERE, Settings
from config.watches import read_watches
from config.wording import DRAFTS, TEMPLATES, templates_of
from responders.packs.versions import read_versions
from responders.standing import read_standing
from responders.tactics import read_tactics
from triage.accountability.purposes import read_purposes
from triage.amplifiers import read_amplifiers
from triage.checking_facts import read_fact_kinds
from triage.checking_names import Known
from triage.checking_rules import Lists, read_checks
from triage.checking_sense import read_examples
from triage.claim_types import read_guide
from triage.desks import read_desks
from triage.explainers import read_explainers
from triage.growth_rules import read_growth_rules
from triage.lifecycle import read_lifecycle
from triage.release_policy import FILES as RELEASE_POLICIES
from triage.release_policy import read_release_policies
from triage.response_policy import read_response_policy
from triage.restricting import read_restricted_policy
from triage.retention_policy import RetentionPolicy, read_retention_policy, unruled
from triage.reveal import read_reveal_policy
from triage.review.definitions import read_definitions
from triage.review.finding_codes import read_finding_codes
from triage.review.group import read_group
from triage.review.meetings import read_meetings
from triage.review.pack_checks import read_pack_checks
from triage.review.panels import read_panels
from triage.review.sheets import read_sheet
from triage.rules import read_rules
from triage.second import read_seconds
from triage.shifts import read_shift_policy


def rules_all(path: Path, keep: KeepSettings | None = None) -> RetentionPolicy:
    """The retention policy with the days of the settings. Raises ValueError when it is wrong, or leaves a place out
    that ours rules."""
    policy = read_retention_policy(path)
    if left := unruled(policy, read_retention_policy(HERE / "policy" / "retention.toml").places()):
        raise ValueError(f"{path}: nothing rules {', '.join(left)}: name each in a class or in [nothing]")
    return policy.with_settings((keep or KeepSettings()).model_dump())


class Reader(NamedTuple):
    """Files of one sort: which they are, and what reads them, raising ValueError with file, key and reason."""

    pattern: str
    read: Callable[[Sequence[Path]], object]


READERS = (
    Reader("sources.toml", lambda paths: read_sources(paths[0])),
    Reader("agreements.toml", lambda paths: read_agreements(paths[0])),
    Reader("oembed.toml", lambda paths: read_providers(paths[0])),
    Reader("lexicons/refused_terms*.toml", Linter.of),
    Reader("lexicons/prefilter*.toml", Prefilter.of),
    Reader("lexicons/signals*.toml", read_lexicons),
    Reader("gazetteer/*.csv", read_gazetteer),
    Reader("rules.toml", lambda paths: read_rules(paths[0])),
    Reader("growth.toml", lambda paths: read_growth_rules(paths[0])),
    Reader("tracks.toml", lambda paths: read_lifecycle(paths[0])),
    Reader("claims.toml", lambda paths: read_guide(paths[0])),
    Reader("desks.toml", lambda paths: read_desks(paths[0])),
    Reader(TEMPLATES, lambda paths: [path.read_text(encoding="utf-8") for path in paths]),
    Reader("statements/facts.toml", lambda paths: read_fact_kinds(paths[0])),
    Reader("statements/questions.toml", lambda paths: read_standing(paths[0])),
    Reader("statements/second.toml", lambda paths: read_seconds(paths[0])),
    Reader("statements/checks*.toml", read_checks),
    Reader("statements/heard/*.toml", read_examples),
    Reader(DRAFTS, lambda paths: [read_lessons(path) for path in paths]),
    Reader("statements/explainers/*.md", read_explainers),
    Reader("statements/amplifiers.toml", lambda paths: read_amplifiers(paths[0])),
    Reader("policy/purposes.toml", lambda paths: read_purposes(paths[0])),
    Reader("policy/reveal.toml", lambda paths: read_reveal_policy(paths[0])),
    Reader("policy/shift.toml", lambda paths: read_shift_policy(paths[0])),
    Reader("policy/retention.toml", lambda paths: rules_all(paths[0])),
    Reader("policy/restricted.toml", lambda paths: read_restricted_policy(paths[0])),
    Reader("policy/responses.toml", lambda paths: read_response_policy(paths[0])),
    Reader(RELEASE_POLICIES, read_release_policies),
    Reader("review/meetings.toml", lambda paths: read_meetings(paths[0])),
    Reader("review/figures.toml", lambda paths: read_definitions(paths[0])),
    Reader("review/findings.toml", lambda paths: read_finding_codes(paths[0])),
    Reader("review/pack-checks.toml", lambda paths: read_pack_checks(paths[0], Known(Lists(), (), ()))),
    Reader("review/pack-versions.toml", lambda paths: read_versions(paths[0])),
    Reader("review/sheet.toml", lambda paths: read_sheet(paths[0])),
    Reader("review/group.toml", lambda paths: read_group(paths[0])),
    Reader("review/panels.toml", lambda paths: read_panels(paths[0])),
    Reader("review/tactics.toml", lambda paths: read_tactics(paths[0])),
    Reader(PATTERN, read_scripts),
    Reader("matching/rarity.bin", lambda paths: Rarity.load(paths[0])),
)


class Finding(NamedTuple):
    """What reading the files of one sort came to: how many there are, and what is wrong with them, if anything."""

    pattern: str
    files: int
    wrong: str | None


def read_all(settings: Settings) -> Iterator[Finding]:
    """Read every file as the service will."""
    for reader in READERS:
        paths = settings.files(reader.pattern)
        if not paths:
            yield Finding(reader.pattern, 0, f"{HERE / reader.pattern}: there is no such file")
            continue
        try:
            if reader.pattern == "sources.toml":
                read_watches(settings)
            if reader.pattern == "escalation.toml":
                read_oncall(settings)
            if reader.pattern == PATTERN:
                scripts_of(settings)
            if reader.pattern == TEMPLATES:
                templates_of(settings)
            reader.read(paths)
        except ValueError as error:
            yield Finding(reader.pattern, len(paths), str(error))
        else:
            yield Finding(reader.pattern, len(paths), None)


def strangers(settings: Settings) -> list[str]:
    """Files in the folder GOLDENHOUR_CONFIG that nothing reads, most likely because of their name."""
    if settings.config is None:
        return []
    known = {path for reader in READERS for path in settings.files(reader.pattern)}
    known.add(settings.config / "default.toml")
    return sorted(str(path) for path in settings.config.rglob("*") if path.is_file() and path not in known)
