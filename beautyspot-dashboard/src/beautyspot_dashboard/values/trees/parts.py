"""The parts of a value, some at a time, and the path that leads to each."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot import ErrorInstance, Instance

from beautyspot_dashboard.rendering.texts import count
from beautyspot_dashboard.values.leaves import Written, leaf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_STEP: Final = re.compile(
    r'\.([A-Za-z_][A-Za-z0-9_]*)|\[("(?:[^"\\]|\\.){0,200}")\]|\[([0-9]{1,15})\]|\{([0-9]{1,15})\}'
)
"""``.name``, ``["any name"]``, ``[position]``, and ``{position}`` where there is no such name."""

_LONGEST_NAME: Final = 60


class Pairs(list[tuple[str, Any]]):
    """An object of a JSON text in which a name stands twice."""


class Part(NamedTuple):
    """A part of a value: how the path goes on to it, what it is called, and itself."""

    step: str
    label: str
    value: Any


@dataclass(frozen=True)
class Parts:
    """The parts of a value.

    Attributes:
        size: how many.
        name: what the value is, for people.
        some: gives those from one place to another.
    """

    size: int
    name: str
    some: Callable[[int, int], Iterator[Part]]


def parts_of(value: Any) -> Parts | None:
    """The parts of a value; None where it has none."""
    if isinstance(value, dict):
        return _mapping(value, f"{type(value).__name__} · {_number(len(value), 'entry')}")
    if isinstance(value, Instance):
        return _mapping(value.fields, class_label(value))
    if isinstance(value, Pairs):
        return Parts(len(value), "object with a name that stands twice", _entries(value))
    if isinstance(value, list | tuple):
        return Parts(len(value), _listed(value), _items(value))
    if isinstance(value, set | frozenset):
        return Parts(len(value), _listed(value), lambda a, b: _items_of_set(value, a, b))
    return None


def class_label(value: Instance) -> str:
    """The name of the class of an instance or error."""
    error = "error " if isinstance(value, ErrorInstance) else ""
    return f"{error}{value.class_name.rpartition(':')[2]}"


def part_at(value: Any, path: str) -> Any:
    """What a path leads to, from ``$``, the value itself.

    Raises:
        LookupError: it leads nowhere.
    """
    place = 1
    if not path.startswith("$"):
        raise LookupError(path)
    while place < len(path):
        step = _STEP.match(path, place)
        if step is None:
            raise LookupError(path)
        value = _next(value, step)
        place = step.end()
    return value


def steps_of(path: str) -> list[tuple[str, str]]:
    """Each step of a path, with the path that ends in it."""
    return [(found[0], path[: found.end()]) for found in _STEP.finditer(path)]


def _next(value: Any, step: re.Match[str]) -> Any:
    name, quoted, index, entry = step.groups()
    if index is not None or entry is not None:
        return _nth(value, int(index or entry))
    wanted = name if name is not None else _unquoted(quoted)
    if isinstance(value, Instance):
        return value.fields[wanted]
    named: dict[Any, Any] = value if isinstance(value, dict) else {}
    return named[wanted]


def _unquoted(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise LookupError(text) from error


def _nth(value: Any, place: int) -> Any:
    parts = parts_of(value)
    if parts is None:
        raise LookupError(place)
    for part in parts.some(place, place + 1):
        return part.value
    raise LookupError(place)


def _mapping(value: Any, name: str) -> Parts:
    def some(start: int, stop: int) -> Iterator[Part]:
        entries = islice(value.items(), start, stop)
        for place, (key, each) in enumerate(entries, start):
            yield Part(_step(key, place), _label(key), each)

    return Parts(len(value), name, some)


def _step(key: Any, place: int) -> str:
    if type(key) is not str or len(key) > _LONGEST_NAME:
        return f"{{{place}}}"
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
        return f".{key}"
    return f"[{json.dumps(key)}]"


def _label(key: Any) -> str:
    if type(key) is str:
        return key if len(key) <= _LONGEST_NAME else f"{key[:_LONGEST_NAME]}…"
    parts = parts_of(key)
    if parts is None:
        return leaf(key, _LONGEST_NAME).text
    inner = ", ".join(leaf(part.value, 20).text for part in parts.some(0, 5))
    return f"({inner}{', …' if parts.size > 5 else ''})"


def _entries(pairs: Pairs) -> Callable[[int, int], Iterator[Part]]:
    def some(start: int, stop: int) -> Iterator[Part]:
        for place, (key, value) in enumerate(pairs[start:stop], start):
            yield Part(f"{{{place}}}", _label(key), value)

    return some


def _items(value: Any) -> Callable[[int, int], Iterator[Part]]:
    def some(start: int, stop: int) -> Iterator[Part]:
        for place, each in enumerate(value[start:stop], start):
            yield Part(f"[{place}]", str(place), each)

    return some


def _items_of_set(value: Any, start: int, stop: int) -> Iterator[Part]:
    for place, each in enumerate(_in_order(value)[start:stop], start):
        yield Part(f"{{{place}}}", "", each)


def _in_order(value: Any) -> list[Any]:
    """The order of a set differs from process to process, and paths name places in it."""
    if all(isinstance(each, str) and not isinstance(each, Written) for each in value):
        return sorted(value)
    if all(isinstance(each, int | float) and each == each for each in value):
        return sorted(value)
    return sorted(value, key=lambda each: leaf(each).text)


def _listed(value: Any) -> str:
    return f"{type(value).__name__} · {_number(len(value), 'item')}"


def _number(size: int, thing: str) -> str:
    many = {"entry": "entries"}.get(thing, f"{thing}s")
    return f"{count(size)} {thing if size == 1 else many}"
