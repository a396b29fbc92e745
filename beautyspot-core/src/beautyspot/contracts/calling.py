"""How core calls what others have written: arguments they may not know, and wrong answers.

A contract may grow: a method gets an optional keyword argument. Core passes one of these only where
it says something, and only to a method that takes it, so that a plug-in of yesterday runs with the
core of tomorrow. This is why a new optional argument does not raise the number of the plug-in API.
"""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from beautyspot.functions.annotations import signature_of

if TYPE_CHECKING:
    from collections.abc import Callable


def hints(method: Callable[..., Any], **given: object) -> dict[str, Any]:
    """The arguments to pass: those of `given` that are not None and that `method` takes."""
    told = {name: value for name, value in given.items() if value is not None}
    # By function, not by bound method: the table must not keep a backend alive.
    taken = _taken(getattr(method, "__func__", method)) if told else None
    return {name: value for name, value in told.items() if taken is None or name in taken}


@lru_cache(maxsize=256)
def _taken(function: Callable[..., Any]) -> frozenset[str] | None:
    """The names of the keyword arguments; None where it takes any, or does not tell."""
    try:
        parameters = signature_of(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    positional_only = inspect.Parameter.POSITIONAL_ONLY
    return frozenset(p.name for p in parameters if p.kind is not positional_only)


ARGUMENTS: Final = "It is called with the arguments of the call: give it the same parameters"
"""What a function does wrong that does not take a call's arguments; for `say_whose`."""


def wrong_answer(backend: object, method: str, answer: object, what: str, advice: str) -> str:
    """The message about `backend.method`, which returned `answer` in place of `what`."""
    shown = repr(answer) if answer is None or answer == "" else _kind(answer)
    return f"{type(backend).__name__}.{method} returned {shown} in place of {what}: {advice}"


def _kind(answer: object) -> str:
    return f"an object of type {type(answer).__qualname__}"


def say_whose(error: Exception, option: str, function: str, advice: str) -> None:
    """Note on an error that the function given as `option` of `function` has raised it."""
    note = f"Raised by the function given as {option} of {function}. {advice}."
    if note not in getattr(error, "__notes__", ()):  # one object may be raised many times
        error.add_note(note)
