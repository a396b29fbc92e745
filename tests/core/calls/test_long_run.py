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
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mixing
import pytest
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
    """What was computed: each key once, and twice more a change; and each is stored at the end.

    A change has the run that is under way store nothing, and may still remove what the next one
    stores before it has ended.
    """
    said: Counter[tuple[str, str, int]] = Counter()
    for line in lines:
        word, name, number, *_ = line.split()
        said[word, name, int(number)] += 1
    ran = {(name, number): times for (word, name, number), times in said.items() if word == "ran"}
    assert [key for key in said if key[0] == "wrong"] == []
    doubled = {
        key: [line for line in lines if f" {key[0]} {key[1]} " in line]  # with time and process
        for key, times in ran.items()
        if key[0] != "stream"  # who meets one that is being recorded runs his own
        and times > 1 + 2 * said["changed", *key]
    }
    assert doubled == {}, "every result is computed once, by whichever process"
    spot = make_spot(directory=directory, strict=True)
    functions = mixing.marked(spot)
    for name, number in ran:
        stored = spot.peek(functions[name], number)
        assert stored or said["changed", name, number], f"{name}({number}) is lost"
        assert mixing.right(name, number, stored)
    assert spot.stats()["entries"] <= len(ran)


def test_processes_and_threads_at_once(make_spot: Callable[..., Spot], tmp_path: Path) -> None:
    check(mix(tmp_path / "cache", 2, 4, 0.3), make_spot, tmp_path / "cache")


@pytest.mark.slow
def test_eight_processes_for_a_minute(make_spot: Callable[..., Spot], tmp_path: Path) -> None:
    check(mix(tmp_path / "cache", 8, 8, 60.0), make_spot, tmp_path / "cache")


@pytest.mark.slow
def test_a_soak_grows_nothing(make_spot: Callable[..., Spot], tmp_path: Path) -> None:
    """Three minutes of hits, misses, replacements and removals in four threads."""
    spot = make_spot(save="background")
    functions = mixing.marked(spot)
    names = sorted(name for name in functions if name in ("small", "large"))
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
