"""An edit: a later wording of a post, kept as a post of its own beside the emptied first one.

Its id is the post's own with `#` and the revision behind it. Revisions grow with time as text does, so
the wordings of one post stand next to each other in the index, in order.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlmodel import Session

from collector.batch import Deletion

AFTER_ALL = "$"  # the character after `#`

_VERSIONS = text(
    "SELECT external_id FROM unnest(CAST(:uris AS text[]), CAST(:ends AS text[])) AS asked (uri, ending)"
    " JOIN posts ON posts.external_id ~>~ (asked.uri || '#') AND posts.external_id ~<~ asked.ending"
    " WHERE platform = :platform AND withdrawn_at IS NULL"
)


def edited_id(uri: str, revision: str) -> str:
    return f"{uri}#{revision}"


def earlier_wordings(
    session: Session, platform: str, before: Mapping[str, str], deletions: Sequence[Deletion]
) -> list[Deletion]:
    """The stored edits that go with these deletions, too.

    `before` names for each post's id the id up to which its wordings are gone: an edit's own, so that a
    repeated edit does not take itself back, or the id followed by `AFTER_ALL` for a deleted post.
    """
    if not before:
        return []
    because = {each.external_id: each.because for each in deletions}
    found = session.execute(
        _VERSIONS, {"uris": list(before), "ends": list(before.values()), "platform": platform}
    )
    ids = [each.external_id for each in found]
    return [Deletion(platform, because[each.partition("#")[0]], external_id=each) for each in ids]
