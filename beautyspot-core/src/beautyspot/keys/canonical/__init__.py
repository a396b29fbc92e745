"""Canonical text: JSON that is the same for equal values, and differs for all others.

`walk` goes through a value, `resolve` finds the form of each class, and the form writes the value:
those in `containers`, `callables`, `state` and `standard`, and in `libraries`. The text is the same
in every process, under every hash seed, on every machine and every supported version of Python. A
golden file pins it.
"""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts.file import File
from beautyspot.errors import UnstableKeyError
from beautyspot.keys.canonical.resolve import form_of
from beautyspot.keys.canonical.text import FLAT, encode, printable, quote, utf8
from beautyspot.keys.canonical.walk import ADVICE, ATTRIBUTE, KEYED, PART, Walk, Without
from beautyspot.messages import less_secrets, masked

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.keys.canonical.walk import Custom, Form

__all__ = [
    "FLAT",
    "NO_FORM",
    "Without",
    "arguments",
    "canonical",
    "encode",
    "parts",
    "printable",
    "quote",
    "utf8",
]

NO_FORM: Final = ""
"""In place of the text of what has none."""

CAPTURED: Final = "<captured "
"""The name of a part of a function begins so, if it is a variable."""

_NONE: Final[Custom] = MappingProxyType({})


def canonical(
    value: object, custom: Custom = _NONE, resolve: Callable[[type], Form] = form_of
) -> str:
    """The canonical text of `value`.

    Args:
        value: anything.
        custom: ``id(class)`` -> the class, and a function that returns what counts of its
            instances, or of a subclass's. Classes may be equal that are not one.
        resolve: returns the form of a class.

    Raises:
        UnstableKeyError: a part has no stable form; the path starts with ``value``.
    """
    return _written(Walk(resolve, custom), lambda walk: walk.at("value", "", value))


def arguments(
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    custom: Custom = _NONE,
    resolve: Callable[[type], Form] = form_of,
) -> str:
    """The canonical text of a call: a JSON array of `args` (an array) and `kwargs` (an object).

    Raises:
        UnstableKeyError: a part has no stable form; the path starts with ``args[0]`` or
            ``kwargs['name']``.
    """
    return _written(Walk(resolve, custom), lambda walk: _call(walk, args, kwargs))


def parts(
    name: str, value: object, custom: Custom, resolve: Callable[[type], Form]
) -> tuple[dict[str, str], bool]:
    """The texts of a value, of its attributes, and of the variables that functions in it captured.

    By what a message calls them: `name`, ``name.attribute``, ``variable``. Two of these tell what
    changed between them. A `File` is not read for that, and no cached property computed. Of a value
    without a form there is one entry, with `NO_FORM`, for the part that has none.

    Returns:
        The texts, and whether that of the value is its canonical one, since it has nothing of that.
    """
    walk = _Parts(custom, resolve)
    try:
        walk.at(PART, name, value)
    except Exception:
        return {walk.broken(): NO_FORM}, False
    return walk.texts, not walk.passed_over


class _Parts(Walk):
    """Keeps the texts of the parts that a message can name."""

    __slots__ = ("texts",)

    def __init__(self, custom: Custom, resolve: Callable[[type], Form]) -> None:
        super().__init__(resolve, {**custom, id(File): (File, self._path_of)})
        self.passed_over = []
        self.texts: dict[str, str] = {}

    def _path_of(self, file: File) -> str:
        self.passes_over(file)
        return os.fspath(file)

    def at(self, step: str, key: object, value: object) -> str:
        """As of any walk."""
        text = super().at(step, key, value)
        if not self._path or step is ATTRIBUTE or step is PART:
            self.texts[_called([*self._path, (step, key)])] = text
        return text

    def mapping(self, items: dict[Any, Any], step: str = KEYED) -> str:
        """As of any walk, which writes attributes at once where all are flat."""
        for key, item in items.items() if step is ATTRIBUTE else ():
            if type(item) in FLAT:
                self.at(step, key, item)
        return super().mapping(items, step)

    def broken(self) -> str:
        """What has no form, where the walk has stopped."""
        return _called(self._path)


def _called(path: list[tuple[str, object]]) -> str:
    """What a message calls the part at the end of a path, or the nearest one around it."""
    called = ""
    steps = [(step, str(key)) for step, key in path if step]  # `Without` adds empty ones
    for depth, (step, key) in enumerate(steps):
        if depth == 0:
            called = key
        elif depth == 1 and step is ATTRIBUTE:
            called = f"{called}.{key}"
        elif step is PART and key.startswith(CAPTURED):
            called = key[len(CAPTURED) : -1]
    return called


def _call(walk: Walk, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    texts = [walk.at("args[{}]", number, value) for number, value in enumerate(args)]
    # This is not a dict's text, so a keyword may look like a tag without harm.
    named = [
        f"{quote(name)}:{walk.at('kwargs[{!r}]', name, kwargs[name])}" for name in sorted(kwargs)
    ]
    return f"[[{','.join(texts)}],{{{','.join(named)}}}]"


def _written(walk: Walk, write: Callable[[Walk], str]) -> str:
    """Turn whatever a value raises (a closed file, a property) into our error."""
    try:
        return printable(write(walk))
    except UnstableKeyError:
        raise
    except Exception as error:
        why = f"could not be read ({type(error).__name__}: {masked(str(error))})"
        if isinstance(error, RecursionError):  # the walk started with little of the stack left
            why = "is nested too deeply for what is left of Python's stack"
        path = walk.path()
        raise UnstableKeyError(f"{less_secrets(path[:80])} {why}: {ADVICE}", path=path) from error
