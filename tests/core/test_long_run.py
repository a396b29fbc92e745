"""Many processes and threads at once, checked by a model; and a soak in which nothing grows.

The long forms are marked slow.
"""

from __future__ import annotations

import contextlib
import gc
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mixing
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.spot import Spot


def mix(directory: Path, processes: int, threads: int, seconds: float) -> list[str]:
    """Run the program of `mixing` several times at once; all lines of all of them."""
    command = [sys.executable, mixing.__file__, str(directory), str(threads), str(seconds)]
    outputs = [
        directory.with_name(f"output {seed}") for seed in range(processes)
    ]  # no pipe to fill
    with contextlib.ExitStack() as files:
        running = [
            subprocess.Popen([*command, str(seed)], stdout=files.enter_context(output.open("wb")))
            for seed, output in enumerate(outputs)
        ]
        codes = [program.wait(seconds * 10 + 120) for program in running]
    assert codes == [0] * processes
    return [line for output in outputs for line in output.read_text().splitlines()]


def check(lines: list[str], make_spot: Any, directory: Path) -> None:
    """What was computed: each key once a generation, and each is stored at the end."""
    runs: dict[tuple[str, int], int] = {}
    for line in lines:
        word, name, number = line.split()
        if word == "wrong":
            pytest.fail(f"{name}({number}) gave a wrong value")
        runs[name, int(number)] = runs.get((name, int(number)), 0) + 1
    doubled = {key: times for key, times in runs.items() if times > 1}
    assert doubled == {}, "every result is computed once, by whichever process"
    spot = make_spot(directory=directory, strict=True)
    for name, number in runs:
        stored = spot.peek(mixing.marked(spot)[name], number)
        assert stored is not None, f"{name}({number}) was computed and is lost"
        assert stored.value == mixing.value(name, number)
    assert spot.stats()["entries"] == len(runs)


def test_processes_and_threads_at_once(make_spot: Callable[..., Spot], tmp_path: Path) -> None:
    check(mix(tmp_path / "cache", 3, 4, 2.0), make_spot, tmp_path / "cache")


@pytest.mark.slow
def test_eight_processes_of_eight_threads(make_spot: Callable[..., Spot], tmp_path: Path) -> None:
    check(mix(tmp_path / "cache", 8, 8, 60.0), make_spot, tmp_path / "cache")


@pytest.mark.slow
def test_a_soak_grows_nothing(make_spot: Callable[..., Spot], tmp_path: Path) -> None:
    """Three minutes of hits, misses, replacements and removals in four threads."""
    spot = make_spot(save="background")
    functions = mixing.marked(spot)
    names = sorted(name for name in functions if name != "later")
    ends = time.monotonic() + 180

    def churn(seed: int, until: float) -> None:
        chance = random.Random(seed)
        while time.monotonic() < until:
            name, number = chance.choice(names), chance.randrange(500)
            if chance.random() < 0.1:
                spot.invalidate(functions[name], number)
            assert mixing.call(functions, name, number) == mixing.value(name, number)

    def measured(until: float) -> tuple[int, int, int, int]:
        threads = [threading.Thread(target=churn, args=(seed, until)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        spot.flush()
        gc.collect()
        resident = int(Path("/proc/self/statm").read_text().split()[1])
        wal = (tmp_path / "cache" / "app.db-wal").stat().st_size
        return resident, len(list(Path("/proc/self/fd").iterdir())), threading.active_count(), wal

    first = measured(time.monotonic() + 45)
    last = measured(ends)
    assert last[0] < first[0] * 1.15, "memory"
    assert last[1] <= first[1] + 2, "descriptors"
    assert last[2] <= first[2], "threads"
    assert last[3] <= 64 * 2**20, "the write-ahead log"
