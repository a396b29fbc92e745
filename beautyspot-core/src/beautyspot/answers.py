"""What a backend answers, where that is none of what its contract has: for its author."""

from __future__ import annotations


def wrong_answer(backend: object, method: str, answer: object, what: str, advice: str) -> str:
    """The message about `backend.method`, which returned `answer` in place of `what`."""
    shown = repr(answer) if answer is None or answer == "" else _kind(answer)
    return f"{type(backend).__name__}.{method} returned {shown} in place of {what}: {advice}"


def _kind(answer: object) -> str:
    return f"an object of type {type(answer).__qualname__}"
