"""What counts with `version="auto"`: the code of a function, and that which comes as arguments."""

from __future__ import annotations

from collections import deque
from functools import partial
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts.types import OF_DATA
from beautyspot.errors import UnstableKeyError
from beautyspot.functions.by_identity import ByIdentity
from beautyspot.functions.code.auto_version import version_auto
from beautyspot.functions.code.contents import fields_of
from beautyspot.functions.code.forms import digest_of
from beautyspot.functions.code.references import class_of
from beautyspot.functions.names import (
    is_of_no_file,
    is_python_class,
    namespace_of,
    python_function,
    root_of,
)
from beautyspot.keys.canonical.resolve import has_own_form
from beautyspot.keys.canonical.walk import Without
from beautyspot.keys.memo import FLAT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beautyspot.contracts import KeyGenBase

_NOTHING: Final = digest_of([])  # of other people's code
_SEQUENCES: Final = (list, tuple, set, frozenset, deque)


class FollowedCode:
    """Follows the code of one function and of its arguments.

    Args:
        function: the function.
        keygen: gives the text of what the code reads, as of an argument.
    """

    def __init__(self, function: Any, keygen: KeyGenBase) -> None:
        self._function = function
        self._keygen = keygen
        self._project = root_of(namespace_of(function).get("__name__"))
        inner = python_function(function)
        # Of this class the function's own version follows what it calls on `self`.
        self._owner = None if inner is None else class_of(inner)
        self._known: ByIdentity[str] = ByIdentity()

    def version(self) -> str:
        """The version of the function: 32 hex digits."""
        return version_auto(self._function, self._content, project=self._project)

    def of(self, values: Iterable[object]) -> str:
        """A digest of the code of what is in `values`; "" where there is none."""
        versions = {self._version(item) for item in _definitions(values, self._owner)} - {_NOTHING}
        return digest_of(sorted(versions)) if versions else ""

    def _version(self, definition: Any) -> str:
        owner: Any = definition
        if isinstance(definition, FunctionType):
            held = definition.__closure__, definition.__defaults__, definition.__kwdefaults__
            owner = definition if any(held) else definition.__code__  # a lambda is made anew
        known = self._known.get(owner)
        if known is not None:
            return known
        version = version_auto(definition, self._content, project=self._project, passed=True)
        return version if is_of_no_file(definition) else self._known.put(owner, version)

    def _content(self, value: object) -> str:
        modules = [base.__module__ for base in type(value).__mro__[:-1]]
        if any(has_own_form(module) or root_of(module) in OF_DATA for module in modules):
            return self._keygen.canonical(value)
        raise UnstableKeyError(f"{type(value)} is a class of others, and may be anything")


def _definitions(values: Iterable[object], owner: object) -> Iterator[Any]:
    """The functions in `values`, and the classes there and of what is there.

    Args:
        values: the arguments of a call.
        owner: the class of the method that is called, which does not count as the class of `self`.
    """
    first, *others = [*values] or [None]
    receiver = first.value if type(first) is Without else first
    todo: list[Any] = [others]
    seen: dict[int, object] = {}
    if receiver is not owner and type(receiver) is not owner:
        todo.append(first)
    elif receiver is not owner:
        seen[id(receiver)] = receiver
        todo.append([item for _, item in fields_of(receiver)])
    while todo:
        value = todo.pop()
        kind = type(value)
        if kind in FLAT or id(value) in seen:
            continue
        seen[id(value)] = value
        if issubclass(kind, FunctionType | type):
            yield value
        else:
            todo += _parts(kind, value)


def _parts(kind: type, value: Any) -> Iterator[Any]:
    if is_python_class(kind):
        yield kind
        yield from [item for _, item in fields_of(value)]
    if issubclass(kind, MethodType):
        yield from (value.__func__, value.__self__)
    elif issubclass(kind, partial):
        yield from (value.func, value.args, value.keywords)
    elif issubclass(kind, dict):
        yield from [*_unflat(value), *_unflat(value.values())]
    elif issubclass(kind, _SEQUENCES):
        yield from _unflat(value)
    elif hasattr(kind, "__wrapped__") or "__wrapped__" in getattr(value, "__dict__", ()):
        yield value.__wrapped__


def _unflat(items: Iterable[object]) -> list[object]:
    """The items that may hold any; most containers hold plain values only."""
    return [] if FLAT.issuperset(map(type, items)) else list(items)
