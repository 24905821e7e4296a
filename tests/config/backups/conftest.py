"""A backup made once for all tests of this folder, a copy to be spoilt, and an empty house beside it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from config.postgres import Cluster
from config.settings import Settings
from tests.config.backups.kept import Saved
from tests.databases import Databases
from tests.saved import empty_database


@pytest.fixture(scope="package")
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
