"""`Store`: what is stored, without the code that stored it. `open_store`, `open_stores` make it."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

from beautyspot.backends.registry import given_plugins
from beautyspot.backends.selection import depends_on_name
from beautyspot.backends.spot_backends import Backends
from beautyspot.config.settings import check_name
from beautyspot.contracts import MetadataStoreBase
from beautyspot.errors import ConfigError, MetadataError
from beautyspot.inspecting.changing import Changing
from beautyspot.inspecting.places import ANY_NAME, Given, Place, find_place, find_places
from beautyspot.messages import checks_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import Protocol, Self

    from beautyspot.config.resolve import Config
    from beautyspot.contracts import BlobStorageBase

    class SpotLike(Protocol):
        """What is asked of a Spot: a store is below it, and does not know its class."""

        name: str
        config: Config

        @property
        def _parts(self) -> Backends:
            """Its backends."""
            ...

        def flush(self, timeout: float | None = None) -> bool:
            """Store what waits."""
            ...


class Store(Changing):
    """What a Spot has stored. `open_store` makes it; it is a context manager, which closes it.

    Looking changes nothing that is stored. Filters are the same everywhere, see `Where`; None
    matches any.

    Attributes:
        place: where it is, for people: an absolute path, or a URL less its secrets.
        metadata: the metadata store, opened to be looked at.
    """

    def __repr__(self) -> str:
        return f"<Store {self.place}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@checks_options("open_store")
def open_store(
    where: str | os.PathLike[str] | SpotLike | MetadataStoreBase | None = None,
    *,
    name: str | None = None,
    storage: str | Mapping[str, Any] | BlobStorageBase | type[BlobStorageBase] | None = None,
    profile: str | None = None,
    config: str | os.PathLike[str] | bool | None = None,
    plugins: Iterable[object] = (),
    signing_key: str | bytes | Sequence[str | bytes] | None = None,
    create: bool = False,
) -> Store:
    """Open what is stored, to look at it or to remove parts of it; close it, or use ``with``.

    Your code is not needed, and none of it is imported. Looking changes nothing that is stored.

    Args:
        where: the path of a database, of the folder ``.beautyspot`` that holds it or of the folder
            above; the URL of a metadata store; a `Spot`, whose results under way are stored first,
            and which goes on; or a metadata store. None: what the configuration says, or the
            folder ``.beautyspot`` here.
        name: the name of the Spot, where the folder holds the stores of several, or where the
            metadata store of the configuration has a place for each.
        storage: where its large results are: path of their folder, URL, table, class or instance.
            None: where a Spot with this database has them.
        profile: the profile of the configuration file.
        config: the configuration file; False for none. None: the nearest one, from the folder of
            the database upwards.
        plugins: modules or objects with hooks, as for a `Spot`.
        signing_key: the key of a store whose results are signed.
        create: True makes the store where there is none, to copy into it.

    Raises:
        ConfigError: there is no store, or there are several; says which.
        BackendNotFound: what it needs is not installed; says how to get it.
        MetadataError: the store can't be reached.
    """
    plugins = tuple(given_plugins(plugins))
    given = Given(name, read_settings(name, storage, signing_key), profile, config, create is True)
    if hasattr(where, "flush") and hasattr(where, "metadata"):
        return _of_spot(cast("SpotLike", where), given, plugins)
    if isinstance(where, MetadataStoreBase):
        place = Place(name or ANY_NAME, given.resolved({"metadata": where}), repr(where))
    else:
        place = find_place(where, given)
    return opened(place, plugins, given)


@checks_options("open_stores")
def open_stores(
    where: str | os.PathLike[str] | None = None,
    *,
    name: str | None = None,
    storage: str | Mapping[str, Any] | BlobStorageBase | type[BlobStorageBase] | None = None,
    profile: str | None = None,
    config: str | os.PathLike[str] | bool | None = None,
    plugins: Iterable[object] = (),
    signing_key: str | bytes | Sequence[str | bytes] | None = None,
) -> list[Store]:
    """Open all stores of a place: as `open_store`, but a folder that holds several gives each.

    Args:
        where: the path of a database or a folder, or the URL of a metadata store. None: what the
            configuration says, or the folder ``.beautyspot`` here.
        name: one of several stores.
        storage, profile, config, plugins, signing_key: as for `open_store`, for each.

    Returns:
        One or more, in the order of their names; close each.

    Raises:
        ConfigError: there is no store, or an argument is wrong; says what is missing.
        BackendNotFound: the store or the storage is of a plug-in that is not installed.
        MetadataError: a store can't be reached. None is left open then.
    """
    plugins = tuple(given_plugins(plugins))
    given = Given(name, read_settings(name, storage, signing_key), profile, config)
    places = find_places(where, given)
    with ExitStack() as failed:
        found = [failed.enter_context(opened(place, plugins, given)) for place in places]
        failed.pop_all()
    return found


def read_settings(name: str | None, storage: Any, signing_key: object) -> dict[str, Any]:
    """The settings that are given to `open_store` itself; the path of a folder is a storage, too.

    Raises:
        ConfigError: the name is none.
    """
    if name is not None:
        check_name(name)
    is_path = isinstance(storage, os.PathLike) or (
        isinstance(storage, str)
        and "://" not in storage
        and ("/" in storage or os.path.isdir(storage))  # noqa: PTH112 - a text
    )
    settings = {
        "storage": {"use": "local", "base_dir": os.fspath(storage)} if is_path else storage,
        "signing_key": signing_key,
    }
    return {setting: value for setting, value in settings.items() if value is not None}


def opened(place: Place, plugins: Iterable[object], given: Given) -> Store:
    """The store at a place.

    Raises:
        ConfigError, BackendNotFound, MetadataError: as `open_store`.
    """
    backends = Backends(place.name, place.config, plugins)
    spec, found = place.config["metadata"], (backends.registry, backends.context)
    is_named = isinstance(spec, str) and depends_on_name("metadata", spec, *found)
    if given.name is None and is_named:
        raise ConfigError(
            f'{place.shown} has a place for each Spot: say which one by name="...", the name that '
            "the Spot was given, or by the namespace in the URL if it was given one"
        )
    with ExitStack() as failed:
        failed.callback(backends.close)
        if given.create:
            _make(backends, place)
        store = Store(backends, place.shown)
        failed.pop_all()
    return store


def _make(backends: Backends, place: Place) -> None:
    """Make the store where there is none.

    Raises:
        MetadataError: the file there is no store, or damaged: to open it for writing moves it
            aside.
    """
    path = place.config["db_path"]
    if path is not None and os.path.lexists(path):
        looking = backends.looking()
        looking.function_totals()
        if looking.lost:
            raise MetadataError(
                f"{place.shown} is damaged, so nothing is written into it: name another one"
            )
    backends.metadata.open()


def _of_spot(spot: SpotLike, given: Given, plugins: tuple[object, ...]) -> Store:
    more = {"name": given.name, **given.settings, "plugins": plugins or None}
    if wrong := [f"{key}=" for key, value in more.items() if value is not None]:
        raise ConfigError(f"a Spot has its own backends: leave {', '.join(wrong)} out")
    spot.flush()
    backends, is_file = spot._parts, spot.config["metadata"] == "sqlite"
    shown = str(backends.context.db_path) if is_file else repr(backends.metadata)
    return Store(backends, shown, is_own=False)
