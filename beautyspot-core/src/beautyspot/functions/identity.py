"""The identity of a function: a name that is the same in every process, or else its code.

A function is named ``module:qualified.name``. Where that name leads back to it nothing else counts:
its code may be edited, and what was paid for stays. Where it does not (a lambda, a function made
inside another, a cell of a notebook, a second function of the same name) its normalised code and
what it captured are what tells it from its neighbours, and both become part of the key.

Wrappers of our own are looked through everywhere. Those of others are looked through when a name is
followed (``__wrapped__``, static and class methods, properties), so that a decorator that uses
`functools.wraps` changes no name, above ours or beneath. A decorator above ours that leaves no way
back makes the code count, which costs a miss after an edit and never a wrong value.
"""

from __future__ import annotations

from enum import Enum
from functools import partial
from types import BuiltinMethodType, FunctionType, MethodType, MethodWrapperType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.concurrency.locks import Lazily
from beautyspot.functions.names import (
    captured,
    identifier_of,
    is_anonymous,
    is_made_at_run_time,
    is_python_class,
    names_itself,
    python_function,
    unwrap_ours,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BOUND: Final = (MethodType, BuiltinMethodType, MethodWrapperType)
_SIMPLE: Final = (bool, int, float, complex, str, bytes, type(None))


class Identity:
    """Which function a call is of.

    Args:
        func: any callable; our own wrappers are taken off.

    Attributes:
        named: the function or class whose name it is.
        func_name: the short name, for people.
        func_identifier: ``module:qualified.name``.
    """

    def __init__(self, func: Callable[..., Any]) -> None:
        self._target, self._held = _taken_apart(unwrap_ours(func))
        self.named: Any = self._target if names_itself(self._target) else type(self._target)
        self.func_name = str(getattr(self.named, "__name__", None) or self.named.__qualname__)
        self.func_identifier = identifier_of(self._target)

    @Lazily
    def anonymous(self) -> bool:
        """The identifier alone does not lead back: `code` (if any) and `captures` count too.

        Decided when first asked. Ask at the first call: a decorator runs before the name is bound,
        and a name that is bound to nothing yet counts as leading back.
        """
        return bool(self._held) or self._nameless

    @Lazily
    def code(self) -> str | None:
        """A digest of the code; None where the name says enough, or there is no code in Python."""
        return _code_digest(self.named) if self._nameless else None

    def captures(self) -> dict[str, Any]:
        """What the function holds beside its arguments, as it is at this moment.

        The variables that an anonymous function captured, by name; and what a bound method, an
        object with `__call__` or a `functools.partial` carries, under names in ``<>``.
        """
        if not self._nameless:
            return dict(self._held)
        poses = not isinstance(self.named, type) and is_python_class(type(self.named))
        own = {"<self>": self.named} if poses else {}  # an object that poses as a function
        return {**captured_by(self.named), **own, **self._held}

    @Lazily
    def may_capture(self) -> frozenset[str]:
        """The names that `captures` may give at any time: a variable may have no value yet."""
        code = getattr(self.named, "__code__", None)
        variables = ("<unknown>",) if code is None else code.co_freevars
        return frozenset(self._held).union(variables if self._nameless else ())

    @Lazily
    def _nameless(self) -> bool:
        return is_anonymous(self.named)

    def sent(self) -> tuple[bool, str | None]:
        """What to hand to `take` in another process, for the same function."""
        return self._nameless, self.code

    def take(self, sent: tuple[bool, str | None]) -> None:
        """Take over what `sent` gave: here the name may lead elsewhere, or no source be found."""
        nameless, code = sent
        vars(self).update(_nameless=nameless, code=code)


def function_parts(func: Callable[..., Any]) -> list[object]:
    """What tells `func` from every other callable, where it is an argument or a captured value.

    For a function, class or builtin that its name leads back to: ``[identifier]``. For any other:
    ``[identifier, code, values, links, defaults, keyword defaults, …]``, where `values` are the
    variables that it captured. Those that are such functions too stand in `links` instead, as the
    number of a row, and their rows follow at the end (0 is `func` itself): so functions that
    capture themselves or each other come to an end.

    Bound methods, partials and the state of objects with `__call__` are for the caller to add.
    """
    target = unwrap_ours(func)
    if not is_anonymous(target, bound=True):
        return [identifier_of(target)]
    nodes: list[Any] = [target if names_itself(target) else type(target)]
    rows = [_row(node, nodes) for node in nodes]  # `_row` appends to `nodes` while this runs
    return [identifier_of(target), *rows[0][1:], *rows[1:]]


def captured_by(obj: Any) -> dict[str, Any]:
    """The variables that a function captured, or that the methods of a class did, sorted by name.

    Less itself: a local function that calls itself captures its own name.
    """
    found = dict(_captured_by_class(obj)) if isinstance(obj, type) else captured(obj)
    return {name: found[name] for name in sorted(found) if unwrap_ours(found[name]) is not obj}


def _taken_apart(target: Any) -> tuple[Any, dict[str, Any]]:
    """The function in a partial or bound method, and what is held beside it."""
    if isinstance(target, partial):
        inner, held = _taken_apart(unwrap_ours(target.func))
        return inner, {"<args>": target.args, "<kwargs>": target.keywords, "<func>": held}
    if isinstance(target, MethodType):
        inner, held = _taken_apart(unwrap_ours(target.__func__))
        return inner, {"<self>": target.__self__, **({"<func>": held} if held else {})}
    return target, _held_by(target)


def _held_by(target: Any) -> dict[str, Any]:
    if not names_itself(target):
        return {"<self>": target}
    if isinstance(target, _BOUND) and not isinstance(target.__self__, ModuleType | None):
        return {"<self>": target.__self__}
    return {}


def _code_digest(obj: Any) -> str:
    from beautyspot.functions.code.digest import code_digest  # parses sources: rarely needed

    return code_digest(obj)


def _row(node: Any, nodes: list[Any]) -> list[object]:
    values: dict[str, Any] = {}
    links: dict[str, int] = {}
    for name, value in captured_by(node).items():
        inner = unwrap_ours(value)
        if isinstance(inner, FunctionType | type) and is_anonymous(inner, bound=True):
            links[name] = _number(inner, nodes)
        else:
            values[name] = value
    function = python_function(node)
    defaults = getattr(function, "__defaults__", None)
    return [
        *(identifier_of(node), _code_digest(node), values, links),
        *(defaults, getattr(function, "__kwdefaults__", None)),
    ]


def _number(node: Any, nodes: list[Any]) -> int:
    for number, known in enumerate(nodes):
        if known is node:
            return number
    nodes.append(node)
    return len(nodes) - 1


def _captured_by_class(cls: type[Any]) -> Iterator[tuple[str, Any]]:
    """What tells classes apart that one function made: captured variables, data and bases."""
    made = is_made_at_run_time(cls)
    for name, value in vars(cls).items():
        if name in {"__module__", "__qualname__", "__doc__"}:
            continue
        if _is_data(cls, name, value) and (made or type(value) in _SIMPLE):
            yield f".{name}", value
        for cell, content in () if isinstance(value, type) else captured(value).items():
            yield f"{name}.{cell}", content
    if made:
        yield from _beneath(cls)


def _is_data(cls: type[Any], name: str, value: object) -> bool:
    """Whether an attribute of a class is a value: no method, no slot, nothing of Python's own."""
    if name.startswith("__") or name == "_abc_impl" or isinstance(value, cls):
        return False
    if issubclass(cls, Enum) and name.startswith("_"):
        return False
    return isinstance(value, type) or not hasattr(type(value), "__get__")


def _beneath(cls: type[Any]) -> Iterator[tuple[str, Any]]:
    """What no source may show of a class: its bases, the values of an enum, the types of fields."""
    for number, base in enumerate(cls.__bases__):
        if base is not object:
            yield f"<base {number}>", base
    if is_made_at_run_time(type(cls)):
        yield "<metaclass>", type(cls)
    if issubclass(cls, Enum):
        yield "<members>", {name: member.value for name, member in cls.__members__.items()}
    if "<" not in cls.__qualname__:  # `make_dataclass`, `create_model`: there is no source at all
        for name in ("__annotations__", "__pydantic_fields__"):
            fields = vars(cls).get(name) or {}
            yield f".{name}", {field: repr(kind) for field, kind in fields.items()}
