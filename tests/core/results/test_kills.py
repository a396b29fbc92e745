"""Killed at a random moment, or without power: what is stored opens, and is right or a miss."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import crashing
import pytest
from beautyspot.memory import MemoryStorage
from beautyspot.spot import Spot
from kinds import RAN, result, work

DEADLINE = 120.0

posix = pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")

PROGRAM = [sys.executable, crashing.__file__]


def killed(directory: Path, save: str, start: int, chance: random.Random, *, inside: bool) -> int:
    """Run the program, kill it at a random moment; the last call that returned."""
    seconds = chance.uniform(0.001, 0.08)
    arguments = ["save", str(directory), save, str(seconds if inside else 0), str(start)]
    program = subprocess.Popen([*PROGRAM, *arguments], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    last = start - 1
    calls = chance.randrange(1, 60)
    for line in program.stdout:
        if line.endswith("\n"):
            last = int(line)
        if not inside and last - start >= calls:
            program.kill()
    assert program.wait(DEADLINE) == -signal.SIGKILL
    program.stdout.close()
    return last


def check(make_spot: Any, directory: Path, last: int, caplog: Any, lost: int) -> None:
    """Everything that a call returned is there, less what may be lost; and it is right."""
    spot: Spot = make_spot(directory=directory, strict=True)
    small, large = spot.mark(crashing.small), spot.mark(save_blob=True)(crashing.large)
    crashing.RAN.clear()
    stored = {record.cache_key for record in spot.metadata.all_rows()}
    for x in range(last + 2):
        assert small(x) == large(x) == [x, "text" * (1 + x % 500)]
    missing = [x for x in crashing.RAN if x <= last]
    assert len(missing) <= lost, f"{missing} were stored before their calls returned"
    assert len(stored) >= 2 * (last + 1) - lost
    named = {record.result_value for record in spot.metadata.all_rows() if record.result_value}
    spot.collect(grace=0)
    left = {blob.location for blob in spot.storage.list()}
    assert named == left, "no orphan stays, and no live blob goes"
    assert not caplog.records
    spot.shutdown()


def crash(make_spot: Any, directory: Path, caplog: Any, rounds: int, save: str, seed: int) -> None:
    chance = random.Random(seed)
    start = 0
    for number in range(rounds):
        last = killed(directory, save, start, chance, inside=bool(number % 2))
        start = last + 2
        check(make_spot, directory, last, caplog, lost=0 if save == "sync" else 10**6)


@posix
@pytest.mark.parametrize("save", ["sync", "background"])
def test_killed_while_saving(
    make_spot: Callable[..., Spot], tmp_path: Path, caplog: pytest.LogCaptureFixture, save: str
) -> None:
    crash(make_spot, tmp_path / "cache", caplog, 2, save, seed=1)


@posix
@pytest.mark.slow
@pytest.mark.parametrize("save", ["sync", "background"])
def test_killed_while_saving_hundreds_of_times(
    make_spot: Callable[..., Spot], tmp_path: Path, caplog: pytest.LogCaptureFixture, save: str
) -> None:
    for seed in range(20):
        crash(make_spot, tmp_path / str(seed), caplog, 15, save, seed)


# ------------------------------------------------------------------------------- power loss


@pytest.mark.parametrize(
    "kept",
    [
        10,
        45_000,
        *(pytest.param(n, marks=pytest.mark.slow) for n in (32, 100, 4151, 60_001, 100_000)),
    ],
)
def test_a_log_cut_short_opens_with_what_was_whole(
    make_spot: Callable[..., Spot], tmp_path: Path, caplog: pytest.LogCaptureFixture, kept: int
) -> None:
    after = tmp_path / "after"
    command = [*PROGRAM, "power", str(tmp_path / "before"), str(after), str(kept)]
    subprocess.run(command, check=True, timeout=DEADLINE)
    spot = make_spot(directory=after, strict=True)
    marked = spot.mark(crashing.small)
    crashing.RAN.clear()
    for x in range(20):
        assert marked(x) == [x, "text" * (1 + x)]
    lost = crashing.RAN
    assert lost == list(range(20 - len(lost), 20)), "the last ones are lost, and no other"
    assert len(lost) == 20 if kept < 4152 else len(lost) < 20
    assert not caplog.records


def test_a_storage_that_lost_everything_is_a_miss(make_spot: Callable[..., Spot]) -> None:
    storage = MemoryStorage()
    spot = make_spot(storage=storage, strict=True)
    marked = spot.mark(save_blob=True)(work)
    marked(1)
    storage.clear()
    RAN.clear()
    assert [marked(1), marked(1)] == [result(1), result(1)]
    assert RAN == [1]
