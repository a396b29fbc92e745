"""PgBouncer before a Postgres server: connections of many clients take turns on few of the server.

The program is `pgbouncer`, or what `BEAUTYSPOT_TEST_PGBOUNCER` names. It runs in transaction mode,
keeps no prepared statements, and takes no startup parameters but those that it takes by default.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from servers.ports import free_port
from servers.valkey import until

PROGRAM = "BEAUTYSPOT_TEST_PGBOUNCER"
"""Names the program in the environment, by its path or as it is found on PATH."""

POOLED = "BEAUTYSPOT_TEST_POSTGRES_POOLED"
"""Set in the environment, it puts one before the Postgres servers that tests share."""

_USERS = ("pgbouncer", "postgres", "nobody")
"""Whom it runs as where the tests run as root, as which it refuses to run."""


def binary() -> str | None:
    """The program to start, or None where there is none."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    return shutil.which(os.environ.get(PROGRAM) or "pgbouncer", path=path)


class PgBouncer:
    """A pooler of one's own, which keeps its port over a restart; not started yet.

    Args:
        port: of the Postgres server, on loopback.
        users: who may connect, without a password.
        options: further lines of its configuration: name -> value.
    """

    def __init__(
        self, port: int, *, users: Sequence[str] = ("postgres",), **options: str | int
    ) -> None:
        self.port = free_port()
        # Not in pytest's folder, which other users may not enter.
        self.directory = Path(tempfile.mkdtemp(prefix="bs-pgbouncer-"))
        self.directory.chmod(0o755)
        self._options = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "trust",
            "auth_file": self.directory / "users",
            "pool_mode": "transaction",
            "default_pool_size": 4,
            "max_prepared_statements": 0,
            "server_login_retry": 1,
            **options,
        }
        self._upstream = port
        self._users = users
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of the database `postgres`, as the first of its users."""
        return f"postgres://{self._users[0]}@127.0.0.1:{self.port}/postgres"

    def start(self) -> PgBouncer:
        """Start it, or start it again on its port, and wait until it listens.

        Raises:
            RuntimeError: it did not get ready; says what it logged.
        """
        program = binary()
        if program is None:
            raise RuntimeError(f"no PgBouncer here: apt-get install pgbouncer, or set {PROGRAM}")
        self._configure()
        arguments = [program, *_as_other_user(), str(self.directory / "ini")]
        with (self.directory / "log").open("wb") as log:
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        if not until(lambda: "process up" in self.log(), process=self._process):
            self.stop()
            raise RuntimeError(f"PgBouncer did not start:\n{self.log()[-3000:]}")
        return self

    def _configure(self) -> None:
        lines = [f"{name} = {value}" for name, value in self._options.items()]
        databases = f"* = host=127.0.0.1 port={self._upstream}"
        text = "\n".join(["[databases]", databases, "[pgbouncer]", *lines, ""])
        (self.directory / "ini").write_text(text)
        (self.directory / "users").write_text("".join(f'"{user}" ""\n' for user in self._users))

    def log(self) -> str:
        """What it has logged since it was started."""
        return (self.directory / "log").read_text(errors="replace")

    def freeze(self) -> None:
        """Have it neither answer nor end (SIGSTOP): its port still takes connections."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on after `freeze`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it at once; it cuts all connections."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextlib.contextmanager
def running(port: int, **options: str | int) -> Iterator[PgBouncer]:
    """A started one while the block lasts; for options see `PgBouncer`."""
    pooler = PgBouncer(port, **options)  # type: ignore[arg-type] # users= is none of them here
    try:
        yield pooler.start()
    finally:
        pooler.stop()
        shutil.rmtree(pooler.directory)


@contextlib.contextmanager
def wanted_before(port: int, **options: str | int) -> Iterator[int]:
    """The port of one before that server, where `POOLED` is set, else the server's."""
    if os.environ.get(POOLED):
        with running(port, **options) as pooler:
            yield pooler.port
    else:
        yield port


def _as_other_user() -> list[str]:
    if os.geteuid() != 0:
        return []
    known = {entry.pw_name for entry in pwd.getpwall()}
    return ["-u", next(user for user in _USERS if user in known)]
