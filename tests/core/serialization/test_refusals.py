"""What is said of a result of a library: what to return in its place."""

from __future__ import annotations

from typing import Any

import pytest
from beautyspot.errors import SerializationError
from beautyspot.keys.generator import canonical
from beautyspot.serialization.serializer import MsgpackSerializer


class Palette(list[int]):
    pass


class Schema(dict[str, int]):
    pass


class Device:
    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise NotImplementedError


class Prediction:
    def toDict(self) -> dict[str, int]:  # noqa: N802 - as one of DSPy
        return {}


class Quantity:
    """As one of pint: it is no plan, though others of its class may be."""

    def __init__(self, plan: object = None) -> None:
        self.plan = plan

    def __dask_graph__(self) -> object:
        return self.plan

    def __array__(self) -> Any:
        raise NotImplementedError

    def to_tuple(self) -> tuple[float, str]:
        return 1.0, "m"


class Unready:
    def __dask_graph__(self) -> object:
        raise AttributeError("no dask")


@pytest.mark.parametrize(
    ("value", "instead"),
    [
        (Palette(), "return a plain list: list(…), or"),
        (Schema(), "return a plain dict: dict(…), or"),
        (Device(), "return an array of NumPy: numpy.asarray(…), or"),
        (Prediction(), "return its toDict(), or"),
        (Quantity(), "return its to_tuple(), or"),
        (Quantity({}), "is a plan that is not computed yet: return what its compute() gives"),
        (Unready(), "return what you need of it, as plain values, or"),
    ],
)
def test_what_to_return_in_its_place(value: object, instead: str) -> None:
    with pytest.raises(SerializationError) as raised:
        MsgpackSerializer().dumps(value)
    assert instead in str(raised.value)


def test_as_an_argument_only_a_plan_is_one() -> None:
    assert canonical(Quantity()) == canonical(Quantity())
    assert canonical(Unready())
    with pytest.raises(Exception, match=r"a plan that is not computed yet: pass what its compute"):
        canonical(Quantity({}))
