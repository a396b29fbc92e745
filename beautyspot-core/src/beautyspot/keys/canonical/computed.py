"""Values that an object computes once and keeps, as a cached property does.

They follow from the rest of the object, and reading one must not change the key. What was assigned
in the place of one does not follow from it, and counts. Nothing in the object tells the two apart.
So the value is computed once more, from a copy, and compared: once in a process for each state and
value. A value without a stable form, such as a client, can't be compared; it is taken for computed.
"""

from __future__ import annotations

import copy
import hashlib
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.functions.by_identity import ByIdentity
from beautyspot.keys.canonical.text import utf8
from beautyspot.keys.canonical.walk import Without

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.keys.canonical.walk import Walk

    Function = Callable[[Any], Any]

_NAMES: Final = frozenset(
    {"cached_property", "cachedproperty", "lazy_property", "lazyproperty", "memoized_property"}
)
"""What such properties are called in the standard library, Django, Werkzeug and elsewhere."""

_FUNCTIONS: Final = ("func", "fget", "wrapped")

_known: Final[ByIdentity[dict[bytes, bool]]] = ByIdentity()
_MOST: Final = 4096  # comparisons of a class that are remembered


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
    texts = {
        name: text
        for name, (item, _) in computed.items()
        if name not in ignored and (text := walk.text_of(item)) is not None
    }
    if not texts:
        return {}
    rest = walk.text_of(Without(value, (*ignored, *computed)))
    return {
        name: computed[name][0]
        for name, text in texts.items()
        if not _is_computed(walk, value, computed[name][1], f"{name} {rest} {text}", text)
    }


def _is_computed(walk: Walk, value: object, function: Function, state: str, text: str) -> bool:
    kind = type(value)
    known = _known.get(kind)
    if known is None:
        known = _known.put(kind, {})
    digest = hashlib.sha256(utf8(state)).digest()
    found = known.get(digest)
    if found is None:
        if len(known) >= _MOST:
            known.clear()
        found = known[digest] = walk.text_of(_again(function, value)) == text
    return found


def _again(function: Function, value: Any) -> Any:
    """What the property computes now; an object of no stable form if it raises."""
    try:
        return function(copy.copy(value))  # it may set attributes beside
    except Exception:
        return object()


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
