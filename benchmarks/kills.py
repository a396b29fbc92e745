"""``python -m benchmarks.kills``: what a killed process loses of what its calls returned.

A child calls a marked function until it is killed, and notes in a mapped file when each call
returned; what it wrote there is the system's, and outlives it. Lost is what was returned and is not
stored: so many results, and as far back as the earliest of them.
"""

from __future__ import annotations

import argparse
import mmap
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from beautyspot import Spot

if TYPE_CHECKING:
    from collections.abc import Callable

PACES = {"of 10 ms": 0.01, "of 1 ms": 0.001, "that do nothing else": 0.0}
"""How long the function takes, in seconds."""

WAYS = ("SIGKILL", "SIGTERM", "os._exit")

_MOST = 1 << 20
_TIME = struct.Struct("d")


class Loss(NamedTuple):
    """What one kill cost.

    Attributes:
        returned: how many calls had returned.
        lost: how many of their results are not stored.
        seconds: how long before the last return the earliest of these had been returned.
    """

    returned: int
    lost: int
    seconds: float


def main(arguments: list[str] | None = None) -> int:
    """Kill children, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__)
    parser.add_argument("--rounds", type=int, default=6, help="kills in each way")
    parser.add_argument("--seconds", type=float, default=0.5, help="how long a child lives")
    options = parser.parse_args(arguments)
    sys.stdout.write(
        "| calls | save | lost | of about | at most | in runs |\n|---|---|---|---|---|---|\n"
    )
    for title, pace in PACES.items():
        for save in ("sync", "background"):
            losses = [
                kill(way, save, pace, options.seconds)
                for _ in range(options.rounds)
                for way in WAYS
            ]
            sys.stdout.write(f"| {title} | {save} | {_told(losses)} |\n")
            sys.stdout.flush()
    return 0


def _told(losses: list[Loss]) -> str:
    lost = sorted(loss.lost for loss in losses)
    returned = sorted(loss.returned for loss in losses)[len(losses) // 2]
    longest = max(loss.seconds for loss in losses) * 1000
    return f"{lost[0]} to {lost[-1]} | {returned:,} | {longest:.1f} ms | {len(losses)}"


def kill(way: str, save: str, pace: float, seconds: float) -> Loss:
    """Let a child work for so many seconds, end it, and count."""
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        times = Path(name, "times")
        times.write_bytes(bytes(_MOST * _TIME.size))
        life = seconds if way == "os._exit" else 0.0
        command = [sys.executable, "-m", "benchmarks.kills", name, save, str(pace), str(life)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:  # noqa: S603 - ours
            assert child.stdout is not None  # noqa: S101 - it is a pipe
            child.stdout.readline()
            if not life:
                time.sleep(seconds)
                child.send_signal(signal.Signals[way])
        return _loss(
            Path(name), [when for (when,) in _TIME.iter_unpack(times.read_bytes()) if when]
        )


def _loss(directory: Path, returned: list[float]) -> Loss:
    with Spot("app", directory=directory, config=False) as spot:
        marked = mark(spot)
        stored = [spot.peek(marked, number, 0.0) is not None for number in range(len(returned))]
    lost = [when for when, there in zip(returned, stored, strict=True) if not there]
    return Loss(len(returned), len(lost), returned[-1] - lost[0] if lost else 0.0)


def work(number: int, pace: float) -> list[int]:
    """What is marked. It waits, as for an API."""
    if pace:
        time.sleep(pace)
    return [number]


def mark(spot: Spot) -> Callable[[int, float], list[int]]:
    """The same function for who calls it and for who looks what is stored."""
    return spot.mark(ignore=["pace"])(work)


def child(directory: str, save: str, pace: float, life: float) -> None:
    """Call until killed, or for so many seconds."""
    spot = Spot("app", directory=directory, config=False, save=save)
    marked = mark(spot)
    marked(0, pace)
    spot.flush()
    with Path(directory, "times").open("r+b") as file:
        times = mmap.mmap(file.fileno(), 0)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        end = time.monotonic() + life if life else float("inf")
        for number in range(_MOST):
            marked(number, pace)
            now = time.monotonic()
            _TIME.pack_into(times, number * _TIME.size, now)
            if now > end:
                os._exit(1)


if __name__ == "__main__":
    if len(sys.argv) == 5 and not sys.argv[1].startswith("-"):
        child(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
    else:
        sys.exit(main())
