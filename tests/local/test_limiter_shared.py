"""`SharedTokenBucket`: one limit for several processes, over a file."""

from __future__ import annotations

import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from beautyspot.errors import ConfigError
from beautyspot_local import shared_file
from beautyspot_local.shared_file import HEADER
from beautyspot_local.shared_limiter import SharedTokenBucket
from beautyspot_testing.limiter import LimiterContract, ManualClock
from gates import DEADLINE

fcntl = pytest.importorskip("fcntl")


class TestSharedTokenBucket(LimiterContract):
    can_reserve_after = True
    examples = 30

    @pytest.fixture(autouse=True)
    def _directory(self, tmp_path: Path) -> None:
        self.directory, self.made = tmp_path, 0

    def make(
        self, rate_per_second: float, max_cost: float, clock: Callable[[], float]
    ) -> SharedTokenBucket:
        self.made += 1
        path = self.directory / f"{self.made}.limit"
        return SharedTokenBucket(rate_per_second, max_cost, path=path, clock=clock)


class TestTwoThatTakeTurns(LimiterContract):
    """Each operation is done by another instance than the one before: all state is in the file."""

    can_reserve_after = True
    examples = 30

    @pytest.fixture(autouse=True)
    def _directory(self, tmp_path: Path) -> None:
        self.directory, self.made = tmp_path, 0

    def make(self, rate_per_second: float, max_cost: float, clock: Callable[[], float]) -> Any:
        self.made += 1
        path = self.directory / f"{self.made}.limit"
        return TakingTurns(rate_per_second, max_cost, path=path, clock=clock)


class TakingTurns(SharedTokenBucket):
    def __init__(self, rate: float, max_cost: float, **options: Any) -> None:
        super().__init__(rate, max_cost, **options)
        self.other = SharedTokenBucket(rate, max_cost, **options)._file

    def _timeline(self) -> Any:
        self._file, self.other = self.other, self._file
        return super()._timeline()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "app.limit"


@pytest.fixture
def bucket(path: Path, clock: ManualClock) -> SharedTokenBucket:
    return SharedTokenBucket(1, 100, path=path, clock=clock)


def delays(bucket: SharedTokenBucket, *costs: float) -> list[float]:
    found = [bucket.reserve(cost) for cost in costs]
    return [held.delay for held in found if held]


def another(path: Path, clock: ManualClock, rate: float = 1) -> SharedTokenBucket:
    return SharedTokenBucket(rate, 100, path=path, clock=clock)


# ---------------------------------------------------------------------- what is shared


def test_a_pause_holds_the_others_too(
    bucket: SharedTokenBucket, path: Path, clock: ManualClock
) -> None:
    bucket.consume()
    other = another(path, clock)
    waiting = other.reserve()
    bucket.pause(10)
    assert waiting is not None
    assert other.remaining(waiting) == 11


def test_the_file_is_private_and_small(bucket: SharedTokenBucket, path: Path) -> None:
    bucket.consume()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_size == HEADER.size


@pytest.mark.parametrize("bad", [None, 3.5, ["a"]])
def test_what_is_no_path(bad: Any) -> None:
    with pytest.raises(ConfigError, match="path="):
        SharedTokenBucket(1, path=bad)


# ---------------------------------------------------------------------- the file's accidents


def test_a_restarted_machine_begins_anew(
    bucket: SharedTokenBucket, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    delays(bucket, 100, 100)
    monkeypatch.setattr(shared_file, "boot_id", lambda: b"another boot ...")
    assert delays(another(path, ManualClock(3)), 1, 1) == [0, 1]
    assert not caplog.messages, "nothing is wrong with that"


DAMAGES = {
    "a part": b"bsrate02",
    "text": b"x" * 200,
    "another format": HEADER.pack(b"bsrate99", shared_file.boot_id(), 1, 9e9, 1, 1, 1, 1, 0),
    "infinite": HEADER.pack(b"bsrate02", bytes(16), 1, float("inf"), 1, 1, 1, 1, 0),
    "gaps that are not there": HEADER.pack(b"bsrate02", bytes(16), 1, 1, 1, 1, 1, 1, 5),
    "gaps without number": HEADER.pack(b"bsrate02", bytes(16), 1, 1, 1, 1, 1, 1, 2**63),
    "NaN in a gap": HEADER.pack(b"bsrate02", bytes(16), 1, 1, 1, 1, 1, 1, 1)
    + struct.pack("@2d", 1, float("nan")),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_file_begins_anew_with_one_warning(
    bucket: SharedTokenBucket, path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    bucket.consume()
    for _ in range(2):
        path.write_bytes(damage)
        assert delays(bucket, 1, 1) == [0, 1]
    assert [message.partition("was ")[2] for message in caplog.messages] == [
        "damaged, and begins anew"
    ]


def test_a_deleted_file_is_found_out(
    bucket: SharedTokenBucket, path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    delays(bucket, 1)
    monkeypatch.setattr(shared_file, "LOOK", -1)
    path.unlink()
    other = another(path, clock)
    assert [*delays(bucket, 1), *delays(other, 1), *delays(bucket, 1)] == [0, 1, 2]
    path.unlink()
    assert delays(bucket, 1) == [0]


# ---------------------------------------------------------------------- the lock


@pytest.fixture
def locked(bucket: SharedTokenBucket, path: Path) -> Any:
    """Another open file that holds the lock."""
    bucket.consume()
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def test_a_lock_that_stays_is_an_error_and_not_for_ever(
    bucket: SharedTokenBucket, locked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_file, "LOCK_TIMEOUT", 0.001)
    monkeypatch.setattr(shared_file.time, "sleep", lambda _: None)
    with pytest.raises(TimeoutError, match="let it go on, or end it"):
        bucket.reserve()
    locked.close()
    with ThreadPoolExecutor(1) as others:  # the lock lets its holder in again
        assert others.submit(delays, bucket, 1).result(DEADLINE) == [1], "usable again"
