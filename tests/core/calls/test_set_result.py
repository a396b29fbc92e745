"""`spot.set_result`: store a value as the result of a call that does not run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from beautyspot.contracts import TaskRecord
from beautyspot.contracts.records import ALL, KEY
from beautyspot.errors import (
    ConfigError,
    ItemsError,
    MetadataError,
    SerializationError,
    UnstableKeyError,
)
from beautyspot.memory import MemoryMetadataStore
from beautyspot.spot import Spot
from gates import Gate, State, until
from kinds import called
from owned_clock import Clock
from scripted import scripted

SIGNED = "a-signing-key-0123456789"


STATE = State()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    STATE.runs, STATE.gates = [], []


def work(x: Any, y: int = 1) -> Any:
    STATE.runs.append(x)
    number = len(STATE.runs)
    if len(STATE.gates) >= number:
        STATE.gates[number - 1].pass_through()
    return ["ran", number]


async def work_async(x: Any, y: int = 1) -> Any:
    return await asyncio.to_thread(work, x)


def stream(x: Any, y: int = 1) -> Iterator[Any]:
    yield from work(x)


async def stream_async(x: Any, y: int = 1) -> AsyncIterator[Any]:
    for item in work(x):
        yield item


def work_each(texts: list[str]) -> list[str]:
    STATE.runs.extend(texts)
    return [text.upper() for text in texts]


def row_of(spot: Spot, marked: Any, *args: Any) -> TaskRecord:
    record = spot.metadata.get(spot.key(marked, *args))
    assert record is not None
    return record


FUNCTIONS = (work, work_async, stream, stream_async)
SPOTS: dict[str, dict[str, Any]] = {
    "sqlite": {},
    "memory": {"metadata": "memory", "storage": "memory"},
    "background": {"save": "background"},
    "signed": {"signing_key": SIGNED},
    "blobs": {"blob_threshold": 0},
    "blocking": {"metadata": type("Blocking", (MemoryMetadataStore,), {"blocking": True})},
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("options", SPOTS.values(), ids=SPOTS)
def test_the_next_call_gets_it_and_does_not_run(
    make_spot: Callable[..., Spot], function: Any, options: dict[str, Any]
) -> None:
    spot = make_spot(strict=True, **options)
    marked = spot.mark(tags=["t"], version=3)(function)
    spot.set_result([1, "b"], marked, "a")
    assert called(marked, "a") == called(marked, "a", 1) == [1, "b"]
    assert STATE.runs == []
    record = row_of(spot, marked, "a")
    assert (record.tags, record.version) == (("t",), "3")
    assert record.took is record.price is record.code is None
    assert record.arg_digests is not None
    assert (spot.stats()["hits"], spot.stats()["misses"]) == (2, 0)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("options", SPOTS.values(), ids=SPOTS)
def test_it_replaces_what_is_stored_and_its_blob(
    make_spot: Callable[..., Spot], function: Any, options: dict[str, Any]
) -> None:
    spot = make_spot(strict=True, **options)
    marked = spot.mark(function)
    assert called(marked, "a") == ["ran", 1]
    spot.set_result(["by hand"], marked, "a")
    assert called(marked, "a") == ["by hand"]
    spot.set_result(["again"], marked, "a")
    assert called(marked, "a") == ["again"]
    spot.flush()
    assert called(marked, "a") == ["again"]
    assert spot.stats()["entries"] == 1
    if "blob_threshold" in options:
        assert spot.storage is not None
        assert len([*spot.storage.list()]) == 1


def test_the_ttl_and_the_tags_may_be_functions(spot: Spot) -> None:
    spot._engine.cache.store.clock = clock = Clock()
    for function in FUNCTIONS:
        marked = spot.mark(
            ttl=lambda result, x, y=1: sum(result), tags=lambda result, x, y=1: [f"x {x}"]
        )(function)
        spot.set_result([4, 6], marked, "a")
        record = row_of(spot, marked, "a")
        assert (record.tags, record.expires_at) == (("x a",), clock.now + 10)
    nonsense = spot.mark(name="n", ttl=lambda *_, **__: "soon")(work)
    with pytest.raises(ConfigError, match="given as ttl= returned 'soon'"):
        spot.set_result(1, nonsense, "a")


def test_cache_if_and_price_are_not_asked(spot: Spot) -> None:
    def never(result: Any) -> Any:
        raise AssertionError

    marked = spot.mark(cache_if=never, price=never)(work)
    spot.set_result(1, marked, "a")
    assert marked("a") == 1


# ------------------------------------------------------------------------- calls that are under way


@pytest.mark.parametrize("save", ["sync", "background"])
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("metadata", ["sqlite", "memory"])
def test_what_began_before_does_not_replace_it(
    make_spot: Callable[..., Spot], metadata: Any, function: Any, save: str
) -> None:
    spot = make_spot(strict=True, metadata=metadata, save=save)
    marked = spot.mark(function)
    STATE.gates = [gate] = [Gate()]
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(called, marked, "a")
        try:
            until(gate.entered.is_set, unless=[call])
            spot.set_result(["set"], marked, "a")
            assert called(marked, "a") == ["set"]
        finally:
            gate.open.set()
        assert call.result() == ["ran", 1]
    spot.flush()
    assert called(marked, "a") == ["set"]
    assert STATE.runs == ["a"]


@pytest.mark.parametrize("function", [work, stream])
def test_nor_does_what_began_in_another_process(
    make_spot: Callable[..., Spot], function: Any
) -> None:
    spot, other = make_spot(strict=True), make_spot(strict=True)
    marked, elsewhere = (each.mark(name="work")(function) for each in (spot, other))
    STATE.gates = [gate] = [Gate()]
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(called, elsewhere, "a")
        try:
            until(gate.entered.is_set, unless=[call])
            spot.set_result(["set"], marked, "a")
        finally:
            gate.open.set()
        assert call.result() == ["ran", 1]
    assert called(elsewhere, "a") == called(marked, "a") == ["set"]


@pytest.mark.parametrize("metadata", ["sqlite", "memory"])
@pytest.mark.parametrize("how", ["key", "function"])
def test_it_is_set_though_others_invalidate_it_just_then(
    make_spot: Callable[..., Spot], metadata: str, how: str
) -> None:
    """All that was invalidated until it was put came before it."""
    spot = make_spot(strict=True, metadata=metadata)
    store, marked = spot.metadata, spot.mark(work)
    put, begin = store.put, store.begin

    def late(ask: Any) -> Any:
        def asked(*args: Any, **options: Any) -> Any:
            answer = ask(*args, **options) if ask is begin else None
            store.note(KEY + spot.key(marked, "a") if how == "key" else ALL)
            return answer if ask is begin else ask(*args, **options)

        return asked

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spot._engine.cache.store, "begin", late(begin))
        patched.setattr(spot._engine.cache.store, "put", late(put))
        spot.set_result("set", marked, "a")
    assert marked("a") == "set"
    assert STATE.runs == []


def test_a_result_that_waits_for_a_store_that_failed_is_dropped(
    make_spot: Callable[..., Spot],
) -> None:
    away = {"put": MetadataError("away: bring it back")}
    spot = make_spot(metadata=(store := scripted(MemoryMetadataStore, fail=away)))
    marked = spot.mark(work)
    marked("a")
    assert spot.stats()["unsaved"] == 1
    store.script.fail.clear()
    spot.set_result("set", marked, "a")
    assert marked("a") == "set"
    assert spot.flush()
    assert marked("a") == "set"


# ---------------------------------------------------------------------------------- each


def test_the_items_of_a_list_are_set_together(spot: Spot) -> None:
    marked = spot.mark(each="texts", tags=lambda result, texts: [f"of {texts}"])(work_each)
    spot.set_result(["1", "2", "3"], marked, ["a", "b", "a"])
    assert marked(["a", "b", "c"]) == ["3", "2", "C"]
    assert STATE.runs == ["c"]
    assert spot.invalidate_all(tag="of a") == 1


@pytest.mark.parametrize("value", [["1"], ["1", "2", "3"], "12", 12, {"a": 1, "b": 2}])
def test_another_number_of_results_sets_none(spot: Spot, value: Any) -> None:
    marked = spot.mark(each="texts")(work_each)
    with pytest.raises(ItemsError, match="2 items need a list of as many results"):
        spot.set_result(value, marked, ["a", "b"])
    assert spot.stats()["entries"] == 0


# ---------------------------------------------------------------------------------------- errors


class Missing(LookupError):
    pass


@pytest.mark.parametrize("function", [work, work_async])
@pytest.mark.parametrize("options", SPOTS.values(), ids=SPOTS)
def test_an_error_that_is_a_result_is_raised(
    make_spot: Callable[..., Spot], function: Any, options: dict[str, Any]
) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("it is no result")

    spot = make_spot(strict=True, **options)
    marked = spot.mark(ttl=never, tags=never, cache_errors=LookupError, error_ttl=60)(function)
    now = spot._engine.cache.store.clock()
    spot._engine.cache.store.clock = lambda: now
    spot.set_result(Missing("no a", 7), marked, "a")
    for _ in range(2):
        with pytest.raises(Missing) as caught:
            called(marked, "a")
        assert caught.value.args == ("no a", 7)
    assert STATE.runs == []
    assert row_of(spot, marked, "a").expires_at == now + 60


# -------------------------------------------------------------------------------- what goes wrong


def test_a_value_or_an_argument_without_a_form_changes_nothing(
    make_spot: Callable[..., Spot],
) -> None:
    spot = make_spot()
    marked, items = spot.mark(work), spot.mark(stream)
    before = called(marked, "a"), called(items, "a")
    with pytest.raises(SerializationError, match=r"object is not a type that can be stored"):
        spot.set_result(object(), marked, "a")
    with pytest.raises(SerializationError, match=r"object is not a type that can be stored"):
        spot.set_result([1, object()], items, "a")
    with pytest.raises(UnstableKeyError):
        spot.set_result(1, marked, iter(()))
    with pytest.raises(TypeError):
        spot.set_result(1, marked, 1, 2, 3)  # type: ignore[call-arg]
    assert (called(marked, "a"), called(items, "a")) == before
    assert spot.stats()["errors"] == 0


@pytest.mark.parametrize("save", ["sync", "background"])
def test_a_store_that_fails_is_said_and_nothing_is_held(
    make_spot: Callable[..., Spot], save: str
) -> None:
    full = dict.fromkeys(("put", "put"), MetadataError("full: make room"))
    spot = make_spot(metadata=scripted(MemoryMetadataStore, fail=full), save=save)
    marked = spot.mark(work)
    with pytest.raises(MetadataError, match="full: make room"):
        spot.set_result(1, marked, "a")
    assert spot.stats()["unsaved"] == 0
    assert not spot._engine.running
    assert marked("a") == ["ran", 1], "its lease is free"


def test_the_value_comes_before_the_function(spot: Spot) -> None:
    def f(x: int) -> int:
        return x

    set_result: Any = spot.set_result
    with pytest.raises(ConfigError, match=r"not 1: write spot.set_result\(value, function, arg"):
        set_result(f, 1, 2)
