# ruff: noqa: F821 - these names are defined further down, or nowhere
# No `from __future__ import annotations` here: this is about annotations that are no text.
"""Annotations that name what is defined further down, or for type checkers alone.

Since Python 3.14 they are evaluated late, so that such code runs at all.
"""

import asyncio
import dataclasses
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

import beautyspot as bs
import pytest

from tests.made import findable

if TYPE_CHECKING:
    import nowhere
    from nowhere import Missing

pytestmark = pytest.mark.skipif(sys.version_info < (3, 14), reason="annotations are evaluated late")


@pytest.fixture
def spot():
    options: dict[str, Any] = {"metadata": "memory", "limiter": "1000/s"}
    with bs.Spot("app", config=False, strict=True, **options) as spot:
        yield spot


def test_a_class_that_is_defined_further_down_is_restored(spot):
    @spot.mark
    def ask(question: Question) -> list[Answer] | None:
        return [Answer(question.text, Source("a"))]

    @findable
    @dataclasses.dataclass
    class Question:
        text: str

    @findable
    @dataclasses.dataclass
    class Answer:
        text: str
        source: Source

    @findable
    @dataclasses.dataclass
    class Source:
        url: str

    assert ask(Question("a")) == ask(Question("a")) == [Answer("a", Source("a"))]
    assert spot.stats()["hits"] == 1


def test_the_other_names_of_an_annotation_count(spot):
    @spot.mark
    def ask(x: Missing, y: nowhere.Missing = None) -> dict[Missing, Pair] | nowhere.Missing:
        return {x: Pair(x, {"one": Item(x)})}

    @findable
    class Pair(NamedTuple):
        left: int
        right: Table

    @findable
    class Table(TypedDict):
        one: Item | Missing

    @findable
    @dataclasses.dataclass
    class Item:
        x: int | Missing

    assert ask(1) == ask(x=1, y=None) == {1: Pair(1, {"one": Item(1)})}
    assert spot.stats()["hits"] == 1


def test_functions_of_every_kind_may_be_marked(spot):  # noqa: C901 - six functions and no branch
    @findable
    class Holder:
        @spot.mark
        def method(self, x: Missing) -> Later:
            return Later(x)

        @classmethod
        @spot.mark
        def of_class(cls, x: Missing) -> Later:
            return Later(x)

    @spot.mark
    @spot.limiter(cost=lambda x: 1)
    def limited(x: Missing) -> Later:
        return Later(x)

    @spot.mark(version="auto", ignore=("y",))
    async def coroutine(x: Missing, y: Missing = 0) -> Later:
        return Later(x)

    @spot.mark(key=lambda x: x)
    def keyed(x: Missing) -> Later:
        return Later(x)

    def plain(x: Missing) -> Later:
        return Later(x)

    def generator(x: Missing) -> Missing[Later]:
        yield Later(x)

    @findable
    @dataclasses.dataclass
    class Later:
        x: int

    for _ in range(2):
        assert Holder().method(1) == Holder.of_class(1) == limited(1) == keyed(1) == Later(1)
        assert spot.cached_run(plain, 1) == asyncio.run(coroutine(1)) == Later(1)
        assert list(spot.cached_run(generator, 1)) == [Later(1)]
    assert spot.stats()["hits"] == 7


def test_what_a_function_captured_may_have_late_annotations(spot):
    @findable
    class Local:
        x: Missing

    def helper(x: Missing) -> Local:
        return x

    @spot.mark
    def ask(x: int) -> int:
        assert Local
        return helper(x)

    assert ask(1) == ask(1) == 1
    assert spot.stats()["hits"] == 1


def test_an_annotation_that_raises_raises_nowhere(spot):
    @spot.mark
    def ask(x: "Text" | None, y: 1 / 0 = 2, *, z=3) -> nowhere[1 / 0]:
        return x

    assert ask(1) == ask(1, 2, z=3) == 1
    assert spot.stats()["hits"] == 1


def test_backends_may_have_them():
    class Own(bs.SerializerBase):
        name = "own"

        def __init__(self, level: Missing = 1):
            self.level = level

        def dumps(self, value: Missing) -> Missing:
            return repr(value).encode()

        def loads(self, data: Missing) -> Missing:
            return eval(bytes(data))

    options: dict[str, Any] = {"metadata": "memory", "config": False, "strict": True}
    with bs.Spot("app", serializer=Own(level=2), **options) as spot:
        assert spot.cached_run(max, 1, 2) == spot.cached_run(max, 1, 2) == 2
    with pytest.raises(bs.ConfigError, match="level"):
        bs.Spot("app", serializer={"use": Own, "lvel": 2}, **options)
