"""Backends that answer what their contract does not have, most by a forgotten ``return``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from beautyspot.contracts import Grant, KeyGenBase, LimiterBase, Rate
from beautyspot.errors import PluginError
from beautyspot.memory import MemoryStorage
from beautyspot.resilience.reporting import Trouble
from beautyspot.spot import Spot


class FooStorage(MemoryStorage):
    """Its methods answer what `said` holds, where it holds something."""

    def __init__(self, **said: Any) -> None:
        super().__init__()
        self.said = said

    def save(self, key: str, data: Any, *, content_type: str | None = None) -> str:
        location = super().save(key, data, content_type=content_type)
        return self.said.get("save", location)

    def load(self, location: str) -> bytes:
        loaded = super().load(location)
        return self.said["load"](loaded) if "load" in self.said else loaded


class FooKeys(KeyGenBase):
    name = "foo"

    def canonical(self, value: object) -> Any:
        return (value,) if value == 1 else None


class FooLimiter(LimiterBase):
    name = "foo"

    limits: ClassVar[dict[str, Rate]] = {"rate": Rate(1)}

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def take(self, asked: Any, key: str = "") -> Any:
        return self.answer

    def give_back(self, grant: object, real: object) -> None:
        raise NotImplementedError

    def hold(self, seconds: float, key: str = "") -> None:
        raise NotImplementedError


def double(x: Any) -> Any:
    return x * 2


@pytest.mark.parametrize(
    "said", [{"save": None}, {"save": ""}, {"save": b"x"}, {"load": str}, {"load": lambda _: None}]
)
def test_no_answer_of_a_storage_is_a_wrong_result(
    make_spot: Callable[..., Spot], said: dict[str, Any]
) -> None:
    """The kit finds such a storage; in a program its results are computed again, at worst."""
    spot = make_spot(storage=FooStorage(**said))
    marked = spot.mark(save_blob=True)(double)
    assert [marked("a"), marked("b"), marked("a")] == ["aa", "bb", "aa"]


@pytest.mark.parametrize(("x", "named"), [(1, "an object of type tuple"), (2, "None")])
def test_a_text_of_a_value_that_is_none(
    make_spot: Callable[..., Spot], troubles: list[Trouble], x: int, named: str
) -> None:
    assert make_spot(keygen=FooKeys(), on_error=troubles.append).mark(double)(x) == x * 2
    (trouble,) = troubles
    told = f"FooKeys.canonical returned {named} in place of the text: return a str"
    assert str(trouble.error) == told
    with pytest.raises(PluginError, match="FooKeys"):
        make_spot(keygen=FooKeys(), strict=True).mark(double)(x)


@pytest.mark.parametrize(("answer", "named"), [(True, "bool"), (([0.0], 0.0), "tuple")])
def test_grants_that_are_none(
    make_spot: Callable[..., Spot], troubles: list[Trouble], answer: object, named: str
) -> None:
    spot = make_spot(limiter=FooLimiter(answer), on_error=troubles.append)
    assert spot.limiter()(double)(2) == 4
    (trouble,) = troubles
    assert str(trouble.error) == (
        f"FooLimiter.take returned an object of type {named} in place of the grants and the wait "
        "of the next: return both"
    )
    with pytest.raises(PluginError, match="FooLimiter"):
        make_spot(limiter=FooLimiter(answer), strict=True).limiter()(double)(2)


def test_a_wait_may_be_a_whole_number(
    make_spot: Callable[..., Spot], troubles: list[Trouble]
) -> None:
    limiter = FooLimiter(([Grant(0.0, {"rate": 1.0})], 0))
    assert make_spot(limiter=limiter, on_error=troubles.append).limiter()(double)(2) == 4
    assert not troubles
