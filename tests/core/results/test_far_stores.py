"""A store on a network that is away: calls go on, and what they made is stored when it is back."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.concurrency import deferred
from beautyspot.errors import MetadataError
from beautyspot.memory import MemoryMetadataStore
from beautyspot.resilience import circuit_breaker
from beautyspot.results import retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.spot import Spot


DEADLINE = 30.0


RAN: list[int] = []


class Far(MemoryMetadataStore):
    """On a server, which is away while `down`."""

    blocking = True

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.asked: list[str] = []
        self.stored, self.retried = threading.Event(), threading.Event()
        self.slow: Callable[[], object] | None = None

    def meet(self, operation: str) -> None:
        self.asked.append(operation)
        if self.slow is not None and operation == "find":
            self.slow()
        if self.down:
            raise MetadataError("no server")

    def find(self, key: str) -> Any:
        self.meet("find")
        return super().find(key)

    def find_many(self, keys: Any) -> Any:
        self.meet("find_many")
        return super().find_many(keys)

    def put_valid(self, record: Any, since: int) -> bool:
        self.meet("put_valid")
        return super().put_valid(record, since)

    def put_many_valid(self, rows: Any) -> set[str]:
        self.retried.set()
        self.meet("put_many_valid")
        refused = super().put_many_valid(rows)
        self.stored.set()
        return refused

    def add_counts(self, counts: Any) -> None:
        self.meet("add_counts")
        super().add_counts(counts)


@pytest.fixture
def store() -> Far:
    RAN.clear()
    return Far()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of a hundredth of a second."""
    monkeypatch.setattr(circuit_breaker, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(circuit_breaker, "LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.01)


def retrying() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "retry" in thread.name]


def double(x: int) -> int:
    RAN.append(x)
    return x * 2


async def double_later(x: int) -> int:
    return double(x)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("save", ["sync", "background"])
def test_it_is_stored_though_no_other_call_comes(
    make_spot: Callable[..., Spot], store: Far, save: str, caplog: pytest.LogCaptureFixture
) -> None:
    spot = make_spot(metadata=store, save=save)
    store.down = True
    assert spot.mark(double)(1) == 2
    assert asyncio.run(spot.mark(double_later)(2)) == 4
    assert [spot.mark(double)(x) for x in (3, 4, 5)] == [6, 8, 10]
    if save == "background":
        spot._engine.saver.flush(DEADLINE)  # type: ignore[union-attr]
    store.down = False
    assert store.stored.wait(DEADLINE)
    deferred.finish()
    assert store.totals().entries == 5
    assert spot.flush()
    for thread in retrying():
        thread.join(DEADLINE)
    assert not retrying()
    assert "app: the metadata store works again" in caplog.messages
    assert [spot.mark(double)(1), RAN] == [2, [1, 2, 3, 4, 5]]
