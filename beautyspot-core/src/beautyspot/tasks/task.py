"""`Task`, what a mark knows of its function, and `Call`, one call of it."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, Final

from beautyspot.config.settings import or_none
from beautyspot.contracts import as_time, seconds
from beautyspot.errors import BeautyspotError
from beautyspot.functions.annotations import signature_of
from beautyspot.functions.names import unwrap_ours
from beautyspot.serialization.annotations import classes_by_arguments
from beautyspot.serialization.payload import ERROR, Payload
from beautyspot.serialization.serializer import dump_error, load_error
from beautyspot.tasks.addressing import Addressed
from beautyspot.tasks.combinations import check_combinations
from beautyspot.tasks.form import ResultForm
from beautyspot.tasks.items import Items
from beautyspot.tasks.options import Terms
from beautyspot.tasks.telling import TellingAddressing

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import Entry, KeyGenBase, Plain, SerializerBase, TaskRecord
    from beautyspot.contracts.values import Types
    from beautyspot.observing import Reason
    from beautyspot.tasks.addressing import FirstKey
    from beautyspot.tasks.counted import Counted
    from beautyspot.tasks.options import MarkOptions

    FoundAs = tuple[float | None, float | None, int | None]
    """When a result was made, the price of that, and the size of it."""


COMPARED: Final = 10
"""So many hits of a function, of calls that are new to the process, are compared with its code."""


_VARIANTS: Final = 64
"""For so many sets of classes that were passed, it is remembered how their instances are stored."""


class Call(Addressed):
    """One call that was not answered at once: what the flow needs of it."""

    saves = 0.0  # seconds that the execution took whose result was found
    spares = 0.0  # what it cost
    price: float | None = None  # what this call's own execution cost
    terms: Terms | None = None  # of its result, where they are not those of all
    found: Plain | Entry | TaskRecord | Exception | None = (
        None  # by a first look-up, or its failure
    )
    looked = False  # whether it was looked up already, and nothing was there
    asked: str | None = None  # the mode that holds here, once blocks were asked for it
    max_age: float | None = None  # the seconds over which no result is taken
    stale = False  # whether an expired result was found, to be given all the same
    alone = False  # whether its caller goes on before it ends, and may change arguments
    rejected = -inf  # what is stored counts as nothing if it was made by then, in Unix time
    began_at: float | None = None  # when the function began, in Unix time, by the store's clock
    is_hit = False  # whether it got a result without running
    is_stored = False  # whether its own result is stored by now, or queued for that
    invalidated = False  # since it began: only the store may say whether its result is stored
    changed = False  # what its key is made of changed: its result is its caller's alone
    made_at: float | None = None  # when the result was made, in Unix time
    why: Reason | None = None  # why it is a miss, if not since nothing is stored
    found_as: FoundAs | None = None  # what observers are told of a result that was found
    replaces: str | None = None  # the location of a blob that this call's result replaces

    def __init__(self, task: Task, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.task = task
        self.args = args
        self.kwargs = kwargs
        self.refresh = task.refreshes  # whether to run whatever is stored

    @property
    def mode(self) -> str | None:
        """The mode in which it is made: that of its block, or of its function."""
        return self.asked or self.task.options.mode

    @property
    def may_store(self) -> bool:
        """Whether its mode lets its result be stored."""
        return self.mode not in ("readonly", "replay")

    def again(self) -> Call:
        """The same call, to make anew behind this one what this one has found."""
        call = Call(self.task, self.args, self.kwargs)
        call.key, call.input_id, call.version = self.key, self.input_id, self.version
        call.bound, call.is_flat, call.own_id = self.bound, self.is_flat, self.own_id
        call.asked, call.alone, call.waited = self.asked, True, True
        made_at = None if self.found_as is None else as_time(self.found_as[0])
        call.rejected = inf if made_at is None else made_at
        return call


class Task:
    """A marked function.

    Attributes:
        function: the user's function.
        kind: "function", "coroutine", "generator" or "async generator".
        is_async: whether its calls run in event loops.
        options: of the mark.
        owner: gives the Spot that marked it, or None where that is gone; for pickle.
        addressing: how its calls become keys.
        func_identifier: its name in messages and in the table of results.
        form: in which form its results are kept.
        ttl: how long they are valid, in seconds; None is for ever, or said by each result.
        stale: for how many seconds after that they are given all the same; None if not.
        refreshes: whether each call runs, whatever is stored.
        terms: of each result, where its mark gives no functions that say them.
        asks_terms: whether it does.
        is_judged: likewise, or a function says which results are stored.
        places: whether its mark says where the bytes of its results go, or to compress them.
        items: how it is called with a list of items, where these have results of their own.
        draw: see `ResultForm`; None where what the function returns is a list of items.
        error_terms: of an error that is a result.
        classes: what finds the classes for which a call's arguments vouch; None if none do.
        to_compare: of so many hits it is yet to be seen whether other code made their results.
        compared: the keys of those of which it was seen.
        counted: what the calls of all functions of its identifier came to.
        is_limited: whether the function begins when a limit lets it, and not at once.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        kind: str,
        options: MarkOptions,
        *,
        keygen: KeyGenBase,
        serializer: SerializerBase,
        types: Types,
        owner: Callable[[], object],
        on_first_key: FirstKey,
        counted_of: Callable[[str], Counted],
        on_first_call: Callable[[], object],
        is_private: Callable[[], bool],
        is_limited: bool = False,
    ) -> None:
        self.function = function
        self.is_limited = is_limited
        self.kind, self.is_async = kind, kind in ("coroutine", "async generator")
        self.options = options
        self.owner = owner
        self.ttl: float | None = None if callable(options.ttl) else options.ttl
        self.refreshes = options.mode == "refresh"
        tags = () if callable(options.tags) else options.tags
        self.terms = Terms(self.ttl, tags)
        self.asks_terms = callable(options.ttl) or callable(options.tags)
        self.is_judged = self.asks_terms or options.cache_if is not None
        self.places = bool(options.compress) or options.save_blob is not None
        lasts = self.ttl if options.error_ttl is None else or_none(seconds)(options.error_ttl)
        self.error_terms = Terms(lasts, tags)
        self.stale: float | None = options.stale
        has_decided = options.version is not None or bool(options.added)  # its author
        self.to_compare = 0 if has_decided else COMPARED
        self.compared: set[str] = set()
        self.addressing = TellingAddressing(function, options, keygen, on_first_key, on_first_call)
        self.func_identifier = self.addressing.func_identifier
        self.counted = counted_of(self.func_identifier)
        self.form = ResultForm(
            function,
            options,
            serializer,
            types,
            streams="generator" in kind,
            is_private=is_private,
        )
        check_combinations(
            self.func_identifier, function, kind, options, is_local=self.addressing.is_local
        )
        each = options.each
        self.items = None if each is None else Items(self.func_identifier, function, each)
        self.draw = self.form.draw if each is None else None  # there it is done item by item
        self.classes = classes_by_arguments(unwrap_ours(function))
        self._variants: dict[tuple[int, ...], tuple[list[Any], Task]] = {}

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        """A call of the function, whose result may be of classes that it was given."""
        return Call(self if self.classes is None else self._given(args, kwargs), args, kwargs)

    def _given(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Task:
        """This task, for calls that vouch for the classes in these arguments."""
        assert self.classes is not None  # noqa: S101 - see `call`
        try:
            vouched = self.classes(args, kwargs)
        except Exception:  # arguments that do not fit, or values that raise
            return self
        key = (*map(id, vouched),)  # not by equality, which a metaclass may define
        known = self._variants.get(key)
        if known is None:
            if len(self._variants) >= _VARIANTS:
                self._variants.clear()
            variant = object.__new__(Task)  # `copy` would do as pickle does
            vars(variant).update(vars(self))
            variant.form = self.form.vouching(vouched)
            known = self._variants[key] = vouched, variant
        return known[1]

    def is_result(self, error: Exception | None) -> bool:
        """Whether an error that the function raised is a result; none of beautyspot's is."""
        chosen = self.options.cache_errors
        return isinstance(error, chosen) and not isinstance(error, BeautyspotError)

    def is_failure(self, error: Exception | None) -> bool:
        """Whether there is an error, and it is no result."""
        return error is not None and not self.is_result(error)

    def encode_error(self, error: Exception) -> Payload:
        """The bytes of an error that is a result.

        Raises:
            SerializationError: it has no faithful stored form.
        """
        return Payload(dump_error(self.form.errors, error), ERROR)

    def restore_error(self, payload: Payload, form: ResultForm) -> Exception | None:
        """A stored error, made again; None where the mark does not name its class.

        Args:
            payload: of the error.
            form: this task's, or for a row that others may have written `of_others`.

        Raises:
            RestoreError: damaged, or of a class that does not count.
        """
        classes = self.options.cache_errors
        return load_error(form.errors, payload.data, classes) if classes else None

    def fits(self, call: Call) -> bool:
        """Whether the call's arguments fit the function's signature."""
        try:
            signature_of(self.function).bind(*call.args, **call.kwargs)
        except (TypeError, ValueError):
            return False
        return True
