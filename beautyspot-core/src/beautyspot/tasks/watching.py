"""What a call does to its own key, and what `ignore=` leaves out of nothing.

A function that changes what outlives its call (an attribute of `self`, a variable that it captured)
gives the same call another key each time: a miss for ever. An argument that its caller makes anew,
such as a list that is sorted in place, is no such thing. So plain values and containers are not
watched; attributes of objects, and captured variables, are. Of an object whose class, or a plug-in,
says what counts of it, such as a client, it is watched whether it still has a form after the call.
"""

from __future__ import annotations

import inspect
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.functions.annotations import annotations_of
from beautyspot.functions.names import is_python_class
from beautyspot.keys.canonical import Without
from beautyspot.messages import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from beautyspot.contracts import KeyGenBase

    Texts = dict[str, str]
    Now = Callable[[], tuple[Mapping[str, Any], Mapping[str, Any]]]

WATCHED: Final = 3
"""So many misses of a function are watched, in each process: it takes as long as their keys."""

_UNSTABLE: Final = "unstable"


class Watch:
    """What outlives a call and counts for its key, as it is when this is made.

    Args:
        keygen: makes canonical texts.
        now: returns the arguments by name, and the captured variables that count.
    """

    def __init__(self, keygen: KeyGenBase, now: Now) -> None:
        self._keygen = keygen
        self._now = now
        arguments, held = now()
        self._whole = {name for name, value in arguments.items() if self._counts_whole(value)}
        self._before = self._texts(arguments, held)

    def changed(self) -> dict[str, str | None]:
        """What the call changed, ready for `ignore=`; with why it has no form any more, if so."""
        arguments, held = self._now()
        after = self._texts(arguments, held)
        paths = [path for path in {**self._before, **after} if self._differs(path, after)]
        return {
            path: self._why_unstable(arguments, held, path)
            if after.get(path) == _UNSTABLE
            else None
            for path in paths
            if path in held or self._counts(arguments, path)
        }

    def _differs(self, path: str, after: Texts) -> bool:
        return self._before.get(path) != after.get(path)

    def _texts(self, arguments: Mapping[str, Any], held: Mapping[str, Any]) -> Texts:
        texts = {name: self._text(value) for name, value in held.items()}
        for name, value in arguments.items():
            attributes = dict(_attributes(value))
            if name in self._whole:
                if self._text(value) == _UNSTABLE:
                    texts[name] = _UNSTABLE
            elif attributes and not self._counts_whole(value):
                for attribute, item in attributes.items():
                    texts[f"{name}.{attribute}"] = self._text(item)
        return texts

    def _counts_whole(self, value: object) -> bool:
        """Whether an object does not count by its attributes: its class, or a plug-in, says how.

        Such a one may be a client, with attributes that take seconds to write.
        """
        attributes = tuple(name for name, _ in _attributes(value))
        if not attributes:
            return False
        less = self._text(Without(value, attributes))
        return less != _UNSTABLE and less == self._text(value)

    def _why_unstable(
        self, arguments: Mapping[str, Any], held: Mapping[str, Any], path: str
    ) -> str:
        name, _, attribute = path.partition(".")
        value = held[path] if path in held else arguments[name]
        try:
            self._keygen.canonical(dict(_attributes(value))[attribute] if attribute else value)
        except Exception as error:
            return str(error)
        return ""

    def _text(self, value: object) -> str:
        try:
            return self._keygen.canonical(value)
        except Exception:
            return _UNSTABLE

    def _counts(self, arguments: Mapping[str, Any], path: str) -> bool:
        """Whether leaving out the attribute makes another key: not of a frame's own attributes."""
        name, _, attribute = path.partition(".")
        if not attribute:
            return True
        value = arguments[name]
        whole = self._text(value)
        return whole == _UNSTABLE or self._text(Without(value, (attribute,))) != whole


def _attributes(value: object) -> Iterator[tuple[str, Any]]:
    """The attributes of an object that counts by them, less those that are left out."""
    paths: tuple[str, ...] = ()
    if type(value) is Without:
        paths, value = value.paths, value.value
    if isinstance(value, type) or not is_python_class(type(value)):
        return
    for name, item in _members(value):
        if name not in paths:
            inner = tuple(path[len(name) + 1 :] for path in paths if path.startswith(f"{name}."))
            yield name, Without(item, inner) if inner else item


def _members(value: object) -> Iterator[tuple[str, Any]]:
    yield from dict(getattr(value, "__dict__", {})).items()
    for cls in type(value).__mro__:
        for name, slot in vars(cls).items():
            if type(slot) is MemberDescriptorType and hasattr(value, name):
                yield name, getattr(value, name)


# ---------------------------------------------------------------------- `ignore=` of nothing


def leads_nowhere(arguments: Mapping[str, Any]) -> str | None:
    """What is wrong with the first path of `ignore=` that leaves out nothing; None if all do.

    An attribute that a class declares, and an object may get later, is none of those.
    """
    value: Any
    shortened = {n: each for n, each in arguments.items() if isinstance(each, Without)}
    for name, value in shortened.items():
        for path in value.paths:
            wrong = _what_is_wrong(value.value, path)
            if wrong is not None:
                return f'ignore=("{name}.{path}",) leaves out nothing: {wrong}'
    return None


def _what_is_wrong(value: Any, path: str) -> str | None:
    for name in path.split("."):
        if value is None:  # an argument that is left out, say
            return None
        cls = type(value)
        declared = inspect.getattr_static(value, name, _NOTHING)
        if isinstance(declared, property):
            return f"{cls.__qualname__}.{name} is a property: name the attribute that it reads"
        if declared is _NOTHING and not _may_get(cls, name):
            close = did_you_mean(name, [known for known, _ in _members(value)])
            return f"the {cls.__qualname__} has no attribute {name!r}.{close}"
        value = dict(_members(value)).get(name)
    return None


def _may_get(cls: type, name: str) -> bool:
    """Whether instances may have the attribute, though this one has not."""
    annotated = any(name in annotations_of(base) for base in cls.__mro__)
    return annotated or hasattr(cls, "__getattr__")


_NOTHING: Final = object()
