"""The parts of a Spot: the backends that its settings select, made when they are needed."""

from __future__ import annotations

import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from beautyspot.backends.loading import BASES
from beautyspot.backends.registry import load_plugins
from beautyspot.backends.selection import OUT_OF_REACH, class_of, select
from beautyspot.concurrency import locks
from beautyspot.concurrency.deadlines import within
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.lazy import Lazily
from beautyspot.contracts import Backend, Context, LimiterBase
from beautyspot.errors import (
    BackendNotFound,
    BeautyspotError,
    ConfigError,
    MetadataError,
    StorageError,
)
from beautyspot.files import absolute
from beautyspot.messages.masking import masked
from beautyspot.resilience.circuit_breaker import Breaker, MetadataResting, Resting
from beautyspot.resilience.guarded_backends import METADATA_DEADLINE, needs_deadline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beautyspot.config.resolve import Config
    from beautyspot.contracts import (
        BlobStorageBase,
        KeyGenBase,
        MetadataStoreBase,
        SerializerBase,
        TypeSupport,
    )


class _Wish(NamedTuple):
    """What a setting asks for: an extension point, its value, and where the backend will live."""

    point: str
    spec: Any
    context: Context
    part: str = ""  # which of several


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
        self._foreseen = False
        self._lock = locks.reentrant()
        reset_in_children(self)
        self._storage: BlobStorageBase | None = None
        self.context = _context(name, config)
        # What nobody chose can't be a mistake, and is made when the first function is marked.
        for point in ("keygen", "serializer"):
            if config.source(point) != "default":
                self._made_once(point)
        self.metadata = cast("MetadataStoreBase", self._make_or_stand_in("metadata"))
        self.limiter = self._limiter(config["limiter"])
        if config.source("storage") != "default":
            self._reach_storage()

    def _limiter(self, spec: Any) -> LimiterBase | None:
        """The limiter, or the limits that are kept together; None where there is no limit."""
        if spec is None:
            return None
        if not isinstance(spec, list):
            return cast("LimiterBase", self._make_or_stand_in("limiter"))
        limits = {table["name"]: self._named_limiter(table) for table in spec}
        try:
            combined: Any = self._registry.find("limiter", "combined")
            return cast("LimiterBase", combined(limits))
        except ConfigError as exc:
            raise ConfigError(f"{exc} (from: {self._config.source('limiter')})") from None

    def _named_limiter(self, table: dict[str, Any]) -> LimiterBase:
        use = table.get("use")
        if isinstance(use, LimiterBase) and len(table) == 2:  # "name" and "use" alone
            return use
        rest = {key: value for key, value in table.items() if key != "name"}
        # A limit that lives in a file of the Spot's name needs a file of its own.
        context = self.context._replace(name=f"{self.context.name}.{table['name']}")
        wish = _Wish("limiter", rest, context, f", the limit {table['name']!r}")
        return cast("LimiterBase", self._make_or_stand_in("limiter", wish))

    def _wish(self, point: str) -> _Wish:
        return _Wish(point, self._config[point], self.context)

    def _make(self, point: str, wish: _Wish | None = None) -> Backend:
        config = self._config
        source, anchor = config.source(point), config.anchor(point)
        wish = wish or self._wish(point)
        source += wish.part
        return self.select(point, wish.spec, source=source, anchor=anchor, context=wish.context)

    def _make_or_stand_in(self, point: str, wish: _Wish | None = None) -> Backend:
        """The backend, or where it can't be reached at the moment what makes it later."""
        wish = wish or self._wish(point)
        try:
            return self._make_in_time(wish)
        except BeautyspotError as error:
            out_of_reach = isinstance(error, MetadataError) or isinstance(error.__cause__, OSError)
            if isinstance(error, ConfigError) or not out_of_reach:
                raise
            from beautyspot.backends.stand_ins import Maker, stand_in

            cls = class_of(point, wish.spec, self._registry)
            resting = MetadataResting if point == "metadata" else Resting
            breaker = Breaker(f"the {point} {cls.name!r}", resting)
            maker = Maker(lambda: self._make_in_time(wish), breaker, error)
            return stand_in(BASES[point], cls, maker)

    def _make_in_time(self, wish: _Wish) -> Backend:
        """The backend, unless its constructor hangs."""
        point = wish.point
        try:
            in_time = needs_deadline(class_of(point, wish.spec, self._registry))
        except BeautyspotError:  # an instance; or a mistake, which `_make` explains better
            in_time = False
        if not in_time:
            return self._make(point, wish)
        try:
            return within(METADATA_DEADLINE, lambda: self._make(point, wish))
        except TimeoutError as error:
            what = f"the {point} {wish.spec!r:.80}"
            raise OUT_OF_REACH[point](
                f"making {masked(what)} took more than {METADATA_DEADLINE:.0f} s: check its server "
                "and the network"
            ) from error

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
        if owned and type(backend).close is not Backend.close:
            self._owned.append(backend)
        return backend

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
                made.setdefault(point, self._make(point))
            return made[point]

    def reset_after_fork(self) -> None:
        """Another thread may have been making one."""
        self._lock = locks.reentrant()

    # ------------------------------------------------------------------------------ storage

    def storage(self) -> BlobStorageBase | None:
        """The storage, made when it is first needed; None where none was chosen or is installed.

        Raises:
            StorageError: it can't be reached at the moment.
        """
        if self._storage is not None:
            return self._storage
        with self._lock:
            if self._storage is None:  # pragma: no branch - else another thread was quicker
                made = self._default_storage()
                self._storage = self._storage or made
            return self._storage

    def foresee_storage(self) -> None:
        """Import the storage's class: at the first blob it may be that no file can be opened."""
        if not self._foreseen:
            self._foreseen = True
            with suppress(BeautyspotError):  # it is told where the storage is needed
                class_of("storage", self._config["storage"], self._registry)

    def _default_storage(self) -> BlobStorageBase | None:
        if self._config.source("storage") != "default":
            return self._made_storage()
        try:
            return self._made_storage()
        except BackendNotFound:
            return None

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
        return cast("BlobStorageBase", self._make_in_time(self._wish("storage")))

    # -------------------------------------------------------------------------------- close

    @property
    def close_at_once(self) -> bool:
        """Whether closing them waits for nothing."""
        return not any(map(needs_deadline, self._owned))

    def close(self) -> list[Exception]:
        """Close what was made here, and nothing that was given; what errors that gave."""
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
    return absolute((config.anchor(setting) or Path()) / path, setting)
