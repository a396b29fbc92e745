"""Errors that are results, in a store that is looked at, verified and copied."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import beautyspot as bs
import pytest
from beautyspot import ErrorInstance, Instance

SIGNED = "a-signing-key-0123456789"


class NotFound(Exception):
    def __init__(self, name: str) -> None:
        super().__init__(name, 404)
        self.name = name


def work(x: str) -> str:
    raise NotFound(x)


def marked_in(spot: bs.Spot, **options: Any) -> Any:
    return spot.mark(name="app:work", cache_errors=NotFound, **options)(work)


def stored(spot: bs.Spot, **options: Any) -> str:
    """Store an error, and return its key."""
    marked = marked_in(spot, **options)
    with suppress(NotFound):
        marked("a")
    return spot.key(marked, "a")


def test_it_is_shown_without_its_class(spot: bs.Spot) -> None:
    key = stored(spot)
    with bs.open_store(spot.db_path) as store:
        value = store.value(key)
        assert [*store.verify()] == []
        assert store.row(key).serializer == "error:msgpack"
        content = store.content(key)
    fields = {0: "a", 1: 404, "name": "a"}
    assert value == ErrorInstance(f"{__name__}:NotFound", fields)
    assert value != Instance(f"{__name__}:NotFound", fields)
    assert repr(value) == "error NotFound('a', 404, name='a')"
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301 - made here
    assert (content.content_type, content.filename) == (
        "application/msgpack",
        f"work-{key[:8]}.msgpack",
    )


def test_it_is_shown_whatever_serializer_the_function_has(
    make_spot: Callable[..., bs.Spot],
) -> None:
    pytest.importorskip("beautyspot_pickle")
    spot = make_spot(strict=True, signing_key=SIGNED)
    key = stored(spot, serializer="pickle")
    assert type(spot.peek(marked_in(spot, serializer="pickle"), "a").error) is NotFound  # type: ignore[union-attr]
    with bs.open_store(spot.db_path) as store:
        assert type(store.value(key)) is ErrorInstance
