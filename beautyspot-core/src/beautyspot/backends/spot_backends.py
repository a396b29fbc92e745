"""The backends that settings select, made when they are needed: of a store, and of a Spot."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from beautyspot.backends.registry import load_plugins
from beautyspot.backends.selection import select, understood
from beautyspot.concurrency.lazily import Lazily
from beautyspot.contracts import Context, MetadataStoreBase
from beautyspot.errors import (
    BackendNotFound,
    BeautyspotError,
    ConfigError,
    StorageError,
    UnstableKeyError,
)
from beautyspot.files import absolute
from beautyspot.messages import LARGE_NEED, MAKE_A_KEY, SIGNED_ONLY, checks_options, listing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from beautyspot.config.resolve import Config
    from beautyspot.contracts import (
        Backend,
        BlobStorageBase,
        KeyGenBase,
        LimiterBase,
        SerializerBase,
    )
    from beautyspot.contracts.values import Types


class Backends:
    """Makes the backends that settings select, remembers which are its own, and closes those.

    Args:
        name: of the Spot that uses them.
        config: its settings.
        plugins: modules or objects with hooks.
    """

    def __init__(self, name: str, config: Config, plugins: Iterable[object]) -> None:
        self.config = config
        self.registry = load_plugins(plugins)
        self.context = context_of(name, config)
        self._owned: list[Backend] = []
        self._storage: BlobStorageBase | None = None

    @Lazily
    def metadata(self) -> MetadataStoreBase:
        """The metadata store, which may change."""
        made: MetadataStoreBase = self.make("metadata", self.config["metadata"])
        return made

    def looking(self) -> MetadataStoreBase:
        """The metadata store, to be looked at: another object than `metadata`, unless it was given.

        Raises:
            MetadataError: it can't be reached.
        """
        if isinstance(self.config["metadata"], MetadataStoreBase):
            return self.metadata
        made = cast("MetadataStoreBase", self.select("metadata", self.config["metadata"])[0])
        self._owned.insert(0, made)
        made.open(look=True)
        return made

    def select(
        self, point: str, spec: object, *, source: str = "", part: str = ""
    ) -> tuple[Backend, bool]:
        """The backend that `spec` means, and whether it was made here.

        Args:
            point: the extension point.
            spec: the value of its setting, or of the option that `source` names.
            source: where `spec` comes from, if it is no setting.
            part: the name of one of several limits.
        """
        anchor = None if source else self.config.anchor(point)
        source = source or self.config.source(point) + (part and f", the limit {part!r}")
        context = self.context._replace(part=part)
        return select(
            point, spec, registry=self.registry, context=context, source=source, anchor=anchor
        )

    def make(self, point: str, spec: object, *, source: str = "", part: str = "") -> Any:
        """The same, closed with the others if it was made here."""
        backend, owned = self.select(point, spec, source=source, part=part)
        if owned:
            self._owned.append(backend)
        return backend

    def serializer(self, name: str) -> SerializerBase:
        """The serializer of that name, which knows no classes of the program.

        It is the one that the settings give options to, or hold, if it has the name; else the plain
        one: a name that a row has selects one that is installed, and nothing else.

        Raises:
            BackendNotFound: none is installed; says how to get it.
        """
        made = None
        with suppress(BeautyspotError):
            made = self.select("serializer", self.config["serializer"])[0]
        if made is None or made.name != name:
            made = self.select("serializer", self.registry.find("serializer", name))[0]
        return cast("SerializerBase", made).supporting(self.types_shown())

    def types_shown(self) -> Types:
        """The types of plug-ins of which values are restored for who looks at them."""
        supports = self.registry.supports()
        return {name: each for name, each in supports.items() if each.for_looking}

    # ------------------------------------------------------------------------------ storage

    def storage(self) -> BlobStorageBase | None:
        """The storage, made when it is first needed; None where none was chosen, and there is none.

        Raises:
            ConfigError: other machines can't reach the one that was chosen.
            StorageError: it can't be reached at the moment.
        """
        try:
            return self.required_storage()
        except (BackendNotFound, ConfigError):
            if self.config.source("storage") != "default":
                raise
            return None

    def required_storage(self, why: str = "a storage is needed") -> BlobStorageBase:
        """The storage: the one that is chosen, or that the metadata store brings.

        Raises:
            BackendNotFound: none is installed; says how to get one.
            ConfigError: the default one can't be shared, and the metadata store is (`why` begins
                that), or other machines can't reach the one that was chosen.
            StorageError: it can't be reached at the moment.
        """
        if self._storage is None:
            made = self._find_storage(why)
            self._storage = self._storage or made  # of two threads', the first one's
        return self._storage

    def _find_storage(self, why: str) -> BlobStorageBase:
        source, metadata = self.config.source("storage"), self.metadata
        found: BlobStorageBase | None = None
        if source == "default":
            found = metadata.own_storage()
            if found is not None:
                self._owned.append(found)
            elif metadata.remote:
                raise ConfigError(
                    f"{why}, and machines share the metadata store {metadata.name!r}, so that its "
                    f"bytes can't lie in a folder of this one: {LARGE_NEED}"
                )
        found = found or cast("BlobStorageBase", self.make("storage", self.config["storage"]))
        if metadata.remote and not found.remote:
            most = metadata.largest_data / 2**20
            raise ConfigError(
                f"the storage {found.name!r} (from: {source}) is of this machine alone, and "
                f"others, which share the metadata store {metadata.name!r}, would find results "
                f"whose bytes they can't read: {LARGE_NEED}. Without storage=, results of up to "
                f"{most:g} MiB are kept in the metadata store (the class of a storage of yours, if "
                "each machine reaches the same content, says remote = True)"
            )
        return found

    # -------------------------------------------------------------------------------- close

    def close(self) -> list[Exception]:
        """Close what was made here, and nothing that was given; returns the errors of that.

        What is looked at is first: what has written last can tidy up behind itself then.
        """
        errors: list[Exception] = []
        while self._owned:
            try:
                self._owned.pop(0).close()
            except Exception as error:
                errors.append(error)
        return errors


class Parts(Backends):
    """The backends of a Spot; mistakes show when it is made.

    Raises:
        ConfigError, BackendNotFound, PluginConflictError: a setting selects what can't be had.
    """

    def __init__(self, name: str, config: Config, plugins: Iterable[object]) -> None:
        super().__init__(name, config, plugins)
        _ = self.metadata
        self.limiter = self._limiter(config["limiter"])
        if config.source("storage") != "default":
            with suppress(StorageError):  # a mistake shows now, and an outage ends by itself
                self.storage()

    def _limiter(self, spec: Any) -> LimiterBase | None:
        """The limiter, which may keep several limits; None where there is none."""
        if not isinstance(spec, list):
            return None if spec is None else cast("LimiterBase", self.make("limiter", spec))
        limits: dict[str, LimiterBase] = {}
        for table in spec:
            name, rest = table["name"], {key: table[key] for key in table if key != "name"}
            limits[name] = self.make("limiter", rest, part=name)
        classes = {type(limit) for limit in limits.values()}
        joint = classes.pop().together(limits) if len(classes) == 1 else None
        if joint is None:
            raise ConfigError(
                f"the limits {listing(limits)} can't be kept together: a call has to begin in all "
                'of them at one moment, so give each the same "use", and the same place'
            )
        return joint

    def looking(self) -> MetadataStoreBase:
        """The metadata store itself, which the Spot has opened."""
        return self.metadata

    def make(self, point: str, spec: object, *, source: str = "", part: str = "") -> Any:
        """The same, closed with the Spot; refuses what takes signed results only."""
        backend = super().make(point, spec, source=source, part=part)
        self.check_signed(backend, source or self.config.source(point))
        return backend

    def check_signed(self, backend: Backend, source: str) -> None:
        """Refuse what takes signed results only, where none are signed.

        Of a metadata store this is asked again once it was opened: it may have learned of it.

        Raises:
            ConfigError: there is no signing key.
        """
        what = f"{backend.name!r} (from: {source})"
        if self.config["signing_key"] is not None:
            return
        if getattr(backend, "demands_signing", False):
            raise ConfigError(f"the metadata store {what} {SIGNED_ONLY}")
        if getattr(backend, "requires_signature", False):
            raise ConfigError(
                f"the serializer {what} may run code that is in the stored bytes, so it loads "
                f"signed results only: {MAKE_A_KEY}"
            )

    @Lazily
    def types(self) -> Types:
        """The types that plug-ins support, asked for when the first function is marked."""
        return self.registry.supports()

    def foresee_storage(self) -> None:
        """Import the storage's class: at the first blob it may be that no file can be opened."""
        with suppress(BeautyspotError):  # it is reported where the storage is needed
            understood("storage", self.config["storage"], self.registry)


class PartMethods:
    """Methods of `Spot`: its parts, for those who ask for them.

    It keeps the serializer and the key generation itself: they hold what the user registered, which
    may refer to the Spot, and what ends the Spot must not keep them.
    """

    config: Config
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

    @Lazily
    def serializer(self) -> SerializerBase:
        """The serializer of functions without one of their own."""
        return cast("SerializerBase", self._kept("serializer"))

    @Lazily
    def keygen(self) -> KeyGenBase:
        """The key generation of functions without one of their own."""
        return cast("KeyGenBase", self._kept("keygen"))

    def _kept(self, point: str) -> Any:
        made = self._parts.make(point, self.config[point])
        return vars(self).setdefault(point, made)  # of two threads', the first one's

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


def context_of(name: str, config: Config) -> Context:
    """Where a Spot of this name lives, by its settings."""
    directory = absolute(config["directory"], "directory")
    given: Any = config["db_path"]
    db_path = directory / f"{name}.db" if given is None else absolute(given, "db_path")
    return Context(name, directory, db_path)
