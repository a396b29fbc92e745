"""Ctrl-C at any moment of a call: the next call finds the key free, and the store as well.

Python runs the handlers of signals as it enters a function written in Python and after one written
in C. At such moments a profiler raises here, as the handler of Ctrl-C does.
"""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot_local import TokenBucket
from gates import DEADLINE
from moments import check_free, each_moment, interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.spot import Spot


def plain(x: int) -> int:
    return x


def failing(x: int) -> float:
    return x / 0


def stream(x: int) -> Iterator[int]:
    yield x
    yield x


def outcome(function: Callable[[int], Any], x: int) -> Any:
    try:
        result = function(x)
        return list(result) if hasattr(result, "__next__") else result
    except ZeroDivisionError:
        return "fails"


KINDS: dict[str, tuple[Callable[[int], Any], dict[str, Any]]] = {
    "plain": (plain, {}),
    "blob": (plain, {"save_blob": True}),
    "failing": (failing, {}),
    "refused": (plain, {"cache_if": lambda value: False}),
    "stream": (stream, {}),
}


@each_moment
@pytest.mark.parametrize("save", ["sync", "background"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_call_that_is_interrupted_leaves_its_key_free(
    make_spot: Callable[..., Spot], kind: str, save: str, stride: int
) -> None:
    function, options = KINDS[kind]
    spot, other = make_spot(save=save, strict=True), make_spot("app", strict=True)
    marked = spot.mark(**options)(function)
    outcome(marked, -1)
    at = 1
    while interrupted(lambda: list(marked(at)) if kind == "stream" else marked(at), at):
        assert spot.flush(DEADLINE)
        check_free(spot, other, spot.key(marked, at))
        assert called_by_another(marked, at) == outcome(function, at)
        at += stride
    assert at > 50
    assert spot.flush(DEADLINE)


def called_by_another(function: Callable[[int], Any], x: int) -> Any:
    """In another thread: a reentrant lock that was left held would let this one in."""
    outcomes: list[Any] = []
    thread = threading.Thread(target=lambda: outcomes.append(outcome(function, x)), daemon=True)
    thread.start()
    thread.join(DEADLINE)
    assert outcomes, "it waits"
    return outcomes[0]


def test_a_block_that_is_interrupted_is_over(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(strict=True)
    marked = spot.mark(plain)

    def in_a_block() -> None:
        with spot.using(mode="replay"):
            pass

    in_a_block()
    at = 1
    while interrupted(in_a_block, at):
        assert not spot._engine.detours
        assert contextvars.copy_context().run(marked, at) == at, "it may run"
        at += 1
    assert at > 5


async def later(x: int) -> int:
    return x


def ended(made: Any) -> Any:
    """What a coroutine that waits for nothing returns."""
    try:
        made.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


@pytest.mark.parametrize("key", [None, str])
@pytest.mark.parametrize(
    ("function", "run"),
    [(plain, int), (failing, int), (stream, list), (later, ended)],
    ids=["plain", "failing", "stream", "coroutine"],
)
def test_a_limited_call_that_is_interrupted_leaves_its_place(
    make_spot: Callable[..., Spot],
    function: Callable[[int], Any],
    run: Callable[[Any], Any],
    key: Callable[[int], str] | None,
) -> None:
    spot = make_spot(limiter=TokenBucket(1e9), strict=True)
    limit = spot.limiter(max_concurrent=1, key=key)
    limited, of_others = limit(function), limit(plain)
    at = 1
    while interrupted(lambda: run(limited(7)), at):
        assert called_by_another(of_others, 7) == 7
        assert not spot._limiting.asking
        at += 3  # every third of some 150
    assert at > 20
