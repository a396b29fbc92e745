"""`examine`: what is wrong, or soon will be, with all that the configuration or a place names.

A backend is asked for what any backend can be asked, and then by `Backend.examine` for what it
alone knows.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from functools import partial
from itertools import chain
from timeit import repeat
from typing import TYPE_CHECKING, Any, Final

from beautyspot.backends.registry import load_plugins
from beautyspot.backends.registry import plugins as all_plugins
from beautyspot.backends.selection import select, understood
from beautyspot.backends.spot_backends import context_of
from beautyspot.contracts import LimiterBase, SerializerBase
from beautyspot.contracts.selection import Finding
from beautyspot.errors import (
    BeautyspotError,
    ConfigError,
    MetadataError,
    NotSupportedError,
    StorageError,
)
from beautyspot.inspecting.opening import opened, read_settings
from beautyspot.inspecting.places import Given, Place, find_places
from beautyspot.messages import checks_options, masked
from beautyspot.results.collecting import blob_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from beautyspot.backends.registry import Registry
    from beautyspot.config.resolve import Config
    from beautyspot.contracts import BlobInfo, BlobStorageBase, MetadataStoreBase
    from beautyspot.contracts.selection import FindingState
    from beautyspot.inspecting.opening import Store

NOBODYS: Final = "0" * 32
"""A key that no call has."""

SETTLED: Final = 3600.0
"""Seconds after which what one call saves, its blob and its row, is surely there."""

AHEAD: Final = 60.0
"""Seconds by which two clocks may differ: less matters to nobody here."""


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
        ConfigError: `where` is no store.
    """
    given = Given(name, read_settings(name, storage, None), profile, config)
    plugins = tuple(plugins)
    look = partial(_of_place, given=given, plugins=plugins, write=write)
    if where is None:
        return chain(_of_plugins(), _of_configuration(given, plugins, look))
    places = find_places(where, given)
    found = (chain(_of_settings(place.config, plugins), look(place)) for place in places)
    return chain(_of_plugins(), chain.from_iterable(found))


def _of_plugins() -> Iterator[Finding]:
    for one in all_plugins():
        subject = f"plug-in {one.name}"
        if one.broken:
            yield Finding("problem", subject, masked(one.broken))
        else:
            yield Finding("ok", subject, f"{one.distribution} {one.version}")


def _of_configuration(
    given: Given, plugins: tuple[object, ...], look: Callable[[Place], Iterator[Finding]]
) -> Iterator[Finding]:
    try:
        settings = given.resolved({})
    except ConfigError as error:
        yield Finding("problem", "configuration", str(error))
        return
    wrong, places = "", list[Place]()
    try:
        places = find_places(None, given)
    except ConfigError as error:
        wrong = str(error)
    yield from _of_settings(settings, plugins, *([] if places else ["storage"]))
    if wrong and settings["metadata"] == "sqlite" and given.name is None:
        text = f"nothing is stored yet, so no write is tried: {wrong.partition('. Give')[0]}"
        yield Finding("warning", "store", text)
    elif wrong:
        yield Finding("problem", "store", wrong)
    yield from chain.from_iterable(map(look, places))


def _of_settings(settings: Config, plugins: tuple[object, ...], *more: str) -> Iterator[Finding]:
    """What is wrong with the settings, and the backends that they name beside the stores."""
    sources = sorted({settings.source(setting) for setting in settings} - {"default"})
    yield Finding("ok", "configuration", f"from {', '.join(sources)}" if sources else "of defaults")
    registry, limits = load_plugins(plugins), settings["limiter"]
    if isinstance(limits, list):  # each with a name beside what is the limiter's
        limits = [{key: table[key] for key in table if key != "name"} for table in limits]
    specs = [(point, settings[point]) for point in ("keygen", "serializer", *more)]
    specs += [("limiter", spec) for spec in (limits if isinstance(limits, list) else [limits])]
    for point, spec in specs:
        if spec is not None:
            yield from _safely(point, partial(_of_backend, point, spec, settings, registry))


def _of_backend(point: str, spec: Any, settings: Config, registry: Registry) -> Iterator[Finding]:
    cls = understood(point, spec, registry)[0]
    subject = f"{point} {cls.name}"
    if issubclass(cls, SerializerBase) and cls.requires_signature and not settings["signing_key"]:
        text = "it loads signed results only: set signing_key, as by BEAUTYSPOT_SIGNING_KEY"
        yield Finding("problem", subject, text)
        return
    if issubclass(cls, LimiterBase) and cls.shared and not cls.blocking:
        yield Finding("ok", subject, "it is installed")  # to make it would make its file
        return
    backend, _ = select(
        point,
        spec,
        registry=registry,
        context=context_of("examined", settings),
        source=settings.source(point),
        anchor=settings.anchor(point),
    )
    try:
        yield Finding("ok", subject, "it can be made")
        yield from _safely(subject, backend.examine)
    finally:
        backend.close()


# ------------------------------------------------------------------------------------- the store


def _of_place(
    place: Place, *, given: Given, plugins: tuple[object, ...], write: bool
) -> Iterator[Finding]:
    try:
        store = opened(place, plugins, given)
    except BeautyspotError as error:
        yield Finding("problem", "store", masked(str(error)))
        return
    with store:
        yield Finding("ok", "store", store.place)
        yield from _of_store(store, write=write)


def _of_store(store: Store, *, write: bool) -> Iterator[Finding]:
    metadata = store.metadata
    subject = f"metadata {metadata.name}"
    yield from _safely(subject, partial(_of_metadata, store, subject))
    yield from _safely(subject, metadata.examine)
    try:
        storage = store.storage
    except BeautyspotError as error:
        yield Finding("problem", "storage", masked(str(error)))
        return
    if storage is None:
        text = "none is named: results are rows of the metadata store, as far as they fit in"
        state: FindingState = "ok" if metadata.remote else "warning"
        yield Finding(state, "storage", text)
        return
    subject = f"storage {storage.name}"
    yield from _safely(subject, partial(_of_blobs, metadata, storage, subject))
    yield from _safely(subject, storage.examine)
    if write:
        yield from _safely(subject, partial(_of_writing, metadata, storage, subject))


def _of_metadata(store: Store, subject: str) -> Iterator[Finding]:
    metadata = store.metadata
    yield Finding("ok", subject, _answers(lambda: metadata.get(NOBODYS)))
    if metadata.remote:  # of a name that no Spot has used, or one that is mistyped
        try:
            metadata.store_id  # noqa: B018 - asking is what tells
        except MetadataError as error:
            yield Finding("warning", subject, masked(str(error)))
    for one in store.functions():
        if one.unstored:
            text = f"its results are not stored, because {one.unstored}"
            yield Finding("warning", f"function {one.name}", text)


def _of_blobs(
    metadata: MetadataStoreBase, storage: BlobStorageBase, subject: str
) -> Iterator[Finding]:
    """Blobs that no row names, and the other way around, neither of what is just being saved; and
    how many there are of which store. Nothing tells whether another one is in use, or gone.
    """
    own = metadata.store_id
    try:
        answers = _answers(lambda: next(iter(storage.list(f"{own}/clock/")), None))
    except NotSupportedError as error:
        yield Finding("warning", subject, f"its blobs can't be counted, nor collected: {error}")
        return
    yield Finding("ok", subject, answers)
    settled = time.time() - SETTLED
    blobs: dict[str, dict[str, BlobInfo]] = {own: {}}
    for blob in storage.list():
        if (found := blob_name(blob.location)) is not None:
            blobs.setdefault(found.store_id, {})[found.name] = blob
    named = _named(metadata)
    missing = [name for name, made in named.items() if name not in blobs[own] and made < settled]
    left = [
        blob.size
        for name, blob in blobs[own].items()
        if name not in named and blob.modified_at < settled
    ]
    if metadata.lost:
        text = "which blobs belong to results is unknown, since rows can't be read"
        yield Finding("warning", subject, text)
    elif not missing and not left:
        yield Finding("ok", subject, f"{len(named)} blobs, none missing and none left over")
    else:
        text = (
            f"{len(missing)} of {len(named)} blobs are missing, whose calls are computed again "
            f"(beautyspot verify lists them); {len(left)} blobs ({sum(left):,} bytes) belong to no "
            "result (beautyspot collect removes them)"
        )
        yield Finding("warning", subject, text)
    for store_id, theirs in sorted(blobs.items()):
        yield from _of_a_store(storage, store_id, theirs, subject, own=store_id == own)


def _of_a_store(
    storage: BlobStorageBase, store_id: str, blobs: dict[str, BlobInfo], subject: str, *, own: bool
) -> Iterator[Finding]:
    text = f"{len(blobs)} blobs ({sum(blob.size for blob in blobs.values()):,} bytes) of"
    if own:
        yield Finding("ok", subject, f"{text} this store ({store_id})")
    # What lies deeper is another storage's, whose prefix is below this one's.
    elif any(storage.list(f"{store_id}/")):
        newest = max(blob.modified_at for blob in blobs.values())
        day = time.strftime("%Y-%m-%d", time.gmtime(newest))
        advice = f"if it is gone, beautyspot collect --store-id {store_id} removes them"
        yield Finding("ok", subject, f"{text} another store, the newest of {day}: {advice}")


def _named(metadata: MetadataStoreBase) -> dict[str, float]:
    """The blobs that rows name, and when they were made."""
    found = ((blob_name(row.result_value or ""), row.made_at or 0.0) for row in metadata.all_rows())
    return {blob.name: made for blob, made in found if blob is not None}


def _of_writing(
    metadata: MetadataStoreBase, storage: BlobStorageBase, subject: str
) -> Iterator[Finding]:
    """Whether a storage saves, finds and removes a blob, which it then has no more."""
    # A name of `collect`'s own probes: should this process die, the next one removes it.
    folder = f"{metadata.store_id}/clock/"
    name, before, times = f"{folder}{NOBODYS}-{os.urandom(4).hex()}.bin", time.time(), []
    location = storage.save(name, b"beautyspot")
    took = time.time() - before
    try:
        same = storage.load(location) == b"beautyspot"
        with suppress(NotSupportedError):
            times = [blob.modified_at for blob in storage.list(folder) if blob.location == location]
    finally:
        with suppress(NotSupportedError):
            storage.delete(location)
    if not same:
        raise StorageError("it gives back other bytes than it was given: use another storage")
    yield Finding("ok", subject, f"a blob was saved (in {took * 1000:.1f} ms), loaded and removed")
    for when in times:
        if abs(when - before) > AHEAD + took:
            how = f"{abs(when - before):.0f} s {'ahead of' if when > before else 'behind'}"
            advice = "set both by a time server"
            yield Finding("warning", subject, f"its clock is {how} this machine's: {advice}")


# -------------------------------------------------------------------------------- what all share


def _safely(subject: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """What a look finds; where it fails, that is a finding."""
    try:
        yield from look()
    except Exception as error:  # whatever a plug-in raises must not stop the others' examination
        ours = isinstance(error, BeautyspotError)
        text = str(error) if ours else f"{type(error).__name__}: {error}"
        yield Finding("problem", subject, masked(text))


def _answers(ask: Callable[[], object]) -> str:
    """How long an answer takes, the best of three."""
    return f"it answers in {min(repeat(ask, number=1, repeat=3)) * 1000:.2g} ms"
