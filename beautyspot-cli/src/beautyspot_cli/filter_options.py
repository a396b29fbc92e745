"""The options that choose results: the names of `beautyspot.Where`, as options."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Final

import click

from beautyspot_cli.completing import COMPLETED_BY

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot import Store, Where

WITHOUT: Final = "none"
"""What `--version` calls results without a version."""

_TEXTS = (
    ("function", "PATTERN", "Of this function, or of all that match: 'app:*'."),
    ("version", "VERSION", f"Of this version; {WITHOUT!r}: without one."),
    ("tag", "TAG", "With this tag."),
    ("key", "KEY", "Whose key starts with this."),
    ("older", "AGE|TIME", "Made before: 7d, 2026-11-01, '2026-11-01 12:30'."),
    ("newer", "AGE|TIME", "Made since."),
    ("unused", "AGE", "Neither made nor used for so long: 30d."),
    ("larger", "SIZE", "Of at least this size: 10MB."),
    ("smaller", "SIZE", "Of at most this size."),
    ("arguments", "TEXT", "With this text in the arguments."),
    ("code", "DIGEST", "Whose function's source had this digest ('code' of show)."),
)
_FLAGS = (
    ("expired", "That have expired."),
    ("outdated", "Made by other code than the newest result of the same function."),
)

FILTERS = tuple(name for name, *_ in (*_TEXTS, *_FLAGS))
"""The names of the filters."""


def checked_version(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """A version as `beautyspot.Where` has it.

    Raises:
        BadParameter: it is empty, as with a variable of the shell that is not set.
    """
    if value == "":
        raise click.BadParameter(f"it is empty: for results without a version give {WITHOUT}")
    return "" if value == WITHOUT else value


def with_function(store: Store, where: Where) -> Where:
    """The same filters, with the function that a short name means.

    Raises:
        RecordNotFound: the store holds nothing of a function of that name, or of several.
    """
    name = where.get("function")
    return where if name is None else {**where, "function": store.function_pattern(name)}


def checked_age(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """An age, or a time.

    Raises:
        BadParameter: it is a number without a unit: the library would take it as seconds.
    """
    number = (value or "").strip()
    if number.replace(".", "", 1).isdecimal() and float(number):
        raise click.BadParameter(f"{number} of what? give {number}d, {number}h or {number}s")
    return value


_CALLBACKS: Final = {
    **dict.fromkeys(("older", "newer", "unused"), checked_age),
    "version": checked_version,
}


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options; it gets those that were given as `where`, a dict."""

    @wraps(command)
    def with_where(*args: Any, **given: Any) -> Any:
        found = {name: given.pop(name) for name in FILTERS}
        where = {name: value for name, value in found.items() if value not in (None, False)}
        return command(*args, where=where, **given)

    wrapped: Callable[..., Any] = with_where
    for name, text in reversed(_FLAGS):
        wrapped = click.option(f"--{name}", is_flag=True, help=text)(wrapped)
    for name, kind, text in reversed(_TEXTS):
        wrapped = click.option(
            f"--{name}",
            metavar=kind,
            help=text,
            shell_complete=COMPLETED_BY.get(name),
            callback=_CALLBACKS.get(name),
        )(wrapped)
    return wrapped
