"""Whatever of ours fails around the user's function, its caller gets its result; said once."""

from __future__ import annotations

import asyncio
import importlib
import io
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from beautyspot.errors import (
    BackendNotFound,
    CacheMissError,
)
from beautyspot.resilience.reporting import Trouble
from beautyspot.spot import Spot
from broken import Broken, BrokenStore
from kinds import RAN
from rows import put_rows


def double(x: Any) -> Any:
    RAN.append(x)
    return x * 2


async def double_later(x: Any) -> Any:
    return double(x)


def test_what_can_not_be_restored_is_computed_and_replaced(
    make_spot: Callable[..., Spot], troubles: list[Trouble]
) -> None:
    store = BrokenStore()
    spot = make_spot(metadata=store, on_error=troubles.append)
    marked = spot.mark(double)
    marked(1)
    record = store.get(spot.key(marked, 1))
    assert record is not None
    assert record.result_data is not None
    in_blob = record._replace(result_type="FILE", result_data=None)
    for damage in (
        record._replace(result_data=bytes([record.result_data[0] ^ 1, *record.result_data[1:]])),
        record._replace(result_data=None),
        record._replace(serializer=None, digest=b"?"),
        record._replace(serializer="other", digest=b"?"),
        in_blob,
        in_blob._replace(result_value="/etc/passwd"),
        in_blob._replace(result_value="gone/x"),
        record._replace(digest=None),
    ):
        put_rows(store, damage)
        RAN.clear()
        assert [marked(1), marked(1)] == [2, 2]
        assert RAN == [1]


def test_two_swapped_blobs_are_found(make_spot: Callable[..., Spot]) -> None:
    store = BrokenStore()
    spot = make_spot(metadata=store)
    marked = spot.mark(save_blob=True)(double)
    marked("a"), marked("b")
    one, two = (store.get(spot.key(marked, x)) for x in ("a", "b"))
    assert one is not None
    assert two is not None
    put_rows(store, one._replace(result_value=two.result_value))
    put_rows(store, two._replace(result_value=one.result_value))
    assert [marked("a"), marked("b")] == ["aa", "bb"]


def test_an_unstable_key_is_said_once_with_its_remedy(
    make_spot: Callable[..., Spot], troubles: list[Trouble], caplog: pytest.LogCaptureFixture
) -> None:
    spot = make_spot(on_error=troubles.append)
    marked = spot.mark(lambda source: list(source))
    assert [marked(iter([1])), marked(iter([1]))] == [[1], [1]]
    assert len(troubles) == 2
    assert len(caplog.records) == 1
    assert "ignore=" in caplog.text
    assert spot.stats()["bypassed"] == 2


async def _later() -> None: ...


@pytest.mark.parametrize(
    ("make", "instead"),
    [
        (lambda: iter([1]), "pass a list of its items"),
        (
            lambda: io.StringIO("a"),
            "of a file its path, with key={…: KeyGen.from_file_content}, or",
        ),
        (_later, "of what is awaited the result"),
        (lambda: importlib.import_module("numpy").random.default_rng(1), "pass a seed"),
        (lambda: importlib.import_module("numpy").random.RandomState(1), "pass a seed"),
    ],
)
def test_an_argument_that_changes_when_it_is_used_has_advice_of_its_own(
    make_spot: Callable[..., Spot],
    caplog: pytest.LogCaptureFixture,
    make: Callable[[], Any],
    instead: str,
) -> None:
    given = make()
    make_spot().mark(lambda source: 0)(given)
    getattr(given, "close", int)()
    assert instead in caplog.text
    assert "__beautyspot_key__" not in caplog.text


def test_a_strict_spot_raises_what_fails(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(metadata=BrokenStore("find"), strict=True)
    with pytest.raises(Broken):
        spot.mark(double)(1)
    with pytest.raises(Broken):
        asyncio.run(spot.mark(double_later)(1))


def test_after_shutdown_calls_run_uncached_and_say_so_once(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture
) -> None:
    spot = make_spot()
    marked = spot.mark(double)
    spot.shutdown()
    assert [marked(1), marked(1)] == [2, 2]
    assert caplog.text.count("was shut down") == 1
    spot.shutdown()


def test_a_spot_can_be_disabled_for_a_while(spot: Spot) -> None:
    marked = spot.mark(double)
    with spot.disabled():
        marked(1), marked(1)
    marked(1), marked(1)
    assert len(RAN) == 3
    with spot.disabled():
        spot.shutdown()
    marked(1)
    assert len(RAN) == 4


def test_replay_runs_nothing(make_spot: Callable[..., Spot]) -> None:
    make_spot().mark(double)(1)
    RAN.clear()
    spot = make_spot(mode="replay")
    marked, later = spot.mark(double), spot.mark(double_later)
    assert marked(1) == 2
    for missing in (lambda: marked(2), lambda: asyncio.run(later(1)), lambda: marked(iter(()))):
        with pytest.raises(CacheMissError, match="nothing is stored"):
            missing()
    spot.shutdown()
    for missing in (lambda: marked(1), lambda: asyncio.run(later(1))):
        with pytest.raises(CacheMissError, match="was shut down"):
            missing()
    assert RAN == []


def test_a_stale_result_can_stand_in_for_an_error(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture
) -> None:
    spot = make_spot()
    spot._engine.cache.store.clock = lambda: now
    now = 1000.0

    @spot.mark(ttl=10, stale_on_error=True)
    def fetch(x: int) -> int:
        RAN.append(x)
        if len(RAN) > 1:
            raise OSError("down")
        return x

    assert fetch(1) == 1
    now = 1009.0
    assert fetch(1) == 1
    now = 1010.0
    assert fetch(1) == 1
    assert "OSError('down')" in caplog.text
    with pytest.raises(OSError, match="down"):
        fetch(2)
    assert RAN == [1, 1, 2]


def test_a_result_expires_by_the_earlier_of_its_own_ttl_and_the_present_one(
    make_spot: Callable[..., Spot],
) -> None:
    spot = make_spot(strict=True)
    spot._engine.cache.store.clock = lambda: now
    now = 1000.0
    long, short, ever = (spot.mark(ttl=ttl)(double) for ttl in (100, 10, None))
    long(1)
    now = 1011.0
    assert (long(1), ever(1)) == (2, 2)
    assert RAN == [1]
    short(1)
    assert RAN == [1, 1]
    now = 1022.0
    assert ever(1) == 2
    assert RAN == [1, 1, 1]


def test_the_spots_ttl_holds_where_the_function_has_none(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(strict=True, ttl="1min")
    spot._engine.cache.store.clock = lambda: now
    now = 1000.0
    marked = spot.mark(double)
    marked(1)
    now = 1060.0
    marked(1)
    assert RAN == [1, 1]


def test_no_storage_installed_keeps_results_in_the_database(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    from beautyspot.backends import registry
    from beautyspot_local.sqlite.store import SqliteMetadataStore

    monkeypatch.setenv("BEAUTYSPOT_PLUGINS", "none")
    registry.forget()
    try:
        spot = make_spot(metadata=SqliteMetadataStore, strict=True, blob_threshold=1)
        marked = spot.mark(double)
        assert marked("abc") == marked("abc") == "abcabc"
        assert RAN == ["abc"]
        for mistake in (lambda: spot.mark(save_blob=True)(double), lambda: spot.storage):
            with pytest.raises(BackendNotFound, match="BEAUTYSPOT_PLUGINS lets in 'none'"):
                mistake()
    finally:
        registry.forget()


class Held:
    def __init__(self) -> None:
        self.lock = iter(())

    def method(self, x: object, *rest: object, flag: object = None) -> int:
        return 1


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda m: m(Held(), 1), '("self.lock",)'),
        (lambda m: m(1, SimpleNamespace(held=Held(), name="a")), '("x.held.lock",)'),
        (lambda m: m(1, iter(())), '("x",)'),
        (lambda m: m(1, 2, flag=iter(())), '("flag",)'),
        (lambda m: m(1, 2, 3, iter(())), '("rest",)'),
        (lambda m: m(1, 2, flag=[Held()]), '("flag",)'),
        (lambda m: m([iter(())], 2), '("self",)'),
        (lambda m: m(1, SimpleNamespace(parts=[Held()])), '("x.parts",)'),
        (lambda m: m(1, Held().method), '("x",)'),
        (lambda m: m(1, partial(print, iter(()))), '("x",)'),
    ],
)
def test_a_warning_prints_the_line_that_would_mend_it(
    make_spot: Callable[..., Spot],
    troubles: list[Trouble],
    call: Any,
    line: str,
) -> None:
    spot = make_spot(on_error=troubles.append)
    call(spot.mark(Held.method))
    path = line[2:-3]
    said = str(troubles[0])
    assert f'say with mark(key={{"{path.partition(".")[0]}": function}}) what counts' in said
    assert f"if no result depends on {path}, write mark(ignore={line})" in said
    assert said.count("ignore=") == 1
    call(spot.mark(ignore=(path,))(Held.method))
    assert len(troubles) == 1, "the line works"
