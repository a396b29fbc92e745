"""What observers are told of the calls of all kinds of functions."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import kinds
import pytest
from beautyspot import Failed, Hit, Miss, Refused, Waited
from broken import BrokenStore
from gates import Gate, followers, until

if TYPE_CHECKING:
    from collections.abc import Callable

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
    names = {Miss: "reason", Refused: "by", Failed: "error", Waited: "cause"}
    own = names.get(type(event), "place" if hasattr(event, "place") else "")
    return f"{type(event).__name__}{f' {getattr(event, own)}' if own else ''}"


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


def test_events_of_the_fast_path_and_of_all_others_are_alike(
    make_spot: Callable[..., bs.Spot], recorder: Recorder
) -> None:
    spot = make_spot(observers=[recorder])
    marked = spot.mark(len)
    for _ in range(20):  # the first are compared with the code, and take the longer way
        assert marked("abc") == 3
    hits = recorder.of(Hit)
    assert len(hits) == spot.stats()["hits"] == 19
    assert {event._replace(age=0) for event in hits} == {hits[0]._replace(age=0)}
    assert all(0 <= event.age < 60 for event in hits)
    assert sum(event.saved for event in hits) == pytest.approx(spot.stats()["seconds_saved"])


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
    assert recorder.told == ["Miss not stored", "Failed ValueError"]
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
    call(marked, threading.Lock() if why == "no key" else 1)
    failed = ["Failed UnstableKeyError"] if why == "no key" else []
    assert recorder.told == [f"Miss {why}", *failed, "Ran"]
    assert {event.key for event in recorder} == {""}


@KINDS
def test_what_expired_is_a_miss(
    make_spot: Callable[..., bs.Spot], recorder: Recorder, kind: str
) -> None:
    function, call = kinds.KINDS[kind]
    spot = make_spot(observers=[recorder])
    call(spot.mark(function), 1)
    call(spot.mark(ttl=1e-9)(function), 1)
    assert recorder.told[3:] == ["Miss expired", *RUN]


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
    spot.metadata.put(record._replace(digest=b"wrong"))
    assert call(marked, 1) == kinds.result(1)
    assert recorder.told[3] == "Failed RestoreError"
    assert recorder.told[-3:] == ["Miss damaged", *RUN]
    assert recorder[3].operation == "look up"
    assert recorder[3].seconds is None


@KINDS
def test_a_blob_that_is_gone_is_a_miss(
    make_spot: Callable[..., bs.Spot], recorder: Recorder, kind: str
) -> None:
    function, call = kinds.KINDS[kind]
    spot = make_spot(observers=[recorder])
    marked = spot.mark(save_blob=True)(function)
    call(marked, 1)
    for blob in spot.storage.list():
        spot.storage.delete(blob.location)
    call(marked, 1)
    call(marked, 1)
    assert recorder.told[3:] == ["Miss blob gone", "Ran", "Saved blob", "Hit store"]
    assert recorder[-1].size is None


@KINDS
def test_a_store_that_fails_is_a_miss(
    make_spot: Callable[..., bs.Spot], recorder: Recorder, kind: str
) -> None:
    function, call = kinds.KINDS[kind]
    spot = make_spot(observers=[recorder], metadata=BrokenStore("find"))
    assert call(spot.mark(function), 1) == kinds.result(1)
    assert recorder.told[0] == "Failed Broken"
    assert recorder.told[-3:] == ["Miss store failed", *RUN]


@KINDS
def test_replay_refuses_a_miss(
    make_spot: Callable[..., bs.Spot], recorder: Recorder, kind: str
) -> None:
    function, call = kinds.KINDS[kind]
    marked = make_spot(observers=[recorder], mode="replay").mark(function)
    with pytest.raises(bs.CacheMissError):
        call(marked, 1)
    with pytest.raises(bs.CacheMissError):
        call(marked, threading.Lock())
    assert recorder.told == [
        *("Miss not stored", "Refused mode"),
        *("Miss no key", "Failed UnstableKeyError", "Refused mode"),
    ]


@KINDS
def test_readonly_runs_each_time(
    make_spot: Callable[..., bs.Spot], recorder: Recorder, kind: str
) -> None:
    function, call = kinds.KINDS[kind]
    call(make_spot(observers=[recorder], mode="readonly").mark(function), 1)
    assert recorder.told == ["Miss not stored", "Ran"]


@KINDS
def test_cache_if_refuses_a_result(
    make_spot: Callable[..., bs.Spot], recorder: Recorder, kind: str
) -> None:
    function, call = kinds.KINDS[kind]
    call(make_spot(observers=[recorder]).mark(cache_if=lambda _: False)(function), 1)
    assert sorted(recorder.told) == ["Miss not stored", "Ran", "Refused cache_if"]
    assert recorder.of(Refused)[0].key == recorder[0].key


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
