"""What is said of a result of a library: what to return in its place."""

from __future__ import annotations

import pytest
from beautyspot.errors import SerializationError, UnstableKeyError
from beautyspot.keys.generator import canonical
from beautyspot.serialization.serializer import MsgpackSerializer


class Plan:
    """As one of dask."""


Plan.__module__ = "dask.array.core"


class Quantity:
    """As one of pint: it is no plan, though others of its class may hold one."""

    def __dask_graph__(self) -> object:
        raise AttributeError("no dask")


@pytest.mark.parametrize(
    ("value", "instead"),
    [
        (Plan(), "is a plan that is not computed yet: return what its compute() gives"),
        (Quantity(), "return what you need of it, as plain values"),
    ],
)
def test_what_to_return_in_its_place(value: object, instead: str) -> None:
    with pytest.raises(SerializationError) as raised:
        MsgpackSerializer().dumps(value)
    assert instead in str(raised.value)


def test_as_an_argument_a_plan_is_none() -> None:
    assert canonical(Quantity()) == canonical(Quantity())
    with pytest.raises(UnstableKeyError, match="a plan that is not computed yet: pass what its"):
        canonical([Plan()])
