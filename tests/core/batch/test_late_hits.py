"""What `spot.map` tells of calls that turn out to be hits once they are made."""

from __future__ import annotations

from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.spot import Spot


class Here(Executor):
    """Stands for processes: it gets no context, and makes each call at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def counts(seen: list[Progress]) -> tuple[int, int]:
    return seen[-1].hits, seen[-1].runs


@pytest.fixture(params=["threads", "an executor of threads", "another executor", "a block there"])
def mapped(request: pytest.FixtureRequest, spot: Spot) -> Callable[..., list[Any]]:
    """Maps in each way in which the calls of a plain function are made."""

    def run(function: Any, inputs: Any, **options: Any) -> list[Any]:
        if request.param == "threads":
            return list(spot.map(function, inputs, **options))
        if request.param == "another executor":
            return list(spot.map(function, inputs, executor=Here(), **options))
        if request.param == "a block there":
            with spot.using(max_age="1 day"):
                return list(spot.map(function, inputs, executor=Here(), **options))
        with ThreadPoolExecutor(1) as executor:
            return list(spot.map(function, inputs, executor=executor, **options))

    return run


@pytest.mark.parametrize("marked", [True, False])
def test_what_was_stored_meanwhile_is_a_hit(
    spot: Spot, mapped: Callable[..., list[Any]], marked: bool
) -> None:
    def down(number: int) -> int:
        if number:
            spot.cached_run(down, number - 1)
        return number

    function, seen = spot.mark(down) if marked else down, list[Progress]()
    options = {"progress": seen.append, "concurrency": 1}
    assert mapped(function, [3, 2, 1, 0], **options) == [3, 2, 1, 0]
    assert counts(seen) == (3, 1)
    assert mapped(function, [4, 3], **options) == [4, 3]
    assert counts(seen) == (1, 1), "one was stored before"
