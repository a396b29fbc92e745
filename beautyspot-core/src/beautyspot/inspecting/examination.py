"""`examine`: what is wrong, or soon will be, with all that the configuration or a place names."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from beautyspot.contracts.selection import Finding
from beautyspot.errors import BeautyspotError, ConfigError
from beautyspot.inspecting import health
from beautyspot.inspecting.health import of_part, of_settings
from beautyspot.inspecting.opening import open_store
from beautyspot.inspecting.places import (
    Given,
    configured_folder,
    databases_in,
    find_place,
    stores_in,
)
from beautyspot.messages import checks_options, masked

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from beautyspot.config.resolve import Config
    from beautyspot.inspecting.opening import Store

    Look = Callable[[Any], Iterator[Finding]]


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

    Returns:
        What is found, one thing after the other; some take long.

    Raises:
        ConfigError: `where` is no store, or there is no such profile or configuration file.
    """
    given = Given(name, {}, profile, config)
    opening = {"name": name, "storage": storage, "profile": profile, "config": config}
    look = partial(_of_store, opening=opening, plugins=tuple(plugins), write=write)
    if where is None:
        found = _of_configuration(given, _settings(given), plugins, look)
    else:
        places = {each: find_place(each, given).config for each in stores_in(where, name)}
        found = _of_places(places, plugins, look)
    return chain(health.of_process(), health.of_plugins(), found)


def _settings(given: Given) -> Config | ConfigError:
    """What the configuration says, or what is wrong with it.

    Raises:
        ConfigError: there is no such file or profile as is given.
    """
    try:
        return given.resolved({})
    except ConfigError as error:
        if given.profile is not None or given.config is not None:
            raise
        return error


def _of_places(
    places: Mapping[Any, Config], plugins: Iterable[object], look: Look
) -> Iterator[Finding]:
    for place, settings in places.items():
        yield from of_settings(settings, plugins)
        yield from look(place)


def _of_configuration(
    given: Given, settings: Config | ConfigError, plugins: Iterable[object], look: Look
) -> Iterator[Finding]:
    if isinstance(settings, ConfigError):
        yield Finding("problem", "configuration", str(settings))
        return
    yield from of_settings(settings, plugins)
    folder = configured_folder(settings)
    if folder is not None and given.name is None and not databases_in(folder):
        yield Finding(
            "warning", "store", f"nothing is stored yet in {folder}, so no write is tried"
        )
        yield from of_part("storage", settings, plugins)
        return
    for one in stores_in(folder, given.name):
        yield from look(one)


def _of_store(
    place: Any, *, opening: Mapping[str, Any], plugins: Iterable[object], write: bool
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
    yield from health.of_functions(store)
    try:
        storage = store.storage
    except BeautyspotError as error:
        yield Finding("problem", "storage", masked(str(error)))
        return
    if storage is None and store.metadata.remote:
        text = "none is named: results are rows of the metadata store, as far as they fit in"
        yield Finding("ok", "storage", text)
        return
    if storage is None:
        text = "none is installed, so no large result is stored: install beautyspot-local"
        yield Finding("warning", "storage", text)
        return
    yield from health.of_storage(store.metadata, storage)
    if write:
        yield from health.of_writing(store.metadata, storage)
