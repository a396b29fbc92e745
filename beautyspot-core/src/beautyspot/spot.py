"""`Spot`: takes its parts, and hands out `mark`, `cached_run`, `limiter` and `shutdown`."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Self, TypeVar, cast, overload

from beautyspot.backends.spot_backends import Made, Parts
from beautyspot.calls.lifecycle import checked_executor, end, finish_later, make_engine, start
from beautyspot.calls.ownership import weakly
from beautyspot.concurrency import locks
from beautyspot.config.resolve import UNSET, Config, resolve
from beautyspot.config.settings import DURATION, SIZE, byte_count, seconds
from beautyspot.config.spot_names import check_name
from beautyspot.errors import ConfigError
from beautyspot.limits.limiting import Limiting
from beautyspot.messages.suggestions import checks_options
from beautyspot.resilience.reporting import Reporter

# What a method needs that many programs never call is imported in it: a start is short.
if TYPE_CHECKING:
    import os
    from concurrent.futures import Executor
    from datetime import timedelta
    from pathlib import Path

    from beautyspot.calls.engine import Owner
    from beautyspot.calls.queries import Explanation, Stored
    from beautyspot.contracts import (
        BlobStorageBase,
        KeyGenBase,
        LimiterBase,
        MetadataStoreBase,
        SerializerBase,
    )
    from beautyspot.limits.decorator import CallCost, Limit
    from beautyspot.limits.permit import Cost, Permit
    from beautyspot.resilience.reporting import Trouble
    from beautyspot.results.collecting import Collected
    from beautyspot.results.pruning import Pruned
    from beautyspot.tasks.options import KeyOption, MarkOptions
    from beautyspot.tasks.task import Call, Task

P = ParamSpec("P")
R = TypeVar("R")
L = TypeVar("L")

KEPT: Final = "__beautyspot_home__"
"""The attribute of a marked function that keeps its Spot."""

RUNNERS: Final = 64
"""Undecorated functions that a Spot keeps ready for `cached_run`; after that it starts afresh."""

BackendSetting = str | Mapping[str, Any]
"""A name, a URL or a table of options; see `beautyspot.backends.selection`."""


class Spot:
    """A cache of results and a rate limit, handed out as decorators.

    Every setting except the objects (`executor`, `on_error`, `plugins`) may come from the
    environment (``BEAUTYSPOT_<SETTING>``) or a file too; see `beautyspot.config.resolve`.

    Args:
        name: names the database, ``<directory>/<name>.db``; can't leave the directory.
        directory: the folder of the database and of local blobs; a relative one starts at the
            working directory, or at the folder of the file that says so.
        db_path: the file of the SQLite database, if elsewhere.
        metadata, storage, serializer, keygen, limiter: the backend of each extension point: an
            instance, a class, a name, a URL or a table ``{"use": name, option: value}``. Several
            limits that hold at once are a list of tables, each with a ``"name"`` besides.
        executor: runs what may block for asynchronous functions, and saves in the background; any
            executor whose workers are threads. Default: one of our own, made when first needed.
        save: "sync", a call returns when its result is stored; or "background", it does not wait.
            Results under way when the process is killed (SIGKILL, `os._exit`, SIGTERM by default
            action) are lost then, so leave costly calls at "sync".
        ttl: how long a result is valid: seconds, or a text such as "12h"; None or "none" is for
            ever.
        blob_threshold: a result of more bytes goes to the storage; unless `mark` says otherwise.
        on_error: called with a `Trouble` for every failure of ours.
        profile: the profile of the configuration file to take.
        config: a configuration file; False to read none; None to find one.
        plugins: modules or objects with hooks, for this Spot alone.
        enabled: False runs every function uncached. Limits hold all the same.
        strict: True raises our own failures, for tests.
        wait_timeout: how long a call waits for another one that computes the same result, before
            it computes it itself: seconds or a text.
        mode: "normal"; "readonly", which stores nothing; or "replay", where a miss is a
            `CacheMissError` and no function runs, for CI.
        signing_key: a text or bytes that only this program's own processes know; then a result
            without a signature by it is a miss. Several: the first signs, all are accepted.

    Raises:
        ConfigError: a setting is wrong; says where it comes from and what fits.
        BackendNotFound: a backend is not installed; says how to get it.
    """

    @checks_options("Spot")
    def __init__(
        self,
        name: str,
        *,
        directory: str | os.PathLike[str] = UNSET,
        db_path: str | os.PathLike[str] | None = UNSET,
        metadata: BackendSetting | MetadataStoreBase | type[MetadataStoreBase] = UNSET,
        storage: BackendSetting | BlobStorageBase | type[BlobStorageBase] = UNSET,
        serializer: BackendSetting | SerializerBase | type[SerializerBase] = UNSET,
        keygen: BackendSetting | KeyGenBase | type[KeyGenBase] = UNSET,
        limiter: BackendSetting
        | LimiterBase
        | type[LimiterBase]
        | Sequence[Mapping[str, Any]]
        | None = UNSET,
        executor: Executor | None = None,
        save: str = UNSET,
        ttl: float | str | None = UNSET,
        blob_threshold: int = UNSET,
        on_error: Callable[[Trouble], object] | None = None,
        profile: str | None = None,
        config: str | os.PathLike[str] | bool | None = None,
        plugins: Iterable[object] = (),
        enabled: bool = UNSET,
        strict: bool = UNSET,
        wait_timeout: float | str = UNSET,
        mode: str = UNSET,
        signing_key: str | bytes | Sequence[str | bytes] | None = UNSET,
    ) -> None:
        settings = {
            "directory": directory, "db_path": db_path, "metadata": metadata, "storage": storage,
            "serializer": serializer, "keygen": keygen, "limiter": limiter, "save": save,
            "ttl": ttl, "blob_threshold": blob_threshold, "enabled": enabled, "strict": strict,
            "wait_timeout": wait_timeout, "mode": mode, "signing_key": signing_key,
        }  # fmt: skip
        self.name, plugins = check_name(name), tuple(plugins)
        others = {"config": config, "profile": profile, "plugins": plugins, "on_error": on_error}
        given = {key: value for key, value in settings.items() if value is not UNSET}
        self._given: dict[str, Any] = {**given, **others}
        self.config: Config = resolve(settings, config=config, profile=profile)
        self._made = Made()
        self._parts = Parts(self.name, self.config, plugins, self._made)
        told = weakly(on_error) if callable(on_error) else on_error
        reporter = Reporter(self.name, told, strict=self.config["strict"])
        me: weakref.ref[Owner] = weakref.ref(self)
        runs_in = checked_executor(executor)
        self._engine = make_engine(self._parts, self.config, reporter, runs_in, me)
        self._runs: dict[int, Callable[..., Any]] = {}
        self._limiting = Limiting(self._parts.limiter, reporter, self._engine.executor)
        start(self._engine, self._parts)
        self._finalizer = weakref.finalize(self, end, me, self._engine, self._parts)

    # ------------------------------------------------------------------------- its parts

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
        """The serializer of functions that name none of their own."""
        return self._parts.serializer

    @property
    def keygen(self) -> KeyGenBase:
        """The key generation of functions that name none of their own."""
        return self._parts.keygen

    @property
    def bucket(self) -> LimiterBase | None:
        """The rate limiter; None where no limit is set."""
        return self._parts.limiter

    @property
    def executor(self) -> Executor:
        """The executor that was given, or the Spot's own."""
        return self._engine.executor()

    def __reduce__(self) -> tuple[Any, ...]:
        from beautyspot.calls.pickling import sent_spot

        context = self._parts.context
        places: dict[str, Any] = {"directory": str(context.directory)}
        if self.config["db_path"] is not None:
            places["db_path"] = str(context.db_path)
        return sent_spot(self, self.name, {**self._given, **places})

    def __beautyspot_key__(self) -> str:
        """An object that holds a Spot may be an argument: the Spot changes no result."""
        return "Spot"

    def __repr__(self) -> str:
        return f"<Spot {self.name!r} at {self.db_path}>"

    # ------------------------------------------------------------------------------ mark

    @overload
    def mark(self, function: Callable[P, R], /) -> Callable[P, R]: ...

    @overload
    def mark(
        self,
        /,
        *,
        version: str | int | None = None,
        save_blob: bool | None = None,
        content_type: str | None = None,
        serializer: BackendSetting | SerializerBase | type[SerializerBase] | None = None,
        key: KeyOption | None = None,
        keygen: BackendSetting | KeyGenBase | type[KeyGenBase] | None = None,
        ttl: float | str | None = None,
        tags: Iterable[str] = (),
        ignore: Iterable[str] = (),
        name: str | None = None,
        cache_if: Callable[[Any], object] | None = None,
        mode: str | None = None,
        stale_on_error: bool = False,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...

    def mark(self, function: Any = None, /, **options: Any) -> Any:
        """Give a function a persistent cache: ``@spot.mark`` or ``@spot.mark(version="2")``.

        For functions, coroutine functions, generators and async generators, methods of every sort,
        and any other callable. The result is a function of the same kind and signature.

        Args:
            function: the function, where the decorator stands bare.
            version: of the function's logic: another one is another key; 2 and "2" are one. "auto"
                follows the code of the function and of the helpers that it calls by name, and
                constants that can't be changed; not what a global list or dict holds, nor helpers
                that are found in one. It is taken at the first call; at a prompt or in a notebook,
                at each.
            save_blob: True stores results in the blob storage, False in the database; None
                decides by size.
            content_type: the MIME type of the results. `bytes` and `str` are then stored as they
                are, so that any viewer opens them; with `save_blob=True` each is a file or object
                of its own. Results of other types keep their serialised form.
            serializer: another serializer than the Spot's.
            key: what a call is known by in place of its arguments: an ID, a function of the
                arguments that returns one, or a table ``{argument: function of its value}``,
                such as ``{"path": KeyGen.from_file_content}``.
            keygen: another key generation than the Spot's.
            ttl: how long a result is valid: seconds, or a text such as "12h"; "none" is for ever,
                also where the Spot has a ttl, which None takes.
            tags: names by which several results can be invalidated at once.
            ignore: arguments, or parts of one (``"self.client"``), that do not count for the key.
            name: the function's identity, so that moving or renaming it loses no result. No other
                function may use it: two would get each other's results, which is reported.
            cache_if: called with a result; it is stored only if this returns true.
            mode: as for `Spot`, for this function.
            stale_on_error: where the function raises, return its expired result if there is one;
                needs a ttl, here or of the Spot; not for generators.

        Raises:
            ConfigError: an option is unknown or does not fit; says which ones there are.
        """
        _check_made(self, "mark")
        if function is None:
            self._prepared(options)  # a mistake shows where it stands, not where it is applied
            return lambda decorated: self._mark(decorated, options)
        return self._mark(function, options)

    def _mark(self, function: Any, options: dict[str, Any]) -> Any:
        if isinstance(function, classmethod | staticmethod):
            return type(function)(self._mark(function.__func__, options))
        marked = self._wrapped(function, options)
        setattr(marked, KEPT, self)  # the Spot lives as long as one of its functions
        return marked

    def _wrapped(self, function: Any, options: dict[str, Any]) -> Callable[..., Any]:
        from beautyspot.calls.wrappers import wrap

        if not callable(function):
            raise ConfigError(
                f"mark takes a function, not {function!r:.80}: write @spot.mark above a def, "
                "below @property"
            )
        return wrap(self._engine, self._task(function, self._prepared(options)))

    def _prepared(self, options: dict[str, Any]) -> MarkOptions:
        from beautyspot.tasks.options import MarkOptions

        known = MarkOptions.from_keywords(options)
        if known.save_blob:
            self._parts.required_storage()
        return known

    def _task(self, function: Callable[..., Any], options: MarkOptions) -> Task:
        from beautyspot.calls.duplicates import note
        from beautyspot.functions.kinds import kind_of
        from beautyspot.tasks.task import Task

        parts = self._parts
        parts.foresee_storage()
        keygen: KeyGenBase = parts.keygen
        serializer: SerializerBase = parts.serializer
        if options.keygen is not None:
            chosen = parts.select("keygen", options.keygen, source="mark(keygen=)")
            keygen = cast("KeyGenBase", chosen)
        if options.serializer is not None:
            chosen = parts.select("serializer", options.serializer, source="mark(serializer=)")
            serializer = cast("SerializerBase", chosen)
        options = options.completed(ttl=self.config["ttl"], mode=self.config["mode"])
        keygen, serializer = keygen.supporting(parts.types), serializer.supporting(parts.types)
        return Task(
            function, kind_of(function), options, keygen=keygen, serializer=serializer,
            owner=self._engine.owner, on_first_key=partial(note, self._engine),
        )  # fmt: skip

    def cached_run(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call `function` through the cache once, without decorating it.

        A function that is marked already keeps its own options. An asynchronous one gives an
        awaitable, as it does by itself.
        """
        from beautyspot.tasks.task import is_marked

        if is_marked(function):
            return function(*args, **kwargs)
        return cast("R", self._runner(function)(*args, **kwargs))

    def _runner(self, function: Callable[..., Any]) -> Callable[..., Any]:
        # By `id`, and never by equality: two objects that are equal may do different things. Each
        # runner holds its function, so that no `id` here is used again.
        known = self._runs.get(id(function))
        if known is None:
            known = self._wrapped(function, {})
            if getattr(function, "__self__", None) is not None:
                return known  # a bound method is another object at each access
            if len(self._runs) >= RUNNERS:
                self._runs = {}
            self._runs[id(function)] = known
        return known

    # ------------------------------------------------------------------- ask about a call

    def _call(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Call:
        from beautyspot.calls import queries

        try:
            return queries.call_of(function, args, kwargs)
        except LookupError:
            return queries.call_of(self._runner(function), args, kwargs)

    def key(self, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> str:
        """The key of a call: 32 hex digits.

        Raises:
            UnstableKeyError: an argument has no stable form; the call would run uncached.
        """
        from beautyspot.calls import queries

        return queries.addressed(self._call(function, args, kwargs)).key

    def peek(
        self, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs
    ) -> Stored | None:
        """What is stored for a call, without running it: an object with `value` and `key`, or None.

        Raises:
            UnstableKeyError: an argument has no stable form.
            MetadataError: the Spot was shut down. A store that fails gives None, and is reported.
        """
        from beautyspot.calls import queries

        return queries.peek(self._engine, self._call(function, args, kwargs))

    def refresh(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a call whatever is stored, and replace that; awaitable for an async function.

        Where the new result is not stored (`cache_if` refuses it, say) the old one stays.

        Raises:
            UnstableKeyError: an argument has no stable form.
        """
        from beautyspot.calls import queries

        return cast("R", queries.refresh(self._engine, self._call(function, args, kwargs)))

    def invalidate(self, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Forget what is stored for one call; whether there was something.

        Raises:
            UnstableKeyError: an argument has no stable form.
            MetadataError: the store failed, and the result is still there.
        """
        from beautyspot.calls import queries

        return queries.invalidate(self._engine, self.key(function, *args, **kwargs))

    @checks_options("invalidate_all")
    def invalidate_all(
        self,
        function: Callable[..., Any] | str | None = None,
        *,
        version: str | int | None = None,
        tag: str | None = None,
    ) -> int:
        """Forget every result that matches all that is given; returns how many there were.

        Args:
            function: of this function, or of this identifier ("module:qualified.name").
            version: of this version of its logic; 2 and "2" are one. That of "auto" is stored as
                "auto:" and a digest of the code.
            tag: that carries this tag.

        Raises:
            ConfigError: nothing is given. To forget everything, delete the database and the blobs.
            MetadataError: the store failed; what was not reached is still there.
        """
        from beautyspot.calls import queries

        if function is None and version is None and tag is None:
            raise ConfigError("say what to forget: invalidate_all(function, version=…, tag=…)")
        if version == "auto":
            raise ConfigError(
                'invalidate_all(version="auto") names no version: "auto" is stored as "auto:" and '
                "a digest of the code; give that, as the versions in spot.metadata.scan() are "
                "written, or leave version= out to forget a function's results of every version"
            )
        name = function
        if callable(function):
            name = self._call(function, (), {}).task.func_identifier
        wanted = None if version is None else str(version)
        return queries.invalidate_all(self._engine, cast("str | None", name), wanted, tag)

    def explain(
        self, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs
    ) -> Explanation:
        """Why a call is a hit or a miss, and what differs from the nearest stored one."""
        from beautyspot.calls import queries

        return queries.explain(self._engine, self._call(function, args, kwargs))

    @checks_options("prune")
    def prune(
        self,
        *,
        max_size: int | str | None = None,
        older_than: float | str | timedelta | None = None,
        unused_for: float | str | timedelta | None = None,
        expired: bool = True,
    ) -> Pruned:
        """Remove results that are over a limit. Without this, none is ever removed unasked.

        Safe while others read and write. A result that is just being computed anew stays.

        Args:
            max_size: of all results together, in bytes or as a text such as "1GB"; what was not
                used for the longest time goes first.
            older_than: remove what was made so long ago: seconds, or a text such as "30d".
            unused_for: remove what was neither made nor found for so long. Another process's uses
                are known after an hour at most.
            expired: remove what has expired, by the `ttl` that it was made with.

        Raises:
            ConfigError: a limit is no size or no duration.
            MetadataError: the store failed; what was not reached is still there.
        """
        from beautyspot.results.pruning import Limits, prune

        limits = Limits(
            max_size=_limit("max_size", max_size, byte_count, SIZE),
            older_than=_limit("older_than", older_than, seconds, DURATION),
            unused_for=_limit("unused_for", unused_for, seconds, DURATION),
            expired=expired,
        )
        self._engine.check_open()
        return prune(self._engine.cache, self._engine.uses.times(), limits)

    @checks_options("collect")
    def collect(self, *, grace: float | str | timedelta = "1h") -> Collected:
        """Remove blobs that no result names, such as those of a process that was killed.

        Only blobs of this Spot's own store, however many share the storage. Safe while others read
        and write.

        Args:
            grace: leave alone what is younger, by the storage's clock: seconds, or a text such as
                "1h". It must be longer than any save takes.

        Raises:
            ConfigError: `grace` is no duration.
            BackendNotFound: no storage is installed.
            NotSupportedError: the storage or the metadata store can't do it.
            MetadataError, StorageError: one of them failed, or gave no answer; what was not reached
                is still there.
        """
        from beautyspot.results.collecting import Collector

        least = _limit("grace", grace, seconds, DURATION)
        if least is None:
            raise ConfigError(f"grace=None: give {DURATION}")
        self._engine.check_open()
        self._parts.required_storage()
        cache = self._engine.cache.for_the_user()
        storage = cache.storage()
        assert storage is not None  # noqa: S101 - it was required
        return Collector(cache, storage, least).collect()

    def stats(self) -> dict[str, float]:
        """What was counted since the Spot was made, in this process, and what is stored.

        A forked child counts from the start.

        Returns:
            `hits`, `misses` (executions), `bypassed` (calls that ran uncached), `errors` (failures
            of ours), `seconds_saved` (how long the executions took that the hits spared, with what
            they waited for a limiter beneath), `entries` and `bytes` (of all results in the store;
            NaN where it fails, and after `shutdown`), `unsaved` (results that wait in memory for a
            store that fails) and `resting` (how many kinds of operation of the backends are not
            tried at the moment, since they failed).

            Of the limits, in this process: `limiter_grants`, `limiter_waits` (those of the grants
            that had to wait), `limiter_refusals` (`RateLimitError` and `CostError`),
            `limiter_seconds_waited`, `limiter_grants_last_minute`, and `limiter_per_process`: 1
            where the limit holds for this process alone, so that eight workers have eight times
            the rate ("gcra-shared" keeps one for all), 0 where it is shared or there is none. A
            cap (`max_concurrent`) is of one process always, and is not told here.
        """
        stats = {**self._engine.statistics(), **self._limiting.statistics()}
        stats["resting"] += self._limiting.breaker.is_open
        return stats

    # --------------------------------------------------------------------------- limiter

    @overload
    def limiter(self, function: Callable[P, R], /) -> Callable[P, R]: ...

    @overload
    def limiter(
        self,
        /,
        *,
        cost: CallCost | None = None,
        timeout: float | None = None,
        key: Callable[..., str] | None = None,
        settle: Callable[[Any], Cost] | None = None,
        max_concurrent: int | None = None,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...

    @checks_options("limiter")
    def limiter(
        self,
        function: Any = None,
        /,
        *,
        cost: CallCost | None = None,
        timeout: float | None = None,
        key: Callable[..., str] | None = None,
        settle: Callable[[Any], Cost] | None = None,
        max_concurrent: int | None = None,
    ) -> Any:
        """Have each call of a function wait for its permit: ``@spot.limiter(cost=3)``.

        Beneath `mark` only executions pay, never hits.

        Args:
            function: the function, where the decorator stands bare.
            cost: of one call, or a function of the call's arguments that returns it; by default 1.
                Where the Spot has several limits, a table of such: ``{"requests": 1, "tokens":
                estimate}``.
            timeout: seconds that a call may wait, else `RateLimitError`; default as long as it
                takes. The error's `retry_after` is None where the cap refused: nobody knows when a
                call will end.
            key: a function of the call's arguments that returns a text, such as a host: each has
                limits of its own, as the Spot's are.
            settle: a function of the result that returns the real cost.
            max_concurrent: how many calls may be under way at once in this process; with `key`, of
                each key. Eight processes may have eight times as many under way, also where
                "gcra-shared" keeps one rate for all. Functions that one
                ``spot.limiter(...)`` decorates have it together.

        Raises:
            ConfigError: the Spot has no limiter, or an option does not fit.
        """
        from beautyspot.limits.decorator import limited

        _check_made(self, "limiter")
        limit = self._limit(
            cost=cost, timeout=timeout, key=key, settle=settle, max_concurrent=max_concurrent
        )
        if function is None:
            return lambda decorated: limited(limit, decorated)
        return limited(limit, function)

    @checks_options("limit")
    def limit(
        self, *, cost: Cost | None = None, timeout: float | None = None, key: str | None = None
    ) -> Permit:
        """A permit for a block: ``with spot.limit(cost=500) as permit``, or ``async with``.

        `Permit.settle` corrects the cost once it is known.

        Args:
            cost: by default 1; where the Spot has several limits, a table.
            timeout: seconds that the block may wait to begin; default as long as it takes.
            key: the text whose own limits it asks.

        Raises:
            ConfigError: the Spot has no limiter, or an option does not fit.
        """
        from beautyspot.limits.checks import check_cost, check_key, check_timeout
        from beautyspot.limits.permit import Permit

        bucket = self.bucket
        if bucket is None:
            raise self._no_rate()
        if callable(cost):
            raise ConfigError("limit(cost=) is a number or a table: call the function yourself")
        check_cost(cost, bucket)
        check_timeout(timeout)
        known = None if key is None else check_key(key)
        return Permit(self._limiting, 1 if cost is None else cost, timeout, key=known)

    def _limit(self, **options: Any) -> Limit:
        from beautyspot.limits.decorator import Limit

        if self.bucket is None and options["max_concurrent"] is None:
            raise self._no_rate()
        return Limit(self, self._limiting, **options)

    def _no_rate(self) -> ConfigError:
        return ConfigError(
            f"the Spot {self.name!r} has no rate to keep: give it one, "
            f'Spot({self.name!r}, limiter="600/min"), or limiter = "600/min" in beautyspot.toml'
        )

    # --------------------------------------------------------------------- types to know

    @checks_options("register")
    def register(
        self,
        cls: type[Any],
        *,
        encode: Callable[[Any], object] | None = None,
        decode: Callable[[Any], Any] | None = None,
        name: str | None = None,
    ) -> None:
        """Vouch for a class, so that its instances can be stored; see `SerializerBase.register`."""
        self.serializer.register(cls, encode=encode, decode=decode, name=name)

    # ------------------------------------------------------------------------------- end

    @contextmanager
    def disabled(self) -> Iterator[None]:
        """While it lasts, the Spot's functions run uncached, in every thread; for tests."""
        before, self._engine.active = self._engine.active, False
        try:
            yield
        finally:
            self._engine.active = before and not self._engine.closed

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until every result so far is stored.

        Returns:
            False where `timeout` seconds did not do, where the store does not work (then the
            results wait in memory), and where the handler of a signal calls this in the midst of
            code of ours (which goes on writing after it).
        """
        saver = self._engine.saver
        self._engine.uses.write()
        written = saver is None or saver.flush(timeout)
        return written and self._engine.cache.unsaved.try_now()

    def shutdown(self, wait: bool = True) -> None:
        """Store what is left, and close what the Spot made. Calls run uncached from then on.

        What reads or changes the store (`peek`, `invalidate`, `invalidate_all`, `prune`, `collect`)
        is a `MetadataError` then; `key`, `explain` and `stats` answer as far as they can.

        A call that is under way is stored when it returns, which is not waited for; the last of
        them closes the store.

        Args:
            wait: False returns at once, and the rest is done in the background. So it is where
                the handler of a signal calls this in the midst of code of ours.
        """
        self._engine.active, self._engine.closed = False, True
        nothing_waits = self._engine.saver is None or not len(self._engine.saver)
        if not locks.inside() and (wait or nothing_waits):
            self._finalizer()
            return
        if self._finalizer.detach() is not None:
            finish_later(self._engine, self._parts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()


def _check_made(spot: object, method: str) -> None:
    """Refuse ``@Spot.mark``, where the decorated function stands for the Spot."""
    if not isinstance(spot, Spot):
        raise ConfigError(
            f"{method} is a method of a Spot, and was called on the class: make one, "
            f'spot = Spot("app"), and write @spot.{method}'
        )


def _limit(name: str, value: object, check: Callable[[object], L], expected: str) -> L | None:
    try:
        return None if value is None else check(value)
    except (TypeError, ValueError):
        raise ConfigError(f"{name}={value!r:.80}: give {expected}") from None
