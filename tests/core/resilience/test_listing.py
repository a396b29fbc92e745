"""Backends that fail to list: who asks is told each time, and calls go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from beautyspot.errors import MetadataError
from beautyspot.memory import MemoryMetadataStore
from beautyspot.spot import Spot


class Store(MemoryMetadataStore):
    blocking = True
    error: Exception | None = None

    def rows(self, *args: Any, **options: Any) -> Any:
        if self.error is not None:
            raise self.error
        return super().rows(*args, **options)


QUESTIONS: dict[str, Callable[[Spot], Any]] = {
    "prune": lambda spot: spot.prune(older_than=1),
    "prune to a size": lambda spot: spot.prune(max_size=0),
    "collect": lambda spot: spot.collect(),
    "invalidate_all": lambda spot: spot.invalidate_all("nothing"),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_store_that_fails_to_list(make_spot: Callable[..., Spot], question: str) -> None:
    store = Store()
    store.error = MetadataError("no route: mend the network")
    spot = make_spot(metadata=store, storage="memory")
    marked = spot.mark(abs)
    for _ in range(5):  # no breaker comes between: each time the store is asked
        with pytest.raises(MetadataError, match=r"^no route: mend the network$"):
            QUESTIONS[question](spot)
        assert marked(-1) == 1
    store.error = None
    QUESTIONS[question](spot)
