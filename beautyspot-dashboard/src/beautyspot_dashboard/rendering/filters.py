"""The filters of a URL, which are those of `beautyspot.Where`, and the command line with them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot import ConfigError, RecordNotFound, Where

from beautyspot_dashboard.rendering.links import with_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.requests import Request

    from beautyspot_dashboard.board import Shelved

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
    """What a URL chooses results by.

    Attributes:
        given: what was given, as it was typed.
        where: what that means, for methods of `Store`.
        problems: by name, what is wrong with what was given, and what to give; "" where the name is
            that of no filter.
    """

    given: dict[str, str]
    where: Where
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def options(self) -> dict[str, object]:
        """They as options of a command line."""
        return {name: name in FLAGS or value for name, value in self.given.items()}

    def note(self, error: Exception) -> None:
        """Note what is wrong with an argument, which the message begins with, beside its field."""
        told = str(error)
        names = (name for name in self.given if told.startswith(name.replace("-", "_")))
        self.problems[next(names, "")] = told


def read_filters(
    shelved: Shelved,
    query: Mapping[str, str],
    others: Iterable[str] = (),
    known: Iterable[str] = LABELS,
) -> Filters:
    """The filters of a query.

    Args:
        shelved: where they are to be used: it says which function a short name means.
        query: of a URL; what is empty is not given.
        others: names in the query that are no filters.
        known: those that are filters here.

    Raises:
        MetadataError: the store failed.
    """
    given = {name: query[name] for name in known if query.get(name)}
    where: Any = {name: True if name in FLAGS else text for name, text in given.items()}
    if given.get("version") == "none":
        where["version"] = ""
    filters = Filters(given, where)
    try:
        shelved.store().rows(limit=1, **where)  # it checks, and reads nothing
        if "function" in given:
            where["function"] = _function(shelved, given["function"])
    except ConfigError as error:
        filters.note(error)
    except RecordNotFound as error:
        filters.problems["function"] = str(error)
    for name in query:
        if name not in known and name not in others:
            filters.problems[""] = f"there is no filter {name!r:.80}: take it out of the address"
    return filters


def _function(shelved: Shelved, name: str) -> str:
    """The pattern of the function that is meant; while they are counted, those called are known."""
    found = shelved.summary()
    known = [each.name for each in found.functions]
    if name in known:
        return name
    return shelved.store().function_pattern(name, None if found.counting else known)


def command_line(
    shelved: Shelved, command: str, *words: str, options: Mapping[str, object] | None = None
) -> str:
    """The command line that gives the same as a page, quoted for a shell.

    Options that are None, False or "" are left out.
    """
    parts = ["beautyspot", *shelved.words, command, *words]
    for name, value in (options or {}).items():
        if value not in (None, False, ""):
            parts += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return shlex.join(parts)


class Chip(NamedTuple):
    """A filter that is active."""

    label: str
    value: str  # "" of those that are on or off
    without: str  # the query without it


def chips(request: Request, filters: Filters) -> list[Chip]:
    """Those that are active, conditions too."""
    conditions = request.query_params.getlist("where")
    found = [
        Chip(
            LABELS[name],
            "" if name in FLAGS else value,
            with_query(request, **{name: None, "from": None}),
        )
        for name, value in filters.given.items()
    ]
    for each in conditions:
        others = [other for other in conditions if other != each]
        found.append(Chip("", each, with_query(request, **{"where": others, "from": None})))
    return found
