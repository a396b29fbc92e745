"""A removal: rows are chosen, shown, and then these go and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import beautyspot as bs
import pytest


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[bs.Store, Callable[[int], int]]]:
    """A store with the results 0 to 11 of one function, and that function."""
    with bs.Spot("made", directory=tmp_path, config=False, strict=True) as spot:
        double = spot.mark(name="double")(lambda number: number * 2)
        for number in range(12):
            double(number)
        with bs.open_store(tmp_path) as store:
            yield store, double


def test_what_was_chosen_goes_and_what_came_later_stays(
    made: tuple[bs.Store, Callable[[int], int]],
) -> None:
    store, double = made
    removal = store.removal(store.rows(function="double"))
    assert (removal.entries, removal.functions["double"].entries) == (12, 12)
    assert removal.size == removal.functions["double"].size > 0
    assert [record.cache_key for record in removal.first] == [
        record.cache_key for record in store.rows(limit=10)
    ]
    double(12)
    seen: list[bs.Removed] = []
    done = removal.carry_out(seen.append)
    assert done == bs.Removed(12, removal.size)
    assert seen == [done]
    assert store.total().entries == 1


def test_a_row_that_was_replaced_stays_and_one_that_is_gone_is_none(
    made: tuple[bs.Store, Callable[[int], int]],
) -> None:
    store, double = made
    first, second = store.rows(limit=2)
    removal = store.removal([first, second])
    store.remove(key=first.cache_key)
    store.remove(key=second.cache_key)
    for number in range(12):
        double(number)
    store.remove(key=first.cache_key)
    assert removal.carry_out() == bs.Removed(0, 0, kept=1)
    assert store.row(second.cache_key).made_at != second.made_at


def test_the_rows_over_a_limit_are_those_that_prune_removes(
    made: tuple[bs.Store, Callable[[int], int]],
) -> None:
    store, _ = made
    size = store.total().size
    over = {record.cache_key for record in store.over_limits(max_size=size // 2)}
    assert store.prune(max_size=size // 2).entries == len(over) > 0
    assert over.isdisjoint(record.cache_key for record in store.rows())
    assert len(list(store.over_limits(older_than=0, function="double"))) == 12 - len(over)
    assert list(store.over_limits(older_than=0, function="other")) == []
    with pytest.raises(bs.ConfigError, match="max_size='much': give a number of bytes"):
        store.over_limits(max_size="much")
