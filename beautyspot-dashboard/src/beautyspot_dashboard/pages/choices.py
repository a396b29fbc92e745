"""What a URL chooses to be removed: results by filters, results over limits, or blobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click
from beautyspot import ConfigError
from beautyspot_cli.options import FILTERS

from beautyspot_dashboard.rendering.command_lines import command_line
from beautyspot_dashboard.rendering.filters import Filters, option, read_filters, told

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from beautyspot import Store, TaskRecord

    from beautyspot_dashboard.shelf import Shelved

OWN: Final = ("what", "show", "only", "shown", "asked")
"""Names in the query that choose nothing."""

_LIMITS: Final = {
    "max-size": "max_size",
    "max-entries": "max_entries",
    "older": "older_than",
    "unused": "unused_for",
}
"""Name in the query, and of the option -> argument of `Store.prune`."""

_KEEPS: Final = "keep-expired"
_AMONG: Final = frozenset({"function", "version", "tag"})
"""Filters that may stand beside limits."""


@dataclass(frozen=True)
class Choice:
    """What is chosen.

    Attributes:
        what: "results", "prune" or "collect".
        filters: what was typed, limits too, and what is wrong with it.
        command: the command line that shows and removes the same.
        is_made: whether there is something to be shown; else it is to be typed, or mended.
        rows: gives the rows that would go; of "collect" None.
    """

    what: str
    filters: Filters
    command: str
    is_made: bool
    rows: Callable[[], Iterable[TaskRecord]] | None = None


def read_choice(
    shelved: Shelved, query: Mapping[str, str], functions: Collection[str] | None = None
) -> Choice:
    """What the query chooses; `functions` are all that are in the store.

    Raises:
        MetadataError: the store failed.
    """
    read = {"prune": _prune, "collect": _collect}.get(query.get("what", ""), _by_filters)
    return read(shelved, query, functions)


def _by_filters(
    shelved: Shelved, query: Mapping[str, str], functions: Collection[str] | None
) -> Choice:
    store = shelved.store()
    filters = read_filters(store, query, OWN, functions)
    if query.get("show") and not filters.given and not filters.problems:
        filters.problems[""] = "give a filter; the function * is everything"
    return Choice(
        "results",
        filters,
        command_line(shelved, "rm", options=filters.options),
        bool(filters.given) and not filters.problems,
        lambda: store.rows(**filters.where),
    )


def _prune(shelved: Shelved, query: Mapping[str, str], functions: Collection[str] | None) -> Choice:
    store = shelved.store()
    filters = read_filters(store, _without(query, *_LIMITS, _KEEPS), OWN, functions)
    if not filters.given.keys() <= _AMONG:
        filters.problems[""] = "only a function, a version and a tag go with limits"
    limits = {
        argument: _limit(store, filters, name, query[name])
        for name, argument in _LIMITS.items()
        if query.get(name)
    }
    keeps = bool(query.get(_KEEPS))
    filters.given.update({_KEEPS: "1"} if keeps else {})
    where: Any = filters.where
    return Choice(
        "prune",
        filters,
        command_line(shelved, "prune", options=filters.options),
        bool(query.get("show")) and not filters.problems,
        lambda: store.over_limits(expired=not keeps, **limits, **where),
    )


def _limit(store: Store, filters: Filters, name: str, text: str) -> Any:
    """What a limit means; that it is given is noted, and what is wrong with it."""
    filters.given[name] = text
    value: Any = int(text) if name == "max-entries" and _is_count(text) else text
    try:
        if name in FILTERS:
            option(name, text)
        store.over_limits(**{_LIMITS[name]: value})  # it checks, and reads nothing
    except (ConfigError, click.UsageError) as error:
        filters.problems[name] = told(error, _LIMITS[name])
    return value


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 20


def _collect(
    shelved: Shelved, query: Mapping[str, str], functions: Collection[str] | None
) -> Choice:
    filters = read_filters(shelved.store(), _without(query, "grace"), OWN, functions)
    if filters.given:
        filters.problems[""] = "no filter goes with blobs"
    filters.given["grace"] = query.get("grace") or "1h"
    return Choice(
        "collect",
        filters,
        command_line(shelved, "collect", options=filters.options),
        bool(query.get("show")) and not filters.problems,
    )


def _without(query: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: text for name, text in query.items() if name not in names}
