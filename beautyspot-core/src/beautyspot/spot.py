"""`Spot`: takes its parts, and hands out `mark`, `cached_run`, `limiter` and `shutdown`."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Self, TypeVar, Unpack, cast, overload

from beautyspot.backends.registry import given_plugins
from beautyspot.backends.spot_backends import PartMethods, Parts
from beautyspot.batch.methods import BatchMethods
from beautyspot.calls.stored_results import StoredResults
from beautyspot.calls.telling import Telling
from beautyspot.concurrency.lazily import Lazily
from beautyspot.config.resolve import UNSET, Config, resolve
from beautyspot.config.settings import SETTINGS, check_name
from beautyspot.contracts import DURATION, seconds
from beautyspot.limits.methods import LimiterMethods, check_made
from beautyspot.messages import OF_OTHER_CACHES, checks_options
from beautyspot.messages import checked as checked_value

# A Spot opens its store, and the rest is imported when it is needed: a start is short.
if TYPE_CHECKING:
    import os
    from concurrent.futures import Executor
    from datetime import timedelta

    from beautyspot.calls.blocks import Block
    from beautyspot.calls.engine import Engine, Owner
    from beautyspot.calls.marking import Marking
    from beautyspot.contracts import (
        BlobStorageBase,
        KeyGenBase,
        LimiterBase,
        MetadataStoreBase,
        SerializerBase,
    )
    from beautyspot.limits.limiting import Limiting
    from beautyspot.observing import Observer
    from beautyspot.resilience.observers import Observers
    from beautyspot.resilience.reporting import Trouble
    from beautyspot.tasks.options import MarkKeywords, MarkOptions
    from beautyspot.tasks.task import Task

P = ParamSpec("P")
R = TypeVar("R")
L = TypeVar("L")

KEPT: Final = "__beautyspot_home__"
"""The attribute of a marked function that keeps its Spot."""

BackendSetting = str | Mapping[str, Any]
"""A name, a URL or a table of options; see `beautyspot.backends.selection`."""


class Spot(PartMethods, StoredResults, Telling, LimiterMethods, BatchMethods):
    """A cache of results and a rate limit, as decorators.

    Every setting except the objects (`executor`, `on_error`, `observers`, `plugins`) can also come
    from the environment (``BEAUTYSPOT_<SETTING>``) or from a file.

    Args:
        name: names the database, ``<directory>/<name>.db``; it can't lead out of the directory.
        directory: the folder of the database and of local blobs; a relative one starts at the
            working directory, or at the folder of the file that sets it.
        db_path: the file of the SQLite database, if elsewhere.
        metadata, storage, serializer, keygen, limiter: the backend of each extension point: an
            instance, a class, a name, a URL or a table ``{"use": name, option: value}``. Several
            limits that hold at once are a list of tables, each with a ``"name"``.
        executor: runs what may block for asynchronous functions; any executor whose workers
            are threads. Default: one of the Spot's own, made when first needed.
        save: "sync": a call returns when its result is stored; or "background": it does not wait.
            Then results under way are lost if the process is killed (SIGKILL, `os._exit`, SIGTERM
            by default action), so leave costly calls at "sync".
        ttl: how long a result is valid: seconds, a `timedelta`, or a text such as "12h" or
            "1h30m"; None or "none" is for ever.
        max_size: keep all results together under that size, in bytes or as a text such as "10GB":
            a thread behind removes what was not used for the longest time. None: no limit.
        blob_threshold: a result of more bytes (or a text such as "64 KiB") goes to the storage,
            unless `mark` says otherwise; 128 KiB by default, from where on a file is faster than
            a row of SQLite.
        compress: "zstd" compresses what is stored, where that makes it smaller, but not media that
            become files for viewers. It takes the extra ``zstd`` before Python 3.14. None and
            False: no compression; what is compressed already is read all the same.
        on_error: called with a `Trouble` for every failure of beautyspot.
        observers: functions that are called with an event (`Hit`, `Miss`, `Ran`, …), and objects
            with methods `observe`, which is called so, and `execution`, which wraps each run of a
            function. They are called in any thread, several at a time.
        profile: the profile of the configuration file to use.
        config: a configuration file; False to read none; None to find one.
        plugins: modules or objects with hooks, for this Spot only.
        enabled: False runs every function uncached. Limits still hold.
        strict: True raises the failures of beautyspot, for tests.
        wait_timeout: how long a call waits for another one that computes the same result, before
            it runs the function itself: as `ttl`.
        mode: "normal"; "readonly", which stores nothing; "replay", where a miss is a
            `CacheMissError` and no function runs, for CI; or "refresh", where each call runs, and
            replaces what is stored.
        signing_key: a secret text or bytes; then a result without a signature by it is a miss.
            With several, the first signs, and all are accepted.
        arguments: whether each result shows people the arguments of its call, as a short text
            without what looks secret. None: where the metadata store is private to this user.
        price_unit: the unit of what ``mark(price=)`` says, such as "$" or "USD". The store keeps
            it, for the command line and the dashboard; of several Spots' the last one counts.

    Raises:
        ConfigError: a setting is wrong; says where it comes from and what is valid.
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
        ttl: float | str | timedelta | None = UNSET,
        max_size: int | str | None = UNSET,
        blob_threshold: int | str = UNSET,
        compress: str | bool | None = UNSET,
        on_error: Callable[[Trouble], object] | None = None,
        observers: Iterable[Observer] = (),
        profile: str | None = None,
        config: str | os.PathLike[str] | bool | None = None,
        plugins: Iterable[object] = (),
        enabled: bool = UNSET,
        strict: bool = UNSET,
        wait_timeout: float | str | timedelta = UNSET,
        mode: str = UNSET,
        signing_key: str | bytes | Sequence[str | bytes] | None = UNSET,
        arguments: bool | None = UNSET,
        price_unit: str | None = UNSET,
    ) -> None:
        given = locals()  # a setting is named in the signature alone
        names = SETTINGS.keys() - {"profile"}
        settings = {key: given[key] for key in names if given[key] is not UNSET}
        self.name, plugins = check_name(name), tuple(given_plugins(plugins))
        others = {"config": config, "profile": profile, "plugins": plugins, "on_error": on_error}
        if observers != ():
            from beautyspot.resilience.observers import checked

            if watchers := checked(observers):
                others["observers"] = watchers
        self._given: dict[str, Any] = settings | others
        self.config: Config = resolve(settings, config=config, profile=profile)
        self._runs_in = executor
        self._parts = Parts(self.name, self.config, plugins)
        self._works: dict[str, Engine] = {}
        self._is_open = False
        try:
            # What the user did not choose can't be a mistake: it is made with the first function.
            for point in ("keygen", "serializer"):
                if self.config.source(point) != "default":
                    getattr(self, point)
            self._open(
                is_plain=executor is None and on_error is None and not self.config["compress"]
            )
            self._parts.check_signed(self._parts.metadata, self.config.source("metadata"))
        except BaseException:  # the Spot is not made
            self._parts.close()
            raise
        me = weakref.ref(cast("Owner", self))
        self._finalizer = weakref.finalize(self, _end, me, self._works, self._parts)

    def _open(self, *, is_plain: bool) -> None:
        """Open the store; or have the engine do that, which reports what fails, and goes on.

        It checks what a Spot seldom has, and has a breaker for a store that may fail for long.
        """
        store = self._parts.metadata
        if is_plain and (store.local or not store.blocking):
            with suppress(Exception):
                store.open()
                self._is_open = True
        if not self._is_open:
            _ = self._engine

    @Lazily
    def _engine(self) -> Engine:
        """What the marked functions share while they run, made with the first of them."""
        if "engine" not in self._works:
            from beautyspot.calls.lifecycle import make_engine, start

            me = cast("Owner", self)
            engine = make_engine(me, self._parts, self.config, self._runs_in)
            if self._works.setdefault("engine", engine) is engine:  # the first of two threads' own
                start(engine, self._parts, is_open=self._is_open)
        return self._works["engine"]

    @Lazily
    def _limiting(self) -> Limiting:
        """What its limited functions share, made with the first of them."""
        from beautyspot.limits.limiting import Limiting

        engine, store, places = self._engine, self._parts.metadata, None
        if store.remote and engine.counting.writes:
            from beautyspot.limits.machine_places import MachinePlaces

            leases, most = engine.cache.leases, store.most_leases
            places = MachinePlaces(leases, most, engine.reporter, engine.executor)
        told = engine.reporter, engine.counting
        made = Limiting(self._parts.limiter, *told, places)
        first: Limiting = vars(self).setdefault("_limiting", made)  # as above
        return first

    @Lazily
    def _observers(self) -> Observers:
        """Those who are told, whom the Spot alone keeps: see `lifecycle`."""
        from beautyspot.resilience.observers import Observers

        given = self._given
        return Observers(self.name, given.get("observers", ()), given["on_error"])

    # ------------------------------------------------------------------------- its parts

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
        return sent_spot(cast("Owner", self), self.name, {**self._given, **places})

    def __beautyspot_key__(self) -> str:
        """An object that holds a Spot may be an argument: the Spot changes no result."""
        return "Spot"

    def __repr__(self) -> str:
        return f"<Spot {self.name!r} with {self.metadata!r}>"

    if not TYPE_CHECKING:  # a checker says of each name that there is none

        def __getattr__(self, name: str) -> Any:
            if name in OF_OTHER_CACHES:
                raise AttributeError(f"a Spot has no {name!r}: {OF_OTHER_CACHES[name]}")
            return object.__getattribute__(self, name)  # which raises as ever

    # ------------------------------------------------------------------------------ mark

    @overload
    def mark(
        self, function: Callable[P, R], /, **options: Unpack[MarkKeywords]
    ) -> Callable[P, R]: ...

    @overload
    def mark(
        self, /, **options: Unpack[MarkKeywords]
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...

    def mark(self, function: Any = None, /, **options: Any) -> Any:
        """Give a function a persistent cache: ``@spot.mark`` or ``@spot.mark(version="2")``.

        It takes functions, coroutine functions, generators, async generators, all sorts of methods,
        and any other callable. The result is a function of the same kind and signature.

        Args:
            function: the function, if the decorator has no parentheses. What is bound to a method
                of an object or to a partial is an argument, ``self``, say:
                ``spot.mark(client.create, ignore=("self",))``.
            version: the version of the function's logic: another version is another key; 2 and "2"
                are one. "auto" follows the code of the function and of the helpers that it calls by
                name, and what the globals hold that these name, but for what functions change.
                It is computed at the first call; at a prompt or in a notebook, at each call.
            save_blob: True stores results in the blob storage, False in the database; None
                decides by size.
            content_type: the MIME type of the results: `bytes` and `str` are then stored as they
                are, and an image, dict or frame in that format, if it comes back equal from it;
                with `save_blob`, for any viewer to open.
            serializer: another serializer than the Spot's.
            key: what identifies a call instead of its arguments, those that are bound included: an
                ID, a function of the arguments that returns one, or a table
                ``{argument: function of its value}``, such as
                ``{"path": KeyGen.from_file_content}``.
            keygen: another key generation than the Spot's.
            ttl: how long a result is valid: seconds, a `timedelta`, or a text such as "12h"; "none"
                is for ever, whatever the Spot's ttl; None takes the Spot's. Or a function of the
                result and the call's arguments that returns one of these.
            stale: for so long after the `ttl`, a call still gets the expired result at once, while
                one call behind it makes the new one; needs a ttl; not for generators.
            tags: names by which several results can be invalidated at once, or a function of the
                result and the call's arguments that returns them.
            ignore: arguments, or parts of one (``"self.client"``), that do not count for the key.
            name: the function's identity, so that moving or renaming it loses no result. No other
                function may use it: two would get each other's results, which is reported.
            cache_if: called with a result; it is stored only if this returns true.
            price: called with a result, of each execution that returned; what it cost, in a unit of
                yours: a finite number. It is stored with the result, and `stats` adds up what was
                spent and saved. If it raises or returns anything else, there is no price.
            mode: as for `Spot`, for this function.
            stale_on_error: if the function raises, return its expired result, if there is one;
                needs a ttl, here or of the Spot; not for generators. With `stale`, only while
                that lasts.
            cache_errors: classes of exceptions that are results: a call that raised one raises it
                again from the cache; not for generators.
            error_ttl: how long such a result is valid; None is as long as others.
            on_cancel: "finish": an execution that has begun goes on, and is stored, though the task
                that called is cancelled; it ends with its event loop. "stop", the default,
                cancels it. For coroutine functions.
            each: the parameter that takes a list of items, of a function that returns a list of as
                many results: each item has a result of its own, and the function is called with
                those that lack one.
            batch: it is called with at most so many items at a time; 1000 if None.
            added: parameters that the function has been given since results were stored, with the
                values at which it does what it did before; the last one that was added comes last.
            renamed_from: identifiers that the function had before, "module:qualified.name" or
                a name=; their results are found too.
            arguments: whether each result shows people the arguments of its call, see
                [security](security.md); None takes the Spot's.
            compress: as for `Spot`; None takes the Spot's, False is no compression.
            mmap: True maps arrays from their files, and does not read them: a change of the array
                never reaches the file. Only the first hit of a process checks the digest, and a
                file that is cut short kills the process; see [values](values.md#mapped).

        Raises:
            ConfigError: an option is unknown or not valid; says which ones there are.
        """
        check_made(self, "mark")
        known = self._marking.options(options)  # here, so that the traceback shows the decorator
        if function is None:
            return lambda decorated: self._mark(decorated, known)
        return self._mark(function, known)

    def _mark(self, function: Any, options: MarkOptions) -> Any:
        if isinstance(function, classmethod | staticmethod):
            return type(function)(self._mark(function.__func__, options))
        marked = self._marking.mark(function, options)
        setattr(marked, KEPT, self)  # the Spot lives as long as one of its functions
        return marked

    def _task(self, function: Callable[..., Any], options: MarkOptions) -> Task:
        return self._marking.task(function, options)

    @Lazily
    def _marking(self) -> Marking:
        from beautyspot.calls.marking import Marking  # takes as long as the rest of a start

        return Marking(self._engine, self._parts, self.config)

    def cached_run(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call `function` through the cache once, without decorating it.

        A function that is marked already keeps its own options. An asynchronous function returns
        an awaitable, as it does without a Spot.
        """
        return cast("R", self._marking.runner("cached_run", function)(*args, **kwargs))

    # ------------------------------------------------------------------------------- end

    @checks_options("using")
    def using(
        self, *, mode: str | None = None, max_age: float | str | timedelta | None = None
    ) -> Block:
        """A block in which calls have another mode, or take no old result.

        ``with spot.using(max_age="1h"): f(1)``. It holds for calls of this Spot's functions that
        its thread or task makes before the end of the block, those inside of such a call included,
        and for the tasks that are started in it; not for other threads and processes. Of blocks in
        each other, the inner one wins in what it gives. A coroutine is called when it is awaited, a
        generator when it is asked for its first item.

        Args:
            mode: as for `Spot`; it wins over that of the Spot and of `mark`.
            max_age: a result that was made longer ago is none, though no `ttl` ends it: the call
                runs, and what it returns is stored. Seconds, a `timedelta`, or a text such as "1h";
                "none" is any age, in a block with a `max_age`.

        Raises:
            ConfigError: nothing is given, or something that does not fit.
        """
        from beautyspot.calls.blocks import Block

        return Block(self._engine, mode, max_age)

    @contextmanager
    def disabled(self) -> Iterator[None]:
        """A context in which the Spot's functions run uncached, in every thread; for tests."""
        before, self._engine.active = self._engine.active, False
        try:
            yield
        finally:
            self._engine.active = before and not self._engine.closed

    def flush(self, timeout: float | str | timedelta | None = None) -> bool:
        """Wait until every result so far is stored, and that of each call behind an expired one.

        The latter are those in threads (see `stale` of `mark`), not tasks of an event loop; within
        a marked function none is waited for.

        Args:
            timeout: for so long: seconds, a `timedelta`, or a text such as "30s"; None waits on.

        A store or storage that keeps failing is left alone for up to a minute. `flush` ends that:
        call it when the fault is mended, and the next calls use the cache again.

        Returns:
            False if `timeout` was not enough, if the store does not work (the results then
            wait in memory).
        """
        if not isinstance(timeout, int | float | None):
            timeout = checked_value("timeout", timeout, seconds, DURATION)
        engine = self._engine
        engine.cache.insist()
        engine.counting.write()
        began = monotonic()
        done = engine.wait_behind(timeout)
        left = None if timeout is None else max(0.0, timeout - (monotonic() - began))
        return done and engine.cache.writer.flush(left)

    def shutdown(self, wait: bool = True) -> None:
        """Store what is left, and close what the Spot made. From then on calls run uncached.

        After that, what reads or changes the store (`peek`, `count`, `set_result`,
        `invalidate`, `invalidate_all`, `prune`, `collect`) raises `MetadataError`; `key`, `explain`
        and `stats` answer as far as they can.

        A call that is under way is stored when it returns. `shutdown` does not wait for it, unless
        it runs in a thread behind an expired result (`stale` of `mark`); the last such call closes
        the store.

        Args:
            wait: False returns at once, and the rest is done in the background.
        """
        self._engine.active, self._engine.closed = False, True
        if wait or not self._engine.cache.writer.pending:
            self._finalizer()
            return
        if self._finalizer.detach() is not None:
            from beautyspot.calls.lifecycle import finish_later

            finish_later(self._engine, self._parts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()


def _end(spot: weakref.ref[Owner], works: dict[str, Engine], parts: Parts) -> None:
    """End a Spot: where it is dropped, by `shutdown`, or at the interpreter's exit."""
    if not works:
        parts.close()
        return
    from beautyspot.calls.lifecycle import end

    end(spot, works["engine"], parts)
