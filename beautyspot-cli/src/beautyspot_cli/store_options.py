"""The options of every command that opens a store, and how it is opened."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from beautyspot_cli.texts import shown_place

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot import Store

_FOLDER: Final = ".beautyspot"


class Place(NamedTuple):
    """Which store is meant; None: not said."""

    store: str | None = None
    name: str | None = None
    profile: str | None = None
    config: str | None = None
    storage: str | None = None

    def at(self, store: str | None) -> Place:
        """The same with the STORE of the command line, if it is given.

        Raises:
            UsageError: `--store` is given too.
        """
        if store is None:
            return self
        if self.store is not None:
            raise click.UsageError(
                f"two stores are given, {shown_place(store)!r} and "
                f"--store {shown_place(self.store)!r}: leave one out"
            )
        return self._replace(store=store)

    def open(self) -> Store:
        """The store; use it in a `with` statement.

        Raises:
            ConfigError: there is none, or there are several; says which.
        """
        from beautyspot import ConfigError

        try:
            return self._opened(self.store)
        except ConfigError:
            above = self._nearest_above()
            if above is None:
                raise
            return self._opened(str(above))

    def where(self) -> str | None:
        """The store, as `open` would find it, whether or not it can be opened."""
        from beautyspot import ConfigError

        above = self._nearest_above()
        if above is None:
            return self.store
        try:
            self._opened(self.store).close()
        except ConfigError:
            return str(above)
        return self.store

    def _nearest_above(self) -> Path | None:
        """The nearest folder `.beautyspot` above, if nothing says which store is meant."""
        told = (self.store, self.profile, self.config)
        if told != (None, None, None) or Path(_FOLDER).exists():
            return None
        folders = (folder / _FOLDER for folder in Path.cwd().parents)
        return next((folder for folder in folders if folder.is_dir()), None)

    def _opened(self, store: str | None) -> Store:
        from beautyspot import open_store

        opened = open_store(
            store,
            name=self.name,
            profile=self.profile,
            config=self.config,
            storage=self.storage,
        )
        if self.name is not None:
            _check_is_there(opened)
        return opened


def _check_is_there(store: Store) -> None:
    """Refuse a name of which a server knows nothing: a mistyped one looks like an empty store.

    Raises:
        MetadataError: says which names there are.
    """
    if not store.metadata.remote:
        return
    try:
        store.metadata.store_id  # noqa: B018 - no Spot has used a store without an ID
    except Exception:
        store.close()
        raise


_OPTIONS = (
    click.option(
        "--store", metavar="STORE", help="The store: a database, a folder .beautyspot, a URL."
    ),
    click.option("--name", help="The name of the Spot, where a folder holds several stores."),
    click.option(
        "--storage", metavar="PLACE", help="Where the blobs are, if not beside the database."
    ),
    click.option("--profile", help="The profile of the configuration file."),
    click.option("--config", metavar="FILE", help="The configuration file."),
)


def store_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options; it gets them as `place`, a `Place`."""

    @wraps(command)
    def with_place(*args: Any, **given: Any) -> Any:
        place = Place(**{field: given.pop(field) for field in Place._fields})
        return command(*args, place=place, **given)

    wrapped: Callable[..., Any] = with_place
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped
