"""What a call does to its own key, and what `ignore=` leaves out of nothing.

A call that changes what its key is made of, such as an attribute of `self` or a list that was
passed, is not stored: a hit in the next process would give its result without the change.
"""

from __future__ import annotations

import inspect
import re
from types import FunctionType, MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.functions.annotations import annotations_of
from beautyspot.functions.names import captured, closures
from beautyspot.keys.walk import Without
from beautyspot.messages import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from beautyspot.tasks.addressing import Addressed, Written
    from beautyspot.tasks.following import Record


class Watch(NamedTuple):
    """What a call may change of its own key, as it was when it got that.

    Attributes:
        call: the call.
        written: what was written of it then.
        item: True for the item of `each=` alone, False for all but that.
        code: what `version="auto"` was made of; None where nobody asks for that.
    """

    call: Addressed
    written: Written
    item: bool | None
    code: set[Record] | None


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The paths whose texts are not the same, less those that have such paths beneath them."""
    paths = [path for path in {**before, **after} if before.get(path) != after.get(path)]
    return [p for p in paths if not any(q.startswith((f"{p}.", f"{p}<", f"{p}[")) for q in paths)]


_STEP: Final = re.compile(r"<captured (\w+)>|\.(\w+)|.", re.DOTALL)


def root(path: str) -> str:
    """The argument, or the captured variable, that a path begins with."""
    return re.match(r"[^.<\[]*", path)[0]  # type: ignore[index]  # matches any text


def called(path: str) -> str:
    """What messages call a path: from the last variable on, if a function captured one."""
    *_, last = path.split("<captured ")
    return last.replace(">", "", 1) if last != path else path


def ignorable(path: str, *, held: bool) -> str:
    """What `ignore=` takes to leave out what is at a path; "" if nothing does.

    A variable is left out of all functions within the one that `ignore=` names, or within the
    marked one.

    Args:
        path: the path of what was noted.
        held: whether it begins with a variable that the marked function captured.
    """
    at = root(path)
    head = "" if held else f"{at}."
    for variable, attribute in _STEP.findall(path[len(at) :]):
        if variable:
            at = f"{head}{variable}"
        elif attribute and attribute != "__wrapped__":
            at = f"{at}.{attribute}"
            head = f"{at}."
        elif not attribute:
            return ""
    return "" if at == "__wrapped__" else at


def value_at(path: str, value: Any) -> Any:
    """The object at a path, given the one that it begins with; None if it can't be found."""
    for variable, attribute in _STEP.findall(path[len(root(path)) :]):
        value = value.value if type(value) is Without else value
        value = captured(value).get(variable) if variable else dict(members(value)).get(attribute)
    return value.value if type(value) is Without else value


# ---------------------------------------------------------------------- `ignore=` of nothing


def leads_nowhere(arguments: Mapping[str, Any]) -> str | None:
    """What is wrong with the first path of `ignore=` that leaves out nothing; None if all do.

    An attribute that a class declares, and an object may get later, is none of those.
    """
    for name, value in arguments.items():
        for path in value.paths if type(value) is Without else ():
            wrong = _what_is_wrong(value.value, path)
            if wrong is not None:
                return f'ignore=("{name}.{path}",) leaves out nothing: {wrong}'
    return None


def _what_is_wrong(value: Any, path: str) -> str | None:
    for name in path.split("."):
        if value is None:  # an argument that is left out, say
            return None
        parts = closures(value) if isinstance(value, FunctionType) else []
        if any(name in {**captured(each), **vars(each)} for each in parts):
            return None
        cls, own = type(value), dict(members(value))
        declared = inspect.getattr_static(value, name, _NOTHING)
        if name not in own and isinstance(declared, property):
            return f"{cls.__qualname__}.{name} is a property: name the attribute that it reads"
        is_slot = name in own or type(declared) is MemberDescriptorType
        if not is_slot and hasattr(type(declared), "__set__"):  # of a named tuple, or a type in C
            return (
                f"{cls.__qualname__}.{name} is a part of a value that counts as a whole: pass what "
                "counts of it, or say that with mark(key={argument: function})"
            )
        may_get = hasattr(cls, "__getattr__") or any(name in annotations_of(b) for b in cls.__mro__)
        if declared is _NOTHING and not may_get:
            close = did_you_mean(name, own)
            return f"the {cls.__qualname__} has no attribute {name!r}.{close}"
        value = own.get(name)
    return None


def members(value: object) -> Iterator[tuple[str, Any]]:
    """The attributes of an object, in its ``__dict__`` and its slots."""
    yield from dict(getattr(value, "__dict__", {})).items()
    for cls in type(value).__mro__:
        for name, slot in vars(cls).items():
            if type(slot) is MemberDescriptorType and hasattr(value, name):
                yield name, getattr(value, name)


_NOTHING: Final = object()
