"""`examine`: what is wrong, or soon will be, with all that the configuration or a place names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from beautyspot.backends.selection import is_url
from beautyspot.contracts.examination import Finding
from beautyspot.errors import BeautyspotError, ConfigError
from beautyspot.inspecting import health
from beautyspot.inspecting.opening import open_store
from beautyspot.inspecting.places import FOLDER, Given, anchored, databases_in, find_place
from beautyspot.inspecting.settings_health import of_part, of_settings
from beautyspot.messages import checks_options, masked

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping

    from beautyspot.config.resolve import Config
    from beautyspot.inspecting.store import Store


@checks_options("examine")
def examine(
    where: str | os.PathLike[str] | None = None,
    *,
    name: str | None = None,
    storage: Any = None,
    profile: str | None = None,
    config: str | os.PathLike[str] | bool | None = None,
    plugins: Iterable[object] = (),
    write: bool = False,
) -> Iterator[Finding]:
    """Find out what is wrong, or soon will be, with plug-ins, settings, a store and its blobs.

    It opens every backend that the place or the configuration names, tries the credentials and
    measures round trips. It reads the whole database, and lists the blobs. It changes nothing but
    what `write` says.

    Args:
        where, name, storage, profile, config, plugins: as for `open_store`. Of a folder that holds
            several stores, all are examined unless `name` is given.
        write: True saves a small blob too, loads and removes it, and compares the clocks.

    Yields:
        What was found, one thing after the other; some take long.

    Raises:
        ConfigError: `where` is no store, or there is no such profile or configuration file.
    """
    yield from health.of_process()
    yield from health.of_plugins()
    given = Given(name, {}, profile, config)
    opening = {"name": name, "storage": storage, "profile": profile, "config": config}
    if where is not None:
        for place in _places(where, name):
            yield from of_settings(find_place(place, given).config, plugins)
            yield from _of_store(place, opening, plugins, write=write)
        return
    try:
        settings = given.resolved({})
    except ConfigError as error:
        if profile is not None or config is not None:
            raise
        yield Finding("problem", "configuration", str(error))
        return
    yield from of_settings(settings, plugins)
    folder = _folder(settings)
    if folder is not None and name is None and not databases_in(folder):
        yield Finding("warning", "store", f"nothing is stored yet in {folder}")
        yield from of_part("storage", settings, plugins)
        return
    for one in _places(folder, name):
        yield from _of_store(one, opening, plugins, write=write)


def _folder(settings: Config) -> Path | None:
    """Where the databases of the configuration are; None where it names one store itself."""
    if settings["metadata"] != "sqlite" or settings["db_path"] is not None:
        return None
    return anchored(settings, "directory")


def _places(where: str | os.PathLike[str] | None, name: str | None) -> list[Any]:
    """Each store that is meant: of a folder that holds several, all."""
    if where is None or name is not None or (isinstance(where, str) and is_url(where)):
        return [where]
    folder = Path(where).expanduser()
    inner = folder / FOLDER
    found = databases_in(inner if inner.is_dir() else folder)
    return found if len(found) > 1 else [where]


def _of_store(
    place: Any, opening: Mapping[str, Any], plugins: Iterable[object], *, write: bool
) -> Iterator[Finding]:
    try:
        store = open_store(place, plugins=plugins, **opening)
    except BeautyspotError as error:
        yield Finding("problem", "store", masked(str(error)))
        return
    with store:
        yield from _of_parts(store, write=write)


def _of_parts(store: Store, *, write: bool) -> Iterator[Finding]:
    yield Finding("ok", "store", store.place)
    yield from health.of_metadata(store.metadata)
    try:
        storage = store.storage
    except BeautyspotError as error:
        yield Finding("problem", "storage", masked(str(error)))
        return
    if storage is None:
        text = "none is installed, so no large result is stored: install beautyspot-local"
        yield Finding("warning", "storage", text)
        return
    yield from health.of_storage(store.metadata, storage)
    if write:
        yield from health.of_writing(store.metadata, storage)
