"""The face: where files live, what is closed, what a Spot leaves behind."""

from __future__ import annotations

import gc
import itertools
import os
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.concurrency import deferred
from beautyspot.contracts.store import totals_of
from beautyspot.memory import MemoryMetadataStore
from beautyspot.resilience.reporting import Trouble
from broken import BrokenStore
from gates import DEADLINE, until
from scripted import scripted


def test_files_live_below_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with bs.Spot("app", config=False) as spot:
        assert spot.db_path == tmp_path / ".beautyspot" / "app.db"
        assert spot.db_path.exists()
        monkeypatch.chdir("/")
        spot.mark(save_blob=True)(lambda: 1)()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".beautyspot"]
    assert (tmp_path / ".beautyspot" / ".gitignore").read_text().endswith("*\n")
    tag = (tmp_path / ".beautyspot" / "CACHEDIR.TAG").read_text()
    assert tag.startswith("Signature: 8a477f597d28d172789f06886806bc55")


def test_the_database_may_be_elsewhere(make_spot: Callable[..., bs.Spot], tmp_path: Path) -> None:
    spot = make_spot(db_path=tmp_path / "other.sqlite")
    assert spot.db_path == tmp_path / "other.sqlite"
    assert spot.db_path.exists()
    assert not (tmp_path / "cache").exists()


def test_results_outlive_the_spot(make_spot: Callable[..., bs.Spot]) -> None:
    def work(x: int) -> list[int]:
        return [x]

    first = make_spot()
    first.mark(work)(1)
    first.shutdown()
    second = make_spot(mode="replay")
    assert second.mark(work)(1) == [1]


def test_parts_are_as_given(make_spot: Callable[..., bs.Spot]) -> None:
    store, pool = BrokenStore(), ThreadPoolExecutor(1)
    spot = make_spot(metadata=store, executor=pool, limiter={"use": "gcra", "rate": "10/s"})
    assert (spot.metadata, spot.executor) == (store, pool)
    assert (spot.serializer.name, spot.keygen.name, spot.storage.name) == (
        "msgpack", "stable", "local",
    )  # fmt: skip
    assert isinstance(spot.bucket, bs.LimiterBase)
    assert (spot.name, repr(spot)) == ("app", f"<Spot 'app' with {store!r}>")
    spot.shutdown()
    assert pool.submit(int).result() == 0, "what was given is not closed"
    pool.shutdown()


def test_what_does_not_close_is_said(
    make_spot: Callable[..., bs.Spot], troubles: list[Trouble]
) -> None:
    class Store(BrokenStore):
        def __init__(self) -> None:
            super().__init__("close")

    spot = make_spot(metadata=Store, on_error=troubles.append)
    spot.shutdown()
    assert [trouble.operation for trouble in troubles] == ["close a backend"]


def test_a_storage_out_of_reach_comes_back(
    make_spot: Callable[..., bs.Spot], troubles: list[Trouble]
) -> None:
    from beautyspot.memory import MemoryStorage

    class Remote(MemoryStorage):
        down = True

        def __init__(self) -> None:
            super().__init__()
            if Remote.down:
                raise OSError("no route")

    spot = make_spot(storage=Remote, on_error=troubles.append)
    marked = spot.mark(lambda x: "y" * 2_000_000)
    assert len(marked(1)) == 2_000_000
    assert "no route" in str(troubles[-1].error)
    Remote.down = False
    assert marked(2) == marked(2)
    assert spot.stats()["hits"] == 1


@pytest.mark.parametrize("number", [40, pytest.param(1000, marks=pytest.mark.slow)])
def test_many_spots_leave_nothing_behind(tmp_path: Path, number: int) -> None:
    def count() -> tuple[int, int]:
        gc.collect()
        return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    before = count()
    for n in range(number):
        spot = bs.Spot(f"s{n % 7}", directory=tmp_path, config=False, save="background")
        spot.mark(lambda: n)()
        del spot
    deferred.finish()
    until(lambda: all(now <= then for now, then in zip(count(), before, strict=True)))


NUMBERS = itertools.count()


def test_a_marked_function_keeps_its_spot(make_spot: Callable[..., bs.Spot]) -> None:
    def made() -> Callable[[], int]:
        spot = make_spot(strict=True)

        @spot.mark
        def number() -> int:
            return next(NUMBERS)

        return number

    number = made()
    gc.collect()
    assert number() == number()


@pytest.mark.parametrize("use", ["mark", "cached_run"])
def test_a_spot_goes_with_its_last_function(tmp_path: Path, use: str) -> None:
    spot = bs.Spot("app", directory=tmp_path, config=False)
    alive = weakref.ref(spot)
    if use == "mark":
        assert spot.mark(len)([1]) == 1
    else:
        assert spot.cached_run(len, [1]) == 1
        assert spot.cached_run([1].count, 1) == 1
    del spot
    assert alive() is None, "without the collector of cycles"


def test_settings_say_where_they_come_from(
    make_spot: Callable[..., bs.Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEAUTYSPOT_TTL", "1h")
    spot = make_spot()
    assert (spot.config["ttl"], spot.config.source("ttl")) == (3600, "environment BEAUTYSPOT_TTL")


def test_a_table_of_an_earlier_release_stays_listed_and_is_never_hit(
    make_spot: Callable[..., bs.Spot], tmp_path: Path
) -> None:
    import shutil

    old = next(Path(__file__).parents[1].glob("local/sqlite/data/*2.7.7*.db"))
    (tmp_path / "cache").mkdir()
    shutil.copy(old, tmp_path / "cache" / "app.db")
    spot = make_spot(strict=True)
    before = spot.stats()["entries"]
    assert before > 0
    assert spot.mark(lambda x: x)(1) == 1
    assert spot.stats()["entries"] == before + 1


@pytest.mark.parametrize("plugins", [None, "mine", 3, [None]])
def test_plugins_that_are_no_list_are_refused(plugins: Any) -> None:
    with pytest.raises(bs.ConfigError, match="give a list of modules or objects with hooks"):
        bs.Spot("app", metadata="memory", config=False, plugins=plugins)


def test_counts_are_whole_numbers(spot: bs.Spot) -> None:
    spot.mark(lambda x: x)(1)
    stats = spot.stats()
    sums = {"seconds_saved", "seconds_spent", "money_saved", "money_spent"}
    sums |= {"limiter_seconds_waited"}
    assert {name for name in stats if type(stats[name]) is not int} == sums


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_child_begins_to_count_from_the_start(make_spot: Callable[..., bs.Spot]) -> None:
    spot = make_spot(limiter="6000/min")
    work = spot.mark(spot.limiter(lambda x: x))
    for _ in range(2):
        work(1)
    spot.mark(lambda x: x)(object())  # has no key: bypassed, and an error
    with pytest.raises(bs.CostError):
        spot.limiter(cost=lambda: 1e9)(lambda: 0)()
    with pytest.raises(ZeroDivisionError):
        spot.mark(lambda x: 1 / x)(0)
    before = spot.stats()
    counted = ["hits", "misses", "failures", "bypassed", "errors", "seconds_saved", "seconds_spent"]
    counted += ["limiter_grants", "limiter_refusals", "limiter_grants_last_minute"]
    assert all(before[name] > 0 for name in counted), before
    child = os.fork()
    if not child:
        stats = spot.stats()
        clean = all(stats[name] == 0 for name in counted) and stats["entries"] == 1
        os._exit(0 if clean and work(1) == 1 and spot.stats()["hits"] == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert spot.stats() == before, "the parent counts on"


def test_shutting_down_twice_without_waiting_ends_once(make_spot: Callable[..., bs.Spot]) -> None:
    go_on = threading.Event()

    slow = {"put": lambda _rows: go_on.wait(DEADLINE)}
    store = scripted(MemoryMetadataStore, slow=slow)
    spot = make_spot(metadata=store, save="background")
    spot.mark(lambda: 1)()
    spot.shutdown(wait=False)
    spot.shutdown(wait=False)
    go_on.set()
    deferred.finish()
    assert totals_of(store).entries == 1


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("clear", r"spot[.]invalidate_all\(f\).*remove\(function=\"\*\"\)"),
        ("delete", r"spot[.]invalidate\(f, x\)"),
        ("memoize", r"@spot[.]mark"),
        ("cache_info", r"spot[.]stats\(\)"),
        ("close", r"spot[.]shutdown\(\)"),
    ],
)
def test_what_other_caches_have_is_here_under_another_name(
    name: str, there: str, make_spot: Callable[..., bs.Spot]
) -> None:
    spot = make_spot()
    with pytest.raises(AttributeError, match=rf"a Spot has no '{name}': .*{there}"):
        getattr(spot, name)
    assert not hasattr(spot, name)
    with pytest.raises(AttributeError, match="'Spot' object has no attribute 'no_such_name'"):
        spot.no_such_name  # type: ignore[attr-defined]  # noqa: B018 - as a user writes


@pytest.mark.parametrize("name", ["mark", "limiter", "memoize", "clear"])
def test_what_a_spot_has_the_module_says_so(name: str) -> None:
    with pytest.raises(AttributeError, match=r'make a Spot first, as by .*Spot\("app"\)'):
        getattr(bs, name)
    with pytest.raises(AttributeError) as caught:
        bs.no_such_name  # noqa: B018
    assert str(caught.value) == "module 'beautyspot' has no attribute 'no_such_name'"
