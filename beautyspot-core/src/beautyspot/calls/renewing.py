"""One call behind those that are given an expired result (`stale=`): it makes the new one.

That of a plain function runs in a thread of the Spot's own, in a copy of its caller's context; that
of a coroutine function in a task of the running event loop. It is no part of the calls around it,
which go on without it.
"""

from __future__ import annotations

from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING

from beautyspot.calls.flow import renewal
from beautyspot.calls.steps import drive, drive_async
from beautyspot.concurrency import holders, queueing, single_flight
from beautyspot.concurrency.waiting import in_asyncio
from beautyspot.limits import concurrency_cap
from beautyspot.messages import error_shown

if TYPE_CHECKING:
    from beautyspot.calls.engine import Engine
    from beautyspot.tasks.task import Call


def renew(engine: Engine, call: Call) -> None:
    """Have one call behind make the result anew that `call` was given, though it has expired.

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
        engine.behind.settle(key, done=False)
        advice = "The expired result is given all the same"
        engine.reporter.report("begin a call behind", task.func_identifier, error, advice)


def _begin(engine: Engine, call: Call) -> None:
    if call.task.kind == "function":
        context, ended = copy_context(), partial(engine.has_run, call)
        engine.running[call] = None  # the store is open until this ends
        engine.behind.later(call.key, lambda: context.run(_renew, engine, call), ended)
    else:
        engine.behind.start(_renew_async(engine, call), call.key)


def _renew(engine: Engine, call: Call) -> bool:
    """Whether a newer result is stored now."""
    try:
        _stand_alone()
        return bool(drive(renewal(engine, call)))
    except Exception as error:
        _tell(engine, call, error)
        return False


async def _renew_async(engine: Engine, call: Call) -> bool:
    import asyncio

    try:
        _stand_alone()
        await asyncio.sleep(0)  # the caller first, also where tasks begin at once
        return engine.active and bool(await drive_async(renewal(engine, call), engine.executor))
    except Exception as error:
        _tell(engine, call, error)
        return False


def _stand_alone() -> None:
    single_flight.stand_alone()
    queueing.stand_alone()
    concurrency_cap.stand_alone()


def _tell(engine: Engine, call: Call, error: Exception) -> None:
    """Say what the function raised: no caller gets that."""
    name = call.task.func_identifier
    engine.reporter.tell(
        f"behind {name} {type(error).__name__}",
        f"{name} raised {error_shown(error)} in a call behind, which was to make an expired result "
        "anew. That is given on while stale= lasts, and another call behind tries again, each time "
        "after a longer pause; after that the error reaches the caller",
    )
