"""Mistakes in using the library: told early, with where they stand and what to do."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from beautyspot.errors import ConfigError
from beautyspot.functions.names import identifier_of
from beautyspot.spot import Spot


def double(x: int) -> int:
    """A function to mark."""
    return 2 * x


def test_a_class_is_no_function(spot: Spot) -> None:
    """A function in its place would break `isinstance`, subclasses, and its class methods."""
    words = "Point is a class, .* write @spot.mark above a function that makes it"
    with pytest.raises(ConfigError, match=words) as mistake:

        @spot.mark
        class Point:
            pass

    assert "or above a method of it, such as __call__" in str(mistake.value)
    with pytest.raises(ConfigError, match="int is a class"):
        spot.mark(version=1)(int)
    assert list(spot.map(int, ["1", "2"])) == [1, 2]  # nothing stands in its place
    assert spot.cached_run(int, "3") == 3


def bare(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that forgot `functools.wraps`."""

    def also(*args: Any) -> Any:
        return args

    def inner(*args: Any) -> Any:
        return also(function(*args))

    return inner


def bare_of(level: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        async def later(x: int) -> Any:
            return function(x), level

        return later

    return decorated


def triple(x: int) -> int:
    return 3 * x


def test_functions_beneath_a_decorator_without_wraps_share_its_name(
    spot: Spot, caplog: Any
) -> None:
    here = f"{__name__}:"
    for decorator, name in (
        (bare, "bare.<locals>.inner"),
        (bare_of(1), "decorated.<locals>.later"),
    ):
        spot.mark(decorator(double))
        spot.mark(version=2)(decorator(double))  # the same one
        assert not caplog.records
        for _ in range(2):  # told once
            spot.mark(decorator(triple))
            (record,) = caplog.records
            text = record.getMessage()
            assert f"{here}double and {here}triple" in text
            assert f"{name} is the name of both" in text
            assert "functools.wraps" in text
        caplog.clear()


def test_functions_that_share_a_name_on_purpose_are_not_told(spot: Spot, caplog: Any) -> None:
    """A function that another one makes, and marks, may well capture functions."""

    def asking(model: Callable[..., Any]) -> Callable[..., Any]:
        @spot.mark
        def ask(x: int) -> Any:
            return model(x)

        return ask

    def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(x: int) -> Any:
            return function(x)

        return wrapper

    def numbered(number: int) -> Callable[..., Any]:
        def ask(x: int) -> int:
            return x + number

        return ask

    for function in (double, triple):
        asking(function)
        spot.mark(wrapped(function))
        spot.mark(name=function.__name__)(bare(function))
        spot.mark(numbered(function(1)))
        spot.cached_run(bare(function), 1)
    assert not caplog.records


def test_none_is_for_ever_whatever_the_ttl_of_the_spot(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    spot = make_spot(ttl="1h")
    for ttl, expires in (("none", False), ("None", False), (None, True), ("2h", True)):
        assert spot.mark(ttl=ttl, name=repr(ttl))(double)(3) == 6
        (record,) = [row for row in spot.metadata.all_rows() if row.func_identifier == repr(ttl)]
        assert (record.expires_at is not None) is expires
    with pytest.raises(ConfigError, match=r"stale_on_error.*without a ttl"):
        spot.mark(ttl="none", stale_on_error=True)(double)
    with pytest.raises(ConfigError, match='or "none" for ever'):
        spot.mark(ttl=float("inf"))
    monkeypatch.setenv("BEAUTYSPOT_TTL", "none")
    assert make_spot().config["ttl"] is None
    assert make_spot(ttl="none").config["ttl"] is None


def test_a_cost_or_key_that_does_not_take_the_call_is_named(make_spot: Any) -> None:
    spot = make_spot(limiter="6000/min")

    def ask(prompt: str, *, language: str = "en") -> str:
        return prompt

    for option in ("cost", "key"):
        limited = spot.limiter(**{option: lambda prompt: 1 if option == "cost" else "x"})(ask)
        with pytest.raises(TypeError, match="unexpected keyword argument") as mistake:
            limited("hello", language="fr")
        (note,) = mistake.value.__notes__
        assert note.startswith(f"Raised by the function given as limiter({option}=) of ")
        assert f"{identifier_of(ask)}. It is called with the arguments of the call: give" in note
    with pytest.raises(TypeError) as mistake:
        spot.key(spot.mark(key=lambda prompt: prompt)(ask), "hello", language="fr")
    assert f"mark(key=) of {identifier_of(ask)}" in mistake.value.__notes__[0]
