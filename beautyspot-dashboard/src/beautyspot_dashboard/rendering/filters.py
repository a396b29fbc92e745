"""The filters of a URL: those of `beautyspot.Where`, read as the command line reads its options."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click
from beautyspot import ConfigError, RecordNotFound, Where
from beautyspot_cli.options import FILTERS, filter_options

from beautyspot_dashboard.rendering.links import with_query

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from beautyspot import Store
    from starlette.requests import Request

LABELS: Final = {
    "function": "function",
    "version": "version",
    "tag": "tag",
    "key": "key begins with",
    "older": "made before",
    "newer": "made since",
    "unused": "not used for",
    "larger": "at least",
    "smaller": "at most",
    "arguments": "arguments have",
    "code": "code",
    "expired": "expired",
    "outdated": "made by other code than the newest",
}
"""What a filter is called, in front of its value."""

FLAGS: Final = ("expired", "outdated", "keep-expired")
"""What is on or off; the last is of `prune`."""


@dataclass(frozen=True)
class Filters:
    """The filters of a URL.

    Attributes:
        given: what was given, as it was typed.
        where: what that means, as far as it means something.
        problems: by name, what is wrong with what was given, and what to give; "" where the name is
            that of no filter.
        waits: whether it is not known yet which function is meant: ask again.
    """

    given: dict[str, str] = field(default_factory=dict)
    where: Where = field(default_factory=Where)
    problems: dict[str, str] = field(default_factory=dict)
    waits: bool = False

    @property
    def options(self) -> dict[str, object]:
        """They as options of a command line."""
        return {name: name in FLAGS or value for name, value in self.given.items()}


class Chip(NamedTuple):
    """A filter that is active."""

    name: str
    label: str
    value: str  # "" of those that are on or off
    without: str  # the query without it


def chips(request: Request, filters: Filters) -> list[Chip]:
    """The filters that are active, each with the way to do without it."""
    return [
        Chip(
            name,
            LABELS[name],
            "" if name in FLAGS else value,
            with_query(request, **{name: None, "from": None}),
        )
        for name, value in filters.given.items()
    ]


def read_filters(
    store: Store,
    query: Mapping[str, str],
    others: Collection[str] = (),
    functions: Collection[str] | None = None,
) -> Filters:
    """The filters of a query.

    Args:
        store: where they are to be used: it says which function a short name means.
        query: of a URL; what is empty is not given.
        others: names in the query that are no filters.
        functions: the names of all functions in the store; None where they are not known yet.

    Raises:
        MetadataError: the store failed.
    """
    filters = Filters({name: query[name] for name in FILTERS if query.get(name)})
    if functions is None and filters.given.get("function"):
        functions = _counted(store, filters.given["function"])
        filters = replace(filters, waits=functions is None)
    where: Any = filters.where
    for name, text in filters.given.items():
        if name == "function" and filters.waits:
            continue
        try:
            where[name] = _checked(store, name, text, functions or ())
        except (click.UsageError, ConfigError, RecordNotFound) as error:
            filters.problems[name] = told(error, name)
    for name in query:
        if name not in FILTERS and name not in others:
            filters.problems[""] = f"there is no filter {name!r:.80}: take it out of the address"
    return filters


def _counted(store: Store, name: str) -> list[str] | None:
    """The functions of which calls were counted, where that tells which one is meant.

    They are found at once, however much is stored.
    """
    names = [each.func_identifier for each in store.counts(hourly=False)]
    return names if name in names or "*" in name or "?" in name else None


@click.command("ls")
@filter_options
def _options(where: Where) -> None:
    """Stands for the commands that have these options, to read them as they do."""


def _checked(store: Store, name: str, text: str, functions: Collection[str]) -> object:
    if name in FLAGS:
        if text != "1":
            raise ConfigError("give 1, or nothing")
        return True
    value: Any = option(name, text)
    if name == "function":
        value = store.function_pattern(value, functions or None)
    where: Any = {name: value}
    store.rows(limit=1, **where)  # it checks, and reads nothing
    return value


def option(name: str, text: str) -> object:
    """What the command line makes of a filter.

    Raises:
        UsageError: it refuses it.
    """
    return _options.make_context("ls", [f"--{name}={text}"]).params[name]


def told(error: Exception, name: str) -> str:
    """What is wrong, without the name of the argument, beside whose field it stands."""
    text = error.message if isinstance(error, click.UsageError) else str(error)
    begin, _, rest = text.rpartition(": give ") if text.startswith(f"{name}=") else ("", "", "")
    return f"give {rest}" if begin else text
