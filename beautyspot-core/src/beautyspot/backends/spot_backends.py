"""The parts of a Spot: the backends that its settings select, made when they are needed."""

from __future__ import annotations

import threading
import weakref
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from beautyspot.backends.registry import load_plugins
from beautyspot.backends.selection import select, stand_in, understood
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.lazily import Lazily
from beautyspot.contracts import Backend, Context, MetadataStoreBase
from beautyspot.errors import (
    BackendNotFound,
    BeautyspotError,
    ConfigError,
    MetadataError,
    StorageError,
    UnstableKeyError,
)
from beautyspot.files import absolute
from beautyspot.messages import LARGE_NEED, MAKE_A_KEY, SIGNED_ONLY, checks_options, listing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from beautyspot.config.resolve import Config
    from beautyspot.contracts import (
        BlobStorageBase,
        KeyGenBase,
        LimiterBase,
        SerializerBase,
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
        self._storage: BlobStorageBase | None = None
        self.reset_after_fork()
        reset_in_children(self)
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

    def reset_after_fork(self) -> None:
        """Another thread of the parent may have been making one."""
        self._lock = threading.RLock()

    def _limiter(self, spec: Any) -> LimiterBase | None:
        """The limiter, which may keep several limits; None where there is none."""
        if not isinstance(spec, list):
            return spec and cast("LimiterBase", self._make("limiter", spec))
        limits: dict[str, LimiterBase] = {}
        for table in spec:
            name, rest = table["name"], {key: table[key] for key in table if key != "name"}
            context = self.context._replace(part=name)
            limits[name] = cast("LimiterBase", self._make("limiter", rest, context))
        classes = {type(limit) for limit in limits.values()}
        joint = classes.pop().together(limits) if len(classes) == 1 else None
        if joint is None:
            raise ConfigError(
                f"the limits {listing(limits)} can't be kept together: a call has to begin in all "
                'of them at one moment, so give each the same "use", and the same place'
            )
        return joint

    def _make(self, point: str, spec: object, context: Context | None = None) -> Backend:
        source = self._config.source(point)
        if context is not None:
            source += f", the limit {context.part!r}"
        anchor = self._config.anchor(point)
        return self.select(point, spec, source=source, anchor=anchor, context=context)

    def _made_or_stood_in(self, point: str, spec: object) -> Any:
        """The backend; where it can't be reached at the moment, a stand-in that makes it later."""
        try:
            return self._make(point, spec)
        except BeautyspotError as error:
            out_of_reach = isinstance(error, MetadataError) or isinstance(error.__cause__, OSError)
            if isinstance(error, ConfigError) or not out_of_reach:
                raise
            cls = understood(point, spec, self._registry)[0]
            return stand_in(point, cls, lambda: self._make(point, spec), error)

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
        self.check_signed(backend, source)
        if owned and type(backend).close is not Backend.close:
            self._owned.append(backend)
        return backend

    def check_signed(self, backend: Backend, source: str = "") -> None:
        """Refuse what takes signed results only, where none are signed.

        Of a metadata store this is asked again once it was opened: it may have learned of it.

        Raises:
            ConfigError: there is no signing key.
        """
        what = f"{backend.name!r} (from: {source or self._config.source('metadata')})"
        if self._config["signing_key"] is not None:
            return
        if isinstance(backend, MetadataStoreBase):
            if backend.demands_signing:
                raise ConfigError(f"the metadata store {what} {SIGNED_ONLY}")
            return
        from beautyspot.contracts import SerializerBase  # which a Spot can start without

        if isinstance(backend, SerializerBase) and backend.requires_signature:
            raise ConfigError(
                f"the serializer {what} may run code that is in the stored bytes, so it loads "
                f"signed results only: {MAKE_A_KEY}"
            )

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

    # ------------------------------------------------------------------------------ storage

    def storage(self) -> BlobStorageBase | None:
        """The storage, made when it is first needed; None where none was chosen, and there is none.

        Raises:
            ConfigError: other machines can't reach the one that was chosen.
            StorageError: it can't be reached at the moment.
        """
        return if_chosen(self._config, self.metadata, self.required_storage)

    def required_storage(self, why: str = "a storage is needed") -> BlobStorageBase:
        """The storage.

        Raises:
            BackendNotFound: none is installed; says how to get one.
            ConfigError: the default one can't be shared, and the metadata store is (`why` begins
                that), or other machines can't reach the one that was chosen.
        """
        with self._lock:
            if self._storage is None:
                check_place(self._config, self.metadata, why)
                own = own_storage(self._config, self.metadata)
                if own is not None:
                    self._owned.append(own)
                made = own or self._make("storage", self._config["storage"])
                self._check_pair(made)
                self._storage = self._storage or cast("BlobStorageBase", made)
            return self._storage

    def _check_pair(self, storage: Backend) -> None:
        """Refuse a storage that not all machines reach that share the metadata store."""
        if self.metadata.remote and not storage.remote:
            source, most = self._config.source("storage"), self.metadata.largest_data / 2**20
            raise ConfigError(
                f"the storage {storage.name!r} (from: {source}) is of this machine alone, and "
                f"others, which share the metadata store {self.metadata.name!r}, would find "
                f"results whose bytes they can't read: {LARGE_NEED}. Without storage=, results of "
                f"up to {most:g} MiB are kept in the metadata store (the class of a storage of "
                "yours, if each machine reaches the same content, says remote = True)"
            )

    def foresee_storage(self) -> None:
        """Import the storage's class: at the first blob it may be that no file can be opened."""
        with suppress(BeautyspotError):  # it is reported where the storage is needed
            understood("storage", self._config["storage"], self._registry)

    # -------------------------------------------------------------------------------- close

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
            encode: turns an instance into a value that can be stored. An instance that is an
                argument counts by that as well, unless ``spot.keygen.register`` says otherwise.
            decode: turns that value into an equal instance.
            name: the class's name in stored bytes; default the module and qualified name. Give it
                to keep old results readable when the class moves.

        Raises:
            ConfigError: another class has the name; or the class is stored anyway.
        """
        from beautyspot.keys.generator import KeyGen  # which a Spot can start without

        self.serializer.register(cls, encode=encode, decode=decode, name=name)
        keygen = self.keygen
        if encode is not None and isinstance(keygen, KeyGen) and id(cls) not in keygen.custom:
            keygen.register(cls, partial(_exactly, cls, encode))


def _exactly(cls: type, encode: Callable[[Any], object], value: object) -> object:
    if type(value) is not cls:  # which may hold what `encode` leaves out
        raise UnstableKeyError(f"it is no {cls.__qualname__}, but of a class below it: register it")
    return encode(value)


# -------------------------------------------------------------- for stores that are looked at too


def context_of(name: str, config: Config) -> Context:
    """Where a Spot of this name lives, by its settings."""
    directory = _anchored(config, "directory", config["directory"])
    given: Any = config["db_path"]
    db_path = directory / f"{name}.db" if given is None else _anchored(config, "db_path", given)
    return Context(name, directory, db_path)


def _anchored(config: Config, setting: str, path: str) -> Path:
    return absolute((config.anchor(setting) or Path()) / path, setting)


def has_no_place(config: Config, metadata: MetadataStoreBase) -> bool:
    """Whether large results have no place: the default storage is of one machine alone."""
    brings_none = type(metadata).own_storage is MetadataStoreBase.own_storage
    return metadata.remote and brings_none and config.source("storage") == "default"


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


def if_chosen(
    config: Config, metadata: MetadataStoreBase, required: Callable[[], BlobStorageBase]
) -> BlobStorageBase | None:
    """The storage; None where the default one is not installed, or not of all machines."""
    if has_no_place(config, metadata):
        return None
    try:
        return required()
    except BackendNotFound:
        if config.source("storage") != "default":
            raise
        return None


def own_storage(config: Config, metadata: MetadataStoreBase) -> BlobStorageBase | None:
    """The storage that the metadata store brings, made anew; None where the user names another."""
    return metadata.own_storage() if config.source("storage") == "default" else None
