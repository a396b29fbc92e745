"""This checkout beside another one of beautyspot, in turn, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import rows_of
from benchmarks.table import Table
from benchmarks.worker import CASES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.table import Settings

HERE = Path(__file__).resolve().parents[2]
SECONDS = 0.01
"""Of one case in one round, about: the time that a message takes is none of it."""

MOST = 500


class Worker:
    """A process that makes calls, as many as it is told."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def seconds(self, case: str, count: int) -> float:
        """The seconds of one call."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe, as `_worker` asked for
        assert self._process.stdout is not None  # noqa: S101 - the same
        print(case, count, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process for {case!r} has ended: see what it says above")
        return float(answer) / count


@contextmanager
def _worker(checkout: Path, directory: Path) -> Iterator[Worker]:
    sources = [str(path) for path in sorted(checkout.glob("beautyspot-*/src"))]
    if not sources:
        raise SystemExit(f"--beside {checkout}: that is no checkout of beautyspot")
    process = subprocess.Popen(  # noqa: S603 - this Python
        [sys.executable, "-m", "benchmarks.worker", str(directory)],
        cwd=HERE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sources)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield Worker(process)


def tables(settings: Settings) -> Iterator[Table]:
    """One table; ``--beside`` names the other checkout."""
    if settings.beside is None:
        raise SystemExit("the table beside needs another checkout: --beside PATH")
    with (
        settings.place("here") as one,
        settings.place("there") as other,
        _worker(HERE, one) as here,
        _worker(settings.beside, other) as there,
    ):
        rows = [row for case in CASES for row in _compared(case, here, there, settings)]
    yield Table("beside", "This checkout beside another one", "the other checkout", rows)


def _compared(
    case: str, here: Worker, there: Worker, settings: Settings
) -> Iterator[dict[str, Any]]:
    count = _calls(case, there, 0.0005 if settings.small else SECONDS)
    here.seconds(case, count)  # warm, as the other one is
    times: dict[str, list[float]] = {case: [], "there": []}
    for number in range(settings.pace.rounds):
        for worker in (here, there) if number % 2 else (there, here):
            times[case if worker is here else "there"].append(worker.seconds(case, count))
    yield rows_of(times, "there")[0]


def _calls(case: str, worker: Worker, seconds: float) -> int:
    count = 1
    while count < MOST and worker.seconds(case, count) * count < seconds / 2:
        count *= 2
    return count
