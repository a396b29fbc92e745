"""The same work for many items, several of them at a time."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator

import pytest
from beautyspot.concurrency import locks
from beautyspot.concurrency.together import together

PATIENCE = 30.0


@pytest.mark.parametrize("at_once", [1, 3, 50])
def test_each_item_comes_with_its_result_in_order(at_once: int) -> None:
    found = list(together(lambda number: number * 2, range(10), at_once))
    assert found == [(number, number * 2) for number in range(10)]
    assert list(together(str, [], at_once)) == []


def test_so_many_are_worked_on_at_a_time() -> None:
    barrier = threading.Barrier(4, timeout=PATIENCE)
    assert len(list(together(lambda _: barrier.wait(), range(8), 4))) == 8


def test_items_are_taken_as_they_are_needed() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    found = together(lambda number: number, items(), 4)
    assert next(found) == (0, 0)
    assert taken == [0, 1, 2, 3]


@pytest.mark.parametrize("at_once", [1, 4])
def test_what_fails_ends_it_behind_what_was_done(at_once: int) -> None:
    done: list[int] = []

    def work(number: int) -> int:
        if number == 2:
            raise ValueError(number)
        done.append(number)
        return number

    found: list[int] = []
    with pytest.raises(ValueError, match="2"):
        found.extend(number for number, _ in together(work, range(100), at_once))
    assert sorted(found) == sorted(done)
    assert {0, 1} <= set(found)
    assert max(found) < 4


def test_there_are_no_threads_within_a_lock() -> None:
    """Another thread might wait for it."""
    lock = locks.reentrant()
    with lock:
        threads = {thread for _, thread in together(lambda _: threading.get_ident(), range(8), 4)}
    assert threads == {threading.get_ident()}


def test_the_work_has_the_context_of_its_caller() -> None:
    told: contextvars.ContextVar[str] = contextvars.ContextVar("told", default="")
    told.set("here")
    assert {text for _, text in together(lambda _: told.get(), range(8), 4)} == {"here"}
