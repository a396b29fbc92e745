"""Who waits for a permit moves up when others before it give time back, and never passes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.limits.combined import CombinedLimiter
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
