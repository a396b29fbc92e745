"""What a Spot that was shut down has let go of, whatever has failed before."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from beautyspot.resilience.reporting import Trouble
from beautyspot.spot import Spot

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="by /proc")


def work(x: int, size: int = 1) -> list[int]:
    return [x] * size


def open_below(folder: Path) -> list[str]:
    """The files below a folder that this process has open."""
    found = []
    for each in Path("/proc/self/fd").iterdir():
        try:
            target = Path(os.readlink(each))  # noqa: PTH115 - as it is
        except OSError:  # that of the iteration
            continue
        if target.is_relative_to(folder):
            found.append(target.name)
    return sorted(found)


def locked(path: Path) -> sqlite3.Connection:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


@pytest.mark.parametrize("keeps", [True, False])
def test_a_store_that_was_busy(
    make_spot: Callable[..., Spot], tmp_path: Path, troubles: list[Trouble], keeps: bool
) -> None:
    """Also where the program keeps what it was told of."""
    told: Any = {"on_error": troubles.append} if keeps else {}
    place = tmp_path / "place"
    spot = make_spot(
        metadata={"use": "sqlite", "path": str(place / "app.db"), "timeout": 0.01}, **told
    )
    marked = spot.mark(work)
    assert marked(1) == [1]
    with closing(locked(place / "app.db")):
        assert marked(2) == [2]
        assert spot.stats()["unsaved"] == 1
    assert len(troubles) == keeps
    spot.shutdown()
    assert open_below(place) == []


def test_a_store_that_was_full(
    make_spot: Callable[..., Spot], tmp_path: Path, troubles: list[Trouble]
) -> None:
    place = tmp_path / "place"
    spot = make_spot(metadata=f"sqlite:///{place}/app.db", on_error=troubles.append)
    marked = spot.mark(work)
    assert marked(1) == [1]
    spot._engine.cache.store.real._database.handle().execute("PRAGMA max_page_count = 1")
    assert marked(2, size=20_000)
    assert [trouble.operation for trouble in troubles] == ["save the result"]
    spot.shutdown()
    assert open_below(place) == []


def test_an_error_that_the_program_handles_meanwhile_keeps_its_traceback(
    make_spot: Callable[..., Spot], tmp_path: Path
) -> None:
    store = {"use": "sqlite", "path": str(tmp_path / "app.db"), "timeout": 0.01}
    marked = make_spot(metadata=store, on_error=lambda _: None).mark(work)
    assert marked(1) == [1]
    try:
        raise ValueError("of the program")
    except ValueError as error:
        of_program = error
        with closing(locked(tmp_path / "app.db")):
            assert marked(2) == [2]
    assert of_program.__traceback__ is not None
