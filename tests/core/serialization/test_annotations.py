"""Which classes an annotation vouches for."""

from __future__ import annotations

import dataclasses
import enum
import functools
import sys
import typing
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from types import ModuleType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    ForwardRef,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    Optional,
    TypedDict,
    TypeVar,
    Union,
)

import attrs
import pydantic
import pytest
from beautyspot.serialization.annotations import classes_in, containers_in, return_classes

if TYPE_CHECKING:
    from nowhere import Missing


class Color(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Source:
    url: str
    color: Color | None = None


@dataclasses.dataclass
class Answer:
    sources: list[Source]
    again: Answer | None = None


@attrs.define
class Slotted:
    item: Source


Old = attrs.make_class("Old", {"x": attrs.field(type=Source)})


class Pair(NamedTuple):
    first: Source


class Row(TypedDict):
    source: Source


class Model(pydantic.BaseModel):
    rows: dict[str, Source]


T = TypeVar("T")
Bound = TypeVar("Bound", bound=Color)
Several = TypeVar("Several", Color, int)


class Page(pydantic.BaseModel, Generic[T]):
    items: list[T]


@dataclasses.dataclass
class Box(Generic[T]):
    item: T


class Abstract(ABC):
    @abstractmethod
    def go(self) -> None: ...


@dataclasses.dataclass
class Inherits(Source):
    more: Pair | None = None


class Plain:
    x: Source


UserId = NewType("UserId", Color)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (Color, [Color]),
        (Answer, [Answer, Source, Color]),
        (list[Answer], [Answer, Source, Color]),
        (dict[str, Answer | None], [Answer, Source, Color, str]),
        (Optional[Color], [Color]),  # noqa: UP045 - the old form counts too
        (Union[Color, int], [Color, int]),  # noqa: UP007 - as above
        (tuple[Color, ...], [Color]),
        (Annotated[Color, 1], [Color]),
        (Final[Color], [Color]),
        (UserId, [Color]),
        (Bound, [Color]),
        (Several, [Color, int]),
        (Literal[Color.RED, "a"], [Color]),
        (Iterator[Color], [Color]),
        (AsyncIterator[Color], [Color]),
        (Coroutine[Any, Any, Color], [Color]),
        (typing.List[Color], [Color]),  # noqa: UP006
        (Callable[[Color], Color], [Color]),
        (Slotted, [Slotted, Source, Color]),
        (Old, [Old, Source, Color]),
        (Pair, [Pair, Source, Color]),
        (Row, [Source, Color]),
        (Model, [Model, Source, Color, str]),
        (Page[Color], [Page, Page[Color], Color]),
        (Box[Color], [Color, Box]),
        (Inherits, [Inherits, Pair, Source, Color]),
        (ValueError, [ValueError]),
        (object, []),
        (Any, []),
        (None, []),
        (int, [int]),  # as which instances of its subclasses may be stored
        (list, []),
        (Plain, []),
        (Abstract, []),
        ("Color", []),
        (list["Color"], []),
        (ForwardRef("Color"), []),
        (3, []),
        (..., []),
    ],
)
def test_classes_in(annotation, expected):
    found = classes_in(annotation)
    assert len(found) == len(set(found))
    assert set(found) == set(expected)


itself = "itself"


def returns(annotation: Any) -> Any:
    def function() -> None: ...

    function.__annotations__ = {"return": annotation}
    return function


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Color", {Color}),
        ("list['Color']", {Color}),
        ("'Color'", {Color}),
        ("itself", set()),
        ("dict[str, Color | None]", {Color, str}),
        ("Color | Missing", {Color}),
        ("Missing | Color", {Color}),
        ("'Missing' | Color", {Color}),
        ("list[Missing] | list[Color]", {Color}),
        ("Missing[Color]", {Color}),
        ("nowhere.Thing | Color", {Color}),
        ("dict[nowhere.Key, Color]", {Color}),
        ("Optional[Missing]", set()),
        ("Union[Missing, Color]", {Color}),
        ("not a type", set()),
        ("1 / 0", set()),
        ("", set()),
        ("list[int]", {int}),
    ],
)
def test_each_name_of_a_text_counts_by_itself(text, expected):
    assert set(return_classes(returns(text))) == expected


def test_functions_of_every_kind():  # noqa: C901 - eight functions and no branch
    class Holder:
        def method(self) -> Color: ...
        @classmethod
        def of_class(cls) -> Color: ...
        @staticmethod
        def static() -> Color: ...
        def __call__(self) -> Color: ...

    def plain() -> Color: ...

    async def coroutine() -> Color: ...

    @functools.wraps(plain)
    def wrapper(*args: Any) -> None: ...

    for function in (
        *(plain, coroutine, wrapper, functools.partial(plain), functools.partial(Holder().method)),
        *(Holder.method, Holder().method, Holder.of_class, Holder.static, Holder()),
    ):
        assert return_classes(function) == [Color], function


def test_what_a_function_captured_is_known():
    @dataclasses.dataclass
    class Local:
        x: int

    def function() -> Local:
        return Local(1)

    def early() -> Later:
        return Later()

    assert return_classes(function) == [Local, int]
    assert return_classes(early) == []  # not assigned yet

    class Later(enum.Enum):
        A = 1

    assert return_classes(early) == [Later]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the statement came with 3.12")
def test_type_statements():
    scope: dict[str, Any] = {"Color": Color, "Source": Source}
    exec(
        "type Alias = list[Color]\n"
        "type Pairs[T] = dict[str, T]\n"
        "type Broken = Missing\n"
        "def generic[T: Color](x: T) -> 'T': ...",
        scope,
    )
    assert classes_in(scope["Alias"]) == [Color]
    assert set(classes_in(scope["Pairs"][Source])) == {Source, Color, str}
    assert classes_in(scope["Broken"]) == []
    assert return_classes(scope["generic"]) == [Color]


def test_names_of_the_checker_alone_are_really_missing():
    with pytest.raises(NameError):
        Missing  # noqa: B018


def test_one_name_in_two_modules_is_two_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for place in ("one", "two"):
        module = ModuleType(place)
        monkeypatch.setitem(sys.modules, place, module)
        exec(TWICE, vars(module))
        made += [module.Holder, module.Item]
    one, item, two, other = made
    assert classes_in(tuple[one, two]) == [one, item, two, other]


TWICE = """
from __future__ import annotations
from dataclasses import dataclass

@dataclass
class Item:
    n: int

@dataclass
class Holder:
    items: list[Item]
"""


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (list[tuple[int, Any]], {(list, 0), (tuple, 1)}),
        (dict[str, list[set[int]]] | None, {(dict, 0), (list, 1), (set, 2)}),
        (Annotated[typing.List[Row], 1], {(list, 0), (dict, 1)}),  # noqa: UP006
        (AsyncIterator[tuple[int, ...]], {(tuple, 0)}),
        (dict, {(dict, 0)}),
        (dict[str, dict], {(dict, 0), (dict, 1)}),
        (Answer, set()),
        ("list[int]", set()),
        (None, set()),
    ],
)
def test_where_builtin_containers_stand(annotation: Any, expected: Any) -> None:
    found = containers_in(annotation)
    assert {pair for pair in found if pair[0] in (dict, list, set, tuple)} == expected
