"""key, peek, refresh, invalidate, explain and stats; tags and versions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from beautyspot.errors import ConfigError, MetadataError, UnstableKeyError
from beautyspot.memory import MemoryMetadataStore
from beautyspot.spot import Spot
from kinds import RAN
from rows import put_rows, remove_row
from scripted import scripted


def work(a: int, b: int = 2) -> list[int]:
    RAN.append(a)
    return [a, b, len(RAN)]


async def work_later(a: int) -> int:
    RAN.append(a)
    return a


def test_a_key_is_32_hex_digits_and_follows_the_arguments(spot: Spot) -> None:
    marked = spot.mark(work)
    key = spot.key(marked, 1)
    assert len(bytes.fromhex(key)) == 16
    assert key == spot.key(marked, a=1, b=2) == spot.key(work, 1)
    assert key != spot.key(marked, 2)
    assert RAN == []


def test_a_call_without_a_stable_key_has_none(spot: Spot) -> None:
    with pytest.raises(UnstableKeyError):
        spot.key(work, iter(()))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        spot.key(work)  # type: ignore[call-arg]


def test_peek_finds_without_running(spot: Spot) -> None:
    marked = spot.mark(work)
    assert spot.peek(marked, 1) is None
    assert RAN == []
    marked(1)
    found = spot.peek(marked, 1)
    assert found
    assert (found.value, found.key) == ([1, 2, 1], spot.key(marked, 1))
    assert spot.stats()["hits"] == 0


def test_a_stored_none_is_found(spot: Spot) -> None:
    marked = spot.mark(lambda: None)
    marked()
    assert spot.peek(marked)


def test_refresh_runs_again_and_replaces(spot: Spot) -> None:
    marked = spot.mark(work)
    marked(1)
    assert spot.refresh(marked, 1) == [1, 2, 2] == marked(1)
    later = spot.mark(work_later)
    asyncio.run(later(5))
    assert asyncio.run(spot.refresh(later, 5)) == 5
    assert RAN == [1, 1, 5, 5]


def test_invalidate_forgets_one_call(spot: Spot) -> None:
    marked = spot.mark(save_blob=True)(work)
    marked(1), marked(2)
    assert spot.invalidate(marked, 1) is True
    assert spot.invalidate(marked, 1) is False
    assert (spot.peek(marked, 1), bool(spot.peek(marked, 2))) == (None, True)
    blobs = [path for path in (spot.db_path.parent / "blobs").rglob("*") if path.is_file()]
    assert len(blobs) == 1


def test_invalidate_takes_what_is_queued(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(strict=True, save="background")
    marked = spot.mark(work)
    marked(1)
    assert spot.invalidate(marked, 1) is True
    spot.flush()
    assert spot.peek(marked, 1) is None


def test_invalidate_all_by_function_version_and_tag(spot: Spot) -> None:
    def fill() -> None:
        for version, tags in (("1", ["x"]), ("2", ["x", "y"]), (None, [])):
            spot.mark(version=version, tags=tags)(work)(1)
        spot.mark(tags=["y"])(work_later)
        asyncio.run(spot.cached_run(work_later, 1))

    for selection, expected in (
        ({"function": work}, 3),
        ({"function": "test_queries:work"}, 0),
        ({"function": work, "version": "2"}, 1),
        ({"version": 1}, 1),
        ({"tag": "x"}, 2),
        ({"tag": "y"}, 1),
        ({"tag": "nothing"}, 0),
    ):
        fill()
        assert spot.invalidate_all(**selection) == expected, selection  # type: ignore[arg-type]


def test_invalidate_all_waits_for_the_queue(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(strict=True, save="background")
    marked = spot.mark(tags=("x",))(work)
    for n in range(20):
        marked(n)
    assert spot.invalidate_all(tag="x") == 20


def test_invalidate_all_knows_no_version_auto(spot: Spot) -> None:
    @spot.mark(version="auto")
    def work(x: int) -> int:
        return x

    work(1)
    with pytest.raises(ConfigError, match='"auto:" and a digest .* leave version= out'):
        spot.invalidate_all(work, version="auto")
    (record,) = spot.metadata.all_rows()
    assert spot.invalidate_all(work, version=record.version) == 1


@pytest.mark.parametrize("remote", [False, True])
def test_invalidate_all_says_where_no_function_has_the_identifier(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture, remote: bool
) -> None:
    class Far(MemoryMetadataStore):
        name = "far"

    store = Far()
    store.remote = remote
    spot = make_spot(metadata=store)
    spot.cached_run(sorted, [2, 1])
    spot.mark(name="reports:monthly")(work)
    assert spot.invalidate_all("reports:monthly") == 0
    assert spot.invalidate_all("builtins:sorted") == 1
    assert caplog.text == ""
    assert spot.invalidate_all("reports:montly") == 0
    assert "no function of that identifier is marked here" in caplog.text
    assert "Did you mean 'reports:monthly'?" in caplog.text
    assert spot.invalidate_all(tag="no such") == 0
    assert len(caplog.records) == 1


def test_explain_a_hit_and_misses(spot: Spot) -> None:
    marked = spot.mark(work)
    first = spot.explain(marked, 1)
    assert (first.hit, first.nearest) == (False, None)
    assert "nothing is stored" in str(first)
    marked(1)
    hit = spot.explain(marked, 1)
    assert hit.hit
    assert hit.arguments == {"a": "1", "b": "2"}
    assert str(hit).startswith("hit: stored")
    marked(1, 3)
    other = spot.explain(marked, 1, 4)
    assert other.differs == ("argument b",)
    assert "nearest: " in str(other)
    assert spot.explain(spot.mark(version="2")(work), 1).differs == ("version",)
    assert RAN == [1, 1]


def test_explain_tells_of_results_that_were_not_stored(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot()
    marked = spot.mark(lambda a: [map(str, a)], name="mapped")
    assert spot.explain(marked, "a").reason == "nothing is stored for mapped"
    marked("a"), marked("b")
    assert spot.explain(marked, "a").reason.startswith(
        "nothing is stored for mapped; results of this process were not stored, because beautyspot "
        "could not store the result: SerializationError: result[0] can't be stored: builtins:map is"
    )
    picky = spot.mark(cache_if=lambda value: value[0] > 2)(work)
    picky(1), picky(2)
    assert "were not stored, because cache_if refused them" in spot.explain(picky, 1).reason
    picky(3)
    assert spot.explain(picky, 1).differs == ("argument a",)


def test_explain_an_unstable_call(spot: Spot) -> None:
    told = spot.explain(work, iter(()))  # type: ignore[arg-type]
    assert (told.hit, told.key) == (False, "")
    assert "no key" in str(told)


def test_explain_an_expired_and_a_damaged_result(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot()
    marked = spot.mark(ttl=10)(work)
    marked(1)
    record = spot.metadata.get(spot.key(marked, 1))
    assert record is not None
    put_rows(spot.metadata, record._replace(expires_at=1.0))
    assert spot.explain(marked, 1).differs == ("expired",)
    put_rows(spot.metadata, record._replace(result_data=b"?"))
    assert spot.explain(marked, 1).differs == ("damaged",)


def test_explain_another_code_and_another_capture(spot: Spot) -> None:
    def make(n: int) -> Callable[[], int]:
        return spot.mark(lambda: n)

    make(1)()
    assert spot.explain(make(2)).differs == ("code or captured values",)
    record = spot.metadata.get(spot.key(make(1)))
    assert record is not None
    auto = spot.mark(version="auto")(work)
    auto(1)
    stored = spot.metadata.get(spot.key(auto, 1))
    assert stored is not None
    remove_row(spot.metadata, stored.cache_key)
    put_rows(spot.metadata, stored._replace(cache_key="0" * 32, version="auto:older"))
    assert spot.explain(auto, 1).differs == ("code",)


def test_stats_count_what_happened_and_what_is_stored(spot: Spot) -> None:
    marked = spot.mark(work)
    marked(1), marked(1), marked(1), marked(2)
    stats = spot.stats()
    assert {name: stats[name] for name in ("hits", "misses", "bypassed", "errors", "entries")} == {
        "hits": 2, "misses": 2, "bypassed": 0, "errors": 0, "entries": 2,
    }  # fmt: skip
    assert stats["bytes"] > 0
    assert stats["seconds_saved"] > 0
    assert stats["seconds_spent"] > 0


def test_explain_tells_of_a_store_that_fails(make_spot: Callable[..., Spot]) -> None:
    store = scripted(MemoryMetadataStore, fail={"get": MetadataError("away")})
    told = make_spot(metadata=store).explain(work, 1)
    assert not told.hit
    assert "can't be asked: away" in repr(told)


ORDERS: dict[str, Any] = {
    "peek": lambda spot, marked: spot.peek(marked, 1),
    "invalidate": lambda spot, marked: spot.invalidate(marked, 1),
    "invalidate_all": lambda spot, marked: spot.invalidate_all(marked),
    "prune": lambda spot, marked: spot.prune(),
    "collect": lambda spot, marked: spot.collect(),
}


@pytest.mark.parametrize("given", [False, True], ids=["its own store", "a given one"])
@pytest.mark.parametrize("order", ORDERS)
def test_what_reads_or_changes_the_store_needs_an_open_spot(
    make_spot: Callable[..., Spot], order: str, given: bool
) -> None:
    store: Any = MemoryMetadataStore() if given else "sqlite"
    spot = make_spot(metadata=store, storage="memory")
    marked = spot.mark(work)
    marked(1)
    spot.shutdown()
    with pytest.raises(MetadataError, match="^the Spot 'app' was shut down: make a new one"):
        ORDERS[order](spot, marked)


@pytest.mark.parametrize("order", ["key", "peek", "refresh", "invalidate"])
def test_what_has_no_stable_form_is_named(spot: Spot, order: str) -> None:
    marked = spot.mark(work)
    with pytest.raises(UnstableKeyError, match=r"write mark\(ignore=\(\"b\",\)\); else") as caught:
        getattr(spot, order)(marked, 1, iter(()))
    assert caught.value.path == "b"
    told = spot.explain(marked, 1, iter(()))  # type: ignore[arg-type]
    assert 'write mark(ignore=("b",))' in told.reason


def test_explain_a_blob_that_is_gone(spot: Spot) -> None:
    marked = spot.mark(save_blob=True)(work)
    marked(1)
    found = spot.peek(marked, 1)
    assert found is not None
    assert found.location is not None
    Path(found.location).unlink()
    told = spot.explain(marked, 1)
    assert told.differs == ("blob",)
    assert "its blob is gone from the storage: the next call stores it anew" in told.reason
