"""Which executors a Spot takes, and where those belong that are no threads of its process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from types import ModuleType
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.spot import Spot


def of_module(name: str, *bases: type) -> Any:
    """An instance of a class as a library would define it."""
    return type("Pool", bases, {"__module__": name})()


def refused(make_spot: Callable[..., Spot], executor: object) -> str:
    with pytest.raises(bs.ConfigError, match="executor=.*: give") as caught:
        make_spot(executor=executor)
    said = str(caught.value)
    assert "ThreadPoolExecutor(8)" in said
    return said


BELONGS = "spot.map(f, inputs, executor=pool), or pool.submit(f, x) with a marked f"


@pytest.mark.parametrize(
    "name",
    [
        "distributed.cfexecutor",
        "joblib.externals.loky.reusable_executor",
        "loky.process_executor",
        "mpi4py.futures.pool",
        "ray.util.concurrent",
        "concurrent.futures.interpreter",
    ],
)
def test_pools_that_work_elsewhere_are_refused(make_spot: Callable[..., Spot], name: str) -> None:
    class Mine(Executor):
        pass

    assert BELONGS in refused(make_spot, of_module(name, Mine))
    derived = type("Mine", (type(of_module(name, Mine)),), {"__module__": "app"})()
    assert BELONGS in refused(make_spot, derived)


def test_processes_are_refused(make_spot: Callable[..., Spot]) -> None:
    with ProcessPoolExecutor(1) as pool:
        assert BELONGS in refused(make_spot, pool)


@pytest.mark.parametrize("executor", [8, "threads", ThreadPoolExecutor, ModuleType("pool")])
def test_what_is_no_executor_is_refused(make_spot: Callable[..., Spot], executor: object) -> None:
    assert "an executor whose workers are threads" in refused(make_spot, executor)


def test_threads_of_the_user_s_own_are_taken(make_spot: Callable[..., Spot]) -> None:
    class Mine(ThreadPoolExecutor):
        pass

    with Mine(1) as pool:
        assert make_spot(executor=pool).executor is pool
    raylike = type("Pool", (ThreadPoolExecutor,), {"__module__": "rayleigh.pools"})(1)
    assert make_spot(executor=raylike).executor is raylike
