"""The options that commands share: which store is meant, and which of its results."""

from __future__ import annotations

import logging
import re
from fnmatch import fnmatchcase
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click
from beautyspot import ConfigError, Store, Where, open_store
from click.shell_completion import CompletionItem

from beautyspot_cli.formats import safe

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot_cli.output import Output

_FOLDER: Final = ".beautyspot"

_MOST: Final = 50
"""So many keys are offered to a shell at most."""

_WORD: Final = re.compile(r"\w[\w.:-]*")
"""What is offered to a shell; all else, from whomever, it might obey or take apart."""


class Place(NamedTuple):
    """Which store is meant; None: not said."""

    store: str | None = None
    name: str | None = None
    profile: str | None = None
    config: str | None = None
    storage: str | None = None

    @property
    def words(self) -> list[str]:
        """The options that say it."""
        given = self._asdict().items()
        return [word for name, value in given if value for word in (f"--{name}", value)]

    def open(self) -> Store:
        """The store; use it in a `with` statement.

        Raises:
            ConfigError: there is none, or there are several; says which.
            MetadataError: a server knows nothing of this name; without that a mistyped one would
                look like an empty store.
        """
        _, name, profile, config, storage = self
        opened = open_store(
            self.where(), name=name, profile=profile, config=config, storage=storage
        )
        try:
            if name is not None and opened.metadata.remote:
                opened.metadata.store_id  # noqa: B018 - no Spot has used a store without an ID
        except Exception:
            opened.close()
            raise
        return opened

    def where(self) -> str | None:
        """The store as `open_store` takes it: where nothing says which, the nearest one above."""
        above = [path for folder in Path.cwd().parents if (path := folder / _FOLDER).is_dir()]
        is_said = any(each is not None for each in (self.store, self.profile, self.config))
        if is_said or not above or Path(_FOLDER).exists():
            return self.store
        try:
            open_store(name=self.name, storage=self.storage).close()  # a configuration says it
        except ConfigError:
            return str(above[0])
        return None


def store_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a `Place`; it gets that as `place`."""

    @click.option(
        "-s",
        "--store",
        metavar="STORE",
        envvar="BEAUTYSPOT_STORE",
        show_envvar=True,
        help="The store: a database, a folder .beautyspot, a URL.",
    )
    @click.option("--name", help="The name of the Spot, where a folder holds several stores.")
    @click.option(
        "--storage", metavar="PLACE", help="Where the blobs are, if not beside the database."
    )
    @click.option("--profile", help="The profile of the configuration file.")
    @click.option("--config", metavar="FILE", help="The configuration file.")
    @wraps(command)
    def with_place(*args: Any, **given: Any) -> Any:
        place = Place(**{field: given.pop(field) for field in Place._fields})
        return command(*args, place=place, **given)

    return with_place  # fmt: skip


# --------------------------------------------------------------------------- what shells complete


def functions(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """The functions whose names begin so, whole or behind the colon, at which bash splits words."""
    logging.disable()
    try:
        with _place_of(ctx).open() as store:
            names = [one.name for one in store.functions()]
    except Exception:  # a person who pressed Tab sees no completion, and goes on
        return []
    ends = [name.rpartition(":")[2] for name in names]
    found = dict.fromkeys(names + ends)
    return [name for name in found if name.startswith(incomplete) and _WORD.fullmatch(name)]


def keys(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The keys that begin so, each with its function."""
    logging.disable()
    try:
        with _place_of(ctx).open() as store:
            rows = list(store.rows(limit=_MOST, key=incomplete or None))
    except Exception:
        return []
    words = [row for row in rows if _WORD.fullmatch(row.cache_key)]
    return [CompletionItem(row.cache_key, help=safe(row.func_identifier or "")) for row in words]


def _place_of(ctx: click.Context) -> Place:
    given = ctx.find_root().params
    return Place(**{field: given.get(field) for field in Place._fields})


# ------------------------------------------------------------------------------- which results

WITHOUT: Final = "none"
"""What `--version` calls results without a version."""

_VALUES: Final = {
    "function": ("PATTERN", "Of this function, or of all that match: 'app:*'."),
    "version": ("VERSION", f"Of this version; {WITHOUT!r}: without one."),
    "tag": ("TAG", "With this tag."),
    "key": ("KEY", "Whose key starts with this."),
    "older": ("AGE|TIME", "Made before: 7d, 2026-11-01, '2026-11-01 12:30'."),
    "newer": ("AGE|TIME", "Made since."),
    "unused": ("AGE", "Neither made nor used for so long: 30d."),
    "larger": ("SIZE", "Of at least this size: 10MB."),
    "smaller": ("SIZE", "Of at most this size."),
    "arguments": ("TEXT", "With this text in the arguments."),
    "code": ("DIGEST", "Whose function's source had this digest ('code' of show)."),
}
_FLAGS: Final = {
    "expired": "That have expired.",
    "outdated": "Made by other code than the newest result of the same function.",
}

FILTERS: Final = (*_VALUES, *_FLAGS)
"""The names of the filters, as `beautyspot.Where` has them."""


def filter_option(name: str, text: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option of one filter.

    Args:
        name: of the filter.
        text: what its help is, if not the usual one.
    """
    if name in _FLAGS:
        return click.option(f"--{name}", is_flag=True, help=_FLAGS[name])
    kind, usual = _VALUES[name]
    completed: dict[str, Any] = {"function": functions, "key": keys}
    return click.option(
        f"--{name}",
        metavar=kind,
        help=text or usual,
        multiple=True,  # so that one that is repeated is refused: click would take the last
        callback=_checked,
        shell_complete=completed.get(name),
    )


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command all filters; it gets those that were given as `where`, a dict."""

    @wraps(command)
    def with_where(*args: Any, **given: Any) -> Any:
        found = {name: given.pop(name) for name in FILTERS}
        where = {name: value for name, value in found.items() if value not in (None, False)}
        return command(*args, where=where, **given)

    wrapped: Callable[..., Any] = with_where
    for name in reversed(FILTERS):
        wrapped = filter_option(name)(wrapped)
    return wrapped


def _checked(_: click.Context, option: click.Parameter, given: tuple[str, ...]) -> str | None:
    """The value of a filter, as `beautyspot.Where` has it; None if it is not given.

    Raises:
        BadParameter: it is repeated; it is an empty version, as with a variable of the shell that
            is not set, or an age without a unit, which the library would take as seconds.
    """
    if not given:
        return None
    value, *others = given
    if others:
        raise click.BadParameter(
            "it takes one value: give a pattern that matches all of them, such as 'app:*', or run "
            "the command once for each"
        )
    if option.name == "version":
        if not value:
            raise click.BadParameter(f"it is empty: for results without a version give {WITHOUT}")
        return "" if value == WITHOUT else value
    if option.name in ("older", "newer", "unused") and (asked := unit_asked(value)):
        raise click.BadParameter(asked)
    return value


def unit_asked(age: str) -> str:
    """The question for the unit of an age, which the library would take as seconds; else nothing.

    0 needs none.
    """
    number = age.strip()
    if number.replace(".", "", 1).isdecimal() and float(number):
        return f"{number} of what? give {number}d, {number}h or {number}s"
    return ""


def say_unstored(output: Output, store: Store, where: Where) -> None:
    """Where nothing of a function is found, say why nothing of it is stored, if that is known."""
    pattern = (where.get("function") or "").replace("[", "[[]")
    for one in store.functions() if pattern else ():
        if one.unstored and fnmatchcase(one.name, pattern):
            output.say(f"{one.name} is not stored, because {one.unstored}")


def with_function(store: Store, where: Where) -> Where:
    """The same filters, with the function that a short name means.

    Raises:
        RecordNotFound: the store holds nothing of a function of that name, or of several.
    """
    name = where.get("function")
    return where if name is None else {**where, "function": store.function_pattern(name)}
