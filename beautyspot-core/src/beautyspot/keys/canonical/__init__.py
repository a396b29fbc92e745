"""Canonical text: JSON that is the same for equal values, and differs for all others.

`walk` goes through a value, `resolve` finds the form of each class, and the form writes the value:
those in `containers`, `callables`, `state` and `standard`, and in `libraries`. The text is the same
in every process, under every hash seed, on every machine and every supported version of Python. A
golden file pins it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import UnstableKeyError
from beautyspot.keys.canonical.resolve import form_of
from beautyspot.keys.canonical.text import FLAT, encode, printable, quote, utf8
from beautyspot.keys.canonical.walk import ADVICE, Walk, Without
from beautyspot.messages import less_secrets, masked

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.keys.canonical.walk import Custom, Form

__all__ = ["FLAT", "Without", "arguments", "canonical", "encode", "printable", "quote", "utf8"]

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
