"""How often a map asks its store: calls that come while it is asked share the next question."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.errors import MetadataError
from beautyspot.memory import MemoryMetadataStore
from gates import DEADLINE, Gate, until
from scripted import scripted

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.spot import Spot


def sharing() -> int:
    """How many threads of a map wait for a trip of another one."""
    frames = sys._current_frames()
    threads = [each for each in threading.enumerate() if each.name.startswith("beautyspot-map")]
    within = [frames[each.ident].f_code.co_filename for each in threads if each.ident in frames]
    return sum(name.endswith("together.py") for name in within)


def first(gate: Gate) -> Callable[..., None]:
    """Holds up the first question."""
    return lambda *_, **__: None if gate.count else gate.pass_through()


def double(number: int) -> int:
    return 2 * number


def test_calls_share_the_trips_to_the_store(make_spot: Callable[..., Spot]) -> None:
    begins, puts, ran = Gate(), Gate(), list[int]()
    slow = {"begin": first(begins), "put": first(puts)}
    store = scripted(MemoryMetadataStore, slow=slow, count=["find", "find_many"])
    store.blocking = True
    spot = make_spot(metadata=store)

    @spot.mark(ignore=("ran",))
    def f(number: int) -> int:
        ran.append(number)
        return double(number)

    with ThreadPoolExecutor(1) as pool:
        results = pool.submit(list, spot.map(f, range(16)))
        for gate, number in ((begins, 0), (puts, 16)):
            until(lambda: (len(ran), sharing()) == (number, 15), unless=[results])  # noqa: B023
            gate.open.set()
        assert results.result(DEADLINE) == [2 * number for number in range(16)]
    assert dict(store.script.count) == {"find_many": 2, "begin": 2, "put": 2}
    assert all(spot.peek(f, number) for number in range(16))


@pytest.mark.parametrize("operation", ["begin", "put"])
def test_a_trip_that_fails_loses_no_result(make_spot: Callable[..., Spot], operation: str) -> None:
    errors: dict[str, Any] = {operation: MetadataError("down: start it")}
    store, troubles = scripted(MemoryMetadataStore, fail=errors), list[Any]()
    store.blocking = True
    spot = make_spot(metadata=store, on_error=troubles.append)
    f = spot.mark(double)
    assert list(spot.map(f, range(40))) == [2 * number for number in range(40)]
    assert troubles
    store.script.fail.clear()
    assert spot.flush()
    assert spot.count(f, range(40)) == 0
