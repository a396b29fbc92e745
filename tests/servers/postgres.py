"""A real Postgres server for tests, on loopback and a socket.

The programs are those of the package `pgserver`, or those in the folder that
`BEAUTYSPOT_TEST_POSTGRES_PROGRAMS` names, such as Debian's `/usr/lib/postgresql/17/bin`. Postgres
refuses to run as root; then it runs as `nobody`.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from servers.ports import free_port

PROGRAMS = "BEAUTYSPOT_TEST_POSTGRES_PROGRAMS"
"""Names the folder with `initdb` and `postgres`."""

READY_WITHIN = 60.0  # seconds; it takes 0.1 on an idle machine

SETTINGS = {
    "fsync": "off",  # nobody needs its data after the machine's end
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "100",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "autovacuum_naptime": "1h",
}


def programs() -> Path | None:
    """The folder of the programs, or None where there are none."""
    if named := os.environ.get(PROGRAMS):
        return Path(named) if (Path(named) / "postgres").exists() else None
    found = importlib.util.find_spec("pgserver")  # to import it makes folders
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent / "pginstall" / "bin"
    return _reachable(folder) if (folder / "postgres").exists() else None


@functools.cache
def _reachable(folder: Path) -> Path:
    """The folder, or a copy where the user whom the programs run as may not enter it."""
    if os.geteuid() != 0 or all(part.stat().st_mode & 0o001 for part in folder.parents):
        return folder
    copy = Path(tempfile.mkdtemp(prefix="bs-pg-", dir=_base()))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    copy.chmod(0o755)
    # With all of its package: the programs find their libraries by their own place.
    shutil.copytree(folder.parents[2], copy / "all", symlinks=True, ignore=_others)
    return copy / "all" / folder.relative_to(folder.parents[2])


def _others(folder: str, names: list[str]) -> list[str]:
    """What need not be copied of `site-packages`: all but that package and its libraries."""
    if Path(folder).name != "site-packages":
        return []
    return [name for name in names if not name.startswith("pgserver")]


def _user() -> dict[str, Any]:
    """Whom the programs run as, for `subprocess`."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


class Postgres:
    """A server of one's own, which keeps its port over a restart; not started yet.

    Args:
        settings: lines of its configuration: name -> value.

    Attributes:
        directory: its data, its log, and its socket.
    """

    def __init__(self, **settings: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="bs-pg-", dir=_base()))
        self.port = free_port()
        self._settings = {**SETTINGS, **settings}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of its user `postgres`, over loopback."""
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def socket_url(self) -> str:
        """The same over its socket."""
        return f"postgres://postgres@/postgres?host={self.directory}&port={self.port}"

    def connect(self, **options: Any) -> Any:
        """A connection of psycopg, in autocommit; the caller closes it."""
        import psycopg

        return psycopg.connect(self.url, autocommit=True, **options)

    def require_passwords(self, **passwords: str) -> None:
        """Ask for passwords over loopback from now on, of these roles, which are made."""
        for role, password in passwords.items():
            self.ask(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
        rules = self.directory / "data" / "pg_hba.conf"
        rules.write_text("local all all trust\nhost all all all scram-sha-256\n")
        self.ask_by_socket("SELECT pg_reload_conf()")

    def ask(self, query: str, *params: Any) -> list[tuple[Any, ...]]:
        """The rows of a query, over a connection of its own."""
        return self._asked(self.url, query, *params)

    def ask_by_socket(self, query: str, *params: Any) -> list[tuple[Any, ...]]:
        """The same where loopback asks for a password."""
        return self._asked(self.socket_url, query, *params)

    def _asked(self, url: str, query: str, *params: Any) -> list[tuple[Any, ...]]:
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(query, params or None)
            return list(cursor.fetchall()) if cursor.description else []

    def standby(self) -> Postgres:
        """A replica of this one, which takes no changes; not started yet."""
        other = Postgres(**self._settings)
        _give_to_user(other.directory)
        arguments = ["-D", str(other.directory / "data"), "-d", self.url, "-c", "fast", "-R", "-N"]
        _performed("pg_basebackup", *arguments, cwd=other.directory)
        return other

    def promote(self) -> None:
        """Have a standby become a server that takes changes."""
        self.ask("SELECT pg_promote()")

    # ------------------------------------------------------------------------- its life

    def start(self) -> Postgres:
        """Start it, or start it again on its port, and wait until it answers.

        Raises:
            RuntimeError: it did not get ready; says what it logged.
        """
        data = self.directory / "data"
        if not data.exists():
            self._make(data)
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(_program("postgres")), "-D", str(data), *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                **_user(),
            )
        deadline = time.monotonic() + READY_WITHIN
        while not self._is_ready():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.kill()
                raise RuntimeError(f"the server did not start:\n{self.log()[-3000:]}")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.02)
        return self

    def _make(self, data: Path) -> None:
        shutil.copytree(_template(programs()), data, symlinks=True)
        data.chmod(0o700)
        _give_to_user(self.directory, *self.directory.rglob("*"))

    def _arguments(self) -> list[str]:
        settings: Mapping[str, str] = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.directory),
            **self._settings,
        }
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _is_ready(self) -> bool:
        import psycopg

        try:
            self.connect(connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Stop it at once, and end its connections; it may be started again."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Have it end as by a loss of power, without a word to its clients."""
        self._end(signal.SIGQUIT)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(number)
            process.wait()

    def freeze(self) -> None:
        """Have all its processes stand still, until `thaw`."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        for process in [str(self._process.pid), *children.read_text().split()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process), number)

    def log(self) -> str:
        """All that it has logged."""
        return (self.directory / "log").read_text(errors="replace")

    def remove(self) -> None:
        """End it, and remove its data."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


@functools.cache
def _template(folder: Path | None) -> Path:
    """The data of a fresh server, which takes longer to be made than to be copied."""
    assert folder is not None, f"no server here: pip install pgserver, or set {PROGRAMS}"
    directory = Path(tempfile.mkdtemp(prefix="bs-pg-", dir=_base()))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    _give_to_user(directory)
    data = directory / "data"
    arguments = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"]
    _performed("initdb", "-D", str(data), *arguments, cwd=directory)
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write("host all all all trust\n")  # with `listen_addresses="*"` others may come
    return data


def _base() -> str | None:
    """Below `tmp_path` no other user may read, and a socket's path is short."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _give_to_user(*paths: Path) -> None:
    if os.geteuid() == 0:
        for path in paths:
            shutil.chown(path, "nobody", "nogroup")


def _performed(name: str, *arguments: str, cwd: Path) -> None:
    command = [str(_program(name)), *arguments]
    done = subprocess.run(command, capture_output=True, check=False, cwd=cwd, **_user())
    if done.returncode:
        raise RuntimeError(f"{name} failed:\n{done.stderr.decode(errors='replace')[-3000:]}")


def _program(name: str) -> Path:
    folder = programs()
    if folder is None:
        raise RuntimeError(f"no server here: pip install pgserver, or set {PROGRAMS}")
    return folder / name


@contextlib.contextmanager
def running(**settings: str) -> Iterator[Postgres]:
    """A server that is removed at the end."""
    server = Postgres(**settings)
    try:
        yield server.start()
    finally:
        server.remove()
