"""What an object holds beyond its base: its slots and its ``__dict__``, less what they imply."""

from __future__ import annotations

from contextlib import suppress
from types import GetSetDescriptorType, MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.functions.identity import is_of_installed
from beautyspot.functions.names import is_python_class

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.keys.walk import Walk

_LAZY: Final = frozenset(
    {"cached_property", "cachedproperty", "lazy_property", "lazyproperty", "reify",
     "memoized_property", "CachedAccessor", "NameSpace"}
)  # fmt: skip
"""What the classes are called whose instances keep in an object what they computed, in the
standard library and elsewhere; the accessors of pandas and Polars, too."""


def state_of(
    walk: Walk, value: object, base: type, inner: Callable[[str], object] = lambda _name: False
) -> str:
    """The JSON object of what is in the slots of all classes that `base` is not, and the dict.

    What an attribute of that name in a subclass hides is there as well, under a pair of the name
    and a number. What is `inner`, is a library's own.
    """
    members: dict[Any, Any] = {}
    times: dict[str, int] = {}
    for name, item in held_by(walk, value, base):
        times[name] = times.get(name, 0) + 1
        if item is not UNSET and not inner(name) and not is_derived(walk, value, name, item):
            members[name if times[name] == 1 else (name, times[name])] = item
    return walk.attributes(value, members)


def held_by(walk: Walk, value: object, base: type) -> Iterator[tuple[str, Any]]:
    """The attributes of an object beyond those of `base`, by name; `UNSET` of an empty slot."""
    kind = type(value)
    for owner in [each for each in kind.__mro__ if each not in base.__mro__]:
        fields = [field.name for field in vars(owner).get("__attrs_attrs__", ())]
        for name, slot in vars(owner).items():
            # The other slots of a class of attrs keep what it computed.
            if type(slot) is MemberDescriptorType and (name in fields or not fields):
                try:
                    item = slot.__get__(value, kind)
                except AttributeError:
                    item = UNSET
                # Of a class in C, None is what was not set. Other Pythons may not have it.
                yield name, UNSET if item is None and not is_python_class(owner) else item
    yield from own_dict(walk, value).items()


UNSET: Final = object()
"""In place of what a slot or a variable holds, where it holds nothing."""


def own_dict(walk: Walk, value: object) -> Any:
    """The ``__dict__`` itself, whatever the class makes of the name or of `__getattribute__`."""
    kind = type(value)
    for base in kind.__mro__:
        found: Any = base.__dict__.get("__dict__")
        if type(found) in (GetSetDescriptorType, MemberDescriptorType):
            return found.__get__(value)
    if kind.__dictoffset__ != 0:
        walk.refuse(value, "hides its __dict__")
    return {}


def is_derived(walk: Walk, value: object, name: object, item: object) -> bool:
    """Whether an attribute follows from the others: what a cached property keeps, hash, address.

    Reading one must not change the key; and hashes and addresses differ between processes.
    """
    if type(name) is not str:
        return False
    kind = type(value)
    found = next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)
    lazy = _LAZY.intersection([base.__name__ for base in type(found).__mro__])
    if lazy and hasattr(type(found), "__get__"):
        return True
    if name == "_now" and any(base.__module__ == "http.cookiejar" for base in kind.__mro__):
        return True  # when a jar was asked last
    if name == "_stop_words_id" and is_of_installed(kind):
        return True  # an address, as scikit-learn keeps it
    if name[:1] != "_" or "hash" not in name or hasattr(kind, "__del__"):
        return False
    return item is None or (type(item) is int and item == _hash_without(walk, value, name))


def _hash_without(walk: Walk, value: object, name: str) -> int | None:
    """The hash that an object has without an attribute; None where it has none then."""
    with suppress(Exception):  # of a class in C, or what `__hash__` raises
        twin: Any = object.__new__(type(value))
        for each, item in held_by(walk, value, object):
            if item is not UNSET:
                object.__setattr__(twin, each, None if each == name else item)
        return hash(twin)
    return None
