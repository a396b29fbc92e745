"""The function that a mark puts in the place of the user's: one kind for each kind of function."""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401 - for calls that come when no file can be opened
from typing import TYPE_CHECKING, Any

import beautyspot.calls.pickling  # noqa: F401 - says how what a wrapper holds is pickled
from beautyspot.calls.fast_path import make_hit
from beautyspot.calls.finishing import finish
from beautyspot.calls.flow import answer, flow, given
from beautyspot.calls.items import await_items, call_items
from beautyspot.calls.looking_up import look_up
from beautyspot.calls.renewing import renew
from beautyspot.calls.reports import warn_outside_asyncio
from beautyspot.calls.steps import Execute, drive, drive_async
from beautyspot.calls.streams import generate, iterating
from beautyspot.concurrency.waiting import in_asyncio
from beautyspot.functions.kinds import look_like
from beautyspot.results.validity import ELSEWHERE, MISSING
from beautyspot.tasks.task import Call, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from beautyspot.calls.engine import Engine


def wrap(engine: Engine, task: Task) -> Callable[..., Any]:
    """A function of the same kind and signature as the task's, answered from the cache if possible.

    `__wrapped__` is the task's function, and `inspect` sees the same kind of function.
    """
    wrapper = _WRAP[_kind(task)](engine, task)
    look_like(wrapper, task.function)
    wrapper.__beautyspot__ = task  # type: ignore[attr-defined]  # a function takes any attribute
    return wrapper


def perform(engine: Engine, call: Call) -> Any:
    """Make a prepared call in the way of its kind of function."""
    return _PERFORM[_kind(call.task)](engine, call)


def _kind(task: Task) -> str:
    return task.kind if task.items is None else f"{task.kind} of items"


def _call(engine: Engine, call: Call) -> Any:
    returned = False
    try:
        value = answer(engine, call, in_place=False)
        if value is MISSING:
            value = drive(flow(engine, call))
        if call.stale:
            renew(engine, call)
        returned = True
        return value
    finally:
        engine.last_calls.note(call, returned=returned)


async def _await(engine: Engine, call: Call) -> Any:
    returned = False
    try:
        value = answer(engine, call, in_place=True)
        if value is ELSEWHERE and in_asyncio():
            value = await look_up(engine, call)
            value = value if value is MISSING else given(engine, call, value)
        if value is MISSING or value is ELSEWHERE:
            value = await _await_function(engine, call, looked=value is MISSING)
        if call.stale:
            renew(engine, call)
        returned = True
        return value
    finally:
        engine.last_calls.note(call, returned=returned)


async def _await_function(engine: Engine, call: Call, *, looked: bool) -> Any:
    """A call for which nothing was found, unless it was not `looked` for."""
    if not in_asyncio():
        return await _await_outside_asyncio(engine, call, looked=looked)
    steps = flow(engine, call)
    if call.task.options.on_cancel == "finish":
        return await finish(engine, call, steps)
    return await drive_async(steps, engine.executor)


async def _await_outside_asyncio(engine: Engine, call: Call, *, looked: bool) -> Any:
    """The same outside of asyncio (in Trio, say), where our waits do not work."""
    replays = call.mode == "replay"  # which never waits for the function
    may_be_renamed = call.task.addressing.earlier and not engine.blocking
    if (replays and not looked) or may_be_renamed:  # else each call would run anew
        value = answer(engine, call, in_place=False)
        if value is not MISSING:
            return value
    if replays:
        return drive(flow(engine, call))
    warn_outside_asyncio(engine, call)
    outcome = await Execute(call, engine.observers).perform_async(engine.executor)
    try:
        return outcome.unwrap()
    finally:
        del outcome  # as in `drive`


_PERFORM: dict[str, Callable[[Engine, Call], Any]] = {
    "function": _call,
    "coroutine": _await,
    "generator": generate,
    "async generator": lambda engine, call: iterating(engine, lambda *_: call)(),
    "function of items": call_items,
    "coroutine of items": await_items,
}


def _wrap_function(engine: Engine, task: Task) -> Callable[..., Any]:
    hit = make_hit(engine, task)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        found = hit(args, kwargs)
        return _call(engine, found) if type(found) is Call else found

    return wrapper


def _wrap_coroutine(engine: Engine, task: Task) -> Callable[..., Any]:
    hit = make_hit(engine, task)

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        found = hit(args, kwargs)
        return await _await(engine, found) if type(found) is Call else found

    return wrapper


def _wrap_generator(engine: Engine, task: Task) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        return (yield from generate(engine, task.call(args, kwargs)))

    return wrapper


def _wrap_function_of_items(engine: Engine, task: Task) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return call_items(engine, task.call(args, kwargs))

    return wrapper


def _wrap_coroutine_of_items(engine: Engine, task: Task) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await await_items(engine, task.call(args, kwargs))

    return wrapper


_WRAP: dict[str, Callable[[Engine, Task], Callable[..., Any]]] = {
    "function": _wrap_function,
    "coroutine": _wrap_coroutine,
    "generator": _wrap_generator,
    "async generator": lambda engine, task: iterating(engine, task.call),
    "function of items": _wrap_function_of_items,
    "coroutine of items": _wrap_coroutine_of_items,
}
