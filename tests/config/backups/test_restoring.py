"""What is put back is what was there; nothing that stands is lost, and nothing is said twice."""

from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlmodel import Session, col, select

from collector.records import OptOut, Post
from collector.store import withdraw_posts
from config.backups.making import Order, make_backup
from config.backups.manifest import BackupError
from config.backups.restoring import need_alone
from config.backups.settings import BackupSettings
from config.database import connect, migrate
from config.postgres import Cluster
from config.settings import Settings
from tests.config.backups.kept import Saved, now, put_back, stat_of, url_of
from tests.databases import Databases
from tests.make import make_case
from tests.saved import CLIP, UNSETTLED, digests, empty_database
from triage.chain import Head, verify
from triage.heads import read_heads, write_head
from triage.log import Line, note
from triage.records import Case, Delivery, DeliveryState, Person


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


def test_a_database_that_is_not_empty_stays_unless_it_is_named(saved: Saved, beside: Settings) -> None:
    put_back(beside, saved.folder)
    before = digests(url_of(beside))
    name = url_of(beside).rpartition("/")[2]
    for wrong in (None, "goldenhour", name.upper()):
        with pytest.raises(BackupError, match=f"not empty: nothing was touched.*--replace {name}"):
            put_back(beside, saved.folder, replace=wrong)
    assert digests(url_of(beside)) == before


def test_who_is_just_leaving_the_database_is_waited_for_also_within_a_transaction(cluster: Cluster) -> None:
    address = cluster.url_of("goldenhour").replace("+psycopg", "")
    leaving = psycopg.connect(address, application_name="leaving")
    with psycopg.connect(cluster.url_of("postgres").replace("+psycopg", "")) as connection:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'leaving'"
        assert connection.execute(asked).fetchone() == (1,)  # from here on this transaction holds what it saw
        leaving.close()
        need_alone(connection, "goldenhour")


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
        assert (
            session.execute(text("SELECT count(*) FROM backups WHERE restored_at IS NOT NULL")).scalar_one()
            == 1
        )
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
