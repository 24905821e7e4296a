"""What stands behind each piece of evidence: which elements are there, and of those that are not, why.

The elements are those that the Berkeley Protocol on Digital Open Source Investigations (OHCHR, 2022) asks for at
collection, paragraph 155, with the digests, the custody and the time stamp of its paragraphs 153 to 167.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from collector.evidence_records import CustodyEntry, Fetch, PostVersion, Timestamp
from collector.footage_records import Footage, Look
from collector.records import Media, Post
from collector.video.fetching import KINDS, PLATFORMS

NO_CAPTURE = (
    "not taken: posts are read through an interface, and a picture of the page would show other people"
)
NO_STAMP = "no authority has stamped it; one is set with GOLDENHOUR_COLLECT__TIMESTAMP_URL"
TOO_LARGE = "larger than is kept; its digest is"


class Element(NamedTuple):
    """One thing that ought to be there. `says` is what it is, or why it is missing."""

    name: str
    there: bool
    says: str


class FileOf(NamedTuple):
    """A file of a post, or one uploaded: how it was asked for, and what it turned out to be."""

    media: Media | None
    look: Look | None
    footage: Footage | None

    @property
    def why_not(self) -> str | None:
        """Why it was not seen; None when it was."""
        if self.look is not None and self.look.done_at is not None:
            return None
        if self.look is not None and self.look.error:
            return self.look.error
        return "still to be looked at"


# which sorts of rows there are of some posts: most posts have few
_THERE = text("""
    SELECT EXISTS (SELECT FROM fetches WHERE id = ANY(:fetches)) AS fetches,
        EXISTS (SELECT FROM timestamps WHERE sha256 = ANY(:digests)) AS stamps,
        EXISTS (SELECT FROM post_versions WHERE post_id = ANY(:posts)) AS wordings,
        EXISTS (SELECT FROM looks WHERE post_id = ANY(:posts)) OR EXISTS (SELECT FROM media WHERE post_id = ANY(:posts))
            AS files
""")


class Exhibit(NamedTuple):
    """A post of a case as evidence. `wordings` are all of them, when it was edited; the last is the present one."""

    post: Post
    elements: list[Element]
    wordings: list[PostVersion]
    files: list[FileOf]
    fetch: Fetch | None
    stamp: Timestamp | None
    custody: list[CustodyEntry]

    @property
    def there(self) -> int:
        return sum(each.there for each in self.elements)


def read_exhibits(session: Session, posts: Sequence[Post]) -> dict[UUID, Exhibit]:
    """What stands behind these posts, with one query for each kind of thing that is there."""
    ids = [post.id for post in posts]
    came, digests = _fetch_ids(posts), [post.payload_sha256 for post in posts]
    there = session.execute(_THERE, {"posts": ids, "fetches": came, "digests": digests}).one()
    asked = select(Fetch).where(col(Fetch.id).in_(came))
    fetches = {each.id: each for each in session.exec(asked)} if there.fetches else {}
    stamped = select(Timestamp).where(col(Timestamp.sha256).in_(digests))
    stamps = {each.sha256: each for each in session.exec(stamped)} if there.stamps else {}
    wordings = defaultdict(list)
    ordered = select(PostVersion).where(col(PostVersion.post_id).in_(ids)).order_by(col(PostVersion.number))
    for version in session.exec(ordered) if there.wordings else ():
        wordings[version.post_id].append(version)
    custody = defaultdict(list)
    entered = select(CustodyEntry).where(col(CustodyEntry.post_id).in_(ids)).order_by(col(CustodyEntry.id))
    for entry in session.exec(entered):
        custody[entry.post_id].append(entry)
    files = read_files(session, ids) if there.files else {}
    return {
        post.id: _exhibit(
            post,
            wordings[post.id],
            files.get(post.id, []),
            fetches.get(post.fetch_id) if post.fetch_id else None,
            stamps.get(post.payload_sha256),
            custody[post.id],
        )
        for post in posts
    }


def _fetch_ids(posts: Iterable[Post]) -> list[UUID]:
    return [post.fetch_id for post in posts if post.fetch_id is not None]


def read_files(session: Session, posts: Sequence[UUID]) -> dict[UUID, list[FileOf]]:
    """The files of these posts; of withdrawn ones what is left to say of them."""
    looks = {each.media_id: each for each in session.exec(select(Look).where(col(Look.post_id).in_(posts)))}
    footage = {
        each.media_id: each for each in session.exec(select(Footage).where(col(Footage.post_id).in_(posts)))
    }
    found: dict[UUID, list[FileOf]] = defaultdict(list)
    for media in session.exec(select(Media).where(col(Media.post_id).in_(posts)).order_by(col(Media.id))):
        found[media.post_id].append(FileOf(media, looks.pop(media.id, None), footage.get(media.id)))
    for look in looks.values():  # its media row went with the withdrawn post
        if look.post_id is not None:
            found[look.post_id].append(FileOf(None, look, footage.get(look.media_id)))
    return found


def read_uploads(session: Session, case_id: UUID) -> list[FileOf]:
    """The files that staff uploaded to a case, in the order they came."""
    looks = session.exec(select(Look).where(Look.case_id == case_id).order_by(col(Look.at))).all()
    footage = {
        each.media_id: each
        for each in session.exec(
            select(Footage).where(col(Footage.media_id).in_([look.media_id for look in looks]))
        )
    }
    return [FileOf(None, look, footage.get(look.media_id)) for look in looks]


def _exhibit(
    post: Post,
    wordings: list[PostVersion],
    files: list[FileOf],
    fetch: Fetch | None,
    stamp: Timestamp | None,
    custody: list[CustodyEntry],
) -> Exhibit:
    gone = post.withdrawn_at is not None
    withdrawn = "went when the post was withdrawn"
    collected = next((each for each in custody if each.act == "collected" and each.media_id is None), None)
    elements = [
        Element("Address", bool(post.url), _address(post)),
        Element(
            "What the platform gave",
            post.payload is not None,
            f"{len(post.payload):,} bytes" if post.payload is not None else withdrawn if gone else TOO_LARGE,
        ),
        Element("SHA-256 of it", True, post.payload_sha256.hex()),
        Element("First seen", True, f"{post.collected_at:%Y-%m-%d %H:%M:%S} UTC"),
        Element("Headers of the answer", fetch is not None, _came(post, fetch)),
        *_of_files(post, files),
        Element(
            "Time stamp (RFC 3161)",
            stamp is not None,
            f"{stamp.stamped_at:%Y-%m-%d %H:%M:%S} UTC by {stamp.authority}" if stamp else NO_STAMP,
        ),
        Element(
            "Custody from collection on",
            collected is not None,
            _count(len(custody), "entry", "entries")
            if collected
            else "entered within minutes of the post joining the case",
        ),
        Element("Source and picture of the page", False, NO_CAPTURE),
    ]
    return Exhibit(post, elements, wordings, files, fetch, stamp, custody)


def _address(post: Post) -> str:
    """Whether there is one: most hold the account's name, which is not shown."""
    if post.url:
        return "kept; the link to the post leads there"
    return "went when the post was withdrawn" if post.withdrawn_at else "the source gives none"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _came(post: Post, fetch: Fetch | None) -> str:
    if fetch is not None:
        return _count(len(fetch.headers), "header", "headers")
    if post.fetch_id is not None:
        return "the answer is no longer kept"
    return "it came over a stream, from a file or by hand: there was no answer of its own"


def _of_files(post: Post, files: Sequence[FileOf]) -> list[Element]:
    """One element for each video or picture; none for a post without any."""
    shown = [each for each in files if each.media is None or each.media.kind in KINDS]
    found = []
    for number, each in enumerate(shown, 1):
        named = "File" if len(shown) == 1 else f"File {number}"
        if each.look is not None and each.look.sha256 is not None and each.look.done_at is not None:
            found.append(Element(f"{named} and its SHA-256", True, _sealed(each.look, each.look.sha256)))
        elif post.platform not in PLATFORMS:
            found.append(
                Element(named, False, f"{post.platform} does not give files: only its address is kept")
            )
        else:
            found.append(Element(named, False, each.why_not or ""))
    return found


def _sealed(look: Look, sha256: bytes) -> str:
    state = f"; the file is gone: {look.gone_because}" if look.gone_at is not None else ""
    return f"{sha256.hex()}{state}"
