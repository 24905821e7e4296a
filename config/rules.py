"""The rules in force: which ones this process routes by. Looked at between batches, so that none is mixed."""

import time
from datetime import datetime
from uuid import uuid5

import structlog
from sqlalchemy import text
from sqlmodel import Session

from collector.records import POST_NAMESPACE
from config.service import House
from config.settings import Settings
from triage.rule_changes import NotWhatWasAgreed, adopt, rules_of, stack
from triage.rules import Rules, RulesError, digest_of, in_brief, read_rules, read_words

log = structlog.get_logger()

LOOK_EVERY_S = 2.0

_NOT_READ = text(
    "INSERT INTO failures (id, at, stage, subject, error, remedy) VALUES (:id, :now, 'rules', :version, :error,"
    " 'Look at the page Rules: go back, or propose rules that this release can read')"
    " ON CONFLICT (id) DO UPDATE SET at = excluded.at, error = excluded.error, mended_at = NULL"
)
_READ = text("UPDATE failures SET mended_at = :now WHERE stage = 'rules' AND mended_at IS NULL")


class RulesInForce:
    """The rules that people agreed to, newest first that can be used. For one thread.

    What cannot be read, or is not what was agreed to, leaves the rules before in force, in plain sight.
    """

    def __init__(self, house: House) -> None:
        self.house = house
        self._rules: Rules | None = None
        self._refused = ""
        self._looked_s = float("-inf")
        self.now()

    def now(self) -> Rules:
        """The rules for the next batch. Raises RulesError when none can be used."""
        if self._rules is None or time.monotonic() - self._looked_s >= LOOK_EVERY_S:
            self._rules = self._look(self.house.clock())
            self._looked_s = time.monotonic()
        return self._rules

    def _look(self, now: datetime) -> Rules:
        with Session(self.house.engine, expire_on_commit=False) as session:
            live = stack(session) or [_adopted(session, self.house.settings, now)]
            rules = self._usable(session, live, now)
            session.commit()
        return rules

    def _usable(self, session: Session, live: list[str], now: datetime) -> Rules:
        wanted = live[-1]
        if self._rules is not None and self._rules.version == in_brief(wanted):
            return self._rules
        said = ""
        for digest in reversed(live):
            try:
                rules = rules_of(session, digest)
            except (RulesError, NotWhatWasAgreed) as error:
                said = said or str(error)
                continue
            self._say(session, wanted, rules, said, now)
            return rules
        if self._rules is not None:
            self._say(session, wanted, self._rules, said, now)
            return self._rules
        raise RulesError(f"{said}; no rules before them can be used either")

    def _say(self, session: Session, wanted: str, rules: Rules, wrong: str, now: datetime) -> None:
        if not wrong:
            session.execute(_READ, {"now": now})
            log.info("rules in force", rules=rules.version)
            return
        if self._refused != wanted:
            log.error("rules cannot be used, others stay", wanted=in_brief(wanted), used=rules.version)
            self._refused = wanted
        values = {"id": uuid5(POST_NAMESPACE, f"rules\0{wanted}"), "now": now, "version": in_brief(wanted)}
        session.execute(_NOT_READ, values | {"error": f"{rules.version} decides instead: {wrong}"[:500]})


def rules_in_force(session: Session, settings: Settings, *, now: datetime) -> Rules:
    """The rules that decide; at the first start those of the file are. The caller commits. Raises RulesError."""
    live = stack(session)
    return rules_of(session, live[-1] if live else _adopted(session, settings, now))


def digest_on_disk(settings: Settings) -> str:
    """The digest of rules.toml as it lies on this machine. Raises RulesError."""
    return digest_of(read_words(settings.file("rules.toml")))


def _adopted(session: Session, settings: Settings, now: datetime) -> str:
    path = settings.file("rules.toml")
    read_rules(path)
    return adopt(session, read_words(path), now=now)
