"""What is said of a result of a library: what to return in its place."""

from __future__ import annotations

import pytest
from beautyspot.errors import SerializationError
from beautyspot.keys.generator import canonical
from beautyspot.serialization.serializer import MsgpackSerializer


class Quantity:
    """As one of pint: it is no plan, though others of its class may be."""

    def __init__(self, plan: object = None) -> None:
        self.plan = plan

    def __dask_graph__(self) -> object:
        return self.plan


class Unready:
    def __dask_graph__(self) -> object:
        raise AttributeError("no dask")


@pytest.mark.parametrize(
    ("value", "instead"),
    [
        (Quantity({}), "is a plan that is not computed yet: return what its compute() gives"),
        (Unready(), "return what you need of it, as plain values"),
    ],
)
def test_what_to_return_in_its_place(value: object, instead: str) -> None:
    with pytest.raises(SerializationError) as raised:
        MsgpackSerializer().dumps(value)
    assert instead in str(raised.value)


def test_as_an_argument_a_class_that_may_be_a_plan_counts() -> None:
    assert canonical(Quantity()) == canonical(Quantity())
    assert canonical(Unready())
