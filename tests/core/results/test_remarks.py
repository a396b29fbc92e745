"""What a store is told for people: the unit of prices, and why nothing of a function is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.errors import RecordNotFound
from beautyspot.spot import Spot


def work(x: Any) -> Any:
    return x


def stream(x: Any) -> Iterator[Any]:
    yield x


def change(x: list[int]) -> list[int]:
    x.append(1)
    return x


def functions(spot: Spot) -> dict[str, bs.StoredFunction]:
    """As whoever looks at the store sees them, once the program has ended."""
    spot.shutdown()
    with bs.open_store(spot.db_path, config=False) as store:
        return {one.name: one for one in store.functions()}


# ---------------------------------------------------------------------------------------- the unit


def unit_of(spot: Spot) -> str:
    spot.shutdown()
    with bs.open_store(spot.db_path, config=False) as store:
        return store.price_unit


def test_the_store_knows_the_unit_of_prices(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(price_unit="€")
    spot.mark(price=lambda result: 0.5)(work)(1)
    assert unit_of(spot) == "€"


def test_it_is_a_setting(make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEAUTYSPOT_PRICE_UNIT", "CHF")
    spot = make_spot()
    spot.mark(work)(1)
    assert unit_of(spot) == "CHF"
    assert unit_of(make_spot("other", price_unit=None)) == ""


# ------------------------------------------------------------------------------------- the reasons


@pytest.mark.parametrize(
    ("function", "argument", "options", "why"),
    [
        (work, iter(()), {}, "could not make a key: UnstableKeyError: x is"),
        (work, 1, {"key": lambda x: x.secret}, "could not make a key: AttributeError. The call"),
        (stream, iter(()), {}, "could not make a key: UnstableKeyError: x is"),
        (lambda x: iter(()), 1, {}, "could not store the result: SerializationError"),
        (stream, 1, {}, ""),
        (change, [1], {}, "changed while"),
        (work, 1, {"cache_if": lambda value: False}, "cache_if refused them"),
        (work, 1, {"cache_if": lambda value: 1 / 0}, "could not ask cache_if: ZeroDivisionError."),
        (work, 1, {"ttl": lambda value, x: "no"}, "could not ask for the ttl and the tags: Con"),
    ],
)
def test_why_nothing_is_stored_of_a_function(
    make_spot: Callable[..., Spot], function: Any, argument: Any, options: Any, why: str
) -> None:
    spot = make_spot()
    given = spot.mark(name="f", **options)(function)(argument)
    if function is stream:
        list(given)
    told = functions(spot)["f"].unstored
    assert why in told if why else told == ""
    assert "secret" not in told


def test_whoever_asks_why_is_told(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot()
    spot.mark(name="app:f")(work)(iter(()))
    spot.mark(name="app:g")(work)(1)
    spot.shutdown()
    with bs.open_store(spot.db_path, config=False) as store:
        for name in ("f", "app:f"):
            with pytest.raises(
                RecordNotFound, match="app:f: its results are not stored, because beautyspot could"
            ):
                store.why_function(name)
        assert len(store.why_function("g")) == 1
    found = [one for one in bs.examine(spot.db_path, config=False) if "app:" in one.subject]
    assert [(one.state, one.subject) for one in found] == [("warning", "function app:f")]
    assert found[0].text.startswith("its results are not stored, because beautyspot could not make")


def test_a_function_of_which_something_is_stored_has_none(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot()
    marked = spot.mark(name="f")(work)
    marked(iter(())), marked(1)
    spot.invalidate_all(marked)
    assert functions(spot)["f"].unstored == ""


def test_what_is_stored_later_takes_it_back(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot()
    spot.mark(name="f")(work)(iter(()))
    assert functions(spot)["f"].unstored
    spot = make_spot()
    marked = spot.mark(name="f")(work)
    assert (marked(1), marked(1)) == (1, 1)
    assert functions(spot)["f"].unstored == ""
    spot = make_spot()
    spot.invalidate_all("f")
    assert functions(spot)["f"].unstored == "", "it has hits"
