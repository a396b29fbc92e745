"""`open_store`: open what a Spot has stored, without the code that stored it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

from beautyspot.backends.registry import given_plugins
from beautyspot.config.resolve import UNSET
from beautyspot.config.settings import check_name
from beautyspot.contracts import MetadataStoreBase
from beautyspot.errors import ConfigError, MetadataError
from beautyspot.inspecting.backends import OwnBackends, SpotBackends
from beautyspot.inspecting.places import Given, find_place
from beautyspot.inspecting.store import Store
from beautyspot.messages import checks_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from beautyspot.contracts import BlobStorageBase
    from beautyspot.inspecting.backends import SpotLike


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

    Your code is not needed, and none of it is imported. Looking changes nothing on disk.

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
    if name is not None:
        check_name(name)
    settings = {
        "storage": UNSET if storage is None else _storage(storage),
        "signing_key": UNSET if signing_key is None else signing_key,
    }
    if hasattr(where, "flush") and hasattr(where, "metadata"):
        return _of_spot(cast("SpotLike", where), name, {**settings, "plugins": plugins or UNSET})
    given = Given(name, settings, profile, config, create is True)
    if isinstance(where, MetadataStoreBase):
        own = OwnBackends(name or "store", given.resolved({"metadata": where}), plugins)
        return _opened(own, repr(where), given)
    if where is not None and not isinstance(where, str | os.PathLike):
        raise ConfigError(
            f"open_store takes a path, a URL, a Spot or a metadata store, not an object of type "
            f"{type(where).__qualname__}: give one of these"
        )
    place = find_place(where, given)
    return _opened(OwnBackends(place.name, place.config, plugins), place.shown, given)


def _opened(backends: OwnBackends, shown: str, given: Given) -> Store:
    if given.name is None and backends.depends_on_name:
        raise ConfigError(
            f'{shown} has a place for each Spot: say which one by name="...", the name that the '
            "Spot was given, or by the namespace in the URL if it was given one"
        )
    if given.create:
        _refuse_damage(backends, shown)
        backends.metadata().open()
    return Store(backends, shown)


def _refuse_damage(backends: OwnBackends, shown: str) -> None:
    """Refuse a file that is no store, or a damaged one: to open it for writing moves it aside.

    Raises:
        MetadataError: it is one of these.
    """
    path = backends.config["db_path"]
    if path is None or not os.path.lexists(path):
        return
    metadata = backends.metadata().for_looking()
    try:
        metadata.totals()
        is_damaged = metadata.damaged
    finally:
        if metadata is not backends.metadata():
            metadata.close()
    if is_damaged:
        raise MetadataError(
            f"{shown} is damaged, so nothing is written into it: name another one to copy into"
        )


def _storage(storage: object) -> object:
    """A path is short for the table of the folder."""
    if isinstance(storage, os.PathLike):
        return {"use": "local", "base_dir": os.fspath(storage)}
    is_path = isinstance(storage, str) and "://" not in storage and _looks_like_a_path(storage)
    return {"use": "local", "base_dir": storage} if is_path else storage


def _looks_like_a_path(text: str) -> bool:
    return os.sep in text or "/" in text or os.path.isdir(text)  # noqa: PTH112 - a text


def _of_spot(spot: SpotLike, name: str | None, settings: Mapping[str, Any]) -> Store:
    given = [key for key, value in settings.items() if value is not UNSET]
    if name is not None or given:
        what = ", ".join(f"{key}=" for key in (["name"] if name is not None else []) + given)
        raise ConfigError(f"a Spot has its own backends: leave {what} out")
    spot.flush()
    backends = SpotBackends(spot)
    metadata = spot.config["metadata"]
    shown = str(backends.context.db_path) if metadata == "sqlite" else repr(backends.metadata())
    return Store(backends, shown)
