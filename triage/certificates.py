"""A certificate of disposal: what went, under which rule, when and by whom; sealed, and following the one before it.

Opened with the first batch of a class, added to with each in the batch's own transaction, sealed when the class is
through: a run that was killed goes on with the certificate it left open. The log carries each seal, so the chain of
the log proves the certificates and the certificates prove the disposal.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from triage.log import Line, note
from triage.retention_records import DisposalCertificate, RetentionRun

START = bytes(32)
LOCK = 0x601DE7  # any fixed number: certificates are sealed one after the other


class Broken(NamedTuple):
    """A certificate that is not as it was sealed."""

    number: int
    what: str


def open_certificate(
    session: Session, run: RetentionRun, class_name: str, *, why: str, now: datetime
) -> DisposalCertificate:
    """The certificate of a class that is not sealed yet; a new one when there is none."""
    open_one = select(DisposalCertificate).where(
        DisposalCertificate.class_name == class_name, col(DisposalCertificate.seal).is_(None)
    )
    found = session.exec(open_one.with_for_update()).first()
    if found is None:
        found = DisposalCertificate(
            run_id=run.id, class_name=class_name, rules=run.rules, who=run.who, why=why, began_at=now, digest=START
        )  # fmt: skip
        session.add(found)
        session.flush()
    return found


def enter(certificate: DisposalCertificate, ids: Sequence[object], counts: Mapping[str, int]) -> None:
    """Add one batch: the digest runs over its ids, in order; `counts` say where how many rows or files went."""
    listed = "\n".join(sorted(str(each) for each in ids)).encode()
    certificate.digest = hashlib.sha256(certificate.digest + listed).digest()
    certificate.items += len(ids)
    added = {name: certificate.counts.get(name, 0) + number for name, number in counts.items() if number}
    certificate.counts = {**certificate.counts, **added}


def seal_certificate(
    session: Session, certificate: DisposalCertificate, key: bytes, *, held: Mapping[str, int], now: datetime
) -> None:
    """Seal it, and say so in the log. `held` counts by hold what was due and stayed. The caller commits."""
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    last = _last(session)
    certificate.ended_at, certificate.held = now, dict(held)
    certificate.follows = last.number if last else None
    certificate.seal = _seal(key, certificate, last.seal if last else None)
    detail = {
        "certificate": f"D-{certificate.number}",
        "class": certificate.class_name,
        "items": certificate.items,
        "rules": certificate.rules,
        "seal": certificate.seal.hex(),
    }
    note(session, [Line("disposed of", None, certificate.why, detail)], who=certificate.who, now=now)
    session.flush()


def verify_certificates(session: Session, key: bytes) -> list[Broken]:
    """What is wrong with the sealed certificates: one is not as it was sealed, or one between them is missing."""
    sealed = select(DisposalCertificate).where(col(DisposalCertificate.seal).is_not(None))
    return list(broken_among(session.exec(sealed.order_by(col(DisposalCertificate.number))).all(), key))


def broken_among(certificates: Sequence[DisposalCertificate], key: bytes) -> Iterator[Broken]:
    """What is wrong with some. Each follows another one, and no two the same. Of the first the one before may have gone
    when its time was over: then its seal cannot be recomputed."""
    seals = {each.number: each.seal for each in certificates}
    followed: set[int | None] = set()
    begun = False
    for each in sorted(certificates, key=lambda each: (each.follows is not None, each.follows in seals)):
        number = each.number or 0
        first = each.follows not in seals
        if each.follows in followed or (first and begun):
            yield Broken(number, f"the one before it, D-{each.follows}, is missing or followed by another")
        begun = begun or first
        followed.add(each.follows)
        if first and each.follows is not None:
            continue
        if each.seal is None or not hmac.compare_digest(_seal(key, each, seals.get(each.follows)), each.seal):
            yield Broken(number, "it is not as it was sealed")


def _last(session: Session) -> DisposalCertificate | None:
    """The sealed certificate that none follows yet."""
    later = aliased(DisposalCertificate)
    followed = select(later.id).where(col(later.follows) == col(DisposalCertificate.number)).exists()
    newest = select(DisposalCertificate).where(col(DisposalCertificate.seal).is_not(None), ~followed)
    return session.exec(newest.order_by(col(DisposalCertificate.number).desc()).limit(1)).first()


def as_told(certificate: DisposalCertificate) -> dict[str, Any]:
    """The whole certificate as a file holds it: whoever has the key of the log can verify its seal."""
    told = certificate.model_dump(mode="json", exclude={"digest", "seal"})
    seals = {"digest": certificate.digest.hex(), "seal": (certificate.seal or b"").hex()}
    return told | seals | {"format": "goldenhour-disposal/1"}


def last_run(session: Session) -> datetime | None:
    """When a run last came to its end."""
    return session.exec(select(func.max(RetentionRun.ended_at))).one()


def _seal(key: bytes, certificate: DisposalCertificate, before: bytes | None) -> bytes:
    told: list[Any] = [
        certificate.number, str(certificate.run_id), certificate.class_name, certificate.rules, certificate.who,
        certificate.why, _moment(certificate.began_at), _moment(certificate.ended_at), certificate.items,
        certificate.counts, certificate.digest.hex(), certificate.held, certificate.follows,
    ]  # fmt: skip
    body = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return hmac.digest(key, b"certificate\0" + (before or START) + body, "sha256")


def _moment(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="microseconds") if moment else None
