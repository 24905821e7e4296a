"""Copies of the same footage find each other, however they were changed; other footage stays apart."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import numpy as np
import pytest
from sqlmodel import Session, col, select

from classifier.footage import Family, Origin, Shelf, family_of, keep
from classifier.footage_index import FootageIndex
from classifier.footage_match import same_footage
from collector.footage_records import Footage, Frame, withdraw_footage
from collector.records import Sighting
from collector.video.hashing import MIRROR, distance, hashes
from collector.video.look import probe
from collector.video.probed import KeyFrame, Probe
from config.benches.scenes import texture
from tests.videos import changed, make_video

CHANGES = {
    "encoded hard": "scale=iw:ih",
    "cropped 20% on each side": "crop=iw*0.6:ih*0.6",
    "cropped unevenly and mirrored": "crop=iw*0.72:ih*0.85:iw*0.18:ih*0.02,hflip",
    "subtitled": "drawbox=x=iw*0.1:y=ih*0.84:w=iw*0.8:h=ih*0.12:color=black:t=fill",
    "framed in black": "pad=iw:iw:0:(oh-ih)/2:black",
    "on its own blur": "split[a][b];[a]scale=320:568,gblur=sigma=14[c];[c][b]overlay=0:(H-h)/2",
    "a tenth faster": "setpts=PTS/1.1",
    "three seconds of it, brighter": "trim=2:5,setpts=PTS-STARTPTS,eq=brightness=0.06",
}
Keeping = Callable[..., Footage]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("footage")


@pytest.fixture(scope="module")
def original(folder: Path) -> Probe:
    return probe(make_video(folder / "street.mp4", seed=21, seconds=7.0))


@pytest.fixture(scope="module")
def cropped(folder: Path, original: Probe) -> Probe:
    return probe(changed(folder / "street.mp4", CHANGES["cropped unevenly and mirrored"]))


@pytest.fixture(scope="module")
def other(folder: Path) -> Probe:
    return probe(make_video(folder / "other.mp4", seed=22, kind="crowd"))


@pytest.fixture
def keeping(session: Session, noon: datetime) -> Keeping:
    """Keeps a probe as a copy found on a platform so many minutes after noon."""
    shelf = Shelf()

    def kept(probed: Probe, platform: str = "mastodon", minutes: int = 0, **given: UUID) -> Footage:
        seen_at = noon + timedelta(minutes=minutes)
        footage = keep(session, shelf, probed, Origin(platform, seen_at, **given), now=seen_at)
        session.commit()
        return footage

    return kept


def stored(*probes: Probe) -> tuple[FootageIndex, list[UUID]]:
    index, ids = FootageIndex(), [uuid4() for _ in probes]
    for each, probed in zip(ids, probes, strict=True):
        codes = np.frombuffer(b"".join(frame.hash for frame in probed.frames), np.uint64)
        index.add(each, codes, np.array([frame.at_s for frame in probed.frames], np.float32))
    return index, ids


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_and_the_original_is_found_from_the_copy(
    change: str, folder: Path, original: Probe, other: Probe
) -> None:
    copy = probe(changed(folder / "street.mp4", CHANGES[change]))
    index, ids = stored(other, original)
    assert [match.footage for match in same_footage(copy, index) if match.sure] == [ids[1]]
    index, ids = stored(other, copy)
    assert [match.footage for match in same_footage(original, index) if match.sure] == [ids[1]]


def test_other_footage_is_not_found(original: Probe, other: Probe) -> None:
    index, _ = stored(other)
    assert same_footage(original, index) == []


def test_one_frame_alike_is_not_enough(original: Probe, other: Probe) -> None:
    """A clip that shows one moment of another, as a still in a news item does, is not the same footage."""
    one = msgspec.structs.replace(original, frames=original.frames[5:6])
    mixed = msgspec.structs.replace(other, frames=[*other.frames[:5], *one.frames])
    index, _ = stored(mixed)
    assert not any(match.sure for match in same_footage(original, index))


def test_the_same_closing_card_does_not_make_two_clips_one_footage(original: Probe, other: Probe) -> None:
    """An app puts the same seconds at the end of every clip that is saved from it."""
    card = part(original, 3.0, 4.2)
    theirs = msgspec.structs.replace(
        other, frames=[*other.frames, *(KeyFrame(each.at_s + 27.0, each.hash) for each in card.frames)]
    )
    ours = msgspec.structs.replace(
        card,
        thumbs=bytes(64 * 64) + card.thumbs,  # a blank beginning: this clip is as long as the other
        thumbs_at=[0.0, *(at + 27.0 for at in card.thumbs_at)],
    )
    index, ids = stored(theirs)
    assert [(match.footage, match.sure) for match in same_footage(ours, index)] == [(ids[0], False)]


def test_a_still_from_a_video_is_shown_to_a_person_and_joins_nothing(original: Probe) -> None:
    still = part(original, original.frames[5].at_s, original.frames[5].at_s)
    index, ids = stored(original)
    assert [(match.footage, match.sure) for match in same_footage(still, index)] == [(ids[0], False)]
    index, ids = stored(still)
    assert [(match.footage, match.sure) for match in same_footage(still, index)] == [(ids[0], True)]


def test_frames_in_another_order_are_not_the_same_footage(original: Probe) -> None:
    moments = [frame.at_s for frame in original.frames]
    shuffled = np.random.default_rng(3).permutation(len(moments))
    frames = [
        msgspec.structs.replace(original.frames[place], at_s=moment * 3)
        for place, moment in zip(shuffled, moments, strict=True)
    ]
    index, _ = stored(msgspec.structs.replace(original, frames=frames))
    in_order = max((match.frames for match in same_footage(original, index)), default=0)
    assert in_order <= len(moments) // 2


def test_a_match_says_why(original: Probe, cropped: Probe) -> None:
    index, _ = stored(original)
    match = same_footage(cropped, index)[0]
    assert match.mirrored
    assert match.because.startswith(f"{match.frames} frames in the same order are alike within")
    assert "mirrored" in match.because
    assert "cropped" in match.because


def test_blank_footage_matches_nothing(original: Probe) -> None:
    blank = msgspec.structs.replace(original, frames=[], thumbs=b"", thumbs_at=[])
    index, _ = stored(original, blank)
    assert same_footage(blank, index) == []
    assert same_footage(blank, FootageIndex()) == []


def test_a_mirrored_frame_has_the_mirrored_hash() -> None:
    rng = np.random.default_rng(1)
    thumbs = np.stack([texture(rng, 64).clip(0, 255).astype(np.uint8) for _ in range(20)])
    apart = distance(hashes(thumbs[:, :, ::-1]), hashes(thumbs) ^ MIRROR)
    assert apart.max() <= 2  # a coefficient of nearly nothing may fall either way


def test_hashes_of_other_scenes_are_far_apart() -> None:
    rng = np.random.default_rng(2)
    codes = hashes(np.stack([texture(rng, 64).clip(0, 255).astype(np.uint8) for _ in range(60)]))
    apart = [int(distance(codes[i], codes[j])) for i in range(60) for j in range(i)]
    assert min(apart) > 84


def test_the_index_finds_what_a_comparison_with_every_frame_finds() -> None:
    """All within 3 bits, by the pigeonhole: four words, three errors, so one word is whole."""
    rng = np.random.default_rng(5)
    codes = rng.integers(0, 2**64, (2000, 4), dtype=np.uint64)
    index = FootageIndex()
    for begin in range(0, 2000, 100):
        index.add(uuid4(), codes[begin : begin + 100], np.arange(100, dtype=np.float32))
    flips = np.bitwise_or.reduce(np.uint64(1) << rng.integers(0, 64, (500, 3), dtype=np.uint64), axis=1)
    keys = codes[rng.integers(0, 2000, 500), 0] ^ flips
    hits = index.near(keys, 3)
    found = set(zip(hits.asked.tolist(), hits.frame.tolist(), strict=True))
    near = np.argwhere(np.bitwise_count(keys[:, None] ^ codes[None, :, 0]) <= 3)
    assert found == set(map(tuple, near.tolist()))
    assert len(found) == len(hits.asked)


def test_copies_on_other_platforms_are_one_family_with_its_first_copy_and_reach(
    session: Session, keeping: Keeping, noon: datetime, original: Probe, cropped: Probe, other: Probe
) -> None:
    posts = [uuid4(), uuid4()]
    for post, reach, minutes in ((posts[0], 10, 0), (posts[0], 40, 5), (posts[1], 2, 0)):
        session.add(
            Sighting(
                post_id=post, source="s", seen_at=noon + timedelta(minutes=minutes), reach={"reposts": reach}
            )
        )
    late = keeping(original, "bluesky", minutes=30, post_id=posts[0])
    early = keeping(cropped, "mastodon", minutes=-60, post_id=posts[1])
    apart = keeping(other, "upload", minutes=40)
    family = family_of(session, late.id)
    assert isinstance(family, Family)
    assert (family.first.id, family.size, family.reach) == (early.id, 2, {"reposts": 42})
    assert {copy.platform for copy in family.copies} == {"bluesky", "mastodon"}
    assert early.matches[0]["footage"] == str(late.id)
    assert early.matches[0]["sure"]
    assert apart.family_id == apart.id
    assert family_of(session, uuid4()) is None


def test_keeping_the_same_media_again_changes_nothing(
    session: Session, keeping: Keeping, original: Probe
) -> None:
    media = uuid4()
    first = keeping(original, media_id=media)
    frames = len(session.exec(select(Frame)).all())
    assert keeping(original, media_id=media).id == first.id
    assert len(session.exec(select(Frame)).all()) == frames


def test_the_same_file_is_one_family_even_when_its_frames_are_blank(
    keeping: Keeping, original: Probe
) -> None:
    blank = msgspec.structs.replace(original, frames=[], thumbs=b"", thumbs_at=[])
    assert keeping(blank).family_id == keeping(blank, "bluesky", minutes=3).family_id


def test_families_that_turn_out_to_be_one_are_joined(
    session: Session, keeping: Keeping, original: Probe, cropped: Probe
) -> None:
    begin = part(cropped, 0.0, 4.5)
    ends = part(original, 2.0, 7.0)
    unlike = msgspec.structs.replace(begin, thumbs=b"", thumbs_at=[])  # was kept while nothing was like it
    one, two = keeping(ends), keeping(unlike, minutes=1)
    assert one.family_id != two.family_id
    whole = keeping(original, minutes=2)
    session.expire_all()
    assert one.family_id == two.family_id == whole.family_id


def test_a_compilation_does_not_make_one_family_of_its_pieces(
    session: Session, keeping: Keeping, original: Probe, other: Probe
) -> None:
    one, two = keeping(original), keeping(other, minutes=1)
    both = msgspec.structs.replace(
        original,
        sha256=b"\1" * 32,
        thumbs=original.thumbs + other.thumbs,
        thumbs_at=[*original.thumbs_at, *(20 + at for at in other.thumbs_at)],
    )
    compiled = keeping(both, minutes=2)
    session.expire_all()
    assert one.family_id != two.family_id
    assert compiled.family_id in (one.family_id, two.family_id)
    assert {match["footage"] for match in compiled.matches} == {str(one.id), str(two.id)}


def test_withdrawn_footage_leaves_a_digest_and_is_found_no_more(
    session: Session, keeping: Keeping, noon: datetime, original: Probe, cropped: Probe
) -> None:
    post = uuid4()
    gone = keeping(original, post_id=post)
    assert withdraw_footage(session, [post], now=noon + timedelta(minutes=5)) == 1
    session.commit()
    assert session.exec(select(Frame).where(col(Frame.footage_id) == gone.id)).all() == []
    assert keeping(cropped, minutes=6).matches == []
    session.refresh(gone)
    assert gone.sha256 == original.sha256
    assert withdraw_footage(session, [post], now=noon) == 0


def test_a_shelf_takes_in_what_another_process_kept(
    session: Session, keeping: Keeping, original: Probe, other: Probe
) -> None:
    keeping(original)
    shelf = Shelf()
    assert shelf.freshen(session) == 1
    keeping(other, minutes=2)
    assert shelf.freshen(session) == 1
    assert shelf.freshen(session) == 0
    assert len(shelf.index) == len(original.frames) + len(other.frames)


def part(probed: Probe, begin_s: float, end_s: float) -> Probe:
    """The part of a probe between two moments, with a digest of its own."""
    kept = [place for place, at in enumerate(probed.thumbs_at) if begin_s <= at <= end_s]
    thumbs = np.frombuffer(probed.thumbs, np.uint8).reshape(-1, 64 * 64)[kept]
    return msgspec.structs.replace(
        probed,
        sha256=bytes([int(begin_s * 10)]) * 32,
        frames=[frame for frame in probed.frames if begin_s <= frame.at_s <= end_s],
        thumbs=thumbs.tobytes(),
        thumbs_at=[probed.thumbs_at[place] for place in kept],
    )
