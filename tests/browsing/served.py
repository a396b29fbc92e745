"""A dashboard of its own process, as `beautyspot ui` starts it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

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
        [*command, "--port", "0", *options],
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
        yield Served(found[0], store)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        process.stdout.close()
