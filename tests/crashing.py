"""A program that saves until it is killed, and the functions whose results it saves."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

RAN: list[Any] = []
"""The arguments of the executions."""


def small(x: int) -> list[Any]:
    RAN.append(x)
    return [x, "text" * (1 + x % 500)]


def large(x: int) -> list[Any]:
    RAN.append(x)
    return [x, "text" * (1 + x % 500)]


def save_until_killed(directory: str, save: str, seconds: float, start: int) -> None:
    """Print each number whose results were returned; kill itself after `seconds`, unless 0."""
    from beautyspot.spot import Spot

    spot = Spot("app", directory=directory, config=False, save=save)
    one, other = spot.mark(small), spot.mark(save_blob=True)(large)
    print("ready", flush=True)
    if seconds:
        threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
    x = start
    while True:
        assert one(x) == other(x)
        print(x, flush=True)
        x += 1


def lose_power(directory: str, after: str, kept: int) -> None:
    """Copy the files of a database in use, as if the power went now, the log cut short."""
    from beautyspot.spot import Spot

    spot = Spot("app", directory=directory, config=False)
    marked = spot.mark(small)
    for x in range(20):
        marked(x)
    shutil.copytree(directory, after)
    database, log = Path(after, "app.db"), Path(after, "app.db-wal")
    if log.exists():
        os.truncate(log, kept)
    else:  # it goes without a log: its own pages were not all written yet
        os.truncate(database, min(kept, database.stat().st_size // 2))
    os._exit(0)


if __name__ == "__main__":
    import crashing  # under its own name, so that its functions have the same keys everywhere

    if sys.argv[1] == "save":
        crashing.save_until_killed(sys.argv[2], sys.argv[3], float(sys.argv[4]), int(sys.argv[5]))
    crashing.lose_power(sys.argv[2], sys.argv[3], int(sys.argv[4]))
