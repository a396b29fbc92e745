"""A clock that stands still, such as that of a test which freezes the time, holds up no call."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.calls import flow, following
from beautyspot.concurrency.waiting import Bell, TimeBudget
from beautyspot.errors import MetadataBusyError
from beautyspot.results import finding
from beautyspot_local import TokenBucket, shared_file
from beautyspot_local.sqlite import connections, fork_guard
from beautyspot_local.sqlite.database import SET_ASIDE
from beautyspot_local.sqlite.store import SqliteMetadataStore
from broken import BrokenStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beautyspot.spot import Spot

ENOUGH = 100_000
"""Pauses after which a loop is taken to have no end."""


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was slept; the clock does not move for it."""
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        assert len(pauses) < ENOUGH, "it has no end"

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", lambda: 5.0)
    monkeypatch.setattr(flow, "monotonic", lambda: 5.0)
    monkeypatch.setattr(following, "monotonic", lambda: 5.0)
    return pauses


def busy() -> None:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    raise error


def test_patience_ends_by_the_clock_or_by_its_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 5.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    budget = TimeBudget(3)
    assert (budget.left(), budget.spend(1), budget.left()) == (3, 1, 2)
    assert (budget.spend(5), budget.left(), budget.spend(1)) == (2, 0, 0)
    budget = TimeBudget(3)
    now = 7.0
    assert (budget.left(), budget.spend(2), budget.left()) == (1, 1, 1)
    now = 9.0
    assert (budget.left(), budget.spend(1)) == (0, 0)


def test_a_locked_database_is_given_up(slept: list[float]) -> None:
    with pytest.raises(sqlite3.OperationalError):
        connections.patiently(5, busy)
    assert sum(slept) == pytest.approx(5)


def test_a_look_up_of_a_locked_store_is_given_up(
    make_spot: Callable[..., Spot], slept: list[float]
) -> None:
    class Locked(BrokenStore):
        def find(self, key: str) -> Any:
            raise MetadataBusyError("locked")

    assert make_spot(metadata=Locked()).mark(abs)(-1) == 1
    assert 0 < sum(slept) <= 2 * finding.BUSY_WAIT, "before its turn, and in it"


def test_a_lease_of_another_process_is_not_waited_for_without_end(
    make_spot: Callable[..., Spot], slept: list[float]
) -> None:
    class Taken(BrokenStore):
        def try_lease(self, key: str) -> None:
            return None

    assert make_spot(metadata=Taken(), wait_timeout=60).mark(abs)(-1) == 1
    assert sum(slept) == pytest.approx(60, abs=following.LONGEST_PAUSE)


def test_a_file_that_another_process_moves_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slept: list[float]
) -> None:
    store = SqliteMetadataStore(tmp_path / "app.db", timeout=1)
    other = SqliteMetadataStore(tmp_path / "app.db")
    (tmp_path / "app.db").write_bytes(b"no database" * 1000)
    lease = other.try_lease(SET_ASIDE)
    assert lease is not None
    with pytest.raises(MetadataBusyError):
        store.open()
    lease.release()
    assert sum(slept) == pytest.approx(1)


def test_a_fork_does_not_wait_for_who_is_inside_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slept: list[float]
) -> None:
    store = SqliteMetadataStore(tmp_path / "app.db", timeout=0.01)
    monkeypatch.setattr(fork_guard, "_snapshot", lambda: [store._database])
    monkeypatch.setattr(fork_guard, "others_inside", lambda _: True)
    fork_guard._before_fork()
    fork_guard._after_fork_in_parent()
    assert sum(slept) == pytest.approx(0.01, abs=0.001)


def test_a_limit_is_waited_for_as_long_as_was_promised(
    slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_rings(_: Bell, timeout: float | None) -> bool:
        time.sleep(timeout or 0.0)
        return False

    monkeypatch.setattr(Bell, "wait", nobody_rings)
    bucket = TokenBucket("1/s", max_cost=1, clock=time.monotonic)
    waited = []
    for _ in range(3):
        slept.clear()
        bucket.consume(1)
        waited.append(sum(slept))
    assert waited == [0, 1, 2]


def test_a_shared_limits_file_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slept: list[float]
) -> None:
    def lock(descriptor: int, kind: int) -> None:
        raise BlockingIOError

    file = shared_file.SharedFile(tmp_path / "limit", 1.0)
    monkeypatch.setattr(file, "_flock", lock)
    with pytest.raises(TimeoutError):
        file.lock()
    assert sum(slept) == pytest.approx(shared_file.LOCK_TIMEOUT, abs=0.001)
