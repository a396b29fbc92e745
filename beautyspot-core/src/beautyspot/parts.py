"""The parts of a Spot: the backends that its settings select, made when they are needed."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from beautyspot.contracts import Context
from beautyspot.deadline import within
from beautyspot.errors import (
    BackendNotFound,
    BeautyspotError,
    ConfigError,
    MetadataError,
    StorageError,
)
from beautyspot.guard import METADATA_DEADLINE, needs_deadline
from beautyspot.late import LateLimiter, LateStore
from beautyspot.plugin_registry import load_plugins
from beautyspot.selection import OUT_OF_REACH, class_of, masked, select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from beautyspot.config import Config
    from beautyspot.contracts import (
        Backend,
        BlobStorageBase,
        KeyGenBase,
        LimiterBase,
        MetadataStoreBase,
        SerializerBase,
    )


class Parts:
    """Makes backends, remembers which are its own, and closes those.

    Raises:
        ConfigError, BackendNotFound, PluginConflictError: a setting selects what can't be had.
    """

    def __init__(self, name: str, config: Config, plugins: Iterable[object]) -> None:
        self._config = config
        self._registry = load_plugins(plugins)
        self._owned: list[Backend] = []
        self._lock = threading.RLock()
        self._storage: BlobStorageBase | None = None
        self.context = _context(name, config)
        self.keygen = cast("KeyGenBase", self._make("keygen"))
        self.serializer = cast("SerializerBase", self._make("serializer"))
        self.metadata = cast("MetadataStoreBase", self._make_or_stand_in("metadata", LateStore))
        self.limiter: LimiterBase | None = None
        if config["limiter"] is not None:
            self.limiter = cast("LimiterBase", self._make_or_stand_in("limiter", LateLimiter))
        if config.source("storage") != "default":
            self._reach_storage()

    def _make(self, point: str) -> Backend:
        config = self._config
        source, anchor = config.source(point), config.anchor(point)
        return self.select(point, config[point], source=source, anchor=anchor)

    def _make_or_stand_in(self, point: str, stand_in: Callable[..., Backend]) -> Backend:
        """The backend, or where it can't be reached at the moment what makes it later."""
        try:
            return self._make_in_time(point)
        except BeautyspotError as error:
            out_of_reach = isinstance(error, MetadataError) or isinstance(error.__cause__, OSError)
            if isinstance(error, ConfigError) or not out_of_reach:
                raise
            cls = class_of(point, self._config[point], self._registry)
            return stand_in(cls, lambda: self._make_in_time(point), error)

    def _make_in_time(self, point: str) -> Backend:
        """The backend, unless its constructor hangs."""
        try:
            in_time = needs_deadline(class_of(point, self._config[point], self._registry))
        except BeautyspotError:  # an instance; or a mistake, which `_make` explains better
            in_time = False
        if not in_time:
            return self._make(point)
        try:
            return within(METADATA_DEADLINE, lambda: self._make(point))
        except TimeoutError as error:
            what = f"the {point} {self._config[point]!r:.80}"
            raise OUT_OF_REACH[point](
                f"making {masked(what)} took more than {METADATA_DEADLINE:.0f} s: check its server "
                "and the network"
            ) from error

    def select(
        self, point: str, spec: object, *, source: str, anchor: Path | None = None
    ) -> Backend:
        """The backend that `spec` means, closed with the Spot if it was made for it."""
        backend, owned = select(
            point, spec, registry=self._registry, context=self.context, source=source, anchor=anchor
        )
        if owned:
            self._owned.append(backend)
        return backend

    # ------------------------------------------------------------------------------ storage

    def storage(self) -> BlobStorageBase | None:
        """The storage, made when it is first needed; None where none was chosen or is installed.

        Raises:
            StorageError: it can't be reached at the moment.
        """
        if self._storage is not None:
            return self._storage
        with self._lock:
            if self._storage is None:
                self._storage = self._default_storage()
            return self._storage

    def _default_storage(self) -> BlobStorageBase | None:
        try:
            return self._made_storage()
        except BackendNotFound:
            if self._config.source("storage") == "default":
                return None
            raise

    def _reach_storage(self) -> None:
        """Make the storage that the user chose: a mistake shows now, an outage mends itself."""
        try:
            self._storage = self._made_storage()
        except StorageError:
            return

    def required_storage(self) -> BlobStorageBase:
        """The storage.

        Raises:
            BackendNotFound: none is installed; says how to get one.
        """
        return self.storage() or self._made_storage()

    def _made_storage(self) -> BlobStorageBase:
        return cast("BlobStorageBase", self._make_in_time("storage"))

    # -------------------------------------------------------------------------------- close

    def close(self) -> list[Exception]:
        """Close what was made here, and nothing that was given; the errors of what did not close."""
        errors: list[Exception] = []
        with self._lock:
            owned, self._owned = self._owned, []
        for backend in owned:
            try:
                if needs_deadline(backend):
                    within(METADATA_DEADLINE, backend.close)
                else:
                    backend.close()
            except Exception as error:
                errors.append(error)
        return errors


def _context(name: str, config: Config) -> Context:
    directory = _anchored(config, "directory", config["directory"])
    given: Any = config["db_path"]
    db_path = directory / f"{name}.db" if given is None else _anchored(config, "db_path", given)
    return Context(name, directory, db_path)


def _anchored(config: Config, setting: str, path: str) -> Path:
    """An absolute path: the program may change its working directory later."""
    return ((config.anchor(setting) or Path.cwd()) / path).absolute()
