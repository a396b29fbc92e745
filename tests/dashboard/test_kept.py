"""Answers that take long serve while the next one is worked on."""

from __future__ import annotations

import threading

import pytest
from beautyspot_dashboard.kept import Kept


class Clock:
    """The time that answers go by."""

    now = 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("beautyspot_dashboard.kept.SOON", 0.1)
    monkeypatch.setattr("beautyspot_dashboard.kept.time.monotonic", lambda: found.now)
    return found


def test_what_took_long_serves_for_longer(clock: Clock) -> None:
    kept, asked, ends = Kept(), list[int](), threading.Event()

    def work() -> int:
        asked.append(1)
        clock.now += 3.0
        if len(asked) > 1:
            ends.wait(20)
        return len(asked)

    first = kept.get("it", work, wait=20)
    assert first is not None
    assert (first.value, first.took) == (1, 3.0)
    clock.now += 29
    assert kept.get("it", work, wait=20) == first, "ten times as long as it took"
    clock.now += 2
    assert kept.get("it", work, wait=1) == first, "and while the next one is worked on"
    ends.set()
    kept.forget()
    second = kept.get("it", work, wait=20)
    assert second is not None
    assert second.value == 2


def test_what_took_no_time_is_found_out_anew(clock: Clock) -> None:
    kept, asked = Kept(), list[int]()
    for number in (1, 2):
        found = kept.get("it", lambda: asked.append(1) or len(asked), wait=20)
        assert found is not None
        assert found.value == number
    assert clock.now == 0.0


def test_no_more_are_kept_than_fifty(clock: Clock) -> None:
    kept, asked = Kept(), list[int]()

    def work() -> int:
        clock.now += 1.0
        asked.append(1)
        return len(asked)

    for number in range(51):
        kept.get(number, work, wait=20)
    clock.now -= 51.0
    found = kept.get(0, work, wait=20)
    assert found is not None
    assert found.value == 52
