"""The function that a mark puts in the place of the user's: one kind for each kind of function.

What goes on behind a caller begins here, too: the execution of one that is cancelled
(`on_cancel="finish"`), and the call that makes an expired result anew (`stale=`).
"""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401 - for calls that come when no file can be opened
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

import beautyspot.calls.pickling  # noqa: F401 - says how what a wrapper holds is pickled
from beautyspot.calls.fast_path import make_hit
from beautyspot.calls.flow import answer, answer_async, flow, uncache_outside_asyncio
from beautyspot.calls.items import await_items, call_items
from beautyspot.calls.steps import Outcome, drive, drive_async
from beautyspot.calls.streams import generate, iterating
from beautyspot.concurrency import holders, queueing, single_flight
from beautyspot.concurrency.waiting import in_asyncio
from beautyspot.functions.identity import look_like
from beautyspot.limits import concurrency_cap
from beautyspot.messages import error_shown
from beautyspot.results.validity import MISSING
from beautyspot.tasks.task import Call, Task

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Generator

    from beautyspot.calls.engine import Engine


def wrap(engine: Engine, task: Task) -> Callable[..., Any]:
    """A function of the same kind and signature as the task's, answered from the cache if possible.

    `__wrapped__` is the task's function, and `inspect` sees the same kind of function.
    """
    wrapper = _WRAP[task.kind](engine, task)
    look_like(wrapper, task.function)
    wrapper.__beautyspot__ = task  # type: ignore[attr-defined]  # a function takes any attribute
    return wrapper


def perform(engine: Engine, call: Call) -> Any:
    """Make a prepared call in the way of its kind of function."""
    task = call.task
    if task.items is not None:
        return (call_items if task.kind == "function" else await_items)(engine, call)
    return _PERFORM[task.kind](engine, call)


def _call(engine: Engine, call: Call) -> Any:
    """Answer a call; one that the fast path has given its key, and looked up, is a miss."""
    try:
        looked = call.looked and call.key and not call.task.addressing.earlier
        value = MISSING if looked else answer(engine, call, in_place=False)
        if value is MISSING:
            value = drive(flow(engine, call))
        if call.stale:
            renew(engine, call)
        return value
    finally:
        engine.last_calls.note(call)


async def _await(engine: Engine, call: Call) -> Any:
    try:
        looked = call.looked and call.key and not call.task.addressing.earlier
        value, call.waited = MISSING if looked else await answer_async(engine, call), True
        if value is MISSING:
            uncache_outside_asyncio(engine, call)
            if call.task.options.on_cancel == "finish" and in_asyncio():
                value = await _finish(engine, call)
            else:
                value = await drive_async(flow(engine, call), engine.executor)
        if call.stale:
            renew(engine, call)
        return value
    finally:
        engine.last_calls.note(call)


# ---------------------------------------------------------------------- on_cancel="finish"


async def _finish(engine: Engine, call: Call) -> Any:
    """Perform the flow of a call, to its end also where the caller is cancelled.

    It runs in a task of its own, in a copy of the caller's context. The caller waits for it, and is
    cancelled alone. What waits for another run by then, or for the lease, ends with it.
    """
    import asyncio

    task = engine.behind.start(_outcome(engine, call))
    waits = True
    try:
        await asyncio.wait([task])
        waits = False
    finally:  # an interrupted caller takes this way, in whatever manner
        if waits:
            _leave(engine, call, task)
    try:
        return task.result().unwrap()
    finally:
        del task  # what it raised refers to this frame: a cycle for the collector


async def _outcome(engine: Engine, call: Call) -> Outcome:
    """What the flow came to: an error as a value, which asyncio does not miss anybody for."""
    try:
        return Outcome(await drive_async(flow(engine, call), engine.executor))
    except Exception as error:
        return Outcome(error=error)


def _leave(engine: Engine, call: Call, task: asyncio.Task[Outcome]) -> None:
    """Let the execution go on alone; stop what has not begun, which has cost nothing."""
    with suppress(RuntimeError):  # the event loop is closed
        if call.began_at is None:
            task.cancel()
        else:
            call.alone = True
            task.add_done_callback(partial(_tell, engine, call))


def _tell(engine: Engine, call: Call, task: asyncio.Task[Outcome]) -> None:
    """Say what the function raised: its caller is gone."""
    if task.cancelled() or task.exception() is not None:
        return
    error = task.result().error
    if not call.task.is_failure(error):
        return
    name, shown = call.task.func_identifier, error_shown(error)
    engine.reporter.tell(
        f"left {name}",
        f'{name} raised {shown} after its caller had been cancelled (on_cancel="finish"): nothing '
        "is stored, and the next call runs it again",
    )


# ------------------------------------------------------------- one call behind others (`stale=`)


def renew(engine: Engine, call: Call) -> None:
    """Have one call behind make the result anew that `call` was given, though it has expired.

    That of a plain function runs in a thread of the Spot's own, in a copy of its caller's context;
    that of a coroutine function in a task of the running event loop. It is no part of the calls
    around it, which go on without it.

    Nothing is done where that is under way already, or has failed just before; where its result
    would not be stored; and outside of asyncio, where no task can run.
    """
    task, key = call.task, call.key
    holders.end_orphans()
    if not call.may_store or key in engine.flights:
        return
    if not (task.kind == "function" or in_asyncio()):
        return
    again = call.again()
    try:
        if engine.behind.claim(key):
            _begin(engine, again)
    except Exception as error:
        engine.has_run(again)
        advice = "The expired result is given all the same"
        engine.reporter.report("begin a call behind", task.func_identifier, error, advice)


def _begin(engine: Engine, call: Call) -> None:
    if call.task.kind == "function":
        context, dropped = copy_context(), partial(engine.has_run, call)
        engine.running[call] = None  # the store is open until this ends
        engine.behind.later(lambda: context.run(_renew, engine, call), dropped)
    else:
        engine.behind.start(_renew_async(engine, call), awaited=True)


def _renew(engine: Engine, call: Call) -> None:
    try:
        _stand_alone()
        drive(flow(engine, call))
        if call.is_stored:
            engine.behind.has_done(call.key)
    except Exception as error:
        _tell_behind(engine, call, error)
    finally:
        engine.has_run(call)


async def _renew_async(engine: Engine, call: Call) -> None:
    import asyncio

    try:
        _stand_alone()
        await asyncio.sleep(0)  # the caller first, also where tasks begin at once
        if engine.active:
            await drive_async(flow(engine, call), engine.executor)
        if call.is_stored:
            engine.behind.has_done(call.key)
    except Exception as error:
        _tell_behind(engine, call, error)


def _stand_alone() -> None:
    single_flight.stand_alone()
    queueing.stand_alone()
    concurrency_cap.stand_alone()


def _tell_behind(engine: Engine, call: Call, error: Exception) -> None:
    """Say what the function raised: no caller gets that."""
    name = call.task.func_identifier
    engine.reporter.tell(
        f"behind {name} {type(error).__name__}",
        f"{name} raised {error_shown(error)} in a call behind, which was to make an expired result "
        "anew. That is given on while stale= lasts, and another call behind tries again after some "
        "seconds; after that the error reaches the caller",
    )


# ------------------------------------------------------------------------- each kind's wrapper


_PERFORM: dict[str, Callable[[Engine, Call], Any]] = {
    "function": _call,
    "coroutine": _await,
    "generator": generate,
    "async generator": lambda engine, call: iterating(engine, lambda *_: call)(),
}


def _wrap_function(engine: Engine, task: Task) -> Callable[..., Any]:
    hit = make_hit(engine, task) if task.items is None else task.call
    answer_call = _call if task.items is None else call_items

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        found = hit(args, kwargs)
        return answer_call(engine, found) if type(found) is Call else found

    return wrapper


def _wrap_coroutine(engine: Engine, task: Task) -> Callable[..., Any]:
    hit = make_hit(engine, task) if task.items is None else task.call
    answer_call = _await if task.items is None else await_items

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        found = hit(args, kwargs)
        return await answer_call(engine, found) if type(found) is Call else found

    return wrapper


def _wrap_generator(engine: Engine, task: Task) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        return (yield from generate(engine, task.call(args, kwargs)))

    return wrapper


_WRAP: dict[str, Callable[[Engine, Task], Callable[..., Any]]] = {
    "function": _wrap_function,
    "coroutine": _wrap_coroutine,
    "generator": _wrap_generator,
    "async generator": lambda engine, task: iterating(engine, task.call),
}
