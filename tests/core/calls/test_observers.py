"""What observers are told of the calls of all kinds of functions."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import beautyspot as bs
import kinds
import pytest
from beautyspot import Miss, Raised, Refused, Saved, Waited
from beautyspot.contracts import Rate
from broken import BrokenStore
from gates import Gate, followers, until
from rows import put_rows

KINDS = pytest.mark.parametrize("kind", kinds.KINDS)


RUN = ["Ran", "Saved row"]
"""The end of an execution, the result of which is stored."""


class Recorder(list[Any]):
    """An observer that keeps the events."""

    def observe(self, event: Any) -> None:
        self.append(event)

    @property
    def told(self) -> list[str]:
        """The events in short: the class, and what tells them apart."""
        return [_short(event) for event in self]

    def of(self, kind: type) -> list[Any]:
        return [event for event in self if type(event) is kind]


def _short(event: Any) -> str:
    names = {Miss: "reason", Refused: "by", Raised: "error", Waited: "cause"}
    own = names.get(type(event), "place" if hasattr(event, "place") else "")
    return f"{type(event).__name__}{f' {getattr(event, own)}' if own else ''}"


@pytest.fixture
def make_spot(make_spot: Callable[..., bs.Spot]) -> Callable[..., bs.Spot]:
    """In memory, where nothing else is asked for: what is told does not depend on the store."""
    return partial(make_spot, metadata="memory", storage="memory")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


# ------------------------------------------------------------------------------------ the events


@KINDS
def test_a_miss_runs_and_a_hit_does_not(
    make_spot: Callable[..., bs.Spot], recorder: Recorder, kind: str
) -> None:
    function, call = kinds.KINDS[kind]
    spot = make_spot(observers=[recorder])
    marked = spot.mark(function)
    assert call(marked, 1) == call(marked, 1) == kinds.result(1)
    assert recorder.told == ["Miss not stored", "Ran", "Saved row", "Hit store"]
    miss, ran, saved, hit = recorder
    assert {event.spot for event in recorder} == {"app"}
    assert {event.function for event in recorder} == {f"kinds:{function.__name__}"}
    assert {event.key for event in recorder} == {spot.key(function, 1)}
    assert 0 <= ran.seconds < 60
    assert hit.saved > 0
    assert 0 <= hit.age < 60
    assert hit.size == saved.size > len("text") * 5000
    assert 0 <= saved.seconds < 60
    assert not saved.later
    assert hit.price is None
    assert miss.reason == "not stored"


@KINDS
def test_what_the_function_raises_is_told_by_its_class(
    make_spot: Callable[..., bs.Spot], recorder: Recorder, kind: str
) -> None:
    async def later(x: Any) -> Any:
        raise ValueError("a secret", x)

    async def stream_later(x: Any) -> Any:
        raise ValueError("a secret", x)
        yield

    def stream(x: Any) -> Any:
        raise ValueError("a secret", x)
        yield

    def plain(x: Any) -> Any:
        raise ValueError("a secret", x)

    _, call = kinds.KINDS[kind]
    one = {"sync": plain, "async": later, "generator": stream, "async generator": stream_later}
    spot = make_spot(observers=[recorder])
    with pytest.raises(ValueError, match="a secret"):
        call(spot.mark(one[kind]), "an argument")
    assert recorder.told == ["Miss not stored", "Raised ValueError"]
    failed = recorder[1]
    assert (failed.operation, failed.key) == ("run", recorder[0].key)
    assert failed.seconds >= 0
    assert "secret" not in str(recorder)
    assert "an argument" not in str(recorder)


@KINDS
@pytest.mark.parametrize("why", ["no key", "switched off", "shut down", "refreshed"])
def test_a_miss_has_a_reason(
    make_spot: Callable[..., bs.Spot], recorder: Recorder, kind: str, why: str
) -> None:
    function, call = kinds.KINDS[kind]
    spot = make_spot(observers=[recorder], enabled=why != "switched off")
    marked = spot.mark(function)
    if why == "refreshed":
        call(marked, 1)
        call(lambda x: spot.refresh(function, x), 1)
        assert recorder.told == ["Miss not stored", *RUN, "Miss refreshed", *RUN]
        return
    if why == "shut down":
        spot.shutdown()
    call(marked, iter(()) if why == "no key" else 1)
    failed = ["Raised UnstableKeyError"] if why == "no key" else []
    assert recorder.told == [f"Miss {why}", *failed, "Ran"]
    assert {event.key for event in recorder} == {""}


@KINDS
def test_what_is_damaged_is_a_miss(
    make_spot: Callable[..., bs.Spot], recorder: Recorder, kind: str
) -> None:
    function, call = kinds.KINDS[kind]
    spot = make_spot(observers=[recorder])
    marked = spot.mark(function)
    call(marked, 1)
    record = spot.metadata.get(recorder[0].key)
    assert record is not None
    put_rows(spot.metadata, record._replace(digest=b"wrong"))
    assert call(marked, 1) == kinds.result(1)
    assert recorder.told[3] == "Raised RestoreError"
    assert recorder.told[-3:] == ["Miss damaged", *RUN]
    assert recorder[3].operation == "look up"
    assert recorder[3].seconds is None


@KINDS
def test_a_store_that_fails_is_a_miss(
    make_spot: Callable[..., bs.Spot], recorder: Recorder, kind: str
) -> None:
    function, call = kinds.KINDS[kind]
    spot = make_spot(observers=[recorder], metadata=BrokenStore("find"))
    assert call(spot.mark(function), 1) == kinds.result(1)
    assert recorder.told[0] == "Raised Broken"
    assert recorder.told[-3:] == ["Miss store failed", *RUN]


# ------------------------------------------------------------------------------------- followers


def test_a_follower_gets_a_hit_of_the_run(
    make_spot: Callable[..., bs.Spot], recorder: Recorder
) -> None:
    gate = Gate()

    def slow(x: int) -> int:
        gate.pass_through()
        return x

    spot = make_spot(observers=[recorder])
    marked = spot.mark(ignore=("gate",))(slow)
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(marked, 1) for _ in range(2)]
        until(lambda: followers(spot) == 1, unless=futures)
        gate.open.set()
    assert sorted(recorder.told) == ["Hit run", "Miss not stored", "Ran", "Saved row", "Waited run"]
    waited = recorder.of(Waited)[0]
    assert (waited.function, waited.key) == (recorder[0].function, recorder[0].key)
    assert waited.seconds >= 0


# -------------------------------------------------------------------------- saved, and not saved


@KINDS
def test_what_is_saved_in_the_background_is_told_when_it_is(
    make_spot: Callable[..., bs.Spot], recorder: Recorder, kind: str
) -> None:
    function, call = kinds.KINDS[kind]
    spot = make_spot(observers=[recorder], save="background")
    marked = spot.mark(function)
    call(marked, 1)
    call(marked, 2)
    assert spot.flush()
    assert sorted(recorder.told) == sorted([*["Miss not stored", *RUN] * 2])
    assert all(event.later and event.seconds >= 0 for event in recorder.of(Saved))


@KINDS
def test_what_has_no_stored_form_is_refused(
    make_spot: Callable[..., bs.Spot], recorder: Recorder, kind: str
) -> None:
    _, call = kinds.KINDS[kind]
    lock = threading.Lock()

    async def later(x: Any) -> Any:
        return lock

    async def stream_later(x: Any) -> Any:
        yield lock

    def stream(x: Any) -> Any:
        yield lock

    def plain(x: Any) -> Any:
        return lock

    one = {"sync": plain, "async": later, "generator": stream, "async generator": stream_later}
    call(make_spot(observers=[recorder]).mark(ignore=("lock",))(one[kind]), 1)
    failed = "Raised SerializationError"
    assert sorted(recorder.told) == ["Miss not stored", failed, "Ran", "Refused serializer"]


# ---------------------------------------------------------------------------------------- limits


class Slow(bs.LimiterBase):
    """Has each call wait for a moment."""

    name = "slow"
    limits: ClassVar[dict[str, Rate]] = {"rate": Rate(1e9)}

    def take(self, asked: Any, key: str = "") -> tuple[list[bs.Grant], float]:
        return [bs.Grant(0.01, costs, key) for costs in asked], 0.0

    def give_back(self, grant: bs.Grant, real: Any) -> None: ...

    def hold(self, seconds: float, key: str = "") -> None: ...


@KINDS
def test_a_limit_tells_of_waits_and_refusals(
    make_spot: Callable[..., bs.Spot], recorder: Recorder, kind: str
) -> None:
    function, call = kinds.KINDS[kind]
    spot = make_spot(observers=[recorder], limiter=Slow())
    marked = spot.mark(spot.limiter(function))
    call(marked, 1)
    call(marked, 1)
    assert recorder.told == ["Miss not stored", "Waited limit", *RUN, "Hit store"]
    waited = recorder[1]
    assert (waited.function, waited.key) == (f"kinds:{function.__name__}", "")
    assert waited.seconds > 0
    with pytest.raises(bs.RateLimitError):
        call(spot.limiter(timeout=0)(function), 1)
    with pytest.raises(bs.CostError):
        call(spot.limiter(cost=lambda x: float("nan"))(function), 1)
    assert [event.by for event in recorder.of(Refused)] == ["rate", "cost"]


# ------------------------------------------------------------------------------ who may observe


@KINDS
def test_one_that_raises_is_said_once_and_left_out(
    make_spot: Callable[..., bs.Spot],
    recorder: Recorder,
    kind: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(event: Any) -> None:
        told.append(event)
        raise RuntimeError("its own fault")

    told: list[Any] = []
    function, call = kinds.KINDS[kind]
    spot = make_spot(observers=[broken, recorder], strict=True)
    marked = spot.mark(function)
    assert call(marked, 1) == call(marked, 1) == kinds.result(1)
    assert len(told) == 1
    assert recorder.told == ["Miss not stored", *RUN, "Hit store"]
    (record,) = caplog.records
    assert "broken raised RuntimeError at a Miss of kinds:" in record.message
    assert "is left out from now on" in record.message
    assert record.exc_info


FORKING = """
import os, sys, beautyspot
told = []
spot = beautyspot.Spot("app", config=False, directory=sys.argv[1], observers=[told.append])
marked = spot.mark(len)
marked("abc")
child = os.fork()
if child:
    assert os.waitpid(child, 0)[1] == 0
else:
    marked("abc")
print(*(type(event).__name__ for event in told), flush=True)
if not child:
    os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="it forks")
def test_a_forked_child_has_the_same_observers(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", FORKING, str(tmp_path)], capture_output=True, check=True
    )
    assert run.stdout.splitlines() == [b"Miss Ran Saved Hit", b"Miss Ran Saved"]


# -------------------------------------------------------------------------- lines at level DEBUG


@KINDS
def test_debug_lines_tell_of_hits_and_misses(
    make_spot: Callable[..., bs.Spot], kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    function, call = kinds.KINDS[kind]
    spot = make_spot()
    marked = spot.mark(function)
    caplog.set_level("DEBUG", "beautyspot")  # a program sets up its logging after the imports
    call(marked, 1)
    call(marked, 1)
    call(marked, iter(()))
    key, name = spot.key(function, 1), f"kinds:{function.__name__}"
    lines = [record.message for record in caplog.records if record.levelname == "DEBUG"]
    assert lines[0] == f"app: miss: {name} (key {key}): not stored"
    assert lines[1].startswith(f"app: hit: {name} (key {key}): found in the store, made ")
    assert lines[1].endswith(" s to compute")
    assert lines[2] == f"app: miss: {name} (key none): no key"
    assert len(lines) == 3
    caplog.set_level("INFO", "beautyspot")
    call(marked, 2)
    assert len([record for record in caplog.records if record.levelname == "DEBUG"]) == 3
