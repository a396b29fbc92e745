"""A store on a network that is away: calls go on, and what they made is stored when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from beautyspot.contracts.store import totals_of
from beautyspot.errors import MetadataError
from beautyspot.memory import MemoryMetadataStore
from beautyspot.resilience import circuit_breaker
from beautyspot.results import writer
from beautyspot.spot import Spot
from gates import until

DEADLINE = 30.0


RAN: list[int] = []


class Far(MemoryMetadataStore):
    """On a server, which is away while `down`."""

    blocking = True

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.asked: list[str] = []
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

    def put(self, rows: Any) -> set[str]:
        self.meet("put")
        return super().put(rows)

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
    monkeypatch.setattr(writer, "FIRST_PAUSE", 0.01)


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
    until(lambda: spot.stats()["unsaved"] == 5)
    store.down = False
    until(lambda: totals_of(store).entries == 5)
    assert spot.flush()
    assert "app: the metadata store works again" in caplog.messages
    assert [spot.mark(double)(1), RAN] == [2, [1, 2, 3, 4, 5]]
