"""A dashboard of its own process, as `beautyspot ui` starts it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Served:
    """A running dashboard.

    Attributes:
        url: what it printed, with the token that opens it once.
        origin: where it is.
        path: the path of its store's pages, such as "/store/app".
    """

    def __init__(self, url: str, store: Path) -> None:
        self.url = url
        self.origin = url.partition("/?")[0]
        self.path = f"/store/{store.stem}"

    @property
    def port(self) -> int:
        return int(self.origin.rpartition(":")[2])


@contextmanager
def serving(store: Path, *options: str) -> Iterator[Served]:
    """A dashboard of a store's database, while the block lasts."""
    command = [sys.executable, "-m", "beautyspot_dashboard", str(store), "--no-browser"]
    process = subprocess.Popen(
        [*command, "--port", str(free_port()), *options],
        stdout=subprocess.PIPE,
        text=True,
        cwd=store.parent,
    )
    assert process.stdout is not None
    try:
        said = ""
        while not (found := re.search(r"http://\S+", said)):
            line = process.stdout.readline()
            assert line, f"the dashboard ended, and said {said!r}"
            said += line
        served = Served(found[0], store)
        _wait_until_it_listens(served.port)
        yield served
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        process.stdout.close()


def _wait_until_it_listens(port: int) -> None:
    for _ in range(400):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise AssertionError("the dashboard does not listen")
