"""Values that an object computes once and keeps, as a cached property does.

They follow from the rest of the object, and reading one must not change the key. What was assigned
in the place of one does not follow from it, and counts. Nothing in the object tells the two apart.
So the value is computed once more, from a copy, and compared: once in a process for each state and
value. A value without a stable form, such as a client, can't be compared; it is taken for computed.
"""

from __future__ import annotations

import copy
import hashlib
import threading
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.functions.by_identity import ByIdentity
from beautyspot.keys.canonical.text import utf8
from beautyspot.keys.canonical.walk import Without

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.keys.canonical.walk import Walk

    Function = Callable[[Any], Any]

_NAMES: Final = frozenset(
    {
        *("cached_property", "cachedproperty", "lazy_property", "lazyproperty", "reify"),
        *("memoized_property", "CachedAccessor", "NameSpace"),
    }
)
"""What such properties are called: in the standard library, Django, Werkzeug and elsewhere, and
the accessors that programs add to the frames of pandas and Polars."""

_FUNCTIONS: Final = ("func", "fget", "wrapped", "_accessor", "_ns")

_known: Final[ByIdentity[dict[bytes, bool]]] = ByIdentity()
_MOST: Final = 1024  # comparisons of a class that are remembered


def lazy(kind: type, name: str) -> Function | None:
    """What computes the attribute of that name, if the class keeps a computed value there."""
    for base in kind.__mro__:
        if name in vars(base):
            found = vars(base)[name]
            if type(found) is MemberDescriptorType:
                return _of_attrs(base, name)
            return _of_property(found)
    return None


def assigned(
    walk: Walk, value: object, computed: dict[str, tuple[Any, Function]]
) -> dict[str, Any]:
    """Those of the kept values that the object would not compute: name -> value.

    Args:
        walk: the walk that writes `value`.
        computed: name -> the value that is kept, and what computes it.
    """
    ignored = walk.less(value)
    kept = [
        _Kept(name, text, function)
        for name, (item, function) in computed.items()
        if name not in ignored and (text := walk.text_of(item)) is not None
    ]
    if not kept:
        return {}
    rest = walk.text_of(Without(value, (*ignored, *computed)))
    return {
        each.name: computed[each.name][0]
        for each in kept
        if not _is_computed(walk, value, each, str(rest))
    }


class _Kept(NamedTuple):
    """A value that is kept: its name and text, and what computes it."""

    name: str
    text: str
    function: Function


class _Comparing(threading.local):
    """What the thread computes again just now: class and name -> the state of the object."""

    def __init__(self) -> None:
        self.states: dict[tuple[int, str], bytes] = {}


_comparing: Final = _Comparing()


def _is_computed(walk: Walk, value: object, kept: _Kept, rest: str) -> bool:
    kind = type(value)
    known = _known.get(kind)
    if known is None:
        known = _known.put(kind, {})
    state = hashlib.sha256(utf8(f"{kept.name} {rest} {kept.text}")).digest()
    place = (id(kind), kept.name)
    if place in _comparing.states:  # the property calls a marked function with its object
        return _comparing.states[place] == state
    if state not in known:
        if len(known) >= _MOST:
            known.clear()
        known[state] = _compare(walk, value, kept, place, state)
    return known[state]


def _compare(walk: Walk, value: object, kept: _Kept, place: tuple[int, str], state: bytes) -> bool:
    _comparing.states[place] = state
    try:
        again = kept.function(copy.copy(value))  # it may set attributes beside
    except Exception:
        return False
    finally:
        del _comparing.states[place]
    return walk.text_of(again) == kept.text


def _of_property(found: object) -> Function | None:
    kind = type(found)
    if _NAMES.isdisjoint([base.__name__ for base in kind.__mro__]):
        return None
    functions = [getattr(found, name, None) for name in _FUNCTIONS]
    return next(filter(callable, functions), None)


def _of_attrs(owner: type, name: str) -> Function | None:
    """The function of a cached property that attrs keeps in a slot.

    attrs replaces the property by a ``__getattr__`` with its function among the defaults.
    """
    for functions in getattr(vars(owner).get("__getattr__"), "__defaults__", None) or ():
        if isinstance(functions, dict) and callable(functions.get(name)):
            function: Function = functions[name]
            return function
    return None
