"""The backends of a store that is looked at: made as a Spot makes them, when they are needed."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, Protocol, cast

from beautyspot.backends.registry import load_plugins
from beautyspot.backends.selection import depends_on_name, select
from beautyspot.backends.spot_backends import context_of, if_chosen, storage_of
from beautyspot.contracts import MetadataStoreBase
from beautyspot.errors import BeautyspotError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beautyspot.backends.registry import Registry
    from beautyspot.config.resolve import Config
    from beautyspot.contracts import (
        Backend,
        BlobStorageBase,
        Context,
        SerializerBase,
    )
    from beautyspot.contracts.values import Types


class Backends(Protocol):
    """The metadata store and the storage, and the settings that they were made by."""

    config: Config
    context: Context

    def metadata(self) -> MetadataStoreBase:
        """The metadata store, which may change."""
        ...

    def looking(self) -> MetadataStoreBase:
        """The metadata store, to be looked at.

        Raises:
            MetadataError: it can't be reached.
        """
        ...

    def storage(self) -> BlobStorageBase | None:
        """The storage; None where none was chosen or is installed.

        Raises:
            StorageError: it can't be reached.
        """
        ...

    def required_storage(self) -> BlobStorageBase:
        """The storage.

        Raises:
            BackendNotFound: none is installed; says how to get one.
            ConfigError: the default one can't be shared, and the metadata store is.
            StorageError: it can't be reached.
        """
        ...

    def serializer(self, name: str) -> SerializerBase:
        """The serializer of that name, which knows no classes of the program.

        Raises:
            BackendNotFound: none is installed; says how to get it.
        """
        ...

    def types(self) -> Types:
        """The types of plug-ins of which values are restored for who looks at them."""
        ...

    def close(self) -> None:
        """Close what was made here."""


class OwnBackends:
    """Backends that are made here, and closed."""

    def __init__(self, name: str, config: Config, plugins: Iterable[object]) -> None:
        self.config = config
        self.context = context_of(name, config)
        self._registry = load_plugins(plugins)
        self._made: dict[str, Any] = {}
        self._closing, self._closing_first = ExitStack(), ExitStack()

    @property
    def depends_on_name(self) -> bool:
        """Whether the metadata store has a place for each name of a Spot."""
        spec = self.config["metadata"]
        return isinstance(spec, str) and depends_on_name(
            "metadata", spec, self._registry, self.context
        )

    def metadata(self) -> MetadataStoreBase:
        """See `Backends`."""
        return cast("MetadataStoreBase", self._made_once("metadata"))

    def looking(self) -> MetadataStoreBase:
        """See `Backends`. It is another object than `metadata`, unless that was given."""
        if isinstance(self.config["metadata"], MetadataStoreBase):
            return self.metadata()
        if "looking" not in self._made:
            made = cast("MetadataStoreBase", self._make("metadata", self._closing_first))
            made.open(look=True)
            self._made["looking"] = made
        return cast("MetadataStoreBase", self._made["looking"])

    def storage(self) -> BlobStorageBase | None:
        """See `Backends`."""
        return if_chosen(self.config, self.required_storage)

    def required_storage(self) -> BlobStorageBase:
        """See `Backends`."""
        if "storage" not in self._made:
            brought: list[Backend] = []
            self._made["storage"] = storage_of(
                self.config,
                self.metadata(),
                lambda: cast("BlobStorageBase", self._made_once("storage")),
                brought,
            )
            for each in brought:
                self._closing.callback(each.close)
        return cast("BlobStorageBase", self._made["storage"])

    def serializer(self, name: str) -> SerializerBase:
        """See `Backends`."""
        return _serializer(self, self._registry, name)

    def types(self) -> Types:
        """See `Backends`."""
        return _types(self._registry)

    def _made_once(self, point: str) -> Backend:
        if point not in self._made:
            self._made[point] = self._make(point, self._closing)
        return cast("Backend", self._made[point])

    def _make(self, point: str, closing: ExitStack) -> Backend:
        config = self.config
        made, owned = select(
            point,
            config[point],
            registry=self._registry,
            context=self.context,
            source=config.source(point),
            anchor=config.anchor(point),
        )
        if owned:
            closing.callback(made.close)
        return made

    def close(self) -> None:
        """See `Backends`. What has written is closed last: it can tidy up behind itself then."""
        with self._closing:
            self._closing_first.close()


class SpotLike(Protocol):
    """What is asked of a Spot: a store is below it, and does not know its class."""

    name: str
    config: Config

    @property
    def metadata(self) -> MetadataStoreBase:
        """Its metadata store."""
        ...

    @property
    def storage(self) -> BlobStorageBase:
        """Its storage."""
        ...

    def flush(self, timeout: float | None = None) -> bool:
        """Store what waits."""
        ...


class SpotBackends:
    """The backends of a Spot, which closes them."""

    def __init__(self, spot: SpotLike) -> None:
        self._spot = spot
        self.config = spot.config
        self.context = context_of(spot.name, spot.config)

    def metadata(self) -> MetadataStoreBase:
        """See `Backends`."""
        return self._spot.metadata

    def looking(self) -> MetadataStoreBase:
        """See `Backends`."""
        return self._spot.metadata

    def storage(self) -> BlobStorageBase | None:
        """See `Backends`."""
        return if_chosen(self.config, self.required_storage)

    def required_storage(self) -> BlobStorageBase:
        """See `Backends`."""
        return self._spot.storage

    def serializer(self, name: str) -> SerializerBase:
        """See `Backends`."""
        return _serializer(self, load_plugins(), name)

    def types(self) -> Types:
        """See `Backends`."""
        return _types(load_plugins())

    def close(self) -> None:
        """They are the Spot's."""


def _serializer(backends: Backends, registry: Registry, name: str) -> SerializerBase:
    """The one that the settings give options to, or hold, if it has the name; else the plain one.

    A name that a row has selects one that is installed, and nothing else.
    """
    config = backends.config
    with suppress(BeautyspotError):
        made, _ = select(
            "serializer",
            config["serializer"],
            registry=registry,
            context=backends.context,
            anchor=config.anchor("serializer"),
        )
        if made.name == name:
            return cast("SerializerBase", made).supporting(backends.types())
    plain = registry.find("serializer", name)
    made, _ = select("serializer", plain, registry=registry, context=backends.context)
    return cast("SerializerBase", made).supporting(backends.types())


def _types(registry: Registry) -> Types:
    return {name: each for name, each in registry.supports().items() if each.for_looking}
