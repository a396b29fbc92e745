"""What a call does to its own key, and what `ignore=` leaves out of nothing.

A call that changes what its key is made of, such as an attribute of `self` or a list that was
passed, is not stored: a hit in the next process would give its result without the change.
"""

from __future__ import annotations

import inspect
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.functions.annotations import annotations_of
from beautyspot.keys.canonical import NO_FORM, Without, printable
from beautyspot.messages import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from beautyspot.functions.code.auto_version import Record

    Parts = Callable[[str, Any], tuple[dict[str, str], bool]]
    Now = Callable[[], Mapping[str, Any]]


class Change(NamedTuple):
    """What a call changed: its path, as a message calls it, and of what it is a part."""

    path: str
    name: str
    value: Any


class Watch:
    """What a call may change of its own key, as it is when this is made.

    Args:
        parts: gives the texts of a value and its parts, by their paths, and whether that of the
            value is its canonical one.
        now: gives what is to be compared, by name, as it is when it is asked.
        code: what `version="auto"` is made of; None where nobody asks for that.

    Attributes:
        known: the canonical texts that are known of that, by name.
    """

    def __init__(self, parts: Parts, now: Now, code: set[Record] | None) -> None:
        self.code = code
        self._parts = parts
        self._now = now
        self._before: dict[str, dict[str, str]] = {}
        self.known: dict[str, str] = {}
        for name, value in now().items():
            self._before[name], is_whole = parts(name, value)
            if is_whole:
                self.known[name] = printable(self._before[name][name])

    def changed(self) -> Iterator[Change]:
        """What is another thing by now: the attributes of an object, where these are all."""
        for name, value in self._now().items():
            before, (after, _) = self._before.get(name, {}), self._parts(name, value)
            paths = [path for path in {**before, **after} if before.get(path) != after.get(path)]
            if NO_FORM in after.values():
                paths = [*after]
            for path in [path for path in paths if path != name] or paths:
                yield Change(path, name, value)


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
