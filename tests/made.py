"""Functions and models that factories make; no name leads to them.

`KINDS` has the factories by what they make, each with its aspects, and two choices for each aspect.
What differs in one aspect does something else, and must not share a key. `REFUSED` has what makes
classes: these have no key.
"""

import abc
import collections
import dataclasses
import enum
import functools
import sys
import typing
from typing import Annotated, Any

T = typing.TypeVar("T")


def findable(cls: Any) -> Any:
    """Have the name of a class lead to it, though it stands in a function."""
    cls.__qualname__ = cls.__name__
    setattr(sys.modules[cls.__module__], cls.__name__, cls)
    return cls


def plus(x: int) -> int:
    return x + 1


def minus(x: int) -> int:
    return x - 1


def local(n: int) -> Any:
    def times(x: int) -> int:
        return x * n

    return times


def function(
    captured: Any, default: Any, keyword: Any, doc: Any, kind: Any, attribute: Any, wrapped: Any
) -> Any:
    def outer(func):
        @functools.wraps(func)
        def made(x=default, *, y=keyword):
            return captured, func(x), y

        made.limit = attribute
        made.__doc__ = doc
        made.__annotations__ = {"x": kind}
        return made

    return outer(wrapped)


def dispatch(one: Any, two: Any) -> Any:
    @functools.singledispatch
    def made(x):
        return one

    made.register(int, two)
    return made


class Caller:
    state: Any

    def __call__(self, x=0):
        return self.state


def default_of(x: Any) -> Any:
    return lambda y=x: y


def posing(name: Any, state: Any) -> Any:
    """An object that carries the name of a function."""

    made = Caller()
    made.state = state
    made.__qualname__ = made.__name__ = name
    made.__module__ = __name__
    return made


def local_class() -> Any:
    class Made:
        pass

    return Made


def data() -> Any:
    @dataclasses.dataclass(frozen=True, slots=True)
    class Made:
        x: int = 1

    return Made


def interface() -> Any:
    class Made(abc.ABC):
        def method(self): ...

    return Made


def generic() -> Any:
    class Box(typing.Generic[T]):
        pass

    return Box


REFUSED: dict[str, Any] = {
    "class": local_class,
    "dataclass": data,
    "make_dataclass": lambda: dataclasses.make_dataclass("Made", ["x"]),
    "namedtuple": lambda: collections.namedtuple("Pair", "a b"),
    "TypedDict": lambda: typing.TypedDict("Table", {"x": int}),
    "Enum": lambda: enum.Enum("Choice", {"A": 1}),
    "ABC": interface,
    "Generic": generic,
    "type": lambda: type("Made", (), {"x": 1}),
    "annotated": lambda: Annotated[local_class(), 1],
    "instance": lambda: local_class()(),
    "member": lambda: enum.Enum("Choice", {"A": 1}).A,
    "method": lambda: type("Made", (), {"method": plus})().method,
    "set": lambda: {local_class()},
    "lambda": lambda: lambda kind=local_class(): kind,
}
"""What makes classes, or what holds one."""

VALUES = (1, 2)
DOCS = ("One.", "Two.")
FUNCTIONS = (plus, minus)
LOCALS = (local(1), local(2))

KINDS: dict[str, tuple[Any, dict[str, tuple[Any, Any]]]] = {
    "function": (
        function,
        {
            "captured": VALUES,
            "default": LOCALS,
            "keyword": VALUES,
            "doc": DOCS,
            "kind": (int, str),
            "attribute": VALUES,
            "wrapped": FUNCTIONS,
        },
    ),
    "singledispatch": (dispatch, {"one": VALUES, "two": LOCALS}),
    "object": (posing, {"name": ("plus", "minus"), "state": VALUES}),
    "lambda": (default_of, {"x": VALUES}),
}


@functools.cache
def all_kinds() -> dict[str, tuple[Any, dict[str, tuple[Any, Any]]]]:
    """`KINDS`, and models where pydantic is installed."""
    try:
        from tests.made_models import MODELS
    except ImportError:
        return KINDS
    return {**KINDS, **MODELS}


def made(kind: str, /, **changed: int) -> Any:
    """What a factory makes with the first choice of each aspect, or the choice given."""
    factory, aspects = all_kinds()[kind]
    return factory(**{name: two[changed.get(name, 0)] for name, two in aspects.items()})


def cases() -> list[tuple[str, str]]:
    """Each aspect of each kind."""
    return [(kind, aspect) for kind, (_, aspects) in all_kinds().items() for aspect in aspects]
