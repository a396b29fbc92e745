"""Who waits for a permit moves up when others before it give time back, and never passes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.contracts import LimiterBase, Reservation
from beautyspot.limits.combined import MOST, CombinedLimiter
from beautyspot_local import SharedTokenBucket, TokenBucket
from waiting_room import Room

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WAYS = ["thread", "loop", "mixed"]
MIXED = ["thread", "one loop", "other loop", "thread", "one loop"]


@pytest.fixture
def room() -> Iterator[Room]:
    with Room() as room:
        yield room


@pytest.fixture(params=["gcra", "gcra-shared", "combined", "combined-shared"])
def limiter(request: pytest.FixtureRequest, room: Room, tmp_path: Path) -> Any:
    """One a second, 10 at the most, whose callers sleep in the room."""

    def one(name: str, rate: float) -> Any:
        if request.param.endswith("shared"):
            pytest.importorskip("fcntl")
            return SharedTokenBucket(rate, 10, path=tmp_path / name, clock=room)
        return TokenBucket(rate, 10, clock=room)

    if request.param.startswith("combined"):
        return room.house(Plain({"calls": one("calls", 1), "tokens": one("tokens", 100)}, room))
    return room.house(one("calls", 1))


class Plain(CombinedLimiter):
    """Takes a number for the cost of both limits."""

    def _costs(self, cost: Any) -> dict[str, Any]:
        return super()._costs({"calls": cost, "tokens": cost})

    def settle(self, reservation: Any, real_cost: Any) -> None:
        super().settle(reservation, {"calls": real_cost, "tokens": real_cost})


def ask(room: Room, limiter: Any, way: str, *costs: float) -> None:
    for place, cost in enumerate(costs):
        room.ask(limiter, cost, by=MIXED[place % 5] if way == "mixed" else way)


@pytest.mark.parametrize("way", WAYS)
def test_the_fifth_runs_within_a_second_when_four_are_cancelled(
    room: Room, limiter: Any, way: str
) -> None:
    limiter.consume(1)
    ask(room, limiter, way, 1, 1, 1, 1, 1)
    assert room.asleep == pytest.approx({0: 1, 1: 2, 2: 3, 3: 4, 4: 5})
    for number in (2, 0, 3, 1):
        room.leave(number)
    assert room.asleep == pytest.approx({4: 1})
    room.advance(1)
    assert room.granted == [(4, 1)]
    assert limiter.wait_for(1) == pytest.approx(1)


@pytest.mark.parametrize("limiter", ["gcra", "gcra-shared", "combined"], indirect=True)
@pytest.mark.parametrize("way", WAYS)
def test_large_and_small_costs_keep_their_order(room: Room, limiter: Any, way: str) -> None:
    limiter.consume(1)
    ask(room, limiter, way, 2, 3, 1, 2)
    room.leave(0)
    room.advance(1)
    assert room.granted == [(1, 1)]
    room.advance(3)
    assert room.granted == [(1, 1), (2, 4)]
    room.advance(1)
    assert room.granted == [(1, 1), (2, 4), (3, 5)]


def test_who_comes_later_waits_behind_those_who_move_up(room: Room, limiter: Any) -> None:
    limiter.consume(1)
    ask(room, limiter, "thread", 1, 3, 1)
    room.leave(1)
    assert limiter.reserve(1, max_wait=2.5) is None
    assert room.ask(limiter) == 3
    assert room.asleep[3] == pytest.approx(3)
    for moment in (1, 2, 3):
        room.advance(1)
        assert len(room.granted) == moment
    assert room.granted == [(0, 1), (2, 2), (3, 3)]


def test_a_settled_cost_goes_to_who_waits(room: Room, limiter: Any) -> None:
    first = limiter.consume(5)
    ask(room, limiter, "mixed", 1, 1)
    limiter.settle(first, 2)
    room.advance(2)
    assert room.granted == [(0, 2)]
    room.advance(1)
    assert room.granted == [(0, 2), (1, 3)]


def test_a_pause_holds_those_who_moved_up(room: Room, limiter: Any) -> None:
    limiter.consume(1)
    ask(room, limiter, "mixed", 1, 1, 1)
    room.leave(0)
    limiter.pause(10)
    room.leave(1)
    room.advance(1)
    assert room.granted == []
    room.advance(10)
    assert room.granted == [(2, 11)]


def test_who_has_nobody_before_it_keeps_its_time(room: Room, limiter: Any) -> None:
    limiter.consume(1)
    ask(room, limiter, "mixed", 1, 1)
    room.leave(1)
    assert room.asleep == pytest.approx({0: 1})
    assert limiter.wait_for(1) == pytest.approx(2)


def test_the_waiters_of_a_key_move_up(room: Room, limiter: Any) -> None:
    keyed = room.house(limiter.for_key("a"))
    if isinstance(limiter, Plain):
        keyed = room.house(Plain(keyed.limits, room))
    keyed.consume(1)
    ask(room, keyed, "mixed", 1, 1)
    room.leave(0)
    assert room.asleep == pytest.approx({1: 1})


@pytest.mark.parametrize("limiter", ["gcra", "gcra-shared"], indirect=True)
def test_nobody_passes_who_asked_before(room: Room, limiter: Any) -> None:
    """Not even into a place that is too small for who asked before."""
    limiter.consume(1)
    ask(room, limiter, "thread", 2)
    assert limiter.reserve(1).delay == 3, "its caller waits by itself, and is not moved"
    ask(room, limiter, "thread", 3, 1)
    room.leave(0)
    assert room.ask(limiter) == 3
    assert room.asleep == {1: 4, 2: 7, 3: 8}
    room.advance(4)
    assert room.granted == [(1, 4)]


def test_who_went_while_the_clock_stood_still_is_in_nobodys_way(room: Room, limiter: Any) -> None:
    """And is not moved any more."""
    first = limiter.consume(1)
    doze, limiter._doze = limiter._doze, lambda *_: False
    limiter.consume(1)
    limiter._doze = doze
    ask(room, limiter, "thread", 1, 1)
    room.leave(0)
    assert room.asleep == pytest.approx({1: 2})
    limiter.settle(first, 0)
    room.settle()
    assert room.granted == [(1, 0)]


def test_time_that_is_given_back_just_before_one_waits(room: Room, limiter: Any) -> None:
    """A reservation is made before its caller can be woken."""
    _, second, third = (limiter.reserve(1) for _ in range(3))
    limiter.release(second)
    woken: list[bool] = []
    assert limiter.wake_early(third, lambda: woken.append(True))
    assert woken
    assert limiter.remaining(third) == pytest.approx(1)


def test_who_comes_later_takes_nothing_that_is_given_back(room: Room, limiter: Any) -> None:
    """Not even before anybody has been woken."""
    _, gone, behind = (limiter.reserve(1) for _ in range(3))
    for one in (gone, behind):
        limiter.wake_early(one, bool)
    limiter.release(gone)
    assert limiter.reserve(1).delay == pytest.approx(2)
    assert limiter.remaining(behind) == pytest.approx(1)


@pytest.mark.parametrize("limiter", ["combined"], indirect=True)
def test_who_is_due_and_not_awake_yet_keeps_its_turn(room: Room, limiter: Any) -> None:
    limiter.consume(1)
    ask(room, limiter, "loop", 1, 1, 1)
    room.now += 1.0625
    room.leave(2)
    room.advance(0)
    assert room.granted == [(0, 1.0625)]


@pytest.mark.parametrize("limiter", ["combined"], indirect=True)
def test_a_limit_that_fails_while_calls_move_up_takes_no_place(
    room: Room, limiter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter.consume(1)
    ask(room, limiter, "thread", 1, 1)

    def fails(*_: object, **__: object) -> None:
        raise OSError("away")

    with monkeypatch.context() as away:
        away.setattr(limiter.limits["tokens"], "reserve_after", fails)
        room.leave(0)
    room.advance(2)
    assert room.granted == [(1, 2)]
    assert limiter.wait_for(1) == 1


@pytest.mark.parametrize("limiter", ["gcra", "gcra-shared"], indirect=True)
def test_who_came_too_late_for_its_turn_moves_up_from_its_new_one(room: Room, limiter: Any) -> None:
    limiter.consume(1)
    ask(room, limiter, "loop", 1, 1, 1)
    room.now += 5
    room.advance(0)
    (gone, last) = sorted(room.asleep, key=room.asleep.__getitem__)
    assert sorted(room.asleep.values()) == [6, 7]
    room.leave(gone)
    assert room.asleep == {last: 6}


def test_what_is_used_is_not_woken(room: Room, limiter: Any) -> None:
    used = limiter.consume(1)
    woken: list[bool] = []
    limiter.wake_early(used, lambda: woken.append(True))
    limiter.settle(used, 0)
    assert not woken
    assert limiter.wait_for(1) == 0


def test_limits_that_block_move_nobody(room: Room) -> None:
    class Slow(TokenBucket):
        blocking = True

    limits = CombinedLimiter({"calls": Slow(1, clock=room)}, room)
    waiting = [limits.reserve({"calls": 1}) for _ in range(2)][1]
    assert waiting is not None
    assert limits.wake_early(waiting, bool) is False


class Lossy(TokenBucket):
    """Loses what is given back in the middle, and can't move a caller."""

    wake_early = LimiterBase.wake_early

    def release(self, reservation: Reservation) -> None:
        super().release(reservation)
        self._line.gaps.clear()


def test_a_limit_that_reuses_no_gaps_makes_nobody_wait_longer(room: Room) -> None:
    limits = room.house(Plain({"calls": Lossy(1, 10, clock=room)}, room))
    limits._costs = lambda cost: {"calls": cost}
    limits.consume(1)
    ask(room, limits, "thread", 1, 1, 1)
    room.leave(0)
    room.advance(2)
    room.advance(1)
    assert room.granted == [(1, 2), (2, 3)]


@pytest.mark.parametrize("limiter", ["gcra"], indirect=True)
def test_debts_are_forgotten_when_they_are_paid(room: Room, limiter: Any) -> None:
    for _ in range(20):
        limiter.settle(limiter.consume(1), 2)
        room.advance(2)
    assert len(limiter._waiters._queue) <= 1


@pytest.mark.parametrize("limiter", ["combined"], indirect=True)
def test_all_of_many_move_up(room: Room, limiter: Any) -> None:
    """Those behind the first `MOST` too, as soon as they come nearer."""
    limiter.consume(1)
    ask(room, limiter, "loop", *[0.125] * (MOST + 8))
    room.leave(0)
    for moment in range(1, MOST + 8):
        room.advance(1 - 0.0625 * (moment > 1) * 14)
        assert len(room.granted) == moment
    assert [number for number, _ in room.granted] == list(range(1, MOST + 8))
    assert room.granted[-1][1] == pytest.approx(1 + 0.125 * (MOST + 6))


@pytest.mark.parametrize("limiter", ["combined"], indirect=True)
def test_who_needs_another_limit_is_in_nobodys_way(room: Room, limiter: Any) -> None:
    limits = room.house(CombinedLimiter(limiter.limits, room))
    limits.consume({"calls": 1, "tokens": 10})
    ask(room, limits, "thread", {"calls": 1, "tokens": 10}, {"calls": 1}, {"tokens": 5})  # type: ignore[arg-type]
    assert room.asleep == pytest.approx({0: 1, 1: 2, 2: 0.1})
    room.leave(0)
    assert room.asleep == pytest.approx({1: 1, 2: 0.1})
