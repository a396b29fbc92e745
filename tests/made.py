"""Classes and functions that factories make; no name leads to them.

`KINDS` has the factories by what they make, each with its aspects, and two choices for each aspect.
What differs in one aspect does something else, and must not share a key.
"""

import abc
import collections
import dataclasses
import enum
import functools
import typing
from typing import Annotated, Any

T = typing.TypeVar("T")


def item(name: str = "Item", **own: Any) -> Any:
    """A class of a given name, unlike any other of that name."""
    return type(name, (), own)


def plus(x: int) -> int:
    return x + 1


def minus(x: int) -> int:
    return x - 1


def local(n: int) -> Any:
    def times(x: int) -> int:
        return x * n

    return times


class Meta(type):
    pass


class Plain:
    pass


class Other:
    pass


def plain(
    captured: Any, default: Any, keyword: Any, attribute: Any, injected: Any, base: Any,
    metaclass: Any, doc: Any, method_doc: Any, annotation: Any, inner: Any, static: Any,
    nested: Any, cached: Any,
) -> Any:  # fmt: skip
    class Made(base, metaclass=metaclass):
        limit = attribute
        inject = injected
        inside = nested

        def method(self, x: annotation = default, *, y=keyword):
            return captured, x, y

        @classmethod
        def of_class(cls, x=inner):
            return x

        @staticmethod
        def fixed(x=static):
            return x

        @property
        def value(self):
            return captured

        @functools.cached_property
        def lazily(self, x=cached):
            return x

        def itself(self) -> Any:
            return Made, __class__

    Made.__doc__ = doc
    Made.method.__doc__ = method_doc
    return Made


def data(
    default: Any, factory: Any, kind: Any, frozen: Any, compare: Any, keyword: Any, doc: Any
) -> Any:  # fmt: skip
    @dataclasses.dataclass(frozen=frozen)
    class Made:
        x: kind = default
        y: list[Any] = dataclasses.field(
            default_factory=factory, compare=compare, kw_only=keyword, metadata={"unit": "m"}
        )

        def total(self):
            return self.x

    if doc:
        Made.__doc__ = doc
    return Made


def made_data(name: Any, kind: Any, default: Any, method: Any, base: Any) -> Any:
    fields = [(name, kind, default)]
    return dataclasses.make_dataclass("Made", fields, namespace={"method": method}, bases=(base,))


def pair(names: Any, default: Any) -> Any:
    return collections.namedtuple("Pair", names, defaults=[default])


def typed_pair(kind: Any, default: Any, captured: Any) -> Any:
    class Pair(typing.NamedTuple):
        left: kind
        right: int = default

        def total(self):
            return captured

        def __repr__(self):
            return f"{captured}"

    return Pair


def table(kind: Any, total: Any) -> Any:
    return typing.TypedDict("Table", {"x": kind}, total=total)


def choice(value: Any, names: Any, base: Any, captured: Any) -> Any:
    class Choice(*base):
        def label(self):
            return captured

        ONE = value
        TWO = 2

        if names:
            UNO = value

    return Choice


def flags(value: Any, boundary: Any) -> Any:
    return enum.Flag("Flags", {"A": value, "B": 2}, boundary=boundary)


def interface(kind: Any, abstract: Any) -> Any:
    class Made(abc.ABC):
        def method(self) -> kind: ...

        method.__isabstractmethod__ = abstract

    return Made


def protocol(kind: Any, default: Any) -> Any:
    class Made(typing.Protocol):
        x: kind

        def method(self, x=default): ...

    return Made


def generic(argument: Any) -> Any:
    class Box(typing.Generic[T]):
        pass

    class Made(Box[argument]):
        pass

    return Made


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


def posing(name: Any, state: Any) -> Any:
    """An object that carries the name of a function."""

    class Caller:
        def __call__(self, x=0):
            return self.state

    made = Caller()
    made.state = state
    made.__qualname__ = made.__name__ = name
    made.__module__ = __name__
    return made


VALUES = (1, 2)
CLASSES = (item(x=1), item(x=2))
DOCS = ("One.", "Two.")
FUNCTIONS = (plus, minus)
LOCALS = (local(1), local(2))
FACTORIES = (lambda: [1], lambda: [2])
ENUMS = ((enum.Enum,), (enum.IntEnum,))
METAS = (Meta, type("Meta", (Meta,), {"x": 1}))
BASES = (type("Base", (), {"x": 1}), type("Base", (), {"x": 2}))

KINDS: dict[str, tuple[Any, dict[str, tuple[Any, Any]]]] = {
    "class": (
        plain,
        {
            "captured": VALUES,
            "default": (None, 1),
            "keyword": LOCALS,
            "attribute": VALUES,
            "injected": LOCALS,
            "base": BASES,
            "metaclass": METAS,
            "doc": DOCS,
            "method_doc": DOCS,
            "annotation": CLASSES,
            "inner": VALUES,
            "static": VALUES,
            "nested": CLASSES,
            "cached": VALUES,
        },
    ),
    "dataclass": (
        data,
        {
            "default": VALUES,
            "factory": FACTORIES,
            "kind": CLASSES,
            "frozen": (False, True),
            "compare": (True, False),
            "keyword": (False, True),
            "doc": ("", "Two."),
        },
    ),
    "make_dataclass": (
        made_data,
        {
            "name": ("a", "b"),
            "kind": CLASSES,
            "default": VALUES,
            "method": LOCALS,
            "base": BASES,
        },
    ),
    "namedtuple": (pair, {"names": ("a b", "a c"), "default": VALUES}),
    "NamedTuple": (typed_pair, {"kind": CLASSES, "default": VALUES, "captured": VALUES}),
    "TypedDict": (table, {"kind": CLASSES, "total": (True, False)}),
    "Enum": (
        choice,
        {"value": (1, 3), "names": (False, True), "base": ENUMS, "captured": VALUES},
    ),
    "Flag": (flags, {"value": (1, 4), "boundary": (enum.STRICT, enum.CONFORM)}),
    "ABC": (interface, {"kind": CLASSES, "abstract": (False, True)}),
    "Protocol": (protocol, {"kind": CLASSES, "default": VALUES}),
    "Generic": (generic, {"argument": CLASSES}),
    "function": (
        function,
        {
            "captured": VALUES,
            "default": LOCALS,
            "keyword": VALUES,
            "doc": DOCS,
            "kind": CLASSES,
            "attribute": VALUES,
            "wrapped": FUNCTIONS,
        },
    ),
    "singledispatch": (dispatch, {"one": VALUES, "two": LOCALS}),
    "object": (posing, {"name": ("plus", "minus"), "state": VALUES}),
    "type": (lambda x: type("Made", (), {"x": x}), {"x": VALUES}),
    "lambda": (lambda x: lambda y=x: y, {"x": VALUES}),
    "annotated": (lambda x: Annotated[item(), x], {"x": VALUES}),
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
