"""`cache_errors=`: chosen exceptions are results."""

from __future__ import annotations

import asyncio
import inspect
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import pytest
from beautyspot.errors import CacheMissError, RateLimitError
from beautyspot.memory import MemoryMetadataStore
from gates import Gate, followers, until
from owned_clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.spot import Spot

SIGNED = "a-signing-key-0123456789"


class NotFound(LookupError):
    def __init__(self, name: str, *, code: int = 404) -> None:
        super().__init__(f"no {name}")
        self.name, self.code = name, code


class Gone(NotFound):
    """A subclass of what a mark names."""


class State:
    """What the functions share with their test; global, since what is captured counts as input."""

    runs: list[Any]
    gate: Gate | None
    raises: Exception | None
    value: str | None


@pytest.fixture(autouse=True)
def _fresh() -> None:
    State.runs, State.gate, State.raises, State.value = [], None, None, None


def work(x: str) -> str:
    State.runs.append(x)
    if State.gate is not None:
        State.gate.pass_through()
    if State.raises is not None:
        raise State.raises
    if State.value is not None:
        return State.value
    raise Gone(x, code=410)


async def work_async(x: str) -> str:
    return work(x)


def called(marked: Any, x: str = "a") -> Any:
    given = marked(x)
    return asyncio.run(given) if inspect.iscoroutine(given) else given


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
    assert State.runs == ["a"]
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
    assert State.runs == ["a"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"cache_errors": KeyError},
        {"serializer": "json-like"},
        {"cache_errors": (NotFound,), "serializer": "json-like"},
    ],
    ids=["none", "another", "none and another serializer", "another serializer"],
)
def test_who_does_not_know_the_error_has_a_miss(
    make_spot: Callable[..., Spot], options: dict[str, Any], troubles: list[bs.Trouble]
) -> None:
    class JsonLike(bs.SerializerBase):
        name = "json-like"

        def dumps(self, value: object) -> bytes:
            return repr(value).encode()

        def loads(self, data: Any) -> Any:
            import ast

            return ast.literal_eval(bytes(data).decode())

    if "serializer" in options:
        options["serializer"] = JsonLike
    spot = make_spot(on_error=troubles.append)
    marked = spot.mark(name="work", cache_errors=NotFound)(work)
    raised(marked)
    spot.shutdown()
    spot = make_spot(on_error=troubles.append)
    other = spot.mark(name="work", **options)(work)
    assert spot.peek(other, "a") is None
    assert not spot.explain(other, "a").hit
    raised(other)
    assert len(State.runs) == 2
    quiet = len(options) < 2  # it would be found, but for the serializer
    assert bool(troubles) is not quiet
    if not quiet:
        raised(other)
        assert len(State.runs) == 2, "it was replaced"


@pytest.mark.parametrize("error", [ValueError("v"), RateLimitError("busy"), CacheMissError("none")])
def test_other_errors_and_those_of_beautyspot_are_no_results(spot: Spot, error: Exception) -> None:
    State.raises = error
    classes = (Exception,) if isinstance(error, bs.BeautyspotError) else (NotFound,)
    marked = spot.mark(cache_errors=classes)(work)
    assert raised(marked) is raised(marked) is error
    assert len(State.runs) == 2


@pytest.mark.parametrize(
    ("ttl", "error_ttl", "valid"),
    [(None, 10, 10), (100, 10, 10), (10, None, 10), (10, "none", None), (None, None, None)],
)
def test_an_error_has_a_ttl_of_its_own(
    spot: Spot, ttl: Any, error_ttl: Any, valid: float | None
) -> None:
    spot._engine.cache.clock = clock = Clock()
    marked = spot.mark(ttl=ttl, cache_errors=NotFound, error_ttl=error_ttl)(work)
    raised(marked)
    clock.now += 9.9
    raised(marked)
    assert len(State.runs) == 1
    clock.now += 1e6 if valid is None else 0.2
    raised(marked)
    assert len(State.runs) == (1 if valid is None else 2)


def test_a_chosen_error_is_no_failure_that_an_expired_result_stands_in_for(spot: Spot) -> None:
    spot._engine.cache.clock = clock = Clock()

    def answers(x: str) -> str:
        if State.raises is not None:
            raise State.raises
        return x

    marked = spot.mark(ttl=10, stale_on_error=True, cache_errors=NotFound)(answers)
    assert marked("a") == "a"
    clock.now += 20
    State.raises = ValueError("down")
    assert marked("a") == "a"
    State.raises = NotFound("a")
    assert raised(marked) is State.raises
    State.raises = None
    assert type(raised(marked)) is NotFound
    clock.now += 20
    State.raises = ValueError("down")
    assert raised(marked) is State.raises, "an expired error is no better than a new one"


@pytest.mark.parametrize("function", [work, work_async])
def test_followers_get_the_error_of_their_leader(spot: Spot, function: Any) -> None:
    spot._engine.cache.clock = clock = Clock()
    options: dict[str, Any] = {"ttl": 10, "stale_on_error": True, "cache_errors": NotFound}
    marked = spot.mark(**options)(function)
    State.value = "expired, and no better than the error"
    called(marked)
    clock.now += 20
    State.value = None
    State.gate = gate = Gate()
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(called, marked) for _ in range(3)]
        try:
            until(gate.entered.is_set, unless=calls)
            until(lambda: followers(spot) == 2, unless=calls)
        finally:
            gate.open.set()
        errors = [call.exception() for call in calls]
    assert type(errors[0]) is Gone
    assert errors == [errors[0]] * 3
    assert State.runs == ["a", "a"]


# -------------------------------------------------------------------------- what can't be stored


def test_an_error_without_a_faithful_form_is_raised_and_said_once(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture
) -> None:
    spot = make_spot()
    marked = spot.mark(cache_errors=(NotFound,))(work)
    State.raises = NotFound("a")
    State.raises.connection = object()  # type: ignore[attr-defined]
    assert raised(marked) is raised(marked) is State.raises
    assert (len(State.runs), spot.stats()["entries"]) == (2, 0)
    (told,) = [record.getMessage() for record in caplog.records]
    assert re.search(
        r'could not store the result for .*the error NotFound can\'t be stored: its \["attributes"]'
        r'\["connection"] .*Its caller gets it, and it is not cached',
        told,
    )
    assert "NotFound" in spot.explain(marked, "a").reason


# ------------------------------------------------------------------------------ questions about it


def test_peek_and_explain_tell_of_the_error(spot: Spot) -> None:
    marked = spot.mark(cache_errors=NotFound)(work)
    assert spot.peek(marked, "a") is None
    raised(marked)
    found = spot.peek(marked, "a")
    assert found is not None
    assert (found.value, type(found.error), str(found.error)) == (None, Gone, "no a")
    told = spot.explain(marked, "a")
    assert told.hit
    assert re.search("stored .* UTC, an error", told.reason)
    other = spot.explain(spot.mark(name=told.nearest.func_identifier)(work), "a")  # type: ignore[union-attr]
    assert (other.hit, other.differs) == (False, ("error",))
    assert "an error is stored that mark(cache_errors=) does not name" in other.reason
