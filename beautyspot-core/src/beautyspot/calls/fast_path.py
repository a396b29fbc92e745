"""The shortest way to a hit, of functions and coroutine functions: where most calls return.

A `ttl`, a signing key, the mode "refresh", a block of `Spot.using`, arguments that are classes of
results, a store that is left alone after failures, a result that is yet to be written, and for
coroutine functions a store whose look-ups block, have the call take the way of `flow.answer`.
"""

from __future__ import annotations

import functools
from time import monotonic
from typing import TYPE_CHECKING, Any

from xxhash import xxh3_128_digest

from beautyspot.contracts import Entry
from beautyspot.keys.memo import FLAT
from beautyspot.resilience.circuit_breaker import is_of_handler
from beautyspot.results.counting import LIMIT as SEEN
from beautyspot.results.validity import MISSING, SMALL, UNSIGNED, fingerprint
from beautyspot.serialization.payload import Payload
from beautyspot.tasks.task import Call, Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.calls.engine import Engine


def quick(  # noqa: C901 - one piece: each call between parts of it takes a fortieth of a hit
    engine: Engine, task: Task
) -> Callable[[tuple[Any, ...], dict[str, Any]], Any]:
    """Make the function that a marked function calls first, with its arguments.

    It returns the value where that does not expire, and lies in its row or in a file that this
    process has checked, and a `Call` in every other case, also where anything fails: `flow.answer`
    meets the failure again, and reports it.
    """
    addressing, form = task.addressing, task.form
    store, waiting, counted = engine.cache.store, engine.cache.writer.pending, task.counted
    find: Callable[[str], object] = store.real.find
    read: Callable[[str], object] = store.real.get
    blocks = store.blocking
    if blocks:
        find, read = _finding_once(store.find), _finding_once(store.get)
    detours = store.detours
    bind, remembered, are_flat = addressing.bind, addressing.memo.get, FLAT.issuperset
    codec = form.codec if form.draw is None else ""  # what is drawn is for `ResultForm.restore`
    uses, observers = engine.counting, engine.observers
    told = observers.told
    seen, ending = uses.seen, f"\n{codec}\n"
    note, whose = engine.last_calls.set, (engine.last_calls.number, addressing.func_identifier)
    checked_file, reads_files = engine.cache.checked_file, task.kind == "function"
    slow = task.ttl is not None or engine.cache.signer is not UNSIGNED
    slow = slow or task.classes is not None or task.refreshes
    slow = slow or (engine.blocking and task.kind != "function")

    def hit(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: C901 - as above
        call = None
        try:
            if detours or not engine.active:
                return Call(task, args, kwargs)
            bound = values, more = bind(*args, **kwargs)
            types: tuple[type, ...] = (*map(type, values),)
            # Of no other values is the hash asked: it may be the user's code.
            place = None if more or not are_flat(types) else (types, values)
            known = None if place is None else remembered(place)
            if known:
                key = known[0]
            else:
                call = Call(task, args, kwargs)
                addressing.address(call, bound, place)
                key = call.key
            if key in waiting:
                return call or Call(task, args, kwargs)
            # The whole row, for `Cache.recall`, where its code is to be compared: by one question
            # where that may take long, else once it is known that there is one.
            compares = call is not None and task.to_compare and key not in task.compared
            found: Any = read(key) if compares and blocks else find(key)
            if compares and not blocks and found is not None:
                found = read(key)
            if type(found) is tuple:  # `Plain`
                data, digest, took, made_at, stored_by, price = found
                if stored_by == codec and len(data) <= SMALL:  # `fingerprint`, without a call
                    own_digest = xxh3_128_digest((key + ending).encode() + data)
                else:
                    own_digest = fingerprint(key, stored_by, data)
                if own_digest != digest:  # damaged, or of a copy
                    call = call or Call(task, args, kwargs)
                    call.found = found
                    return call
                if stored_by == codec:
                    value = form.serializer.loads(data)
                else:
                    value = form.restore(Payload(data, stored_by))
                size: int | None = len(data)
            elif (
                reads_files
                and type(found) is Entry
                and found.expires_at is None
                and (value := checked_file(task, key, found)) is not MISSING
            ):
                took, made_at, price, size = found.took, found.made_at, found.price, None
            else:
                if call is None:
                    call = Call(task, args, kwargs)
                    if known:
                        (call.key, call.input_id, call.version), call.bound = known, bound
                        call.is_flat = True
                call.looked, call.found = found is None, found
                return call
            if price:
                counted.money_saved += price
            counted.seconds_saved += took or 0.0
            counted.hits += 1
            seen[key] = now = monotonic()  # what `Counting.use` does
            if now > uses.due:
                uses.write_later()
            if call is not None and len(seen) > SEEN:  # a key that was not seen before
                uses.write_later()
            note((whose, key, made_at, None, True))
            if told:
                observers.hit(whose[1], key, took, made_at, price, "store", size)
            return value
        except Exception as error:  # else `answer` meets it again, and says it
            if is_of_handler(error):
                raise
        return call or Call(task, args, kwargs)

    return task.call if slow else hit


def _finding_once(find: Callable[[str], object]) -> Callable[[str], object]:
    """A look-up that gives its error: it may take long to fail, and is not to be made twice."""

    def found(key: str) -> object:
        try:
            return find(key)
        except Exception as error:
            return error

    return found


class SentHit(functools.partial[Any]):
    """What `quick` makes, for a function that can be sent to another process only with its code.

    It costs some dozens of nanoseconds more than the function in it, so functions that can be sent
    by name do without.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return make_hit, (self.engine, self.task)  # type: ignore[attr-defined]  # see `make_hit`


def make_hit(engine: Engine, task: Task) -> Callable[..., Any]:
    """What `quick` makes; it can be pickled where its function is sent with its code."""
    hit = quick(engine, task)
    if not _travels_by_code(task.function):
        return hit
    sent = SentHit(hit)
    sent.engine, sent.task = engine, task  # type: ignore[attr-defined]  # a partial takes any
    return sent


def _travels_by_code(function: object) -> bool:
    name = getattr(function, "__qualname__", None)
    inside = not isinstance(name, str) or "<" in name
    return inside or getattr(function, "__module__", "__main__") in ("__main__", "__mp_main__")
