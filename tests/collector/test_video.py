"""A file from a stranger is measured, or refused with a reason; it never hangs, and never learns anything."""

import contextlib
import hashlib
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

from collector.video.errors import Damaged, NotFootage, TooBig, TookTooLong, VideoError
from collector.video.hashing import METHOD
from collector.video.look import probe, read_captions, read_provenance
from collector.video.probed import Area, Limits
from config.benches.scenes import Scene, encode, frames, write
from tests.videos import changed, huge_png, make_video


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("clips") / "clip.mp4")


def test_a_video_is_measured(clip: Path) -> None:
    probed = probe(clip)
    assert (probed.kind, probed.codec, probed.width, probed.height) == ("video", "h264", 320, 180)
    assert probed.duration_s == pytest.approx(6.0, abs=0.1)
    assert probed.sha256 == hashlib.sha256(clip.read_bytes()).digest()
    assert probed.size_bytes == clip.stat().st_size
    assert (probed.method, probed.area, probed.has_sound) == (METHOD, Area(), False)
    assert len(probed.frames) == 12
    assert {len(frame.hash) for frame in probed.frames} == {32}
    moments = [frame.at_s for frame in probed.frames]
    assert moments == sorted(moments)
    assert set(moments) <= set(probed.thumbs_at)


def test_a_picture_is_one_frame_without_a_duration(clip: Path, tmp_path: Path) -> None:
    still = tmp_path / "still%03d?.png"  # a name that ffmpeg would read as a pattern
    encode("-i", str(clip), "-frames:v", "1", "-update", "1", str(tmp_path / "still.png"))
    (tmp_path / "still.png").rename(still)
    probed = probe(still)
    assert (probed.kind, probed.container, probed.duration_s) == ("image", "png_pipe", None)
    assert len(probed.frames) == 1


def test_a_long_video_keeps_at_most_120_frames(tmp_path: Path) -> None:
    moving = frames(Scene(4, "drive", 25.0))
    slow = write(tmp_path / "long.mp4", moving, per_s=0.5)  # ten minutes
    probed = probe(slow)
    assert probed.duration_s == pytest.approx(600, abs=4)
    assert 100 <= len(probed.frames) <= 120


def test_a_sideways_telephone_video_has_the_size_people_see(clip: Path, tmp_path: Path) -> None:
    turned = tmp_path / "turned.mp4"
    encode("-display_rotation", "90", "-i", str(clip), "-c", "copy", str(turned))
    probed = probe(turned)
    assert (probed.width, probed.height) == (180, 320)


@pytest.mark.parametrize(
    ("filters", "area"),
    [
        ("pad=iw:iw:0:(oh-ih)/2:black", Area(0, 1, 0.22, 0.78)),
        ("pad=iw:ih*1.5:0:0:white", Area(0, 1, 0, 0.667)),
        ("split[a][b];[a]scale=320:568,gblur=sigma=14[c];[c][b]overlay=0:(H-h)/2", Area(0, 1, 0.34, 0.66)),
    ],
    ids=["black bars", "a white bar below", "blurred above and below"],
)
def test_borders_are_left_out(clip: Path, filters: str, area: Area) -> None:
    found = probe(changed(clip, filters)).area
    assert msgspec.to_builtins(found) == pytest.approx(msgspec.to_builtins(area), abs=0.02)


def test_blank_frames_have_no_hash_and_a_note_says_so(tmp_path: Path) -> None:
    black = write(tmp_path / "black.mp4", np.full((36, 90, 160), 20, np.uint8))
    probed = probe(black)
    assert probed.frames == []
    assert "blank" in probed.notes[0]


def test_nothing_of_the_service_reaches_the_child(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDENHOUR_SLACK__TOKEN", "marked")
    given: list[dict[str, str]] = []
    started = subprocess.Popen

    def watching(*args: object, **options: object) -> object:
        given.append(options["env"])  # type: ignore[arg-type]
        return started(*args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", watching)
    probe(clip)
    assert "marked" not in str(given)
    assert given[0]["ORT_DISABLE_TELEMETRY"] == "1"


def hostile(folder: Path, clip: Path) -> dict[str, tuple[Path, type[VideoError]]]:
    """Files that are not what they say, each with the error it must end in."""

    def named(name: str, body: bytes) -> Path:
        (folder / name).write_bytes(body)
        return folder / name

    whole = clip.read_bytes()
    small = huge_png(folder / "small.png", 64, 64).read_bytes()
    sound = folder / "sound.m4a"
    encode("-f", "lavfi", "-i", "sine=d=1", str(sound))
    playlist = f"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:1,\nfile://{clip}\n#EXT-X-ENDLIST\n".encode()
    concat = f"ffconcat version 1.0\nfile {clip}\n".encode()
    return {
        "nothing at all": (named("none.mp4", b""), NotFootage),
        "text": (named("text.mp4", b"not a video " * 400), NotFootage),
        "cut short": (named("short.mp4", whole[: len(whole) // 2]), Damaged),
        "a playlist that names another file": (named("list.mp4", playlist), NotFootage),
        "a concat script that names another file": (named("concat.mp4", concat), NotFootage),
        "sound only": (sound, NotFootage),
        "a picture of two thousand million pixels": (huge_png(folder / "huge.png"), TooBig),
        "a picture without pixels": (named("hole.png", small[:45]), Damaged),
        "random bytes": (named("random.webm", bytes(np.random.default_rng(1).bytes(50_000))), NotFootage),
        "not there": (folder / "gone.mp4", NotFootage),
    }


def test_hostile_files_end_in_an_error_with_cause_and_remedy(tmp_path: Path, clip: Path) -> None:
    for what, (path, kind) in hostile(tmp_path, clip).items():
        begun = time.monotonic()
        with pytest.raises(VideoError) as raised:
            probe(path)
        assert type(raised.value) is kind, what
        assert raised.value.cause, what
        assert raised.value.remedy, what
        assert time.monotonic() - begun < 20, what


def test_damage_in_the_middle_is_read_around_or_named_but_never_hangs(tmp_path: Path, clip: Path) -> None:
    rng = np.random.default_rng(7)
    for number in range(6):
        body = bytearray(clip.read_bytes())
        for place in rng.integers(0, len(body), 60):
            body[place] = int(rng.integers(0, 256))
        broken = tmp_path / f"broken{number}.mp4"
        broken.write_bytes(body)
        with contextlib.suppress(VideoError):
            assert probe(broken).sha256 == hashlib.sha256(body).digest()


def test_a_file_over_the_limit_is_not_opened(clip: Path) -> None:
    with pytest.raises(TooBig, match="more than 1,000"):
        probe(clip, Limits(size_bytes=1000))


def test_frames_over_the_pixel_limit_are_not_decoded(clip: Path) -> None:
    with pytest.raises(TooBig, match="320 by 180 pixels"):
        probe(clip, Limits(pixels=50_000))


def test_too_little_memory_is_an_error_not_a_crash(clip: Path) -> None:
    with pytest.raises(VideoError):
        probe(clip, Limits(memory_bytes=150_000_000))


def test_when_time_is_up_everything_started_for_the_file_is_ended(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def never_done(command: list[str], **options: object) -> object:
        sleeper = (
            "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
        )
        child = real([sys.executable, "-c", sleeper], **options)  # type: ignore[call-overload]
        started.append(child)
        return child

    monkeypatch.setattr(subprocess, "Popen", never_done)
    with pytest.raises(TookTooLong, match=r"0\.5 s"):
        probe(clip, Limits(wall_s=0.5))
    until = time.monotonic() + 10
    while alive_in_group(started[0].pid) and time.monotonic() < until:
        time.sleep(0.05)  # killed, but not yet gone
    assert alive_in_group(started[0].pid) == []


def test_words_in_the_picture_are_read_once(tmp_path: Path) -> None:
    path = shown("POLICE STOP ON RYE LANE", tmp_path / "words.png")
    captions = read_captions(path, probe(path))
    assert captions.note is None
    assert "".join(captions.lines).replace(" ", "") == "POLICESTOPONRYELANE"


def test_no_content_credentials_prove_nothing(clip: Path) -> None:
    told = read_provenance(clip)
    assert not told.found
    assert "Absence proves nothing" in told.note


def alive_in_group(group: int) -> list[str]:
    """Processes of a group that are still running; the dead that nobody has fetched do not count."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            state, _, of_group = stat.read_text().rsplit(")", 1)[1].split()[:3]
            found += [stat.parent.name] if int(of_group) == group and state != "Z" else []
    return found


def shown(words: str, path: Path) -> Path:
    """A picture of words, as a caption is burnt in."""
    text = f"drawtext=text='{words}':x=40:y=70:fontsize=56:fontcolor=white"
    plain = ["-f", "lavfi", "-i", "color=0x303840:s=960x200"]
    encode(*plain, "-vf", text, "-frames:v", "1", "-update", "1", str(path))
    return path
