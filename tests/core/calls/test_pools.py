"""Marked functions in the workers of joblib (loky) and Dask, sent there by cloudpickle.

`test_pickling` has the fast tests of what these need.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pools
import pytest
from beautyspot.spot import Spot

pytestmark = pytest.mark.slow

DEADLINE = 240.0


def run(place: Path, save: str, order: str, **environment: str) -> str:
    """Run the program of `pools`; what it printed, where it ended well and without complaint."""
    environment["DASK_LOGGING__DISTRIBUTED"] = "critical"  # else it tells of a busy machine
    place.mkdir(exist_ok=True)
    command = [sys.executable, "-W", "error", pools.__file__, str(place), save, order]
    done = subprocess.run(
        command, capture_output=True, timeout=DEADLINE, text=True, env={**os.environ, **environment}
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def notes(place: Path) -> list[list[str]]:
    return [line.split() for line in (place / "ran.txt").read_text().splitlines()]


@pytest.mark.parametrize("save", ["sync", "background"])
@pytest.mark.parametrize("pool", pools.POOLS)
def test_workers_share_the_cache(
    make_spot: Callable[..., Spot], tmp_path: Path, pool: str, save: str
) -> None:
    run(tmp_path, save, pool)
    ran = notes(tmp_path)
    over = ran.pop()
    calls = Counter((name, number) for name, number, _ in ran)
    assert over[0] == "over", "the program itself computed nothing, before or after"
    assert over[2] not in {worker for _, _, worker in ran}
    expected = {(name, str(number)) for name in pools.FUNCTIONS for number in pools.NUMBERS}
    assert set(calls) == expected
    assert set(calls.values()) == {1}, "each was computed once, by whichever worker"
    spot = make_spot(directory=tmp_path / "cache")
    assert spot.stats()["entries"] == len(expected), "also what was saved in the background"
    assert spot.collect(grace=0).blobs == 0
    assert not any(_left(tmp_path / "cache")), "nothing is left"


def _left(place: Path) -> list[Path]:
    """Files that no Spot that has ended leaves."""
    known = {"app.db", "app.db-wal", "app.db-shm", "app.db.lock", ".gitignore", "CACHEDIR.TAG"}
    return [
        path
        for path in place.rglob("*")
        if path.is_file() and path.name not in known and path.suffix != ".msgpack"
    ]


def test_joblib_kills_its_workers_when_a_call_fails(
    make_spot: Callable[..., Spot], tmp_path: Path
) -> None:
    run(tmp_path, "sync", "failing")
    returned = {int(number) for word, number, _ in notes(tmp_path) if word == "returned"}
    assert returned
    spot = make_spot(directory=tmp_path / "cache", strict=True)
    stored = [bytes(row.result_data or b"") for row in spot.metadata.all_rows(data=True)]
    results = [spot.serializer.loads(data) for data in stored]
    assert {number * 2 for number in returned} <= {result[0] for result in results}


def test_dask_takes_a_function_for_the_same_in_every_process(tmp_path: Path) -> None:
    told: Any = [run(tmp_path, "sync", "tokens", PYTHONHASHSEED=seed).split() for seed in "12"]
    assert told[0] == told[1]
    assert len(set(told[0])) == len(pools.FUNCTIONS) + 1, "and no two for one"
