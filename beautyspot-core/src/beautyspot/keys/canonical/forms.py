"""Forms of types whose value is said in full by a text, or by parts that have forms themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot.keys.canonical.text import quote, tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from beautyspot.keys.canonical.walk import Form


def of_text(name: str, text: Callable[[Any], str]) -> Form:
    """The form of a type whose value `text` says in full."""
    return lambda _walk, value: tag(name, quote(text(value)))


def of_parts(name: str, parts: Callable[[Any], Iterable[Any]]) -> Form:
    """The form of a type whose value `parts` say in full."""
    return lambda walk, value: tag(name, walk.array(parts(value)))
