"""What is not whole, not ours or not proven is refused, and never listed as good."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from pydantic import SecretStr

from config.backups.manifest import BackupError, read_manifest, write_manifest
from config.backups.proving import check_database, check_schema_and_log, unpack
from config.backups.shelf import look
from config.postgres import Cluster
from config.settings import Settings
from tests.config.backups.kept import Saved, key, put_back, url_of
from tests.saved import digests, empty_database


def spoil_a_bit(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 4
    path.chmod(0o600)
    path.write_bytes(bytes(body))


def cut_off(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-7])


SPOILT: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a bit of the database": ("database.dump", spoil_a_bit),
    "the end of the database": ("database.dump", cut_off),
    "the database gone": ("database.dump", lambda path: path.unlink()),
    "a bit of the evidence": ("media", spoil_a_bit),
    "evidence gone": ("media", lambda path: path.unlink()),
    "a bit of the manifest": ("manifest.json", spoil_a_bit),
    "the manifest cut off": ("manifest.json", cut_off),
    "the manifest gone": ("manifest.json", lambda path: path.unlink()),
    "the manifest empty": ("manifest.json", lambda path: path.write_bytes(b"")),
}


@pytest.mark.parametrize("how", SPOILT)
def test_what_was_changed_is_refused_and_not_listed_as_good(
    saved: Saved, copied: Path, beside: Settings, how: str
) -> None:
    name, spoil = SPOILT[how]
    path = next(each for each in (copied / name, *(copied / name).rglob("*")) if each.is_file())
    spoil(path)
    [found] = look(copied.parent, key(saved), thorough=True)
    assert found.manifest is None
    assert found.wrong
    with pytest.raises(BackupError, match=r"Use another backup|is no backup"):
        put_back(beside, copied)
    assert digests(url_of(beside)) == {}


def test_a_manifest_written_by_somebody_else_is_refused(saved: Saved, copied: Path) -> None:
    """Whoever can write the folder can make the digests fit, but not the seal under our key."""
    forged = msgspec.structs.replace(saved.made, tables={}, head="0:" + "0" * 64)
    write_manifest(copied, forged, b"another key, of 32 bytes or so..")
    told = json.loads((copied / "manifest.json").read_bytes()) | {"key_print": saved.made.key_print}
    (copied / "manifest.json").write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(BackupError, match="was changed"):
        read_manifest(copied, key(saved))


def test_rows_or_a_log_that_are_not_those_of_the_snapshot_are_no_proof(
    saved: Saved, cluster: Cluster, copied: Path
) -> None:
    held = saved.made.tables | {"cases": msgspec.structs.replace(saved.made.tables["cases"], digest="1:2")}
    head = f"{saved.made.head.partition(':')[0]}:{'ab' * 32}"
    with empty_database(cluster) as url:
        own = saved.settings.model_copy(update={"database_url": SecretStr(url)})
        unpack(copied, url, own, seal=None)
        with pytest.raises(BackupError, match="not those of the snapshot in: cases"):
            check_database(url, msgspec.structs.replace(saved.made, tables=held))
        check_database(url, saved.made)
        with pytest.raises(BackupError, match="the log is not as it was written"):
            check_schema_and_log(copied, msgspec.structs.replace(saved.made, head=head), own, seal=None)


def test_what_was_never_proven_is_not_listed_as_good(saved: Saved, copied: Path) -> None:
    write_manifest(copied, msgspec.structs.replace(saved.made, proof=None), key(saved))
    [found] = look(copied.parent, key(saved))
    assert found.manifest is None
    assert "never proven" in found.wrong


def test_a_newer_release_is_refused(saved: Saved, copied: Path, beside: Settings) -> None:
    write_manifest(copied, msgspec.structs.replace(saved.made, revision="9999", release="7.0"), key(saved))
    with pytest.raises(BackupError, match=r"made by release 7\.0 at revision 9999"):
        put_back(beside, copied)


def test_another_key_file_is_refused_unless_the_right_one_is_lost(saved: Saved, beside: Settings) -> None:
    (beside.data / "secret").write_text("f" * 63 + "0", encoding="ascii")
    with pytest.raises(BackupError, match="is not the key file"):
        put_back(beside, saved.folder)
    assert put_back(beside, saved.folder, other_keys=True).without_keys


def test_a_missing_key_file_is_said_before_one_is_made(saved: Saved, beside: Settings) -> None:
    (beside.data / "secret").unlink()
    with pytest.raises(BackupError, match=r"--keys-under .* or --other-keys"):
        put_back(beside, saved.folder)
    assert not (beside.data / "secret").exists()
