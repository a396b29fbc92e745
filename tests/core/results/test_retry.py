"""Results that could not be stored wait in memory, and are stored when that is possible again."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from beautyspot.concurrency import deferred
from beautyspot.contracts.store import totals_of
from beautyspot.errors import MetadataError
from beautyspot.resilience.reporting import Trouble
from beautyspot.results import writer
from beautyspot.spot import Spot
from broken import BrokenStore
from gates import until
from kinds import RAN
from scripted import scripted

DEADLINE = 30.0


def double(x: Any) -> Any:
    RAN.append(x)
    return x * 2


def numbered(x: Any) -> Any:
    RAN.append(x)
    return x, len(RAN)


def mend(spot: Spot, store: BrokenStore) -> None:
    store.broken.clear()
    spot._engine.cache.insist()


def settled(spot: Spot) -> None:
    """Wait for the round in the background."""
    spot.executor.shutdown()
    deferred.finish()


def test_the_end_stores_what_waits(make_spot: Callable[..., Spot]) -> None:
    store = BrokenStore("put")
    spot = make_spot(metadata=store)
    marked = spot.mark(double)
    for x in range(200):
        marked(x)
    store.broken.clear()
    spot.shutdown()
    assert totals_of(store).entries == 200


def test_the_end_says_what_is_lost(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture
) -> None:
    spot = make_spot(metadata=BrokenStore("put"))
    for number in range(6):
        spot.mark(name=f"f{number}")(double)(number)
    assert spot.flush() is False
    caplog.clear()
    spot.shutdown()
    assert "6 results of f0, f1, f2, f3, f4, … could not be stored" in caplog.text


@pytest.mark.parametrize(("bound", "limit"), [("LIMIT", 2), ("BYTES", 100)])
def test_the_room_is_bounded_and_a_full_one_is_said(
    make_spot: Callable[..., Spot],
    troubles: list[Trouble],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    bound: str,
    limit: int,
) -> None:
    monkeypatch.setattr(writer, bound, limit)
    spot = make_spot(metadata=BrokenStore("put"), on_error=troubles.append)
    marked = spot.mark(double)
    texts = [f"{x}" * 20 for x in range(8)]
    assert [marked(text) for text in texts] == [text * 2 for text in texts]
    assert spot.stats()["unsaved"] == 2
    assert "can't wait in memory either" in str(troubles[-1])
    assert ["wait in memory either" in message for message in caplog.messages] == [False, True]


def test_a_newer_result_takes_the_place_of_one_that_waits(make_spot: Callable[..., Spot]) -> None:
    store = BrokenStore("put")
    spot = make_spot(metadata=store)
    counted = spot.mark(lambda: (RAN.append(1), len(RAN))[1])
    assert counted() == 1
    assert spot.refresh(counted) == 2
    assert counted() == 2
    assert spot.stats()["unsaved"] == 1
    mend(spot, store)
    assert spot.refresh(counted) == 3
    assert spot.flush()
    assert spot.stats()["unsaved"] == 0
    assert counted() == 3
    assert totals_of(store).entries == 1


@pytest.mark.usefixtures("hasty")
def test_invalidation_waits_for_a_round_that_writes(make_spot: Callable[..., Spot]) -> None:
    entered, gate = threading.Event(), threading.Event()
    store = scripted(BrokenStore, "put", count=["put"])
    spot = make_spot(metadata=store)
    marked = spot.mark(double)
    marked(1)
    store.script.slow["put"] = lambda _: entered.set() or gate.wait(DEADLINE)
    mend(spot, store)
    with ThreadPoolExecutor(2) as pool:
        hit = pool.submit(marked, 1)  # which writes what waits
        assert entered.wait(DEADLINE)
        forgotten = pool.submit(spot.invalidate, marked, 1)
        gate.set()
        assert (forgotten.result(DEADLINE), hit.result(DEADLINE)) == (True, 2)
    settled(spot)
    assert totals_of(store).entries == 0


class Stumbling(BrokenStore):
    """It takes some results one by one, and then goes away again."""

    takes = 2

    def put(self, rows: Any) -> set[str]:
        self._may("put")
        if self.takes == 0 or len(rows) > 1:
            raise MetadataError("away")
        self.takes -= 1
        return super().put(rows)


def test_a_store_that_goes_away_in_the_midst_of_a_batch_loses_nothing(
    make_spot: Callable[..., Spot],
) -> None:
    store = Stumbling("put")
    spot = make_spot(metadata=store)
    marked = spot.mark(double)
    for x in range(6):
        marked(x)
    store.broken.clear()
    assert spot.flush() is False
    assert spot.stats()["unsaved"] == 4
    store.takes = 100
    assert spot.flush()
    assert [marked(x) for x in range(6)] == [0, 2, 4, 6, 8, 10]
    assert (totals_of(store).entries, len(RAN)) == (6, 6)


@pytest.mark.parametrize("by", ["set_result", "refresh"])
@pytest.mark.parametrize("save_blob", [False, True])
def test_what_another_spot_has_stored_since_is_not_displaced(
    make_spot: Callable[..., Spot], by: str, save_blob: bool
) -> None:
    store = BrokenStore("put")
    one, other = make_spot(metadata=store), make_spot(metadata=store)
    marks = [spot.mark(numbered, save_blob=save_blob) for spot in (one, other)]
    marks[0]("a")
    assert not one.flush()  # of a blob, the row alone could not be stored
    mend(one, store)
    if by == "refresh":
        other.refresh(marks[1], "a")
    else:
        other.set_result("by hand", marks[1], "a")
    newest = other.peek(marks[1], "a")
    assert one.flush()
    assert one.peek(marks[0], "a") == other.peek(marks[1], "a") == newest
    assert one.stats()["unsaved"] == other.collect(grace=0).blobs == 0


CHILD = """
    import multiprocessing, os, sys
    from beautyspot.errors import MetadataError
    from beautyspot_local.sqlite.store import SqliteMetadataStore
    from beautyspot.spot import Spot

    class Failing(SqliteMetadataStore):
        down = True

        def put(self, rows):
            if self.down:
                raise MetadataError("down")
            return super().put(rows)

    spot = Spot("app", directory=sys.argv[1], config=False, metadata=Failing)

    @spot.mark(name="work")
    def work(x):
        return x

    def child():
        for x in range(5):
            work(x)
        assert spot.stats()["unsaved"] == 5, spot.stats()
        Failing.down = False

    if __name__ == "__main__":
        work(100)
        one = multiprocessing.get_context("fork").Process(target=child)
        one.start()
        one.join()
        assert one.exitcode == 0
        assert spot.stats()["unsaved"] == 1
"""


def test_a_child_of_multiprocessing_stores_what_waits(
    make_spot: Callable[..., Spot], tmp_path: Path
) -> None:
    program = [sys.executable, "-c", textwrap.dedent(CHILD), str(tmp_path / "cache")]
    done = subprocess.run(program, capture_output=True, timeout=DEADLINE, check=False, text=True)
    assert done.returncode == 0, done.stderr
    assert "1 result of work could not be stored before the end" in done.stderr
    assert make_spot().stats()["entries"] == 5


def test_each_item_of_a_call_waits(make_spot: Callable[..., Spot]) -> None:
    store = BrokenStore("put")
    spot = make_spot(metadata=store)

    @spot.mark(each="xs")
    def doubled(xs: list[int]) -> list[int]:
        return [2 * x for x in xs]

    assert doubled([1, 2, 3, 4, 5]) == [2, 4, 6, 8, 10]
    assert spot.stats()["unsaved"] == 5
    mend(spot, store)
    assert spot.flush()
    assert totals_of(store).entries == 5


def test_what_waits_keeps_no_key(make_spot: Callable[..., Spot]) -> None:
    """Also where its store is known to fail when it comes: others may make it anew."""
    import asyncio

    store = BrokenStore("put")
    store.blocking = True
    spot = make_spot(metadata=store)

    @spot.mark
    async def later(x: int) -> int:
        return double(x)

    keys = [spot.key(later, x) for x in (1, 2)]
    assert [asyncio.run(later(x)) for x in (1, 2)] == [2, 4]
    until(lambda: set(store.begin(keys, "another token").leased) == set(keys))
