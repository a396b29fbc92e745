"""Random programs: functions of every kind, arguments and results of every type, and their texts.

Imported by the differential tests and by the processes that they start, so that both have the same
functions under the same names. A *kind* makes a callable of a mark (or of nothing) and a state; all
answer by `answer`, whose result follows from the text of all that they were given.
"""

from __future__ import annotations

import array
import asyncio
import collections
import copy
import datetime as dt
import enum
import functools
import inspect
import ipaddress
import math
import operator
import os
import pickle
import re
import sys
import types
import uuid
import zlib
import zoneinfo
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs
import numpy as np
import pandas as pd
import polars as pl
import pydantic
from beautyspot import Spot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    Mark = Callable[[Any], Any]

# ------------------------------------------------------------------------- classes of the program


class Colour(enum.Enum):
    RED = 1
    BLUE = "blue"


class Number(enum.IntEnum):
    ONE = 1
    TWO = 2


class Word(enum.StrEnum):
    ONE = "1"


class Bits(enum.Flag):
    A = 1
    B = 2


@dataclass
class Plain:
    x: Any
    y: Any = 0


@dataclass(frozen=True, order=True)
class Frozen:
    x: Any


@dataclass(slots=True)
class Slotted:
    x: Any
    y: list[Any] = field(default_factory=list)


class Row(NamedTuple):
    x: Any
    y: Any = None


@attrs.define
class Attrs:
    x: Any


@attrs.frozen
class AttrsFrozen:
    x: Any


class Model(pydantic.BaseModel):
    x: Any
    y: int | str = 0


class OtherModel(pydantic.BaseModel):
    x: Any
    y: int | str = 0


class Text(str):
    __slots__ = ()


class Count(int):
    pass


class Odd(Exception):
    pass


class Object:
    """Counts by its attributes. Only ever an argument: nobody can tell how to store it."""

    def __init__(self, x: Any) -> None:
        self.x = x


class Lazy(Object):
    """An object with a value that it computes once."""

    @functools.cached_property
    def double(self) -> Any:
        return [self.x, self.x]


class Open(pydantic.BaseModel, extra="allow"):
    """A model whose extra may have the name of its private attribute."""

    x: Any = 1
    _y: Any = pydantic.PrivateAttr(0)

    def with_private(self, y: Any) -> Open:
        self._y = y
        return self


def moved(**items: Any) -> collections.OrderedDict[str, Any]:
    """The items with the first one at the end."""
    made = collections.OrderedDict(items)
    made.move_to_end(next(iter(made)))
    return made


class SlotObject:
    __slots__ = ("x",)

    def __init__(self, x: Any) -> None:
        self.x = x


@dataclass(init=False)
class Made:
    """A class that is called as a function is."""

    x: Any
    y: str

    def __init__(self, a: Any, b: Any = 2, *rest: Any, c: Any = (3,), **more: Any) -> None:
        self.x = answer("class", a, b, rest, c, more)
        self.y = describe(a)


CLASSES = (
    Colour, Number, Word, Bits, Plain, Frozen, Slotted, Row, Attrs, AttrsFrozen, Model, OtherModel,
    Text, Count, Odd, Made,
)  # fmt: skip


# --------------------------------------------------------------------- what can't be sent or copied


def _double(x: Any = 0) -> Any:
    return (x, x)


def _closure(n: int) -> Callable[[], int]:
    return lambda: n


def _named_closure(n: int) -> Callable[[], int]:
    def inner() -> int:
        return n

    return inner


CALLABLES: dict[str, Any] = {
    "double": _double,
    "lambda 1": lambda: 1,
    "lambda 2": lambda: 2,
    "closure 1": _closure(1),
    "closure 2": _closure(2),
    "closure True": _closure(True),
    "inner 1": _named_closure(1),
    "inner 2": _named_closure(2),
    "partial 1": functools.partial(_double, 1),
    "partial 2": functools.partial(_double, 2),
    "partial x": functools.partial(_double, x=1),
    "method 1": Frozen(1).__eq__,
    "method of object 1": Object(1).__init__,
    "method of object 2": Object(2).__init__,
    "builtin": len,
    "another builtin": max,
    "builtin method a": "a".join,
    "builtin method b": "b".join,
    "class": Plain,
    "another class": Frozen,
    "module": os,
    "another module": re,
    "itemgetter 0": operator.itemgetter(0),
    "itemgetter 1": operator.itemgetter(1),
    "ufunc": np.sin,
    "alias": list[int],
    "another alias": list[str],
    "union": int | None,
    "dtype": np.dtype("int8"),
    "view": memoryview(b"ab"),
    "another view": memoryview(b"ab").cast("c"),
    "array": array.array("i", [1]),
    "another array": array.array("l", [1]),
    "array of NumPy, big-endian": np.array([1], dtype=">i8"),  # pickling would turn it round
}
"""Arguments by a name that any process knows. What tells them apart is that name."""


def families() -> list[list[str]]:
    """The names of `CALLABLES` by their first word, of which there are several: look-alikes."""
    found: dict[str, list[str]] = {}
    for name in CALLABLES:
        found.setdefault(name.removeprefix("another ").split()[0], []).append(name)
    return [names for names in found.values() if len(names) > 1]


@dataclass(frozen=True)
class Ref:
    """Stands for one of `CALLABLES` on its way to another process."""

    name: str


def resolve(spec: Any) -> Any:
    """A fresh argument: nobody's changes reach anybody else."""
    return CALLABLES[spec.name] if type(spec) is Ref else copy.deepcopy(spec)


# -------------------------------------------------------------------- the text that says everything

_NAMES = {id(value): name for name, value in CALLABLES.items()}


def describe(value: Any) -> str:
    """One text a value, type and all: two are the same to a function iff their texts are."""
    if id(value) in _NAMES:
        return f"<{_NAMES[id(value)]}>"
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    return f"{kind}({_content(value)})"


def _content(value: Any) -> str:
    for test, write in _WRITERS:
        if test(value):
            return str(write(value))
    raise TypeError(f"no text for a {type(value)}")


def _is(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds)


def _all(values: Any) -> str:
    return ", ".join(map(describe, values))


def _pairs(value: Any) -> str:
    return ", ".join(sorted(f"{describe(key)}: {describe(item)}" for key, item in value.items()))


def _float(value: Any) -> str:
    return "nan" if math.isnan(value) else float(value).hex()


def _array(value: Any) -> str:
    content = _all(value.ravel().tolist()) if value.dtype.names is None else value.tobytes().hex()
    return f"{value.dtype.str} {value.shape} {content}"


def _pandas(value: Any) -> str:
    if isinstance(value, pd.DataFrame):
        columns = [
            f"{describe(n)} {_pandas(value.iloc[:, i])}" for i, n in enumerate(value.columns)
        ]
        return f"{columns} {_pandas(value.index)}"
    index = "" if isinstance(value, pd.Index) else _pandas(value.index)
    name = describe(value.name)
    return f"{name} {value.dtype!r} {[describe(item) for item in value.tolist()]} {index}"


def _polars(value: Any) -> str:
    if isinstance(value, pl.Series):
        return f"{value.name} {value.dtype!r} {_all(value.to_list())}"
    return "; ".join(_polars(column) for column in value.get_columns()) + f" {value.height}"


def _masked(value: Any) -> str:
    mask = np.ma.getmaskarray(value)  # without a mask it has one once it was sent to a process
    return f"{_array(value.data)} {mask.tolist()} {value.fill_value}"


def _open(value: Open) -> str:
    parts = [_pairs(dict(value)), _pairs(value.model_extra or {}), sorted(value.model_fields_set)]
    return f"{parts} {describe(value._y)}"


def _state(value: Any) -> str:
    names = [f.name for f in fields(value)] if is_dataclass(value) else None
    if names is None and hasattr(type(value), "__attrs_attrs__"):
        names = [a.name for a in type(value).__attrs_attrs__]
    names = names or ["x"]
    return ", ".join(f"{name}={describe(getattr(value, name))}" for name in names)


_WRITERS: list[tuple[Callable[[Any], bool], Callable[[Any], str]]] = [
    (_is(enum.Flag), lambda v: f"{v.value}"),
    (_is(enum.Enum), lambda v: v.name),
    (_is(np.ma.MaskedArray), _masked),
    (_is(np.ndarray), _array),
    (_is(np.generic), lambda v: f"{v.dtype.str} {describe(v.item())}"),
    (_is(pd.DataFrame, pd.Series, pd.Index), _pandas),
    (_is(pl.DataFrame, pl.Series), _polars),
    (lambda v: v is pd.NaT or v is pd.NA, lambda v: "missing"),
    (_is(bool, int), lambda v: format(int(v), "x")),
    (_is(float), _float),
    (_is(complex), lambda v: f"{_float(v.real)} {_float(v.imag)}"),
    (_is(str), lambda v: ascii(str(v))),
    (_is(bytes, bytearray), lambda v: bytes(v).hex()),
    (_is(collections.OrderedDict), lambda v: _all(v.items())),
    (_is(collections.defaultdict), lambda v: f"{v.default_factory} {_pairs(v)}"),
    (_is(dict), _pairs),
    (_is(set, frozenset), lambda v: ", ".join(sorted(map(describe, v)))),
    (_is(collections.deque), lambda v: f"{v.maxlen} {_all(v)}"),
    (_is(list, tuple), _all),
    (_is(types.SimpleNamespace), lambda v: _pairs(vars(v))),
    (_is(array.array), lambda v: f"{v.typecode} {v.tolist()}"),
    (_is(range, slice), lambda v: _all([v.start, v.stop, v.step])),
    (
        _is(dt.datetime, dt.time),
        lambda v: f"{v.replace(tzinfo=None)!r} {v.fold} {describe(v.tzinfo)}",
    ),
    (_is(dt.date, dt.timedelta, dt.timezone), repr),
    (_is(zoneinfo.ZoneInfo), lambda v: v.key),
    (_is(Decimal, Fraction, uuid.UUID, PurePath), str),
    (lambda v: type(v).__module__ == "ipaddress", str),
    (_is(re.Pattern), lambda v: f"{v.pattern!r} {v.flags}"),
    (_is(Open), _open),
    (_is(pydantic.BaseModel), lambda v: f"{_pairs(dict(v))} {sorted(v.model_fields_set)}"),
    (_is(BaseException), lambda v: _all(v.args)),
    (_is(Lazy), lambda v: f"{_state(v)}, double={describe(v.double)}"),
    (_is(Object, SlotObject), _state),
    (lambda v: is_dataclass(v) or hasattr(type(v), "__attrs_attrs__"), _state),
    (lambda v: v is None or v is ... or v is NotImplemented, repr),
]


# --------------------------------------------------------------------------------- what they answer


class World:
    """What the functions know beside their arguments; global, since what is captured counts."""

    table: list[Any] = [None]
    log: str | None = None


def ran(name: str, given: str) -> None:
    """Note an execution, in one write that other processes don't break into."""
    if World.log is not None:
        line = f"{name} {zlib.crc32(given.encode()):08x}{zlib.adler32(given.encode()):08x}\n"
        descriptor = os.open(World.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, line.encode())
        os.close(descriptor)


def answer(name: str, *given: Any) -> Any:
    """Raise, or return what follows from all that was given."""
    text = ", ".join(map(describe, given))
    ran(name, text)
    number = zlib.crc32(text.encode())
    if number % 8 == 0:
        raise Odd(text)
    if number % 8 == 1:
        raise StopAsyncIteration(number) if number % 3 else LookupError(text, number)
    if number % 2:
        return [text, copy.deepcopy(World.table[number % len(World.table)])]
    return copy.deepcopy(World.table[number % len(World.table)]), text


# -------------------------------------------------------------------------------------- the kinds


def plain(a: Any, b: Any = 2, *rest: Any, **more: Any) -> Any:
    return answer("plain", a, b, rest, more)


async def coroutine(a: Any, b: Any = 2, *rest: Any, **more: Any) -> Any:
    await asyncio.sleep(0)
    return answer("coroutine", a, b, rest, more)


def generator(a: Any, b: Any = 2, *rest: Any, c: Any = (3,), **more: Any) -> Iterator[Any]:
    yield a if type(a) in (int, str, float, bool, bytes) else describe(a)
    yield answer("generator", a, b, rest, c, more)
    return answer("quiet", a, b)


async def async_generator(
    a: Any, b: Any = 2, *rest: Any, c: Any = (3,), **more: Any
) -> AsyncIterator[Any]:
    yield describe(b)
    await asyncio.sleep(0)
    yield answer("async generator", a, b, rest, c, more)


def positional(a: Any, b: Any = None, /) -> Any:
    return answer("positional", a, b)


def renamed(self: Any, call: Any = 1.0, /, *args: Any, bind: Any = True, **kwargs: Any) -> Any:
    return answer("renamed", self, call, args, bind, kwargs)


class Machine:
    scale = 1

    def __init__(self, state: Any) -> None:
        self.state = state

    def method(self, a: Any, b: Any = 2, *rest: Any, c: Any = (3,), **more: Any) -> Any:
        return answer("method", type(self).__name__, self.state, a, b, rest, c, more)

    async def later(self, a: Any, b: Any = 2, *rest: Any, c: Any = (3,), **more: Any) -> Any:
        return answer("later", type(self).__name__, self.state, a, b, rest, c, more)

    def stream(self, a: Any, b: Any = 2, *rest: Any, c: Any = (3,), **more: Any) -> Iterator[Any]:
        yield answer("stream", type(self).__name__, self.state, a, b, rest, c, more)

    @classmethod
    def of_class(cls, a: Any, b: Any = 2, *rest: Any, c: Any = (3,), **more: Any) -> Any:
        return answer("of class", cls.__name__, a, b, rest, c, more)

    @staticmethod
    def alone(a: Any, b: Any = 2, *rest: Any, c: Any = (3,), **more: Any) -> Any:
        return answer("alone", a, b, rest, c, more)

    def __call__(self, a: Any, b: Any = 2, *rest: Any, c: Any = (3,), **more: Any) -> Any:
        return answer("call", type(self).__name__, self.state, a, b, rest, c, more)


class Derived(Machine):
    def method(self, a: Any, b: Any = 2, *rest: Any, c: Any = (3,), **more: Any) -> Any:
        return answer("derived", self.state, a, b, rest, c, more)


class Later(Machine):
    async def __call__(self, a: Any, b: Any = 2, *rest: Any, c: Any = (3,), **more: Any) -> Any:
        return answer("late call", self.state, a, b, rest, c, more)


def _handed_on(function: Any) -> Any:
    """As the SDKs of providers decorate their methods: it checks, and hands on what it gets."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if len(args) > 100:
            raise TypeError("too many arguments")
        return function(*args, **kwargs)

    return wrapper


def _bare(function: Any) -> Any:
    return lambda *args, **kwargs: function(*args, **kwargs)


class Resource:
    """As a client has them, ``client.chat.completions``: it holds the client."""

    def __init__(self, state: Any) -> None:
        self._client = Object(state)

    @_handed_on
    def create(self, a: Any, b: Any = 2, *rest: Any, c: Any = (3,), **more: Any) -> Any:
        return answer("create", self._client.x, a, b, rest, c, more)

    @_handed_on
    async def acreate(self, a: Any, b: Any = 2, *rest: Any, c: Any = (3,), **more: Any) -> Any:
        return answer("acreate", self._client.x, a, b, rest, c, more)


@dataclass
class Slots:
    state: Any

    def method(self, a: Any, b: Any = 2, *rest: Any, c: Any = (3,), **more: Any) -> Any:
        return answer("slots", self.state, a, b, rest, c, more)


def _local_class(mark: Mark, state: Any) -> Any:
    class Local:
        def __init__(self, kept: Any) -> None:
            self.kept = kept

        @mark
        def method(self, a: Any, b: Any = 2, *rest: Any, c: Any = (3,), **more: Any) -> Any:
            return answer("local class", self.kept, a, b, rest, c, more)

    return Local(state).method


def _in_class(mark: Mark, state: Any) -> Any:
    class Above:
        made = state

        @mark
        @classmethod
        def method(cls, a: Any, b: Any = 2, *rest: Any, c: Any = (3,), **more: Any) -> Any:
            return answer("class state", state, a, b, rest, c, more)

    return Above.method


def _closed(mark: Mark, state: Any) -> Any:
    @mark
    def inner(a: Any, b: Any = 2, *rest: Any, c: Any = (3,), **more: Any) -> Any:
        return answer("closure", state, a, b, rest, c, more)

    return inner


def _closed_later(mark: Mark, state: Any) -> Any:
    @mark
    async def inner(a: Any, b: Any = 2, *rest: Any, c: Any = (3,), **more: Any) -> Any:
        return answer("late closure", state, a, b, rest, c, more)

    return inner


def _beneath(decorate: Any) -> Callable[[Mark, Any], Any]:
    def kind(mark: Mark, state: Any) -> Any:
        def inner(a: Any, b: Any = 2, *rest: Any, c: Any = (3,), **more: Any) -> Any:
            return answer("beneath", state, a, b, rest, c, more)

        return mark(decorate(inner))

    return kind


def _wrapped(mark: Mark, state: Any) -> Any:
    def chain(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    del state
    return chain(mark(chain(chain(plain))))


def _wrapper_with_state(mark: Mark, state: Any) -> Any:
    def chain(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return [describe(state), function(*args, **kwargs)]

        return wrapper

    return mark(chain(plain))


KINDS: dict[str, Callable[[Mark, Any], Any]] = {
    "function": lambda mark, _: mark(plain),
    "coroutine": lambda mark, _: mark(coroutine),
    "generator": lambda mark, _: mark(generator),
    "async generator": lambda mark, _: mark(async_generator),
    "positional only": lambda mark, _: mark(positional),
    "odd names": lambda mark, _: mark(renamed),
    "method": lambda mark, state: functools.partial(mark(Machine.method), Machine(state)),
    "derived method": lambda mark, state: functools.partial(mark(Machine.method), Derived(state)),
    "override": lambda mark, state: functools.partial(mark(Derived.method), Derived(state)),
    "async method": lambda mark, state: functools.partial(mark(Machine.later), Machine(state)),
    "generator method": lambda mark, state: functools.partial(mark(Machine.stream), Machine(state)),
    "bound method": lambda mark, state: mark(Machine(state).method),
    "bound async method": lambda mark, state: mark(Machine(state).later),
    "method of a dataclass": lambda mark, state: mark(Slots(state).method),
    "class method": lambda mark, _: mark(Machine.of_class),
    "class method of a subclass": lambda mark, _: mark(Derived.of_class),
    "static method": lambda mark, _: mark(Machine.alone),
    "object": lambda mark, state: mark(Machine(state)),
    "object of a subclass": lambda mark, state: mark(Derived(state)),
    "object with an async call": lambda mark, state: mark(Later(state)),
    "partial": lambda mark, state: mark(functools.partial(plain, state)),
    "partial with keyword": lambda mark, state: mark(functools.partial(plain, c=state)),
    "partial of a coroutine": lambda mark, state: mark(functools.partial(coroutine, state)),
    "partial of a method": lambda mark, state: mark(functools.partial(Machine(state).method, b=1)),
    "partial of a partial": lambda mark, state: mark(
        functools.partial(mark(functools.partial(plain, c=state)), b=state)
    ),
    "partial of a class method": lambda mark, state: mark(
        functools.partial(Machine.of_class, c=state)
    ),
    "method of an SDK": lambda mark, state: mark(Resource(state).create),
    "async method of an SDK": lambda mark, state: mark(Resource(state).acreate),
    "partial of a method of an SDK": lambda mark, state: mark(
        functools.partial(Resource(state).create, b=1)
    ),
    "closure beneath a decorator": _beneath(_handed_on),
    "closure beneath a bare decorator": _beneath(_bare),
    "closure beneath two decorators": _beneath(lambda inner: _bare(_handed_on(inner))),
    "closure": _closed,
    "async closure": _closed_later,
    "lambda": lambda mark, state: mark(
        lambda a, b=2, *rest, c=(3,), **more: answer("lambda", state, a, b, rest, c, more)
    ),
    "another lambda": lambda mark, state: mark(
        lambda a, b=2, *rest, c=(3,), **more: [answer("lambda", state, a, b, rest, c, more)]
    ),
    "wraps": _wrapped,
    "wrapper with state": _wrapper_with_state,
    "lru": lambda mark, _: mark(functools.lru_cache(maxsize=0)(plain)),
}
STATELESS = frozenset({
    "function", "coroutine", "generator", "async generator", "positional only", "odd names",
    "class method", "class method of a subclass", "static method", "wraps", "lru",
})  # fmt: skip
"""Kinds that make nothing of their state."""

AS_SPELLED = frozenset({
    "wraps", "wrapper with state", "lru", "method of an SDK", "async method of an SDK",
    "partial of a method of an SDK", "closure beneath a decorator",
    "closure beneath a bare decorator", "closure beneath two decorators",
})  # fmt: skip
"""Kinds whose defaults nobody can know from outside: an argument left out is another call."""

STREAMS = frozenset({"generator", "async generator", "generator method"})
ASYNC = frozenset({
    "coroutine", "async method", "bound async method", "object with an async call",
    "partial of a coroutine", "async closure", "async method of an SDK",
})  # fmt: skip


# ------------------------------------------------------------------------------ calls and outcomes


@dataclass(frozen=True)
class Request:
    """One call that any process can make."""

    kind: str
    state: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def make(
        self, mark: Mark, kept: dict[str, Any] | None = None
    ) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
        """The callable, which may be one that was `kept`, and fresh arguments."""
        state = resolve(self.state)
        name = f"{self.kind} {describe(state)}"
        function = KINDS[self.kind](mark, state) if kept is None or name not in kept else kept[name]
        if kept is not None:
            kept[name] = function
        args = tuple(resolve(value) for value in self.args)
        return function, args, {name: resolve(value) for name, value in self.kwargs.items()}

    def call(self, mark: Mark, kept: dict[str, Any] | None = None) -> Any:
        """What the call gives: a value, an awaitable or a stream."""
        function, args, kwargs = self.make(mark, kept)
        return function(*args, **kwargs)


def outcome(give: Callable[[], Any], *, spoil: bool = False) -> str:
    """The text of what comes of a call, be it awaited, collected or raised.

    With `spoil` the value is changed afterwards, as callers do.
    """
    try:
        value = collected(give())
    except (Exception, asyncio.CancelledError) as error:
        return f"raised {describe(error.args)} as {type(error).__qualname__}"
    text = f"gave {describe(value)}"
    if spoil:
        spoiled(value)
    return text


def collected(value: Any) -> Any:
    """A value as it is; a stream as the list of its items and what it returned."""
    if inspect.isawaitable(value):
        return asyncio.run(_awaited(value))
    if inspect.isasyncgen(value):
        return asyncio.run(_streamed(value))
    if inspect.isgenerator(value):
        items = []
        while True:
            try:
                items.append(next(value))
            except StopIteration as end:
                return [*items, end.value]
    return value


async def _awaited(value: Any) -> Any:
    return await value


async def _streamed(value: Any) -> Any:
    return [*[item async for item in value], None]  # as of a generator, which returns something


async def awaited(values: list[Any]) -> list[str]:
    """The outcomes of several awaitables, run at the same time."""
    results = await asyncio.gather(*values, return_exceptions=True)
    return [
        f"raised {describe(result.args)} as {type(result).__qualname__}"
        if isinstance(result, BaseException) and not _was_returned(result)
        else f"gave {describe(result)}"
        for result in results
    ]


def _was_returned(error: BaseException) -> bool:
    return error.__traceback__ is None


def spoiled(value: Any) -> None:
    """Change whatever in a value can be changed."""
    for item in value.values() if isinstance(value, dict) else ():
        spoiled(item)
    for item in value if isinstance(value, list | tuple) else ():
        spoiled(item)
    for kind, spoil in _SPOIL.items():
        if isinstance(value, kind):
            spoil(value)


def _spoil_array(value: Any) -> None:
    if value.dtype.kind in "if" and value.flags.writeable:
        value += 1


_SPOIL: dict[type, Callable[[Any], object]] = {
    list: lambda value: value.append("spoiled"),
    dict: lambda value: value.update(spoiled=True),
    set: lambda value: value.add("spoiled"),
    bytearray: lambda value: value.extend(b"spoiled"),
    np.ndarray: _spoil_array,
    Plain: lambda value: setattr(value, "x", "spoiled"),
    Slotted: lambda value: setattr(value, "x", "spoiled"),
    Attrs: lambda value: setattr(value, "x", "spoiled"),
}


def open_spot(directory: str, **options: Any) -> Spot:
    """A Spot whose failures raise, and that knows the program's classes."""
    spot = Spot("app", directory=directory, config=False, strict=True, **options)
    for cls in CLASSES:
        spot.register(cls)
    return spot


# ------------------------------------------------------------------------------- another process


def serve() -> None:
    """Make calls for another process: pickled requests come in, texts of outcomes go out."""
    spot: Spot | None = None
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    while True:
        order, *details = pickle.load(incoming)
        reply: Any = None
        if order == "open":
            directory, options, World.table, World.log = details
            spot = open_spot(directory, **options)
        elif order == "close" and spot is not None:
            spot.shutdown()
        elif order == "call" and spot is not None:
            (request,) = details
            reply = outcome(functools.partial(request.call, spot.mark), spoil=True)
        elif order == "stop":
            return
        pickle.dump(reply, outgoing)
        outgoing.flush()


PATHS = (Path("/tmp/a"), PurePosixPath("a"), PureWindowsPath("a"))
ADDRESSES = (ipaddress.ip_address("::1"), ipaddress.ip_network("10.0.0.0/8"))
