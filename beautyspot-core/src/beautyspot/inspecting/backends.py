"""The backends of a store that is looked at: made as a Spot makes them, when they are needed."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, cast

from beautyspot.backends.registry import load_plugins
from beautyspot.backends.selection import depends_on_name, select
from beautyspot.backends.spot_backends import context_of, if_chosen, storage_of
from beautyspot.contracts import MetadataStoreBase
from beautyspot.errors import BeautyspotError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beautyspot.config.resolve import Config
    from beautyspot.contracts import (
        Backend,
        BlobStorageBase,
        SerializerBase,
    )
    from beautyspot.contracts.values import Types


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


class Backends:
    """The metadata store and the storage, and the settings that they are made by.

    Args:
        name: of the Spot that uses them.
        config: its settings.
        plugins: modules or objects with hooks.
        spot: whose own ones they are, if they are not made here; it closes them.
    """

    def __init__(
        self, name: str, config: Config, plugins: Iterable[object], spot: SpotLike | None = None
    ) -> None:
        self.config = config
        self.context = context_of(name, config)
        self._registry = load_plugins(plugins)
        self._spot = spot
        self._made: dict[str, Any] = {}
        self._owned: list[Backend] = []

    @property
    def depends_on_name(self) -> bool:
        """Whether the metadata store has a place for each name of a Spot."""
        spec = self.config["metadata"]
        return isinstance(spec, str) and depends_on_name(
            "metadata", spec, self._registry, self.context
        )

    def metadata(self) -> MetadataStoreBase:
        """The metadata store, which may change."""
        found: MetadataStoreBase = self._spot.metadata if self._spot else self._once("metadata")
        return found

    def looking(self) -> MetadataStoreBase:
        """The metadata store, to be looked at: another object than `metadata`, unless it was given.

        Raises:
            MetadataError: it can't be reached.
        """
        if self._spot is not None or isinstance(self.config["metadata"], MetadataStoreBase):
            return self.metadata()
        found: MetadataStoreBase = self._once("metadata", "looking")
        found.open(look=True)
        return found

    def storage(self) -> BlobStorageBase | None:
        """The storage; None where none was chosen or is installed.

        Raises:
            StorageError: it can't be reached.
        """
        return if_chosen(self.config, self.required_storage)

    def required_storage(self) -> BlobStorageBase:
        """The storage.

        Raises:
            BackendNotFound: none is installed; says how to get one.
            ConfigError: the default one can't be shared, and the metadata store is.
            StorageError: it can't be reached.
        """
        if self._spot is not None:
            return self._spot.storage
        if "storage" not in self._made:
            self._made["storage"] = storage_of(
                self.config, self.metadata(), partial(self._once, "storage"), self._owned
            )
        found: BlobStorageBase = self._made["storage"]
        return found

    def serializer(self, name: str) -> SerializerBase:
        """The serializer of that name, which knows no classes of the program.

        It is the one that the settings give options to, or hold, if it has the name; else the plain
        one: a name that a row has selects one that is installed, and nothing else.

        Raises:
            BackendNotFound: none is installed; says how to get it.
        """
        with suppress(BeautyspotError):
            made = self._select("serializer", self.config["serializer"])[0]
            if made.name == name:
                return cast("SerializerBase", made).supporting(self.types())
        plain = self._select("serializer", self._registry.find("serializer", name))[0]
        return cast("SerializerBase", plain).supporting(self.types())

    def types(self) -> Types:
        """The types of plug-ins of which values are restored for who looks at them."""
        supports = self._registry.supports()
        return {name: each for name, each in supports.items() if each.for_looking}

    def _select(self, point: str, spec: object) -> tuple[Backend, bool]:
        return select(
            point,
            spec,
            registry=self._registry,
            context=self.context,
            source=self.config.source(point),
            anchor=self.config.anchor(point),
        )

    def _once(self, point: str, name: str = "") -> Any:
        """What the settings select, made once for each name."""
        name = name or point
        if name not in self._made:
            self._made[name], owned = self._select(point, self.config[point])
            if owned:
                self._owned.append(self._made[name])
        return self._made[name]

    def close(self) -> None:
        """Close what was made here; what has written last: it can tidy up behind itself then."""
        looking = self._made.get("looking")
        with ExitStack() as closing:  # which calls first what was given to it last
            for backend in sorted(self._owned, key=lambda each: each is looking):
                closing.callback(backend.close)
