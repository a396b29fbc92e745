"""What becomes of limits where a server, or an answer, is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from servers.limiters import delays

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot_local.remote.limiter import RemoteLimiter
    from beautyspot_testing.limiter import ManualClock

    Make = Callable[..., RemoteLimiter]


def test_a_server_that_was_emptied_begins_anew(
    make_limiter: Make, forget: Callable[[], None], clock: ManualClock
) -> None:
    """Who waits asks again, behind those who came since; what was reserved frees nothing."""
    limiter = make_limiter()
    used, waiting = limiter.reserve(5), limiter.reserve(3)
    assert used is not None
    assert waiting is not None
    forget()
    assert delays(limiter, 10) == [0]
    limiter.settle(used, 0)
    assert delays(limiter, 1) == [10], "nothing of the new limit was given back"
    assert limiter.remaining(waiting) == 11
    clock.advance(11)
    assert limiter.remaining(waiting) == 0
    limiter.settle(waiting, 5)
    assert limiter.wait_for() == 5
    forget()
    limiter.settle(limiter.reserve(2) or used, 2)
    limiter.release(waiting)
    assert limiter.wait_for() == 2


def test_a_clock_of_another_master_that_is_behind(make_limiter: Make, clock: ManualClock) -> None:
    """After a failover the time goes on from where it was; one that is ahead grants no bunch."""
    limiter = make_limiter()
    waiting = [limiter.reserve() for _ in range(4)]
    clock.advance(-60)
    assert limiter.wait_for() == 4
    clock.advance(2)
    assert limiter.wait_for() == 2
    clock.advance(60)
    left = [limiter.remaining(one) for one in waiting[2:] if one]
    assert left == [0, 1]


def test_what_is_sent_twice_gives_back_once(
    make_limiter: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first answer was lost with its connection, and by then another call had the place."""
    limiter, other = make_limiter(), make_limiter()
    run, found = limiter._keeper.run, []

    def twice(asked: Any) -> Any:
        run(asked)
        found.append(delays(other, 5))
        return run(asked)

    first, second, _ = (limiter.reserve(5) for _ in range(3))
    assert first
    assert second
    monkeypatch.setattr(limiter._keeper, "run", twice)
    limiter.release(second)
    monkeypatch.undo()
    assert found == [[5]]
    assert delays(limiter, 5) == [15]
    monkeypatch.setattr(limiter._keeper, "run", twice)
    limiter.settle(first, 0)
    monkeypatch.undo()
    assert found == [[5], [0]]
    assert delays(limiter, 5) == [20]
