"""Canonical text: JSON that is the same for equal values, and differs for all others.

`walk` goes through a value, and `forms` has the form of each class. The text is the same in every
process, under every hash seed, on every machine and every supported version of Python. A golden
file pins it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import UnstableKeyError
from beautyspot.keys.forms import form_of
from beautyspot.keys.text import printable, quote
from beautyspot.keys.walk import ADVICE, NAME, Walk, Without
from beautyspot.messages import less_secrets, masked

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.keys.walk import Custom, Form

__all__ = ["Walk", "Without", "arguments", "canonical", "named", "write"]

_NONE: Final[Custom] = {}


def canonical(value: object, custom: Custom = _NONE, form: Form = form_of) -> str:
    """The canonical text of `value`.

    Args:
        value: anything.
        custom: key functions, see `Walk`.
        form: writes whatever is no flat value, list, tuple or dict.

    Raises:
        UnstableKeyError: a part has no stable form; the path starts with ``value``.
    """
    return printable(write(Walk(form, custom), lambda walk: walk.at("value", "", value)))


def arguments(
    args: tuple[Any, ...], kwargs: dict[str, Any], custom: Custom = _NONE, form: Form = form_of
) -> str:
    """The canonical text of a call: a JSON array of `args` (an array) and `kwargs` (an object).

    Raises:
        UnstableKeyError: a part has no stable form; the path starts with ``args[0]`` or the name.
    """

    def call(walk: Walk) -> str:
        texts = [walk.at("args[{}]", number, value) for number, value in enumerate(args)]
        return f"[[{','.join(texts)}],{named({n: walk.at(NAME, n, v) for n, v in kwargs.items()})}]"

    return printable(write(Walk(form, custom), call))


def named(texts: dict[str, str]) -> str:
    """The JSON object of named texts. It is no dict's, so a name may look like a tag."""
    return f"{{{','.join([f'{quote(name)}:{texts[name]}' for name in sorted(texts)])}}}"


def write(walk: Walk, what: Callable[[Walk], str]) -> str:
    """What a walk writes; whatever a value raises (a closed file, a property) becomes our error."""
    try:
        return what(walk)
    except UnstableKeyError:
        raise
    except Exception as error:
        why = f"could not be read ({type(error).__name__}: {masked(str(error))})"
        if isinstance(error, RecursionError):  # the walk started with little of the stack left
            why = "is nested too deeply for what is left of Python's stack"
        path = walk.where()
        raise UnstableKeyError(f"{less_secrets(path[:80])} {why}: {ADVICE}", path=path) from error
