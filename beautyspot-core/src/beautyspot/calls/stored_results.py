"""The part of a Spot that answers questions about stored results, and that removes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast

from beautyspot.contracts import DURATION, Invalidation, seconds
from beautyspot.contracts.records import clean
from beautyspot.errors import ConfigError, UnstableKeyError
from beautyspot.logs import logger
from beautyspot.messages import checked, checks_options, did_you_mean

# What many programs never call is imported by its method: a start is short.
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from beautyspot.backends.spot_backends import Parts
    from beautyspot.calls.engine import Engine
    from beautyspot.calls.explanation import Explanation, Stored
    from beautyspot.calls.marking import Marking
    from beautyspot.concurrency.lazily import Lazily
    from beautyspot.resilience.guarded_backends import GuardedStorage
    from beautyspot.results.collecting import Collected
    from beautyspot.results.pruning import Pruned
    from beautyspot.tasks.task import Call

P = ParamSpec("P")
R = TypeVar("R")

_OF_A_PART: Final = (
    ". A part of the results, such as those of one function, is pruned by "
    "open_store(spot).prune(function=…)"
)


class StoredResults:
    """Methods of `Spot`."""

    _engine: Lazily[Engine]
    _marking: Lazily[Marking]
    _parts: Parts

    def key(self, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> str:
        """The key of a call of `function` with these arguments: 32 hex digits.

        Raises:
            UnstableKeyError: an argument has no stable form; the call would run uncached.
        """
        return self._marking.addressed("key", function, args, kwargs).key

    def peek(
        self, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs
    ) -> Stored | None:
        """What is stored for a call, without running `function`: a `Stored`, or None.

        None too where the result has expired, or is over the `max_age` of a block of `using`.

        Raises:
            UnstableKeyError: an argument has no stable form.
            MetadataError: the Spot was shut down. If the store fails, the result is None, and the
                failure is reported.
        """
        from beautyspot.calls.blocks import join

        self._engine.check_open()
        call = self._marking.addressed("peek", function, args, kwargs)
        join(self._engine, call)
        return self._recalled(call, stale=call.task.stale is not None)

    def previous(
        self, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs
    ) -> Stored | None:
        """What is stored for a call, as `peek` gives it, also where that has expired.

        For a function that renews its own result: in the function, it is what the last run has
        stored. No `max_age` of a block of `using` counts. An error that has expired is None, and so
        is a result that is older than the `stale` of the mark, where it has one.

        Raises:
            UnstableKeyError: an argument has no stable form.
            MetadataError: the Spot was shut down. If the store fails, the result is None, and the
                failure is reported.
        """
        self._engine.check_open()
        call = self._marking.addressed("previous", function, args, kwargs)
        return self._recalled(call, stale=True)

    def _recalled(self, call: Call, *, stale: bool) -> Stored | None:
        from beautyspot.calls.explanation import Stored
        from beautyspot.results.validity import MISSING
        from beautyspot.serialization.payload import StoredError

        call.refresh = False
        cache = self._engine.cache
        value = cache.recall(call, stale=stale)
        if value is MISSING:
            return None
        if value.__class__ is StoredError:
            return Stored(None, call.key, error=value.taken())
        return Stored(value, call.key, cache.whereabouts(call.replaces))

    def refresh(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a call whatever is stored, and replace that; awaitable for an async function.

        If the new result is not stored (because `cache_if` refuses it, say), the old one stays.

        Raises:
            UnstableKeyError: an argument has no stable form.
        """
        from beautyspot.calls.blocks import join
        from beautyspot.calls.wrappers import perform

        call, _ = self._marking.all_addressed("refresh", function, args, kwargs)
        call = call.task.call(call.args, call.kwargs)  # which gets its key when it is made
        join(self._engine, call)
        call.asked, call.refresh = call.mode, True
        return cast("R", perform(self._engine, call))

    def set_result(
        self, value: object, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Store a value as the result of a call, which does not run.

        It is what the next such call gets: an answer of a batch API, or a correction by hand. It
        replaces what is stored, and is stored when this returns, with ``save="background"`` too.
        Calls that are under way now return what they compute, which is not stored. The tags and the
        ttl are those of the mark; `cache_if` and `price` are not asked.

        Args:
            value: what the function would return: of a coroutine function what is awaited; of a
                generator its items, of which a generator's own return value counts, too; with
                ``mark(each=)`` the results of the items, in their order. An exception of the mark's
                ``cache_errors=`` is what the call raises.
            function: marked or not; the arguments of the call follow it.

        Raises:
            UnstableKeyError: an argument has no stable form.
            SerializationError: the value can't be stored and restored as it is.
            MetadataError: the store failed; what was stored before may be there still.
            StorageError: the storage failed, of a `File`.
            ConfigError: the Spot is switched off, or the mode is "readonly" or "replay"; a function
                given as ttl= or tags= answered something else than that; the value is no iterable
                of items.
            ItemsError: there are not as many results as items.
        """
        from beautyspot.calls.marking import check_callable
        from beautyspot.calls.setting import set_results

        check_callable(
            function,
            "set_result takes a value, and then a function and its arguments",
            "write spot.set_result(value, function, argument, ...)",
        )
        self._engine.check_open()
        whole, calls = self._marking.all_addressed("set_result", function, args, kwargs)
        set_results(self._engine, whole, calls, value)

    def invalidate(self, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Forget what is stored for one call; returns whether there was a result.

        A call that is under way now returns its result, which is not stored. Of a function with
        ``mark(each=)`` each item of the list is forgotten.

        Raises:
            UnstableKeyError: an argument has no stable form.
            MetadataError: the store failed, and the result is still there.
        """
        self._engine.check_open()
        _, calls = self._marking.all_addressed("invalidate", function, args, kwargs)
        cache = self._engine.cache
        # Earlier keys first: what was found there until then is stored under the call's own key.
        several = [[*call.task.addressing.earlier_keys(call), call.key] for call in calls]
        gone = [cache.invalidate(Invalidation(key)) for each in several for key in each]
        return any(gone)

    @checks_options("invalidate_all")
    def invalidate_all(
        self,
        function: Callable[..., Any] | str | None = None,
        *,
        version: str | int | None = None,
        tag: str | None = None,
    ) -> int:
        """Forget every result that matches all arguments; returns how many there were.

        Calls that are under way now return their results, which are not stored.

        Args:
            function: results of this function, or of this identifier: "module:qualified.name", or
                what `mark` has as name=; those under `renamed_from` too. An identifier that no
                function has forgets nothing, and a warning says so, with the nearest one.
            version: results of this version; 2 and "2" are one. That of "auto" is stored as
                "auto:" and a digest of the code.
            tag: results with this tag.

        Raises:
            ConfigError: nothing is given. What removes everything is
                ``open_store(spot).remove(function="*")``.
            MetadataError: the store failed; what was not reached is still there.
        """
        if function is None and version is None and tag is None:
            raise ConfigError(
                "say what to forget: invalidate_all(function, version=…, tag=…); all that is "
                'stored is removed by open_store(spot).remove(function="*")'
            )
        if version == "auto":
            raise ConfigError(
                'invalidate_all(version="auto") names no version: "auto" is stored as "auto:" and '
                "a digest of the code; give that, as `beautyspot ls --json` shows versions, "
                " or leave version= out to forget a function's results of every version"
            )
        if callable(function):
            function = self._marking.call("invalidate_all", function, (), {}).task.func_identifier
        if not isinstance(function, str | None):
            raise ConfigError(
                f"invalidate_all takes a function, or its identifier as a text, not "
                f"{function!r:.80}: give one of these, or version= or tag="
            )
        names = [*self._marking.earlier.get(function or "", ()), function]
        self._engine.check_open()
        cache, version = self._engine.cache, None if version is None else clean(str(version))
        tag = None if tag is None else clean(tag)
        whats = [
            Invalidation(None, None if name is None else clean(name), version, tag)
            for name in names
        ]
        removed = sum(map(cache.invalidate, whats))
        known = [counted.func_identifier for counted in self._engine.counting]
        if not removed and isinstance(function, str) and function not in known:
            logger.warning(
                "invalidate_all(%.200r): no function of that identifier is marked here, and "
                "nothing that matches is stored, so nothing was forgotten.%s",
                function,
                did_you_mean(function, known),
            )
        return removed

    def explain(
        self, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs
    ) -> Explanation:
        """Why a call of `function` is a hit or a miss; what differs from the nearest one stored.

        It runs nothing.
        """
        from beautyspot.calls.explanation import Explanation, explain

        try:
            call = self._marking.addressed("explain", function, args, kwargs)
        except UnstableKeyError as error:
            reason = f"it has no key: {error}"
            return Explanation(hit=False, key="", reason=reason, arguments={})
        return explain(self._engine, call)

    @checks_options("prune", _OF_A_PART)
    def prune(
        self,
        *,
        max_size: int | str | None = None,
        max_entries: int | None = None,
        older_than: float | str | timedelta | None = None,
        unused_for: float | str | timedelta | None = None,
        expired: bool = True,
    ) -> Pruned:
        """Remove results that are over a limit. Nothing else removes results by itself.

        It is safe while others read and write. A result that has just replaced another one stays.

        Args:
            max_size: the size of all results together, in bytes or as a text such as "1GB"; results
                that were not used for the longest time go first.
            max_entries: the number of all results; the same ones go first.
            older_than: remove results made that long ago: seconds, or a text such as "30d".
            unused_for: remove results that were neither made nor found for that long. Another
                process's uses are known after an hour at most.
            expired: remove results that have expired, by the `ttl` that they were made with.

        Raises:
            ConfigError: a limit is not a size, a number or a duration.
            MetadataError: the store failed; what was not reached is still there.
        """
        from beautyspot.results.pruning import prune, read_limits

        limits = read_limits(
            max_size=max_size,
            max_entries=max_entries,
            older_than=older_than,
            unused_for=unused_for,
            expired=expired,
        )
        self._engine.check_open()
        self._engine.counting.write()  # rows say from when what this process has found was used
        return prune(self._engine.cache, limits)

    @checks_options("collect")
    def collect(self, *, grace: float | str | timedelta = "1h") -> Collected:
        """Remove blobs that no result names, such as those of a process that was killed.

        It removes only blobs of this Spot's own store, however many share the storage. It is safe
        while others read and write.

        Args:
            grace: keep younger blobs: seconds, or a text such as "1h". It must be longer than any
                save takes.

        Raises:
            ConfigError: `grace` is not a duration.
            BackendNotFound: no storage is installed.
            NotSupportedError: the storage or the metadata store can't do it.
            MetadataError, StorageError: one of them failed, or gave no answer; what was not reached
                is still there.
        """
        from beautyspot.results.collecting import collect

        least = checked("grace", grace, seconds, DURATION)
        self._engine.check_open()
        self._parts.required_storage()
        cache = self._engine.cache
        cache.insist()
        return collect(cache, cast("GuardedStorage", cache.storage()), least)
