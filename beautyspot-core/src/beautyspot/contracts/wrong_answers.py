"""What a backend answers, or a function given as an option, where that is wrong: for its author."""

from __future__ import annotations

from typing import Final

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
