"""Which post a pasted address means."""

import pytest
from sqlmodel import Session

from collector.bluesky import key_of
from tests.make import make_post
from triage.pasting import posts_at

KEY = "3lqxk5yzabc2d"
KEPT = f"https://bsky.app/profile/did:plc:abcdefghijklmnopqrstuvwx/post/{KEY}"
BY_HANDLE = f"https://bsky.app/profile/witness.example/post/{KEY}"


def keep(
    session: Session, did: str = "did:plc:abcdefghijklmnopqrstuvwx", platform: str = "bluesky"
) -> object:
    post = make_post(
        platform=platform,
        external_id=f"at://{did}/app.bsky.feed.post/{KEY}",
        url=f"https://bsky.app/profile/{did}/post/{KEY}",
    )
    session.add(post)
    session.commit()
    return post.id


def test_a_bluesky_link_with_a_handle_finds_the_post_kept_under_its_did(session: Session) -> None:
    kept = keep(session)
    assert posts_at(session, [KEPT]) == posts_at(session, [BY_HANDLE, "https://x.example/1"]) == [kept]
    other = BY_HANDLE.replace("3lq", "3lz")
    assert posts_at(session, [other]) == posts_at(session, [KEPT.replace("abcdef", "zzzzzz")]) == []


def test_a_key_that_two_authors_used_means_neither(session: Session) -> None:
    first = keep(session)
    keep(session, did="did:plc:zzzzzzzzzzzzzzzzzzzzzzzz")
    assert posts_at(session, [BY_HANDLE]) == []
    assert posts_at(session, [KEPT]) == [first]


def test_a_post_of_another_platform_is_never_meant(session: Session) -> None:
    keep(session, platform="mastodon")
    assert posts_at(session, [BY_HANDLE]) == []


@pytest.mark.parametrize(
    "address",
    [
        KEPT,
        "https://bsky.app/profile/witness.example",
        "https://bsky.app/profile/witness.example/post/short",
        f"https://bsky.app.example/profile/witness.example/post/{KEY}",
        f"{BY_HANDLE}/quotes",
        "",
    ],
)
def test_only_the_address_of_one_post_by_handle_has_a_key(address: str) -> None:
    assert key_of(address) is None
    assert key_of(BY_HANDLE) == key_of(f"{BY_HANDLE}?ref=share") == KEY
