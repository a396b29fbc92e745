"""`Marking`: what `spot.mark` does with a function, and which call a question is about."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from beautyspot import logs
from beautyspot.calls.duplicates import Duplicates
from beautyspot.calls.items import taken_apart
from beautyspot.calls.wrappers import wrap
from beautyspot.errors import BeautyspotError, ConfigError, UnstableKeyError
from beautyspot.functions.identity import check_is_no_object, kind_of
from beautyspot.functions.names import OURS, is_ours
from beautyspot.limits.payer import payer_of
from beautyspot.results.validity import UNSIGNED
from beautyspot.serialization.payload import check_installed
from beautyspot.serialization.trust import is_private
from beautyspot.tasks.options import MarkOptions
from beautyspot.tasks.task import Call, Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.backends.spot_backends import Parts
    from beautyspot.calls.engine import Engine
    from beautyspot.config.resolve import Config

RUNNERS: Final = 64
"""Undecorated functions that stay marked for `cached_run`; then the table is cleared."""


class Marking:
    """Marks functions for one Spot, which it does not keep.

    Attributes:
        earlier: by identifier, those that the function of that identifier had before.
    """

    def __init__(self, engine: Engine, parts: Parts, config: Config) -> None:
        logs.adapter()  # a call that fails has to log that, and may not import it then
        self._engine = engine
        self._parts = parts
        self._config = config
        self._duplicates = Duplicates(engine)
        self._runners: dict[int, Callable[..., Any]] = {}
        self.earlier: dict[str, tuple[str, ...]] = {}

    def options(self, keywords: dict[str, Any]) -> MarkOptions:
        """The options that a user wrote, checked, with the Spot's where there are none of its own.

        Raises:
            ConfigError, BackendNotFound: one does not fit.
        """
        shown = self._config["arguments"]
        of_spot = {
            **{name: self._config[name] for name in ("ttl", "mode", "compress")},
            "arguments": self._parts.metadata.private if shown is None else shown,
        }
        options = MarkOptions.checked(keywords, of_spot)
        if options.save_blob:
            self._parts.required_storage("mark(save_blob=True) needs a storage")
        if options.mmap:
            storage = self._parts.required_storage()
            signs = self._engine.cache.signer is not UNSIGNED
            if signs or (storage.blocking and not storage.local):
                raise ConfigError(
                    f"mark(mmap=True) maps files of a disk of this machine, so it does not go with "
                    f"a storage elsewhere (this one is {storage!r}); nor with a signing_key: who "
                    "can write into the folder could change a file after it was checked. Leave "
                    "mmap= out, or mark the function by another Spot, with a name of its own"
                )
        if options.compress:
            check_installed("mark:")
        return options

    def mark(self, function: Any, options: MarkOptions) -> Callable[..., Any]:
        """A marked function in the place of `function`.

        Raises:
            ConfigError: it can't be called, is a class, or an option does not fit it.
        """
        check_callable(
            function, "mark takes a function", "write @spot.mark above a def, below @property"
        )
        check_is_no_object(function)
        if options.name is None:
            self._duplicates.note_wrapper(function)
        return wrap(self._engine, self.task(function, options))

    def task(self, function: Callable[..., Any], options: MarkOptions) -> Task:
        """What the mark of `function` knows of it."""
        parts, payer = self._parts, payer_of(function)
        parts.foresee_storage()
        task = Task(
            function, kind_of(function), options, types=parts.types,
            keygen=self._chosen("keygen", options.keygen),
            serializer=self._chosen("serializer", options.serializer),
            owner=self._engine.owner, on_first_key=self._duplicates.note,
            counted_of=self._engine.counting.of, on_first_call=self._engine.follow_level,
            is_private=self._is_private, is_limited=payer is not None,
        )  # fmt: skip
        if payer is not None and options.name is not None:
            payer.name = task.func_identifier
        if task.addressing.earlier:
            self.earlier[task.func_identifier] = task.addressing.earlier
        return task

    def _chosen(self, point: str, given: object) -> Any:
        """The backend that a mark gives for an extension point, or else the Spot's."""
        chosen: Any = getattr(self._engine.owner(), point)
        if given is not None:
            chosen = self._parts.make(point, given, source=f"mark({point}=)")
        return chosen.supporting(self._parts.types)

    def _is_private(self) -> bool:
        """Whether nobody but this user can have written results: of store and storage, if any."""
        if not is_private(self._parts.metadata):
            return False
        try:
            storage = self._parts.storage()
        except BeautyspotError:  # out of reach for now
            return False
        return storage is None or is_private(storage)

    def runner(self, method: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function` itself if it is marked, else a marked function in its place.

        Raises:
            ConfigError: it can't be called; `method` is what the user called.
        """
        check_callable(
            function,
            f"{method} takes a function and its arguments",
            f"write spot.{method}(function, argument, ...), without calling the function",
        )
        if is_marked(function):
            return function
        # By `id`, not by equality: equal objects may do different things. Each runner keeps its
        # function, so that no `id` in the table is used again.
        known = self._runners.get(id(function))
        if known is None:
            known = wrap(self._engine, self.task(function, self.options({})))
            if getattr(function, "__self__", None) is not None:
                return known  # a bound method is another object at each access
            if len(self._runners) >= RUNNERS:
                self._runners = {}
            self._runners[id(function)] = known
        return known

    def call(
        self,
        method: str,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Call:
        """The call that ``function(*args, **kwargs)`` makes, or would make if it were marked."""
        task = _task_of(function)
        if task is None:
            task = _task_of(self.runner(method, function))
        elif inspect.ismethod(function):
            args = (function.__self__, *args)
        assert task is not None  # noqa: S101 - a runner has one
        return task.call(args, kwargs)

    def addressed(
        self,
        method: str,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Call:
        """The same with its key.

        Raises:
            TypeError: the arguments do not fit the function.
            UnstableKeyError: an argument has no stable form; says how to leave it out.
            ConfigError: it is a call of several items, each of which has a key, or of none.
        """
        whole, calls = self.all_addressed(method, function, args, kwargs)
        if len(calls) != 1:
            raise ConfigError(
                f"spot.{method} is about one result, and each item of "
                f"{whole.task.func_identifier} has one: give a list of one item, not of "
                f"{len(calls)}"
            )
        return calls[0]

    def all_addressed(
        self,
        method: str,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> tuple[Call, list[Call]]:
        """The call, and those calls that have keys: its items', or the call itself.

        Raises:
            TypeError, UnstableKeyError: as in `addressed`.
            ItemsError: there is no list.
        """
        call = self.call(method, function, args, kwargs)
        calls = [call]
        if call.task.items is not None:
            given, calls = taken_apart(call)
            call = Call(call.task, *given.holding(given.items))
        for each in calls:
            try:
                each.task.addressing.address(each)
            except UnstableKeyError as error:
                advice = each.task.addressing.advice(each, error)
                raise UnstableKeyError(f"{error}; {advice}", path=error.path) from error
        return call, calls


def check_callable(function: object, takes: str, instead: str) -> None:
    """Refuse what is no function.

    Raises:
        ConfigError: says what to write.
    """
    if not callable(function):
        raise ConfigError(f"{takes}, not {function!r:.80}: {instead}")


def _task_of(function: object) -> Task | None:
    """The task of a marked function or method, or of what a decorator above has made of one."""
    function = getattr(function, "__func__", function)  # of static and class methods, too
    task = getattr(function, OURS, None)  # `functools.wraps` copies it
    return task if isinstance(task, Task) else None


def is_marked(function: object) -> bool:
    """Whether `function` is a mark's own wrapper, or a method that is one."""
    return is_ours(getattr(function, "__func__", function)) and _task_of(function) is not None
