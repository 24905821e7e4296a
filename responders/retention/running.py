"""A run: class by class, in small batches, each in one transaction with its certificate. Killed anywhere, it goes on.

What is due is asked anew for each batch, so a hold set meanwhile counts at once.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from classifier.forget import forget
from collector.retention import let_answers_go, let_counts_go, let_unseen_go
from collector.sweep import purge
from collector.video.files import Files
from responders import notifying
from responders.retention import files, months, posts, records, rows, vault
from responders.retention.records import Gone
from triage.certificates import enter, open_certificate, seal_certificate
from triage.claim_forget import forget_claims
from triage.holding import expire_holds
from triage.keeping import settle_files
from triage.log import MACHINE
from triage.retention_policy import CONTENT, Disposal, RetentionClass, RetentionPolicy
from triage.retention_records import DisposalCertificate, RetentionRun
from triage.searching import forget_words

LOCK = 0x601DE8  # any fixed number: one run at a time

_SETTLED = text("SELECT media_id FROM looks WHERE gone_at = :now ORDER BY media_id")
_UNHELD = text(
    "DELETE FROM held_copies AS c WHERE NOT EXISTS (SELECT FROM held_posts AS h WHERE h.post_id = c.post_id)"
    " RETURNING post_id"
)
_SPENT = text(
    "SELECT id FROM notifications WHERE case_id IS NULL AND state <> ALL(:at_work) AND created_at < :before"
)


class Busy(Exception):
    """Another run is under way; the text is shown as it stands."""


class Place(NamedTuple):
    """Where and by what a run works. `data` is the data folder; `policy` has the days of the settings in it.

    After each batch the run pauses for `pause` times as long as it took: who is at the desk by night goes first.
    """

    engine: Engine
    policy: RetentionPolicy
    data: Path
    files: Files
    files_for: timedelta
    vault: Path
    log_key: bytes
    permalink_key: bytes
    pause: float = 0.0


class Done(NamedTuple):
    """What a run did with one class: how many items went, how many a hold kept."""

    class_name: str
    items: int
    held: int


Batch = Callable[[Session, Callable[[], DisposalCertificate]], Gone]


def run_retention(place: Place, *, now: datetime, who: str = MACHINE, only: Sequence[str] = ()) -> list[Done]:
    """Dispose of all that is due, or of some classes only. Raises Busy while another run works."""
    with _alone(place.engine), Session(place.engine) as session:
        expire_holds(session, now=now)
        run = _begin(session, place.policy, who, now)
        session.commit()
        done = [
            _class(place, run.id, name, why, batch, now)
            for name, why, batch in _steps(place, now)
            if not only or name in only
        ]
        run.ended_at = now
        run.held = _held(session, place.policy, now)
        session.add(run)
        session.commit()
    return done


def _held(session: Session, policy: RetentionPolicy, now: datetime) -> dict[str, dict[str, int]]:
    """By class and hold how much was due and stayed."""
    found: dict[str, dict[str, int]] = {}
    for each in posts.count_due(session, policy, now=now):
        if each.hold is not None:
            found.setdefault(each.class_name, {})[f"H-{each.hold}"] = each.posts
    [cases] = policy.by(Disposal.CASES)
    if kept := records.held_cases(session, cases, now=now):
        found[cases.name] = {f"H-{hold}": number for hold, number in kept.items()}
    return found


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    with engine.connect() as connection:
        if not connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}).scalar_one():
            raise Busy("Retention is being run already; what is due goes with that run.")
        connection.commit()
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
            connection.commit()


def _begin(session: Session, policy: RetentionPolicy, who: str, now: datetime) -> RetentionRun:
    """The run that was broken off, or a new one."""
    broken = select(RetentionRun).where(col(RetentionRun.ended_at).is_(None))
    run = session.exec(broken).first() or RetentionRun(rules=policy.version, who=who, began_at=now)
    session.add(run)
    session.flush()
    return run


def _class(place: Place, run_id: object, name: str, why: str, batch: Batch, now: datetime) -> Done:
    """All batches of one class, then its seal."""
    items = 0
    with Session(place.engine) as session:
        while True:
            run = session.get_one(RetentionRun, run_id)
            opened = _opener(session, run, name, why, now)
            began_s = time.monotonic()
            gone = batch(session, opened)
            if not gone.ids:
                break
            enter(opened(), gone.ids, gone.counts)
            session.commit()
            items += len(gone.ids)
            time.sleep(place.pause * (time.monotonic() - began_s))
        session.commit()
        held = sum(_seal(session, place, name, now).values())
        session.commit()
    return Done(name, items, held)


def _seal(session: Session, place: Place, name: str, now: datetime) -> dict[str, int]:
    """Seal the certificate of a class, if one is open; also one that a run left that was killed."""
    unsealed = select(DisposalCertificate).where(
        DisposalCertificate.class_name == name, col(DisposalCertificate.seal).is_(None)
    )
    certificate = session.exec(unsealed).first()
    if certificate is None:
        return {}
    held = _held(session, place.policy, now).get(name, {})
    seal_certificate(session, certificate, place.log_key, held=held, now=now)
    return held


def _opener(
    session: Session, run: RetentionRun, name: str, why: str, now: datetime
) -> Callable[[], DisposalCertificate]:
    return lambda: open_certificate(session, run, name, why=why, now=now)


def _steps(place: Place, now: datetime) -> Iterator[tuple[str, str, Batch]]:
    """Each class with the reason on its certificate and what does one batch of it, in order."""
    policy = place.policy
    for rule in policy.by(Disposal.COLLECTOR):
        if rule.name != "deleted":  # those go as soon as we are told
            yield rule.name, _why(rule), _collected(rule, now)
    for name in CONTENT:
        yield name, _why(policy.of(name)), _content(place, policy.of(name), now)
    yield "media", "its post or its case is not kept", _media(place, now)
    for disposal, batch in _single(place, now).items():
        for rule in policy.by(disposal):
            yield rule.name, _why(rule), batch(rule)
    yield "vault", "no author is sealed under it any more", _keys(place, now)


def _why(rule: RetentionClass) -> str:
    return f"{rule.title}: {rule.period} from when {rule.clock}" if rule.keep != "0h" else rule.title


def _single(place: Place, now: datetime) -> Mapping[Disposal, Callable[[RetentionClass], Batch]]:
    return {
        Disposal.HELD: lambda _rule: lambda session, _: _unheld(session),
        Disposal.CASES: lambda rule: lambda session, _: records.let_cases_go(session, rule, now=now),
        Disposal.MEETINGS: lambda rule: lambda session, _: records.let_meetings_go(session, rule, now=now),
        Disposal.MONTHS: lambda rule: _months(place, rule, now),
        Disposal.ROWS: lambda rule: lambda session, _: _rows(session, rule, now),
        Disposal.NOTICES: lambda rule: _once(lambda session: _notices(session, rule, now)),
        Disposal.LOG: lambda rule: (
            lambda session, _: records.let_log_go(session, rule, place.log_key, now=now)
        ),
        Disposal.STAFF: lambda rule: lambda session, _: records.let_staff_go(session, rule, now=now),
        Disposal.FILES: lambda rule: _once(lambda _session: _files(place, rule, now)),
    }


def _once(act: Callable[[Session], Gone]) -> Batch:
    """What lets all go in one batch."""
    done: list[bool] = []

    def batch(session: Session, _: Callable[[], DisposalCertificate]) -> Gone:
        if done:
            return Gone([], {})
        done.append(True)
        return act(session)

    return batch


def _content(place: Place, rule: RetentionClass, now: datetime) -> Batch:
    waiting = posts.DuePosts(place.policy, rule.name, now=now)

    def batch(session: Session, opened: Callable[[], DisposalCertificate]) -> Gone:
        due = waiting.next(session)
        if not due:
            return Gone([], {})
        counts = posts.purge_posts(
            session, due, rule, rules=place.policy.version, certificate=opened().id,
            permalink_key=place.permalink_key, now=now,
        )  # fmt: skip
        return Gone([str(each.id) for each in due], counts)

    return batch


def _collected(rule: RetentionClass, now: datetime) -> Batch:
    """What the collector lets go by its own rules."""
    days = rule.period.number
    if rule.name == "answers":
        return _once(lambda session: _counted(let_answers_go(session, days, now=now)._asdict()))
    if rule.name == "counts":
        return _once(lambda session: _counted({"counts": let_counts_go(session, days, now=now)}))

    def batch(session: Session, _: Callable[[], DisposalCertificate]) -> Gone:
        gone = purge(session, now=now) if rule.name == "platform" else let_unseen_go(session, days, now=now)
        forget(session, gone)
        forget_claims(session, gone, now=now)
        forget_words(session, gone)
        return Gone([str(each) for each in gone], {"posts": len(gone)})

    return batch


def _counted(counts: dict[str, int]) -> Gone:
    """Of what has no id worth keeping, only how many."""
    return Gone([f"{name} {number}" for name, number in counts.items() if number], counts)


def _media(place: Place, now: datetime) -> Batch:
    seen: set[object] = set()

    def batch(session: Session, _: Callable[[], DisposalCertificate]) -> Gone:
        if not settle_files(session, place.files, keep_for=place.files_for, now=now):
            return Gone([], {})
        new = [each for each in session.scalars(_SETTLED, {"now": now}) if each not in seen]
        seen.update(new)
        return Gone([str(each) for each in new], {"files": len(new)})

    return batch


def _unheld(session: Session) -> Gone:
    gone = [str(each) for each in session.scalars(_UNHELD)]
    return Gone(gone, {"held_copies": len(gone)})


def _months(place: Place, rule: RetentionClass, now: datetime) -> Batch:
    def batch(session: Session, _: Callable[[], DisposalCertificate]) -> Gone:
        over = months.months_over(session, rule.period.before(now))
        if not over:
            return Gone([], {})
        month = over[0]
        for number in range(months.SLICES):
            with Session(place.engine) as own:
                months.clear_slice(own, month, number)
                own.commit()
        ids, moved = months.drop_month(session, month)
        return Gone([f"part:{month.part}", *ids], {month.table: len(ids), "moved": moved, "parts": 1})

    return batch


def _rows(session: Session, rule: RetentionClass, now: datetime) -> Gone:
    gone = rows.let_rows_go(session, rule, now=now)
    return Gone(
        [key for keys in gone.values() for key in keys], {name: len(keys) for name, keys in gone.items()}
    )


def _notices(session: Session, rule: RetentionClass, now: datetime) -> Gone:
    before = rule.period.before(now)
    at_work = [each.value for each in notifying.AT_WORK]
    gone = [str(each) for each in session.scalars(_SPENT, {"at_work": at_work, "before": before})]
    notifying.forget(session, now=now, kept=now - before)
    return Gone(gone, {"notifications": len(gone)})


def _files(place: Place, rule: RetentionClass, now: datetime) -> Gone:
    gone = files.let_files_go(place.data, rule, now=now)
    return Gone(gone, {"files": len(gone)})


def _keys(place: Place, now: datetime) -> Batch:
    def act(session: Session) -> Gone:
        gone = vault.tend_keys(session, place.vault, now=now)
        return Gone(gone, {"keys": len(gone)})

    return _once(act)
