"""A dashboard of its own process, as `beautyspot ui` starts it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Served:
    """A running dashboard.

    Attributes:
        url: what it printed, with the token that opens it once.
        origin: where it is.
        path: the path of the pages of its first store, such as "/store/app".
    """

    def __init__(self, url: str, first: str) -> None:
        self.url = url
        self.origin = url.partition("/?")[0]
        self.path = self.at(first)

    def at(self, store: str) -> str:
        """The path of the pages of a store."""
        return f"/store/{store}"

    @property
    def port(self) -> int:
        return int(self.origin.rpartition(":")[2])


@contextmanager
def serving(
    *stores: Path, options: tuple[str, ...] = (), within: Path | None = None
) -> Iterator[Served]:
    """A dashboard of these databases, while the block lasts.

    Args:
        stores: the databases; none for what is in the folder `within`.
        options: further words of its command line.
        within: the working directory; else that of the first database.
    """
    words = [*map(str, stores), "--no-browser", "--port", "0", *options]
    process = subprocess.Popen(
        [sys.executable, "-m", "beautyspot_dashboard", *words],
        stdout=subprocess.PIPE,
        text=True,
        cwd=within or stores[0].parent,
    )
    assert process.stdout is not None
    try:
        said = ""
        while not (found := re.search(r"http://\S+", said)):
            line = process.stdout.readline()
            assert line, f"the dashboard ended, and said {said!r}"
            said += line
        yield Served(found[0], stores[0].stem if stores else "")
    finally:
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        process.wait(20)
        process.stdout.close()
