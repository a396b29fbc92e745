"""The parts of a Spot: the backends that its settings select, made when they are needed."""

from __future__ import annotations

import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from beautyspot.backends.loading import BASES
from beautyspot.backends.registry import load_plugins
from beautyspot.backends.selection import class_of, select
from beautyspot.concurrency import locks
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.locks import Lazily
from beautyspot.contracts import (
    Backend,
    Context,
    LimiterBase,
    MetadataStoreBase,
    SerializerBase,
)
from beautyspot.errors import (
    BackendNotFound,
    BeautyspotError,
    ConfigError,
    MetadataError,
    StorageError,
)
from beautyspot.files import absolute
from beautyspot.messages import LARGE_NEED, MAKE_A_KEY, SIGNED_ONLY, checks_options
from beautyspot.resilience.circuit_breaker import Breaker, MetadataResting, Resting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from beautyspot.config.resolve import Config
    from beautyspot.contracts import (
        BlobStorageBase,
        KeyGenBase,
        TypeSupport,
    )


class Made(dict[str, Backend]):
    """Backends that hold what the user gave, by their extension point: the Spot keeps them."""

    __slots__ = ("__weakref__",)


class Parts:
    """Makes backends, remembers which are its own, and closes those.

    Raises:
        ConfigError, BackendNotFound, PluginConflictError: a setting selects what can't be had.
    """

    def __init__(self, name: str, config: Config, plugins: Iterable[object], made: Made) -> None:
        self._config = config
        self._registry = load_plugins(plugins)
        self._owned: list[Backend] = []
        self._made = weakref.ref(made)
        self._lock = locks.reentrant()
        reset_in_children(self)
        self._storage: BlobStorageBase | None = None
        self.context = context_of(name, config)
        # What the user did not choose can't be a mistake: it is made when a function is marked.
        for point in ("keygen", "serializer"):
            if config.source(point) != "default":
                self._made_once(point)
        self.metadata: MetadataStoreBase = self._made_or_stood_in("metadata", config["metadata"])
        self.limiter = self._limiter(config["limiter"])
        if config.source("storage") != "default":
            with suppress(StorageError):  # a mistake shows now, and an outage ends by itself
                self.storage()

    def _limiter(self, spec: Any) -> LimiterBase | None:
        """The limiter, or the limits that are kept together; None where there is no limit."""
        if spec is None:
            return None
        if not isinstance(spec, list):
            return cast("LimiterBase", self._made_or_stood_in("limiter", spec))
        limits = {table["name"]: self._named_limiter(table) for table in spec}
        joint = _together(limits)
        use = {"use": "combined"} if joint is None else {"use": "joined", "joint": joint}
        return cast("LimiterBase", self._make("limiter", {**use, "limits": limits}))

    def _named_limiter(self, table: dict[str, Any]) -> LimiterBase:
        name, rest = table["name"], {key: table[key] for key in table if key != "name"}
        use = rest.get("use")
        if isinstance(use, LimiterBase) and len(rest) == 1:
            return use
        # A limit that is kept in a file named like the Spot needs a file of its own.
        context = self.context._replace(name=f"{self.context.name}.{name}", part=name)
        part = f", the limit {name!r}"
        return cast("LimiterBase", self._made_or_stood_in("limiter", rest, context, part))

    def _make(
        self, point: str, spec: object, context: Context | None = None, part: str = ""
    ) -> Backend:
        source, anchor = self._config.source(point) + part, self._config.anchor(point)
        return self.select(point, spec, source=source, anchor=anchor, context=context)

    def _made_or_stood_in(
        self, point: str, spec: object, context: Context | None = None, part: str = ""
    ) -> Any:
        """The backend; where it can't be reached at the moment, a stand-in that makes it later."""
        try:
            return self._make(point, spec, context, part)
        except BeautyspotError as error:
            out_of_reach = isinstance(error, MetadataError) or isinstance(error.__cause__, OSError)
            if isinstance(error, ConfigError) or not out_of_reach:
                raise
            from beautyspot.backends.stand_ins import Maker, stand_in

            cls = class_of(point, spec, self._registry)
            resting = MetadataResting if point == "metadata" else Resting
            breaker = Breaker(f"the {point} {cls.name!r}", resting)
            maker = Maker(lambda: self._make(point, spec, context, part), breaker, error)
            return stand_in(BASES[point], cls, maker)

    def select(
        self,
        point: str,
        spec: object,
        *,
        source: str,
        anchor: Path | None = None,
        context: Context | None = None,
    ) -> Backend:
        """The backend that `spec` means, closed with the Spot if it was made for it."""
        context = context or self.context
        backend, owned = select(
            point, spec, registry=self._registry, context=context, source=source, anchor=anchor
        )
        if isinstance(backend, SerializerBase) and backend.requires_signature:
            self._check_signed(backend, source)
        if isinstance(backend, MetadataStoreBase):
            self._check_demand(backend, source)
        if owned and type(backend).close is not Backend.close:
            self._owned.append(backend)
        return backend

    def _check_signed(self, serializer: SerializerBase, source: str) -> None:
        """Refuse a serializer that may run what is stored, where anything stored might be loaded.

        Raises:
            ConfigError: results are not signed.
        """
        if self._config["signing_key"] is None:
            raise ConfigError(
                f"the serializer {serializer.name!r} (from: {source}) may run code that is in the "
                f"stored bytes, so it loads signed results only: {MAKE_A_KEY}"
            )

    def check_demand(self) -> None:
        """The same once the metadata store was opened: it may have learned that it demands that.

        Raises:
            ConfigError: there is no signing key.
        """
        self._check_demand(self.metadata, self._config.source("metadata"))

    def _check_demand(self, store: MetadataStoreBase, source: str) -> None:
        """Refuse a store that demands signed results, where none would be.

        Raises:
            ConfigError: there is no signing key.
        """
        if store.demands_signing and self._config["signing_key"] is None:
            raise ConfigError(f"the metadata store {store.name!r} (from: {source}) {SIGNED_ONLY}")

    @property
    def keygen(self) -> KeyGenBase:
        """The key generation."""
        return cast("KeyGenBase", self._made_once("keygen"))

    @property
    def serializer(self) -> SerializerBase:
        """The serializer."""
        return cast("SerializerBase", self._made_once("serializer"))

    @Lazily
    def types(self) -> Mapping[str, TypeSupport]:
        """The types that plug-ins support, asked for when the first function is marked."""
        return self._registry.supports()

    def _made_once(self, point: str) -> Backend:
        made = self._made()
        if made is None:  # the Spot is being dropped
            made = Made()
        with self._lock:
            if point not in made:
                made.setdefault(point, self._make(point, self._config[point]))
            return made[point]

    def reset_after_fork(self) -> None:
        """Another thread of the parent may have been making one."""
        self._lock = locks.reentrant()

    # ------------------------------------------------------------------------------ storage

    def storage(self) -> BlobStorageBase | None:
        """The storage, made when it is first needed; None where none was chosen or is installed.

        None too where none was chosen and other machines, which share the metadata store, could not
        reach the default one.

        Raises:
            ConfigError: other machines can't reach the one that was chosen.
            StorageError: it can't be reached at the moment.
        """
        if has_no_place(self._config, self.metadata):
            return None
        with self._lock:
            if self._storage is None:
                try:
                    made = self._own_storage() or self._make("storage", self._config["storage"])
                    self._check_pair(made)
                except BackendNotFound:
                    if self._config.source("storage") != "default":
                        raise
                    return None
                self._storage = self._storage or cast("BlobStorageBase", made)
            return self._storage

    def _own_storage(self) -> Backend | None:
        """The storage that the metadata store brings, if it is to be used."""
        made = own_storage(self._config, self.metadata)
        if made is not None:
            self._owned.append(made)
        return made

    def _check_pair(self, storage: Backend) -> None:
        """Refuse a storage that not all machines reach that share the metadata store."""
        if not self.metadata.remote or storage.remote:
            return
        source, most = self._config.source("storage"), self.metadata.largest_data / 2**20
        raise ConfigError(
            f"the storage {storage.name!r} (from: {source}) is of this machine alone, and others, "
            f"which share the metadata store {self.metadata.name!r}, would find results whose "
            f"bytes they can't read: {LARGE_NEED}. Without storage=, results of up to {most:g} MiB "
            "are kept in the metadata store (the class of a storage of yours, if each machine "
            "reaches the same content, says remote = True)"
        )

    def check_place(self, why: str) -> None:
        """Refuse what needs a storage where there can be none.

        Raises:
            ConfigError: none was chosen, and machines share the metadata store; `why` begins it.
        """
        check_place(self._config, self.metadata, why)

    def foresee_storage(self) -> None:
        """Import the storage's class: at the first blob it may be that no file can be opened."""
        if uses_own_storage(self._config, self.metadata):
            return
        with suppress(BeautyspotError):  # it is reported where the storage is needed
            class_of("storage", self._config["storage"], self._registry)

    def required_storage(self) -> BlobStorageBase:
        """The storage.

        Raises:
            BackendNotFound: none is installed; says how to get one.
            ConfigError: the default one can't be shared, and the metadata store is.
        """
        self.check_place("a storage is needed")
        made = self.storage() or self._make("storage", self._config["storage"])
        return cast("BlobStorageBase", made)

    # -------------------------------------------------------------------------------- close

    @property
    def close_at_once(self) -> bool:
        """Whether closing them waits for nothing."""
        return not any(one.blocking and not one.local for one in self._owned)

    def close(self) -> list[Exception]:
        """Close what was made here, and nothing that was given; returns the errors of that."""
        errors: list[Exception] = []
        with self._lock:
            owned, self._owned = self._owned, []
        for backend in owned:
            try:
                backend.close()
            except Exception as error:
                errors.append(error)
        return errors


class PartMethods:
    """Methods of `Spot`: its parts, for those who ask for them."""

    _parts: Parts

    @property
    def db_path(self) -> Path:
        """The file of the SQLite database."""
        return self._parts.context.db_path

    @property
    def storage(self) -> BlobStorageBase:
        """The storage of large results.

        Raises:
            BackendNotFound: none is installed; says how to get one.
        """
        return self._parts.required_storage()

    @property
    def metadata(self) -> MetadataStoreBase:
        """The metadata store."""
        return self._parts.metadata

    @property
    def serializer(self) -> SerializerBase:
        """The serializer of functions without one of their own."""
        return self._parts.serializer

    @property
    def keygen(self) -> KeyGenBase:
        """The key generation of functions without one of their own."""
        return self._parts.keygen

    @checks_options("register")
    def register(
        self,
        cls: type[Any],
        *,
        encode: Callable[[Any], object] | None = None,
        decode: Callable[[Any], Any] | None = None,
        name: str | None = None,
    ) -> None:
        """Vouch for a class, so that its instances can be stored, and say how if need be.

        Args:
            cls: the class.
            encode: turns an instance into a value that can be stored.
            decode: turns that value into an equal instance.
            name: the class's name in stored bytes; default the module and qualified name. Give it
                to keep old results readable when the class moves.

        Raises:
            ConfigError: another class has the name; or the class is stored anyway.
        """
        self.serializer.register(cls, encode=encode, decode=decode, name=name)


def has_no_place(config: Config, metadata: MetadataStoreBase) -> bool:
    """Whether large results have no place: the default storage is of one machine alone."""
    is_default = config.source("storage") == "default"
    return metadata.remote and is_default and not uses_own_storage(config, metadata)


def uses_own_storage(config: Config, metadata: MetadataStoreBase) -> bool:
    """Whether large results go where the metadata store keeps them: the user names no storage."""
    brings_one = type(metadata).own_storage is not MetadataStoreBase.own_storage
    return brings_one and config.source("storage") == "default"


def own_storage(config: Config, metadata: MetadataStoreBase) -> BlobStorageBase | None:
    """The storage that the metadata store brings, made anew; None where it is not used."""
    return metadata.own_storage() if uses_own_storage(config, metadata) else None


def _together(limits: Mapping[str, LimiterBase]) -> LimiterBase | None:
    """One limiter that is all of these at once, where they are of one class that makes such."""
    classes = {type(limit) for limit in limits.values()}
    return classes.pop().together(limits) if len(classes) == 1 else None


def check_place(config: Config, metadata: MetadataStoreBase, why: str) -> None:
    """Refuse what needs a storage where `has_no_place`.

    Raises:
        ConfigError: it is so; `why` begins it.
    """
    if has_no_place(config, metadata):
        raise ConfigError(
            f"{why}, and machines share the metadata store {metadata.name!r}, so that its bytes "
            f"can't lie in a folder of this one: {LARGE_NEED}"
        )


def context_of(name: str, config: Config) -> Context:
    """Where a Spot of this name lives, by its settings."""
    directory = _anchored(config, "directory", config["directory"])
    given: Any = config["db_path"]
    db_path = directory / f"{name}.db" if given is None else _anchored(config, "db_path", given)
    return Context(name, directory, db_path)


def _anchored(config: Config, setting: str, path: str) -> Path:
    return absolute((config.anchor(setting) or Path()) / path, setting)
