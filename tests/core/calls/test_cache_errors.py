"""`cache_errors=`: chosen exceptions are results."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.errors import CacheMissError, RateLimitError
from beautyspot.memory import MemoryMetadataStore
from beautyspot.spot import Spot
from gates import Gate, State, followers, until
from kinds import called
from owned_clock import Clock
from shared import of_others

SIGNED = "a-signing-key-0123456789"


class NotFound(LookupError):
    def __init__(self, name: str, *, code: int = 404) -> None:
        super().__init__(f"no {name}")
        self.name, self.code = name, code


class Gone(NotFound):
    """A subclass of what a mark names."""


STATE = State()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    STATE.runs, STATE.gate, STATE.raises, STATE.value = [], None, None, None


def work(x: str) -> str:
    STATE.runs.append(x)
    if STATE.gate is not None:
        STATE.gate.pass_through()
    if STATE.raises is not None:
        raise STATE.raises
    if STATE.value is not None:
        return STATE.value
    raise Gone(x, code=410)


async def work_async(x: str) -> str:
    return work(x)


def raised(marked: Any, x: str = "a") -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of each kind
        called(marked, x)
    return caught.value


STORES: dict[str, dict[str, Any]] = {
    "sqlite": {},
    "memory": {"metadata": "memory", "storage": "memory"},
    "blocking": {"metadata": type("Blocking", (MemoryMetadataStore,), {"blocking": True})},
    "background": {"save": "background"},
    "signed": {"signing_key": SIGNED},
    "blobs": {"blob_threshold": 0},
}


@pytest.mark.parametrize("function", [work, work_async])
@pytest.mark.parametrize("options", STORES.values(), ids=STORES)
def test_a_chosen_error_is_raised_again_afresh(
    make_spot: Callable[..., Spot], function: Any, options: dict[str, Any]
) -> None:
    spot = make_spot(strict=True, **options)
    marked = spot.mark(cache_errors=NotFound)(function)
    first = raised(marked)
    spot.flush()
    others = [raised(marked) for _ in range(2)]
    assert STATE.runs == ["a"]
    for error in (first, *others):
        assert type(error) is Gone
        assert (str(error), error.args, vars(error)) == (
            "no a",
            ("no a",),
            {"name": "a", "code": 410},
        )
    assert len({id(error) for error in (first, *others)}) == 3
    assert others[0].__cause__ is others[0].__context__ is None
    stats = spot.stats()
    assert (stats["hits"], stats["misses"], stats["failures"], stats["entries"]) == (2, 1, 1, 1)
    record = spot.metadata.get(spot.key(marked, "a"))
    assert record is not None
    assert (record.serializer, record.result_type) == ("error:msgpack", "DIRECT_BLOB")


def test_it_is_found_by_the_next_process(make_spot: Callable[..., Spot]) -> None:
    with make_spot() as spot:
        raised(spot.mark(cache_errors=NotFound)(work))
    again = make_spot().mark(cache_errors=(LookupError,))(work)
    assert type(raised(again)) is Gone
    assert STATE.runs == ["a"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"cache_errors": KeyError},
    ],
    ids=["none", "another"],
)
def test_who_does_not_know_the_error_has_a_miss(
    make_spot: Callable[..., Spot], options: dict[str, Any], troubles: list[bs.Trouble]
) -> None:
    with make_spot(on_error=troubles.append) as spot:
        raised(spot.mark(name="work", cache_errors=NotFound)(work))
    spot = make_spot(on_error=troubles.append)
    other = spot.mark(name="work", **options)(work)
    assert spot.peek(other, "a") is None
    assert spot.explain(other, "a").differs == ("error",)
    raised(other)
    assert len(STATE.runs) == 2
    assert troubles == []


class Texts(bs.SerializerBase):
    name = "texts"

    def dumps(self, value: object) -> bytes:
        return str(value).encode()

    def loads(self, data: Any) -> str:
        return bytes(data).decode()


def test_an_error_needs_nothing_of_the_function_s_serializer(
    make_spot: Callable[..., Spot],
) -> None:
    marked = make_spot(serializer=Texts, strict=True).mark(cache_errors=NotFound)(work)
    first = raised(marked)
    again = make_spot().mark(cache_errors=NotFound)(work)
    for other in (raised(marked), raised(again)):
        assert (type(other), vars(other)) == (Gone, vars(first))
    assert STATE.runs == ["a"]


def test_an_error_below_a_named_one_is_found_where_others_write_too() -> None:
    with of_others() as spot:
        marked = spot.mark(cache_errors=LookupError)(work)
        assert [type(raised(marked)) for _ in range(2)] == [Gone, Gone]
    assert STATE.runs == ["a"]


@pytest.mark.parametrize("error", [ValueError("v"), RateLimitError("busy"), CacheMissError("none")])
def test_other_errors_and_those_of_beautyspot_are_no_results(spot: Spot, error: Exception) -> None:
    STATE.raises = error
    classes = (Exception,) if isinstance(error, bs.BeautyspotError) else (NotFound,)
    marked = spot.mark(cache_errors=classes)(work)
    assert raised(marked) is raised(marked) is error
    assert len(STATE.runs) == 2


@pytest.mark.parametrize(
    ("ttl", "error_ttl", "valid"),
    [(None, 10, 10), (100, 10, 10), (10, None, 10), (10, "none", None), (None, None, None)],
)
def test_an_error_has_a_ttl_of_its_own(
    spot: Spot, ttl: Any, error_ttl: Any, valid: float | None
) -> None:
    spot._engine.cache.store.clock = clock = Clock()
    marked = spot.mark(ttl=ttl, cache_errors=NotFound, error_ttl=error_ttl)(work)
    raised(marked)
    clock.now += 9.9
    raised(marked)
    assert len(STATE.runs) == 1
    clock.now += 1e6 if valid is None else 0.2
    raised(marked)
    assert len(STATE.runs) == (1 if valid is None else 2)


@pytest.mark.parametrize("function", [work, work_async])
def test_followers_get_the_error_of_their_leader(spot: Spot, function: Any) -> None:
    spot._engine.cache.store.clock = clock = Clock()
    options: dict[str, Any] = {"ttl": 10, "stale_on_error": True, "cache_errors": NotFound}
    marked = spot.mark(**options)(function)
    STATE.value = "expired, and no better than the error"
    called(marked, "a")
    clock.now += 20
    STATE.value = None
    STATE.gate = gate = Gate()
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(called, marked, "a") for _ in range(3)]
        try:
            until(gate.entered.is_set, unless=calls)
            until(lambda: followers(spot) == 2, unless=calls)
        finally:
            gate.open.set()
        errors = [call.exception() for call in calls]
    assert type(errors[0]) is Gone
    assert errors == [errors[0]] * 3
    assert STATE.runs == ["a", "a"]


# -------------------------------------------------------------------------- what can't be stored


def test_an_error_without_a_faithful_form_is_raised_and_said_once(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture
) -> None:
    spot = make_spot()
    marked = spot.mark(cache_errors=(NotFound,))(work)
    STATE.raises = NotFound("a")
    STATE.raises.connection = object()  # type: ignore[attr-defined]
    assert raised(marked) is raised(marked) is STATE.raises
    assert (len(STATE.runs), spot.stats()["entries"]) == (2, 0)
    (told,) = [record.getMessage() for record in caplog.records]
    assert re.search(
        r"could not store the result for .*the error NotFound: "
        r"result\.connection can\'t be stored: .*Its caller gets it, and it is not cached",
        told,
    )
    assert "NotFound" in spot.explain(marked, "a").reason
