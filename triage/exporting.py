"""The evidence of one case as one archive: what was collected, its headers, files, time stamps and custody, and a
manifest with the SHA-256 of every part.

Without `whole` nobody can be told from it: authors are the voices of this case, accounts in texts are not named, and
payloads, addresses and files stay here; their digests are in it all the same. Nothing is written outside the archive.
"""

import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any, NamedTuple
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from sqlmodel import Session, col, select

from collector.evidence import note_custody, note_custody_of_files
from collector.evidence_records import CustodyEntry, PostVersion
from collector.footage_records import Look
from collector.hold_records import HeldCopy
from collector.records import Post
from collector.video.files import Files
from triage.evidence import Exhibit, FileOf, read_exhibits, read_uploads
from triage.hidden import sees
from triage.locked import Conflict
from triage.log import Line, note
from triage.permissions import Permission, need
from triage.records import Case, Membership, Person
from triage.web.reading import MENTION, pseudonym, unmentioned

FORMAT = "goldenhour-evidence/1"
AT_ONCE = 200
MANIFEST = "manifest.json"
NO_CASE = "There is no such case."
LARGEST_MANIFEST = 200_000_000
README = """Evidence of one case, exported from Golden Hour.

manifest.json names every part with its SHA-256. Check them all with
    goldenhour evidence verify THIS-FILE.zip
or, unpacked, without Golden Hour:
    sha256sum -c SHA256SUMS
The SHA-256 of manifest.json stands in the case's log under "evidence exported".

posts/N/post.json       what is known of post N, and which elements of evidence are there
posts/N/payload         what the platform gave, byte for byte; its SHA-256 is payload_sha256 in post.json
posts/N/wording-K       the payload of an earlier or later wording
files/NAME              a video or picture, byte for byte; NAME.json says what it is and how it came
held/ID.json            what a legal hold keeps of a post that its author or platform took back
timestamps/DIGEST.tst   a time stamp (RFC 3161): openssl ts -verify -digest DIGEST -in FILE -token_in -CAfile ...
custody.jsonl           who had which piece in hand, when, in order
What is withheld is named in manifest.json, with the reason.
"""
WITHHELD = "withheld: it names its author or shows people; an export in whole has it"


class Exported(NamedTuple):
    """What an export came to. `manifest` is the SHA-256 of the manifest."""

    posts: int
    files: int
    parts: int
    manifest: str


class Archive:
    """The zip being written, and the digest of each part."""

    def __init__(self, out: IO[bytes], now: datetime) -> None:
        self.zip = ZipFile(out, "w", ZIP_DEFLATED)
        self.date = now.timetuple()[:6]
        self.parts: list[dict[str, Any]] = []
        self.redactions: list[dict[str, Any]] = []  # part, field, why, how many

    def add(self, path: str, body: bytes) -> None:
        self.zip.writestr(self._named(path), body)
        self._enter(path, hashlib.sha256(body).hexdigest(), len(body))

    def add_json(self, path: str, value: object) -> None:
        self.add(path, json.dumps(value, indent=1, ensure_ascii=False, default=plain_value).encode())

    def add_file(self, path: str, file: Path) -> None:
        digest = hashlib.sha256()
        with file.open("rb") as source, self.zip.open(self._named(path, ZIP_STORED), "w") as target:
            while piece := source.read(1 << 20):
                digest.update(piece)
                target.write(piece)
        self._enter(path, digest.hexdigest(), file.stat().st_size)

    def close(self, manifest: dict[str, Any]) -> str:
        """Add the manifest and the list for `sha256sum -c`; returns the manifest's SHA-256."""
        body = json.dumps(manifest, indent=1, ensure_ascii=False, default=plain_value).encode()
        digest = hashlib.sha256(body).hexdigest()
        sums = "".join(f"{each['sha256']}  {each['path']}\n" for each in self.parts)
        self.zip.writestr(self._named(MANIFEST), body)
        self.zip.writestr(self._named("SHA256SUMS"), f"{sums}{digest}  {MANIFEST}\n")
        self.zip.close()
        return digest

    def _named(self, path: str, packed: int = ZIP_DEFLATED) -> ZipInfo:
        named = ZipInfo(path, self.date)
        named.compress_type = packed
        named.external_attr = 0o600 << 16
        return named

    def _enter(self, path: str, sha256: str, size: int) -> None:
        self.parts.append({"path": path, "sha256": sha256, "bytes": size})


def export_case(
    session: Session,
    case: Case,
    out: IO[bytes],
    files: Files,
    *,
    who: Person,
    why: str,
    whole: bool,
    now: datetime,
) -> Exported:
    """Write the evidence of a case into `out`, and enter that it was exported. The caller commits, then hands it out.

    Raises Denied when the person may not, Conflict without a reason or when the case is hidden from the person.
    """
    need(who, Permission.EXPORT_WHOLE if whole else Permission.EXPORT)
    if not sees(session, who, case.id):
        raise Conflict(NO_CASE)
    if not why.strip():
        raise Conflict("Say why the evidence is exported.")
    archive = Archive(out, now)
    archive.add("README.txt", README.encode())
    posts = 0
    media: list[UUID] = []
    for posts, exhibit in enumerate(_exhibits(session, case.id), 1):
        media += _add_post(archive, posts, exhibit, case.id, files, whole=whole)
    for each in read_uploads(session, case.id):
        media += _add_file(archive, each, files, whole=whole)
    ids = _members(session, case.id)
    if whole:
        _add_held(session, archive, ids)
    _add_custody(session, archive, ids, media)
    manifest = _close(archive, case, who, why, whole, posts, now)
    told = "in whole" if whole else "pseudonymised"
    reason = f"{told}: {why.strip()}"
    note_custody(session, ids, "exported", who=who.username, now=now, note=reason)
    note_custody_of_files(session, media, "exported", who=who.username, now=now, note=reason)
    detail = {"manifest_sha256": manifest, "posts": posts, "files": len(media), "whole": whole}
    note(session, [Line("evidence exported", case.id, why.strip(), detail)], who=who.username, now=now)
    return Exported(posts, len(media), len(archive.parts), manifest)


def release_evidence(
    session: Session, case: Case, *, to: str, why: str, what: str, who: Person, now: datetime
) -> int:
    """Enter that the evidence of a case was handed to somebody outside: to whom, what, why. How many pieces.

    Raises Denied when the person may not, Conflict when something is missing.
    """
    need(who, Permission.EXPORT)
    if not to.strip() or not why.strip():
        raise Conflict("Say to whom the evidence was released, and why.")
    told = f"to {to.strip()}: {why.strip()}" + (f" ({what.strip()})" if what.strip() else "")
    ids = _members(session, case.id)
    media = session.exec(
        select(Look.media_id).where(col(Look.post_id).in_(ids) | (Look.case_id == case.id))
    ).all()
    entered = note_custody(session, ids, "released", who=who.username, now=now, note=told)
    entered += note_custody_of_files(session, media, "released", who=who.username, now=now, note=told)
    detail = {"to": to.strip(), "what": what.strip(), "pieces": entered}
    note(session, [Line("evidence released", case.id, why.strip(), detail)], who=who.username, now=now)
    return entered


def _members(session: Session, case_id: UUID) -> list[UUID]:
    sure = select(Membership.post_id).where(Membership.case_id == case_id, col(Membership.sure))
    return list(session.exec(sure.order_by(col(Membership.joined_at), col(Membership.post_id))))


def _exhibits(session: Session, case_id: UUID) -> Iterator[Exhibit]:
    ids = _members(session, case_id)
    for start in range(0, len(ids), AT_ONCE):
        part = ids[start : start + AT_ONCE]
        posts = session.exec(
            select(Post).where(col(Post.id).in_(part)).order_by(col(Post.published_at))
        ).all()
        found = read_exhibits(session, posts)
        yield from (found[post.id] for post in posts)
        session.expunge_all()  # a case may hold tens of thousands


def _add_post(
    archive: Archive, number: int, exhibit: Exhibit, case_id: UUID, files: Files, *, whole: bool
) -> list[UUID]:
    post, folder = exhibit.post, f"posts/{number}"
    record = {
        "id": post.id,
        "platform": post.platform,
        "source": post.source,
        "author": pseudonym(case_id, post.author_key),
        "published_at": post.published_at,
        "first_seen_at": post.collected_at,
        "text": post.text if whole else unmentioned(post.text),
        "title": post.title,
        "url": post.url if whole else None,
        "payload_sha256": post.payload_sha256.hex(),
        "withdrawn_at": post.withdrawn_at,
        "withdrawn_because": post.withdrawn_because,
        "answer": _answer(exhibit, whole=whole),
        "wordings": [_wording(each, whole=whole) for each in exhibit.wordings],
        "files": [each.look.sha256.hex() for each in exhibit.files if each.look and each.look.sha256],
        "elements": [each._asdict() for each in exhibit.elements],
    }
    part = f"{folder}/post.json"
    archive.add_json(part, record)
    if not whole:
        _note_redactions(archive, part, exhibit)
    if whole and post.payload is not None:
        archive.add(f"{folder}/payload", post.payload)
    for each in exhibit.wordings:
        if whole and each.payload is not None:
            archive.add(f"{folder}/wording-{each.number}", each.payload)
    if exhibit.stamp is not None:
        archive.add(f"timestamps/{post.payload_sha256.hex()}.tst", exhibit.stamp.token)
    return [media for each in exhibit.files for media in _add_file(archive, each, files, whole=whole)]


def _add_held(session: Session, archive: Archive, posts: Sequence[UUID]) -> None:
    """What a legal hold keeps of posts that were taken back, row for row."""
    copies = select(HeldCopy).where(col(HeldCopy.post_id).in_(posts)).order_by(col(HeldCopy.post_id))
    for each in session.exec(copies):
        archive.add_json(f"held/{each.post_id}.json", each.model_dump())


def _note_redactions(archive: Archive, part: str, exhibit: Exhibit) -> None:
    """Say in the manifest what stays out of this post, and why."""
    post = exhibit.post
    accounts = sum(
        len(MENTION.findall(text)) for text in (post.text, *(each.text for each in exhibit.wordings))
    )
    out = (
        ("author", "a voice of this case stands for it", int(post.author_key is not None)),
        ("text", "accounts in it are not named", accounts),
        ("url", WITHHELD, int(post.url is not None)),
        ("payload", WITHHELD, int(post.payload is not None)),
        ("answer", WITHHELD, int(exhibit.fetch is not None)),
        ("files", WITHHELD, sum(1 for each in exhibit.files if each.look and each.look.sha256)),
    )
    archive.redactions += [
        {"part": part, "field": field, "why": why, "count": count} for field, why, count in out if count
    ]


def _answer(exhibit: Exhibit, *, whole: bool) -> dict[str, Any] | None:
    if exhibit.fetch is None:
        return None
    found = exhibit.fetch
    return {
        "at": found.at,
        "url": found.url if whole else None,
        "headers": found.headers if whole else WITHHELD,
        "body_sha256": found.body_sha256.hex(),
    }


def _wording(version: PostVersion, *, whole: bool) -> dict[str, Any]:
    return {
        "number": version.number,
        "taken_at": version.taken_at,
        "text": version.text if whole else unmentioned(version.text),
        "payload_sha256": version.payload_sha256.hex(),
    }


def _add_file(archive: Archive, each: FileOf, files: Files, *, whole: bool) -> list[UUID]:
    """One file with what is known of it. A file that two posts carry stands in the archive once."""
    look = each.look
    if look is None or look.sha256 is None:
        return []
    path = f"files/{look.sha256.hex()}"
    known = {part["path"] for part in archive.parts}
    archive.add_json(f"files/{look.media_id}.json", _told(each, whole=whole))
    kept = files.place(look.sha256)
    if whole and look.gone_at is None and path not in known and kept.is_file():
        archive.add_file(path, kept)
    return [look.media_id]


def _told(each: FileOf, *, whole: bool) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if each.look is not None:
        hidden = set() if whole else {"url", "headers"}
        told["look"] = each.look.model_dump(exclude=hidden)
    if each.footage is not None:
        told["footage"] = each.footage.model_dump(exclude=set() if whole else {"captions"})
    return told


def _add_custody(session: Session, archive: Archive, posts: Sequence[UUID], media: Sequence[UUID]) -> None:
    entries = session.exec(
        select(CustodyEntry)
        .where(col(CustodyEntry.post_id).in_(posts) | col(CustodyEntry.media_id).in_(media))
        .order_by(col(CustodyEntry.id))
    )
    lines = [json.dumps(each.model_dump(), default=plain_value) for each in entries]
    archive.add("custody.jsonl", "".join(f"{line}\n" for line in lines).encode())


def _close(
    archive: Archive, case: Case, who: Person, why: str, whole: bool, posts: int, now: datetime
) -> str:
    manifest = {
        "format": FORMAT,
        "case": f"GH-{case.number}",
        "title": case.title,
        "exported_at": now,
        "exported_by": who.username,
        "why": why.strip(),
        "whole": whole,
        "withheld": "" if whole else WITHHELD,
        "redactions": archive.redactions,
        "posts": posts,
        "parts": list(archive.parts),
    }
    return archive.close(manifest)


def plain_value(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)


class Verified(NamedTuple):
    """Whether an archive is as it was exported. `wrong` says of each part that is not, how."""

    case: str
    parts: int
    manifest: str
    wrong: list[str]


def verify_export(archive: IO[bytes] | Path) -> Verified:
    """Compute every digest of an archive anew. Raises ValueError when it is no export of ours."""
    try:
        with ZipFile(archive) as opened:
            if opened.getinfo(MANIFEST).file_size > LARGEST_MANIFEST:
                raise ValueError("its manifest is too large")
            body = opened.read(MANIFEST)
            told = json.loads(body)
            if told.get("format") != FORMAT:
                raise ValueError(f"its format is not {FORMAT}")
            wrong = list(_wrong(opened, told["parts"]))
            return Verified(told["case"], len(told["parts"]), hashlib.sha256(body).hexdigest(), wrong)
    except (BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise ValueError(f"the archive is damaged ({error})") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no evidence export of Golden Hour ({error})") from error


def _wrong(opened: ZipFile, parts: Sequence[dict[str, Any]]) -> Iterator[str]:
    names = opened.namelist()
    listed = {each["path"]: each["sha256"] for each in parts}
    for path, digest in listed.items():
        if path not in names:
            yield f"{path} is missing"
            continue
        found = hashlib.sha256()
        with opened.open(path) as part:
            while piece := part.read(1 << 20):
                found.update(piece)
        if found.hexdigest() != digest:
            yield f"{path} is not what was exported"
    yield from (f"{path} was put in later" for path in names if path not in {*listed, MANIFEST, "SHA256SUMS"})
    yield from (
        f"{path} is in it twice" for path in sorted({each for each in names if names.count(each) > 1})
    )
