"""Requests side by side: how many, in which order, and what happens at their end."""

from __future__ import annotations

import threading

import pytest
from beautyspot_s3.several import AT_ONCE, side_by_side

PATIENCE = 30.0


def test_all_are_answered_in_their_order() -> None:
    assert side_by_side(lambda number: number * 2, range(100)) == [n * 2 for n in range(100)]
    assert side_by_side(str, []) == []
    assert side_by_side(str, [1]) == ["1"]


def test_so_many_go_at_a_time() -> None:
    barrier = threading.Barrier(AT_ONCE, timeout=PATIENCE)
    assert len(side_by_side(lambda _: barrier.wait(), range(2 * AT_ONCE))) == 2 * AT_ONCE


def test_no_thread_is_left_over() -> None:
    before = threading.active_count()
    side_by_side(lambda number: number, range(100))
    assert threading.active_count() == before


def test_what_fails_first_is_raised_and_nothing_is_begun_any_more() -> None:
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        raise ValueError(number)

    with pytest.raises(ValueError, match=r"\d"):
        side_by_side(work, range(1000))
    assert len(begun) <= AT_ONCE


@pytest.mark.parametrize("started", [0, 3])
def test_where_no_thread_can_be_started_the_caller_does_it_all(
    started: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As at the end of the interpreter, when the last results are stored."""
    real, left = threading.Thread.start, [None] * started

    def start(thread: threading.Thread) -> None:
        if not left:
            raise RuntimeError("can't create new thread at interpreter shutdown")
        left.pop()
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    assert side_by_side(lambda number: number * 2, range(40)) == [n * 2 for n in range(40)]
