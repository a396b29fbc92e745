"""What the backends of all extension points have in common, and how core calls what others have
written.

A contract may grow: a method gets an optional keyword argument. Core passes one of these only where
it says something, and only to a method that takes it, so that a plug-in of yesterday runs with the
core of tomorrow. This is why a new optional argument takes no new major version.
"""

from __future__ import annotations

from abc import ABC
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from beautyspot.errors import ConfigError
from beautyspot.functions.annotations import signature_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from beautyspot.contracts.selection import Finding

Data = bytes | bytearray | memoryview
"""Bytes to be stored. A backend only reads them, and keeps no reference."""


class Context(NamedTuple):
    """What a Spot tells a backend that it makes by name: the Spot's own name and places.

    Attributes:
        name: the Spot's; of one of several limits, with a point and the limit's name behind.
        directory, db_path: the Spot's places.
        part: the name of one of several limits, else "".
    """

    name: str
    directory: Path
    db_path: Path
    part: str = ""


class Backend(ABC):
    """What the backends of all extension points have in common.

    Class attributes:
        name: what a user writes to select it, such as ``"s3"``; lower case, without ``:``.
        schemes: the URL schemes that select it, such as ``("s3",)``.
        blocking: False if every operation takes microseconds. An operation that blocks ends by
            itself, with an error, within a time-out of the backend's own: core waits for it as
            long as it takes.
        local: True if an operation that blocks only calls this machine's kernel (a file, not a
            network). An instance whose files are elsewhere sets False; see
            `beautyspot.files.network_file_system`.
        remote: True if every machine that is given the same options reaches the same content.
    """

    name: ClassVar[str]
    schemes: ClassVar[tuple[str, ...]] = ()
    blocking: ClassVar[bool] = True
    local: ClassVar[bool] = False
    remote: bool = False

    @classmethod
    def defaults(cls, context: Context) -> dict[str, Any]:
        """Values for options that the user does not give; they go to the constructor.

        Args:
            context: the Spot for which the backend is made, and what for.
        """
        del context
        return {}

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """The constructor's options that `url` contains, *without* those of its query part.

        Raises:
            ConfigError: this backend has no URL form, or the URL misses something.
        """
        raise ConfigError(f"{cls.name!r} can't be selected by a URL ({url!r}): use a table")

    def examine(self) -> Iterable[Finding]:
        """What is known of its health beyond what any backend can be asked; for `examine`.

        Such as that a disk is nearly full, or that a server has evicted keys. It changes nothing
        that lasts. By default there is nothing.
        """
        return ()

    def close(self) -> None:  # noqa: B027 - most backends hold nothing
        """Release what the backend holds. Called once, by the Spot that made it."""

    def __repr__(self) -> str:
        """Name the class and nothing else: an option may be a secret."""
        return f"<{type(self).__name__}>"


def hints(method: Callable[..., Any], **given: object) -> dict[str, Any]:
    """The arguments to pass: those of `given` that are not None and that `method` takes."""
    # By function, not by bound method: the table must not keep a backend alive.
    function = getattr(method, "__func__", method)
    return {n: it for n, it in given.items() if it is not None and _takes(function, n)}


@lru_cache(maxsize=256)
def _takes(function: Callable[..., Any], name: str) -> bool:
    """Whether it has a parameter of that name, or one for any; so has one that does not tell."""
    try:
        parameters = signature_of(function).parameters
    except (TypeError, ValueError):
        return True
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


ARGUMENTS: Final = "It is called with the arguments of the call: give it the same parameters"
"""What a function does wrong that does not take a call's arguments; for `say_whose`."""


def wrong_answer(backend: object, method: str, answer: object, what: str, advice: str) -> str:
    """The message about `backend.method`, which returned `answer` in place of `what`."""
    kind = f"an object of type {type(answer).__qualname__}"
    shown = repr(answer) if answer is None or answer == "" else kind
    return f"{type(backend).__name__}.{method} returned {shown} in place of {what}: {advice}"


def say_whose(error: Exception, option: str, function: str, advice: str) -> None:
    """Note on an error that the function given as `option` of `function` has raised it."""
    note = f"Raised by the function given as {option} of {function}. {advice}."
    if note not in getattr(error, "__notes__", ()):  # one object may be raised many times
        error.add_note(note)
