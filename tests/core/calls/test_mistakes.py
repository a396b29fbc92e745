"""Mistakes in using the library: told early, with where they stand and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.errors import ConfigError
from beautyspot.functions.names import identifier_of
from beautyspot.spot import Spot

if TYPE_CHECKING:
    from collections.abc import Callable


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


def triple(x: int) -> int:
    return 3 * x


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


@pytest.mark.parametrize("key", [lambda prompt: prompt, {"prompt": lambda: "x"}])
def test_a_key_that_does_not_take_the_call_is_named(
    make_spot: Any, troubles: list[Any], key: Any
) -> None:
    def ask(prompt: str, *, language: str = "en") -> str:
        return prompt

    spot = make_spot(on_error=troubles.append)
    marked = spot.mark(key=key)(ask)
    assert marked("hello", language="fr") == "hello"
    (trouble,) = troubles
    assert trouble.function == identifier_of(ask)
    assert trouble.advice == "The call runs uncached: mend the function given as key="
    with pytest.raises(TypeError) as mistake:
        spot.key(marked, "hello", language="fr")
    notes = getattr(mistake.value, "__notes__", [])
    assert all(f"mark(key=) of {identifier_of(ask)}" in note for note in notes)
    assert len(notes) == callable(key)
