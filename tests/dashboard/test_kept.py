"""Answers that take long: no page waits for them, and they serve a while."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from beautyspot_dashboard.kept import ALWAYS, Kept


class Clock:
    """The time that answers go by."""

    now = 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("beautyspot_dashboard.kept.SOON", 0.1)
    monkeypatch.setattr("beautyspot_dashboard.kept.time.monotonic", lambda: found.now)
    return found


class Work:
    """Takes some seconds of a clock, and says how often it was done."""

    def __init__(self, clock: Clock, seconds: float = 3.0) -> None:
        self.clock = clock
        self.seconds = seconds
        self.times = 0
        self.goes_on = threading.Event()
        self.goes_on.set()

    def __call__(self) -> int:
        self.times += 1
        self.clock.now += self.seconds
        assert self.goes_on.wait(60)
        return self.times


def value(kept: Kept, name: object, work: Any, wait: float = 60, **options: Any) -> Any:
    found = kept.get(name, work, wait, **options)
    return None if found is None else found.value


def test_what_took_long_serves_ten_times_as_long(clock: Clock) -> None:
    kept, work = Kept(), Work(clock)
    assert value(kept, "it", work) == 1
    clock.now += 29
    assert value(kept, "it", work) == 1
    clock.now += 2
    assert value(kept, "it", work) == 2


def test_what_took_no_time_is_found_out_anew(clock: Clock) -> None:
    kept, work = Kept(), Work(clock, 0.0)
    assert [value(kept, "it", work, keep=ALWAYS) for _ in range(3)] == [1, 2, 3]


def test_what_is_under_way_is_asked_once_and_told_later(clock: Clock) -> None:
    kept, work = Kept(), Work(clock)
    work.goes_on.clear()
    assert value(kept, "it", work, wait=0) is None
    assert value(kept, "it", work, wait=0) is None
    work.goes_on.set()
    assert value(kept, "it", work) == 1
    assert work.times == 1


@pytest.mark.parametrize(("keep", "wanted"), [(ALWAYS, 1), (40, 1), (20, None)])
def test_an_old_answer_serves_while_the_next_one_is_worked_on(
    clock: Clock, keep: float, wanted: int | None
) -> None:
    kept, work = Kept(), Work(clock)
    value(kept, "it", work, keep=keep)
    clock.now += 31
    work.goes_on.clear()
    assert value(kept, "it", work, wait=0, keep=keep) == wanted
    work.goes_on.set()


def test_what_fails_fails_where_it_is_asked_for(clock: Clock) -> None:
    kept = Kept()

    def fail() -> None:
        clock.now += 3
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            value(kept, "it", fail, keep=ALWAYS)
    clock.now += 6
    assert value(kept, "it", Work(clock)) == 1, "it is tried again soon"


def test_what_was_begun_before_a_change_is_told_to_nobody_after_it(clock: Clock) -> None:
    kept, before, after = Kept(), Work(clock), Work(clock)
    before.goes_on.clear()
    assert value(kept, "it", before, wait=0) is None
    kept.forget()
    after.times = 10
    assert value(kept, "it", after) == 11
    before.goes_on.set()
    for thread in threading.enumerate():
        if thread.name == "beautyspot-kept":
            thread.join()
    assert value(kept, "it", after) == 11


def test_no_more_than_some_are_under_way(clock: Clock) -> None:
    kept, works = Kept(), [Work(clock) for _ in range(8)]
    for number, work in enumerate(works):
        work.goes_on.clear()
        assert value(kept, number, work, wait=0) is None
    more = Work(clock)
    assert value(kept, "one more", more) is None
    assert not more.times
    for number, work in enumerate(works):
        work.goes_on.set()
        assert value(kept, number, work) == 1
    assert value(kept, "one more", more) == 1


def test_no_more_are_kept_than_fifty(clock: Clock) -> None:
    kept, work = Kept(), Work(clock)
    for number in range(51):
        value(kept, number, work, keep=ALWAYS)
    assert value(kept, 0, work) == 52
