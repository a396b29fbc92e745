"""What is wrong, or soon will be, with the process, plug-ins, settings, a store and its blobs.

A backend is asked for what any backend can be asked, and then by `Backend.examine` for what it
alone knows. Nothing is changed, but for one small blob that `of_writing` saves and removes again.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from beautyspot.backends.registry import load_plugins
from beautyspot.backends.selection import select, understood
from beautyspot.backends.spot_backends import context_of
from beautyspot.contracts import LimiterBase, SerializerBase
from beautyspot.contracts.selection import Finding
from beautyspot.errors import BeautyspotError, MetadataError, NotSupportedError, StorageError
from beautyspot.messages import masked
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

FEWEST_FILES: Final = 256
"""Open files, at least, that a process should be allowed."""

SETTLED: Final = 3600.0
"""Seconds after which what one call saves, its blob and its row, is surely there."""

AHEAD: Final = 5.0
"""Seconds by which two clocks may differ: less matters to nobody here."""

_TRIES: Final = 5

_NOT_COMPARED: Final = "which blobs belong to results is unknown, since rows can't be read"


def of_process() -> Iterator[Finding]:
    """What is wrong with the process itself."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    few = 0 <= limit < FEWEST_FILES
    advice = f": raise it to {FEWEST_FILES} or more (ulimit -n {FEWEST_FILES})" if few else ""
    state: FindingState = "warning" if few else "ok"
    yield Finding(state, "process", f"it may have {limit} files open{advice}")


def of_plugins() -> Iterator[Finding]:
    """What is wrong with the plug-ins that are installed."""
    from beautyspot.backends.registry import plugins

    for one in plugins():
        subject = f"plug-in {one.name}"
        if one.broken:
            yield Finding("problem", subject, masked(one.broken))
        else:
            yield Finding("ok", subject, f"{one.distribution} {one.version}")


# ------------------------------------------------------------------------------------- the store


def of_functions(store: Store) -> Iterator[Finding]:
    """Of which functions nothing is stored though they ran, and why."""
    with suppress(Exception):  # a store that can't be read says so otherwise
        for one in store.functions():
            if one.unstored:
                text = f"its results are not stored, because {one.unstored}"
                yield Finding("warning", f"function {one.name}", text)


def of_metadata(metadata: MetadataStoreBase) -> Iterator[Finding]:
    """What is wrong with a metadata store."""
    subject = f"metadata {metadata.name}"
    told = list(safely(subject, lambda: _asked(metadata, subject)))
    yield from told
    yield from (one for one in safely(subject, metadata.examine) if one not in told)


def _asked(metadata: MetadataStoreBase, subject: str) -> Iterator[Finding]:
    took = _round_trip(lambda: metadata.get(NOBODYS))
    yield Finding("ok", subject, f"it answers in {took}")
    if metadata.remote:  # of a name that no Spot has used, or one that is mistyped
        try:
            metadata.store_id  # noqa: B018 - asking is what tells
        except MetadataError as error:
            yield Finding("warning", subject, masked(str(error)))


def of_storage(metadata: MetadataStoreBase, storage: BlobStorageBase) -> Iterator[Finding]:
    """What is wrong with the blob storage of a metadata store, as far as reading tells."""
    subject = f"storage {storage.name}"
    yield from safely(subject, lambda: _compared(metadata, storage, subject))
    yield from safely(subject, storage.examine)


def _compared(
    metadata: MetadataStoreBase, storage: BlobStorageBase, subject: str
) -> Iterator[Finding]:
    prefix = f"{metadata.store_id}/"
    try:
        took = _round_trip(lambda: next(iter(storage.list(f"{prefix}clock/")), None))
    except NotSupportedError as error:
        yield Finding("warning", subject, f"its blobs can't be counted, nor collected: {error}")
        return
    yield Finding("ok", subject, f"it answers in {took}")
    now = time.time()
    blobs = {_name(blob.location): blob for blob in storage.list(prefix)}
    yield from _of_clock(blobs.values(), now, subject)
    yield from _of_blobs(metadata, blobs, now, subject)
    yield from _of_ids(metadata, storage, subject)


def _of_clock(blobs: Iterable[BlobInfo], now: float, subject: str) -> Iterator[Finding]:
    newest = max((blob.modified_at for blob in blobs), default=now)
    if newest > now + AHEAD:
        yield _clocks(subject, newest - now, "at least ", "ahead of")


def _clocks(subject: str, seconds: float, least: str, how: str) -> Finding:
    text = f"its clock is {least}{seconds:.0f} s {how} this machine's: set both by a time server"
    return Finding("warning", subject, text)


def _of_blobs(
    metadata: MetadataStoreBase,
    blobs: dict[str, BlobInfo],
    now: float,
    subject: str,
) -> Iterator[Finding]:
    """Blobs that no row names, and the other way around; neither of what is just being saved."""
    settled = now - SETTLED
    named = _named(metadata)
    if metadata.lost:
        yield Finding("warning", subject, _NOT_COMPARED)
        return
    away = named.keys() - blobs.keys()
    missing = list(_of_missing([named[name] for name in away], len(named), settled))
    orphans = [
        blob.size
        for name, blob in blobs.items()
        if name not in named and blob_name(name) is not None and blob.modified_at < settled
    ]
    yield from (Finding(state, subject, text) for state, text in missing)
    if orphans:
        text = f"{len(orphans)} blobs ({sum(orphans):,} bytes) belong to no result"
        yield Finding("warning", subject, f"{text}: beautyspot collect removes them")
    if not missing and not orphans:
        yield Finding("ok", subject, f"{len(named)} blobs, none missing and none left over")


def _of_ids(
    metadata: MetadataStoreBase, storage: BlobStorageBase, subject: str
) -> Iterator[Finding]:
    """The stores that have blobs there. Nothing tells whether another one is in use, or gone."""
    found: dict[str, tuple[int, int, float]] = {}
    for blob in storage.list():
        name = blob_name(blob.location)
        if name is not None:
            number, size, newest = found.get(name.store_id, (0, 0, 0.0))
            found[name.store_id] = number + 1, size + blob.size, max(newest, blob.modified_at)
    for store_id, (number, size, newest) in sorted(found.items()):
        if store_id == metadata.store_id:
            text = f"{number} blobs ({size:,} bytes) of this store ({store_id})"
            yield Finding("ok", subject, text)
        # What lies deeper is another storage's, whose prefix is below this one's.
        elif any(storage.list(f"{store_id}/")):
            day = time.strftime("%Y-%m-%d", time.gmtime(newest))
            text = f"{number} blobs ({size:,} bytes) of another store, the newest of {day}"
            advice = f"if it is gone, beautyspot collect --store-id {store_id} removes them"
            yield Finding("ok", subject, f"{text}: {advice}")


def _named(metadata: MetadataStoreBase) -> dict[str, float]:
    """The blobs that rows name, and when they were made."""
    return {
        _name(record.result_value): record.made_at or 0.0
        for record in metadata.all_rows()
        if record.result_value is not None
    }


def _of_missing(
    made: list[float], number: int, settled: float
) -> Iterator[tuple[FindingState, str]]:
    """What to say of blobs that are missing, of so many."""
    young = sum(moment >= settled for moment in made)
    if lost := len(made) - young:
        text = f"{lost} of {number} blobs are missing: those calls are computed again"
        yield "warning", f"{text} (beautyspot verify lists them)"
    if young:
        text = f"{young} of {number} blobs missing, younger than an hour: maybe just being saved"
        yield "ok", f"{text} (beautyspot verify tells)"


def _name(location: str) -> str:
    """A location from the store's ID on: the same whatever folder or bucket it is in."""
    found = blob_name(location)
    return location if found is None else found.name


def of_writing(metadata: MetadataStoreBase, storage: BlobStorageBase) -> Iterator[Finding]:
    """Whether a storage saves, finds and removes a blob, which it then has no more."""
    subject = f"storage {storage.name}"
    yield from safely(subject, lambda: _written(metadata, storage, subject))


def _written(
    metadata: MetadataStoreBase, storage: BlobStorageBase, subject: str
) -> Iterator[Finding]:
    import os

    # A name of `collect`'s own probes: should this process die, the next one removes it.
    folder = f"{metadata.store_id}/clock/"
    before = time.time()
    location = storage.save(f"{folder}{NOBODYS}-{os.urandom(4).hex()}.bin", b"beautyspot")
    after = time.time()
    try:
        same = storage.load(location) == b"beautyspot"
        times = [blob.modified_at for blob in _listed(storage, folder) if blob.location == location]
    finally:
        with suppress(NotSupportedError):
            storage.delete(location)
    if not same:
        raise StorageError("it gives back other bytes than it was given: use another storage")
    took = (after - before) * 1000
    yield Finding("ok", subject, f"a blob was saved (in {took:.1f} ms), loaded and removed")
    for when in times:
        if when > after + AHEAD:
            yield _clocks(subject, when - after, "", "ahead of")
        elif when < before - AHEAD:
            yield _clocks(subject, before - when, "", "behind")


def _listed(storage: BlobStorageBase, folder: str) -> Iterable[BlobInfo]:
    try:
        return list(storage.list(folder))
    except NotSupportedError:
        return ()


# -------------------------------------------------------------------------------- settings


def of_settings(settings: Config, plugins: Iterable[object]) -> Iterator[Finding]:
    """What is wrong with the settings, and the backends that they name beside the stores."""
    sources = sorted({settings.source(setting) for setting in settings} - {"default"})
    yield Finding("ok", "configuration", f"from {', '.join(sources)}" if sources else "of defaults")
    registry = load_plugins(plugins)
    specs = [("keygen", settings["keygen"]), ("serializer", settings["serializer"])]
    specs += [("limiter", spec) for spec in _limits(settings["limiter"])]
    for point, spec in specs:
        yield from safely(point, partial(_of_backend, point, spec, settings, registry))


def of_part(point: str, settings: Config, plugins: Iterable[object]) -> Iterator[Finding]:
    """What is wrong with one backend of the settings, where there is no store to ask."""
    registry = load_plugins(plugins)
    yield from safely(point, partial(_of_backend, point, settings[point], settings, registry))


def _limits(limiter: Any) -> list[Any]:
    """The limiter, or each of several; a named limit less its name."""
    if limiter is None or not isinstance(limiter, list):
        return [] if limiter is None else [limiter]
    return [{key: table[key] for key in table if key != "name"} for table in limiter]


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
        yield from safely(subject, backend.examine)
    finally:
        backend.close()


# -------------------------------------------------------------------------------- what all share


def safely(subject: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """What a look finds; where it fails, that is a finding."""
    try:
        yield from look()
    except Exception as error:  # whatever a plug-in raises must not stop the others' examination
        ours = isinstance(error, BeautyspotError)
        text = str(error) if ours else f"{type(error).__name__}: {error}"
        yield Finding("problem", subject, masked(text))


def _round_trip(ask: Callable[[], Any]) -> str:
    """The median of a few, as text."""
    times = []
    for _ in range(_TRIES):
        begin = time.perf_counter()
        ask()
        times.append(time.perf_counter() - begin)
    return f"{median(times) * 1000:.2g} ms"
