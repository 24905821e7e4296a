"""A backup counts once it was restored and found equal; what is not whole is refused and never listed as good."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from collector.records import Failure, OptOut, Post
from collector.store import withdraw_posts
from config.backups.making import BACKUP_LOCK, Order, make_backup
from config.backups.manifest import BackupError, Manifest, read_manifest, write_manifest
from config.backups.proving import check_database, check_schema_and_log, unpack
from config.backups.restoring import Restored, Target, restore
from config.backups.sealing import PIECE, SealError, Writing, pieces
from config.backups.settings import BackupSettings
from config.backups.shelf import let_old_go, look
from config.database import connect, migrate
from config.postgres import Cluster
from config.settings import Settings
from responders.heads import read_heads, write_head
from tests.databases import Databases
from tests.make import make_case
from tests.saved import CLIP, UNSETTLED, digests, empty_database, fill
from triage import backups as ledger
from triage.backup_records import Backup, BackupState
from triage.chain import Head, verify
from triage.log import Line, note
from triage.records import Case, Delivery, DeliveryState, Person
from triage.web.calm import troubles


class Saved:
    """A filled database and one backup of it."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.settings, self.url = settings, url
        self.digest = fill(settings)
        engine = connect(settings, pool=1)
        with Session(engine) as session:
            head = session.execute(text("SELECT count, hash FROM log_head")).one()
            write_head(settings.heads_file, Head(head[0], bytes(head[1])), now=now())
        engine.dispose()
        self.made = make_backup(settings, Order("for the tests"), clock=now)
        self.folder = settings.data / "backups" / self.made.name
        self.rows = digests(url, without=("backups", "failures"))


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def saved(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Saved]:
    with databases.one() as url:
        data = tmp_path_factory.mktemp("saved") / "var"
        yield Saved(Settings(data=data, database_url=SecretStr(url)), url)


@pytest.fixture
def copied(saved: Saved, tmp_path: Path) -> Path:
    """The backup, to be spoilt."""
    folder = tmp_path / "backups" / saved.made.name
    shutil.copytree(saved.folder, folder)
    return folder


@pytest.fixture
def beside(saved: Saved, cluster: Cluster, tmp_path: Path) -> Iterator[Settings]:
    """An empty database and a data folder that has only the key files."""
    data = tmp_path / "restored"
    data.mkdir()
    for name in ("secret", "vault"):
        if (saved.settings.data / name).exists():
            shutil.copy2(saved.settings.data / name, data / name)
    with empty_database(cluster) as url:
        yield Settings(data=data, database_url=SecretStr(url))


def url_of(settings: Settings) -> str:
    assert settings.database_url is not None
    return settings.database_url.get_secret_value()


def put_back(settings: Settings, folder: Path, **how: object) -> Restored:
    return restore(settings, folder, Target(**how), clock=now)  # type: ignore[arg-type]


def key(saved: Saved) -> bytes:
    return saved.settings.key("backup")


def test_a_backup_is_listed_once_it_is_proven(saved: Saved) -> None:
    [found] = look(saved.folder.parent, key(saved), thorough=True)
    assert found.manifest == read_manifest(saved.folder, key(saved))
    assert found.manifest is not None
    assert found.manifest.proof is not None
    assert found.manifest.tables["cases"].rows > 5
    assert stat_of(saved.folder) == "700"
    assert {stat_of(each) for each in saved.folder.rglob("*") if each.is_file()} <= {"600", "644", "400"}


def stat_of(path: Path) -> str:
    return f"{path.stat().st_mode & 0o777:o}"


def test_the_database_remembers_it_and_says_so_in_its_log(saved: Saved) -> None:
    engine = connect(saved.settings, pool=1)
    with Session(engine) as session:
        backup = session.exec(select(Backup)).one()
        said = session.execute(text("SELECT what FROM log_entries ORDER BY seq DESC LIMIT 1")).scalar_one()
    engine.dispose()
    assert (backup.state, backup.name, backup.why) == (BackupState.GOOD, saved.made.name, "for the tests")
    assert said == "backup made and proven"


def test_the_keys_are_not_in_it(saved: Saved) -> None:
    secret = (saved.settings.data / "secret").read_bytes()
    assert not any(secret in each.read_bytes() for each in saved.folder.rglob("*") if each.is_file())


def test_restored_rows_and_files_are_those_of_the_snapshot(saved: Saved, beside: Settings) -> None:
    done = put_back(beside, saved.folder)
    kept = (*UNSETTLED, "backups")
    before = {name: held for name, held in saved.rows.items() if name not in kept}
    assert {name: held for name, held in digests(url_of(beside)).items() if name in before} == before
    assert (beside.media / saved.digest.hex()[:2] / saved.digest.hex()).read_bytes() == CLIP
    assert done.aside is None
    assert (done.settled.entries_lost, done.left) == (0, ())
    engine = connect(beside, pool=1)
    with Session(engine) as session:
        verified = verify(
            session, beside.key("log"), published={each.head for each in read_heads(beside.heads_file)}
        )
        last = session.execute(text("SELECT what, detail FROM log_entries ORDER BY seq DESC LIMIT 1")).one()
    engine.dispose()
    assert verified.breaks == []
    assert verified.entries == done.manifest.tables["log_entries"].rows + 1
    assert last[0] == "database restored from a backup"
    assert last[1]["backup"] == saved.made.name


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


def test_a_database_that_is_not_empty_stays_unless_it_is_named(saved: Saved, beside: Settings) -> None:
    put_back(beside, saved.folder)
    before = digests(url_of(beside))
    name = url_of(beside).rpartition("/")[2]
    for wrong in (None, "goldenhour", name.upper()):
        with pytest.raises(BackupError, match=f"not empty: nothing was touched.*--replace {name}"):
            put_back(beside, saved.folder, replace=wrong)
    assert digests(url_of(beside)) == before


def test_a_database_in_use_stays(saved: Saved, beside: Settings) -> None:
    put_back(beside, saved.folder)
    name = url_of(beside).rpartition("/")[2]
    with (
        psycopg.connect(url_of(beside).replace("+psycopg", "")),
        pytest.raises(BackupError, match="1 connections use the database"),
    ):
        put_back(beside, saved.folder, replace=name)


def test_what_people_asked_for_since_is_asked_for_again(saved: Saved, beside: Settings) -> None:
    put_back(beside, saved.folder)
    engine = connect(beside, pool=1)
    with Session(engine) as session:
        post = session.exec(select(Post).limit(1)).one()
        words, case = post.text, session.exec(select(Case).limit(1)).one()
        later = now()
        withdraw_posts(session, {post.id: "its author deleted it"}, now=later)
        session.add(OptOut(author_key=b"a digest", platform="bluesky", at=later))
        tom = session.exec(select(Person).where(Person.username == "tom")).one()
        tom.disabled_at = later
        note(session, [Line("noted", case.id)] * 4, who="amira", now=later)
        session.commit()
        post_id = post.id
        entries, digest = session.execute(text("SELECT count, hash FROM log_head")).one()
    engine.dispose()
    write_head(beside.heads_file, Head(entries, bytes(digest)), now=now())
    done = put_back(beside, saved.folder, replace=url_of(beside).rpartition("/")[2])
    assert done.aside is not None
    assert (done.carried.withdrawn, done.carried.locked_out, done.carried.wishes) == (1, 1, 1)
    assert done.carried.lost == {"entries of the log": 5}
    assert done.settled.entries_lost == 5
    engine = connect(beside, pool=1)
    with Session(engine) as session:
        again = session.exec(select(Post).where(Post.id == post_id)).one()
        assert (again.text, again.withdrawn_because) == ("", "its author deleted it")
        assert session.exec(select(Person.disabled_at).where(Person.username == "tom")).one() is not None
        assert session.exec(select(OptOut.author_key)).all() == [b"a digest"]
        published = {each.head for each in read_heads(beside.heads_file)}
        assert verify(session, beside.key("log"), published=published).breaks == []
    engine.dispose()
    assert words
    assert len(list(beside.heads_file.parent.glob("heads-lost-*.jsonl"))) == 1


def test_what_was_to_be_said_is_looked_for_before_it_is_said_again(saved: Saved, beside: Settings) -> None:
    engine = connect(saved.settings, pool=1)
    with Session(engine) as session:
        waiting = set(session.exec(select(Delivery.id).where(Delivery.state == DeliveryState.WAITING)).all())
    engine.dispose()
    assert waiting
    done = put_back(beside, saved.folder)
    assert done.settled.in_doubt >= len(waiting)
    engine = connect(beside, pool=1)
    with Session(engine) as session:
        rows = session.exec(select(Delivery).where(col(Delivery.id).in_(waiting))).all()
        assert {each.state for each in rows} == {DeliveryState.UNKNOWN}
        assert all(each.tried_at and each.tried_at <= saved.made.made_at for each in rows)
        number = session.execute(text("SELECT max(number) FROM cases")).scalar_one()
        case = make_case(title="The next")
        session.add(case)
        session.commit()
        assert (case.number or 0) > number + 900
    engine.dispose()


def test_a_backup_into_a_folder_of_its_own_brings_its_keys(saved: Saved, tmp_path: Path) -> None:
    """The whole way: sealed, with keys, into a data folder where nothing is, with a server of its own."""
    seal, under = tmp_path / "seal", tmp_path / "under"
    for each in (seal, under):
        each.write_text(each.name * 12, encoding="ascii")
        each.chmod(0o600)
    settings = saved.settings.model_copy(
        update={"backup": BackupSettings(folder=tmp_path / "out", key_file=seal)}
    )
    made = make_backup(settings, Order("sealed", keys_under=under), clock=now)
    folder = tmp_path / "out" / made.name
    stored = b"".join(each.read_bytes() for each in folder.rglob("*") if each.is_file())
    assert b"COPY" not in stored
    assert CLIP not in stored
    assert made.sealed
    fresh = tmp_path / "fresh" / "var"
    wrong = settings.model_copy(update={"backup": BackupSettings(key_file=under)})
    with pytest.raises(BackupError, match="does not open"):
        put_back(wrong, folder, data=fresh, keys_under=under)
    done = put_back(settings, folder, data=fresh, keys_under=under)
    assert done.manifest.rows == made.rows
    assert (fresh / "secret").read_bytes() == (saved.settings.data / "secret").read_bytes()
    assert stat_of(fresh / "secret") == "600"
    assert (fresh / "media" / saved.digest.hex()[:2] / saved.digest.hex()).read_bytes() == CLIP


def test_an_older_backup_goes_up_with_the_release(
    databases: Databases, cluster: Cluster, tmp_path: Path
) -> None:
    with empty_database(cluster) as older, empty_database(cluster) as target:
        settings = Settings(data=tmp_path / "var", database_url=SecretStr(older))
        migrate(settings, "0030")
        made = make_backup(settings, Order("before the upgrade"), clock=now)
        assert made.revision == "0030"
        elsewhere = settings.model_copy(update={"database_url": SecretStr(target)})
        put_back(elsewhere, settings.data / "backups" / made.name)
        assert "backups" in digests(target)


def test_a_backup_that_fails_leaves_nothing_and_is_told(settings: Settings, engine: Engine) -> None:
    broken = settings.model_copy(update={"backup": BackupSettings(programs=settings.data / "nowhere")})
    with pytest.raises(BackupError, match="GOLDENHOUR_BACKUP__PROGRAMS"):
        make_backup(broken, Order("asked for"), clock=now)
    shelf = settings.data / "backups"
    assert look(shelf, settings.key("backup")) == []
    assert [each.name for each in shelf.iterdir()] == ["lock"]
    with Session(engine) as session:
        assert session.exec(select(Backup.state)).all() == [BackupState.BAD]
        said = [each.what for each in troubles(session, channels=["slack"], now=now()).troubles]
        assert any("is no good: " in each and "GOLDENHOUR_BACKUP__PROGRAMS" in each for each in said)
    make_backup(settings, Order("asked for"), clock=now)
    with Session(engine) as session:
        assert ledger.standing(session) == []


def test_what_a_killed_backup_left_is_told_and_goes(settings: Settings, engine: Engine) -> None:
    left = settings.data / "backups" / "goldenhour-20260714T030000Z.part"
    left.mkdir(parents=True)
    (left / "database.dump").write_bytes(b"half of it")
    with Session(engine) as session:
        ledger.begin(session, left.stem, host="here", folder=str(left.parent), why="nightly", now=now())
        session.commit()
    told: list[str] = []
    assert [each.wrong for each in look(left.parent, settings.key("backup"))] == [
        "it broke off, or is being made just now"
    ]
    made = make_backup(settings, Order("asked for"), clock=now, tell=told.append)
    assert told[0].startswith("goldenhour-20260714T030000Z had broken off")
    assert not left.exists()
    with Session(engine) as session:
        states = dict(session.exec(select(Backup.name, Backup.state)).all())
    assert states == {left.stem: BackupState.BAD, made.name: BackupState.GOOD}


def test_two_backups_at_once_are_one_too_many(settings: Settings, database_url: str) -> None:
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (BACKUP_LOCK,))
        with pytest.raises(BackupError, match="is being made already"):
            make_backup(settings, Order("asked for"), clock=now)


def test_a_folder_that_cannot_be_made_is_named(settings: Settings) -> None:
    with pytest.raises(BackupError, match=r"null.*--out"):
        make_backup(settings, Order("asked for", folder=Path("/dev/null/in")), clock=now)


def test_a_folder_that_is_a_file_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here", encoding="ascii")
    with pytest.raises(BackupError, match=r"file.*--out"):
        make_backup(settings, Order("asked for", folder=tmp_path / "file"), clock=now)


def test_only_the_newest_stay_and_share_their_evidence(saved: Saved, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    names = [
        make_backup(saved.settings, Order("one", folder=shelf, keep=2), clock=now).name for _ in range(2)
    ]
    found = look(shelf, key(saved), thorough=True)
    assert [each.folder.name for each in found] == sorted(names, reverse=True)
    clips = [next(each.folder.joinpath("media").rglob(saved.digest.hex())) for each in found]
    assert clips[0].stat().st_ino == clips[1].stat().st_ino
    assert let_old_go(shelf, 1, key(saved)) == [names[0]]


def test_too_old_a_backup_is_told_until_there_is_a_new_one(session: Session, noon: datetime) -> None:
    longest = timedelta(hours=30)
    assert ledger.judge(session, longest=longest, now=noon) == []
    note(session, [Line("noted")], who="amira", now=noon)
    session.commit()
    assert ledger.judge(session, longest=longest, now=noon + timedelta(hours=29)) == []
    [never] = ledger.judge(session, longest=longest, now=noon + timedelta(hours=31))
    assert never.error.startswith("There is no good backup")
    made = ledger.begin(session, "one", host="here", folder="/there", why="nightly", now=noon)
    ledger.proved_good(session, made.id, size_bytes=1, entries=1, now=noon)
    assert ledger.judge(session, longest=longest, now=noon + timedelta(hours=29)) == []
    [old] = ledger.judge(session, longest=longest, now=noon + timedelta(hours=31))
    assert old.error.startswith("The last good backup is of 14 Jul 12:00 UTC")
    session.commit()
    assert len(session.exec(select(Failure)).all()) == 1


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 5])
def test_a_seal_opens_to_what_was_sealed(tmp_path: Path, size: int) -> None:
    body = os.urandom(size)
    with Writing(tmp_path / "file", b"a key of some length") as writing:
        for start in range(0, size, 70_000):
            writing.write(body[start : start + 70_000])
    assert b"".join(pieces(tmp_path / "file", b"a key of some length")) == body
    sealed = (tmp_path / "file").read_bytes()
    assert writing.size == len(sealed)
    for spoilt in (
        sealed[:-1],
        sealed[: len(sealed) - 17 - PIECE] if size > PIECE else sealed[:-3],
        sealed + b"x",
    ):
        (tmp_path / "file").write_bytes(spoilt)
        with pytest.raises(SealError):
            list(pieces(tmp_path / "file", b"a key of some length"))


def test_a_manifest_says_what_is_in_it(saved: Saved) -> None:
    made: Manifest = saved.made
    assert {each.path for each in made.kept} == {
        str(each.relative_to(saved.folder))
        for each in saved.folder.rglob("*")
        if each.is_file() and each.name != "manifest.json"
    }
    assert "data/audit/heads.jsonl" in {each.path for each in made.kept}
